"""The commands about the service as a whole; others stand with what they are about."""

import logging
import os
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from threading import Thread

import click
from flask import current_app
from flask.cli import with_appcontext
from sqlalchemy import URL, func, select
from sqlalchemy.exc import SQLAlchemyError

from contacts_service.auth.commands import local_key
from contacts_service.cli import on_any_database, on_existing_database, pluralize
from contacts_service.contacts.queries import count_contacts
from contacts_service.db import backup
from contacts_service.db.migrate import database_context, is_up_to_date, migrate_database
from contacts_service.db.models import Contact
from contacts_service.db.queries import CompiledStatement, driver_errors
from contacts_service.db.session import (
    backend,
    close_connections,
    describe_error,
    read_connection,
)
from contacts_service.errors import OperatorError
from contacts_service.search.index import find_differences
from contacts_service.server import free_address, serve
from contacts_service.web.openapi import VERSION

FILE = click.Path(dir_okay=False, path_type=Path)
SHOWN = 20  # faults told one by one
SPARE_SECONDS = 5  # of a stop, beyond what a request may wait and read

logger = logging.getLogger(__name__)


@click.command("migrate")
@with_appcontext
@on_any_database
def migrate_command() -> None:
    """Make the database or bring it up to date, for servers that only serve."""
    click.echo(f"The database {backend().name} is up to date.")


@click.command("serve")
@click.option("--local", is_flag=True, help="Make a key for this machine and show how to use it.")
@with_appcontext
@on_any_database
def serve_command(local: bool) -> None:
    """Migrate the database and serve until told to stop."""
    config = current_app.config
    host, port, workers = (config[f"CONTACTS_{name}"] for name in ("HOST", "PORT", "WORKERS"))
    address = free_address(host, port)
    key = None
    if local:
        key = local_key(Path(current_app.instance_path))
        if "CONTACTS_LOG_REFUSALS_FILE" not in os.environ:
            os.environ.setdefault("CONTACTS_LOG_REFUSALS", "true")  # the workers read it
    close_connections()
    what = f"{pluralize(workers, 'worker')}: version {VERSION}, database {backend().name}"
    Thread(target=_tell_when_ready, args=(address, port, what, key), daemon=True).start()
    longest_request = config["CONTACTS_BUSY_TIMEOUT"] + config["CONTACTS_QUERY_TIMEOUT"]
    try:
        serve(address, port, workers=workers, stop_seconds=longest_request + SPARE_SECONDS)
    finally:
        backend().checkpoint_on_exit()
        logger.info("Stopped.")


def _tell_when_ready(address: str, port: int, what: str, key: str | None) -> None:
    """Say where the service listens and with what, once its first worker does."""
    reached_at = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(address, address)  # noqa: S104
    while True:
        with suppress(OSError):
            socket.create_connection((reached_at, port), 1).close()
            break
        time.sleep(0.02)
    url = f"http://[{reached_at}]:{port}" if ":" in reached_at else f"http://{reached_at}:{port}"
    logger.info("Listening on %s with %s.", url, what)
    if key:
        _greet(key, url)


def _greet(key: str, url: str) -> None:
    click.echo(f"The local key, kept in instance/local-key:\n\n  {key}\n")
    click.echo(f"The API, to read and to try: {url}/docs\n")
    click.echo("Ctrl-C stops the service. A first request:\n")
    click.echo(f'  curl -H "Authorization: Bearer {key}" {url}/api/v1/contacts\n')


@click.command("check")
@with_appcontext
@on_existing_database
def check() -> None:
    """Look at the database, its references and the search index; exit code 1 for any fault.

    A server looks after its pages and references itself.
    """
    number = 0
    for number, fault in enumerate(_faults(), 1):
        if number <= SHOWN:
            click.echo(fault)
    if number:
        click.echo(f"{pluralize(number, 'fault')}.")
        sys.exit(1)
    sound = "search index is" if backend().path is None else "database and the search index are"
    click.echo(f"{pluralize(count_contacts(read_connection()), 'contact')}; the {sound} sound.")


def _faults() -> Iterator[str]:
    """What is wrong with the database, as sentences; the last one where it cannot be read on."""
    path = backend().path
    if path is not None:
        yield from backup.faults(path)
    try:
        with driver_errors:
            yield from _differences()
    except SQLAlchemyError as error:
        yield f"The rest cannot be read: {describe_error(error)}."


def _differences() -> Iterator[str]:
    """What differs between the contacts, the search index and the count of lists."""
    reads = read_connection()
    for number, sentence in find_differences(reads):
        yield f"{number} {sentence}"
    counted = count_contacts(reads)
    contacts = reads.value(CompiledStatement(select(func.count()).select_from(Contact)))
    if counted != contacts:
        yield f"Lists count {counted} contacts, there are {contacts}."


@click.command("backup")
@click.argument("file", type=FILE)
@with_appcontext
def backup_command(file: Path) -> None:
    """Copy the whole database to FILE; the service may run."""
    try:
        size = backup.back_up(_database(), file, _first_fault)
    except OperatorError as error:
        raise click.ClickException(str(error)) from None
    click.echo(f"{file}: {size:,} bytes, checked.")


@click.command("restore")
@click.argument("file", type=FILE)
@click.option("--overwrite", is_flag=True, help="Rename an existing database and go on.")
@click.option("--without-checksum", is_flag=True, help="Take a file of a version that wrote none.")
@with_appcontext
def restore_command(file: Path, overwrite: bool, without_checksum: bool) -> None:
    """Replace the database by the backup FILE; stop the service first."""
    try:
        aside = backup.restore(
            file,
            _database(),
            _upgrade,
            _first_fault,
            overwrite=overwrite,
            must_be_sealed=not without_checksum,
        )
    except OperatorError as error:
        raise click.ClickException(str(error)) from None
    click.echo(f"{_database()} is what {file} holds.")
    if aside is not None:
        click.echo(f"What was there before is {aside}.")


def _database() -> Path:
    path = backend().path
    if path is None:
        raise click.ClickException("The database is no file; back it up with pg_dump.")
    return path


def _sqlite_url(file: Path) -> URL:
    """The URL of a file; a relative path in it would be one in the instance folder."""
    return URL.create("sqlite", database=str(file.resolve()))


def _upgrade(file: Path) -> None:
    """Bring the database of a file up to date. Raises SettingsError."""
    with database_context(current_app, _sqlite_url(file)):
        migrate_database()


def _first_fault(file: Path) -> str | None:
    """What `check` would complain of first in a file; None also for one of an older version."""
    with database_context(current_app, _sqlite_url(file)):
        return next(_faults(), None) if is_up_to_date() else None


COMMANDS = (serve_command, migrate_command, check, backup_command, restore_command)
