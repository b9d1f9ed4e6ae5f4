"""What an incoming message tells, whichever way it came, and the names its people go by.

Also cuts and cleans the text of those who cannot be asked to correct it: what `text` refuses is
dropped here. Who the people are, and where the message goes, is for others.
"""

import re
from dataclasses import dataclass

from contacts_service import text

SUBJECT_LENGTH = 998
CONTENT_LENGTH = 1_000_000
MESSAGE_ID_LENGTH = 998
REFERENCES_LIMIT = 1000
CC_LIMIT = 100
DISPLAY_NAME_LENGTH = 2 * text.NAME_LENGTH + 1

PARTICLES = frozenset(
    "af al av bin da das de del della den der di do dos du el ibn la le ten ter van von zu zum"
    " zur".split()
)
SUFFIXES = frozenset(
    "ag bsc dds dr esq gmbh ii iii inc iv jr llc llp ltd mba md msc phd sr".split()
)

_dropped_from_lines = re.compile(r"[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\ud800-\udfff]")
_dropped_from_paragraphs = re.compile(f"[{text.NOT_IN_PARAGRAPHS}\ud800-\udfff]")
_QUOTES = "\"'`“”„‟‘’‚«»"
_family_name_first = re.compile("[\u3400-\u9fff\uac00-\ud7a3]+")  # Han and Hangul


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


def guess_names(correspondent: Correspondent) -> tuple[str, str, bool]:
    """First name, last name, and whether they are only a guess from the address's local part.

    Names come from the message, else from the display name, else from the local part
    (contract, section 6).
    """
    first = cut_line(correspondent.first_name, text.NAME_LENGTH)
    last = cut_line(correspondent.last_name, text.NAME_LENGTH)
    if first or last:
        return first, last, False
    name = _whole_name(correspondent.display_name)
    if name:
        return *_split_name(name), False
    words = _words_of_local_part(correspondent.email or "")
    if words:
        return *_split_words(words), True
    return "", "", False


def _whole_name(display_name: str) -> str:
    """A display name without its quotes and without the addresses that some put into it."""
    words = cut_line(display_name, DISPLAY_NAME_LENGTH).split()
    name = " ".join(word for word in words if "@" not in word).strip(_QUOTES + " ,")
    return name if any(map(str.isalnum, name)) else ""


def _split_name(name: str) -> tuple[str, str]:
    """First and last name of `Linda Olsen`, `Olsen, Linda` or `Linda Olsen, PhD`."""
    before, comma, after = (part.strip() for part in name.partition(","))
    if not comma:
        return _split_words(name.split())
    if any(word not in SUFFIXES for word in after.casefold().replace(".", "").split()):
        return _cut_name([after]), _cut_name([before])
    *first, last = before.split() or [""]
    return _split_words([*first, f"{last}, {after}"])


def _split_words(words: list[str]) -> tuple[str, str]:
    """The last word is the last name, with the particles before it: Vincent | van Gogh."""
    if len(words) == 2 and all(_family_name_first.fullmatch(word) for word in words):
        words = words[::-1]
    start = max(1, len(words) - 1)
    while start > 1 and words[start - 1].casefold() in PARTICLES:
        start -= 1
    return _cut_name(words[:start]), _cut_name(words[start:])


def _cut_name(words: list[str]) -> str:
    return cut_line(" ".join(words), text.NAME_LENGTH)


def _words_of_local_part(address: str) -> list[str]:
    """The words of "anne-marie.olsen42+shop@…", capitalised; what has no letter is no word."""
    local = address.rpartition("@")[0].partition("+")[0]
    separators = "[._]+" if re.search("[._]", local.strip("._")) else "[-._]+"
    words = (word.strip("0123456789-") for word in re.split(separators, local))
    return [
        re.sub(r"[^\W\d_]+", lambda letters: letters[0].capitalize(), word)
        for word in words
        if any(map(str.isalpha, word))
    ]
