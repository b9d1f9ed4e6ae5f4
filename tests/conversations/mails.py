"""Builders of raw mails. All mails in the tests are invented."""

from base64 import b64encode, encodebytes
from typing import Any

Sample = tuple[str, bytes, dict[str, Any]]

LINDA = "From: Linda Olsen <linda@example.com>"


def mail(*headers: str | bytes, body: str | bytes = "Hello") -> bytes:
    """Join headers and body with CR LF. Text is encoded in UTF-8."""
    lines = [*headers, "", body]
    return b"\r\n".join(line.encode() if isinstance(line, str) else line for line in lines)


def multipart(kind: str, *parts: bytes, headers: tuple[str, ...] = (LINDA,)) -> bytes:
    """Build a multipart of parts that `mail` or `multipart` built."""
    boundary = f"=_{kind}_1"
    body = b"".join(b"--%b\r\n%b\r\n" % (boundary.encode(), part) for part in parts)
    return mail(
        *headers,
        f'Content-Type: multipart/{kind}; boundary="{boundary}"',
        body=b"This is a MIME message.\r\n%b--%b--\r\nEpilogue" % (body, boundary.encode()),
    )


def sample(name: str, raw: bytes, **expected: Any) -> Sample:
    """A mail and what must be read in it.

    `email` and `display_name` are the sender's, `names` those guessed for the sender, `cc` and
    `cc_names` those of the people copied in; the others are fields of the incoming message.
    """
    return name, raw, expected


def word(charset: str, encoded: bytes) -> str:
    """Build an encoded word (RFC 2047)."""
    return f"=?{charset}?B?{b64encode(encoded).decode()}?="


PLAIN = mail("Content-Type: text/plain; charset=utf-8", body="In plain wörds")
HTML = mail("Content-Type: text/html; charset=utf-8", body="<p>In <b>HTML</b></p>")
PICTURE = mail(
    "Content-Type: image/png; name=a.png",
    "Content-Transfer-Encoding: base64",
    body=encodebytes(b"\x89PNG" * 30),
)
NOTES_FILE = mail(
    "Content-Type: text/plain; charset=utf-8",
    'Content-Disposition: attachment; filename="notes.txt"',
    body="In a file",
)
FORWARDED = mail(
    "Content-Type: message/rfc822",
    body=mail("From: eve@example.com", "Subject: Inner", body="Words of another mail"),
)
