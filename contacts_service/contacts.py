"""The directory: what can be asked of contacts and done to them. No HTTP.

Functions that take a session write within the caller's unit of work and never commit.
"""

from collections.abc import Callable, Collection, Sequence
from typing import Any

import orjson
from sqlalchemy import ColumnElement, SQLColumnExpression, bindparam, func, select
from sqlalchemy.orm import Session

from contacts_service import channels, filters, search
from contacts_service.attributes import check_attributes
from contacts_service.bulk import NewContact, create_contacts
from contacts_service.channels import Address
from contacts_service.clock import moment_after, now
from contacts_service.database import db, fetch
from contacts_service.errors import ConflictError, NotFoundError
from contacts_service.listing import Listing, Order, Part, read_list
from contacts_service.models import Contact, ContactDocument
from contacts_service.search_index import index_contacts
from contacts_service.strict_json import Json, is_same_json, write_json
from contacts_service.text import clean_line, fold, phone_digits

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


def _holders(text: str) -> ColumnElement[bool] | None:
    numbers = search.few_candidates_with(db.session(), text)
    if numbers is None:
        return None
    return Contact.id.in_(select(ContactDocument.contact_id).where(ContactDocument.id.in_(numbers)))


def _text_field(
    column: Column, compared: Column, normalise: Callable[[str], str] = fold
) -> filters.TextField:
    return filters.TextField(column, compared, normalise, _holders)


FIELDS: dict[str, filters.Field] = {
    "id": filters.NumberField(Contact.id),
    "first_name": _text_field(Contact.first_name, Contact.first_name_folded),
    "last_name": _text_field(Contact.last_name, Contact.last_name_folded),
    "email": _text_field(Contact.email, Contact.email_folded),
    "phone": _text_field(Contact.phone, func.lower(Contact.phone), str.lower),
    "blocked": filters.BooleanField(Contact.blocked),
    "created_at": filters.TimeField(Contact.created_at),
    "updated_at": filters.TimeField(Contact.updated_at),
}
_BY_ID = select(*COLUMNS).where(Contact.id == bindparam("id"))
_BY_IDS = select(*COLUMNS).where(Contact.id.in_(bindparam("ids", expanding=True)))


ATTRIBUTE_PREFIX = "custom_attributes."


def summary(row: Sequence[Any]) -> Json:
    """A row of COLUMNS as lists and search show it; its JSON goes out as it is stored."""
    contact = dict(zip(NAMES, row, strict=True))
    contact["custom_attributes"] = orjson.Fragment(contact["custom_attributes"])
    return contact


def find_field(name: str) -> filters.Field | None:
    """The field that a filter names, with or without the table in front; None if there is none.

    Raises ValueError for a key with control characters.
    """
    name = bare_name(name)
    if name.startswith(ATTRIBUTE_PREFIX):
        key = clean_line(name.removeprefix(ATTRIBUTE_PREFIX))
        return filters.AttributeField(Contact.custom_attributes, key) if key else None
    return FIELDS.get(name)


def bare_name(name: str) -> str:
    """A field's name without the table that clients in the field put in front of it."""
    table, dot, field = name.partition(".")
    return field if dot and table in ("users", "contacts") else name


def list_contacts(
    session: Session, part: Part, order_by: str, *, is_descending: bool, filters_json: str | None
) -> Json:
    """A part of the directory. Raises InputError for filters that will not do."""
    query = select(*COLUMNS)
    if filters_json is not None:
        query = query.where(filters.filter_condition(filters_json, find_field))
    order = Order(ORDERS[order_by], Contact.id, is_descending)
    return read_list(session, Listing("contacts", query, order, summary), part)


def search_contacts(session: Session, typed: str) -> list[Json]:
    """At most twenty contacts that match what was typed, best first (contract, section 5)."""
    ids = search.find_contacts(session, typed)
    by_id = {row[0]: summary(row) for row in fetch(session, _BY_IDS, {"ids": ids})}
    return [by_id[contact_id] for contact_id in ids]


def get_contact(session: Session, contact_id: int) -> Contact:
    """The contact for changing. Raises NotFoundError."""
    contact = session.get(Contact, contact_id)
    if contact is None:
        raise NotFoundError("There is no such contact.")
    return contact


def is_contact(session: Session, contact_id: int) -> bool:
    return session.scalar(select(Contact.id).where(Contact.id == contact_id)) is not None


def require_contact(session: Session, contact_id: int) -> None:
    """Raises NotFoundError if there is no such contact."""
    if not is_contact(session, contact_id):
        raise NotFoundError("There is no such contact.")


def read_contact(session: Session, contact_id: int) -> Json:
    """One contact with its further addresses. Raises NotFoundError."""
    session.flush()
    row = fetch(session, _BY_ID, {"id": contact_id}).first()
    if row is None:
        raise NotFoundError("There is no such contact.")
    return summary(row) | {"contact_channels": channels.further_channels(session, contact_id)}


def show_contact(session: Session, contact: Contact) -> Json:
    """As `read_contact`, of a contact that is at hand for changing."""
    session.flush()
    row = tuple(getattr(contact, name) for name in NAMES)
    return summary(row) | {"contact_channels": channels.further_channels(session, contact.id)}


def quick_create(
    session: Session, email: str, first_name: str = "", last_name: str = ""
) -> tuple[int, bool]:
    """The id of the contact that has this address, and whether it was made for it."""
    owner = channels.find_owner(session, channels.EMAIL, email)
    if owner is not None:
        return owner, False
    made = create_contact(session, first_name=first_name, last_name=last_name, email=email)
    return made, True


def create_contact(
    session: Session,
    *,
    first_name: str = "",
    last_name: str = "",
    email: str | None = None,
    phone: str | None = None,
    custom_attributes: Json | None = None,
    blocked: bool = False,
    created_at: str | None = None,
    further: Collection[Address] = (),
    are_names_guessed: bool = False,
) -> int:
    """The id of a new contact. Its addresses must be free: see `channels.find_owner`."""
    moment = now()
    contact = NewContact(
        first_name=first_name,
        last_name=last_name,
        email=email,
        phone=phone,
        custom_attributes=write_json(custom_attributes or {}).decode(),
        blocked=blocked,
        created_at=created_at or moment,
        updated_at=moment,
        are_names_guessed=are_names_guessed,
    )
    create_contacts(session, [(contact, further)])
    return contact.id


def update_contact(session: Session, contact: Contact, changes: Json) -> None:
    """Change what `changes` holds, in its stored spelling, and leave the rest.

    Where nothing differs, `updated_at` stays. Raises ConflictError for an address that is
    somebody else's, InputError for attributes that strict mode refuses.
    """
    if change_contact(session, contact, changes):
        index_contacts(session, [contact.id])


def change_contact(session: Session, contact: Contact, changes: Json) -> bool:
    """As `update_contact`, but for the search index. Whether anything differs."""
    before = _editable(contact)
    for name in ("first_name", "last_name"):
        if name in changes:
            setattr(contact, name, changes[name])
            setattr(contact, f"is_{name}_guessed", False)
    if "email" in changes and changes["email"] != contact.email:
        channels.change_primary(session, contact, changes["email"])
    if "phone" in changes:
        _change_phone(session, contact, changes["phone"])
    if "custom_attributes" in changes:
        _change_attributes(session, contact, changes["custom_attributes"])
    if _editable(contact) == before:
        return False
    fold_columns(contact)
    touch(contact)
    return True


def block_contact(session: Session, contact: Contact, *, is_blocked: bool) -> None:
    """Send the contact's messages to Spam from here on, or no longer. Doing it twice is once."""
    if contact.blocked != is_blocked:
        contact.blocked = is_blocked
        record_change(session, contact)


def add_channel(session: Session, contact: Contact, address: Address) -> bool:
    """Whether the address is new to the contact. Raises ConflictError if it is somebody else's."""
    owner = channels.find_owner(session, *address)
    if owner not in (None, contact.id):
        raise ConflictError("The address is already taken.")
    if owner == contact.id or _has_number(contact, address):
        return False
    channels.claim(session, [(contact.id, address, now())])
    record_change(session, contact)
    return True


def remove_channel(session: Session, contact: Contact, channel_id: int) -> None:
    """Raises NotFoundError for a channel that the contact does not have."""
    channels.remove(session, contact, channel_id)
    record_change(session, contact)


def _has_number(contact: Contact, address: Address) -> bool:
    """Whether the address is the contact's own number, however it is written."""
    channel, number = address
    own = phone_digits(contact.phone or "")
    return channel == channels.PHONE and own != "" and own == phone_digits(number)


def record_change(session: Session, contact: Contact) -> None:
    """Let lists and search know that what is shown of the contact has changed."""
    fold_columns(contact)
    touch(contact)
    index_contacts(session, [contact.id])


def fold_columns(contact: Contact) -> None:
    """Bring the folded columns up to the ones that they fold."""
    contact.first_name_folded = fold(contact.first_name)
    contact.last_name_folded = fold(contact.last_name)
    contact.email_folded = None if contact.email is None else fold(contact.email)


def touch(contact: Contact) -> None:
    """Move `updated_at` forward."""
    contact.updated_at = moment_after(contact.updated_at)


def _editable(contact: Contact) -> tuple[str | None, ...]:
    return (
        contact.first_name,
        contact.last_name,
        contact.email,
        contact.phone,
        contact.custom_attributes,
    )


def _change_phone(session: Session, contact: Contact, phone: str | None) -> None:
    contact.phone = phone
    if phone is not None:
        channels.release(session, contact, (channels.PHONE, phone))  # not repeated as a channel


def _change_attributes(session: Session, contact: Contact, attributes: Json) -> None:
    check_attributes(session, attributes)
    if not is_same_json(attributes, contact.custom_attributes):
        contact.custom_attributes = write_json(attributes).decode()
