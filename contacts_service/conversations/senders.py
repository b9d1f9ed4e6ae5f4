"""Who wrote: from what a message tells of a person to the contact (contract, section 6).

A known person is found by email, else by phone, else by the channel's own identifier. Who is not
known is made a contact.
"""

from collections.abc import Iterator

from contacts_service.contacts import channels
from contacts_service.contacts import service as contacts
from contacts_service.contacts.channels import Address
from contacts_service.conversations.incoming import Correspondent
from contacts_service.conversations.names import guess_names
from contacts_service.db.models import Contact
from contacts_service.db.session import UnitOfWork
from contacts_service.limits import EMAIL, PHONE
from contacts_service.search import query as search
from contacts_service.text import phone_digits
from contacts_service.timestamps import now


def find_or_make_contact(
    session: UnitOfWork, who: Correspondent, channel: str
) -> tuple[Contact, bool]:
    """The contact that somebody is, and whether it was made for them.

    What the message tells of a known person is added: names where there are none or only guessed
    ones, and addresses that nobody has.
    """
    contact = find_contact(session, who, channel)
    if contact is not None:
        _learn(session, contact, who, channel)
        return contact, False
    first_name, last_name, are_guessed = guess_names(who)
    # A number like "0" has no digit by which it could be found again, but as a channel it is.
    phone = who.phone if phone_digits(who.phone or "") else None
    contact_id = contacts.create_contact(
        session,
        first_name=first_name,
        last_name=last_name,
        email=who.email,
        phone=phone,
        further=[
            address
            for address in _addresses(who, channel)
            if address not in ((EMAIL, who.email), (PHONE, phone))
        ],
        are_names_guessed=are_guessed,
    )
    return contacts.get_contact(session, contact_id), True


def find_contact(session: UnitOfWork, who: Correspondent, channel: str) -> Contact | None:
    """The contact that somebody is, if they are known."""
    for address in _addresses(who, channel):
        contact_id = _owner(session, address)
        if contact_id is not None:
            return contacts.get_contact(session, contact_id)
    return None


def _addresses(who: Correspondent, channel: str) -> Iterator[Address]:
    """By what they can be known, the surest first."""
    if who.email is not None:
        yield EMAIL, who.email
    if who.phone is not None:
        yield PHONE, who.phone
    if who.identifier is not None:
        yield channel, who.identifier


def _owner(session: UnitOfWork, address: Address) -> int | None:
    channel, identifier = address
    number = phone_digits(identifier) if channel == PHONE else ""
    if number:  # of "0", no digit counts
        return search.find_by_number(session.reads, number)
    return channels.find_owner(session, channel, identifier)


def _learn(session: UnitOfWork, contact: Contact, who: Correspondent, channel: str) -> None:
    is_changed = _learn_names(contact, who)
    for address in _addresses(who, channel):
        if _owner(session, address) is None:
            channels.claim(session, [(contact.id, address, now())])
            is_changed = True
    if is_changed:
        contacts.record_change(session, contact)


def _learn_names(contact: Contact, who: Correspondent) -> bool:
    """Fill what is empty or was guessed; what an agent typed stays. Whether anything differs."""
    *told, is_guess = guess_names(who)
    if is_guess and (contact.first_name or contact.last_name):
        return False
    before = contact.first_name, contact.last_name
    for name, value in zip(("first_name", "last_name"), told, strict=True):
        flag = f"is_{name}_guessed"
        if value and (getattr(contact, flag) or not getattr(contact, name)):
            setattr(contact, name, value)
            setattr(contact, flag, is_guess)
    return (contact.first_name, contact.last_name) != before
