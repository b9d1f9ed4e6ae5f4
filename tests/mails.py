"""Mail as it really comes: well made, sloppy and broken. All of it is invented.

A sample is a name, the raw mail, and those fields of the message that must come out: `email` and
`display_name` are the sender's, `names` those guessed for the sender, `cc` the addresses.
"""

import hashlib
from base64 import b64encode, encodebytes
from typing import Any

LINDA = "From: Linda Olsen <linda@example.com>"


def mail(*headers: str | bytes, body: str | bytes = "Hello") -> bytes:
    """Headers and body with CR LF, what is text in UTF-8."""
    lines = [*headers, "", body]
    return b"\r\n".join(line.encode() if isinstance(line, str) else line for line in lines)


def multipart(kind: str, *parts: bytes, headers: tuple[str, ...] = (LINDA,)) -> bytes:
    """A multipart of `parts`, which are made by `mail` as well; nests with other headers."""
    boundary = f"=_{kind}_1"
    body = b"".join(b"--%b\r\n%b\r\n" % (boundary.encode(), part) for part in parts)
    return mail(
        *headers,
        f'Content-Type: multipart/{kind}; boundary="{boundary}"',
        body=b"This is a MIME message.\r\n%b--%b--\r\nEpilogue" % (body, boundary.encode()),
    )


def word(charset: str, encoded: bytes) -> str:
    return f"=?{charset}?B?{b64encode(encoded).decode()}?="


PLAIN = mail("Content-Type: text/plain; charset=utf-8", body="In plain wörds")
HTML = mail("Content-Type: text/html; charset=utf-8", body="<p>In <b>HTML</b></p>")
PICTURE = mail(
    "Content-Type: image/png; name=a.png",
    "Content-Transfer-Encoding: base64",
    body=encodebytes(b"\x89PNG" * 30),
)
NOTES_FILE = mail(
    "Content-Type: text/plain; charset=utf-8",
    'Content-Disposition: attachment; filename="notes.txt"',
    body="In a file",
)
FORWARDED = mail(
    "Content-Type: message/rfc822",
    body=mail("From: eve@example.com", "Subject: Inner", body="Words of another mail"),
)

SENDERS: list[tuple[str, bytes, dict[str, Any]]] = [
    (
        "ordinary",
        mail(
            "Return-Path: <bounces@example.com>",
            "From: Linda Olsen <Linda@Example.com>",
            "To: Help <help@ours.example>",
            'Cc: "Smith, Bob" <bob@example.com>, ann@example.com (Ann Lee)',
            "Subject: My order",
            "Message-ID: <a1@example.com>",
            "In-Reply-To: <b2@ours.example>",
            "References: <c3@ours.example>\r\n <b2@ours.example>",
            "Date: Wed, 13 May 2026 23:47:44 +0200",
            body="Where is it?\r\n\r\nLinda\r\n",
        ),
        {
            "channel": "email",
            "email": "linda@example.com",
            "display_name": "Linda Olsen",
            "names": ("Linda", "Olsen", False),
            "cc": ["bob@example.com", "ann@example.com"],
            "cc_names": ["Smith, Bob", "Ann Lee"],
            "subject": "My order",
            "content": "Where is it?\n\nLinda",
            "message_id": "a1@example.com",
            "in_reply_to": "b2@ours.example",
            "references": ("c3@ours.example", "b2@ours.example"),
            "is_automatic": False,
        },
    ),
    (
        "address alone",
        mail("From: linda.olsen@example.com"),
        {"display_name": "", "names": ("Linda", "Olsen", True)},
    ),
    (
        "address as its own name",
        mail("From: \"'linda.olsen@example.com'\" <linda.olsen@example.com>"),
        {"names": ("Linda", "Olsen", True)},
    ),
    (
        "encoded last name first, comma within the word",
        mail("From: =?utf-8?Q?Ols=C3=A9n, Linda?= <linda@example.com>"),
        {"email": "linda@example.com", "names": ("Linda", "Olsén", False)},
    ),
    (
        "encoded within quotes",
        mail('From: "=?utf-8?Q?Ols=C3=A9n=2C_Linda?=" <linda@example.com>'),
        {"names": ("Linda", "Olsén", False)},
    ),
    (
        "character cut between two words",
        mail(
            f"From: {word('utf-8', '王小'.encode()[:4])}\r\n {word('UTF-8', '王小'.encode()[4:])} "
            "<wang@example.com>"
        ),
        {"display_name": "王小"},
    ),
    (
        "words without white space around them",
        mail("From: Dr=?utf-8?q?_L=C3=A9a?==?iso-8859-1?q?_Ol=E9?=<lea@example.com>"),
        {"display_name": "Dr Léa Olé"},
    ),
    (
        "unknown charset",
        mail("From: =?x-nowhere?Q?L=C3=A9a?= <lea@example.com>"),
        {"display_name": "Léa"},
    ),
    (
        "charset that lies",
        mail("From: =?utf-8?Q?L=E9a?= <lea@example.com>"),
        {"display_name": "Léa"},
    ),
    (
        "charset with a language",
        mail("From: =?utf-8*fr?Q?L=C3=A9a?= <lea@example.com>"),
        {"display_name": "Léa"},
    ),
    (
        "Japanese in seven bits",
        mail(f"From: {word('iso-2022-jp', '田中 太郎'.encode('iso-2022-jp'))} <t@example.com>"),
        {"display_name": "田中 太郎", "names": ("太郎", "田中", False)},
    ),
    (
        "whole mailbox encoded",
        mail("From: =?utf-8?Q?L=C3=A9a_Olsen_<lea=40example.com>?="),
        {"email": "lea@example.com", "display_name": "Léa Olsen"},
    ),
    (
        "raw UTF-8",
        mail("From: Léa Olsén <lea@example.com>"),
        {"display_name": "Léa Olsén"},
    ),
    (
        "raw Latin-1",
        mail(b"From: L\xe9a Ols\xe9n <lea@example.com>"),
        {"display_name": "Léa Olsén"},
    ),
    (
        "raw Cyrillic in the charset of the body",
        mail(
            "From: Анна <anna@example.com>".encode("koi8-r"),
            "Content-Type: text/plain; charset=koi8-r",
            body="Привет".encode("koi8-r"),
        ),
        {"display_name": "Анна", "content": "Привет"},
    ),
    (
        "international address",
        mail("From: Jörg <jörg@bücher.example>"),
        {"email": "jörg@bücher.example"},
    ),
    (
        "punycode domain",
        mail("From: joerg@xn--bcher-kva.example"),
        {"email": "joerg@bücher.example"},
    ),
    (
        "folded within the name, tabs",
        mail("From: Linda\r\n\tvan der\r\n  Olsen\r\n\t<linda@example.com>"),
        {"names": ("Linda", "van der Olsen", False)},
    ),
    (
        "comments nested",
        mail("From: (a (b) c) linda@example.com (Linda (Lin) Olsen)"),
        {"email": "linda@example.com"},
    ),
    (
        "quote never closed",
        mail('From: "Linda Olsen <linda@example.com>'),
        {"email": "linda@example.com"},
    ),
    (
        "bracket never closed",
        mail("From: Linda Olsen <linda@example.com"),
        {"email": "linda@example.com", "display_name": "Linda Olsen"},
    ),
    (
        "no brackets at all",
        mail("From: Linda Olsen linda@example.com"),
        {"email": "linda@example.com", "display_name": "Linda Olsen"},
    ),
    (
        "white space and mailto within the brackets",
        mail("From: Linda < mailto:linda @ example . com >"),
        {"email": "linda@example.com"},
    ),
    (
        "NUL and other control characters",
        mail(b"From: Lin\0da \x1b[1mOlsen <linda@exa\0mple.com>"),
        {"email": "linda@example.com", "display_name": "Linda [1mOlsen"},
    ),
    (
        "several authors",
        mail("From: root@localhost, Ann <ann@example.com>, Bob <bob@example.com>"),
        {"email": "ann@example.com", "display_name": "Ann"},
    ),
    (
        "several authors, one of whom sent it",
        mail("From: Ann <ann@example.com>, Bob <bob@example.com>", "Sender: bob@example.com"),
        {"email": "bob@example.com", "display_name": "Bob"},
    ),
    (
        "a secretary is not the author",
        mail("From: Ann <ann@example.com>", "Sender: bob@example.com"),
        {"email": "ann@example.com"},
    ),
    (
        "group as author",
        mail("From: Team: Ann <ann@example.com>, b@example.com;"),
        {"email": "ann@example.com", "display_name": "Ann"},
    ),
    (
        "no author, a sender",
        mail("Sender: Bob <bob@example.com>", "Reply-To: c@example.com"),
        {"email": "bob@example.com", "display_name": "Bob"},
    ),
    (
        "author on this machine, a reply address",
        mail("From: root@localhost", "Reply-To: Bob <bob@example.com>"),
        {"email": "bob@example.com"},
    ),
    (
        "only a return path",
        mail("Return-Path: <bob@example.com>", "From: undisclosed-recipients:;"),
        {"email": "bob@example.com", "is_automatic": False},
    ),
    (
        "quoted local part that is another's address",
        mail('From: "linda@example.com"@example.net', "Sender: Jo <jo@example.com>"),
        {"email": "jo@example.com"},
    ),
    (
        "the same in angle brackets",
        mail('From: X <"linda@example.com"@example.net>', "Sender: Jo <jo@example.com>"),
        {"email": "jo@example.com"},
    ),
    (
        "quoted local part that ends like another's",
        mail('From: "x linda"@example.com', "Sender: Jo <jo@example.com>"),
        {"email": "jo@example.com"},
    ),
    (
        "needless quotes",
        mail('From: Taro <"taro.y"@example.com>'),
        {"email": "taro.y@example.com"},
    ),
    (
        "two addresses for one name",
        mail("From: <linda@example.com> <jo@example.net>", "Sender: Bo <bo@example.com>"),
        {"email": "bo@example.com"},
    ),
    (
        "several ids answered",
        mail(LINDA, "In-Reply-To: <a@x> <b@x> <c@x>", "References: <r@x>"),
        {"in_reply_to": "a@x", "references": ("r@x", "c@x", "b@x")},
    ),
    (
        "author's address too long",
        mail(f"From: {'a' * 300}@example.com", "Reply-To: bob@example.com"),
        {"email": "bob@example.com"},
    ),
    (
        "two From headers",
        mail("From: nobody", "From: bob@example.com"),
        {"email": "bob@example.com"},
    ),
    (
        "name too long",
        mail(f"From: {'x' * 200} {'y' * 200} <linda@example.com>"),
        {"names": ("x" * 140, "y" * 80, False)},
    ),
    (
        "copied in twice, in a group, and the sender",
        mail(
            LINDA,
            "To: help@ours.example",
            "Cc: Team: Bob <bob@example.com>, BOB@example.com; , linda@example.com, root@localhost",
            "cc: ann@example.com; undisclosed-recipients:;",
        ),
        {"cc": ["bob@example.com", "ann@example.com"]},
    ),
]

HEADERS: list[tuple[str, bytes, dict[str, Any]]] = [
    (
        "everything missing but the author",
        b"From: linda@example.com",
        {
            **{"subject": "", "content": "", "message_id": None, "in_reply_to": None},
            **{"references": (), "received_at": None, "is_automatic": False, "cc": []},
        },
    ),
    (
        "subject folded, encoded and plain",
        mail(LINDA, "Subject: Re:\r\n =?utf-8?Q?=C3=9Cber?=\r\n =?utf-8?Q?_uns?=\r\n\tand more"),
        {"subject": "Re: Über uns and more"},
    ),
    (
        "subject in damaged base64",
        mail(LINDA, "Subject: =?utf-8?B?w5xi*ZXI?= it"),
        {"subject": "Über it"},
    ),
    (
        "subject cut within its word",
        mail(LINDA, "Subject: =?utf-8?Q?=C3=9Cber_al"),
        {"subject": "Über al"},
    ),
    (
        "question mark within the word",
        mail(LINDA, "Subject: =?utf-8?Q?H=C3=B6w are you??="),
        {"subject": "Höw are you?"},
    ),
    (
        "line break within the word",
        mail(LINDA, "Subject: =?utf-8?Q?one=0D=0ABcc:_x=00y?="),
        {"subject": "one Bcc: xy"},
    ),
    (
        "GBK that is called GB2312",
        mail(LINDA, f"Subject: {word('gb2312', '朱镕基'.encode('gbk'))}"),
        {"subject": "朱镕基"},
    ),
    ("subject too long", mail(LINDA, f"Subject: {'x' * 2000}"), {"subject": "x" * 998}),
    ("space before the colon", mail(LINDA, "Subject : Hello"), {"subject": "Hello"}),
    (
        "ids with white space, comments and no brackets",
        mail(
            LINDA,
            "Message-ID: <a1@exam\r\n ple.com> (added by us)",
            "In-Reply-To: b2@ours.example",
            "References: c3@ours.example,d4@ours.example e5@ours.example",
        ),
        {
            "message_id": "a1@example.com",
            "in_reply_to": "b2@ours.example",
            "references": ("c3@ours.example", "d4@ours.example", "e5@ours.example"),
        },
    ),
    (
        "reply to a mail in words",
        mail(LINDA, "In-Reply-To: Your message of Tuesday <b2@ours.example>"),
        {"in_reply_to": "b2@ours.example"},
    ),
    ("no id but words", mail(LINDA, "In-Reply-To: Your message"), {"in_reply_to": None}),
    ("id without a domain", mail(LINDA, "Message-ID: a1"), {"message_id": "a1"}),
    ("empty id", mail(LINDA, "Message-ID: <>"), {"message_id": None}),
    (
        "id too long",
        mail(LINDA, f"Message-ID: <{'x' * 2000}>"),
        {"message_id": hashlib.sha256(b"x" * 2000).hexdigest()},
    ),
    (
        "more references than are kept",
        mail(LINDA, "References: " + "\r\n ".join(f"<{n}@x.example>" for n in range(10_000))),
        {"references": tuple(f"{n}@x.example" for n in range(9000, 10_000))},
    ),
    ("date of long ago", mail(LINDA, "Date: 3 Jan 1999 10:11:12 +0000"), {"received_at": None}),
    (
        "line that is no header among them",
        mail("Subject: Hello", "no header this", LINDA),
        {"subject": "Hello", "email": "linda@example.com", "content": "Hello"},
    ),
    (
        "no blank line before the body",
        mail(LINDA, "Subject: Hello", "Dear all,", body="Bye"),
        {"content": "Dear all,\n\nBye"},
    ),
    (
        "mbox",
        b"From linda@example.com Wed May 13 23:47:44 2026\n" + mail(LINDA),
        {"display_name": "Linda Olsen", "content": "Hello"},
    ),
    ("byte order mark in front", b"\xef\xbb\xbf" + mail(LINDA), {"content": "Hello"}),
    ("blank lines in front", b"\r\n\n\r\n" + mail(LINDA), {"content": "Hello"}),
    (
        "LF only",
        mail(LINDA, body="One\r\nTwo").replace(b"\r\n", b"\n"),
        {"content": "One\nTwo"},
    ),
    (
        "CR only",
        mail(LINDA, body="One\r\nTwo").replace(b"\r\n", b"\r"),
        {"content": "One\nTwo"},
    ),
    (
        "CR CR LF",
        mail(LINDA, body="One\r\nTwo").replace(b"\r\n", b"\r\r\n"),
        {"content": "One\nTwo"},
    ),
    (
        "line ends mixed",
        mail(LINDA + "\nSubject: Hi\rX: y", body="One\nTwo\rThree\r\nFour"),
        {"subject": "Hi", "content": "One\nTwo\nThree\nFour"},
    ),
]

BODIES: list[tuple[str, bytes, dict[str, Any]]] = [
    (
        "Latin-1 called UTF-8",
        mail(LINDA, "Content-Type: text/plain; charset=utf-8", body=b"caf\xe9 \x80 5"),
        {"content": "café € 5"},
    ),
    (
        "Windows-1252 called Latin-1",
        mail(LINDA, "Content-Type: text/plain; charset=ISO-8859-1", body=b"\x93caf\xe9\x94"),
        {"content": "“café”"},
    ),
    (
        "UTF-8 called Latin-1",
        mail(LINDA, "Content-Type: text/plain; charset=iso-8859-1", body="café"),
        {"content": "café"},
    ),
    (
        "UTF-8 with a damaged character",
        mail(LINDA, "Content-Type: text/plain; charset=utf-8", body="Привет".encode() + b"\xd0"),
        {"content": "Привет\ufffd"},
    ),
    (
        "UTF-8 called nothing",
        mail(LINDA, body="café"),
        {"content": "café"},
    ),
    (
        "eight bits called unknown",
        mail(LINDA, "Content-Type: text/plain; charset=unknown-8bit", body=b"caf\xe9"),
        {"content": "café"},
    ),
    (
        "GBK called GB2312",
        mail(LINDA, "Content-Type: text/plain; charset=gb2312", body="朱镕基".encode("gbk")),
        {"content": "朱镕基"},
    ),
    (
        "UTF-7",
        mail(LINDA, "Content-Type: text/plain; charset=utf-7", body="café".encode("utf-7")),
        {"content": "café"},
    ),
    (
        "ASCII called UTF-16",
        mail(LINDA, "Content-Type: text/plain; charset=utf-16", body="Plainly"),
        {"content": "Plainly"},
    ),
    (
        "UTF-16",
        mail(
            LINDA,
            "Content-Type: text/plain; charset=utf-16le",
            "Content-Transfer-Encoding: base64",
            body=b64encode("Да".encode("utf-16-le")),
        ),
        {"content": "Да"},
    ),
    (
        "byte order mark in the body",
        mail(LINDA, "Content-Type: text/plain; charset=utf-8", body="\ufeffcafé"),
        {"content": "café"},
    ),
    (
        "charset that is a codec of another kind",
        mail(LINDA, "Content-Type: text/plain; charset=zlib", body="Plainly é"),
        {"content": "Plainly é"},
    ),
    (
        "charset in the form of RFC 2231",
        mail(LINDA, "Content-Type: text/plain; charset*=''koi8-r", body="Да".encode("koi8-r")),
        {"content": "Да"},
    ),
    (
        "damaged quoted-printable",
        mail(
            LINDA,
            "Content-Type: text/plain; charset=utf-8",
            "Content-Transfer-Encoding: Quoted-Printable ",
            body="caf=C3=A9 =ZZ 100% so=\r\nft =",
        ),
        {"content": "café =ZZ 100% soft"},
    ),
    (
        "damaged base64",
        mail(
            LINDA,
            "Content-Type: text/plain; charset=utf-8",
            "Content-Transfer-Encoding: base64",
            body=b"aGVs!bG8\r\ngd29y\0bGQh\r\nIQ",
        ),
        {"content": "hello world!!"},
    ),
    (
        "base64 with a list's footer below",
        mail(
            LINDA,
            "Content-Transfer-Encoding: base64",
            body=b64encode(b"hello!!") + b"\r\n____\r\nThe list",
        ),
        {"content": "hello!!"},
    ),
    (
        "control characters",
        mail(LINDA, body=b" a\0b\tc\x1b[0m\x7fd \r\n"),
        {"content": "ab\tc[0md"},
    ),
    ("decomposed", mail(LINDA, body="cafe\u0301"), {"content": "café"}),
    (
        "plain and HTML",
        multipart("alternative", HTML, PLAIN),
        {"content": "In plain wörds"},
    ),
    (
        "blank plain and HTML",
        multipart("alternative", mail("Content-Type: text/plain", body=" \r\n"), HTML),
        {"content": "In HTML"},
    ),
    ("HTML only", mail(LINDA, "Content-Type: text/html", body="<p>Hi</p>"), {"content": "Hi"}),
    (
        "HTML laid out",
        mail(
            LINDA,
            "Content-Type: text/html",
            body="<html><head><title>T</title><style>p {x}</style></head><body><!-- c -->"
            "<div style='display: none'>hidden</div><p>One<br>two &amp;lt; &euro;</p>"
            "<script>alert(1)</script><ul><li>a<li>b</ul>"
            "<table><tr><td>c</td><td>d</td></tr><tr><td>e</td></tr></table>",
        ),
        {"content": "One\ntwo &lt; €\n\n* a\n* b\nc d\ne"},
    ),
    (
        "HTML that names its charset itself",
        mail(
            LINDA,
            "Content-Type: text/html",
            body=b'<?xml version="1.0" encoding="utf-16"?><meta charset="koi8-r">'
            + "<p>Да".encode("koi8-r"),
        ),
        {"content": "Да"},
    ),
    (
        "HTML with its pictures, plain beside it",
        multipart("alternative", PLAIN, multipart("related", HTML, PICTURE, headers=())),
        {"content": "In plain wörds"},
    ),
    (
        "files attached",
        multipart("mixed", NOTES_FILE, PICTURE, PLAIN, NOTES_FILE),
        {"content": "In plain wörds"},
    ),
    (
        "mail attached",
        multipart("mixed", FORWARDED, PLAIN),
        {"content": "In plain wörds", "subject": "", "email": "linda@example.com"},
    ),
    (
        "text around a picture",
        multipart("mixed", PLAIN, PICTURE, mail(body="Below")),
        {"content": "In plain wörds\n\nBelow"},
    ),
    (
        "the same in plain and in HTML, as if different",
        multipart("mixed", mail(body="In HTML"), HTML),
        {"content": "In HTML"},
    ),
    (
        "parts nested",
        multipart("mixed", multipart("alternative", HTML, PLAIN, headers=()), PICTURE),
        {"content": "In plain wörds"},
    ),
    (
        "cut off within a part",
        multipart("mixed", PLAIN, PICTURE)[:-150],
        {"content": "In plain wörds"},
    ),
    (
        "boundary never closed",
        multipart("mixed", PLAIN).partition(b"--=_mixed_1--")[0],
        {"content": "In plain wörds"},
    ),
    (
        "boundary not given",
        multipart("mixed", PLAIN, PICTURE).replace(b'boundary="=_mixed_1"', b""),
        {"content": "In plain wörds"},
    ),
    (
        "boundary in the form of RFC 2231",
        multipart("mixed", PLAIN).replace(
            b'boundary="=_mixed_1"', b"boundary*0==_mix; boundary*1=ed_1"
        ),
        {"content": "In plain wörds"},
    ),
    (
        "multipart in name only",
        mail(LINDA, "Content-Type: multipart/mixed; boundary=x", body="Just text"),
        {"content": "Just text"},
    ),
    ("content type that is none", mail(LINDA, "Content-Type: text"), {"content": "Hello"}),
    ("only a picture", mail(LINDA, "Content-Type: image/png", body="\x89PNG"), {"content": ""}),
]

AUTOMATIC: list[tuple[str, bytes, dict[str, Any]]] = [
    (
        "bounce",
        multipart(
            "report",
            mail(body="It could not be delivered."),
            mail("Content-Type: message/delivery-status", body="Action: failed"),
            mail("Content-Type: text/rfc822-headers", body="Subject: Original"),
            headers=("From: MAILER-DAEMON@mail.example.com",),
        ),
        {
            "email": "mailer-daemon@mail.example.com",
            "content": "It could not be delivered.",
            "is_automatic": True,
        },
    ),
    (
        "empty return path",
        mail("Return-Path: <>", "From: postmaster@example.com"),
        {"is_automatic": True},
    ),
    ("daemon", mail("From: Mail Delivery <MAILER-DAEMON@example.com>"), {"is_automatic": True}),
    (
        "out of office",
        mail(LINDA, "Auto-Submitted: auto-replied (vacation)"),
        {"is_automatic": True},
    ),
    ("older out of office", mail(LINDA, "Precedence: auto_reply"), {"is_automatic": True}),
    ("another way to say so", mail(LINDA, "X-Autoreply: yes"), {"is_automatic": True}),
    ("sent by a person", mail(LINDA, "Auto-Submitted: No; x=y"), {"is_automatic": False}),
    ("mailing list", mail(LINDA, "Precedence: list"), {"is_automatic": False}),
    ("newsletter", mail(LINDA, "Precedence: bulk"), {"is_automatic": False}),
    ("wants no answer", mail(LINDA, "X-Auto-Response-Suppress: All"), {"is_automatic": False}),
]

MAILS = [*SENDERS, *HEADERS, *BODIES, *AUTOMATIC]

WITHOUT_SENDER = [
    ("nothing", b""),
    ("white space", b" \r\n\r\n"),
    ("text", b"Hello"),
    ("no headers of use", mail("Subject: Hello", "To: help@ours.example")),
    ("only a name", mail("From: Linda Olsen", "Reply-To: MAILER-DAEMON", "Sender: <>")),
    ("bounce from nobody", mail("Return-Path: <>", "From: <>", "Auto-Submitted: auto-replied")),
    ("addresses of this machine", mail("From: root@localhost", "Sender: www-data@[127.0.0.1]")),
]
