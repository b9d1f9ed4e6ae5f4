"""Reads the headers of a mail or of one of its parts in linear time, broken ones too.

The header parsers of the standard library raise on broken headers, and take quadratic time or
recurse on huge ones. Only its parser of parameters is used, on values of limited length.
"""

import binascii
import re
import string
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.message import Message
from itertools import groupby, islice
from operator import itemgetter

from contacts_service import text
from contacts_service.conversations.mail import charsets

HEADERS_LENGTH = 4 * 1024 * 1024
PARAMETERS_LENGTH = 2000
REPEATS_LIMIT = 1000
TOKENS_LIMIT = 20_000
ADDRESS_LENGTH = 1000
LOOSE_LIMIT = 100

_header = re.compile(rb"^([!-9;-~]{1,80})[ \t]*:(.*+(?:\n[ \t].*+)*+)", re.MULTILINE)
_NOT_BASE64 = bytes(set(range(256)) - set(string.ascii_letters.encode() + b"0123456789+/="))
_controls = re.compile(f"[{text.NOT_IN_LINES}]")
_word_start = re.compile(r"=\?([^?\s]{1,80})\?([bBqQ])\?")
_media_type_start = re.compile(r"[\s\"']*([\w.+-]+)\s*/\s*([\w.+-]+)")
_charset_anywhere = re.compile(r"\bcharset\s*=\s*[\"']?([\w.:+-]{1,40})", re.IGNORECASE)
_mailbox_token = re.compile(
    r"""(?P<word>=\?[^?\s]{1,80}\?[bBqQ]\?[^?]*\?+=)
      | "(?P<quoted>[^"\\]*+(?:\\.[^"\\]*+)*+)"?
      | <(?P<angle>[^<>,;]*)>?
      | (?P<separator>[,;])
      | (?P<group>:)
      | (?P<parenthesis>[()])
      | (?P<text>[^",;:<>()=]+|.)""",
    re.VERBOSE | re.DOTALL,
)
_plain_local_part = re.compile(r"[\w.+-]+")
_needless_quotes = re.compile(r'^"([\w.+-]+)"@')
_around_addresses = re.compile(r"[\s<>()\[\],;:\"]+")


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
    characters in two. A last word without an end is decoded as far as it goes.
    """
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


def mailboxes(line: str) -> Iterator[tuple[str, str]]:
    """Yield display name and normalised address of each usable mailbox in an address header.

    Members of groups count; text that is no address is skipped. If unclosed quotes or comments
    leave no mailbox, every address in the text is taken, without a name.
    """
    if "@" not in line:
        line = decode_words(line)
    is_found = False
    for mailbox in _split_mailboxes(line):
        if named := _read_mailbox(mailbox):
            is_found = True
            yield named
    if not is_found and (line.count('"') % 2 or line.count("(") != line.count(")")):
        yield from (("", email) for _, email in _loose_addresses(line))


@dataclass
class _Mailbox:
    """The tokens between two separators, by kind."""

    phrase: list[str] = field(default_factory=list)  # words and quoted strings, without the quotes
    bare: list[str] = field(default_factory=list)  # the same, with the `@` in quotes masked
    angles: list[str] = field(default_factory=list)
    comment: list[str] = field(default_factory=list)


def _split_mailboxes(line: str) -> Iterator[_Mailbox]:
    mailbox = _Mailbox()
    depth = 0
    for count, token in enumerate(_mailbox_token.finditer(line)):
        kind, part = token.lastgroup, token[token.lastgroup or 0]
        if count == TOKENS_LIMIT:
            return  # the current mailbox may be incomplete
        if kind == "parenthesis":
            depth = depth + 1 if part == "(" else max(0, depth - 1)
        elif depth:
            mailbox.comment.append(part)
        elif kind == "separator":
            yield mailbox
            mailbox = _Mailbox()
        elif kind == "group":
            mailbox.phrase.clear()
            mailbox.bare.clear()
        elif kind == "angle":
            mailbox.angles.append(part)
        elif kind == "quoted":
            mailbox.phrase.append(re.sub(r"\\(.)", r"\1", part))
            is_plain = _plain_local_part.fullmatch(part)
            mailbox.bare.append(part if is_plain else part.replace("@", "\0").join('""'))
        else:
            mailbox.phrase.append(part)
            mailbox.bare.append(part)
    yield mailbox


def _read_mailbox(mailbox: _Mailbox) -> tuple[str, str] | None:
    """Read name and address. Returns None if it is ambiguous which address is meant.

    An address outside of quotes takes precedence over one inside:
    `"linda@example.com"@example.net` is an address at example.net.
    """
    phrase, comment = decode_words("".join(mailbox.phrase)), decode_words("".join(mailbox.comment))
    written = {angle for angle in mailbox.angles if "@" in angle}
    if written:
        emails = {_usable_address(angle) for angle in written}
        email = emails.pop()
        return (phrase.strip() or comment, email) if email and not emails else None
    bare = decode_words("".join(mailbox.bare))
    for word, email in _loose_addresses(phrase if "@" not in bare else bare):
        return phrase.replace(word, " ").strip(" <>") or comment, email
    return None


def _loose_addresses(line: str) -> Iterator[tuple[str, str]]:
    """Yield the addresses in running text, as written and normalised."""
    for word in islice((w for w in _around_addresses.split(line) if "@" in w), LOOSE_LIMIT):
        if email := _usable_address(word):
            yield word, email


def _usable_address(address: str) -> str:
    """Normalise an address. Returns "" if it is invalid."""
    if "@" not in address or len(address) > ADDRESS_LENGTH:
        return ""
    address = re.sub(r"\s*([@.])\s*", r"\1", decode_words(address)).strip(" .'")
    address = re.sub("^mailto:", "", address, flags=re.IGNORECASE)
    address = _needless_quotes.sub(r"\1@", address)
    try:
        return text.normalise_email(address)
    except ValueError:
        return ""
