"""Creates and changes contacts, within the caller's unit of work. `queries` reads them."""

from collections.abc import Collection

import orjson

from contacts_service import limits
from contacts_service.contacts import channels
from contacts_service.contacts.attributes import check_attributes
from contacts_service.contacts.bulk import NewContact, create_contacts
from contacts_service.contacts.channels import Address
from contacts_service.db.models import Contact
from contacts_service.db.session import UnitOfWork
from contacts_service.errors import ConflictError, InputError, NotFoundError
from contacts_service.search.index import index_contacts
from contacts_service.strict_json import Json, is_same_json, merge_patch, write_json
from contacts_service.text import fold, phone_digits
from contacts_service.timestamps import next_timestamp, utc_now
from schemas.contacts import CHANGES


def get_contact(session: UnitOfWork, contact_id: int) -> Contact:
    """Load a contact to change it. Raises NotFoundError."""
    contact = session.get(Contact, contact_id)
    if contact is None:
        raise NotFoundError("There is no such contact.")
    return contact


def quick_create(
    session: UnitOfWork, email: str, first_name: str = "", last_name: str = ""
) -> tuple[int, bool]:
    """Find or create the contact with this address. Returns its id and whether it is new."""
    owner = channels.find_owner(session, limits.EMAIL, email)
    if owner is not None:
        return owner, False
    new = create_contact(session, first_name=first_name, last_name=last_name, email=email)
    return new, True


def add_contact(session: UnitOfWork, fields: Json) -> int:
    """Create a contact with the fields of `ContactCreateSchema`. Returns its id.

    Raises ConflictError if somebody has one of the addresses, and InputError for attributes that
    strict mode refuses.
    """
    check_attributes(session, fields.get("custom_attributes", {}))
    wanted = dict(fields)
    primary = (limits.EMAIL, wanted.get("email"))
    number = phone_digits(wanted.get("phone") or "")
    further: list[Address] = [
        address
        for address in dict.fromkeys(wanted.pop("contact_channels", ()))
        if address != primary and not _is_number(address, number)
    ]
    if wanted.get("email") and channels.find_owner(session, limits.EMAIL, wanted["email"]):
        raise ConflictError("The email address is already taken.")
    if taken := channels.find_owners(session, further):
        channel, identifier = next(iter(taken))
        raise ConflictError(f"The {channel} address {identifier} is already taken.")
    return create_contact(session, **wanted, further=further)


def create_contact(
    session: UnitOfWork,
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
    """Create a contact and return its id. Nobody may have its addresses (`find_owner`)."""
    timestamp = utc_now()
    contact = NewContact(
        first_name=first_name,
        last_name=last_name,
        email=email,
        phone=phone,
        custom_attributes=write_json(custom_attributes or {}).decode(),
        blocked=blocked,
        created_at=created_at or timestamp,
        updated_at=timestamp,
        are_names_guessed=are_names_guessed,
    )
    create_contacts(session, [(contact, further)])
    return contact.id


def update_contact(session: UnitOfWork, contact: Contact, changes: Json) -> None:
    """Change the fields in `changes`, which are in their stored spelling.

    If none differs, `updated_at` stays. Raises ConflictError if another contact has the address,
    and InputError for attributes that strict mode refuses.
    """
    if change_contact(session, contact, changes):
        index_contacts(session, [contact.id])


def change_contact(session: UnitOfWork, contact: Contact, changes: Json) -> bool:
    """Like `update_contact`, without the search index. Returns whether anything changed."""
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
        check_attributes(session, changes["custom_attributes"])
        _replace_attributes(contact, changes["custom_attributes"])
    if CHANGES in changes:
        merged = _merged_attributes(contact, changes[CHANGES])
        changed = {key: merged[key] for key in changes[CHANGES] if key in merged}
        check_attributes(session, changed, CHANGES)
        _replace_attributes(contact, merged)
    if _editable(contact) == before:
        return False
    fold_columns(contact)
    touch(contact)
    return True


def block_contact(session: UnitOfWork, contact: Contact, *, is_blocked: bool) -> None:
    """Send the messages of the contact to Spam from now on, or no longer."""
    if contact.blocked != is_blocked:
        contact.blocked = is_blocked
        record_change(session, contact)


def add_channel(session: UnitOfWork, contact: Contact, address: Address) -> bool:
    """Add an address. Returns whether the contact did not have it.

    Raises ConflictError if another contact has it.
    """
    owner = channels.find_owner(session, *address)
    if owner not in (None, contact.id):
        raise ConflictError("The address is already taken.")
    if owner == contact.id or _has_number(contact, address):
        return False
    channels.add_addresses(session, [(contact.id, address, utc_now())])
    record_change(session, contact)
    return True


def remove_channel(session: UnitOfWork, contact: Contact, channel_id: int) -> None:
    """Remove a further address. Raises NotFoundError if the contact does not have it."""
    channels.remove_channel(session, contact, channel_id)
    record_change(session, contact)


def _has_number(contact: Contact, address: Address) -> bool:
    """Whether the address is the contact's own phone number, in any spelling."""
    return _is_number(address, phone_digits(contact.phone or ""))


def _is_number(address: Address, digits: str) -> bool:
    channel, number = address
    return channel == limits.PHONE and digits != "" and digits == phone_digits(number)


def record_change(session: UnitOfWork, contact: Contact) -> None:
    """Bring folded columns, `updated_at` and the search index up to date after a change."""
    fold_columns(contact)
    touch(contact)
    index_contacts(session, [contact.id])


def fold_columns(contact: Contact) -> None:
    """Compute the folded columns anew."""
    contact.first_name_folded = fold(contact.first_name)
    contact.last_name_folded = fold(contact.last_name)
    contact.email_folded = None if contact.email is None else fold(contact.email)


def touch(contact: Contact) -> None:
    """Move `updated_at` forward."""
    contact.updated_at = next_timestamp(contact.updated_at)


def _editable(contact: Contact) -> tuple[str | None, ...]:
    return (
        contact.first_name,
        contact.last_name,
        contact.email,
        contact.phone,
        contact.custom_attributes,
    )


def _change_phone(session: UnitOfWork, contact: Contact, phone: str | None) -> None:
    if phone is not None and phone != contact.phone:
        channels.remove_phone_channels(session, contact, phone)  # the primary is no channel
    contact.phone = phone


def _merged_attributes(contact: Contact, changes: Json) -> Json:
    merged: Json = merge_patch(orjson.loads(contact.custom_attributes), changes)
    if len(write_json(merged)) > limits.ATTRIBUTES_SIZE:
        sentence = f"All together are larger than {limits.ATTRIBUTES_SIZE} bytes as compact JSON."
        raise InputError({CHANGES: [sentence]})
    return merged


def _replace_attributes(contact: Contact, attributes: Json) -> None:
    if not is_same_json(attributes, contact.custom_attributes):
        contact.custom_attributes = write_json(attributes).decode()
