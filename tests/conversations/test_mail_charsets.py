"""How the bytes of a mail become text: names of charsets, Japanese, and detection."""

import os
import time

import pytest

from contacts_service.conversations.mail.parser import parse_mail
from tests.conversations.mails import LINDA, mail


def text_of(body: bytes, charset: str = "") -> str:
    headers = [f"Content-Type: text/plain; charset={charset}"] if charset else []
    return parse_mail(mail(LINDA, *headers, body=body)).content


@pytest.mark.parametrize(
    ("charset", "codec", "content"),
    [
        *(("windows-949", "cp949", "똠방각하"), ("ks_c_5601-1987", "cp949", "똠방각하")),
        *(("cn-big5", "big5", "您好"), ("x-x-big5", "big5", "您好"), ("cn-gb", "gbk", "你好")),
        *(("koi8", "koi8-r", "Да"), ("win-1251", "cp1251", "Да"), ("win1251", "cp1251", "Да")),
        *(("macintosh", "mac-roman", "Größe"), ("x-mac-cyrillic", "mac-cyrillic", "Да")),
        *(("dos-866", "cp866", "Да"), ("ibm850", "cp850", "Größe"), ("cp-1252", "cp1252", "“é”")),
        *(("x-sjis", "cp932", "①番"), ("ms_kanji", "cp932", "①番"), ("cp936", "gbk", "你好")),
        *(("windows-874", "cp874", "สวัสดี"), ("tis-620", "cp874", "สวัสดี")),
        *(("iso-8859-8-i", "iso8859-8", "שלום"), ("logical", "iso8859-8", "שלום")),
        *(("dos-874", "cp874", "สวัสดี"), ("x-cp1250", "cp1250", "Łódź"), ("l9", "iso8859-15", "€")),
        *(
            ("cp65001", "utf-8", "é"),
            ("unicode-1-1-utf-8", "utf-8", "é"),
            ("utf8mb4", "utf-8", "é"),
        ),
    ],
)
def test_name_of_a_charset_is_known(charset: str, codec: str, content: str) -> None:
    assert text_of(content.encode(codec), charset) == content


JAPANESE = [
    (b"\x1b$B%F%9%H\x1b(B", "テスト"),
    (b"\x1b$B-!\x1b(B \x1b$B-j%F\x1b(B", "① ㈱テ"),
    (b"\x1b(I6E\x1b(B ok", "ｶﾅ ok"),
    (b"\x1b$B!A\x1b(B", "～"),
    (b"\x1b$B%F%9%H\nabc", "テスト\nabc"),
]


@pytest.mark.parametrize("charset", ["iso-2022-jp", "cp50220", "cp50221", "cp50222", "csISO2022JP"])
@pytest.mark.parametrize(("body", "content"), JAPANESE)
def test_iso_2022_jp_is_read_as_microsoft_writes_it(
    body: bytes, content: str, charset: str
) -> None:
    assert text_of(body, charset) == content


def test_other_forms_of_japanese_are_read() -> None:
    assert text_of(b"\x1b$B%F%9%H\x1b(B") == "テスト"
    assert text_of(b"\x1b$B%F%9%H\x1b(B", "us-ascii") == "テスト"
    assert text_of(b"\xb6\xc5", "iso-2022-jp") == "ｶﾅ"
    assert text_of(b"\xad\xa1\xa5\xc6", "eucjp-ms") == "①テ"
    assert text_of(b"\xad\xa1\xa5\xc6", "euc-jp") == "①テ"


DETECTED = [
    *(("Добрый день", "cp1251"), ("Добрый день", "koi8-r"), ("Привет, как дела?", "koi8-r")),
    *(("您好,我想查詢我的訂單。", "big5"), ("您好", "big5"), ("你好,我想查询我的订单。", "gbk")),
    *(("こんにちは、注文はどこですか。", "cp932"), ("こんにちは、注文はどこですか。", "euc-jp")),
    *(("안녕하세요, 주문 문의드립니다.", "cp949"), ("Γεια σας, πού είναι;", "cp1253")),
    *(("שלום, איפה ההזמנה שלי?", "cp1255"), ("สวัสดีครับ สินค้าอยู่ที่ไหน", "cp874")),
    *(("Café à 5 €", "cp1252"), ("5 £", "cp1252"), ("naïve", "cp1252"), ("½ kg", "cp1252")),
    *(("Årsmøde på søndag", "cp1252"), ("It’s “here”", "cp1252"), ("Møller", "cp1252")),
    *(("Zażółć gęślą jaźń", "cp1250"), ("Příliš žluťoučký kůň", "cp1250"), ("Jabłko", "cp1250")),
]


@pytest.mark.parametrize("charset", ["", "us-ascii", "utf-8", "x-unknown"])
@pytest.mark.parametrize(("content", "codec"), DETECTED)
def test_charset_that_is_not_given_or_wrong_is_detected(
    content: str, codec: str, charset: str
) -> None:
    assert text_of(content.encode(codec), charset) == content


def test_utf_16_is_known_by_its_mark() -> None:
    assert text_of("Да".encode("utf-16")) == "Да"


def test_declared_single_byte_charset_holds_where_it_decodes() -> None:
    assert text_of(b"\xc4\xee\xe1\xf0\xfb\xe9", "iso-8859-1") == "Äîáðûé"


@pytest.mark.parametrize(
    "charset", ["", "iso-2022-jp", "euc-jp", "utf-8", "gb18030", "utf-7", "hz"]
)
@pytest.mark.parametrize(
    "piece",
    [b"\x1b$B", b"%F", b"\xad\xa1", b"\xff\x00", b"\x810", b"~{", b"+AAA-", os.urandom(999)],
)
def test_hostile_bytes_take_bounded_time(piece: bytes, charset: str) -> None:
    body = b"\x1b$B" + piece * (2_000_000 // len(piece))
    start = time.process_time()
    text_of(body, charset)
    assert time.process_time() - start < 10  # at most 2 on an idle machine
