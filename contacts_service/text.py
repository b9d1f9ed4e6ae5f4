"""Normalises and folds text, by one rule for every way into the directory (docs/api.md).

The functions raise ValueError with a sentence for the caller.
"""

import re
import unicodedata
from functools import lru_cache
from itertools import groupby
from typing import Any

import email_validator
import re2

from contacts_service.limits import EMAIL_LENGTH, PHONE_LENGTH

# Only the syntax of addresses is checked: companies use domains such as mail.local internally.
email_validator.SPECIAL_USE_DOMAIN_NAMES.clear()


# RE2 takes linear time, whatever the pattern. Its cache holds 128 patterns.
OPTIONS = re2.Options()
OPTIONS.max_mem = 2 << 20  # bytes for one pattern: \p{L}{1,100} fits
OPTIONS.never_capture = True
OPTIONS.log_errors = False

NOT_IN_LINES = r"\x00-\x1f\x7f-\x9f"
NOT_IN_SEARCH = r"\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f"
NOT_IN_PARAGRAPHS = r"\x00-\x08\x0b-\x1f\x7f-\x9f"
_surrogates = r"\ud800-\udfff"
_not_in_lines = re.compile(f"[{NOT_IN_LINES}{_surrogates}]")
_not_in_search = re.compile(f"[{NOT_IN_SEARCH}{_surrogates}]")
_not_in_paragraphs = re.compile(f"[{NOT_IN_PARAGRAPHS}{_surrogates}]")

# An ASCII address that is its own normal form: no quotes, no Punycode, no adjacent hyphens.
_word = r"[0-9a-z!#$%&'*+/=?^_`{|}~-]+"
_label = r"(?![^.]{64})[0-9a-z]+(?:-[0-9a-z]+)*"
_plain_email = re.compile(rf"(?![^@]{{65}}){_word}(?:\.{_word})*@(?:{_label}\.)+{_label}(?<=[a-z])")

PHONE_PATTERN = r"^[0-9xX +()\-./#*,;]*[0-9][0-9xX +()\-./#*,;]*$"
_phone = re.compile(PHONE_PATTERN)
_in_brackets = re.compile("<([^<>]*)>")

_LETTERS = {
    "ß": "ss", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i",
    "'": "", "’": "", "ʼ": "",
}  # fmt: skip


class _Letters(dict[int, str]):
    """A table for str.translate that caches letter variants, dashes and digits on first use."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        folded = _LETTERS.get(character)
        if folded is None:
            category = unicodedata.category(character)
            if category == "Pd" or character == "\N{MINUS SIGN}":
                folded = "-"
            elif category == "Nd":
                folded = str(unicodedata.decimal(character))
            else:
                folded = character
        self[code] = folded
        return folded


_letters = _Letters()


def fold(text: str) -> str:
    """Fold case, accents and letter variants, to compare and order text (docs/search.md)."""
    if text.isascii():
        return text.lower().replace("'", "")
    decomposed = unicodedata.normalize("NFKD", text)
    bare = "".join(c for c in decomposed if not unicodedata.combining(c))
    return unicodedata.normalize("NFC", bare.casefold().translate(_letters))


def compose(text: str) -> str:
    """Normalise to NFC in linear time.

    `unicodedata` sorts the marks of a character by insertion, in quadratic time. Here they are
    sorted before.
    """
    if unicodedata.is_normalized("NFC", text):
        return text
    decomposed = "".join(map(_decomposed, text))
    in_order = "".join(
        "".join(sorted(run, key=unicodedata.combining) if is_marks else run)
        for is_marks, run in groupby(decomposed, key=lambda c: unicodedata.combining(c) > 0)
    )
    return unicodedata.normalize("NFC", in_order)


@lru_cache(maxsize=1 << 14)
def _decomposed(character: str) -> str:
    return unicodedata.normalize("NFD", character)


def clean_line(text: str) -> str:
    """Trim and NFC-normalise a line. Refuses control characters and lone surrogates."""
    refuse_control_characters(text)
    return compose(text.strip())


def clean_paragraphs(text: str) -> str:
    """Like `clean_line`, for text of several lines. Keeps newline and tab; CR LF becomes LF."""
    text = text.replace("\r\n", "\n")
    if _not_in_paragraphs.search(text):
        raise ValueError("Control characters other than newline and tab are not allowed.")
    return compose(text.strip())


def clean_search(text: str) -> str:
    """Like `clean_line`, for the text of a search box. Accepts tab and line break."""
    if _not_in_search.search(text):
        raise ValueError("Control characters are not allowed.")
    return compose(text.strip())


def refuse_control_characters(text: str) -> None:
    """Raise ValueError for control characters and lone surrogates."""
    if _not_in_lines.search(text):
        raise ValueError("Control characters are not allowed.")


def normalise_email(text: str) -> str:
    """Bring an email address into its stored spelling: lower case, with a Unicode domain."""
    plain = text.strip(" ").lower()
    if len(plain) <= EMAIL_LENGTH and text.isascii() and _plain_email.fullmatch(plain):
        return plain  # email_validator returns the same
    try:
        checked = email_validator.validate_email(
            clean_line(text), check_deliverability=False, strict=True
        )
    except email_validator.EmailNotValidError:
        raise ValueError("Not a valid email address.") from None
    address = unicodedata.normalize("NFC", checked.normalized.lower())
    if len(address) > EMAIL_LENGTH:
        raise ValueError(f"Longer than {EMAIL_LENGTH} characters.")
    return address


def normalise_phone(text: str) -> str:
    """Trim a phone number, which is stored as it was typed."""
    number = clean_line(text)
    if len(number) > PHONE_LENGTH:
        raise ValueError(f"Longer than {PHONE_LENGTH} characters.")
    if not _phone.fullmatch(number):
        raise ValueError("Not a valid phone number.")
    return number


def normalise_message_id(written: str) -> str:
    """Extract the id of a message from `<>` and what surrounds it. Returns "" if there is none."""
    for candidate in (*_in_brackets.findall(written), written):
        if bare := "".join(candidate.split()).strip("<>,;"):
            return compose(bare)
    return ""


def normalise_identifier(channel: str, identifier: str) -> str:
    """Bring an address of any channel into its stored spelling."""
    if channel == "email":
        return normalise_email(identifier)
    if channel == "phone":
        return normalise_phone(identifier)
    identifier = clean_line(identifier)
    if not identifier:
        raise ValueError("Must not be blank.")
    return identifier


def phone_digits(number: str) -> str:
    """Return the significant digits of a number: without `(0)` and a leading `00` or `0`."""
    number = number.replace("(0)", "")
    digits = re.sub("[^0-9]", "", number)
    if number[: len(number) - len(number.lstrip(" +(-./"))].count("+"):
        return digits
    return digits[2:] if digits.startswith("00") else digits.removeprefix("0")


def compile_pattern(pattern: str) -> Any:
    """Compile a pattern. Raises ValueError if RE2 does not accept it."""
    try:
        return re2.compile(pattern, OPTIONS)
    except re2.error as error:
        reason = error.args[0].decode(errors="replace")
        raise ValueError(f"Not a pattern that RE2 takes: {reason}.") from None


def bare_name(name: str) -> str:
    """Remove the table that some clients put in front of the name of a field."""
    table, dot, field = name.partition(".")
    return field if dot and table in ("users", "contacts") else name
