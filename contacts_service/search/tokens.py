"""The tokens by which an index finds the documents that may match a query.

A token is its kind, one letter, and a text. `tokens` makes all of a document's; `candidates` says
for a rank which of them a matching document has: never too few, so that nothing is missed, and
so many that few documents have them and do not match.
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

PREFIX_LENGTH = 8  # characters of a word's beginning that are tokens

CACHED = 1 << 10  # names and domains whose tokens are kept at hand

# The kinds of tokens.
ADDRESS = "i"  # the checksum of a whole address
NUMBER = "f"  # a whole phone number, in digits
WORD = "w"  # a whole word of a name
NAME_PREFIX = "n"  # the first characters of a word of a name
ADDRESS_PREFIX = "a"  # the first characters of a word of an address
TRIGRAM = "t"  # three characters of a name or address
DIGITS = "d"  # three digits of a phone number

AllOf = list["AnyOf"]
AnyOf = list[str]


def tokens(document: Document) -> set[str]:
    """Every token of a document; none holds white space."""
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


# Names and domains come again and again.
@lru_cache(maxsize=CACHED)
def _name_tokens(name: str) -> frozenset[str]:
    found = {WORD + word for word in words(name)}
    found.update(_prefixes(NAME_PREFIX, name, word_starts(name)))
    found.update(_trigrams(TRIGRAM, name))
    return frozenset(found)


@lru_cache(maxsize=CACHED)
def _domain_tokens(domain: str) -> frozenset[str]:
    """The tokens of an address from its @ on, but for those of a word that begins at the @."""
    found = set(_prefixes(ADDRESS_PREFIX, domain, word_starts(domain)[1:]))
    found.update(_trigrams(TRIGRAM, domain))
    return frozenset(found)


def candidates(query: Query, rank: int) -> AllOf:
    """What a document of this rank has, as an AND of ORs; the last rank's has any that matches."""
    if rank == 1:
        whole = [_whole(query.whole)]
        return [[*whole, NUMBER + query.number] if query.number else whole]
    if rank == 2 and not any(map(is_spaceless, query.whole)):
        return [[WORD + word] for piece in query.pieces for word in words(piece)]
    kinds = [NAME_PREFIX] if rank <= 3 else [NAME_PREFIX, ADDRESS_PREFIX]
    found: AllOf = []
    for piece in query.pieces:
        if rank == 5 and len(piece) >= SUBSTRING_LENGTH:
            found += inside(piece)
            continue
        found.append([kind + piece[:PREFIX_LENGTH] for kind in kinds])
        if len(piece) > PREFIX_LENGTH:
            found += inside(piece[PREFIX_LENGTH - SUBSTRING_LENGTH + 1 :])
    return found


def are_certain(query: Query, rank: int) -> bool:
    """Whether all the candidates of this rank are of it or a better one."""
    if rank == 2:
        is_spaced = not any(map(is_spaceless, query.whole))
        return is_spaced and all(next(words(piece)) == piece for piece in query.pieces)
    return rank in (3, 4) and all(len(piece) <= PREFIX_LENGTH for piece in query.pieces)


def number_candidates(number: str) -> list[AllOf]:
    """The alternatives by which a document is found that has the number, or the end of it."""
    if not number:
        return []
    endings = [NUMBER + number[at:] for at in range(len(number) - ENDING_LENGTH + 1)]
    within = _inside(DIGITS, number)
    return [within, [endings]] if endings else [within]


def same_number_candidates(number: str) -> list[AllOf]:
    """The alternatives by which a document with the same number is found."""
    return number_candidates(number) if len(number) >= ENDING_LENGTH else [[[NUMBER + number]]]


def inside(piece: str) -> AllOf:
    """What a document has that holds the piece inside a name or an address."""
    return _inside(TRIGRAM, piece)


def _inside(kind: str, text: str) -> AllOf:
    """Trigrams side by side that cover the text."""
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
    """A short token for a whole address, which another one may share."""
    return f"{ADDRESS}{crc32(address.encode()):x}"
