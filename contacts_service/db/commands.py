"""`flask backup`, `flask restore` and `flask check`."""

import sys
from pathlib import Path

import click
from flask.cli import with_appcontext
from sqlalchemy import func, select

from contacts_service.cli import counted, on_the_database
from contacts_service.contacts.queries import count_contacts
from contacts_service.db import backup
from contacts_service.db.backup import BackupError
from contacts_service.db.models import Contact
from contacts_service.db.session import backend, db
from contacts_service.search import rebuild as search_upkeep

SHOWN = 20  # faults told one by one

FILE = click.Path(dir_okay=False, path_type=Path)


@click.command("backup")
@click.argument("file", type=FILE)
@with_appcontext
def back_up(file: Path) -> None:
    """Write everything to FILE, as it is at this moment, while the service runs."""
    try:
        size = backup.back_up(_database(), file)
    except BackupError as error:
        raise click.ClickException(str(error)) from None
    click.echo(f"{file}: {size:,} bytes, checked.")


@click.command("restore")
@click.argument("file", type=FILE)
@click.option("--overwrite", is_flag=True, help="Put a database that is there aside.")
@with_appcontext
def restore(file: Path, overwrite: bool) -> None:
    """Put the backup FILE in the place of the database; stop the service first."""
    try:
        aside = backup.restore(file, _database(), overwrite=overwrite)
    except BackupError as error:
        raise click.ClickException(str(error)) from None
    click.echo(f"{_database()} is what {file} holds.")
    if aside is not None:
        click.echo(f"What was there before is {aside}.")


@click.command("check")
@with_appcontext
@on_the_database
def check() -> None:
    """Look at the database, its references and the search index; exit code 1 for any fault.

    A server looks after its pages and references itself.
    """
    session = db.session()
    contacts = session.scalar(select(func.count()).select_from(Contact)) or 0
    path = backend().path
    told = [] if path is None else [*backup.faults(path)]
    told += [f"{number} {sentence}" for number, sentence in search_upkeep.differences(session)]
    if count_contacts() != contacts:
        told.append(f"Lists count {count_contacts()} contacts, there are {contacts}.")
    for fault in told[:SHOWN]:
        click.echo(fault)
    if told:
        click.echo(f"{counted(len(told), 'fault')}.")
        sys.exit(1)
    sound = "search index is" if path is None else "database and the search index are"
    click.echo(f"{counted(contacts, 'contact')}; the {sound} sound.")


def _database() -> Path:
    path = backend().path
    if path is None:
        raise click.ClickException("The database is no file; back it up with pg_dump.")
    return path


COMMANDS = (back_up, restore, check)
