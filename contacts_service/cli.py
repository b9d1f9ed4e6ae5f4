"""What all commands share: a ready database, errors as a sentence, and a progress bar."""

import sys
from collections.abc import Callable, Iterator
from functools import wraps
from typing import TYPE_CHECKING, ParamSpec

import click
from sqlalchemy.exc import SQLAlchemyError

from contacts_service.db.migrate import migrate_database
from contacts_service.db.queries import driver_errors
from contacts_service.db.session import busy_sentence, classify_error, describe_error
from contacts_service.errors import OperatorError
from contacts_service.search.rebuild import rebuild_index

if TYPE_CHECKING:
    from click._termui_impl import ProgressBar

P = ParamSpec("P")


def on_existing_database(command: Callable[P, None]) -> Callable[P, None]:
    """Upgrade the database before the command, and turn its errors into one sentence."""
    return _on_database(command, may_create=False)


def on_any_database(command: Callable[P, None]) -> Callable[P, None]:
    """As `on_existing_database`, but makes a database if there is none."""
    return _on_database(command, may_create=True)


def _on_database(command: Callable[P, None], *, may_create: bool) -> Callable[P, None]:
    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            migrate_database(may_create=may_create)
            with driver_errors:
                command(*args, **kwargs)
        except OperatorError as error:
            raise click.ClickException(str(error)) from None
        except SQLAlchemyError as error:
            raise click.ClickException(_sentence(error)) from None

    return run


def _sentence(error: SQLAlchemyError) -> str:
    if classify_error(error) == "busy":
        return busy_sentence()
    return f"The database could not do its work: {describe_error(error).rstrip('.')}."


def progress_bar(length: int) -> "ProgressBar[int]":
    """A bar on standard error, if that is a terminal."""
    return click.progressbar(length=length, hidden=not sys.stderr.isatty(), file=sys.stderr)


def run_steps(steps: Iterator[int]) -> int:
    """Run `steps` behind a progress bar and return their total.

    The first item is the total, each later one how much was done since the one before.
    """
    total = next(steps)
    with progress_bar(total) as bar:
        for done in steps:
            bar.update(done)
    return total


def rebuild_search() -> int:
    """Build the search index anew, and return how many contacts are in it.

    Needed after contacts were added in another order than that of their `updated_at`: search shows
    those first that were indexed last.
    """
    return run_steps(rebuild_index())


def pluralize(number: int, noun: str) -> str:
    """A number with its noun: "1 contact", "2,000 contacts"."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
