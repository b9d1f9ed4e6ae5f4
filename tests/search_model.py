"""docs/search.md as plain Python: what search must answer.

It compares every contact with the query. It shares only the folding with the service.
"""

import re
import unicodedata
from typing import Any

from contacts_service.text import fold

SPACELESS = ("CJK", "HIRAGANA", "KATAKANA", "THAI", "LAO", "KHMER", "MYANMAR")

Contact = dict[str, Any]  # as the API answers it, channels included


def answer(directory: list[Contact], q: str) -> list[int]:
    """The ids that a search for `q` finds, in order. `directory` is in the order of its updates."""
    typed = fold(q).split()
    bare = [piece for piece in map(without_ends, typed) if piece]
    pieces = [piece for piece in bare if any(category(c) in "LN" for c in piece)]
    if not pieces:
        return []
    wholes = (" ".join(typed), " ".join(bare))
    ranked = [
        (rank(contact, pieces, wholes), -place, contact["id"])
        for place, contact in enumerate(directory)
    ]
    return [found for place, _, found in sorted(r for r in ranked if r[0])][:20]


def without_ends(piece: str) -> str:
    """The piece without what a mail program puts around an address or a name."""
    while piece:
        if is_dropped(piece[0]):
            piece = piece[1:]
        elif scheme := re.match("mailto:|tel:", piece):
            piece = piece[scheme.end() :]
        elif is_dropped(piece[-1]):
            piece = piece[:-1]
        else:
            break
    return piece


def is_dropped(character: str) -> bool:
    """Whether it is one of the separators and brackets, or a quotation mark of any script."""
    name = unicodedata.name(character, "")
    is_quotation_mark = "QUOTATION MARK" in name or "CORNER BRACKET" in name
    return character in ",;:<>()[]" or (is_quotation_mark and not name.startswith("TAG"))


def rank(contact: Contact, pieces: list[str], wholes: tuple[str, str]) -> int:
    """The rank from 1 to 5, or 0 if the contact does not match.

    `wholes` are the whole query as it was typed and without what is dropped of its pieces.
    """
    typed, bare = wholes
    names = [fold(contact["first_name"]), fold(contact["last_name"])]
    if all(is_han(name) for name in names):
        names.append((names[1] + names[0]).replace(" ", ""))
    identifiers = [channel["identifier"] for channel in contact["contact_channels"]]
    addresses = [fold(a) for a in (contact["email"], contact["phone"], *identifiers) if a]
    phones = [contact["phone"] or ""] + [
        channel["identifier"]
        for channel in contact["contact_channels"]
        if channel["channel"] == "phone"
    ]
    stored = [digits for digits in map(number, phones) if digits]
    asked = ""
    if re.fullmatch(r"[0-9 +()\-./]+", bare) and sum(c in "0123456789" for c in bare) > 2:
        # A bracket at the end of a piece still tells that the 0 in "+45 (0) 12 34" is none.
        asked = number("".join(c for c in typed if c in "0123456789 +()-./"))
    if len(asked) < 3:
        asked = ""

    if {typed, bare} & {" ".join(a.split()) for a in addresses} or (asked and asked in stored):
        return 1
    if all(any(is_word(piece, name) for name in names) for piece in pieces):
        return 2
    if all(any(begins(piece, name) for name in names) for piece in pieces):
        return 3
    if all(any(begins(piece, field) for field in names + addresses) for piece in pieces):
        return 4
    if all(
        any(
            begins(piece, field) or (len(piece) > 2 and piece in field)
            for field in names + addresses
        )
        for piece in pieces
    ):
        return 5
    if asked and any(asked in s or (len(s) > 6 and asked.endswith(s)) for s in stored):
        return 5
    return 0


def number(text: str) -> str:
    """The digits of a phone number that are compared."""
    text = text.replace("(0)", "")
    digits = "".join(c for c in text if c in "0123456789")
    if re.match(r"[^0-9]*\+", text):
        return digits
    return digits[2:] if digits.startswith("00") else digits[digits.startswith("0") :]


def begins(piece: str, field: str) -> bool:
    return any(field[at:].startswith(piece) for at in beginnings(field))


def is_word(piece: str, field: str) -> bool:
    """Whether it begins where a word begins, and ends where a word ends or the next one begins."""
    starts = beginnings(field)
    breaks = {at for at in range(len(field)) if category(field[at]) not in "LMN"}
    ends = {*breaks, *starts, len(field)}
    return any(field[at:].startswith(piece) and at + len(piece) in ends for at in starts)


def beginnings(field: str) -> list[int]:
    return [
        at
        for at in range(len(field))
        if at == 0
        or category(field[at - 1]) not in "LMN"
        or unicodedata.name(field[at], "").startswith(SPACELESS)
    ]


def is_han(name: str) -> bool:
    return bool(name) and all(
        c == " " or unicodedata.name(c, "").startswith(("CJK", "IDEOGRAPHIC")) for c in name
    )


def category(character: str) -> str:
    return unicodedata.category(character)[0]
