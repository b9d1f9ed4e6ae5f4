"""The `contacts` command: the commands of `flask` for this application, from any folder."""

import os
import sys
from pathlib import Path

import click
from dotenv import find_dotenv
from dotenv.parser import parse_stream
from flask import Flask
from flask.cli import FlaskGroup, ScriptInfo

from contacts_service.config import SettingsError
from contacts_service.factory import create_app

EXTENSION_COMMANDS = {"db", "openapi"}  # of Flask-Migrate and flask-smorest
INDENT = 6  # of a command's help, beyond its name


def _check_dotenv() -> None:
    """Raise SettingsError for a line of the `.env` file that was skipped when it was read."""
    path = find_dotenv(usecwd=True)
    if path:
        with Path(path).open(encoding="utf-8") as file:
            for binding in parse_stream(file):
                if binding.error:
                    line = binding.original.line
                    raise SettingsError(f"{path}, line {line}: this is no setting.")


def load_app() -> Flask:
    """The application with the settings of the environment; where they will not do, the exit."""
    try:
        _check_dotenv()
        return create_app()
    except SettingsError as error:
        print(f"The contacts service cannot start: {error}", file=sys.stderr)  # noqa: T201
        sys.exit(os.EX_TEMPFAIL)  # a mail server that pipes to `inbound mail` tries again


class Commands(FlaskGroup):
    """Shows the commands of the service first, then those that Flask adds."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        ours = set(self.load_application(ctx).cli.commands) - EXTENSION_COMMANDS
        everything = {name: self.get_command(ctx, name) for name in self.list_commands(ctx)}
        for title, is_ours in (("Commands", True), ("Commands of Flask and its extensions", False)):
            names = [name for name in everything if (name in ours) == is_ours]
            width = formatter.width - max(map(len, names)) - INDENT
            with formatter.section(title):
                shown = [(name, everything[name]) for name in names]
                formatter.write_dl(
                    [(name, each.get_short_help_str(width)) for name, each in shown if each]
                )

    def load_application(self, ctx: click.Context) -> Flask:
        return ctx.ensure_object(ScriptInfo).load_app()


main = Commands(name="contacts", create_app=load_app, help="The contacts service.")

if __name__ == "__main__":
    main()
