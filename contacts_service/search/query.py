"""Search: at most twenty contacts that match what was typed, best first (docs/search.md).

If few documents have the tokens of what was typed, each of them is ranked. Otherwise the index is
asked rank by rank, most recently updated contacts first, until there are enough.
"""

from collections.abc import Iterator, Sequence

from sqlalchemy import select

from contacts_service.db.models import ContactDocument
from contacts_service.db.queries import CompiledStatement, ReadConnection
from contacts_service.db.sql import numbers_parameter
from contacts_service.search.index import search_index
from contacts_service.search.ranking import (
    ENDING_LENGTH,
    RANKS,
    SUBSTRING_LENGTH,
    Document,
    Query,
    may_match,
    rank,
    read_query,
)
from contacts_service.search.tokens import (
    Conjunction,
    candidates,
    inside,
    is_exact,
    number_candidates,
    same_number_candidates,
)
from contacts_service.strict_json import write_json
from contacts_service.text import fold

LIMIT = 20

# Up to so many candidates are all ranked. Of several words many may have all tokens and few match;
# then every rank would go through all of them.
CANDIDATES_OF_ONE_WORD = 60
CANDIDATES_OF_SEVERAL_WORDS = 500

CANDIDATES_OF_A_FILTER = 5000  # with more, a filter goes through the table instead

_DUMPS = CompiledStatement(
    select(ContactDocument.id, ContactDocument.contact_id, ContactDocument.document).join(
        docids := numbers_parameter("docids"), docids.c.value == ContactDocument.id
    )
)


def find_contacts(reads: ReadConnection, typed: str) -> list[int]:
    """The ids of the contacts that match, in the order of docs/search.md."""
    query = read_query(typed)
    if not query.pieces:
        return []
    limit = CANDIDATES_OF_ONE_WORD if len(query.pieces) == 1 else CANDIDATES_OF_SEVERAL_WORDS
    docids = search_index(reads).ids_up_to(reads, _wanted(query, RANKS[-1]), limit)
    if docids is not None:
        return _best_of(reads, query, docids)
    found: dict[int, None] = {}
    for each in RANKS:
        for contact_id in _of_rank(reads, query, each):
            found[contact_id] = None
            if len(found) == LIMIT:
                return list(found)
    return list(found)


def find_by_number(reads: ReadConnection, number: str) -> int | None:
    """The most recently updated contact with this phone number, given as `phone_digits` does."""
    wanted = same_number_candidates(number)
    found = search_index(reads).iter_newest_first(reads, wanted, with_dumps=True)
    for _, contact_id, dump in found:
        if any(is_same_number(number, stored) for stored in Document.load(dump).numbers):
            return contact_id
    return None


def is_same_number(one: str, other: str) -> bool:
    """Whether two numbers, as `phone_digits` gives them, are the same; one may lack its prefix."""
    if len(one) > len(other):
        one, other = other, one
    return one == other or (len(one) >= ENDING_LENGTH and other.endswith(one))


def number_endings(number: str) -> list[str]:
    """The numbers that are the same as this one and not longer, the longest first."""
    return [number, *(number[at:] for at in range(1, len(number) - ENDING_LENGTH + 1))]


def docids_with(reads: ReadConnection, part: str) -> list[int] | None:
    """The docids of all contacts that have `part` inside a field, and of some others.

    None if there are too many for this to be of use, or the text is too short for the index.
    """
    pieces = [piece for piece in fold(part).split() if len(piece) >= SUBSTRING_LENGTH]
    if not pieces:
        return None
    wanted = [[tokens for piece in pieces for tokens in inside(piece)]]
    return search_index(reads).ids_up_to(reads, wanted, CANDIDATES_OF_A_FILTER)


def _best_of(reads: ReadConnection, query: Query, docids: Sequence[int]) -> list[int]:
    """The contacts of these documents that match, best first."""
    rows = reads.rows(_DUMPS, {"docids": write_json(docids).decode()})
    ranked = [(_rank(dump, query), -docid, contact_id) for docid, contact_id, dump in rows]
    found = sorted((rank, place, contact_id) for rank, place, contact_id in ranked if rank)
    return [contact_id for _, _, contact_id in found[:LIMIT]]


def _of_rank(reads: ReadConnection, query: Query, worst: int) -> Iterator[int]:
    """The contacts of rank `worst` or a better one, most recently updated first."""
    index = search_index(reads)
    is_certain = is_exact(query, worst) and not index.is_lossy
    found = index.iter_newest_first(reads, _wanted(query, worst), with_dumps=not is_certain)
    for _, contact_id, dump in found:
        if is_certain or (_rank(dump, query) or RANKS[-1] + 1) <= worst:
            yield contact_id


def _rank(dump: str, query: Query) -> int | None:
    return rank(dump, query) if may_match(dump, query) else None


def _wanted(query: Query, worst: int) -> list[Conjunction]:
    """Alternatives that find every contact of rank `worst`, and some others."""
    numbers = number_candidates(query.number) if worst == RANKS[-1] else []
    return [candidates(query, worst), *numbers]
