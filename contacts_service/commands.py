"""The commands of `flask`: thin, one group for each thing they manage."""

import re
import sys
from datetime import timedelta
from pathlib import Path

import click
from flask import Flask, current_app
from flask.cli import AppGroup, with_appcontext
from sqlalchemy import func, select

from contacts_service.auth import api_keys as keys
from contacts_service.auth.local_key import local_key
from contacts_service.auth.principal import SCOPES
from contacts_service.cli import counted, on_a_database, on_the_database
from contacts_service.contacts.queries import count_contacts
from contacts_service.db import backup
from contacts_service.db.models import Contact
from contacts_service.db.queries import CompiledStatement
from contacts_service.db.session import backend, close_connections, read_connection, unit_of_work
from contacts_service.metrics import EXTENSION
from contacts_service.search import rebuild as search_upkeep
from contacts_service.server import STOP_SECONDS, listen, serve

SHOWN = 20  # faults told one by one
UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


keys_group = AppGroup("keys", help="API keys.")


@click.command("serve")
@click.option("--local", is_flag=True, help="Make a key for this machine and show how to use it.")
@with_appcontext
@on_a_database
def serve_command(local: bool) -> None:
    """Migrate the database and serve until told to stop."""
    config = current_app.config
    host, port = config["CONTACTS_HOST"], config["CONTACTS_PORT"]
    listener = listen(host, port)
    if local:
        _greet(local_key(Path(current_app.instance_path)), host, port)
    close_connections()  # none may cross into the workers
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    serve(
        app,
        listener,
        workers=config["CONTACTS_WORKERS"],
        threads=config["CONTACTS_THREADS"],
        counters=app.extensions.get(EXTENSION),
        stop_seconds=max(STOP_SECONDS, config["CONTACTS_BUSY_TIMEOUT"] + STOP_SECONDS // 2),
        at_end=backend().checkpoint_on_exit,
    )


def _greet(key: str, host: str, port: int) -> None:
    reached_at = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104
    address = f"[{reached_at}]" if ":" in reached_at else reached_at
    url = f"http://{address}:{port}"
    click.echo(f"The local key, kept in instance/local-key:\n\n  {key}\n")
    click.echo(f"The API, to read and to try: {url}/docs\n")
    click.echo("A first request:\n")
    click.echo(f'  curl -H "Authorization: Bearer {key}" {url}/api/v1/contacts\n')


class Duration(click.ParamType[timedelta]):
    """A length of time such as 90d: a whole number and s, m, h or d."""

    name = "duration"

    def convert(
        self, value: str | timedelta, param: click.Parameter | None, ctx: click.Context | None
    ) -> timedelta:
        if isinstance(value, timedelta):
            return value
        match = re.fullmatch("([1-9][0-9]{0,8})([smhd])", value)
        if match is None:
            self.fail(f"{value!r} is not a length of time such as 90d, 12h, 30m or 45s.")
        length = timedelta(**{UNITS[match[2]]: int(match[1])})
        if length > timedelta(days=36_500):
            self.fail("Longer than a hundred years.")
        return length


@keys_group.command("create")
@click.option("--agent", "agent_id", required=True, help="The agent's id.")
@click.option("--name", "agent_name", required=True, help="The agent's name, shown on notes.")
@click.option("--scopes", default="", help="Scopes, separated by spaces.")
@click.option("--all-scopes", is_flag=True, help="Every scope there is.")
@click.option("--expires-in", type=Duration(), help="For example 90d, 12h, 30m, 45s.")
@on_a_database
def create_key(
    agent_id: str, agent_name: str, scopes: str, all_scopes: bool, expires_in: timedelta | None
) -> None:
    """Print a new key, once and alone."""
    wanted = list(SCOPES) if all_scopes else scopes.split()
    if not wanted:
        raise click.UsageError("Name at least one scope, or give --all-scopes.")
    try:
        with unit_of_work() as session:
            key = keys.create_key(session, agent_id, agent_name, wanted, expires_in)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    click.echo(key)


@keys_group.command("list")
@on_the_database
def list_keys() -> None:
    """Show every key's id, agent, scopes and times; never the key."""
    head = ("ID", "AGENT", "NAME", "CREATED", "EXPIRES", "REVOKED", "LAST USED", "SCOPES")
    rows = [
        (
            str(key.id),
            key.agent_id,
            key.agent_name,
            *(
                moment[:16].replace("T", " ") if moment else "-"
                for moment in (key.created_at, key.expires_at, key.revoked_at, key.last_used_at)
            ),
            key.scopes,
        )
        for key in keys.list_keys()
    ]
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    for row in (head, *rows):
        click.echo("  ".join(map(str.ljust, row, widths)).rstrip())


@keys_group.command("revoke")
@click.argument("key_id", type=click.IntRange(1, 2**63 - 1))
@on_the_database
def revoke_key(key_id: int) -> None:
    """Refuse a key from the next request on."""
    with unit_of_work() as session:
        is_known = keys.revoke_key(session, key_id)
    if not is_known:
        raise click.ClickException(f"There is no key {key_id}.")
    click.echo(f"Key {key_id} is revoked.")


@click.command("check")
@with_appcontext
@on_the_database
def check() -> None:
    """Look at the database, its references and the search index; exit code 1 for any fault.

    A server looks after its pages and references itself.
    """
    reads = read_connection()
    contacts = reads.value(CompiledStatement(select(func.count()).select_from(Contact)))
    path = backend().path
    told = [] if path is None else [*backup.faults(path)]
    told += [f"{number} {sentence}" for number, sentence in search_upkeep.differences(reads)]
    if count_contacts(reads) != contacts:
        told.append(f"Lists count {count_contacts(reads)} contacts, there are {contacts}.")
    for fault in told[:SHOWN]:
        click.echo(fault)
    if told:
        click.echo(f"{counted(len(told), 'fault')}.")
        sys.exit(1)
    sound = "search index is" if path is None else "database and the search index are"
    click.echo(f"{counted(contacts, 'contact')}; the {sound} sound.")


COMMANDS = (keys_group, serve_command, check)
