"""Imports contacts from a CSV file, in batches of rows.

The columns are the names of a contact in the API; `custom_attributes` and `contact_channels` hold
JSON. `csv_format` reads the file, `cells` validates a row, `matching` finds its contact.

A missing column and a blank cell keep what the contact has. A value replaces the contact's, with
two exceptions: channels are added, and an email or phone that the contact has as a channel stays
one. `id` is ignored; `updated_at` is used for new contacts only.
"""

import gc
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Self, TextIO

import marshmallow

from contacts_service.contacts import service as contacts
from contacts_service.contacts.attributes import check_attributes
from contacts_service.contacts.bulk import NewContact, create_contacts
from contacts_service.contacts.channels import Address, add_addresses
from contacts_service.db.models import Contact
from contacts_service.db.session import UnitOfWork, unit_of_work, yield_to_writers
from contacts_service.errors import InputError
from contacts_service.search.index import index_contacts
from contacts_service.strict_json import Json
from contacts_service.timestamps import utc_now
from contacts_service.transfer.cells import read_cells
from contacts_service.transfer.csv_format import (
    FileError,
    Row,
    open_csv,
    read_table,
    write_table,
)
from contacts_service.transfer.exporter import COLUMNS
from contacts_service.transfer.matching import (
    Match,
    Matcher,
    RowValues,
    differences,
    new_contact,
    wanted_keys,
)
from schemas.errors import flatten

# Skipped, so that a file of refused rows can be corrected and imported.
REFUSAL_COLUMNS = ("line", "reason")
ROWS_PER_TRANSACTION = 1000

# A row must give one of them.
IDENTIFYING = ("first_name", "last_name", "email", "phone", "contact_channels", "created_at")
EDITABLE = ("first_name", "last_name", "email", "phone", "custom_attributes")


class RowError(Exception):
    """A row is refused; the message is the reason."""


class Import:
    """Imports one file; a context manager.

    Entering reads the whole file once, before anything is written, and raises FileError. `total`
    is the number of its rows; `counts` has how many were created, updated, unchanged and refused
    so far. Refused rows are written to `refused_path`, which is deleted at the end if there are
    none. `is_search_unordered` says that the search index must be rebuilt, because rows gave
    `updated_at` and search shows those first that were indexed last.
    """

    def __init__(self, path: Path, refused_path: Path | None = None) -> None:
        self.path = path
        is_csv = path.suffix.lower() == ".csv"
        beside = Path(f"{path.with_suffix('') if is_csv else path}.refused.csv")
        self.refused_path = refused_path or beside
        self.counts: Counter[str] = Counter()
        self.is_search_unordered = False

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self.file = stack.enter_context(open_csv(self.path))
            stack.callback(self._drop_empty_file)
            self.refused_file = stack.enter_context(_open_refused(self.refused_path))
            self.headers, rows = self._read()
            self.total, self.matcher = _survey(self.headers, rows)
            self.write_refused = write_table(
                self.refused_file, (*REFUSAL_COLUMNS, *self._without_refusal(self.headers))
            )
            # Spares the garbage collector what is loaded by now: 12% more rows a second
            # (`bench.directories.import_speed`).
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
        """Import the rows, and yield how many each committed transaction had."""
        _, rows = self._read()
        while batch := list(islice(rows, ROWS_PER_TRANSACTION)):
            reasons: dict[int, str] = {}
            valid = list(self._read_values(batch, reasons))
            with unit_of_work() as session:
                outcomes = Counter(self._import_rows(session, valid, reasons))
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
        """The cells without the line and reason of an earlier refusal."""
        skipped = {place for place, name in enumerate(self.headers) if name in REFUSAL_COLUMNS}
        return [cell for place, cell in enumerate(cells) if place not in skipped]

    def _drop_empty_file(self) -> None:
        if not self.counts["refused"]:
            self.refused_path.unlink(missing_ok=True)

    def _read_values(self, rows: Iterable[Row], reasons: dict[int, str]) -> Iterator[RowValues]:
        for row in rows:
            try:
                yield _read_row(row, self.headers)
            except RowError as error:
                reasons[row.line] = str(error)

    def _import_rows(
        self, session: UnitOfWork, rows: list[RowValues], reasons: dict[int, str]
    ) -> Iterator[str]:
        """Import one batch, and yield created, updated or unchanged for each row."""
        self.new: list[tuple[NewContact, list[Address]]] = []
        self.updated: list[tuple[Contact, list[Address]]] = []
        self.matcher.load_batch(session, rows)
        for row in rows:
            try:
                yield self._import_row(session, row)
            except RowError as error:
                reasons[row.line] = str(error)
        self._write(session)
        self.matcher.commit_batch()

    def _import_row(self, session: UnitOfWork, row: RowValues) -> str:
        match = self.matcher.find(row)
        if match is None:
            self._create(session, row)
            return "created"
        changes = differences(match, row)
        if changes:
            self._update(session, match, changes)
        self.matcher.note_row(match, row)
        return "updated" if changes else "unchanged"

    def _create(self, session: UnitOfWork, row: RowValues) -> None:
        contact, channels = new_contact(row)
        match = Match(contact, channels, row.line, row.file_id)
        self._check(session, match, channels, row.values)
        self.new.append((contact, channels))
        self.matcher.add(match)

    def _update(self, session: UnitOfWork, match: Match, changes: Json) -> None:
        contact = match.contact
        if match.line is not None or isinstance(contact, NewContact):
            raise RowError(f"Line {match.line} is about the same contact.")
        channels = changes.get("contact_channels", [])
        self._check(session, match, channels, changes)
        editable = {name: changes[name] for name in EDITABLE if name in changes}
        if not contacts.change_contact(session, contact, editable):
            contacts.touch(contact)
        contact.blocked = changes.get("blocked", contact.blocked)
        contact.created_at = changes.get("created_at", contact.created_at)
        match.channels += channels
        self.updated.append((contact, channels))
        self.matcher.add(match)

    def _check(
        self, session: UnitOfWork, match: Match, channels: Iterable[Address], values: Json
    ) -> None:
        for address in channels:
            if self.matcher.owners.get(address, match) is not match:
                raise RowError(f"contact_channels: {' '.join(address)} is already taken.")
        if "custom_attributes" in values:
            try:
                check_attributes(session, values["custom_attributes"])
            except InputError as error:
                raise RowError(_sentences(error.errors["json"])) from None

    def _write(self, session: UnitOfWork) -> None:
        """Write the channels of updated contacts, then the new contacts."""
        add_addresses(
            session,
            [
                (contact.id, address, contact.updated_at)
                for contact, more in self.updated
                for address in more
            ],
        )
        index_contacts(session, [contact.id for contact, _ in self.updated])
        moment = utc_now()
        for contact, _ in self.new:
            self.is_search_unordered |= contact.updated_at != ""
            contact.updated_at = contact.updated_at or moment
            contact.created_at = contact.created_at or contact.updated_at
        create_contacts(session, self.new)


def _survey(headers: Sequence[str], rows: Iterable[Row]) -> tuple[int, Matcher]:
    """Count the rows, and make the matcher for their emails and phones."""
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
            lone_phones.update(map(hash, wanted_keys(cells["phone"])))
    return total, Matcher(array("q", sorted(emails)), lone_phones)


def _open_refused(path: Path) -> TextIO:
    try:
        return path.open("w", encoding="utf-8", newline="")
    except OSError as error:
        raise FileError(
            f"{path}, for rows that are refused, cannot be written: {error.strerror}."
        ) from None


def _read_row(row: Row, headers: Sequence[str]) -> RowValues:
    """The values of a row. Raises RowError with all errors of its cells."""
    if row.error is not None:
        raise RowError(row.error)
    if len(row.cells) != len(headers):
        raise RowError(f"Has {len(row.cells)} cells; there are {len(headers)} columns.")
    given = {header: cell for header, cell in zip(headers, row.cells, strict=True) if cell.strip()}
    try:
        values = read_cells(given)
    except marshmallow.ValidationError as error:
        raise RowError(_sentences(flatten(error.messages))) from None
    if not any(values.get(name) for name in IDENTIFYING):
        raise RowError("Names nobody: no name, email, phone, channel or created_at.")
    return RowValues(row.line, values, given.get("id", "").strip())


def _sentences(errors: Mapping[str, list[str]]) -> str:
    return " ".join(f"{path}: {' '.join(sentences)}" for path, sentences in errors.items())
