"""Decodes bytes whose declared charset may be missing, unknown or wrong. Never raises."""

import re
from codecs import BOM_UTF8
from encodings.aliases import aliases

# The codecs of Python that mail may name. Other names must not reach the codec registry: it caches
# every name that it was asked for, and has codecs that take quadratic time.
_CODECS = {codec for codec in aliases.values() if not codec.endswith("_codec")} - {
    *("mbcs", "rot_13", "tactis", "punycode", "idna", "unicode_escape", "raw_unicode_escape")
} | {"cp874", "koi8_u"}

# Charsets that senders name when they use a wider one (WHATWG Encoding Standard).
_WIDER = {
    "ascii": "cp1252",
    "big5": "big5hkscs",
    "euc_kr": "cp949",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "iso8859_9": "cp1254",
    "latin_1": "cp1252",
    "shift_jis": "cp932",
    "tis_620": "cp874",
    "windows_31j": "cp932",
    "windows_874": "cp874",
}
_MULTIBYTE = tuple("big5 cp932 cp949 cp950 euc_ gb hz iso2022 johab shift utf".split())
_control = re.compile(rb"[\x00-\x08\x0e-\x1f]")  # absent from ASCII text, frequent in UTF-16
_SEVEN_BIT = ("hz", "iso2022", "utf_7")


def decode(encoded: bytes, charset: str | None = None) -> str:
    """Decode in the declared charset where that works, else in the most likely one.

    Bytes that are valid UTF-8 are decoded as such even if a single-byte charset is declared: text
    in those charsets is practically never valid UTF-8.
    """
    codec = _codec(charset or "")
    if encoded.isascii() and not codec.startswith(_SEVEN_BIT) and not _control.search(encoded):
        return encoded.decode("ascii")
    encoded = encoded.removeprefix(BOM_UTF8)
    is_multibyte = codec.startswith(_MULTIBYTE)
    for candidate in (codec, "utf_8") if is_multibyte else ("utf_8",):
        try:
            return encoded.decode(candidate)
        except UnicodeError:
            continue
    if codec and not is_multibyte:
        return encoded.decode(codec, "replace")
    damaged = encoded.decode(codec or "utf_8", "replace")
    foreign = len(damaged) - len(damaged.encode("ascii", "ignore"))
    if 2 * damaged.count("\N{REPLACEMENT CHARACTER}") <= foreign:
        return damaged
    return encoded.decode("cp1252", "replace")


def _codec(charset: str) -> str:
    """Find the codec for the name of a charset. Returns "" for an unknown name."""
    label = charset.strip("\"' ").lower().replace("-", "_").replace(".", "_")[:40]
    label = label.removeprefix("x_").removesuffix("_i")
    codec = aliases.get(label, label)
    codec = _WIDER.get(codec, codec)
    return codec if codec in _CODECS else ""
