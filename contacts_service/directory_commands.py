"""`flask contacts` and `flask demo`: the directory in and out of files, and a made-up one."""

import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import ParamSpec

import click
from flask.cli import AppGroup, with_appcontext
from sqlalchemy.exc import SQLAlchemyError

from contacts_service import demo, transfer
from contacts_service.config import SettingsError
from contacts_service.csv_files import FileError
from contacts_service.demo_people import DemoError
from contacts_service.migration import migrate_database

P = ParamSpec("P")

contacts_group = AppGroup("contacts", help="The directory as a CSV file.")
FilePath = click.Path(path_type=Path)


def on_the_database(command: Callable[P, None]) -> Callable[P, None]:
    """Let a command find its tables, and end with a sentence where it cannot do its work."""

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            migrate_database()
            command(*args, **kwargs)
        except (FileError, SettingsError, DemoError) as error:
            raise click.ClickException(str(error)) from None
        except SQLAlchemyError as error:
            cause = getattr(error, "orig", error)
            raise click.ClickException(f"The database could not do its work: {cause}.") from None

    return run


@contacts_group.command("import")
@click.argument("file", type=FilePath)
@on_the_database
def import_contacts(file: Path) -> None:
    """Add and update contacts from a CSV file.

    Rows that are refused go to FILE.refused.csv, with their line and the reason; the exit code is
    1 then. Importing the same file twice changes nothing.
    """
    with transfer.Import(file) as importing:
        try:
            with _bar(importing.total) as bar:
                for rows in importing.batches():
                    bar.update(rows)
        finally:
            click.echo(_report(importing))
    if importing.counts["refused"]:
        sys.exit(1)


def _report(importing: transfer.Import) -> str:
    counts = importing.counts
    words = ("created", "updated", "unchanged", "refused")
    numbers = ", ".join(f"{counts[word]:,} {word}" for word in words)
    where = f" (see {importing.refused_path})" if counts["refused"] else ""
    return f"{_count(counts.total(), 'row')}: {numbers}{where}."


@contacts_group.command("export")
@click.argument("file", type=FilePath)
@on_the_database
def export_contacts(file: Path) -> None:
    """Write every contact to a CSV file, which import takes."""
    steps = transfer.export_contacts(file)
    total = next(steps)
    with _bar(total) as bar:
        for rows in steps:
            bar.update(rows)
    click.echo(f"{_count(total, 'contact')} written to {file}.")


@click.command("demo")
@click.option("--contacts", type=click.IntRange(min=1), default=1000, show_default=True)
@with_appcontext
@on_the_database
def demo_command(contacts: int) -> None:
    """Add made-up people, their conversations and notes on them."""
    made = demo.Demo(contacts)
    with _bar(made.total) as bar:
        for rows in made.batches():
            bar.update(rows)
    click.echo(
        f"{_count(contacts, 'contact')}, {_count(made.conversations, 'conversation')} and "
        f"{_count(made.notes, 'note')} of made-up people added."
    )


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def _bar(length: int) -> "click._termui_impl.ProgressBar[int]":
    return click.progressbar(length=length, hidden=not sys.stderr.isatty(), file=sys.stderr)


COMMANDS: tuple[click.Command, ...] = (contacts_group, demo_command)
