"""Decodes bytes whose declared charset may be missing, unknown or wrong. Never raises.

Names are those of the WHATWG Encoding Standard, and what mail uses beside them. Text whose charset
is not known is decoded in the one that `chardet` finds.
"""

import re
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE
from encodings.aliases import aliases

import chardet
import webencodings

from contacts_service.conversations.mail import japanese

# The codecs of Python that mail may name. Other names must not reach the codec registry: it caches
# every name that it was asked for, and has codecs that take quadratic time.
_CODECS = {codec for codec in aliases.values() if not codec.endswith("_codec")} - {
    *("mbcs", "rot_13", "tactis", "punycode", "idna", "unicode_escape", "raw_unicode_escape")
} | {"cp874", "koi8_u"}

# Names in mail that neither the standard nor Python knows.
_MAIL_NAMES = {
    "cn_gb": "gb18030",
    "cp51932": "euc_jp",
    "cp51949": "cp949",
    "cp54936": "gb18030",
    "cp65001": "utf_8",
    "cp936": "gb18030",
    "cp10000": "mac_roman",
    "dos_866": "cp866",
    "x_mac_ce": "mac_latin2",
    "euc_jp_ms": "euc_jp",
    "eucjp_ms": "euc_jp",
    "eucjpms": "euc_jp",
    "hz_gb_2312": "hz",
    "iso_2022_jp_ms": "iso2022_jp",
    "jis": "iso2022_jp",
    "koi": "koi8_r",
    "ms_ansi": "cp1252",
    "ms_cyrl": "cp1251",
    "ms_ee": "cp1250",
    "ms_greek": "cp1253",
    "ms_turk": "cp1254",
    "utf8mb4": "utf_8",
    "unicode_1_1_utf_7": "utf_7",
    **dict.fromkeys(("cp50220", "cp50221", "cp50222"), "iso2022_jp"),
}
# Charsets that senders name when they use a wider one (WHATWG Encoding Standard).
_WIDER = {
    "big5": "big5hkscs",
    "euc_kr": "cp949",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "iso8859_1": "cp1252",
    "iso8859_9": "cp1254",
    "iso8859_11": "cp874",
    "latin_1": "cp1252",
    "macintosh": "mac_roman",
    "shift_jis": "cp932",
    "tis_620": "cp874",
    "windows_31j": "cp932",
    "windows_874": "cp874",
    "x_mac_cyrillic": "mac_cyrillic",
    **{f"iso2022_jp_{variant}": "iso2022_jp" for variant in ("1", "3", "2004", "ext")},
}
_MULTIBYTE = tuple("big5 cp932 cp949 cp950 euc_ gb hz iso2022 johab shift utf".split())
_SEVEN_BIT = ("hz", "iso2022", "utf_7")
_MIXED_CODE_PAGES = re.compile(r"(?:x_)?(?:windows|win|ms|ibm|cp)_?(\d{3,5})")
_LATIN = ("windows-1252", "windows-1250", "iso-8859-2", "windows-1254")
_DETECTABLE = (
    *_LATIN,
    *("windows-1251", "koi8-r", "koi8-u", "windows-1253", "windows-1255", "windows-1256"),
    *("windows-874", "big5", "gb18030", "euc-jp", "cp932", "cp949"),
)
DETECTION_LENGTH = 20_000

_control = re.compile(rb"[\x00-\x08\x0e-\x1f]")  # absent from ASCII text, frequent in UTF-16
_foreign = re.compile(rb"[\x80-\xff]")
_foreign_run = re.compile(rb"[\x80-\xff]{2}")
_symbol_in_word = re.compile(rb"[A-Za-z][\x80-\xbf][A-Za-z]")


def decode(encoded: bytes, charset: str | None = None) -> str:
    """Decode in the declared charset where that works, else in the most likely one.

    Bytes that are valid UTF-8 are decoded as such even if a single-byte charset is declared: text
    in those charsets is practically never valid UTF-8.
    """
    codec = _codec(charset or "")
    if codec == "iso2022_jp" or (codec in ("", "ascii") and japanese.is_iso_2022_jp(encoded)):
        return japanese.decode_iso_2022_jp(encoded)
    if encoded.isascii() and not codec.startswith(_SEVEN_BIT) and not _control.search(encoded):
        return encoded.decode("ascii")
    if encoded.startswith((BOM_UTF16_LE, BOM_UTF16_BE)) and not codec.startswith("utf_32"):
        return encoded.decode("utf_16", "replace")
    encoded = encoded.removeprefix(BOM_UTF8)
    is_multibyte = codec.startswith(_MULTIBYTE)
    for candidate in (codec, "utf_8") if is_multibyte else ("utf_8", codec):
        try:
            return _decode_strictly(encoded, candidate)
        except UnicodeError:
            continue
    damaged = encoded.decode(codec if codec and codec != "ascii" else "utf_8", "replace")
    foreign = len(damaged) - len(damaged.encode("ascii", "ignore"))
    is_right = is_multibyte or _is_utf_8(encoded)
    if is_right and 2 * damaged.count("\N{REPLACEMENT CHARACTER}") <= foreign:
        return damaged
    return encoded.decode(_detect(encoded), "replace")


def _decode_strictly(encoded: bytes, codec: str) -> str:
    if not codec:
        raise UnicodeError("no charset")
    if codec == "euc_jp":
        return japanese.decode_euc_jp(encoded)
    return encoded.decode(codec)


def _is_utf_8(encoded: bytes) -> bool:
    """Whether most of the foreign characters are whole in UTF-8."""
    damaged = encoded.decode("utf_8", "replace")
    foreign = len(damaged) - len(damaged.encode("ascii", "ignore"))
    return 2 * damaged.count("\N{REPLACEMENT CHARACTER}") <= foreign


def _detect(encoded: bytes) -> str:
    """Find the most likely codec for bytes that are not UTF-8.

    Foreign letters that stand alone between ASCII ones belong to a Latin script: words in Cyrillic,
    Greek, Hebrew, Arabic or Thai are foreign as a whole. One or two of them tell too little, and
    are Western European.
    """
    first = _foreign.search(encoded)
    start = max(0, first.start() - 1000) if first else 0
    extract = encoded[start : start + DETECTION_LENGTH]
    codec = _codec(_most_likely(extract, _DETECTABLE))
    if not _foreign_run.search(extract) and not codec.startswith(_MULTIBYTE):
        is_western = len(_foreign.findall(extract)) < 3 and not _symbol_in_word.search(extract)
        codec = "" if is_western else _codec(_most_likely(extract, _LATIN))
    damaged = encoded.decode(codec or "cp1252", "replace")
    is_wrong = 20 * damaged.count("\N{REPLACEMENT CHARACTER}") > len(damaged)
    return "cp1252" if is_wrong else codec or "cp1252"


def _most_likely(extract: bytes, candidates: tuple[str, ...]) -> str:
    return chardet.detect(extract, include_encodings=candidates)["encoding"] or ""


def _codec(charset: str) -> str:
    """Find the codec for the name of a charset. Returns "" for an unknown name."""
    label = charset.strip("\"' \t").lower()[:40]
    underscored = re.sub(r"[-. ]", "_", label)
    if underscored in ("ascii", "us_ascii", "ansi_x3_4_1968"):
        return "ascii"
    if page := _MIXED_CODE_PAGES.match(underscored):
        underscored = f"cp{page[1]}"
    if underscored in _MAIL_NAMES:
        return _MAIL_NAMES[underscored]
    if label.isascii() and (known := webencodings.lookup(label)):
        underscored = known.name.lower().replace("-", "_")
    underscored = underscored.removeprefix("x_").removesuffix("_i")
    codec = aliases.get(underscored, underscored)
    codec = _WIDER.get(codec, codec)
    return codec if codec in _CODECS else ""
