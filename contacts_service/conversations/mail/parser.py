"""Turns a raw mail into an incoming message, in whatever state the mail is.

This module decides what headers mean. `headers` and `addresses` parse them, `body` finds the text.
"""

import hashlib
import re
from collections.abc import Callable, Iterator
from itertools import islice

from contacts_service.conversations.incoming import (
    BOUNCE,
    DISPLAY_NAME_LENGTH,
    Correspondent,
    IncomingMessage,
    cut_line,
    cut_paragraphs,
)
from contacts_service.conversations.mail.addresses import mailboxes
from contacts_service.conversations.mail.automatic import enclosed_headers, origin_of
from contacts_service.conversations.mail.body import plain_text
from contacts_service.conversations.mail.headers import Headers, decode_words, read_headers
from contacts_service.limits import (
    CC_COUNT,
    CONTENT_LENGTH,
    MESSAGE_ID_LENGTH,
    REFERENCES_COUNT,
    SUBJECT_LENGTH,
)
from contacts_service.text import normalise_message_id

AUTHORS_LIMIT = 100
DATE_LENGTH = 200
REPEATED_LENGTH = 100_000  # of one header that is given many times

_in_brackets = re.compile(r"<([^<>]*)>")


class UnusableMailError(Exception):
    """The mail can never be recorded. The message is a sentence that says why."""


def parse_mail(
    raw: bytes, is_forwarder: Callable[[str], bool] = lambda _: False
) -> IncomingMessage:
    """Parse a raw mail, also one that breaks RFC 5322 or MIME.

    Text over a limit is cut, and unreadable parts are left out. `is_forwarder` says which addresses
    are no senders, but forward what others wrote. Raises UnusableMailError only if no header names
    a usable sender and the mail is no bounce.
    """
    mail = _normalise_line_ends(raw)
    headers, body = read_headers(mail, 0, len(mail))
    sender = find_sender(headers)
    origin = origin_of(headers, sender)
    if sender is None and origin != BOUNCE:
        raise UnusableMailError("The mail has no usable sender address.")
    if sender is not None and is_forwarder(sender.email or ""):
        sender = find_original_sender(headers, sender)
    answered = _ids(headers, "in-reply-to")
    if origin == BOUNCE:
        enclosed = enclosed_headers(mail, body)
        answered = [*(_ids(enclosed, "message-id")[:1] if enclosed else []), *answered]
    return IncomingMessage(
        channel="email",
        sender=sender,
        cc=find_copied_in(headers, sender),
        subject=cut_line(decode_words(headers.first("subject")), SUBJECT_LENGTH),
        content=cut_paragraphs(plain_text(headers, mail, body), CONTENT_LENGTH),
        message_id=next(iter(_ids(headers, "message-id")), None),
        in_reply_to=next(iter(answered), None),
        references=(*_references(headers), *answered[:0:-1]),
        date=cut_line(headers.first("date"), DATE_LENGTH) or None,
        origin=origin,
    )


def _normalise_line_ends(raw: bytes) -> bytes:
    """Unify line ends, and strip a byte order mark and blank lines in front of the mail."""
    if b"\r" in raw:
        raw = raw.replace(b"\r\r\n", b"\n").replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    return raw.lstrip(b"\xef\xbb\xbf \t\n")


def find_sender(headers: Headers) -> Correspondent | None:
    """Find the author: of several the one that Sender names (RFC 5322, 3.6.2), else the first."""
    authors = list(islice(_correspondents(headers, "from"), AUTHORS_LIMIT))
    submitters = list(islice(_correspondents(headers, "sender"), 1))
    for author in authors:
        if any(author.email == submitter.email for submitter in submitters):
            return author
    for usable in (*authors, *submitters):
        return usable
    for name in ("reply-to", "return-path"):
        for usable in _correspondents(headers, name):
            return usable
    return None


def find_original_sender(headers: Headers, forwarder: Correspondent) -> Correspondent:
    """Find who wrote what a form or a group has forwarded; the forwarder where nothing says."""
    for name in ("x-original-from", "x-original-sender", "reply-to"):
        for original in _correspondents(headers, name):
            if original.email != forwarder.email:
                return original
    return forwarder


def find_copied_in(headers: Headers, sender: Correspondent | None) -> tuple[Correspondent, ...]:
    copied: dict[str | None, Correspondent] = {}
    for correspondent in _correspondents(headers, "cc"):
        if sender is None or correspondent.email != sender.email:
            copied.setdefault(correspondent.email, correspondent)
        if len(copied) == CC_COUNT:
            break
    return tuple(copied.values())


def _correspondents(headers: Headers, name: str) -> Iterator[Correspondent]:
    length = 0
    for value in headers.values(name):
        length += len(value)
        if length > max(len(value), REPEATED_LENGTH):
            return
        for display_name, email in mailboxes(value):
            display_name = cut_line(display_name, DISPLAY_NAME_LENGTH)
            yield Correspondent(email=email, display_name=display_name)


def _ids(headers: Headers, name: str) -> list[str]:
    """Read the first ten ids in a header."""
    return list(filter(None, map(_clean_id, _written_ids(headers.first(name))[:10])))


def _references(headers: Headers) -> tuple[str, ...]:
    """Read the ids in References, oldest first. Of too many, the newest are kept."""
    written = [each for value in headers.values("references") for each in _written_ids(value)]
    ids = dict.fromkeys(filter(None, map(_clean_id, written[-2 * REFERENCES_COUNT :])))
    return tuple(ids)[-REFERENCES_COUNT:]


def _written_ids(value: str) -> list[str]:
    """Find the ids in brackets, else the words that look like an id, else the only word."""
    words = value.replace(",", " ").split()
    return (
        _in_brackets.findall(value)
        or [word for word in words if "@" in word]
        or (words if len(words) == 1 else [])
    )


def _clean_id(written: str) -> str:
    message_id = normalise_message_id(cut_line(written, len(written)))
    if len(message_id) > MESSAGE_ID_LENGTH:  # a cut one might equal another id
        return hashlib.sha256(message_id.encode()).hexdigest()
    return message_id
