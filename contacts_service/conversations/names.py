"""Guesses first and last name of a correspondent (docs/messages.md)."""

import re
import string

from contacts_service import limits
from contacts_service.conversations.incoming import DISPLAY_NAME_LENGTH, Correspondent, cut_line

PARTICLES = frozenset(
    "af al av bin bint da dal das de del dela della degli dei delle den der des di do dos du el ibn"
    " la las le les lo los op ten ter van vande vanden vander vom von zu zum zur 't ’t ‘t".split()
)
LOWER_PARTICLES = frozenset("ben e i in und y".split())  # capitalised, they are names or initials
CONNECTORS = frozenset("e i y".split())  # between two last names: Ortega y Gasset
SUFFIXES = frozenset(
    "bsc cbe cfa cpa dds dphil dr dvm edd esq frcp frcs ii iii iv jd jr kc llb llm"
    " mba mbe md meng mph msc obe phd pmp prof psyd qc sr".split()
)
COMPANIES = frozenset("ag bv co corp gmbh inc kg llc llp ltd nv plc sarl srl".split())
DEGREES = frozenset("ba beng bs dipl habil ing ma mag med ms nat rer rn".split())  # or first names
_BEHIND = SUFFIXES | COMPANIES  # also without a comma
_LEFT_BRACKETS = r"(\[{<（［【〔〈《"
_RIGHT_BRACKETS = r")\]}>）］】〕〉》"
_QUOTES = str.maketrans("", "", '"“”„‟«»「」『』')
_APOSTROPHES = "'`´‘’‚‛‹›"
_AROUND = " ,;:|-–—_*~•·\\"
_brackets = re.compile(
    f"[{_LEFT_BRACKETS}][^{_LEFT_BRACKETS}{_RIGHT_BRACKETS}]*[{_RIGHT_BRACKETS}]"
)
_right_bracket = re.compile(f"[{_RIGHT_BRACKETS}]")
_quoted = re.compile(rf"(?<!\S)[{_APOSTROPHES}]([^{_APOSTROPHES}]*)[{_APOSTROPHES}](?!\w)")
_apostrophes_around = re.compile(rf"^[{_APOSTROPHES}]+(?!\w\b)|[{_APOSTROPHES}]+$")
_end_of_name = re.compile(rf" via | [-–—―@] |[|｜{_LEFT_BRACKETS}]")
_abbreviation = re.compile("[A-Z]{3,6}")
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
    """Remove what is no part of a name. Returns "" if no letter is left.

    That is brackets with what they enclose, quotes, addresses, and what follows `via`, `|` or a
    dash.
    """
    name = cut_line(display_name, DISPLAY_NAME_LENGTH)
    name = " ".join(word for word in name.split() if "@" not in word or word == "@")
    found = 1
    while found:  # the inner ones first
        name, found = _brackets.subn(" ", name)
    name = _right_bracket.sub(" ", name).translate(_QUOTES)
    name = _quoted.sub(r"\1", " ".join(name.split()))
    name = next(filter(_has_letter, _end_of_name.split(name)), "").strip(_AROUND)
    return _apostrophes_around.sub("", name).strip(_AROUND)


def _has_letter(name: str) -> bool:
    return any(map(str.isalpha, name))


def _split_name(name: str) -> tuple[str, str]:
    """Split `Linda Olsen`, `Olsen, Linda` or `Linda Olsen, PhD` into first and last name."""
    before, *parts = filter(_has_letter, map(str.strip, name.split(",")))
    first, last = _split_words(before.split())
    if parts and not _is_title(parts[0], before):
        words, particles = _split_particles(parts.pop(0).split())
        first, last = " ".join(words), " ".join([*particles, before])
    titles = "".join(f", {title}" for title in parts)
    return (_cut_name(first), _cut_name(last + titles)) if last else (_cut_name(first + titles), "")


def _is_title(part: str, name: str) -> bool:
    """Whether what stands behind the comma is a title, a degree or a company, no first name."""
    words = re.split("[ /-]+", part.casefold().replace("ph. d", "phd").replace(".", ""))
    if words[-1] in COMPANIES or SUFFIXES.issuperset(words):
        return True
    is_abbreviation = bool(_abbreviation.fullmatch(part)) and not name.isupper()
    is_whole = len(name.split()) > 1
    return is_whole and (is_abbreviation or (SUFFIXES | DEGREES).issuperset(words))


def _split_particles(words: list[str]) -> tuple[list[str], list[str]]:
    """Split off the particles behind first names: `Gogh, Vincent van`."""
    end = len(words)
    while end > 1 and words[end - 1].islower() and _is_particle(words[end - 1]):
        end -= 1
    return words[:end], words[end:]


def _is_particle(word: str) -> bool:
    return word.casefold() in PARTICLES or word in LOWER_PARTICLES


def _split_words(words: list[str]) -> tuple[str, str]:
    """Take the last word, with the particles before it, for the last name: Vincent | van Gogh."""
    if len(words) == 2 and all(_family_name_first.fullmatch(word) for word in words):
        words = words[::-1]
    start = len(words)
    while start > 2 and words[start - 1].casefold().replace(".", "") in _BEHIND:
        start -= 1
    start = max(1, start - 1)
    while start > 1 and _is_particle(words[start - 1]):
        start -= 2 if words[start - 1] in CONNECTORS and start > 2 else 1
    return _cut_name(" ".join(words[:start])), _cut_name(" ".join(words[start:]))


def _cut_name(name: str) -> str:
    return cut_line(name, limits.NAME_LENGTH)


def _words_of_local_part(address: str) -> list[str]:
    """Split "anne-marie.olsen42+shop@…" into capitalised words. A word has a letter."""
    local = address.rpartition("@")[0].strip('"').partition("@")[0].partition("+")[0]
    separators = "[._ ]+" if re.search("[._ ]", local.strip("._ ")) else "[-._ ]+"
    words = (word.strip(string.digits + string.punctuation) for word in re.split(separators, local))
    return [
        re.sub(r"[^\W\d_]+", lambda letters: letters[0].capitalize(), word)
        for word in words
        if any(map(str.isalpha, word))
    ]
