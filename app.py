"""The application, for `flask` and for any WSGI server: `app:app`."""

import os
import sys

from contacts_service.config import SettingsError
from contacts_service.factory import create_app

try:
    app = create_app()
except SettingsError as error:
    print(f"The contacts service cannot start: {error}", file=sys.stderr)  # noqa: T201
    sys.exit(os.EX_TEMPFAIL)  # a mail server that pipes to `flask inbound mail` tries again
