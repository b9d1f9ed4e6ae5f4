"""Builds the search index anew while the service runs."""

import time
from collections.abc import Iterator
from itertools import count

from sqlalchemy import func, select, table
from sqlalchemy.exc import SQLAlchemyError

from contacts_service.db.models import Contact, ContactDocument
from contacts_service.db.session import (
    UnitOfWork,
    classify_error,
    unit_of_work,
    yield_to_writers,
)
from contacts_service.errors import OperatorError
from contacts_service.search.index import (
    BATCH,
    LIVE,
    Tables,
    index_contacts,
    merge,
    search_index,
)

REBUILT = Tables("contact_documents_rebuilt", "contact_search_rebuilt")
PAIRS = (LIVE.documents, REBUILT.documents), (LIVE.search, REBUILT.search)

# PostgreSQL cannot replace the tables while somebody reads them, so that is tried again.
ATTEMPTS, ATTEMPT_SECONDS = 300, 1


class RebuildError(OperatorError):
    """The rebuild failed. The message says so to the operator."""


def rebuild_index() -> Iterator[int]:
    """Build a new index beside the live one, then replace it.

    First yields how many contacts there are, then how many each step did. Works in short
    transactions, which let other writers go on in between; what they change meanwhile is indexed
    again before the live index is replaced. Raises RebuildError.
    """
    with unit_of_work() as session:
        for live, new in PAIRS:
            search_index(session).create_like(session.connection(), live, new)
        last_docid = session.scalar(select(func.max(ContactDocument.id))) or 0
        ids = session.scalars(select(Contact.id).order_by(Contact.updated_at, Contact.id)).all()
    yield len(ids)
    for start in range(0, len(ids), BATCH):
        batch = ids[start : start + BATCH]
        with unit_of_work() as session:
            index_contacts(session, batch, REBUILT)
        yield_to_writers()
        yield len(batch)
    merge(REBUILT)
    for attempt in count(1):
        try:
            _replace_live(last_docid)
        except SQLAlchemyError as error:
            if attempt == ATTEMPTS or classify_error(error) != "busy":
                raise
            time.sleep(ATTEMPT_SECONDS)
        else:
            return


def _replace_live(last_docid: int) -> None:
    """Index what was indexed after `last_docid`, then replace the live index."""
    is_caught_up = False
    while not is_caught_up:
        with unit_of_work() as session:
            changed = session.execute(
                select(ContactDocument.id, ContactDocument.contact_id)
                .where(ContactDocument.id > last_docid)
                .order_by(ContactDocument.id)
                .limit(BATCH)
            ).all()
            index_contacts(session, [contact_id for _, contact_id in changed], REBUILT)
            is_caught_up = len(changed) < BATCH
            if is_caught_up:
                _require_complete(session)
                for live, new in PAIRS:
                    search_index(session).replace(session.connection(), live, new)
            else:
                last_docid = changed[-1].id


def _require_complete(session: UnitOfWork) -> None:
    indexed = session.scalar(select(func.count()).select_from(table(REBUILT.documents)))
    if indexed != session.scalar(select(func.count()).select_from(Contact)):
        raise RebuildError("Another rebuild has begun meanwhile; the index stays as it was.")
