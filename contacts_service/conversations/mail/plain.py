"""Shows plain text as a mail program does: without signatures and files written into it."""

import re

_signed = re.compile(
    r"^-----BEGIN PGP SIGNED MESSAGE-----[ \t]*\n(?:[A-Za-z]+:[^\n]*\n)*+[ \t]*\n", re.MULTILINE
)
_signature = re.compile(
    r"^-----BEGIN PGP SIGNATURE-----[ \t]*\n(?:[A-Za-z]+:[^\n]*\n)*+\s*+"
    r"(?:[A-Za-z0-9+/=]+[ \t]*\n)*+(?:-----END PGP SIGNATURE-----[ \t]*)?",
    re.MULTILINE,
)
_dash = re.compile(r"^- (?=-|From )", re.MULTILINE)
_uuencoded = re.compile(
    r"^begin [0-7]{3,4} [^\n]+\n(?:[!-`][ -`]{1,90}\n)*+(?:[` ]?[ \t]*\n)?end[ \t]*(?:\n|\Z)",
    re.MULTILINE,
)
_document = re.compile(
    r"\s*+(?:<\?xml[^<>]*>\s*+|<!--[^<>]*-->\s*+)*+<(?:!doctype\s+html|html|head|body)\b",
    re.IGNORECASE,
)
_snippet = re.compile(
    r"\s*+<(?:p|div|table|span|font|center|meta|style|h[1-6])\b[^<>]*>", re.IGNORECASE
)
_last_end_tag = re.compile(r"</(?:p|div|table|span|font|center|style|h[1-6])>\s*\Z", re.IGNORECASE)


def is_markup(text: str) -> bool:
    """Whether text that calls itself plain is HTML: a document, or an element as a whole."""
    return bool(
        _document.match(text) or (_snippet.match(text) and _last_end_tag.search(text[-200:]))
    )


def shown(text: str) -> str:
    """Strip the armour of PGP and uuencoded files."""
    if "-----BEGIN PGP SIGNED MESSAGE-----" in text:
        text = _without_armour(text)
    return _uuencoded.sub("", text) if "begin " in text else text


def _without_armour(text: str) -> str:
    """Keep what was signed (RFC 9580, 7)."""
    return _dash.sub("", _signature.sub("", _signed.sub("", text)))
