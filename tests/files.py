"""Files of contacts, the commands that take them, and what the database holds before and after."""

import csv
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import orjson
import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy import select

from contacts_service.contacts import service as contacts
from contacts_service.contacts.queries import read_contact
from contacts_service.db.models import Contact, ContactChannel
from contacts_service.db.session import Base, db, read_connection, unit_of_work
from contacts_service.strict_json import write_json
from contacts_service.transfer import importer as transfer

HEADERS = (
    "first_name", "last_name", "email", "phone", "blocked", "custom_attributes", "created_at",
    "contact_channels",
)  # fmt: skip
CHAT = '[{"channel": "chat", "identifier": "%s"}]'
MONDAY, TUESDAY = "2024-01-01T00:00:00.000000Z", "2024-01-02T00:00:00.000000Z"

Rows = Iterable[dict[str, str]]


# Where the transactions of an import end must not matter; `flask` takes the number of rows of each.
any_batch = pytest.mark.parametrize("batch", [1, 2, 1000])


def flask(app: Flask, *words: object, code: int = 0, batch: int = transfer.BATCH) -> str:
    """What a command prints that ends with this code."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(transfer, "BATCH", batch)
        result: Result = app.test_cli_runner().invoke(args=[str(word) for word in words])
    assert result.exit_code == code, result.output
    assert isinstance(result.exception, SystemExit | None)
    return result.output


def write_rows(path: Path, rows: Rows) -> Path:
    rows = list(rows)
    headers = list(dict.fromkeys(name for row in rows for name in row))
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, headers, restval="")
        writer.writeheader()
        writer.writerows(rows)
    return path


def read_rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def tables(app: Flask) -> dict[str, list[Any]]:
    """Every row of every table."""
    with app.app_context():
        return {
            name: [tuple(row) for row in db.session.execute(select(table))]
            for name, table in Base.metadata.tables.items()
        }


def directory(app: Flask) -> list[dict[str, Any]]:
    """Everybody by id, without what is another database's own: ids, and times of channels."""
    with app.app_context():
        session = db.session()
        ids = session.scalars(select(Contact.id).order_by(Contact.id)).all()
        people = [orjson.loads(write_json(read_contact(read_connection(), each))) for each in ids]
    for person in people:
        del person["id"]
        person["custom_attributes"] = write_json(person["custom_attributes"]).decode()
        person["contact_channels"] = [
            (channel["channel"], channel["identifier"]) for channel in person["contact_channels"]
        ]
    return people


def add_people(app: Flask, *people: dict[str, Any]) -> None:
    """Contacts with these fields; the last is the most recently updated."""
    for person in people:
        fields = dict(person)
        channels = fields.pop("contact_channels", ())
        with app.app_context(), unit_of_work() as session:
            contact_id = contacts.create_contact(session, **fields)
            session.add_all(
                ContactChannel(
                    contact_id=contact_id, channel=channel, identifier=identifier,
                    created_at=MONDAY, updated_at=MONDAY,
                )
                for channel, identifier in channels
            )  # fmt: skip
