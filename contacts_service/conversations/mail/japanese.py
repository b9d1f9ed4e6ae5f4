"""Decodes ISO-2022-JP and EUC-JP with the characters that Microsoft added.

Python's codecs know neither the circled digits of NEC nor half-width katakana in these charsets.
Each pair of JIS X 0208 is moved to Shift_JIS, whose Microsoft form (CP932) has them all.
"""

import re
from functools import lru_cache

from contacts_service.limits import CONTENT_LENGTH

LENGTH = 4 * CONTENT_LENGTH

_escape = re.compile(rb"\x1b(\([A-Z]|\$\(?[@A-DO-Q]|\.[A-F]|N)|([\x0e\x0f])")
_KANJI = (b"$@", b"$B", b"$(@", b"$(B", b"$(O", b"$(Q")
_pair = re.compile(rb"[\x21-\x7e]{2}")
_euc_pair = re.compile(rb"[\xa1-\xfe]{2}|\x8e[\xa1-\xdf]|\x8f[\xa1-\xfe]{2}")


def is_iso_2022_jp(encoded: bytes) -> bool:
    return encoded.isascii() and (b"\x1b$B" in encoded or b"\x1b$@" in encoded)


def decode_iso_2022_jp(encoded: bytes) -> str:
    """Decode ISO-2022-JP as Microsoft's CP50220, CP50221 and CP50222 do (RFC 1468)."""
    encoded = encoded[:LENGTH]
    decoded: list[str] = []
    charset, is_shifted, position = b"(B", False, 0
    for escape in _escape.finditer(encoded):
        decoded.append(_decode_run(encoded[position : escape.start()], charset, is_shifted))
        position = escape.end()
        if escape[1]:
            charset = escape[1]
        else:
            is_shifted = escape[2] == b"\x0e"
    decoded.append(_decode_run(encoded[position:], charset, is_shifted))
    return "".join(decoded)


def _decode_run(run: bytes, charset: bytes, is_shifted: bool) -> str:
    if charset in _KANJI:
        lines = run.split(b"\n")  # a line end leads back to ASCII
        lines[0] = _pair.sub(_shift_jis, lines[0])
        return b"\n".join(lines).decode("cp932", "replace")
    if charset == b"$(D":
        try:
            return (b"\x1b$(D" + run).decode("iso2022_jp_ext")
        except UnicodeError:
            return "\N{REPLACEMENT CHARACTER}" * (len(run) // 2)
    if charset == b"(I" or is_shifted:
        return bytes(each | 0x80 if 0x21 <= each <= 0x5F else each for each in run).decode(
            "cp932", "replace"
        )
    return run.decode("cp932", "replace")


def decode_euc_jp(encoded: bytes) -> str:
    """Decode EUC-JP, in the form of the WHATWG Encoding Standard. Raises UnicodeError."""
    encoded = encoded[:LENGTH]
    try:
        return encoded.decode("euc_jp")
    except UnicodeError:
        return _euc_pair.sub(_from_euc, encoded).decode("cp932")


def _from_euc(character: re.Match[bytes]) -> bytes:
    if character[0][0] == 0x8E:
        return character[0][1:]
    if character[0][0] == 0x8F:  # JIS X 0212 has no place in Shift_JIS
        return "〓".encode("cp932")
    return _to_shift_jis(character[0][0] & 0x7F, character[0][1] & 0x7F)


def _shift_jis(pair: re.Match[bytes]) -> bytes:
    return _to_shift_jis(*pair[0])


@lru_cache(94 * 94)
def _to_shift_jis(row: int, cell: int) -> bytes:
    """Move a pair of JIS X 0208 to its place in Shift_JIS (JIS X 0208, annex 1)."""
    lead = (row + 1) // 2 + (0x70 if row < 0x5F else 0xB0)
    if row % 2:
        return bytes((lead, cell + (0x20 if cell >= 0x60 else 0x1F)))
    return bytes((lead, cell + 0x7E))
