"""Search: what was typed in, at most twenty contacts out, best first.

Where few contacts have the tokens of what was typed, each is looked at. Else the index
(`search_index`) streams those of each rank of the contract's section 5, the most recently updated
first, until there are enough. Nothing is scored, and no long list is sorted.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import orjson
from sqlalchemy import text

from contacts_service import matching
from contacts_service.matching import RANKS, SUBSTRING_LENGTH, Document, Query, is_same_number
from contacts_service.reading import Prepared, Reader
from contacts_service.search_tokens import (
    AllOf,
    AnyOf,
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

MAX_NUMBER = 2**63 - 1
FIRST_STEP, LAST_STEP = 20, 2048  # candidates that are streamed at once, four times more each time

_NUMBERS = Prepared(
    text("""
    SELECT json_group_array(number) FROM (
        SELECT rowid AS number FROM contact_search WHERE contact_search MATCH :tokens LIMIT :most
    )
    """)
)
_DOCUMENTS = Prepared(
    text("""
    SELECT json_group_array(json_array(id, contact_id, document)) FROM contact_documents
    WHERE id IN (SELECT value FROM json_each(:numbers))
    """)
)
_STREAM = """
    SELECT json_group_array(json_array({columns})) FROM (
        SELECT {columns}
        FROM contact_search JOIN contact_documents ON id = contact_search.rowid
        WHERE contact_search MATCH :tokens AND contact_search.rowid < :before
        ORDER BY contact_search.rowid DESC LIMIT :most
    )
"""
_IDS = Prepared(text(_STREAM.format(columns="id, contact_id")))
_CANDIDATES = Prepared(text(_STREAM.format(columns="id, contact_id, document")))


def find_contacts(reader: Reader, typed: str) -> list[int]:
    """The ids of the contacts that match, in the order of the contract's section 5."""
    query = matching.read_query(typed)
    if not query.pieces:
        return []
    few = FEW_FOR_ONE_WORD if len(query.pieces) == 1 else FEW_FOR_SEVERAL
    numbers = _numbers(reader, _expression(query, RANKS[-1]), few)
    if numbers is not None:
        return _best_of(reader, query, numbers)
    found: dict[int, None] = {}
    for rank in RANKS:
        for contact_id in _of_rank(reader, query, rank):
            found[contact_id] = None
            if len(found) == LIMIT:
                return list(found)
    return list(found)


def find_by_number(reader: Reader, number: str) -> int | None:
    """The most recently updated contact that has this number, given in the digits that count."""
    expression = _match_expression(same_number_candidates(number))
    for _, contact_id, document in _streamed(reader, _CANDIDATES, expression):
        if any(is_same_number(number, stored) for stored in Document.load(document).numbers):
            return int(contact_id)
    return None


def few_candidates_with(reader: Reader, part: str) -> list[int] | None:
    """The index numbers of all contacts that have `part` inside a field, and of some others.

    None where there are too many for this to be of use, or the text is too short for the index.
    """
    pieces = [piece for piece in fold(part).split() if len(piece) >= SUBSTRING_LENGTH]
    if not pieces:
        return None
    expression = _match_expression([[token for piece in pieces for token in inside(piece)]])
    return _numbers(reader, expression, FEW_FOR_A_FILTER)


def _numbers(reader: Reader, expression: str, most: int) -> list[int] | None:
    """The index numbers of the contacts that have the tokens; None if there are more than `most`"""
    found = _array(reader, _NUMBERS, tokens=expression, most=most + 1)
    return None if len(found) > most else found


def _best_of(reader: Reader, query: Query, numbers: Sequence[int]) -> list[int]:
    """Those of a few candidates that match, best first."""
    rows = _array(reader, _DOCUMENTS, numbers=write_json(numbers).decode())
    ranked = [(_rank(document, query), -number, key) for number, key, document in rows]
    found = sorted((rank, number, key) for rank, number, key in ranked if rank)
    return [contact_id for _, _, contact_id in found[:LIMIT]]


def _of_rank(reader: Reader, query: Query, rank: int) -> Iterator[int]:
    """The contacts of this rank or a better one, most recently updated first."""
    expression = _expression(query, rank)
    if are_certain(query, rank):
        yield from (contact_id for _, contact_id in _streamed(reader, _IDS, expression))
        return
    for _, contact_id, document in _streamed(reader, _CANDIDATES, expression):
        if (_rank(document, query) or RANKS[-1] + 1) <= rank:
            yield contact_id


def _streamed(reader: Reader, statement: Prepared, expression: str) -> Iterator[list[Any]]:
    """The rows of those that have the tokens, most recently updated first."""
    before, most = MAX_NUMBER, FIRST_STEP
    while True:
        rows = _array(reader, statement, tokens=expression, before=before, most=most)
        yield from rows
        if len(rows) < most:
            return
        before, most = rows[-1][0], min(4 * most, LAST_STEP)


def _array(reader: Reader, statement: Prepared, **values: Any) -> list[Any]:
    found: list[Any] = orjson.loads(reader.value(statement, values))
    return found


def _rank(document: str, query: Query) -> int | None:
    if not matching.may_match(document, query):
        return None
    return matching.rank(document, query)


def _expression(query: Query, rank: int) -> str:
    """What finds every contact of this rank, and some others."""
    numbers = number_candidates(query.number) if rank == RANKS[-1] else []
    return _match_expression([candidates(query, rank), *numbers])


def _match_expression(alternatives: list[AllOf]) -> str:
    """The tokens as an FTS5 query; quoted, so that nothing in them is syntax."""
    if len(alternatives) == 1:
        return _all(alternatives[0])
    return " OR ".join(f"({_all(all_of)})" for all_of in alternatives)


def _all(tokens: AllOf) -> str:
    return " AND ".join(dict.fromkeys(map(_any, tokens)))


def _any(tokens: AnyOf) -> str:
    if len(tokens) == 1:
        return _quoted(tokens[0])
    return "(" + " OR ".join(map(_quoted, tokens)) + ")"


def _quoted(token: str) -> str:
    return '"' + token.replace('"', '""') + '"'
