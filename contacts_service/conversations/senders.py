"""Finds the contact that a sender or somebody copied in is, or creates one (docs/messages.md).

A contact is found by email, else by phone, else by the channel's own identifier of the person.
"""

from collections.abc import Iterator

from contacts_service.contacts.channels import Address, add_addresses, find_owner
from contacts_service.contacts.service import create_contact, get_contact, record_change
from contacts_service.conversations.incoming import Correspondent
from contacts_service.conversations.names import guess_names
from contacts_service.db.models import Contact
from contacts_service.db.session import UnitOfWork
from contacts_service.limits import EMAIL, PHONE
from contacts_service.search.query import find_by_number
from contacts_service.text import fold, phone_digits
from contacts_service.timestamps import utc_now


def find_or_create_contact(
    session: UnitOfWork, person: Correspondent, channel: str
) -> tuple[Contact, bool]:
    """Find or create the contact of a person. Returns it and whether it is new.

    An existing contact gets what it lacks and the message has: addresses that nobody else has, and
    names in the place of empty or guessed ones.
    """
    contact = find_contact(session, person, channel)
    if contact is not None:
        _complete_contact(session, contact, person, channel)
        return contact, False
    first_name, last_name, are_guessed = guess_names(person)
    # A number like "0" has no significant digits: it is found again only as a channel.
    phone = person.phone if phone_digits(person.phone or "") else None
    contact_id = create_contact(
        session,
        first_name=first_name,
        last_name=last_name,
        email=person.email,
        phone=phone,
        further=[
            address
            for address in _addresses(person, channel)
            if address not in ((EMAIL, person.email), (PHONE, phone))
        ],
        are_names_guessed=are_guessed,
    )
    return get_contact(session, contact_id), True


def find_contact(session: UnitOfWork, person: Correspondent, channel: str) -> Contact | None:
    """Find the contact of a person, if there is one."""
    for address in _addresses(person, channel):
        contact_id = _find_contact_id(session, address)
        if contact_id is not None:
            return get_contact(session, contact_id)
    return None


def address_of(person: Correspondent, channel: str) -> Address | None:
    """The address that a message of this channel came from; None if the person has none."""
    addresses = list(_addresses(person, channel))
    return next((one for one in addresses if one[0] == channel), next(iter(addresses), None))


def _addresses(person: Correspondent, channel: str) -> Iterator[Address]:
    """The addresses of a person, the most reliable first."""
    if person.email is not None:
        yield EMAIL, person.email
    if person.phone is not None:
        yield PHONE, person.phone
    if person.identifier is not None:
        yield channel, person.identifier


def _find_contact_id(session: UnitOfWork, address: Address) -> int | None:
    channel, identifier = address
    number = phone_digits(identifier) if channel == PHONE else ""
    if number:  # "0" has no significant digits
        return find_by_number(session.reads, number)
    return find_owner(session, channel, identifier)


def _complete_contact(
    session: UnitOfWork, contact: Contact, person: Correspondent, channel: str
) -> None:
    is_changed = _complete_names(contact, person)
    for address in _addresses(person, channel):
        if _find_contact_id(session, address) is None:
            add_addresses(session, [(contact.id, address, utc_now())])
            is_changed = True
    if is_changed:
        record_change(session, contact)


def _complete_names(contact: Contact, person: Correspondent) -> bool:
    """Replace empty and guessed names, never what an agent typed. Returns whether any changed.

    A half that was told or typed must agree with the message: two people may share an address.
    """
    *names, is_guess = guess_names(person)
    if is_guess and (contact.first_name or contact.last_name):
        return False
    before = contact.first_name, contact.last_name
    are_guessed = contact.is_first_name_guessed, contact.is_last_name_guessed
    for known, is_known_guessed, told in zip(before, are_guessed, names, strict=True):
        if known and not is_known_guessed and fold(known) != fold(told):
            return False
    for name, value in zip(("first_name", "last_name"), names, strict=True):
        flag = f"is_{name}_guessed"
        if value and (getattr(contact, flag) or not getattr(contact, name)):
            setattr(contact, name, value)
            setattr(contact, flag, is_guess)
    return (contact.first_name, contact.last_name) != before
