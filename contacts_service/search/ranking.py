"""Whether a query matches a contact, and how well: the rules of docs/search.md.

A contact is represented by its `Document`. An index proposes candidates, and `rank` decides; this
module knows neither the index nor the database.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from contacts_service.text import fold, phone_digits

RANKS = (1, 2, 3, 4, 5)  # best first
SUBSTRING_LENGTH = 3  # a piece of at least so many characters also matches inside a word
NUMBER_LENGTH = 3  # a query of at least so many digits is also read as a phone number
ENDING_LENGTH = 7  # a stored number of at least so many digits may be the end of the query's

_HAN = (
    r"\u2e80-\u2fdf\u3005\u3007\u3021-\u3029\u3038-\u303b\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
    r"\U00020000-\U0003ffff"
)
_KANA = r"\u3041-\u309f\u30a1-\u30ff\u31f0-\u31ff\U0001b000-\U0001b16f"
_SOUTH_EAST_ASIAN = (  # Thai, Lao, Myanmar, Khmer
    r"\u0e01-\u0e4e\u0e81-\u0edf\u1000-\u109f\u1780-\u17d3\ua9e0-\ua9ff\uaa60-\uaa7f"
)
_spaceless = re.compile(f"[{_HAN}{_KANA}{_SOUTH_EAST_ASIAN}]")
_han_name = re.compile(f"[{_HAN} ]+")
_number_query = re.compile(r"[0-9 +()\-./]+")
_not_in_numbers = re.compile(r"[^0-9 +()\-./]")

# Dropped from both ends of a piece. Quotation marks are those of Unicode's property Quotation_Mark
# and the ornaments of that name, as far as folding leaves them.
_QUOTATION_MARKS = '"«»‘‚‛“”„‟‹›⹂「」『』〝〞〟❛❜❝❞❟❠❮❯\U0001f676\U0001f677\U0001f678'
_ENDS = _QUOTATION_MARKS + ",;:<>()[]"
_SCHEMES = ("mailto:", "tel:")  # of a pasted link: RFC 6068, RFC 3966
_only_digits = dict.fromkeys(code for code in range(128) if not chr(code).isdigit())
_ascii_break = re.compile(r"[^0-9a-z]")


@dataclass(frozen=True, slots=True)
class Document:
    """What search knows of a contact, folded: names, phone numbers, and all other addresses."""

    names: tuple[str, ...]
    addresses: tuple[str, ...]
    phones: tuple[str, ...]

    @property
    def numbers(self) -> tuple[str, ...]:
        """The digits of the phones, which a query that is a number is compared with."""
        return tuple(filter(None, map(phone_digits, self.phones)))

    def dump(self) -> str:
        """The document as text, for `load`; no field contains a control character."""
        parts = (self.names, self.addresses, self.phones)
        return "\v".join("\n".join(fields) for fields in parts)

    @classmethod
    def load(cls, dump: str) -> "Document":
        names, addresses, phones = dump.split("\v")
        return cls(_lines(names), _lines(addresses), _lines(phones))


@dataclass(frozen=True, slots=True)
class Query:
    """What was typed, folded.

    `bare` is the whole without what is dropped from the ends of its pieces. `number` is "" unless
    the whole reads as a phone number.
    """

    whole: str
    bare: str
    pieces: tuple[str, ...]
    number: str


def read_query(typed: str) -> Query:
    """Fold and split what was typed. A query without pieces finds nobody."""
    words = fold(typed).split()
    whole = " ".join(words)
    bare_words = list(filter(None, map(_drop_ends, words)))
    bare = " ".join(bare_words)
    pieces = tuple(dict.fromkeys(word for word in bare_words if _has_letter_or_digit(word)))
    number = ""
    if _number_query.fullmatch(bare) and sum(c.isdigit() for c in bare) >= NUMBER_LENGTH:
        number = phone_digits(_not_in_numbers.sub("", whole))  # the whole has its "(0)" still
    return Query(whole, bare, pieces, number if len(number) >= NUMBER_LENGTH else "")


def _drop_ends(word: str) -> str:
    """A folded word without the quotation marks, brackets and separators that it was pasted in."""
    word = word.lstrip(_ENDS)
    while word.startswith(_SCHEMES):
        word = word.partition(":")[2].lstrip(_ENDS)
    return word.rstrip(_ENDS)


def make_document(
    first_name: str,
    last_name: str,
    email: str | None,
    phone: str | None,
    identifiers: Iterable[tuple[str, str]],
) -> Document:
    """The document of a contact. `identifiers` are its further (channel, identifier) pairs."""
    names = [fold(name) for name in (first_name, last_name) if name]
    addresses, phones = [email], [phone]
    for channel, identifier in identifiers:
        (phones if channel == "phone" else addresses).append(identifier)
    return Document(
        names=tuple(filter(None, (*names, joined_name(names)))),
        addresses=_folded(addresses),
        phones=_folded(phones),
    )


def _folded(texts: Iterable[str | None]) -> tuple[str, ...]:
    """The texts folded, with single spaces, without repetition."""
    return tuple(dict.fromkeys(" ".join(fold(text).split()) for text in texts if text))


def joined_name(names: list[str]) -> str:
    """A Han name as one word, last name first; "" for other scripts."""
    joined = "".join(reversed(names))
    if not _han_name.fullmatch(joined) or joined in names:
        return ""
    return joined.replace(" ", "")


def may_match(dump: str, query: Query) -> bool:
    """A quick test that rules out most documents that do not match, and none that does."""
    for piece in query.pieces:
        if piece not in dump:
            break
    else:
        return True
    if not query.number:
        return False
    digits = dump.rpartition("\v")[2].replace("(0)", "").translate(_only_digits)
    return query.number[-ENDING_LENGTH:] in digits


def rank(dump: str, query: Query) -> int | None:
    """How well a dumped document matches, one of RANKS; None if it does not match.

    The dump is searched as one text, which is as good as field by field: the separators end words,
    and no piece contains one.
    """
    pieces = query.pieces
    if not pieces:
        return None
    names, _, addresses = dump.partition("\v")
    if query.whole in addresses or query.bare in addresses:
        lines = addresses.replace("\v", "\n").split("\n")
        if query.whole in lines or query.bare in lines:
            return 1
    numbers = Document.load(dump).numbers if query.number else ()
    if query.number in numbers:
        return 1
    if _all_pieces(_is_word, pieces, names):
        return 2
    if _all_pieces(_begins_word, pieces, names):
        return 3
    if _all_pieces(_begins_word, pieces, dump):
        return 4
    if _has_number(numbers, query.number) or _all_pieces(_is_inside, pieces, dump):
        return 5
    return None


def _all_pieces(test: Callable[[str, str], bool], pieces: tuple[str, ...], text: str) -> bool:
    for piece in pieces:  # noqa: SIM110 (`all` takes twice as long)
        if not test(piece, text):
            return False
    return True


def _is_inside(piece: str, field: str) -> bool:
    if len(piece) >= SUBSTRING_LENGTH:
        return piece in field
    return _begins_word(piece, field)


def _begins_word(piece: str, field: str) -> bool:
    at = field.find(piece)
    while at >= 0:
        if is_word_start(field, at):
            return True
        at = field.find(piece, at + 1)
    return False


def _is_word(piece: str, field: str) -> bool:
    at = field.find(piece)
    while at >= 0:
        if is_word_start(field, at) and _is_word_end(field, at + len(piece)):
            return True
        at = field.find(piece, at + 1)
    return False


def _has_number(numbers: tuple[str, ...], number: str) -> bool:
    return any(
        number in stored or (len(stored) >= ENDING_LENGTH and number.endswith(stored))
        for stored in numbers
    )


def is_word_start(field: str, at: int) -> bool:
    """Whether a word begins at this position of a folded field."""
    return at == 0 or not _is_word_character(field[at - 1]) or is_spaceless(field[at])


def word_starts(field: str) -> tuple[int, ...]:
    """The positions of a folded field at which words begin."""
    if field.isascii():
        return (0, *(match.end() for match in _ascii_break.finditer(field, 0, len(field) - 1)))
    return tuple(at for at in range(len(field)) if is_word_start(field, at))


def words(field: str) -> Iterator[str]:
    """The words of a folded field; in scripts written without spaces, its characters."""
    for start in word_starts(field):
        end = start
        while end < len(field) and (end == start or not _is_word_end(field, end)):
            end += 1
        if end > start and _is_word_character(field[start]):
            yield field[start:end]


def _is_word_end(field: str, at: int) -> bool:
    """Whether a word ends before this position."""
    return at == len(field) or not _is_word_character(field[at]) or is_spaceless(field[at])


@lru_cache(maxsize=1 << 14)
def _is_word_character(character: str) -> bool:
    return unicodedata.category(character)[0] in "LMN"


@lru_cache(maxsize=1 << 14)
def is_spaceless(character: str) -> bool:
    """Whether its script is written without spaces; then every character begins a word."""
    return _spaceless.match(character) is not None


def _has_letter_or_digit(word: str) -> bool:
    return any(unicodedata.category(character)[0] in "LN" for character in word)


def _lines(text: str) -> tuple[str, ...]:
    return tuple(text.split("\n")) if text else ()
