"""Samples of bodies of mails: charsets, encodings, HTML, and the parts of a multipart."""

from base64 import b64encode

from tests.conversations.mails import (
    FORWARDED,
    HTML,
    LINDA,
    NOTES_FILE,
    PICTURE,
    PLAIN,
    mail,
    multipart,
    sample,
)

BODIES = [
    sample(
        "Latin-1 called UTF-8",
        mail(LINDA, "Content-Type: text/plain; charset=utf-8", body=b"caf\xe9 \x80 5"),
        content="café € 5",
    ),
    sample(
        "Windows-1252 called Latin-1",
        mail(LINDA, "Content-Type: text/plain; charset=ISO-8859-1", body=b"\x93caf\xe9\x94"),
        content="“café”",
    ),
    sample(
        "UTF-8 called Latin-1",
        mail(LINDA, "Content-Type: text/plain; charset=iso-8859-1", body="café"),
        content="café",
    ),
    sample(
        "UTF-8 with a damaged character",
        mail(LINDA, "Content-Type: text/plain; charset=utf-8", body="Привет".encode() + b"\xd0"),
        content="Привет\ufffd",
    ),
    sample("UTF-8 called nothing", mail(LINDA, body="café"), content="café"),
    sample(
        "eight bits called unknown",
        mail(LINDA, "Content-Type: text/plain; charset=unknown-8bit", body=b"caf\xe9"),
        content="café",
    ),
    sample(
        "GBK called GB2312",
        mail(LINDA, "Content-Type: text/plain; charset=gb2312", body="朱镕基".encode("gbk")),
        content="朱镕基",
    ),
    sample(
        "UTF-7",
        mail(LINDA, "Content-Type: text/plain; charset=utf-7", body="café".encode("utf-7")),
        content="café",
    ),
    sample(
        "ASCII called UTF-16",
        mail(LINDA, "Content-Type: text/plain; charset=utf-16", body="Plainly"),
        content="Plainly",
    ),
    sample(
        "UTF-16",
        mail(
            LINDA,
            "Content-Type: text/plain; charset=utf-16le",
            "Content-Transfer-Encoding: base64",
            body=b64encode("Да".encode("utf-16-le")),
        ),
        content="Да",
    ),
    sample(
        "byte order mark in the body",
        mail(LINDA, "Content-Type: text/plain; charset=utf-8", body="\ufeffcafé"),
        content="café",
    ),
    sample(
        "charset that is a codec of another kind",
        mail(LINDA, "Content-Type: text/plain; charset=zlib", body="Plainly é"),
        content="Plainly é",
    ),
    sample(
        "charset in the form of RFC 2231",
        mail(LINDA, "Content-Type: text/plain; charset*=''koi8-r", body="Да".encode("koi8-r")),
        content="Да",
    ),
    sample(
        "damaged quoted-printable",
        mail(
            LINDA,
            "Content-Type: text/plain; charset=utf-8",
            "Content-Transfer-Encoding: Quoted-Printable ",
            body="caf=C3=A9 =ZZ 100% so=\r\nft =",
        ),
        content="café =ZZ 100% soft",
    ),
    sample(
        "damaged base64",
        mail(
            LINDA,
            "Content-Type: text/plain; charset=utf-8",
            "Content-Transfer-Encoding: base64",
            body=b"aGVs!bG8\r\ngd29y\0bGQh\r\nIQ",
        ),
        content="hello world!!",
    ),
    sample(
        "base64 with a list's footer below",
        mail(
            LINDA,
            "Content-Transfer-Encoding: base64",
            body=b64encode(b"hello!!") + b"\r\n____\r\nThe list",
        ),
        content="hello!!",
    ),
    sample(
        "control characters", mail(LINDA, body=b" a\0b\tc\x1b[0m\x7fd \r\n"), content="ab\tc[0md"
    ),
    sample("decomposed", mail(LINDA, body="cafe\u0301"), content="café"),
    sample("plain and HTML", multipart("alternative", HTML, PLAIN), content="In plain wörds"),
    sample(
        "blank plain and HTML",
        multipart("alternative", mail("Content-Type: text/plain", body=" \r\n"), HTML),
        content="In HTML",
    ),
    sample("HTML only", mail(LINDA, "Content-Type: text/html", body="<p>Hi</p>"), content="Hi"),
    sample(
        "HTML laid out",
        mail(
            LINDA,
            "Content-Type: text/html",
            body="<html><head><title>T</title><style>p {x}</style></head><body><!-- c -->"
            "<div style='display: none'>hidden</div><p>One<br>two &amp;lt; &euro;</p>"
            "<script>alert(1)</script><ul><li>a<li>b</ul>"
            "<table><tr><td>c</td><td>d</td></tr><tr><td>e</td></tr></table>",
        ),
        content="One\ntwo &lt; €\n\n* a\n* b\nc d\ne",
    ),
    sample(
        "HTML that names its charset itself",
        mail(
            LINDA,
            "Content-Type: text/html",
            body=b'<?xml version="1.0" encoding="utf-16"?><meta charset="koi8-r">'
            + "<p>Да".encode("koi8-r"),
        ),
        content="Да",
    ),
    sample(
        "HTML with its pictures, plain beside it",
        multipart("alternative", PLAIN, multipart("related", HTML, PICTURE, headers=())),
        content="In plain wörds",
    ),
    sample(
        "files attached",
        multipart("mixed", NOTES_FILE, PICTURE, PLAIN, NOTES_FILE),
        content="In plain wörds",
    ),
    sample(
        "mail attached",
        multipart("mixed", FORWARDED, PLAIN),
        content="In plain wörds",
        subject="",
        email="linda@example.com",
    ),
    sample(
        "text around a picture",
        multipart("mixed", PLAIN, PICTURE, mail(body="Below")),
        content="In plain wörds\n\nBelow",
    ),
    sample(
        "the same in plain and in HTML, as if different",
        multipart("mixed", mail(body="In HTML"), HTML),
        content="In HTML",
    ),
    sample(
        "parts nested",
        multipart("mixed", multipart("alternative", HTML, PLAIN, headers=()), PICTURE),
        content="In plain wörds",
    ),
    sample(
        "cut off within a part", multipart("mixed", PLAIN, PICTURE)[:-150], content="In plain wörds"
    ),
    sample(
        "boundary never closed",
        multipart("mixed", PLAIN).partition(b"--=_mixed_1--")[0],
        content="In plain wörds",
    ),
    sample(
        "boundary not given",
        multipart("mixed", PLAIN, PICTURE).replace(b'boundary="=_mixed_1"', b""),
        content="In plain wörds",
    ),
    sample(
        "boundary in the form of RFC 2231",
        multipart("mixed", PLAIN).replace(
            b'boundary="=_mixed_1"', b"boundary*0==_mix; boundary*1=ed_1"
        ),
        content="In plain wörds",
    ),
    sample(
        "multipart in name only",
        mail(LINDA, "Content-Type: multipart/mixed; boundary=x", body="Just text"),
        content="Just text",
    ),
    sample("content type that is none", mail(LINDA, "Content-Type: text"), content="Hello"),
    sample("only a picture", mail(LINDA, "Content-Type: image/png", body="\x89PNG"), content=""),
]
