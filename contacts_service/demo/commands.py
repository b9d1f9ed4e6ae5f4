"""`flask demo`: fill the directory with made-up people."""

import click
from flask.cli import with_appcontext

from contacts_service.cli import on_any_database, pluralize, progress_bar, rebuild_search
from contacts_service.demo import story
from contacts_service.demo.generator import Demo


@click.command("demo")
@click.option("--contacts", type=click.IntRange(min=1), default=1000, show_default=True)
@with_appcontext
@on_any_database
def demo_command(contacts: int) -> None:
    """Add made-up people with conversations and notes, and show what happens to one of them."""
    made = Demo(contacts - story.CONTACTS)
    try:
        with progress_bar(made.total) as bar:
            for rows in made.batches():
                bar.update(rows)
    finally:
        rebuild_search()
    sentences = list(story.tell())
    conversations = made.conversations + story.CONVERSATIONS
    click.echo(
        f"{pluralize(contacts, 'contact')}, {pluralize(conversations, 'conversation')} and "
        f"{pluralize(made.notes, 'note')} of made-up people added.\n"
    )
    for sentence in sentences:
        click.echo(sentence)
