"""The application, for `flask` and for any WSGI server: `app:app`."""

from flask.cli import load_dotenv

from contacts_service.__main__ import load_app

load_dotenv()  # `flask` has done so; other servers have not
app = load_app()
