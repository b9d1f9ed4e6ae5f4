"""Guesses first and last name of a correspondent (docs/messages.md)."""

import re

from contacts_service import limits
from contacts_service.conversations.incoming import DISPLAY_NAME_LENGTH, Correspondent, cut_line

PARTICLES = frozenset(
    "af al av bin da das de del della den der di do dos du el ibn la le ten ter van von zu zum"
    " zur".split()
)
SUFFIXES = frozenset(
    "ag bsc dds dr esq gmbh ii iii inc iv jr llc llp ltd mba md msc phd sr".split()
)
_QUOTES = "\"'`“”„‟‘’‚«»"
_family_name_first = re.compile("[\u3400-\u9fff\uac00-\ud7a3]+")  # Han and Hangul


def guess_names(correspondent: Correspondent) -> tuple[str, str, bool]:
    """Return first name, last name, and whether they come from the local part of the address.

    Names come from the message, else from the display name, else from the local part.
    """
    first = cut_line(correspondent.first_name, limits.NAME_LENGTH)
    last = cut_line(correspondent.last_name, limits.NAME_LENGTH)
    if first or last:
        return first, last, False
    name = _clean_display_name(correspondent.display_name)
    if name:
        return *_split_name(name), False
    words = _words_of_local_part(correspondent.email or "")
    if words:
        return *_split_words(words), True
    return "", "", False


def _clean_display_name(display_name: str) -> str:
    """Remove quotes and addresses from a display name. Returns "" if no letter or digit is left."""
    words = cut_line(display_name, DISPLAY_NAME_LENGTH).split()
    name = " ".join(word for word in words if "@" not in word).strip(_QUOTES + " ,")
    return name if any(map(str.isalnum, name)) else ""


def _split_name(name: str) -> tuple[str, str]:
    """Split `Linda Olsen`, `Olsen, Linda` or `Linda Olsen, PhD` into first and last name."""
    before, comma, after = (part.strip() for part in name.partition(","))
    if not comma:
        return _split_words(name.split())
    if any(word not in SUFFIXES for word in after.casefold().replace(".", "").split()):
        return _cut_name([after]), _cut_name([before])
    *first, last = before.split() or [""]
    return _split_words([*first, f"{last}, {after}"])


def _split_words(words: list[str]) -> tuple[str, str]:
    """Take the last word, with the particles before it, for the last name: Vincent | van Gogh."""
    if len(words) == 2 and all(_family_name_first.fullmatch(word) for word in words):
        words = words[::-1]
    start = max(1, len(words) - 1)
    while start > 1 and words[start - 1].casefold() in PARTICLES:
        start -= 1
    return _cut_name(words[:start]), _cut_name(words[start:])


def _cut_name(words: list[str]) -> str:
    return cut_line(" ".join(words), limits.NAME_LENGTH)


def _words_of_local_part(address: str) -> list[str]:
    """Split "anne-marie.olsen42+shop@…" into capitalised words. A word has a letter."""
    local = address.rpartition("@")[0].partition("+")[0]
    separators = "[._]+" if re.search("[._]", local.strip("._")) else "[-._]+"
    words = (word.strip("0123456789-") for word in re.split(separators, local))
    return [
        re.sub(r"[^\W\d_]+", lambda letters: letters[0].capitalize(), word)
        for word in words
        if any(map(str.isalpha, word))
    ]
