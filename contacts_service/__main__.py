"""The `contacts` command: the commands of `flask` for this application, from any folder."""

import os
import sys

from flask import Flask
from flask.cli import FlaskGroup

from contacts_service.config import SettingsError
from contacts_service.factory import create_app


def load_app() -> Flask:
    """The application with the settings of the environment; where they will not do, the exit."""
    try:
        return create_app()
    except SettingsError as error:
        print(f"The contacts service cannot start: {error}", file=sys.stderr)  # noqa: T201
        sys.exit(os.EX_TEMPFAIL)  # a mail server that pipes to `inbound mail` tries again


main = FlaskGroup(name="contacts", create_app=load_app, help="The contacts service.")

if __name__ == "__main__":
    main()
