"""Reads the headers of a mail or of one of its parts in linear time, broken ones too.

The header parsers of the standard library raise on broken headers, and take quadratic time or
recurse on huge ones. Only its parser of parameters is used, on values of limited length.
"""

import binascii
import re
import string
from collections.abc import Iterator
from email.message import Message
from itertools import groupby
from operator import itemgetter

from contacts_service import text
from contacts_service.conversations.mail import charsets

HEADERS_LENGTH = 4 * 1024 * 1024
PARAMETERS_LENGTH = 2000
REPEATS_LIMIT = 1000
WORD_LAYERS = 2

_header = re.compile(rb"^([!-9;-~]{1,80})[ \t]*:(.*+(?:\n[ \t].*+)*+)", re.MULTILINE)
_NOT_BASE64 = bytes(set(range(256)) - set(string.ascii_letters.encode() + b"0123456789+/="))
_controls = re.compile(f"[{text.NOT_IN_LINES}]")
_word_start = re.compile(r"=\?([^?\s]{1,80})\?([bBqQ])\?")
_media_type_start = re.compile(r"[\s\"']*([\w.+-]+)\s*/\s*([\w.+-]+)")
_charset_anywhere = re.compile(r"\bcharset\s*=\s*[\"']?([\w.:+-]{1,40})", re.IGNORECASE)


class Headers:
    """Header values by lower-case name. Folded lines are joined; encoded words are not decoded."""

    def __init__(self, values: dict[str, list[bytes]]) -> None:
        self._values = values
        self._parameters = Message()
        for name in ("content-type", "content-disposition"):
            if value := self.first(name):
                self._parameters[name] = value[:PARAMETERS_LENGTH]
        self.content_type = _media_type(self.first("content-type"))
        self.charset = self.parameter("charset") or _loose_charset(self.first("content-type"))

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def values(self, name: str) -> Iterator[str]:
        """Yield each value of a header. Non-ASCII bytes are decoded in the charset of the body."""
        charset = None if name.startswith("content-") else self.charset
        for value in self._values.get(name, ()):
            line = charsets.decode(value.replace(b"\n", b""), charset).replace("\t", " ")
            yield _controls.sub("", line).strip()

    def first(self, name: str) -> str:
        return next(filter(None, self.values(name)), "")

    def parameter(self, name: str, header: str = "content-type") -> str:
        """Read a parameter of a header (RFC 2231). Returns "" if it is absent or broken."""
        try:
            value = self._parameters.get_param(name, "", header)
            if isinstance(value, tuple):
                charset, _, encoded = value
                return charsets.decode(encoded.encode("latin-1", "replace"), charset)
        except (LookupError, TypeError, ValueError):
            return ""
        return str(value)


def _media_type(value: str) -> str:
    """Read the type and subtype of a Content-Type. If it does not parse, it is text/plain."""
    written = _media_type_start.match(value)
    media_type = f"{written[1]}/{written[2]}".lower() if written else "text/plain"
    return "text/plain" if media_type == "plain/text" else media_type


def _loose_charset(value: str) -> str:
    """Find a charset that no semicolon separates from the type."""
    written = _charset_anywhere.search(value[:PARAMETERS_LENGTH])
    return written[1] if written else ""


def read_headers(mail: bytes, start: int, end: int) -> tuple[Headers, int]:
    """Read the headers of the part between two offsets. Returns them and where the body begins.

    Lines that are no headers are skipped. At the end of the headers, they count as a body that
    lacks the blank line before it.
    """
    if mail.startswith(b"\n", start, end):
        return Headers({}), start + 1
    blank = mail.find(b"\n\n", start, end)
    headers_end = end if blank < 0 else blank
    block = mail[start : min(headers_end, start + HEADERS_LENGTH)]
    if len(block) < headers_end - start:
        block = block[: block.rfind(b"\n") + 1]
    values: dict[str, list[bytes]] = {}
    last = 0
    for match in _header.finditer(block):
        same = values.setdefault(match[1].decode("ascii").lower(), [])
        if len(same) < REPEATS_LIMIT:
            same.append(match[2])
        last = match.end()
    if len(block) == headers_end - start and block[last:].strip():
        return Headers(values), start + last
    return Headers(values), min(end, headers_end + 2)


def decode_words(line: str) -> str:
    """Decode the encoded words of a line (RFC 2047), also where they break the rules.

    The bytes of adjacent words in one charset are joined first, because some senders cut
    characters in two. A last word without an end is decoded as far as it goes. Words that were
    encoded twice are decoded twice.
    """
    for _ in range(WORD_LAYERS):
        if "=?" in line:
            line = _decode_layer(line)
    return line


def _decode_layer(line: str) -> str:
    chunks: list[tuple[str, bytes]] = []
    position = 0
    while start := _word_start.search(line, position):
        between = line[position : start.start()]
        if between.strip() or position == 0:
            chunks.append(("", between.encode("utf-8", "replace")))
        end = line.find("?=", start.end())
        end = len(line) if end < 0 else end
        charset = start[1].lower().partition("*")[0]  # RFC 2231 adds *language
        chunks.append((charset, _word_bytes(line[start.end() : end], start[2])))
        position = end + 2
    if not chunks:
        return line
    decoded = (
        charsets.decode(b"".join(encoded for _, encoded in adjacent), charset)
        for charset, adjacent in groupby(chunks, key=itemgetter(0))
    )
    return "".join((*decoded, line[position:]))


def _word_bytes(encoded: str, encoding: str) -> bytes:
    word = encoded.encode("utf-8", "replace")
    if encoding in "qQ":
        return binascii.a2b_qp(word, header=True)
    return decode_base64(word)


def decode_base64(encoded: bytes) -> bytes:
    """Decode base64 as far as possible, even if it is damaged or cut."""
    digits = encoded.translate(None, _NOT_BASE64)
    digits = digits[: digits.find(b"=")] if b"=" in digits else digits
    digits = digits[:-1] if len(digits) % 4 == 1 else digits
    return binascii.a2b_base64(digits + b"==")
