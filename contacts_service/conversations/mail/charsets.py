"""Bytes to text where the declared charset may be missing, unknown or wrong. Never raises."""

import re
from codecs import BOM_UTF8
from encodings.aliases import aliases

# Those of Python's codecs that mail may name. A name from outside never reaches the codec
# registry, which remembers all it was asked for and knows codecs that take quadratic time.
_CODECS = {codec for codec in aliases.values() if not codec.endswith("_codec")} - {
    *("mbcs", "rot_13", "tactis", "punycode", "idna", "unicode_escape", "raw_unicode_escape")
} | {"cp874", "koi8_u"}

# Names that senders use for a wider charset, as in WHATWG's Encoding Standard.
_MEANT = {
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
_control = re.compile(rb"[\x00-\x08\x0e-\x1f]")  # never in ASCII text, always in UTF-16
_SEVEN_BIT = ("hz", "iso2022", "utf_7")


def decode(encoded: bytes, charset: str | None = None) -> str:
    """The text in `encoded`, in the declared charset if that can be, else as it looks.

    Bytes that are valid UTF-8 are taken for it whatever single-byte charset is declared: text
    in those is practically never valid UTF-8.
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
    """The codec that is meant by a charset's name, "" for an unknown one."""
    label = charset.strip("\"' ").lower().replace("-", "_").replace(".", "_")[:40]
    label = label.removeprefix("x_").removesuffix("_i")
    codec = aliases.get(label, label)
    codec = _MEANT.get(codec, codec)
    return codec if codec in _CODECS else ""
