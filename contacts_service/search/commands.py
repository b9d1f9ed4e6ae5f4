"""`flask search`: whether the index is right, and making it right."""

import sys

import click
from flask.cli import AppGroup

from contacts_service.cli import counted, on_the_database, rebuild_search
from contacts_service.db.session import read_connection
from contacts_service.search import rebuild as search_upkeep

SHOWN = 20  # differences told one by one

search_group = AppGroup("search", help="The index that search asks.")


@search_group.command("check")
@on_the_database
def check() -> None:
    """Compare the index with the contacts; the exit code is 1 where they differ."""
    different = 0
    for different, (number, sentence) in enumerate(search_upkeep.differences(read_connection()), 1):
        if different <= SHOWN:
            click.echo(f"{number} {sentence}")
    if different:
        click.echo(f"{counted(different, 'difference')}; `flask search rebuild` mends them.")
        sys.exit(1)
    click.echo("The index says what the contacts say.")


@search_group.command("rebuild")
@on_the_database
def rebuild() -> None:
    """Build the index anew, while the service runs."""
    click.echo(f"{counted(rebuild_search(), 'contact')} indexed.")
