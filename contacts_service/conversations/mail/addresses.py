"""Reads the mailboxes of address headers in linear time, broken ones too (RFC 5322, 3.4).

The parsers of the standard library take the first address of a broken header, which may be part of
a name. Mail programs take the one in the last angle brackets, and so does this one.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice

from contacts_service import text
from contacts_service.conversations.mail.headers import decode_words

TOKENS_LIMIT = 20_000
MAILBOXES_LIMIT = 1000
ADDRESS_LENGTH = 1000
LOOSE_LIMIT = 100
NAME_PARTS_LIMIT = 2

_token = re.compile(
    r"""(?P<word>=\?[^?\s]{1,80}\?[bBqQ]\?[^?]*\?+=)
      | (?P<address>"(?:[^"\\]|\\.){1,130}+"[ ]?@[^\s<>()\[\],;:"@]{1,255}+)
      | "(?P<quoted>[^"\\]*+(?:\\.[^"\\]*+)*+)"?
      | <(?P<angle>(?:[^<>,;"]++|"(?:[^"\\<>]|\\.){1,130}+"[ ]?@|")*+)>?
      | (?P<separator>[,;][,;\s]*+)
      | (?P<group>:)
      | (?P<parenthesis>[()])
      | (?P<text>(?:[^",;:<>()=\\]|\\["()\\])++|.)""",
    re.VERBOSE | re.DOTALL,
)
_escaped = re.compile(r'\\(["()\\])')
_comment = re.compile(r"\([^()]*\)")
_comment_within_address = re.compile(r"(?<=@)\([^()]*\)|\([^()]*\)(?= {0,9}@)")
_in_angles = re.compile("<([^<>@]*@[^<>]*)")
_around_addresses = re.compile(r"[\s<>()\[\],;:\"]+")
_mailto = re.compile("mailto:", re.IGNORECASE)
_route = re.compile('(?<=<)@[^<>:"]*:')  # to be ignored (RFC 5321, 4.1.1.3)
_AROUND = " '\xad\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\ufeff"


def mailboxes(line: str) -> list[tuple[str, str]]:
    """Read display name and normalised address of each usable mailbox in an address header.

    Those with the address in angle brackets come first. Members of groups count; text that is no
    address is skipped. If quotes or comments are not closed, the other addresses in the text count
    as well, without names.
    """
    if "@" not in line:
        line = decode_words(line)
    for dropped in (_mailto, _route, _comment_within_address):
        line = dropped.sub("", line)
    in_angles: list[tuple[str, str]] = []
    others: list[tuple[str, str]] = []
    for mailbox in islice(_split_mailboxes(line), MAILBOXES_LIMIT):
        if named := _read_mailbox(mailbox):
            (in_angles if "@" in "".join(mailbox.angles) else others).append(named)
    if line.count('"') % 2 or line.count("(") > line.count(")"):
        written = islice(_in_angles.findall(line) or _loose_words(line), LOOSE_LIMIT)
        others += (("", email) for email in map(_usable_address, written) if email)
    return in_angles + others


@dataclass
class _Mailbox:
    """The tokens between two separators, by kind."""

    name_parts: list[str]  # in front of unquoted commas: `Olsen, Linda <linda@example.com>`
    phrase: list[str] = field(default_factory=list)  # words and quoted strings, without the quotes
    bare: list[str] = field(default_factory=list)  # the same, without the quoted strings
    addresses: list[str] = field(default_factory=list)  # with quotes
    angles: list[str] = field(default_factory=list)
    comment: list[str] = field(default_factory=list)  # the last one


def _split_mailboxes(line: str) -> Iterator[_Mailbox]:
    mailbox = _Mailbox([])
    depth = 0
    last_semicolon = line.rfind(";")
    for count, token in enumerate(_token.finditer(line)):
        kind, part = token.lastgroup, token[token.lastgroup or 0]
        if count == TOKENS_LIMIT:
            return  # the current mailbox may be incomplete
        if depth:
            depth += {"(": 1, ")": -1}.get(part, 0)
            mailbox.comment.append(token[0] if depth else "")
        elif part == "(":
            depth = 1
            mailbox.comment = []
            mailbox.phrase.append(" ")
            mailbox.bare.append(" ")
        elif kind == "separator":
            yield mailbox
            mailbox = _Mailbox([] if ";" in part else _name_parts(mailbox))
        elif kind == "group" and token.start() < last_semicolon:
            mailbox = _Mailbox([])
        elif kind == "address":
            mailbox.addresses.append(part)
        elif kind == "angle":
            mailbox.angles.append(part)
        elif mailbox.angles and not any(map(str.isalnum, part)):
            continue  # another bracket, or a full stop
        else:
            mailbox.phrase.append(_escaped.sub(r"\1", part))
            mailbox.bare.append(" " if kind == "quoted" else part)
    yield mailbox


def _name_parts(mailbox: _Mailbox) -> list[str]:
    """Find the parts of a name in front of an unquoted comma. Returns [] if they are none."""
    phrase = "".join(mailbox.phrase).strip()
    if mailbox.angles or mailbox.addresses or "@" in phrase or not phrase:
        return []
    return [*mailbox.name_parts, phrase][-NAME_PARTS_LIMIT:]


def _read_mailbox(mailbox: _Mailbox) -> tuple[str, str] | None:
    """Read name and address. Returns None if there is no address, or it is not clear which.

    What is written outside of quotes and comments takes precedence over what is inside.
    """
    phrase, comment = decode_words("".join(mailbox.phrase)), decode_words("".join(mailbox.comment))
    if angles := [angle for angle in mailbox.angles if "@" in angle]:
        name = decode_words(", ".join([*mailbox.name_parts, "".join(mailbox.phrase)]))
        email = _usable_address(angles[-1])
        return (name.strip(" ,") or comment, email) if email else None
    bare = decode_words("".join(mailbox.bare))
    if mailbox.addresses:
        emails = set(map(_usable_address, (*mailbox.addresses, *_loose_words(bare))))
        email = emails.pop()
        return (phrase.strip() or comment, email) if email and not emails else None
    place = next((place for place in (bare, phrase, comment) if "@" in place), "")
    written, email = _find_address(place)
    return (phrase.replace(written, " ").strip(" <>") or comment, email) if email else None


def _find_address(line: str) -> tuple[str, str]:
    """Find the address in the last angle brackets of running text, else the only address.

    Returns it as written and normalised.
    """
    if in_angles := _in_angles.findall(line):
        return in_angles[-1], _usable_address(in_angles[-1])
    found = {_usable_address(word): word for word in islice(_loose_words(line), LOOSE_LIMIT)}
    found.pop("", None)
    email, word = found.popitem() if len(found) == 1 else ("", "")
    return word, email


def _loose_words(line: str) -> Iterator[str]:
    return (word for word in _around_addresses.split(line) if "@" in word)


def _usable_address(address: str) -> str:
    """Normalise an address. Returns "" if it is invalid. Drops a dot behind it, not in front."""
    if "@" not in address or len(address) > ADDRESS_LENGTH:
        return ""
    local, _, domain = decode_words(address).strip(_AROUND).rpartition("@")
    local = local.strip() if local.startswith('"') else _join_at_dots(local)
    try:
        return text.normalise_email(f"{local}@{_join_at_dots(domain).rstrip('.')}")
    except ValueError:
        return ""


def _join_at_dots(written: str) -> str:
    """Remove comments, and white space around dots (RFC 5322, 4.4)."""
    return re.sub(r" ?\. ?", ".", " ".join(_comment.sub(" ", written).split()))
