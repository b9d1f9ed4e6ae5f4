"""Comparing the search index with the contacts, and building it anew while the service runs."""

import random
import time
from array import array
from collections.abc import Iterator
from itertools import count

from sqlalchemy import Select, bindparam, exists, func, select, table, union
from sqlalchemy.exc import SQLAlchemyError

from contacts_service.db.models import Contact, ContactDocument
from contacts_service.db.queries import CompiledStatement, ReadConnection
from contacts_service.db.session import (
    UnitOfWork,
    classify_error,
    unit_of_work,
    yield_to_writers,
)
from contacts_service.db.sql import numbers_parameter
from contacts_service.errors import OperatorError
from contacts_service.search.index import (
    BATCH,
    LIVE,
    Tables,
    documents,
    index_contacts,
    search_index,
)
from contacts_service.search.tokens import tokens
from contacts_service.strict_json import write_json

REBUILT = Tables("contact_documents_rebuilt", "contact_search_rebuilt")

SAMPLE = 100  # contacts in a row

# Where somebody reads from the index for long, PostgreSQL exchanges it only once that is over.
ATTEMPTS, ATTEMPT_SECONDS = 300, 1


class RebuildError(OperatorError):
    """A rebuild that came to nothing; the message is a sentence for the operator."""


_ids = numbers_parameter("ids")
_INDEXED = CompiledStatement(
    select(ContactDocument.contact_id, ContactDocument.id, ContactDocument.document).join(
        _ids, _ids.c.value == ContactDocument.contact_id
    )
)
_CONTACT_IDS = CompiledStatement(select(Contact.id).order_by(Contact.id))
_LAST_DOCID = CompiledStatement(select(func.max(ContactDocument.id)))
_LAST = CompiledStatement(select(func.max(Contact.id)))


def _in_a_row(first: str) -> Select[int]:
    """A sample's ids from the parameter of this name on."""
    ids = select(Contact.id).where(Contact.id >= bindparam(first)).order_by(Contact.id)
    return select(ids.limit(SAMPLE).subquery().columns.id)


_sample = union(_in_a_row("newest"), _in_a_row("anywhere")).subquery()
_MISSING = CompiledStatement(
    select(func.count())
    .select_from(_sample)
    .where(~exists().where(ContactDocument.contact_id == _sample.c.id))
)


def count_missing(reads: ReadConnection) -> int:
    """How many contacts of a sample are not in the index, at the same cost for any directory.

    The newest are looked at, which show a writer that forgets, and some from anywhere, which show
    sooner or later what was lost.
    """
    last = reads.value(_LAST) or 0
    anywhere = random.randint(1, max(1, last))  # noqa: S311
    starts = {"newest": max(1, last - SAMPLE + 1), "anywhere": anywhere}
    return int(reads.value(_MISSING, starts))


def differences(reads: ReadConnection) -> Iterator[tuple[int, str]]:
    """What the index says otherwise than the contacts: each contact's id and a sentence.

    Reads all of both, in the transaction of `reads`.
    """
    sums = _checksums(reads)
    docids: set[int] = set()
    for batch in reads.batches(_CONTACT_IDS, size=BATCH):
        ids = [contact_id for (contact_id,) in batch]
        rows = reads.rows(_INDEXED, {"ids": write_json(ids).decode()})
        stored = {contact_id: (docid, text) for contact_id, docid, text in rows}
        for contact_id, document in documents(reads, ids):
            if contact_id not in stored:
                yield contact_id, "is a contact that is not in the index."
                continue
            docid, text = stored[contact_id]
            docids.add(docid)
            if text != document.dump():
                yield contact_id, "is a contact that the index has as it was before a change."
            elif sums[docid] != search_index(reads).checksum(docid, tokens(document)):
                yield contact_id, "is a contact whose tokens in the index are not its own."
    for docid, checksum in enumerate(sums):
        if checksum and docid not in docids:
            yield docid, "is a number in the index that is no contact's."


def _checksums(reads: ReadConnection) -> "array[int]":
    """For every docid in the index, the sum of its tokens' checksums."""
    sums = array("Q", bytes(8 * ((reads.value(_LAST_DOCID) or 0) + 1)))
    for docid, checksum in search_index(reads).checksums(reads, LIVE.search):
        if docid >= len(sums):
            sums.extend([0] * (docid + 1 - len(sums)))
        sums[docid] += checksum
    return sums


def rebuild() -> Iterator[int]:
    """Build a new index beside the live one, then put it in its place.

    First yields how many contacts there are, then how many each step did. Writers wait for no
    more than a step; what they change meanwhile is caught up with before the exchange.
    """
    with unit_of_work() as session:
        _create_empty(session)
        mark = _last_number(session)
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
            _finish(mark)
        except SQLAlchemyError as error:
            if attempt == ATTEMPTS or classify_error(error) != "busy":
                raise
            time.sleep(ATTEMPT_SECONDS)
        else:
            return


def merge(index: Tables = LIVE) -> None:
    """Bring the parts that writers have added to the index together, so that it is read faster.

    Writers wait for no more than a step. Does nothing to an index that is in one part.
    """
    is_first, is_more = True, True
    while is_more:
        with unit_of_work() as session:
            is_more = search_index(session).merge(
                session.connection(), index.search, is_first=is_first
            )
        is_first = False
        yield_to_writers()


def _create_empty(session: UnitOfWork) -> None:
    """Make the tables of the new index as those of the live one are."""
    for live, new in _pairs():
        search_index(session).create_like(session.connection(), live, new)


def _finish(mark: int | None) -> None:
    """Catch up with what was indexed since `mark`, then exchange. Raises RebuildError."""
    while mark is not None:
        with unit_of_work() as session:
            mark = _catch_up(session, mark)
            if mark is None:
                _require_whole(session)
                _exchange(session)


def _require_whole(session: UnitOfWork) -> None:
    indexed = session.scalar(select(func.count()).select_from(table(REBUILT.documents)))
    if indexed != session.scalar(select(func.count()).select_from(Contact)):
        raise RebuildError("Another rebuild has begun meanwhile; the index stays as it was.")


def _last_number(session: UnitOfWork) -> int:
    return session.scalar(select(func.max(ContactDocument.id))) or 0


def _catch_up(session: UnitOfWork, mark: int) -> int | None:
    """Index what writers have indexed since `mark`; the mark to go on from, None at the end."""
    changed = session.execute(
        select(ContactDocument.id, ContactDocument.contact_id)
        .where(ContactDocument.id > mark)
        .order_by(ContactDocument.id)
        .limit(BATCH)
    ).all()
    index_contacts(session, [contact_id for _, contact_id in changed], REBUILT)
    return changed[-1][0] if len(changed) == BATCH else None


def _exchange(session: UnitOfWork) -> None:
    for live, new in _pairs():
        search_index(session).put_in_place(session.connection(), new, live)


def _pairs() -> tuple[tuple[str, str], ...]:
    return (LIVE.documents, REBUILT.documents), (LIVE.search, REBUILT.search)
