"""The addresses that the settings name: our own, and those that only forward."""

from flask import current_app

from contacts_service.conversations.incoming import Correspondent

OWN, FORWARDERS = "CONTACTS_OWN_ADDRESSES", "CONTACTS_FORWARDERS"


def is_listed(email: str | None, setting: str) -> bool:
    """Whether a setting names the address, or its domain as `@domain`."""
    listed: frozenset[str] = current_app.config[setting] or frozenset()
    return email is not None and bool(listed) and bool({email, _domain(email)} & listed)


def is_forwarder(email: str) -> bool:
    """Whether what comes from the address was written by somebody else."""
    return is_listed(email, FORWARDERS)


def is_nobody(person: Correspondent) -> bool:
    """Whether it is one of our own addresses, which are no contacts."""
    return is_listed(person.email, OWN) and not is_forwarder(person.email or "")


def _domain(email: str) -> str:
    return email[email.rfind("@") :]
