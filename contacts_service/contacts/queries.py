"""The directory as it is read: one contact, lists with their filters, search. No HTTP."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import orjson
from sqlalchemy import ColumnElement, SQLColumnExpression, bindparam, func, select

from contacts_service.contacts.channels import FURTHER
from contacts_service.db.models import Contact, ContactDocument
from contacts_service.db.queries import Prepared, Reader
from contacts_service.db.session import reader as current_reader
from contacts_service.db.sql import contact_count
from contacts_service.db.sql_json import json_boolean, json_object, list_of, stored_json
from contacts_service.errors import NotFoundError
from contacts_service.listing.filter_fields import (
    AttributeField,
    BooleanField,
    Field,
    NumberField,
    TextField,
    TimeField,
)
from contacts_service.listing.filters import filter_condition
from contacts_service.listing.lists import Listing, Order, Part, read_list
from contacts_service.search import query as search
from contacts_service.strict_json import Json
from contacts_service.text import clean_line, fold

Column = SQLColumnExpression[Any]

# The columns of a contact in lists, in the order in which they are sent.
COLUMNS = (
    Contact.id,
    Contact.first_name,
    Contact.last_name,
    Contact.email,
    Contact.phone,
    Contact.blocked,
    Contact.custom_attributes,
    Contact.created_at,
    Contact.updated_at,
)
NAMES = tuple(column.key for column in COLUMNS)

ORDERS: dict[str, Column] = {
    "id": Contact.id,
    "first_name": Contact.first_name_folded,
    "last_name": Contact.last_name_folded,
    "email": Contact.email_folded,
    "created_at": Contact.created_at,
    "updated_at": Contact.updated_at,
}


def _holders(part: str) -> ColumnElement[bool] | None:
    numbers = search.few_candidates_with(current_reader(), part)
    if numbers is None:
        return None
    indexed = ContactDocument.id.in_(select(list_of(numbers).c.value))
    return Contact.id.in_(select(ContactDocument.contact_id).where(indexed))


def _text_field(
    column: Column, compared: Column, normalise: Callable[[str], str] = fold
) -> TextField:
    return TextField(column, compared, normalise, _holders)


FIELDS: dict[str, Field] = {
    "id": NumberField(Contact.id),
    "first_name": _text_field(Contact.first_name, Contact.first_name_folded),
    "last_name": _text_field(Contact.last_name, Contact.last_name_folded),
    "email": _text_field(Contact.email, Contact.email_folded),
    "phone": _text_field(Contact.phone, func.lower(Contact.phone), str.lower),
    "blocked": BooleanField(Contact.blocked),
    "created_at": TimeField(Contact.created_at),
    "updated_at": TimeField(Contact.updated_at),
}
ATTRIBUTE_PREFIX = "custom_attributes."

AS_JSON = {column.key: column for column in COLUMNS} | {
    "blocked": json_boolean(Contact.blocked),
    "custom_attributes": stored_json(Contact.custom_attributes),
}
_SUMMARY = json_object(**AS_JSON)
_DETAIL = json_object(**AS_JSON, contact_channels=stored_json(FURTHER.scalar_subquery()))
_TOTAL = select(contact_count())
_BY_ID = Prepared(select(_DETAIL).where(Contact.id == bindparam("id")))
_IS_THERE = Prepared(select(Contact.id).where(Contact.id == bindparam("id")))


@cache
def _directory(order_by: str, *, is_descending: bool) -> Listing:
    order = Order(ORDERS[order_by], Contact.id, is_descending)
    return Listing("contacts", select(Contact), order, _SUMMARY, total=_TOTAL)


def find_field(name: str) -> Field | None:
    """The field that a filter names, with or without the table in front; None if there is none.

    Raises ValueError for a key with control characters.
    """
    name = bare_name(name)
    if name.startswith(ATTRIBUTE_PREFIX):
        key = clean_line(name.removeprefix(ATTRIBUTE_PREFIX))
        return AttributeField(Contact.custom_attributes, key) if key else None
    return FIELDS.get(name)


def bare_name(name: str) -> str:
    """A field's name without the table that clients in the field put in front of it."""
    table, dot, field = name.partition(".")
    return field if dot and table in ("users", "contacts") else name


def list_contacts(
    reader: Reader, part: Part, order_by: str, *, is_descending: bool, filters_json: str | None
) -> Json:
    """A part of the directory. Raises InputError for filters that will not do."""
    listing = _directory(order_by, is_descending=is_descending)
    if filters_json is not None:
        condition = filter_condition(filters_json, find_field)
        listing = replace(listing, query=listing.query.where(condition), total=None)
    return read_list(reader, listing, part)


def search_contacts(reader: Reader, typed: str) -> orjson.Fragment:
    """At most twenty contacts that match what was typed, best first (contract, section 5)."""
    found = search.find_contacts(reader, typed)
    return _directory("id", is_descending=True).show(reader, found, {})


def count_contacts() -> int:
    """How many contacts lists say that there are."""
    return _directory("id", is_descending=True).count(current_reader(), {})


def is_contact(reader: Reader, contact_id: int) -> bool:
    return reader.row(_IS_THERE, {"id": contact_id}) is not None


def require_contact(reader: Reader, contact_id: int) -> None:
    """Raises NotFoundError if there is no such contact."""
    if not is_contact(reader, contact_id):
        raise NotFoundError("There is no such contact.")


def read_contact(reader: Reader, contact_id: int) -> orjson.Fragment:
    """One contact with its further addresses. Raises NotFoundError."""
    contact = reader.value(_BY_ID, {"id": contact_id})
    if contact is None:
        raise NotFoundError("There is no such contact.")
    return orjson.Fragment(contact)
