"""Reads contacts: one of them, filtered lists, search results. Knows no HTTP."""

from collections.abc import Callable
from functools import cache, partial
from typing import Any

from sqlalchemy import ColumnElement, SQLColumnExpression, bindparam, func, select

from contacts_service.contacts.channels import list_channels
from contacts_service.db.models import Contact, ContactDocument
from contacts_service.db.queries import CompiledStatement, ReadConnection, Shape
from contacts_service.db.sql import contact_count, table_of_numbers
from contacts_service.errors import NotFoundError
from contacts_service.limits import ATTRIBUTE_PREFIX, ORDERS
from contacts_service.listing.filter_fields import (
    AttributeField,
    BooleanField,
    Field,
    NumberField,
    TextField,
    TimeField,
)
from contacts_service.listing.filters import filter_condition
from contacts_service.listing.lists import ListQuery, Order, PageRequest, read_list
from contacts_service.search.query import docids_with, find_contacts
from contacts_service.strict_json import Json
from contacts_service.text import bare_name, clean_line, fold
from schemas.contacts import ContactSchema

Column = SQLColumnExpression[Any]

ORDER_COLUMNS: dict[str, Column] = {name: getattr(Contact, name) for name in ORDERS} | {
    "first_name": Contact.first_name_folded,
    "last_name": Contact.last_name_folded,
    "email": Contact.email_folded,
}

FIELDS: dict[str, Field] = {
    "id": NumberField(Contact.id),
    "first_name": TextField(Contact.first_name, Contact.first_name_folded, fold),
    "last_name": TextField(Contact.last_name, Contact.last_name_folded, fold),
    "email": TextField(Contact.email, Contact.email_folded, fold),
    "phone": TextField(Contact.phone, func.lower(Contact.phone), str.lower),
    "blocked": BooleanField(Contact.blocked),
    "created_at": TimeField(Contact.created_at),
    "updated_at": TimeField(Contact.updated_at),
}

SUMMARY = Shape(ContactSchema().fields, Contact)
_BY_ID = CompiledStatement(select(*SUMMARY.columns).where(Contact.id == bindparam("id")))
_EXISTS = CompiledStatement(select(Contact.id).where(Contact.id == bindparam("id")))


@cache
def _directory(order_by: str, *, is_descending: bool) -> ListQuery:
    order = Order(ORDER_COLUMNS[order_by], Contact.id, is_descending)
    return ListQuery("contacts", select(Contact), order, SUMMARY, total=select(contact_count()))


def find_field(name: str) -> Field | None:
    """Find the field that a filter names, with or without its table in front.

    Raises ValueError for a key with control characters.
    """
    name = bare_name(name)
    if name.startswith(ATTRIBUTE_PREFIX):
        key = clean_line(name.removeprefix(ATTRIBUTE_PREFIX))
        return AttributeField(Contact.custom_attributes, key) if key else None
    return FIELDS.get(name)


def _narrow_by_search(reads: ReadConnection, part: str) -> ColumnElement[bool] | None:
    """Build a condition from the search index that every contact with this text in a field meets.

    Returns None if too many match for it to help.
    """
    docids = docids_with(reads, part)
    if docids is None:
        return None
    indexed = ContactDocument.id.in_(select(table_of_numbers(docids).c.value))
    return Contact.id.in_(select(ContactDocument.contact_id).where(indexed))


def list_contacts(
    reads: ReadConnection,
    page: PageRequest,
    order_by: str,
    *,
    is_descending: bool,
    filters: str | None = None,
) -> Json:
    """Read a page of the directory. Raises InputError for invalid `filters`, a JSON text."""
    query = _directory(order_by, is_descending=is_descending)
    if filters is not None:
        narrow: Callable[[str], ColumnElement[bool] | None] = partial(_narrow_by_search, reads)
        query = query.where(filter_condition(filters, find_field, narrow))
    return read_list(reads, query, page)


def search_contacts(reads: ReadConnection, typed: str) -> list[Json]:
    """Find at most twenty contacts that match the text, best first (docs/search.md)."""
    found = find_contacts(reads, typed)
    return _directory("id", is_descending=True).rows(reads, found, {})


def count_contacts(reads: ReadConnection) -> int:
    """Read the number of contacts, which triggers keep."""
    return _directory("id", is_descending=True).count(reads, {})


def contact_exists(reads: ReadConnection, contact_id: int) -> bool:
    return reads.row(_EXISTS, {"id": contact_id}) is not None


def require_contact(reads: ReadConnection, contact_id: int) -> None:
    """Raise NotFoundError if there is no such contact."""
    if not contact_exists(reads, contact_id):
        raise NotFoundError("There is no such contact.")


def read_contact(reads: ReadConnection, contact_id: int) -> Json:
    """Read one contact with its further addresses. Raises NotFoundError."""
    row = reads.row(_BY_ID, {"id": contact_id})
    if row is None:
        raise NotFoundError("There is no such contact.")
    return SUMMARY.read(row) | {"contact_channels": list_channels(reads, contact_id)}
