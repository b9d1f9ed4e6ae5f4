"""The directory as a CSV file: out as a stream of rows, in by batches of rows. No commands.

The columns are the JSON names of a contact; `custom_attributes` and `contact_channels` hold
compact JSON. `csv_files` knows the format, `transfer_matching` whom a row means.

What a row gives is judged by the rules of the API. A column that is not there and a blank cell
give nothing: they leave what an existing contact has, and are blank in a new one. What is given
replaces what was there, but channels, which are added, and an address that the person has as a
channel already, which stays one. `id` is ignored; `updated_at` is taken for new contacts only.
"""

import gc
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TextIO

import marshmallow
from sqlalchemy import func, select

from contacts_service.contacts import queries as directory
from contacts_service.contacts import service as contacts
from contacts_service.contacts.attributes import check_attributes
from contacts_service.contacts.bulk import NewContact, create_contacts
from contacts_service.contacts.channels import Address, claim
from contacts_service.db.models import Contact, ContactChannel
from contacts_service.db.session import UnitOfWork, db, unit_of_work, yield_to_writers
from contacts_service.errors import InputError
from contacts_service.search.index import index_contacts
from contacts_service.strict_json import Json, write_json
from contacts_service.timestamps import now
from contacts_service.transfer.csv_format import (
    FileError,
    Row,
    open_csv,
    read_table,
    replacing,
    write_table,
)
from contacts_service.transfer.matching import (
    People,
    Person,
    RowValues,
    differences,
    new_contact,
    phone_key,
)
from schemas.contacts import ContactSchema
from schemas.messages import flatten
from schemas.transfer import read_cells

COLUMNS = (*ContactSchema().fields, "contact_channels")
REFUSAL_COLUMNS = ("line", "reason")  # ignored, so that a file of refused rows can be imported
BATCH = 1000  # rows in one transaction

# One of them must be given.
TELLING = ("first_name", "last_name", "email", "phone", "contact_channels", "created_at")
EDITABLE = ("first_name", "last_name", "email", "phone", "custom_attributes")


def export_contacts(path: Path) -> Iterator[int]:
    """Write every contact to `path`, ordered by id, as it stood at one moment.

    First yields how many contacts there are, then how many each step has written; the file is in
    its place once the iterator ends. Raises FileError.
    """
    session = db.session()
    session.rollback()
    try:
        yield session.scalars(select(func.count()).select_from(Contact)).one()
        with replacing(path) as file:
            write_row = write_table(file, COLUMNS)
            query = select(*directory.SUMMARY.columns).order_by(Contact.id)
            streamed = session.execute(query, execution_options={"yield_per": BATCH})
            for rows in streamed.partitions():
                channels = _channels_of(session, rows[0].id, rows[-1].id)
                for row in rows:
                    write_row(_cells(row, channels.get(row.id, [])))
                yield len(rows)
    finally:
        session.rollback()


def _channels_of(session: Any, first_id: int, last_id: int) -> dict[int, list[Json]]:
    query = (
        select(ContactChannel.contact_id, ContactChannel.channel, ContactChannel.identifier)
        .where(
            ContactChannel.contact_id.between(first_id, last_id),
            ContactChannel.is_primary.is_(False),
        )
        .order_by(ContactChannel.id)
    )
    channels: dict[int, list[Json]] = {}
    for contact_id, channel, identifier in session.execute(query):
        channels.setdefault(contact_id, []).append({"channel": channel, "identifier": identifier})
    return channels


def _cells(row: Any, channels: list[Json]) -> list[str]:
    return [
        str(row.id),
        row.first_name,
        row.last_name,
        row.email or "",
        row.phone or "",
        "true" if row.blocked else "false",
        row.custom_attributes,
        row.created_at,
        row.updated_at,
        write_json(channels).decode(),
    ]


class RefusedError(Exception):
    """A row that cannot be imported; the message is the reason."""


class Import:
    """An import of one file, which is read to its end before anything is written.

    `total` is the number of its rows, `counts` tells what became of those that are done, and
    `is_search_unordered` whether the search index, which has the contacts in the order in which
    they came, is to be rebuilt, because the file dates them. Refused rows go to `refused_path`,
    which is not there afterwards if there are none. Entering raises FileError.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        is_csv = path.suffix.lower() == ".csv"
        self.refused_path = Path(f"{path.with_suffix('') if is_csv else path}.refused.csv")
        self.counts: Counter[str] = Counter()
        self.is_search_unordered = False

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self.file = stack.enter_context(open_csv(self.path))
            stack.callback(self._drop_empty_file)
            self.refused_file = stack.enter_context(_open_refused(self.refused_path))
            self.headers, rows = self._read()
            self.total, self.people = _survey(self.headers, rows)
            self.write_refused = write_table(
                self.refused_file, (*REFUSAL_COLUMNS, *self._without_refusal(self.headers))
            )
            # What is there by now stays: looking at it anew is a seventh of an import's time.
            gc.freeze()
            stack.callback(gc.unfreeze)
            self.stack = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stack.close()

    def batches(self) -> Iterator[int]:
        """Import, and yield the number of rows of each batch once it is committed."""
        _, rows = self._read()
        while batch := list(islice(rows, BATCH)):
            reasons: dict[int, str] = {}
            judged = list(self._judged(batch, reasons))
            with unit_of_work() as session:
                outcomes = Counter(self._placed(session, judged, reasons))
            session.expunge_all()
            yield_to_writers()
            for row in batch:
                if row.line in reasons:
                    cells = row.cells if row.error else self._without_refusal(row.cells)
                    self.write_refused([str(row.line), reasons[row.line], *cells])
            self.refused_file.flush()
            self.counts.update(outcomes, refused=len(reasons))
            yield len(batch)

    def _read(self) -> tuple[list[str], Iterator[Row]]:
        return read_table(self.file, (*COLUMNS, *REFUSAL_COLUMNS))

    def _without_refusal(self, cells: list[str]) -> list[str]:
        """The cells without those of an earlier refusal, in a file of refused rows."""
        ours = {place for place, name in enumerate(self.headers) if name in REFUSAL_COLUMNS}
        return [cell for place, cell in enumerate(cells) if place not in ours]

    def _drop_empty_file(self) -> None:
        if not self.counts["refused"]:
            self.refused_path.unlink(missing_ok=True)

    def _judged(self, rows: Iterable[Row], reasons: dict[int, str]) -> Iterator[RowValues]:
        for row in rows:
            try:
                yield _judge(row, self.headers)
            except RefusedError as error:
                reasons[row.line] = str(error)

    def _placed(
        self, session: UnitOfWork, rows: list[RowValues], reasons: dict[int, str]
    ) -> Iterator[str]:
        """What became of each row: created, updated or unchanged."""
        self.new: list[tuple[NewContact, list[Address]]] = []
        self.updated: list[tuple[Contact, list[Address]]] = []
        self.people.load(session, rows)
        for row in rows:
            try:
                yield self._place(session, row)
            except RefusedError as error:
                reasons[row.line] = str(error)
        self._write(session)
        self.people.settle()

    def _place(self, session: UnitOfWork, row: RowValues) -> str:
        person = self.people.find(row)
        if person is None:
            self._create(session, row)
            return "created"
        changes = differences(person, row)
        if changes:
            self._update(session, person, changes)
        self.people.claim(person, row)
        return "updated" if changes else "unchanged"

    def _create(self, session: UnitOfWork, row: RowValues) -> None:
        contact, channels = new_contact(row)
        person = Person(contact, channels, row.line, row.number)
        self._check(session, person, channels, row.values)
        self.new.append((contact, channels))
        self.people.add(person)

    def _update(self, session: UnitOfWork, person: Person, changes: Json) -> None:
        contact = person.contact
        if person.line is not None or isinstance(contact, NewContact):
            raise RefusedError(f"Line {person.line} is about the same contact.")
        channels = changes.get("contact_channels", [])
        self._check(session, person, channels, changes)
        editable = {name: changes[name] for name in EDITABLE if name in changes}
        if not contacts.change_contact(session, contact, editable):
            contacts.touch(contact)
        contact.blocked = changes.get("blocked", contact.blocked)
        contact.created_at = changes.get("created_at", contact.created_at)
        person.channels += channels
        self.updated.append((contact, channels))
        self.people.add(person)

    def _check(
        self, session: UnitOfWork, person: Person, channels: Iterable[Address], values: Json
    ) -> None:
        for address in channels:
            if self.people.owners.get(address, person) is not person:
                raise RefusedError(f"contact_channels: {' '.join(address)} is already taken.")
        if "custom_attributes" in values:
            try:
                check_attributes(session, values["custom_attributes"])
            except InputError as error:
                raise RefusedError(_sentences(error.errors["json"])) from None

    def _write(self, session: UnitOfWork) -> None:
        """Write what is left to write of a batch, in the order of `updated_at`."""
        claim(
            session,
            [
                (contact.id, address, contact.updated_at)
                for contact, more in self.updated
                for address in more
            ],
        )
        index_contacts(session, [contact.id for contact, _ in self.updated])
        moment = now()
        for contact, _ in self.new:
            self.is_search_unordered |= contact.updated_at != ""
            contact.updated_at = contact.updated_at or moment
            contact.created_at = contact.created_at or contact.updated_at
        create_contacts(session, self.new)


def _survey(headers: Sequence[str], rows: Iterable[Row]) -> tuple[int, People]:
    """Read all rows once: how many there are, and what matching has to know of them."""
    emails = array("q")
    lone_phones: set[int] = set()
    total = 0
    for row in rows:
        total += 1
        cells = dict(zip(headers, row.cells, strict=False))
        email = cells.get("email", "").strip()
        if email:
            emails.append(hash(email.lower()))
        elif cells.get("phone"):
            lone_phones.add(hash(phone_key(cells["phone"])))
    return total, People(array("q", sorted(emails)), lone_phones)


def _open_refused(path: Path) -> TextIO:
    try:
        return path.open("w", encoding="utf-8", newline="")
    except OSError as error:
        raise FileError(
            f"{path}, for rows that are refused, cannot be written: {error.strerror}."
        ) from None


def _judge(row: Row, headers: Sequence[str]) -> RowValues:
    """What the row gives. Raises RefusedError with all that is wrong with its cells."""
    if row.error is not None:
        raise RefusedError(row.error)
    if len(row.cells) != len(headers):
        raise RefusedError(f"Has {len(row.cells)} cells; there are {len(headers)} columns.")
    given = {header: cell for header, cell in zip(headers, row.cells, strict=True) if cell.strip()}
    try:
        values = read_cells(given)
    except marshmallow.ValidationError as error:
        raise RefusedError(_sentences(flatten(error.messages))) from None
    if not any(values.get(name) for name in TELLING):
        raise RefusedError("Names nobody: no name, email, phone, channel or created_at.")
    return RowValues(row.line, values, number=given.get("id", "").strip())


def _sentences(errors: Mapping[str, list[str]]) -> str:
    return " ".join(f"{path}: {' '.join(sentences)}" for path, sentences in errors.items())
