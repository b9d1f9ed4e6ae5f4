"""How raw mail is read: samples, hostile mails, and random damage."""

import threading
import time
import tracemalloc
import unicodedata
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contacts_service import limits, text
from contacts_service.conversations.incoming import IncomingMessage
from contacts_service.conversations.mail.headers import HEADERS_LENGTH
from contacts_service.conversations.mail.parser import UnusableMailError, parse_mail
from contacts_service.conversations.names import guess_names
from tests.conversations.body_samples import BODIES
from tests.conversations.header_samples import AUTOMATIC, HEADERS
from tests.conversations.mails import HTML, LINDA, mail, multipart
from tests.conversations.sender_samples import SENDERS, WITHOUT_SENDER

MAILS = [*SENDERS, *HEADERS, *BODIES, *AUTOMATIC]


def fields(message: IncomingMessage) -> dict[str, Any]:
    """Convert a message to the fields of the samples."""
    return {
        "channel": message.channel,
        "email": message.sender.email,
        "display_name": message.sender.display_name,
        "names": guess_names(message.sender),
        "cc": [copied.email for copied in message.cc],
        "cc_names": [copied.display_name for copied in message.cc],
        **{
            name: getattr(message, name)
            for name in (
                *("subject", "content", "message_id", "in_reply_to", "references"),
                *("received_at", "origin"),
            )
        },
    }


@pytest.mark.parametrize(("raw", "expected"), [m[1:] for m in MAILS], ids=[m[0] for m in MAILS])
def test_sample_is_read(raw: bytes, expected: dict[str, Any]) -> None:
    found = fields(parse_mail(raw))
    assert {name: found[name] for name in expected} == expected


@pytest.mark.parametrize("raw", [m[1] for m in WITHOUT_SENDER], ids=[m[0] for m in WITHOUT_SENDER])
def test_only_a_mail_without_usable_sender_is_refused(raw: bytes) -> None:
    with pytest.raises(UnusableMailError, match="no usable sender"):
        parse_mail(raw)


def assert_within_limits(message: IncomingMessage) -> None:
    """Check what the rest of the service relies on."""
    people = tuple(filter(None, (message.sender, *message.cc)))
    ids = [*filter(None, (message.message_id, message.in_reply_to)), *message.references]
    for line in (message.subject, *ids, *(person.display_name for person in people)):
        assert text.clean_line(line) == line
    assert text.clean_paragraphs(message.content) == message.content
    assert len(message.subject) <= limits.SUBJECT_LENGTH
    assert len(message.content) <= limits.CONTENT_LENGTH
    assert all(0 < len(each) <= limits.MESSAGE_ID_LENGTH for each in ids)
    assert len(message.references) <= limits.REFERENCES_COUNT
    assert len(message.cc) <= limits.CC_COUNT
    emails = [person.email or "" for person in people]
    assert [text.normalise_email(email) for email in emails] == emails
    assert len(set(emails)) == len(emails)
    for person in people:
        for name in guess_names(person)[:2]:
            assert len(name) <= limits.NAME_LENGTH
            assert unicodedata.is_normalized("NFC", name)
            assert text.clean_line(name) == name


def assert_survives(raw: bytes) -> None:
    with suppress(UnusableMailError):
        assert_within_limits(parse_mail(raw))


PIECES = [
    *(b"\r\n", b"\n", b"\r", b"\0", b"\xff", b'"', b"<", b">", b"(", b",", b";", b":", b"=", b"\\"),
    *(b"=?utf-8?B?", b"=?utf-7?Q?+2AA-", b"?=", b"=?x?q?=ed=a0=80?=", b"\xcc\x81\xcc\xa3", b"@"),
    *(b"\r\n\r\n", b"\r\n ", b"--=_mixed_1\r\n", b"--=_mixed_1--", b"&#xd800;&#0;&#x1f;", b"%00"),
    *(b"\r\nContent-Type: text/html\r\n", b"\r\nContent-Transfer-Encoding: base64\r\n"),
    *(b"\r\nContent-Type: text/plain; charset=", b"*0*=utf-8''%ff", b"\r\nDate: 1 Jan 1 -9999\r\n"),
    *(b"utf-7", b"utf-16", b"<td>", b"<li value=9>", b"\xe2\x80\xa8", b"\xc2\x85", b"\xed\xa0\x80"),
]


@given(st.binary(max_size=300), st.sampled_from([b"", b"From: a@example.com\n"]))
def test_random_bytes_are_survived(raw: bytes, front: bytes) -> None:
    assert_survives(front + raw)


@given(
    st.sampled_from([raw for _, raw, _ in MAILS if len(raw) < 5000]),
    st.lists(
        st.tuples(
            st.integers(0, 5000),
            st.integers(0, 40),
            st.one_of(st.sampled_from(PIECES), st.binary(max_size=8)),
        ),
        max_size=6,
    ),
)
def test_damaged_mail_is_survived(raw: bytes, damages: list[tuple[int, int, bytes]]) -> None:
    for position, length, piece in damages:
        position %= len(raw) + 1
        raw = raw[:position] + piece + raw[position + length :]
    assert_survives(raw)


MB = 1_000_000
MIXED = "Content-Type: multipart/mixed; boundary=b"
QP = "Content-Transfer-Encoding: quoted-printable"
BASE64 = "Content-Transfer-Encoding: base64"


def html_mail(markup: str) -> bytes:
    return mail(LINDA, "Content-Type: text/html", body=markup)


def attachment_and_text() -> bytes:
    picture = mail("Content-Type: image/png", BASE64, body=b"iVBORw0K\r\n" * (5 * MB // 2))
    return multipart("mixed", picture, HTML)


def multiparts_in_each_other(depth: int) -> bytes:
    level = "\nContent-Type: multipart/mixed; boundary=b{0:06}\n\n--b{0:06}"
    return (LINDA + "".join(map(level.format, range(depth)))).encode()


HUGE: dict[str, Callable[[], bytes]] = {
    "text": lambda: mail(LINDA, body="hello wörld\r\n" * (25 * MB // 14)),
    "an attachment": attachment_and_text,
    "blank lines": lambda: mail(LINDA, body="\n" * 25 * MB),
    "NUL": lambda: mail(LINDA, body=b"\0" * 25 * MB),
    "one line": lambda: b"a" * 25 * MB,
    "folding": lambda: mail(LINDA, b"X: y" + b"\n " * 12 * MB),
    "quoted-printable": lambda: mail(LINDA, QP, body="=F0=9F=98=80" * (2 * MB)),
    "damaged base64": lambda: mail(LINDA, BASE64, body="!\n" * 12 * MB),
    "combining marks": lambda: mail(LINDA, body="\u0323\u0301" * 6 * MB),
    "multiparts in each other": lambda: multiparts_in_each_other(400_000),
    "parts": lambda: mail(LINDA, MIXED, body="--b\n\nx\n" * 3 * MB),
    "parts of HTML": lambda: mail(
        LINDA, MIXED, body="--b\nContent-Type: text/html\n\n<p>" * 800_000
    ),
    "almost boundaries": lambda: mail(LINDA, MIXED, body="--b" * 8 * MB),
    "HTML pages": lambda: html_mail("<p>x" * 6 * MB),
    "HTML never closed": lambda: html_mail("<style><!--<script" * MB),
    "HTML brackets": lambda: html_mail("<" * 25 * MB),
    "HTML references": lambda: html_mail("&" * 25 * MB),
}
HOSTILE: dict[str, Callable[[], bytes]] = {
    "marks": lambda: mail(LINDA, body="\u0323\u0301" * 500_000),
    "marks in the subject": lambda: mail(LINDA, "Subject: " + "\u0301\u0323" * 500_000),
    "subject": lambda: mail(LINDA, "Subject: " + "x" * MB),
    "words": lambda: mail(LINDA, "Subject: " + "=?utf-8?q?a?= =?x?q?b?= " * 40_000),
    "words never ended": lambda: mail(LINDA, "Subject: " + "=?x?q? " * 150_000),
    "name": lambda: mail(f"From: {'x' * MB} <linda@example.com>"),
    "quotes": lambda: mail("From: " + '"\\' * 500_000, LINDA),
    "brackets": lambda: mail("From: " + "(<" * 500_000, LINDA),
    "people": lambda: mail(LINDA, "Cc: " + ",".join(f"u{n}@a.example" for n in range(100_000))),
    "one person": lambda: mail(LINDA, "Cc: " + "linda@example.com," * 100_000),
    "not addresses": lambda: mail(LINDA, "Cc: " + "a@b," * 500_000),
    "headers of people": lambda: mail(LINDA, *["Cc: " + "é@é.é," * 400] * 1000),
    "quoted words": lambda: mail("From: " + '<"\\"@' * 200_000, LINDA),
    "one header": lambda: mail(LINDA, *["Cc: a@b"] * 400_000),
    "headers": lambda: mail(*[f"X-{n}: y" for n in range(100_000)], LINDA),
    "references": lambda: mail(LINDA, "References: " + "<a@b>" * 500_000),
    "parameters": lambda: mail(LINDA, 'Content-Type: text/plain; a="' + ";" * 500_000),
    "address": lambda: mail(f"From: <a{' ' * 500_000}b@example.com>", LINDA),
    "charset": lambda: mail(LINDA, f"Content-Type: text/plain; charset=punycode{'x' * MB}"),
    "multiparts in each other": lambda: multiparts_in_each_other(20_000),
    "many parts": lambda: mail(LINDA, MIXED, body="--b\n\nx\n" * 200_000),
    "parts of HTML": lambda: mail(
        LINDA, MIXED, body="--b\nContent-Type: text/html\n\n<p>a" * 40_000
    ),
    "HTML nested": lambda: html_mail("<div>x" * 200_000),
    "HTML nested tables": lambda: html_mail("<table><tr><td>x" * 100_000),
    "HTML cells": lambda: html_mail("<table><tr>" + "<td>x" * 200_000),
    "HTML wide and long": lambda: html_mail(
        "<table>" + "<tr><td>x" * 15_000 + "<tr><td>" + "z" * 150_000
    ),
    "HTML paragraphs": lambda: html_mail("<p>x" * 250_000),
    "HTML items": lambda: html_mail("<ul><li>" * 200 + "<li>x" * 200_000),
    "HTML long bullets": lambda: html_mail(f"<ol><li value={'9' * 4000}>x" + "<li>x" * 50_000),
    "HTML padding": lambda: html_mail(
        '<p style="padding-left:99999em;margin-top:99999em">x' * 8000
    ),
    "HTML pieces": lambda: html_mail("x<b>y</b>" * 100_000),
}


@pytest.mark.parametrize(
    "make",
    [
        *(pytest.param(make, id=name) for name, make in HOSTILE.items()),
        *(
            pytest.param(make, id=f"25 MB: {name}", marks=pytest.mark.slow)
            for name, make in HUGE.items()
        ),
    ],
)
def test_hostile_mail_takes_bounded_time(make: Callable[[], bytes]) -> None:
    raw = make()
    start = time.process_time()
    assert_survives(raw)
    assert time.process_time() - start < 10  # at most 1 on an idle machine


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    ["an attachment", "text", "parts", "HTML wide and long", "HTML long bullets", "HTML padding"],
)
def test_hostile_mail_takes_bounded_memory(name: str) -> None:
    raw = {**HUGE, **HOSTILE}[name]()
    tracemalloc.start()
    try:
        assert_survives(raw)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 150 * MB


def test_headers_after_a_huge_one_are_read() -> None:
    message = parse_mail(mail("Subject: " + "x" * MB, LINDA, "Message-ID: <a1@example.com>"))
    assert message.sender.email == "linda@example.com"
    assert message.message_id == "a1@example.com"


def test_address_at_the_limit_of_headers_is_not_cut() -> None:
    start = f"{LINDA}\nCc: ann@example.com,"
    padding = "\n " * ((HEADERS_LENGTH - len(start)) // 2 - 7)
    message = parse_mail(f"{start}{padding}bob@example.community\n\nHello".encode())
    assert [copied.email for copied in message.cc] == ["ann@example.com"]


def test_threads_do_not_mix_texts() -> None:
    foreign: list[str] = []

    def read_again_and_again(mark: str) -> None:
        markup = f"{mark}<br>" * 300
        for _ in range(15):
            content = parse_mail(mail(LINDA, "Content-Type: text/html", body=markup)).content
            if set(content.split()) != {mark}:
                foreign.append(content)

    threads = [threading.Thread(target=read_again_and_again, args=(m,)) for m in "ABCDEFGH"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert foreign == []
