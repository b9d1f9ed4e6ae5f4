"""The application, for `flask` and for any WSGI server: `app:app`."""

import sys

from contacts_service import create_app
from contacts_service.config import SettingsError

try:
    app = create_app()
except SettingsError as error:
    sys.exit(f"The contacts service cannot start: {error}")
