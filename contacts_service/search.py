"""Search: what was typed in, at most twenty contacts out.

Keeps its own index beside the contacts; every writer calls `index_contact` in the transaction of
what it wrote.
"""

import re
from collections.abc import Callable
from typing import Any

from sqlalchemy import literal_column, select, text
from sqlalchemy.orm import Session

from contacts_service.listing import AnyRow, AnySelect
from contacts_service.models import Contact, ContactChannel
from contacts_service.strict_json import Json
from contacts_service.text import fold

LIMIT = 20

_words = re.compile(r"\w+")


def index_contact(session: Session, contact: Contact) -> None:
    """Bring the index up to the contact and its channels as they stand in this transaction."""
    session.flush()
    identifiers = session.scalars(
        select(ContactChannel.identifier).where(ContactChannel.contact_id == contact.id)
    )
    fields = [contact.first_name, contact.last_name, contact.email, contact.phone, *identifiers]
    words = " ".join(word for field in fields if field for word in _words.findall(fold(field)))
    session.execute(text("DELETE FROM contact_search WHERE rowid = :id"), {"id": contact.id})
    session.execute(
        text("INSERT INTO contact_search (rowid, words) VALUES (:id, :words)"),
        {"id": contact.id, "words": words},
    )


def matching_ids_query(q: str) -> AnySelect | None:
    """The ids of the contacts that `q` finds, best first; None where it holds no word."""
    words = _words.findall(fold(q))
    if not words:
        return None
    match = " AND ".join(f'"{word}"*' for word in words)
    table = text("contact_search")
    return (
        select(literal_column("rowid"))
        .select_from(table)
        .where(text("contact_search MATCH :match").bindparams(match=match))
        .order_by(literal_column("rowid").desc())
        .limit(LIMIT)
    )


def search_contacts(
    session: Session, q: str, columns: tuple[Any, ...], to_json: Callable[[AnyRow], Json]
) -> list[Json]:
    """At most twenty contacts that match every word of `q`."""
    ids = matching_ids_query(q)
    if ids is None:
        return []
    rows = session.execute(select(*columns).where(Contact.id.in_(ids)).order_by(Contact.id.desc()))
    return [to_json(row) for row in rows]
