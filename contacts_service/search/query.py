"""Search: what was typed in, at most twenty contacts out, best first.

Where few contacts have the tokens of what was typed, each is looked at. Else the index
(`search_index`) streams those of each rank of the contract's section 5, the most recently updated
first, until there are enough. Nothing is scored, and no long list is sorted.
"""

from collections.abc import Iterator, Sequence

from sqlalchemy import select

from contacts_service.db.models import ContactDocument
from contacts_service.db.queries import CompiledStatement, ReadConnection
from contacts_service.db.sql import numbers_parameter
from contacts_service.search import ranking as matching
from contacts_service.search.index import search_index
from contacts_service.search.ranking import RANKS, SUBSTRING_LENGTH, Document, Query, is_same_number
from contacts_service.search.tokens import (
    AllOf,
    are_certain,
    candidates,
    inside,
    number_candidates,
    same_number_candidates,
)
from contacts_service.strict_json import write_json
from contacts_service.text import fold

LIMIT = 20

# Candidates up to which each is looked at. Of several words many may have all tokens and few
# match, and then every rank costs a walk through the whole lists.
FEW_FOR_ONE_WORD = 60
FEW_FOR_SEVERAL = 500

FEW_FOR_A_FILTER = 5000  # candidates up to which a filter asks the index first

_DOCUMENTS = CompiledStatement(
    select(ContactDocument.id, ContactDocument.contact_id, ContactDocument.document).join(
        numbers := numbers_parameter("numbers"), numbers.c.value == ContactDocument.id
    )
)


def find_contacts(reads: ReadConnection, typed: str) -> list[int]:
    """The ids of the contacts that match, in the order of the contract's section 5."""
    query = matching.read_query(typed)
    if not query.pieces:
        return []
    few = FEW_FOR_ONE_WORD if len(query.pieces) == 1 else FEW_FOR_SEVERAL
    index = search_index(reads).seen_by(reads)
    numbers = index.few(_wanted(query, RANKS[-1]), few)
    if numbers is not None:
        return _best_of(reads, query, numbers)
    found: dict[int, None] = {}
    for rank in RANKS:
        for contact_id in _of_rank(reads, query, rank):
            found[contact_id] = None
            if len(found) == LIMIT:
                return list(found)
    return list(found)


def find_by_number(reads: ReadConnection, number: str) -> int | None:
    """The most recently updated contact that has this number, given in the digits that count."""
    wanted = same_number_candidates(number)
    found = search_index(reads).seen_by(reads).streamed(wanted, with_documents=True)
    for _, contact_id, document in found:
        if any(is_same_number(number, stored) for stored in Document.load(document).numbers):
            return contact_id
    return None


def few_candidates_with(reads: ReadConnection, part: str) -> list[int] | None:
    """The index numbers of all contacts that have `part` inside a field, and of some others.

    None where there are too many for this to be of use, or the text is too short for the index.
    """
    pieces = [piece for piece in fold(part).split() if len(piece) >= SUBSTRING_LENGTH]
    if not pieces:
        return None
    wanted = [[token for piece in pieces for token in inside(piece)]]
    return search_index(reads).seen_by(reads).few(wanted, FEW_FOR_A_FILTER)


def _best_of(reads: ReadConnection, query: Query, numbers: Sequence[int]) -> list[int]:
    """Those of a few candidates that match, best first."""
    rows = reads.rows(_DOCUMENTS, {"numbers": write_json(numbers).decode()})
    ranked = [(_rank(document, query), -number, key) for number, key, document in rows]
    found = sorted((rank, number, key) for rank, number, key in ranked if rank)
    return [contact_id for _, _, contact_id in found[:LIMIT]]


def _of_rank(reads: ReadConnection, query: Query, rank: int) -> Iterator[int]:
    """The contacts of this rank or a better one, most recently updated first."""
    index = search_index(reads)
    is_certain = index.is_exact and are_certain(query, rank)
    found = index.seen_by(reads).streamed(_wanted(query, rank), with_documents=not is_certain)
    for _, contact_id, document in found:
        if is_certain or (_rank(document, query) or RANKS[-1] + 1) <= rank:
            yield contact_id


def _rank(document: str, query: Query) -> int | None:
    if not matching.may_match(document, query):
        return None
    return matching.rank(document, query)


def _wanted(query: Query, rank: int) -> list[AllOf]:
    """What finds every contact of this rank, and some others."""
    numbers = number_candidates(query.number) if rank == RANKS[-1] else []
    return [candidates(query, rank), *numbers]
