"""What text may look like, and when two texts count as the same.

The one normaliser for lines, paragraphs, email addresses and phone numbers, and the one folding
function; every way into the directory uses them. They raise ValueError with a sentence.
"""

import re
import unicodedata
from functools import lru_cache
from itertools import groupby
from typing import Any

import email_validator
import re2

from contacts_service.limits import EMAIL_LENGTH, PHONE_LENGTH

# The syntax of an address is what is judged; names such as mail.local are in use inside companies.
email_validator.SPECIAL_USE_DOMAIN_NAMES.clear()


# RE2 takes time in proportion to a text, whatever the pattern. Its cache holds 128 patterns.
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

# An address in ASCII that has nothing to unfold: no quotes, no Punycode, no hyphens side by side.
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
    """A table for str.translate that learns letter variants, dashes and digits as they come."""

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
    """The form in which names and addresses are compared and ordered (contract, section 5)."""
    if text.isascii():
        return text.lower().replace("'", "")
    decomposed = unicodedata.normalize("NFKD", text)
    bare = "".join(c for c in decomposed if not unicodedata.combining(c))
    return unicodedata.normalize("NFC", bare.casefold().translate(_letters))


def compose(text: str) -> str:
    """NFC, in a time that grows as the text does.

    Unicode's own way sorts the marks of a character by insertion, which takes minutes where a
    hostile text has a million in a row; here they are in order before.
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
    """`text` trimmed and NFC-normalised; refuses control characters and lone surrogates."""
    refuse_control_characters(text)
    return compose(text.strip())


def clean_paragraphs(text: str) -> str:
    """As `clean_line`, for text of several lines: newline and tab stay, CR LF becomes LF."""
    text = text.replace("\r\n", "\n")
    if _not_in_paragraphs.search(text):
        raise ValueError("Control characters other than newline and tab are not allowed.")
    return compose(text.strip())


def clean_search(text: str) -> str:
    """As `clean_line`, for what is typed into a search box: tab and line break are white space."""
    if _not_in_search.search(text):
        raise ValueError("Control characters are not allowed.")
    return compose(text.strip())


def refuse_control_characters(text: str) -> None:
    """For text that is kept as it was sent."""
    if _not_in_lines.search(text):
        raise ValueError("Control characters are not allowed.")


def normalise_email(text: str) -> str:
    """The address in the one spelling that is stored and matched: lower case, Unicode domain."""
    plain = text.strip(" ").lower()
    if len(plain) <= EMAIL_LENGTH and text.isascii() and _plain_email.fullmatch(plain):
        return plain  # what follows comes to the same, much slower
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
    """The number as it was typed, trimmed; refuses what cannot be a phone number."""
    number = clean_line(text)
    if len(number) > PHONE_LENGTH:
        raise ValueError(f"Longer than {PHONE_LENGTH} characters.")
    if not _phone.fullmatch(number):
        raise ValueError("Not a valid phone number.")
    return number


def normalise_message_id(written: str) -> str:
    """The id by which mail systems know a message, out of what stands around it; "" for none."""
    for candidate in (*_in_brackets.findall(written), written):
        if bare := "".join(candidate.split()).strip("<>,;"):
            return compose(bare)
    return ""


def normalise_identifier(channel: str, identifier: str) -> str:
    """An address of any channel in its stored spelling; email and phone as the contact's own."""
    if channel == "email":
        return normalise_email(identifier)
    if channel == "phone":
        return normalise_phone(identifier)
    identifier = clean_line(identifier)
    if not identifier:
        raise ValueError("Must not be blank.")
    return identifier


def phone_digits(number: str) -> str:
    """A number's digits without `(0)` and without `+`, `00` or a single `0` in front."""
    number = number.replace("(0)", "")
    digits = re.sub("[^0-9]", "", number)
    if number[: len(number) - len(number.lstrip(" +(-./"))].count("+"):
        return digits
    return digits[2:] if digits.startswith("00") else digits.removeprefix("0")


def compile_pattern(pattern: str) -> Any:
    """The compiled pattern. Raises ValueError for one that RE2 does not take."""
    try:
        return re2.compile(pattern, OPTIONS)
    except re2.error as error:
        reason = error.args[0].decode(errors="replace")
        raise ValueError(f"Not a pattern that RE2 takes: {reason}.") from None


def bare_name(name: str) -> str:
    """A field's name without the table that clients in the field put in front of it."""
    table, dot, field = name.partition(".")
    return field if dot and table in ("users", "contacts") else name
