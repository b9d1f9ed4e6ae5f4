"""The tokens by which an index finds the documents that may match a query.

A token is one letter, its kind, followed by text. `tokens` makes those of a document. `candidates`
says which tokens a document of a rank must have; documents that have them may still not match.
"""

from collections.abc import Iterable, Iterator
from functools import lru_cache
from zlib import crc32

from contacts_service.search.ranking import (
    ENDING_LENGTH,
    SUBSTRING_LENGTH,
    Document,
    Query,
    is_spaceless,
    word_starts,
    words,
)

PREFIX_LENGTH = 8  # beginnings of a word up to this length are tokens

# The kinds of tokens.
ADDRESS = "i"  # the checksum of a whole address
NUMBER = "f"  # a whole phone number, in digits
WORD = "w"  # a whole word of a name
NAME_PREFIX = "n"  # the first characters of a word of a name
ADDRESS_PREFIX = "a"  # the first characters of a word of an address
TRIGRAM = "t"  # three characters of a name or address
DIGITS = "d"  # three digits of a phone number

Conjunction = list["Disjunction"]  # all must hold
Disjunction = list[str]  # tokens of which a document must have one


def tokens(document: Document) -> set[str]:
    """Every token of a document. None holds white space."""
    addresses = (*document.addresses, *document.phones)
    found = {_whole(address) for address in addresses}
    for name in document.names:
        found |= _name_tokens(name)
    for address in addresses:
        cut = address.rfind("@") if "@" in address else len(address)
        starts = [start for start in word_starts(address) if start <= cut]
        found.update(_prefixes(ADDRESS_PREFIX, address, starts))
        found.update(_trigrams(TRIGRAM, address[: cut + SUBSTRING_LENGTH - 1]))
        found |= _domain_tokens(address[cut:])
    for number in document.numbers:
        found.add(NUMBER + number)
        found.update(_trigrams(DIGITS, number))
    return found


@lru_cache(maxsize=1 << 10)  # many people share names and domains
def _name_tokens(name: str) -> frozenset[str]:
    found = {WORD + word for word in words(name)}
    found.update(_prefixes(NAME_PREFIX, name, word_starts(name)))
    found.update(_trigrams(TRIGRAM, name))
    return frozenset(found)


@lru_cache(maxsize=1 << 10)
def _domain_tokens(domain: str) -> frozenset[str]:
    """The tokens of an address from its @ on, without those of a word that begins at the @."""
    found = set(_prefixes(ADDRESS_PREFIX, domain, word_starts(domain)[1:]))
    found.update(_trigrams(TRIGRAM, domain))
    return frozenset(found)


def candidates(query: Query, rank: int) -> Conjunction:
    """The tokens that every document of this rank has; see `number_candidates` for rank 5."""
    if rank == 1:
        whole = dict.fromkeys((_whole(query.whole), _whole(query.bare)))
        return [[*whole, NUMBER + query.number] if query.number else [*whole]]
    if rank == 2 and not any(map(is_spaceless, query.whole)):
        return [[WORD + word] for piece in query.pieces for word in words(piece)]
    kinds = [NAME_PREFIX] if rank <= 3 else [NAME_PREFIX, ADDRESS_PREFIX]
    found: Conjunction = []
    for piece in query.pieces:
        if rank == 5 and len(piece) >= SUBSTRING_LENGTH:
            found += inside(piece)
            continue
        found.append([kind + piece[:PREFIX_LENGTH] for kind in kinds])
        if len(piece) > PREFIX_LENGTH:
            found += inside(piece[PREFIX_LENGTH - SUBSTRING_LENGTH + 1 :])
    return found


def is_exact(query: Query, rank: int) -> bool:
    """Whether every document with the tokens of `candidates` is of this rank or a better one."""
    if rank == 2:
        is_spaced = not any(map(is_spaceless, query.whole))
        return is_spaced and all(next(words(piece)) == piece for piece in query.pieces)
    return rank in (3, 4) and all(len(piece) <= PREFIX_LENGTH for piece in query.pieces)


def number_candidates(number: str) -> list[Conjunction]:
    """Alternatives that find every document with a number that holds this one or ends it."""
    if not number:
        return []
    endings = [NUMBER + number[at:] for at in range(len(number) - ENDING_LENGTH + 1)]
    within = _inside(DIGITS, number)
    return [within, [endings]] if endings else [within]


def same_number_candidates(number: str) -> list[Conjunction]:
    """Alternatives that find every document with the same number; see `is_same_number`."""
    return number_candidates(number) if len(number) >= ENDING_LENGTH else [[[NUMBER + number]]]


def inside(piece: str) -> Conjunction:
    """The tokens of every document that has the piece inside a name or an address."""
    return _inside(TRIGRAM, piece)


def _inside(kind: str, text: str) -> Conjunction:
    """As few trigrams as cover the text."""
    last = len(text) - SUBSTRING_LENGTH
    places = [*range(0, last, SUBSTRING_LENGTH), last]
    return [[kind + text[at : at + SUBSTRING_LENGTH]] for at in places]


def _prefixes(kind: str, field: str, starts: Iterable[int]) -> Iterator[str]:
    for start in starts:
        word = kind + field[start : start + PREFIX_LENGTH].split(" ", 1)[0]
        for end in range(2, len(word) + 1):
            yield word[:end]


def _trigrams(kind: str, field: str) -> list[str]:
    places = range(len(field) - SUBSTRING_LENGTH + 1)
    trigrams = (field[place : place + SUBSTRING_LENGTH] for place in places)
    return [kind + trigram for trigram in trigrams if " " not in trigram]


def _whole(address: str) -> str:
    """A short token for a whole address; another address may have the same."""
    return f"{ADDRESS}{crc32(address.encode()):x}"
