"""`flask keys`, and the key of a local installation."""

import os
import re
from datetime import timedelta
from pathlib import Path

import click
from flask.cli import AppGroup

from contacts_service.auth import api_keys as keys
from contacts_service.auth.principal import SCOPES
from contacts_service.cli import on_any_database, on_existing_database
from contacts_service.db.session import unit_of_work

UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}

keys_group = AppGroup("keys", help="API keys.")


def local_key(folder: Path) -> str:
    """The key in `folder`, which has every scope; a new one where the database does not know it.

    Only the owner of the file can read it.
    """
    path = folder / "local-key"
    if path.exists():
        key = path.read_text().strip()
        if keys.is_accepted(key):
            return key
    with unit_of_work() as session:
        key = keys.create_key(session, "local", "Local developer", SCOPES)
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(f"{key}\n")
    return key


SCOPES_HELP = f"""\b
Scopes:
{chr(10).join(f"  {name:28}{what}" for name, what in SCOPES.items())}"""


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


@keys_group.command("create", epilog=SCOPES_HELP)
@click.option("--agent", "agent_id", required=True, help="The agent's id.")
@click.option("--name", "agent_name", required=True, help="The agent's name, shown on notes.")
@click.option("--scopes", multiple=True, help="Scopes, separated by spaces; may come again.")
@click.option("--all-scopes", is_flag=True, help="Every scope there is.")
@click.option("--expires-in", type=Duration(), help="For example 90d, 12h, 30m, 45s.")
@on_any_database
def create_key(
    agent_id: str,
    agent_name: str,
    scopes: tuple[str, ...],
    all_scopes: bool,
    expires_in: timedelta | None,
) -> None:
    """Print a new key, once and alone."""
    wanted = list(SCOPES) if all_scopes else " ".join(scopes).split()
    if not wanted:
        raise click.UsageError("Name at least one scope, or give --all-scopes.")
    try:
        with unit_of_work() as session:
            key = keys.create_key(session, agent_id, agent_name, wanted, expires_in)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    click.echo(key)


@keys_group.command("list")
@on_existing_database
def list_keys() -> None:
    """Show every key's id, first characters, agent, scopes and times; never the whole key."""
    head = ("ID", "BEGINS", "AGENT", "NAME", "CREATED", "EXPIRES", "REVOKED", "LAST USED", "SCOPES")
    rows = [
        (
            str(key.id),
            key.beginning or "-",
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
@on_existing_database
def revoke_key(key_id: int) -> None:
    """Refuse a key from the next request on."""
    with unit_of_work() as session:
        is_known = keys.revoke_key(session, key_id)
    if not is_known:
        raise click.ClickException(f"There is no key {key_id}.")
    click.echo(f"Key {key_id} is revoked.")
