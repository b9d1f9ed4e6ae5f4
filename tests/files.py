"""Runs commands, fills the database and reads all that it holds."""

from typing import Any

import orjson
from click.testing import Result
from flask import Flask
from sqlalchemy import select

from contacts_service.contacts import service as contacts
from contacts_service.contacts.bulk import NewContact, create_contacts
from contacts_service.contacts.queries import read_contact
from contacts_service.db.models import Contact, ContactChannel
from contacts_service.db.session import Base, close_connections, db, read_connection, unit_of_work
from contacts_service.factory import create_app
from contacts_service.strict_json import write_json

MONDAY, TUESDAY = "2024-01-01T00:00:00.000000Z", "2024-01-02T00:00:00.000000Z"


def flask(app: Flask, *words: object, code: int = 0) -> str:
    """Run a command, which must end with this exit code, and return what it prints."""
    result: Result = app.test_cli_runner().invoke(args=[str(word) for word in words])
    assert result.exit_code == code, result.output
    assert isinstance(result.exception, SystemExit | None)
    return result.output


def tables(app: Flask) -> dict[str, list[Any]]:
    """Every row of every table."""
    with app.app_context():
        return {
            name: [tuple(row) for row in db.session.execute(select(table))]
            for name, table in Base.metadata.tables.items()
        }


def directory(app: Flask) -> list[dict[str, Any]]:
    """All contacts by id, without what differs between databases: ids and times of channels."""
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
    """Add contacts with these fields; the last one is the most recently updated."""
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


def fill_directory(url: str, count: int) -> None:
    """Add so many contacts to the database at `url`."""
    people = [
        NewContact(
            f"First{number}", f"Last{number}", f"{number}@example.com", f"+61 4{number:08}",
            created_at=MONDAY, updated_at=MONDAY,
        )
        for number in range(count)
    ]  # fmt: skip
    with create_app({"CONTACTS_DATABASE_URL": url}).app_context():
        with unit_of_work() as session:
            create_contacts(session, [(person, ()) for person in people])
        close_connections()
