"""Takes a mail apart into its parts (MIME, RFC 2045 and 2046), and decodes one of them.

The number and depth of parts are limited, so that a hostile mail costs little more than a long one.
"""

import binascii
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field

from contacts_service.conversations.mail import charsets
from contacts_service.conversations.mail.headers import Headers, decode_base64, read_headers
from contacts_service.limits import CONTENT_LENGTH

DEPTH_LIMIT = 20
PARTS_LIMIT = 1000
ENCODED_LENGTH = 13 * CONTENT_LENGTH  # room for four bytes a character, each as =XX, and line ends

ENCLOSED = ("message/rfc822", "message/global", "message/news")

_meta_charset = re.compile(rb"<meta[^>]{1,200}charset=[\"']?([\w.:-]{1,40})", re.IGNORECASE)
_likely_boundary = re.compile(rb"^--([^\s]{1,70})[ \t]*\n(?=content-)", re.I | re.M)
_blank_lines = re.compile(rb"\n*+")
_words = re.compile(rb"\s*+\S++[ \t]++\S")


@dataclass(slots=True)
class Part:
    """A mail or one of its parts. Its body lies between the offsets `start` and `end`."""

    headers: Headers
    mail: bytes
    start: int
    end: int
    kind: str
    children: "list[Part]" = field(default_factory=list)

    @property
    def is_attachment(self) -> bool:
        """Whether the disposition says so (RFC 2183). Without one, nothing is attached."""
        disposition = self.headers.first("content-disposition").lower()
        return disposition.strip(" \"'").startswith("attachment")

    @property
    def is_named(self) -> bool:
        named = self.headers.parameter("filename", "content-disposition")
        return bool(named or self.headers.parameter("name"))

    def decode(self) -> str:
        encoded = self.mail[self.start : min(self.end, self.start + ENCODED_LENGTH)]
        encoding = self.headers.first("content-transfer-encoding").lower()
        if encoding.startswith("quoted-printable"):
            encoded = binascii.a2b_qp(encoded)
        elif encoding.startswith("base64") and not _words.match(encoded):
            encoded = decode_base64(encoded)
        elif encoding.startswith(("x-uue", "uue", "x-uuencode")):
            encoded = _decode_uuencoded(encoded)
        charset = self.headers.charset
        if not charset and (meta := _meta_charset.search(encoded, 0, 2000)):
            charset = meta[1].decode("latin-1")
        return charsets.decode(encoded, charset)


@dataclass
class _Budget:
    parts: int = PARTS_LIMIT


def take_apart(headers: Headers, mail: bytes, start: int) -> Part:
    root = Part(headers, mail, start, len(mail), headers.content_type)
    _fill(root, 0, _Budget())
    return root


def _fill(part: Part, depth: int, budget: _Budget) -> None:
    if depth == DEPTH_LIMIT:
        return
    if part.kind in ENCLOSED:
        if budget.parts:
            budget.parts -= 1
            blank = _blank_lines.match(part.mail, part.start, part.end)
            headers, start = read_headers(part.mail, blank.end() if blank else 0, part.end)
            part.children = [Part(headers, part.mail, start, part.end, headers.content_type)]
    elif part.kind.startswith("multipart/"):
        part.children = list(_children(part, budget))
    for child in part.children:
        _fill(child, depth + 1, budget)


def _children(part: Part, budget: _Budget) -> Iterator[Part]:
    """Yield the parts of a multipart. There are none if its boundary is not found."""
    boundary = part.headers.parameter("boundary").strip().encode("latin-1", "replace")
    delimiters = list(_delimiters(part, boundary, budget)) if boundary else []
    if not delimiters and (guess := _likely_boundary.search(part.mail, part.start, part.end)):
        delimiters = list(_delimiters(part, guess[1], budget))
    starts = [end for _, end, is_closing in delimiters if not is_closing]
    ends = [start for start, _, _ in delimiters[1:]] + [part.end] * bool(budget.parts)
    for start, end in zip(starts, ends, strict=False):
        headers, body = read_headers(part.mail, start, end)
        kind = headers.content_type
        if part.kind == "multipart/digest" and "content-type" not in headers:
            kind = ENCLOSED[0]  # RFC 2046, 5.1.5
        yield Part(headers, part.mail, body, end, kind)


def _delimiters(part: Part, boundary: bytes, budget: _Budget) -> Iterator[tuple[int, int, bool]]:
    """Yield where each delimiter line starts and ends, and whether it is the closing one."""
    marker = b"--" + boundary
    position = part.start
    while budget.parts and (start := part.mail.find(marker, position, part.end)) >= 0:
        budget.parts -= 1
        position = start + len(marker)
        end = part.mail.find(b"\n", position, part.end)
        end = part.end if end < 0 else end
        rest = part.mail[position : min(end, position + 100)].strip()
        if rest in (b"", b"--") and part.mail[start - 1 : start] in (b"", b"\n"):
            yield start, min(end + 1, part.end), bool(rest)
            if rest:
                return


def _decode_uuencoded(encoded: bytes) -> bytes:
    """Decode what lies between `begin` and `end`. Lines that are not uuencoded are skipped."""
    decoded = []
    for line in encoded.partition(b"begin ")[2].split(b"\n")[1:]:
        if line.startswith(b"end"):
            break
        with suppress(binascii.Error):
            decoded.append(binascii.a2b_uu(line))
    return b"".join(decoded) or encoded
