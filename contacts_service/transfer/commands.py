"""`flask contacts` and `flask demo`: the directory in and out of files, and a made-up one."""

import sys
from pathlib import Path

import click
from flask.cli import AppGroup, with_appcontext
from sqlalchemy.exc import SQLAlchemyError

from contacts_service.cli import counted, on_a_database, on_the_database, progress_bar
from contacts_service.contacts import queries as directory
from contacts_service.db.migrate import migrate_database, other_database
from contacts_service.db.session import (
    backend,
    busy_sentence,
    classify_error,
    close_connections,
    read_connection,
)
from contacts_service.demo import generator as demo
from contacts_service.demo import story as demo_story
from contacts_service.search import rebuild as search_upkeep
from contacts_service.transfer import copy_to_postgresql as copying
from contacts_service.transfer import importer as transfer

contacts_group = AppGroup("contacts", help="The directory as a CSV file.")
FilePath = click.Path(path_type=Path)


@contacts_group.command("import")
@click.argument("file", type=FilePath)
@on_a_database
def import_contacts(file: Path) -> None:
    """Add and update contacts from a CSV file.

    Rows that are refused go to a file beside, as people.refused.csv, with their line and the
    reason; the exit code is 1 then. Importing the same file twice changes nothing.
    """
    with transfer.Import(file) as importing:
        try:
            with progress_bar(importing.total) as bar:
                for rows in importing.batches():
                    bar.update(rows)
        finally:
            click.echo(_report(importing))
        if importing.is_search_unordered:
            order_search()
        else:
            search_upkeep.merge()
    if importing.counts["refused"]:
        sys.exit(1)


def _report(importing: transfer.Import) -> str:
    counts = importing.counts
    words = ("created", "updated", "unchanged", "refused")
    numbers = ", ".join(f"{counts[word]:,} {word}" for word in words)
    where = f" (see {importing.refused_path})" if counts["refused"] else ""
    return f"{counted(counts.total(), 'row')}: {numbers}{where}."


@contacts_group.command("export")
@click.argument("file", type=FilePath)
@on_the_database
def export_contacts(file: Path) -> None:
    """Write every contact to a CSV file, which import takes."""
    steps = transfer.export_contacts(file)
    total = next(steps)
    with progress_bar(total) as bar:
        for rows in steps:
            bar.update(rows)
    click.echo(f"{counted(total, 'contact')} written to {file}.")


@contacts_group.command("copy-to")
@click.argument("url")
@on_the_database
def copy_to(url: str) -> None:
    """Copy everything from the SQLite file into the empty PostgreSQL database URL.

    Of one moment, and wholly or not at all. What is written here later is not in it, so let nobody
    write meanwhile.
    """
    target = other_database(url)
    with target.app_context():
        if backend().path is not None:
            raise click.ClickException("The target must be a PostgreSQL database.")
        migrate_database(may_create=True)
    steps = copying.copy_all(target)
    try:
        total = next(steps)
        with progress_bar(total) as bar:
            for rows in steps:
                bar.update(rows)
    except copying.CopyError as error:
        raise click.ClickException(str(error)) from None
    except SQLAlchemyError as error:
        with target.app_context():
            if classify_error(error) == "busy":
                raise click.ClickException(busy_sentence()) from None
        raise
    with target.app_context():
        contacts, name = directory.count_contacts(read_connection()), backend().name
        close_connections()
    click.echo(f"{counted(contacts, 'contact')} and all that belongs to them are in {name}.")


@click.command("demo")
@click.option("--contacts", type=click.IntRange(min=1), default=1000, show_default=True)
@with_appcontext
@on_a_database
def demo_command(contacts: int) -> None:
    """Add made-up people, their conversations and notes on them, and tell of one of them."""
    made = demo.Demo(contacts - demo_story.CONTACTS)
    try:
        with progress_bar(made.total) as bar:
            for rows in made.batches():
                bar.update(rows)
    finally:
        order_search()
    sentences = list(demo_story.tell())
    conversations = made.conversations + demo_story.CONVERSATIONS
    click.echo(
        f"{counted(contacts, 'contact')}, {counted(conversations, 'conversation')} and "
        f"{counted(made.notes, 'note')} of made-up people added.\n"
    )
    for sentence in sentences:
        click.echo(sentence)


def order_search() -> None:
    """Let search show the most recently updated first, though contacts came in another order."""
    steps = search_upkeep.rebuild()
    with progress_bar(next(steps)) as bar:
        for rows in steps:
            bar.update(rows)


COMMANDS: tuple[click.Command, ...] = (contacts_group, demo_command)
