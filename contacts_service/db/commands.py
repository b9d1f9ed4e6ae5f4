"""`flask backup` and `flask restore`."""

from pathlib import Path

import click
from flask.cli import with_appcontext

from contacts_service.db import backup
from contacts_service.db.backup import BackupError
from contacts_service.db.session import backend

FILE = click.Path(dir_okay=False, path_type=Path)


@click.command("backup")
@click.argument("file", type=FILE)
@with_appcontext
def back_up(file: Path) -> None:
    """Copy the whole database to FILE; the service may run."""
    try:
        size = backup.back_up(_database(), file)
    except BackupError as error:
        raise click.ClickException(str(error)) from None
    click.echo(f"{file}: {size:,} bytes, checked.")


@click.command("restore")
@click.argument("file", type=FILE)
@click.option("--overwrite", is_flag=True, help="Rename an existing database and go on.")
@with_appcontext
def restore(file: Path, overwrite: bool) -> None:
    """Replace the database by the backup FILE; stop the service first."""
    try:
        aside = backup.restore(file, _database(), overwrite=overwrite)
    except BackupError as error:
        raise click.ClickException(str(error)) from None
    click.echo(f"{_database()} is what {file} holds.")
    if aside is not None:
        click.echo(f"What was there before is {aside}.")


def _database() -> Path:
    path = backend().path
    if path is None:
        raise click.ClickException("The database is no file; back it up with pg_dump.")
    return path


COMMANDS = (back_up, restore)
