"""`flask contacts`: import and export of CSV files, and copying to PostgreSQL."""

import io
import shutil
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile

import click
from flask.cli import AppGroup

from contacts_service.cli import (
    on_any_database,
    on_existing_database,
    pluralize,
    progress_bar,
    rebuild_search,
    run_steps,
)
from contacts_service.contacts.queries import count_contacts
from contacts_service.db.queries import ReadConnection
from contacts_service.db.session import backend, close_connections, read_connection
from contacts_service.search.index import merge
from contacts_service.transfer import exporter
from contacts_service.transfer.copy_to_postgresql import copy_all, open_target
from contacts_service.transfer.importer import Import

contacts_group = AppGroup("contacts", help="Move the directory to and from files and databases.")
FilePath = click.Path(path_type=Path)
STANDARD = Path("-")  # as a file: standard input or output
COLUMNS_HELP = f"""\b
Columns, of which an import needs not all:
{chr(10).join(f"  {name}" for name in exporter.COLUMNS)}"""


@contacts_group.command("import", epilog=COLUMNS_HELP)
@click.argument("file", type=FilePath)
@on_any_database
def import_contacts(file: Path) -> None:
    """Add and update contacts from a CSV file, or from standard input if FILE is "-".

    Rows that are refused are written to a second file, people.refused.csv for people.csv, with
    their line and the reason; the exit code is then 1. Importing a file twice changes nothing.
    `custom_attributes` and `contact_channels` are JSON; `id` is ignored.
    """
    with ExitStack() as stack:
        if file == STANDARD:
            path, refused = stack.enter_context(_standard_input()), Path("stdin.refused.csv")
            importing = stack.enter_context(Import(path, refused))
        else:
            importing = stack.enter_context(Import(file))
        try:
            with progress_bar(importing.total) as bar:
                for rows in importing.batches():
                    bar.update(rows)
        finally:
            click.echo(_report(importing))
        if importing.is_search_unordered:
            rebuild_search()
        else:
            merge()
    if importing.counts["refused"]:
        sys.exit(1)


@contextmanager
def _standard_input() -> Iterator[Path]:
    """Standard input as a file, since an import reads it twice."""
    with NamedTemporaryFile(prefix="contacts-", suffix=".csv") as file:
        shutil.copyfileobj(sys.stdin.buffer, file)
        file.flush()
        yield Path(file.name)


def _report(importing: Import) -> str:
    counts = importing.counts
    words = ("created", "updated", "unchanged", "refused")
    numbers = ", ".join(f"{counts[word]:,} {word}" for word in words)
    where = f" (see {importing.refused_path})" if counts["refused"] else ""
    return f"{pluralize(counts.total(), 'row')}: {numbers}{where}."


@contacts_group.command("export", epilog=COLUMNS_HELP)
@click.argument("file", type=FilePath)
@on_existing_database
def export_contacts(file: Path) -> None:
    """Write every contact to a CSV file that import can read; to standard output if FILE is "-"."""
    if file == STANDARD:
        output = io.TextIOWrapper(sys.stdout.buffer, "utf-8", newline="")
        run_steps(exporter.write_contacts(output))
        output.detach()  # flushes, and leaves standard output open
        return
    total = run_steps(exporter.export_contacts(file))
    click.echo(f"{pluralize(total, 'contact')} written to {file}.")


@contacts_group.command("copy-to")
@click.argument("url")
@on_existing_database
def copy_to(url: str) -> None:
    """Copy everything from the SQLite file into the empty PostgreSQL database URL.

    The copy shows the moment at which it began, and is complete or leaves nothing behind. Stop the
    service first: what is written meanwhile is not copied.
    """
    if backend().path is None:
        raise click.ClickException("Only a SQLite database can be copied.")
    source = read_connection()
    with open_target(url).app_context():
        if backend().path is not None:
            raise click.ClickException("The target must be a PostgreSQL database.")
        _copy_from(source)


@on_any_database  # the target's: its errors name it
def _copy_from(source: ReadConnection) -> None:
    run_steps(copy_all(source))
    contacts = pluralize(count_contacts(read_connection()), "contact")
    click.echo(f"{contacts} and all that belongs to them are in {backend().name}.")
    close_connections()
