"""Search: what was typed in, at most twenty contacts out, best first.

Where few contacts have the tokens of what was typed, each is looked at. Else the index
(`search_index`) streams those of each rank of the contract's section 5, the most recently updated
first, until there are enough. Nothing is scored, and no long list is sorted.
"""

from collections.abc import Iterator, Sequence
from contextlib import closing

from sqlalchemy.orm import Session

from contacts_service import matching
from contacts_service.matching import RANKS, SUBSTRING_LENGTH, Document, Query, is_same_number
from contacts_service.search_tokens import (
    AllOf,
    AnyOf,
    candidates,
    inside,
    number_candidates,
    same_number_candidates,
)
from contacts_service.text import fold

LIMIT = 20

# Candidates up to which each is looked at. Of several words many may have all tokens and few
# match, and then every rank costs a walk through the whole lists.
FEW_FOR_ONE_WORD = 60
FEW_FOR_SEVERAL = 500

FEW_FOR_A_FILTER = 5000  # candidates up to which a filter asks the index first

_NUMBERS = "SELECT rowid FROM contact_search WHERE contact_search MATCH ? LIMIT ?"
_DOCUMENTS = "SELECT id, contact_id, document FROM contact_documents WHERE id IN ({})"
_CANDIDATES = """
    SELECT documents.contact_id, documents.document
    FROM contact_search JOIN contact_documents AS documents ON documents.id = contact_search.rowid
    WHERE contact_search MATCH ? ORDER BY contact_search.rowid DESC
"""


def find_contacts(session: Session, typed: str) -> list[int]:
    """The ids of the contacts that match, in the order of the contract's section 5."""
    query = matching.read_query(typed)
    if not query.pieces:
        return []
    few = FEW_FOR_ONE_WORD if len(query.pieces) == 1 else FEW_FOR_SEVERAL
    numbers = _numbers(session, _expression(query, RANKS[-1]), few)
    if numbers is not None:
        return _best_of(session, query, numbers)
    found: dict[int, None] = {}
    for rank in RANKS:
        for contact_id in _of_rank(session, query, rank):
            found[contact_id] = None
            if len(found) == LIMIT:
                return list(found)
    return list(found)


def find_by_number(session: Session, number: str) -> int | None:
    """The most recently updated contact that has this number, given in the digits that count."""
    expression = _match_expression(same_number_candidates(number))
    with closing(session.connection().exec_driver_sql(_CANDIDATES, (expression,))) as result:
        for contact_id, text in result:
            if any(is_same_number(number, stored) for stored in Document.load(text).numbers):
                return int(contact_id)
    return None


def few_candidates_with(session: Session, text: str) -> list[int] | None:
    """The index numbers of all contacts that have `text` inside a field, and of some others.

    None where there are too many for this to be of use, or the text is too short for the index.
    """
    pieces = [piece for piece in fold(text).split() if len(piece) >= SUBSTRING_LENGTH]
    if not pieces:
        return None
    expression = _match_expression([[token for piece in pieces for token in inside(piece)]])
    return _numbers(session, expression, FEW_FOR_A_FILTER)


def _numbers(session: Session, expression: str, most: int) -> list[int] | None:
    """The index numbers of the contacts that have the tokens; None if there are more than `most`"""
    found = session.connection().exec_driver_sql(_NUMBERS, (expression, most + 1)).scalars().all()
    return None if len(found) > most else list(found)


def _best_of(session: Session, query: Query, numbers: Sequence[int]) -> list[int]:
    """Those of a few candidates that match, best first."""
    places = ", ".join("?" * len(numbers))
    rows = session.connection().exec_driver_sql(_DOCUMENTS.format(places), tuple(numbers))
    ranked = [(_rank(text, query), -number, contact_id) for number, contact_id, text in rows]
    found = sorted((rank, number, contact_id) for rank, number, contact_id in ranked if rank)
    return [contact_id for _, _, contact_id in found[:LIMIT]]


def _of_rank(session: Session, query: Query, rank: int) -> Iterator[int]:
    """The contacts of this rank or a better one, most recently updated first."""
    expression = _expression(query, rank)
    with closing(session.connection().exec_driver_sql(_CANDIDATES, (expression,))) as result:
        for contact_id, text in result:
            if (_rank(text, query) or RANKS[-1] + 1) <= rank:
                yield contact_id


def _rank(text: str, query: Query) -> int | None:
    if not matching.may_match(text, query):
        return None
    return matching.rank(Document.load(text), query)


def _expression(query: Query, rank: int) -> str:
    """What finds every contact of this rank, and some others."""
    numbers = number_candidates(query.number) if rank == RANKS[-1] else []
    return _match_expression([candidates(query, rank), *numbers])


def _match_expression(alternatives: list[AllOf]) -> str:
    """The tokens as an FTS5 query; quoted, so that nothing in them is syntax."""
    return " OR ".join(
        "(" + " AND ".join(dict.fromkeys(map(_any, all_of))) + ")" for all_of in alternatives
    )


def _any(tokens: AnyOf) -> str:
    return "(" + " OR ".join(map(_quoted, tokens)) + ")"


def _quoted(token: str) -> str:
    return '"' + token.replace('"', '""') + '"'
