"""Which parts of a mail are its text, and how plain text is shown (RFC 8621, 4.1.4)."""

import binascii

import pytest

from contacts_service.conversations.mail.parser import parse_mail
from tests.conversations.mails import (
    FORWARDED,
    HTML,
    LINDA,
    NOTES_FILE,
    PICTURE,
    PLAIN,
    mail,
    multipart,
)


def text_of(raw: bytes) -> str:
    return parse_mail(raw).content


def named(name: str, body: str) -> bytes:
    return mail(f'Content-Type: text/plain; name="{name}"', body=body)


@pytest.mark.parametrize(
    "content_type",
    [
        *('text/plain; name="message.txt"', "text/plain charset=utf-8", "text/markdown"),
        *("plain/text", "text", "text/", "/", '"text/plain"', "text/plain;; charset=utf-8"),
        *("TEXT/PLAIN", "text/x-unknown", "text/calendar", "text\\plain", "charset=utf-8"),
        'text/plain; charset="utf-8',
    ],
)
def test_only_part_of_a_mail_is_its_text(content_type: str) -> None:
    raw = mail(LINDA, f"Content-Type: {content_type}", body="My wörds")
    assert text_of(raw) == "My wörds"


@pytest.mark.parametrize(
    "disposition", ["inline; filename=a.txt", "attachment; filename=a.txt", "attachment", "x"]
)
def test_only_text_is_shown_whatever_its_disposition(disposition: str) -> None:
    raw = mail(LINDA, f"Content-Disposition: {disposition}", body="My words")
    assert text_of(raw) == "My words"


def test_charset_is_read_without_a_semicolon() -> None:
    body = "Да".encode("koi8-r")
    assert text_of(mail(LINDA, "Content-Type: text/plain charset=koi8-r", body=body)) == "Да"


SMIL = mail("Content-Type: application/smil; name=x.smil", body="<smil>")
CSV = mail("Content-Type: text/csv; name=a.csv", body="1;2")


@pytest.mark.parametrize(
    ("raw", "content"),
    [
        (multipart("related", SMIL, PICTURE, named("text_0.txt", "Hi")), "Hi"),
        (
            multipart("mixed", PICTURE, named("text_0.txt", "Hi"), named("b.txt", "you")),
            "Hi\n\nyou",
        ),
        (multipart("mixed", PLAIN, named("a.log", "log")), "In plain wörds"),
        (multipart("mixed", PLAIN, CSV), "In plain wörds"),
        (multipart("mixed", PICTURE, NOTES_FILE), "In a file"),
        (multipart("alternative", named("a.txt", "Plain"), HTML), "Plain"),
        (multipart("alternative", HTML, named("a.txt", "Plain")), "Plain"),
        (multipart("related", HTML, PICTURE, HTML.replace(b"In", b"Frame")), "In HTML"),
    ],
    ids=["MMS", "named texts", "log", "table", "attached", "alternative", "second", "frame"],
)
def test_named_text_is_attached_only_beside_another_body(raw: bytes, content: str) -> None:
    assert text_of(raw) == content


DIGEST = multipart(
    "digest",
    mail(body="From: a@b.example\r\nSubject: One\r\n\r\nFirst"),
    mail("Content-Type: message/rfc822", body="From: c@d.example\r\n\r\nSecond"),
    headers=(),
)


@pytest.mark.parametrize(
    ("raw", "content"),
    [
        (LINDA.encode() + b"\r\n" + FORWARDED, "Words of another mail"),
        (multipart("mixed", FORWARDED), "Words of another mail"),
        (multipart("mixed", mail(body=" \r\n"), FORWARDED), "Words of another mail"),
        (multipart("mixed", PLAIN, FORWARDED), "In plain wörds"),
        (LINDA.encode() + b"\r\n" + DIGEST, "First\n\nSecond"),
        (multipart("mixed", PLAIN, DIGEST), "In plain wörds\n\nFirst\n\nSecond"),
    ],
    ids=["alone", "in a multipart", "below a blank", "beside a text", "digest", "digest below"],
)
def test_enclosed_mail_is_shown_where_it_is_all(raw: bytes, content: str) -> None:
    assert text_of(raw) == content


SIGNED = """Above

-----BEGIN PGP SIGNED MESSAGE-----
Hash: SHA256

Hello
- -- Linda
-----BEGIN PGP SIGNATURE-----
Version: GnuPG v2

iQEzBAEBCAAd
=abcd
-----END PGP SIGNATURE-----
Below"""
FILE = b"begin 644 a.txt\n" + binascii.b2a_uu(b"x" * 45) * 3 + b"`\nend\n"


@pytest.mark.parametrize(
    ("body", "content"),
    [
        (SIGNED.encode(), "Above\n\nHello\n-- Linda\n\nBelow"),
        (b"See:\n" + FILE + b"Bye", "See:\nBye"),
        (FILE, ""),
        (b"We begin 644 things\nin the end\n", "We begin 644 things\nin the end"),
        (b"<html><body><p>Hi <b>you</b></p></body></html>", "Hi you"),
        (b"<div>Hi</div><div>you</div>", "Hi\nyou"),
        (b"Why is <b>x</b> bold?\n</html>", "Why is <b>x</b> bold?\n</html>"),
        (b"<linda@example.com> wrote:\n> x", "<linda@example.com> wrote:\n> x"),
    ],
    ids=["PGP", "file", "only a file", "words", "page", "element", "about HTML", "quote"],
)
def test_plain_text_is_shown_as_a_mail_program_does(body: bytes, content: str) -> None:
    assert text_of(mail(LINDA, body=body)) == content


def test_blank_line_of_one_space_ends_the_headers() -> None:
    assert (
        text_of(b"From: linda@example.com\r\nSubject: x\r\n \r\nHello\r\n \r\nyou")
        == "Hello\n \nyou"
    )
    part = b"Content-Type: text/plain\r\n \r\nHello\r\n\r\nyou"
    assert text_of(multipart("mixed", part)) == "Hello\n\nyou"


@pytest.mark.parametrize(
    ("encoding", "body", "content"),
    [("base64", b"This is plain", "This is plain"), ("x-uuencode", FILE, "x" * 135)],
)
def test_transfer_encoding_is_undone(encoding: str, body: bytes, content: str) -> None:
    raw = mail(LINDA, f"Content-Transfer-Encoding: {encoding}", body=body)
    assert text_of(raw) == content


def test_commands_of_enriched_text_are_left_out() -> None:
    raw = mail(LINDA, "Content-Type: text/enriched", body="<bold>My</bold> words, 1 << 2")
    assert text_of(raw) == "My words, 1 < 2"


def test_text_below_the_limit_of_depth_is_not_lost() -> None:
    level = "\nContent-Type: multipart/mixed; boundary=b{0:04}\n\n--b{0:04}"
    front = LINDA + "".join(map(level.format, range(1000)))
    assert text_of(f"{front}\n\nDeep inside".encode()).endswith("Deep inside")
