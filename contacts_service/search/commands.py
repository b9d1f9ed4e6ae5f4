"""`flask search check` and `flask search rebuild`."""

import sys

import click
from flask.cli import AppGroup

from contacts_service.cli import on_existing_database, pluralize, rebuild_search
from contacts_service.db.session import read_connection
from contacts_service.search.index import find_differences

SHOWN = 20  # differences; the rest is only counted

search_group = AppGroup("search", help="Check and rebuild the search index.")


@search_group.command("check")
@on_existing_database
def check() -> None:
    """Compare the index with the contacts; the exit code is 1 where they differ."""
    count = 0
    for count, (docid_or_contact_id, sentence) in enumerate(find_differences(read_connection()), 1):
        if count <= SHOWN:
            click.echo(f"{docid_or_contact_id} {sentence}")
    if count:
        click.echo(f"{pluralize(count, 'difference')}; `flask search rebuild` mends them.")
        sys.exit(1)
    click.echo("The index says what the contacts say.")


@search_group.command("rebuild")
@on_existing_database
def rebuild() -> None:
    """Build the index anew, while the service runs."""
    click.echo(f"{pluralize(rebuild_search(), 'contact')} indexed.")
