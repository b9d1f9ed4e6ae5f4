"""The application, for `flask` and for any WSGI server: `app:app`."""

from contacts_service.__main__ import load_app

app = load_app()
