"""Search: what was typed in, at most twenty contacts out, best first.

Goes through the ranks of the contract's section 5, each a stream of candidates from the index
(`search_index`) that ends as soon as there are enough; nothing is scored, nothing is sorted.
"""

from collections.abc import Iterator
from contextlib import closing

from sqlalchemy.orm import Session

from contacts_service import matching
from contacts_service.matching import RANKS, SUBSTRING_LENGTH, Document, Query
from contacts_service.search_tokens import AllOf, AnyOf, candidates, inside, number_candidates
from contacts_service.text import fold

LIMIT = 20
PATIENCE = 200  # candidates that do not match, before asking for more of their tokens

FEW = 5000  # candidates up to which a filter asks the index first

_NUMBERS = "SELECT rowid FROM contact_search WHERE contact_search MATCH ? LIMIT ?"
_CANDIDATES = """
    SELECT documents.contact_id, documents.document
    FROM contact_search JOIN contact_documents AS documents ON documents.id = contact_search.rowid
    WHERE contact_search MATCH ? ORDER BY contact_search.rowid DESC
"""


def find_contacts(session: Session, typed: str) -> list[int]:
    """The ids of the contacts that match, in the order of the contract's section 5."""
    query = matching.read_query(typed)
    found: dict[int, None] = {}
    if query.pieces:
        for rank in RANKS:
            for contact_id in _of_rank(session, query, rank):
                found[contact_id] = None
                if len(found) == LIMIT:
                    return list(found)
    return list(found)


def few_candidates_with(session: Session, text: str) -> list[int] | None:
    """The index numbers of all contacts that have `text` inside a field, and of some others.

    None where there are too many for this to be of use, or the text is too short for the index.
    """
    pieces = [piece for piece in fold(text).split() if len(piece) >= SUBSTRING_LENGTH]
    if not pieces:
        return None
    expression = _match_expression([[token for piece in pieces for token in inside(piece)]])
    numbers = session.connection().exec_driver_sql(_NUMBERS, (expression, FEW + 1)).scalars().all()
    return None if len(numbers) > FEW else list(numbers)


def _of_rank(session: Session, query: Query, rank: int) -> Iterator[int]:
    """The contacts of this rank or a better one, most recently updated first; some twice."""
    numbers = number_candidates(query) if rank == RANKS[-1] else []
    loose, tight = (
        _match_expression([candidates(query, rank, is_tight=is_tight), *numbers])
        for is_tight in (False, True)
    )
    disappointments = 0
    for contact_id, is_found in _verified(session, query, rank, loose):
        if is_found:
            yield contact_id
        elif loose != tight:
            disappointments += 1
            if disappointments > PATIENCE:
                break
    else:
        return
    for contact_id, is_found in _verified(session, query, rank, tight):
        if is_found:
            yield contact_id


def _verified(
    session: Session, query: Query, rank: int, expression: str
) -> Iterator[tuple[int, bool]]:
    """The contacts that have the tokens, each with whether it is of this rank or a better one."""
    result = session.connection().exec_driver_sql(_CANDIDATES, (expression,))
    with closing(result):
        for contact_id, text in result:
            reached = matching.rank(Document.load(text), query)
            yield contact_id, reached is not None and reached <= rank


def _match_expression(alternatives: list[AllOf]) -> str:
    """The tokens as an FTS5 query; quoted, so that nothing in them is syntax."""
    return " OR ".join(
        "(" + " AND ".join(dict.fromkeys(map(_any, all_of))) + ")" for all_of in alternatives
    )


def _any(tokens: AnyOf) -> str:
    return "(" + " OR ".join(map(_quoted, tokens)) + ")"


def _quoted(token: str) -> str:
    return '"' + token.replace('"', '""') + '"'
