"""Looks people up as an agent would: how often they are among the first twenty, and where.

How many people match a query is counted without the index, by `ranking.rank`. One pass over all
documents serves all queries: a query is compared with a document only if that has its rarest three
characters, and no longer once more than twenty match. The same pass finds what a plain
`LIKE '%q%'` over email, first and last name would find, newest first.
"""

import random
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from string import ascii_lowercase, ascii_uppercase
from typing import Any

from sqlalchemy import Row, func, select
from sqlalchemy.orm import Session

from bench.directories import opened
from contacts_service.db.models import Contact, ContactDocument
from contacts_service.db.session import db, read_connection
from contacts_service.search.query import LIMIT, find_contacts
from contacts_service.search.ranking import Document, Query, rank, read_query

SEED = 5
GRAM = 3  # characters by which queries are chosen for comparing
SAMPLE = 20_000  # documents in which they are counted
FRAGMENT = 4  # of a last name

Person = Row[Any]
_variants = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ß": "ss", "þ": "th", "Ø": "O", "Ł": "L", "Đ": "D", "Þ": "Th"}
)
_like = str.maketrans(ascii_uppercase, ascii_lowercase)  # LIKE knows the case of ASCII only


@dataclass
class Matches:
    """Counts whom a query matches, up to one more than search shows."""

    query: Query
    like: str
    count: int = 0
    plain: list[int] = field(default_factory=list)  # the first ones that LIKE finds
    seen: int = 0  # the contact that was compared last


Candidate = tuple[str, tuple[str, ...], Matches]  # the rarest text, all that must be there


@dataclass
class Result:
    """How well one way to look people up works, for queries that match at most twenty people."""

    way: str
    asked: int = 0
    places: list[int | None] = field(default_factory=list)  # from 1; None where not found
    plain_places: list[int | None] = field(default_factory=list)
    unique_places: list[int | None] = field(default_factory=list)  # of names that one person has


def recall(places: list[int | None]) -> float:
    return sum(place is not None for place in places) / len(places) if places else 0


def mean_reciprocal_rank(places: list[int | None]) -> float:
    return sum(1 / place for place in places if place) / len(places) if places else 0


def _full_name(person: Person) -> str:
    return f"{person.first_name} {person.last_name}"


def _last_initial(person: Person) -> str:
    return f"{person.first_name} {person.last_name[0]}"


def _transposed(person: Person) -> str:
    return f"{person.last_name} {person.first_name}"


def _without_accents(person: Person) -> str | None:
    bare = unicodedata.normalize("NFKD", _full_name(person).translate(_variants))
    bare = "".join(character for character in bare if not unicodedata.combining(character))
    return bare if bare.isascii() and bare != _full_name(person) else None


def _last_six_digits(person: Person) -> str | None:
    return _digits(person)[-6:] if person.phone else None


def _local_number(person: Person) -> str | None:
    if not (person.phone or "").startswith("+"):
        return None
    digits = _digits(person)[-9:]
    return f"0{digits[:3]} {digits[3:6]} {digits[6:]}"


def _international_number(person: Person) -> str | None:
    if not (person.phone or "").startswith("0"):
        return None
    digits = _digits(person)[-9:]
    return f"+61 {digits[:3]} {digits[3:6]} {digits[6:]}"


def _digits(person: Person) -> str:
    return "".join(filter(str.isdigit, person.phone))


def _local_part(person: Person) -> str | None:
    return person.email and person.email.split("@")[0]


def _fragment_and_initial(person: Person) -> str | None:
    last = person.last_name
    return f"{last[-FRAGMENT:]} {person.first_name[0]}" if len(last) > FRAGMENT else None


def _joined_han(person: Person) -> str | None:
    name = person.last_name + person.first_name
    is_han = all(unicodedata.name(c, "").startswith("CJK UNIFIED") for c in name)
    return name if is_han else None


WAYS: dict[str, Callable[[Person], str | None]] = {
    "full name": _full_name,
    "first name, last initial": _last_initial,
    "last name, first name": _transposed,
    "accents dropped": _without_accents,
    "last six digits": _last_six_digits,
    "local for +country": _local_number,
    "+country for local": _international_number,
    "local part of the email": _local_part,
    "full email": lambda person: person.email,
    "EMAIL IN UPPER CASE": lambda person: person.email and person.email.upper(),
    "full phone": lambda person: person.phone,
    "end of last name, initial": _fragment_and_initial,
    "Han name joined": _joined_han,
}


def look_up(database: Path, count: int) -> list[Result]:
    """Look up `count` people, drawn at random, in each of WAYS."""
    with opened(database), Session(db.engine) as session:
        drawn = list(_draw(session, count))
        typed = {(way, person.id): make(person) for way, make in WAYS.items() for person in drawn}
        matches = {text: Matches(read_query(text), text.translate(_like))
                   for text in typed.values() if text}  # fmt: skip
        namesakes = _compare(session, matches.values())
        reads = read_connection()
        results = {way: Result(way) for way in WAYS}
        for (way, contact_id), text in typed.items():
            if not text:
                continue
            result, match = results[way], matches[text]
            result.asked += 1
            if match.count <= LIMIT:
                place = _place(contact_id, find_contacts(reads, text))
                result.places.append(place)
                result.plain_places.append(_place(contact_id, match.plain))
                if namesakes[match.query.whole] == 1:
                    result.unique_places.append(place)
    return list(results.values())


def _draw(session: Session, count: int) -> Iterator[Person]:
    highest = session.scalars(select(func.max(Contact.id))).one()
    ids = random.Random(SEED).sample(range(1, highest + 1), min(count, highest))
    columns = (Contact.id, Contact.first_name, Contact.last_name, Contact.email, Contact.phone)
    for contact_id in ids:
        yield session.execute(select(*columns).where(Contact.id == contact_id)).one()


def _place(contact_id: int, found: list[int]) -> int | None:
    return found.index(contact_id) + 1 if contact_id in found else None


def _compare(session: Session, all_matches: Collection[Matches]) -> Counter[str]:
    """Fill in whom the queries match; return how many people have each query as their name."""
    frequencies = _gram_frequencies(session)
    by_gram: dict[str, list[Candidate]] = defaultdict(list)
    by_like: dict[str, list[Matches]] = defaultdict(list)
    for match in all_matches:
        for texts in _needed(match.query):
            gram, needed = min(
                ((_rarest_gram(text, frequencies), text) for text in texts),
                key=lambda pair: (not pair[0], frequencies[pair[0]]),
            )
            by_gram[gram].append((needed, texts, match))
        by_like[_rarest_gram(match.like, frequencies)].append(match)
    grams, like_grams = set(by_gram), set(by_like)
    wanted = {match.query.whole for match in all_matches}
    namesakes: Counter[str] = Counter()
    for contact_id, document, text, plain in _everybody(session):
        name = " ".join(document.names[:2])
        if name in wanted:
            namesakes[name] += 1
        for gram in grams & _grams(text):
            _count(by_gram[gram], contact_id, document, text)
        for gram in like_grams & _grams(plain):
            for match in by_like[gram]:
                if len(match.plain) < LIMIT and match.like in plain:
                    match.plain.append(contact_id)
    return namesakes


def _count(candidates: list[Candidate], contact_id: int, document: Document, text: str) -> None:
    is_enough = False
    for needed, others, match in candidates:
        if needed not in text or match.seen == contact_id:
            continue
        if all(other in text for other in others):
            match.seen = contact_id
            match.count += rank(document.dump(), match.query) is not None
            is_enough = is_enough or match.count > LIMIT
    if is_enough:
        candidates[:] = [one for one in candidates if one[2].count <= LIMIT]


def _needed(query: Query) -> Iterator[tuple[str, ...]]:
    """Sets of texts. A document that matches contains all texts of one set."""
    yield query.pieces
    if query.number:
        yield (query.number[-6:],)


def _grams(text: str) -> set[str]:
    return {"", *(text[at : at + GRAM] for at in range(len(text) - GRAM + 1))}


def _rarest_gram(text: str, frequencies: Counter[str]) -> str:
    """The rarest three characters of a text, or "" if it is shorter."""
    return min(_grams(text), key=frequencies.__getitem__)


def _gram_frequencies(session: Session) -> Counter[str]:
    frequencies: Counter[str] = Counter()
    for _, _, text, plain in islice(_everybody(session), SAMPLE):
        frequencies.update(_grams(text) | _grams(plain))
    return frequencies


def _everybody(session: Session) -> Iterator[tuple[int, Document, str, str]]:
    """Id, document, the text that queries are compared with, and the text that LIKE looks at."""
    rows = session.execute(
        select(
            Contact.id,
            Contact.first_name,
            Contact.last_name,
            Contact.email,
            ContactDocument.document,
        )
        .join(ContactDocument, ContactDocument.contact_id == Contact.id)
        .order_by(ContactDocument.id.desc())
        .execution_options(yield_per=1000)
    )
    for contact_id, first, last, email, dump in rows:
        document = Document.load(dump)
        text = "\n".join((dump, *document.numbers))
        yield contact_id, document, text, f"{first}\n{last}\n{email or ''}".translate(_like)
