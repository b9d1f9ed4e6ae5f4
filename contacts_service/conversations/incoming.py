"""What an incoming message tells, whichever way it came.

Also cuts and cleans the text of those who cannot be asked to correct it: what `text` refuses is
dropped here. Who the people are, and where the message goes, is for others.
"""

import re
from dataclasses import dataclass

from contacts_service import limits, text

DISPLAY_NAME_LENGTH = 2 * limits.NAME_LENGTH + 1

_dropped_from_lines = re.compile(r"[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\ud800-\udfff]")
_dropped_from_paragraphs = re.compile(f"[{text.NOT_IN_PARAGRAPHS}\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Correspondent:
    """Somebody who wrote or was copied in, as the message has it."""

    email: str | None = None  # in the spelling of `text.normalise_email`
    phone: str | None = None
    identifier: str | None = None  # the channel's own id of the person
    first_name: str = ""
    last_name: str = ""
    display_name: str = ""  # a whole name, as in a mail's From


@dataclass(frozen=True, slots=True)
class IncomingMessage:
    """A message that has arrived; `message_id` and the ids after it are without `<>`."""

    channel: str
    sender: Correspondent
    cc: tuple[Correspondent, ...] = ()
    subject: str = ""
    content: str = ""  # plain text
    message_id: str | None = None
    in_reply_to: str | None = None
    references: tuple[str, ...] = ()  # oldest first
    conversation_uuid: str | None = None
    received_at: str | None = None  # as `clock.wire_time` writes it; None is now
    is_automatic: bool = False  # bounces and automatic replies, which make no contact


def cut_line(line: str, length: int) -> str:
    """One line that `text.clean_line` takes: white space to single spaces, the rest dropped."""
    line = _dropped_from_lines.sub("", line[: 10 * length])
    return text.compose(" ".join(line.split()))[:length].strip()


def cut_paragraphs(paragraphs: str, length: int) -> str:
    """As `cut_line`, for text of several lines: every kind of line end becomes a newline."""
    paragraphs = paragraphs.replace("\r\n", "\n").replace("\r", "\n").strip()
    paragraphs = _dropped_from_paragraphs.sub("", paragraphs[: 2 * length])
    return text.compose(paragraphs.strip())[:length].strip()
