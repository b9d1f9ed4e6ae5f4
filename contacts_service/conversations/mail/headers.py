"""The headers of a mail or of one of its parts, as broken as they come, in linear time.

The parsers of `email` raise on broken headers and take quadratic time or recurse on huge ones;
only its reading of parameters is used, on values of bounded length.
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
    """Header values by lower-case name, each on one line, its encoded words not yet decoded."""

    def __init__(self, values: dict[str, list[bytes]]) -> None:
        self._values = values
        self._parameters = Message()
        for name in ("content-type", "content-disposition"):
            if value := self.first(name):
                self._parameters[name] = value[:PARAMETERS_LENGTH]
        self.content_type = self._parameters.get_content_type()
        self.charset = self.parameter("charset")

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def values(self, name: str) -> Iterator[str]:
        """Each value of the header; bytes beyond ASCII are read in the charset of the body."""
        charset = None if name.startswith("content-") else self.charset
        for value in self._values.get(name, ()):
            line = charsets.decode(value.replace(b"\n", b""), charset).replace("\t", " ")
            yield _controls.sub("", line).strip()

    def first(self, name: str) -> str:
        return next(filter(None, self.values(name)), "")

    def parameter(self, name: str, header: str = "content-type") -> str:
        """A parameter of a header in any form of RFC 2231, "" if it is absent or broken."""
        try:
            value = self._parameters.get_param(name, "", header)
            if isinstance(value, tuple):
                charset, _, encoded = value
                return charsets.decode(encoded.encode("latin-1", "replace"), charset)
        except (LookupError, TypeError, ValueError):
            return ""
        return str(value)


def read_headers(mail: bytes, start: int, end: int) -> tuple[Headers, int]:
    """The headers of what lies between two offsets, and where its body begins.

    Lines that are no headers are passed over, but at the end of the headers, where they count
    as a body without the blank line before it.
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
    """`line` with its encoded words decoded (RFC 2047), also where they break the rules.

    The bytes of adjacent words of one charset are put together first, since senders cut
    characters in two. A last word without an end is taken as far as it goes.
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
    """What can be had from base64, damaged or cut as it may be."""
    digits = encoded.translate(None, _NOT_BASE64)
    digits = digits[: digits.find(b"=")] if b"=" in digits else digits
    digits = digits[:-1] if len(digits) % 4 == 1 else digits
    return binascii.a2b_base64(digits + b"==")


def mailboxes(line: str) -> Iterator[tuple[str, str]]:
    """Display name and normalised address of each usable mailbox in an address header.

    Groups are opened, and what is no address is passed over. Where quotes or comments do not end
    and that leaves nothing, any address that can be made out is taken, without a name.
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
    """What stands between two separators: words, quoted strings, angle addresses and comments."""

    phrase: list[str] = field(default_factory=list)  # words and quoted strings as they are read
    bare: list[str] = field(default_factory=list)  # the same, quoted strings closed to the eye
    angles: list[str] = field(default_factory=list)
    comment: list[str] = field(default_factory=list)


def _split_mailboxes(line: str) -> Iterator[_Mailbox]:
    mailbox = _Mailbox()
    depth = 0
    for count, token in enumerate(_mailbox_token.finditer(line)):
        kind, part = token.lastgroup, token[token.lastgroup or 0]
        if count == TOKENS_LIMIT:
            return  # the mailbox at hand may be incomplete
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
    """Name and address; None where it is not plain which address is meant.

    What a quoted string holds is no address beside one that is: `"linda@example.com"@example.net`
    is somebody at example.net.
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
    """The addresses in running text, as written and normalised."""
    for word in islice((w for w in _around_addresses.split(line) if "@" in w), LOOSE_LIMIT):
        if email := _usable_address(word):
            yield word, email


def _usable_address(address: str) -> str:
    """The address normalised, "" if it is none."""
    if "@" not in address or len(address) > ADDRESS_LENGTH:
        return ""
    address = re.sub(r"\s*([@.])\s*", r"\1", decode_words(address)).strip(" .'")
    address = re.sub("^mailto:", "", address, flags=re.IGNORECASE)
    address = _needless_quotes.sub(r"\1@", address)
    try:
        return text.normalise_email(address)
    except ValueError:
        return ""
