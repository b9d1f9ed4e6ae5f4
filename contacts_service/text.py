"""Normalises and folds text, by one rule for every way into the directory (docs/api.md).

The functions raise ValueError with a sentence for the caller.
"""

import re
import unicodedata
from functools import lru_cache
from itertools import groupby
from typing import Any

import idna
import re2

from contacts_service.limits import EMAIL_LENGTH, PHONE_LENGTH

LOCAL_PART_LENGTH = 64  # RFC 5321, 4.5.3.1.1
DOMAIN_LENGTH = 253  # RFC 1035, 2.3.4, without the root

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

_atext = "-0-9a-z!#$%&'*+/=?^_`{|}~"  # RFC 5322, 3.2.3, in lower case
_dotted_words = re.compile(rf"\.*[{_atext}\x80-\U0010ffff][{_atext}.\x80-\U0010ffff]*")
_quoted_string = re.compile(r'"((?:[^"\\]|\\.)*)"')
_label_of_domain = r"(?!xn--)[0-9a-z_](?:[0-9a-z_-]{0,61}[0-9a-z_])?"
_label = re.compile(_label_of_domain)
# An ASCII address that is its own normal form: no quotes, no Punycode.
_plain_email = re.compile(
    rf"(?=[^@]{{1,{LOCAL_PART_LENGTH}}}@)\.*[{_atext}][{_atext}.]*"
    rf"@(?=.{{1,{DOMAIN_LENGTH}}}$)(?:{_label_of_domain}\.)+(?![0-9]+$){_label_of_domain}"
)

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


def normalise_email(given: str) -> str:
    """Bring an email address into its stored spelling: lower case, with a Unicode domain.

    Takes what RFC 5321 (4.1.2) and RFC 6531 take, but no address literal and no domain without a
    dot, and beside it what servers use: underscores in domains, dots anywhere in a local part.
    """
    plain = given.strip(" ").lower()
    if given.isascii() and len(plain) <= EMAIL_LENGTH and _plain_email.fullmatch(plain):
        return plain
    local, _, domain = compose(clean_line(given).lower()).rpartition("@")
    try:
        address = f"{_normalise_local_part(local)}@{_normalise_domain(domain)}"
    except ValueError:
        raise ValueError("Not a valid email address.") from None
    if len(address) > EMAIL_LENGTH:
        raise ValueError(f"Longer than {EMAIL_LENGTH} characters.")
    return address


def _normalise_local_part(local: str) -> str:
    """Remove needless quotes and escapes from a local part."""
    quoted = _quoted_string.fullmatch(local)
    mailbox = re.sub(r"\\(.)", r"\1", quoted[1]) if quoted else local
    if not 1 <= len(mailbox) <= LOCAL_PART_LENGTH:
        raise ValueError("Empty or too long.")
    if not mailbox.isprintable() or unicodedata.category(mailbox[0]).startswith("M"):
        raise ValueError("A character that is not visible on its own.")
    if _dotted_words.fullmatch(mailbox):
        return mailbox
    if not quoted:
        raise ValueError("It needs quotes.")
    return '"' + re.sub(r'(["\\])', r"\\\1", mailbox) + '"'


def _normalise_domain(domain: str) -> str:
    """Bring a domain of at least two labels into Unicode (RFC 5891, UTS 46)."""
    if len(domain) > DOMAIN_LENGTH:  # idna may take quadratic time
        raise ValueError("Too long.")
    if not domain.isascii():
        domain = idna.uts46_remap(domain, std3_rules=False)
    codes = [
        label if _label.fullmatch(label) else idna.alabel(label).decode()
        for label in domain.split(".")
    ]
    if len(codes) < 2 or codes[-1].isdigit() or len(".".join(codes)) > DOMAIN_LENGTH:
        raise ValueError("No dot, an IP address, or too long.")
    labels = [idna.ulabel(code) if code.startswith("xn--") else code for code in codes]
    is_bidi = any(unicodedata.bidirectional(c) in ("R", "AL", "AN") for c in "".join(labels))
    for label in labels:
        idna.check_bidi(label, check_ltr=is_bidi)  # RFC 5893, 1.4: of a domain as a whole
    return ".".join(labels)


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
