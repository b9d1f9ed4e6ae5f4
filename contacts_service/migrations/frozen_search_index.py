"""Fills the search index as migrations 0002 and 0006 lay it out. Must never be changed.

This is a copy of what the service did at the time. It imports nothing of the service, so those
migrations work whatever search becomes. A migration with another layout fills the index itself.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import groupby, islice
from operator import itemgetter
from typing import Any
from zlib import crc32

from sqlalchemy import Connection

BATCH = 1000  # contacts at once
PREFIX_LENGTH = 8  # characters of a word's beginning that are tokens
LEVELS = (8, 11, 14, 17)  # a block of level n holds 2**n numbers

CONTACTS = """
    SELECT contacts.id, first_name, last_name, email, phone, channel, identifier
    FROM contacts LEFT JOIN contact_channels ON contact_id = contacts.id AND NOT is_primary
    ORDER BY contacts.updated_at, contacts.id, contact_channels.id
"""

_HAN = (
    r"\u2e80-\u2fdf\u3005\u3007\u3021-\u3029\u3038-\u303b\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
    r"\U00020000-\U0003ffff"
)
_KANA = r"\u3041-\u309f\u30a1-\u30ff\u31f0-\u31ff\U0001b000-\U0001b16f"
_SOUTH_EAST_ASIAN = (  # Thai, Lao, Myanmar, Khmer
    r"\u0e01-\u0e4e\u0e81-\u0edf\u1000-\u109f\u1780-\u17d3\ua9e0-\ua9ff\uaa60-\uaa7f"
)
_han_name = re.compile(f"[{_HAN} ]+")
_spaceless = re.compile(f"[{_HAN}{_KANA}{_SOUTH_EAST_ASIAN}]")
_ascii_break = re.compile(r"[^0-9a-z]")

_LETTERS = {
    "ß": "ss", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i",
    "'": "", "’": "", "ʼ": "", "\N{MINUS SIGN}": "-",
}  # fmt: skip

Document = tuple[list[str], list[str], list[str]]  # names, addresses and phones, folded


def fill_search_index(connection: Connection) -> None:
    """Index all contacts in the empty tables, the least recently updated first."""
    write = _write_to_sqlite if connection.dialect.name == "sqlite" else _write_to_postgresql
    numbered = enumerate(_documents(connection), 1)
    while batch := list(islice(numbered, BATCH)):
        documents = [
            (number, contact_id, "\v".join("\n".join(fields) for fields in document))
            for number, (contact_id, document) in batch
        ]
        tokens = [(number, _tokens(*document)) for number, (_, document) in batch]
        write(connection, documents, tokens)


def _documents(connection: Connection) -> Iterator[tuple[int, Document]]:
    rows = connection.exec_driver_sql(CONTACTS, execution_options={"yield_per": BATCH})
    for contact_id, group in groupby(map(tuple, rows), key=itemgetter(0)):
        of_contact = list(group)
        channels = [(row[5], row[6]) for row in of_contact if row[5]]
        yield contact_id, _document(*of_contact[0][1:5], channels)


def _write_to_sqlite(connection: Connection, documents: list[Any], tokens: list[Any]) -> None:
    connection.exec_driver_sql("INSERT INTO contact_documents VALUES (?, ?, ?)", documents)
    rows = [(number, " ".join(texts)) for number, texts in tokens]
    connection.exec_driver_sql("INSERT INTO contact_search (rowid, tokens) VALUES (?, ?)", rows)


def _write_to_postgresql(connection: Connection, documents: list[Any], tokens: list[Any]) -> None:
    driver: Any = connection.connection.dbapi_connection
    with driver.cursor() as cursor:
        with cursor.copy("COPY contact_documents FROM STDIN") as copy:
            for row in documents:
                copy.write_row(row)
        with cursor.copy("COPY contact_search FROM STDIN") as copy:
            copy.write("".join(_line(number, texts) for number, texts in tokens))


def _line(number: int, tokens: set[str]) -> str:
    """A row of `contact_search` as COPY takes it."""
    words, inner = map(_array, _columns(number, tokens))
    return f"{number}\t{words}\t{inner}\n"


def _array(checksums: list[int]) -> str:
    signed = [str(checksum - (checksum >> 31 << 32)) for checksum in checksums]
    return f"{{{','.join(signed)}}}"


def _columns(number: int, tokens: set[str]) -> tuple[list[int], list[int]]:
    """The checksums in `words` and `inner_parts`: of the tokens and of the number's blocks."""
    words = [crc32(b"#%d:%d" % (level, number >> level)) for level in LEVELS]
    inner = words.copy()
    for token in tokens:
        kind, checksum = token[0], crc32(token.encode())
        if kind not in "td":
            words.append(checksum)
        if kind in "td" or (kind in "na" and len(token) <= 3):
            inner.append(checksum)
    return words, inner


def _fold(text: str) -> str:
    if text.isascii():
        return text.lower().replace("'", "")
    decomposed = unicodedata.normalize("NFKD", text)
    bare = "".join(c for c in decomposed if not unicodedata.combining(c))
    return unicodedata.normalize("NFC", "".join(map(_letter, bare.casefold())))


@lru_cache(maxsize=1 << 14)
def _letter(character: str) -> str:
    category = unicodedata.category(character)
    if category == "Nd":
        return str(unicodedata.decimal(character))
    return _LETTERS.get(character, "-" if category == "Pd" else character)


def _document(
    first_name: str,
    last_name: str,
    email: str | None,
    phone: str | None,
    channels: Iterable[tuple[str, str]],
) -> Document:
    names = [_fold(name) for name in (first_name, last_name) if name]
    joined = "".join(reversed(names))
    if _han_name.fullmatch(joined) and joined not in names:
        names.append(joined.replace(" ", ""))
    addresses, phones = [email], [phone]
    for channel, identifier in channels:
        (phones if channel == "phone" else addresses).append(identifier)
    return list(filter(None, names)), _folded(addresses), _folded(phones)


def _folded(texts: list[str | None]) -> list[str]:
    return list(dict.fromkeys(" ".join(_fold(text).split()) for text in texts if text))


def _tokens(names: list[str], addresses: list[str], phones: list[str]) -> set[str]:
    found = set[str]().union(*map(_name_tokens, names))
    for address in (*addresses, *phones):
        found.add(f"i{crc32(address.encode()):x}")
        cut = address.rfind("@") if "@" in address else len(address)
        starts = [start for start in _word_starts(address) if start <= cut]
        found.update(_prefixes("a", address, starts), _trigrams("t", address[: cut + 2]))
        found |= _domain_tokens(address[cut:])
    for digits in filter(None, map(_phone_digits, phones)):
        found.update(["f" + digits], _trigrams("d", digits))
    return found


@lru_cache(maxsize=1 << 10)
def _name_tokens(name: str) -> set[str]:
    words = {"w" + word for word in _words(name)}
    return words.union(_prefixes("n", name, _word_starts(name)), _trigrams("t", name))


@lru_cache(maxsize=1 << 10)
def _domain_tokens(domain: str) -> set[str]:
    return set(_prefixes("a", domain, _word_starts(domain)[1:])).union(_trigrams("t", domain))


def _prefixes(kind: str, field: str, starts: Iterable[int]) -> Iterator[str]:
    for start in starts:
        word = kind + field[start : start + PREFIX_LENGTH].split(" ", 1)[0]
        for end in range(2, len(word) + 1):
            yield word[:end]


def _trigrams(kind: str, field: str) -> list[str]:
    trigrams = (field[place : place + 3] for place in range(len(field) - 2))
    return [kind + trigram for trigram in trigrams if " " not in trigram]


def _phone_digits(number: str) -> str:
    number = number.replace("(0)", "")
    digits = re.sub("[^0-9]", "", number)
    if number[: len(number) - len(number.lstrip(" +(-./"))].count("+"):
        return digits
    return digits[2:] if digits.startswith("00") else digits.removeprefix("0")


def _words(field: str) -> Iterator[str]:
    """The words of a field; in scripts written without spaces, its characters."""
    for start in _word_starts(field):
        end = start
        while end < len(field) and (end == start or not _is_word_end(field, end)):
            end += 1
        if end > start and _is_word_character(field[start]):
            yield field[start:end]


def _word_starts(field: str) -> list[int]:
    if field.isascii():
        return [0, *(match.end() for match in _ascii_break.finditer(field, 0, len(field) - 1))]
    return [
        at
        for at in range(len(field))
        if at == 0 or not _is_word_character(field[at - 1]) or _is_spaceless(field[at])
    ]


def _is_word_end(field: str, at: int) -> bool:
    return at == len(field) or not _is_word_character(field[at]) or _is_spaceless(field[at])


@lru_cache(maxsize=1 << 14)
def _is_word_character(character: str) -> bool:
    return unicodedata.category(character)[0] in "LMN"


def _is_spaceless(character: str) -> bool:
    return _spaceless.match(character) is not None
