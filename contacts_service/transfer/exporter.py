"""Exports the directory to a CSV file, which `importer` can read."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

from sqlalchemy import bindparam, func, select

from contacts_service.db.models import Contact, ContactChannel
from contacts_service.db.queries import CompiledStatement, ReadConnection
from contacts_service.db.session import read_connection
from contacts_service.strict_json import Json, write_json
from contacts_service.transfer.csv_format import replacing, write_table
from schemas.contacts import ContactSchema

FIELDS = tuple(ContactSchema().fields)
COLUMNS = (*FIELDS, "contact_channels")
ROWS_PER_STEP = 1000

_COUNT = CompiledStatement(select(func.count()).select_from(Contact))
_CONTACTS = CompiledStatement(
    select(*(getattr(Contact, name) for name in FIELDS)).order_by(Contact.id)
)
_CHANNELS = CompiledStatement(
    select(ContactChannel.contact_id, ContactChannel.channel, ContactChannel.identifier)
    .where(
        ContactChannel.contact_id.between(bindparam("first"), bindparam("last")),
        ContactChannel.is_primary.is_(False),
    )
    .order_by(ContactChannel.id)
)


def export_contacts(path: Path) -> Iterator[int]:
    """Write every contact to `path`, as `write_contacts` does.

    The file at `path` is replaced when the iterator ends, and stays as it was if that never
    happens. Raises FileError.
    """
    with replacing(path) as file:
        yield from write_contacts(file)


def write_contacts(file: TextIO) -> Iterator[int]:
    """Write every contact to a file, ordered by id, from one snapshot of the database.

    First yields how many contacts there are, then how many each step wrote.
    """
    reads = read_connection()
    yield reads.value(_COUNT)
    file.write("\ufeff")  # or spreadsheets take it for another encoding
    write_row = write_table(file, COLUMNS)
    for rows in reads.batches(_CONTACTS, size=ROWS_PER_STEP):
        channels = _channels_by_contact(reads, rows[0][0], rows[-1][0])
        for row in rows:
            contact = dict(zip(FIELDS, row, strict=True))
            write_row(_cells(contact, channels.get(contact["id"], [])))
        yield len(rows)


def _channels_by_contact(reads: ReadConnection, first: int, last: int) -> dict[int, list[Json]]:
    channels: dict[int, list[Json]] = {}
    for contact_id, channel, identifier in reads.rows(_CHANNELS, {"first": first, "last": last}):
        channels.setdefault(contact_id, []).append({"channel": channel, "identifier": identifier})
    return channels


def _cells(contact: dict[str, Any], channels: list[Json]) -> list[str]:
    texts = {
        **contact,
        "blocked": "true" if contact["blocked"] else "false",
        "contact_channels": write_json(channels).decode(),
    }
    return ["" if texts[name] is None else str(texts[name]) for name in COLUMNS]
