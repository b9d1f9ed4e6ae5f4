"""What an incoming message says, whether it came as JSON or as a raw mail.

Also cuts and cleans text of mails, whose senders cannot be asked to correct it: what `text` refuses
is dropped here.
"""

import re
from dataclasses import dataclass

from contacts_service import limits, text

# Who wrote a message. Only a person becomes a contact.
PERSON, AUTOMATIC_ANSWER, BOUNCE = "person", "automatic answer", "bounce"

DISPLAY_NAME_LENGTH = 2 * limits.NAME_LENGTH + 1

_dropped_from_line = re.compile(r"[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\ud800-\udfff]")
_dropped_from_paragraphs = re.compile(f"[{text.NOT_IN_PARAGRAPHS}\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Correspondent:
    """The sender of a message or somebody copied in, as the message names them."""

    email: str | None = None  # as `text.normalise_email` spells it
    phone: str | None = None
    identifier: str | None = None  # the channel's own id of the person
    first_name: str = ""
    last_name: str = ""
    display_name: str = ""  # a whole name, as in a mail's From


@dataclass(frozen=True, slots=True)
class IncomingMessage:
    """A message that has arrived. All ids of messages are without `<>`."""

    channel: str
    sender: Correspondent | None  # None for a bounce without a usable address
    cc: tuple[Correspondent, ...] = ()
    subject: str = ""
    content: str = ""  # plain text
    message_id: str | None = None
    in_reply_to: str | None = None
    references: tuple[str, ...] = ()  # oldest first
    conversation_uuid: str | None = None
    received_at: str | None = None  # as `timestamps.format_timestamp` writes it; None means now
    date: str | None = None  # what a mail says of itself, to tell two with one id apart
    origin: str = PERSON  # or AUTOMATIC_ANSWER or BOUNCE


def cut_line(line: str, length: int) -> str:
    """Make one line of at most `length` characters, without control characters.

    White space of any kind becomes single spaces.
    """
    line = _dropped_from_line.sub("", line[: 10 * length])
    return text.compose(" ".join(line.split()))[:length].strip()


def cut_paragraphs(paragraphs: str, length: int) -> str:
    """Cut text of several lines as `cut_line` does. Line ends of any kind become newlines."""
    paragraphs = paragraphs.replace("\r\n", "\n").replace("\r", "\n").strip()
    paragraphs = _dropped_from_paragraphs.sub("", paragraphs[: 2 * length])
    return text.compose(paragraphs.strip())[:length].strip()
