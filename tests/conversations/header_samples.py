"""Samples of the other headers, and of mails that a machine sent."""

import hashlib

from tests.conversations.mails import (
    LINDA,
    mail,
    multipart,
    sample,
    word,
)

HEADERS = [
    sample(
        "everything missing but the author",
        b"From: linda@example.com",
        **{"subject": "", "content": "", "message_id": None, "in_reply_to": None},
        **{"references": (), "received_at": None, "origin": "person", "cc": []},
    ),
    sample(
        "subject folded, encoded and plain",
        mail(LINDA, "Subject: Re:\r\n =?utf-8?Q?=C3=9Cber?=\r\n =?utf-8?Q?_uns?=\r\n\tand more"),
        subject="Re: Über uns and more",
    ),
    sample(
        "subject in damaged base64",
        mail(LINDA, "Subject: =?utf-8?B?w5xi*ZXI?= it"),
        subject="Über it",
    ),
    sample(
        "subject cut within its word",
        mail(LINDA, "Subject: =?utf-8?Q?=C3=9Cber_al"),
        subject="Über al",
    ),
    sample(
        "question mark within the word",
        mail(LINDA, "Subject: =?utf-8?Q?H=C3=B6w are you??="),
        subject="Höw are you?",
    ),
    sample(
        "line break within the word",
        mail(LINDA, "Subject: =?utf-8?Q?one=0D=0ABcc:_x=00y?="),
        subject="one Bcc: xy",
    ),
    sample(
        "GBK that is called GB2312",
        mail(LINDA, f"Subject: {word('gb2312', '朱镕基'.encode('gbk'))}"),
        subject="朱镕基",
    ),
    sample("subject too long", mail(LINDA, f"Subject: {'x' * 2000}"), subject="x" * 998),
    sample("space before the colon", mail(LINDA, "Subject : Hello"), subject="Hello"),
    sample(
        "ids with white space, comments and no brackets",
        mail(
            LINDA,
            "Message-ID: <a1@exam\r\n ple.com> (added by us)",
            "In-Reply-To: b2@ours.example",
            "References: c3@ours.example,d4@ours.example e5@ours.example",
        ),
        message_id="a1@example.com",
        in_reply_to="b2@ours.example",
        references=("c3@ours.example", "d4@ours.example", "e5@ours.example"),
    ),
    sample(
        "reply to a mail in words",
        mail(LINDA, "In-Reply-To: Your message of Tuesday <b2@ours.example>"),
        in_reply_to="b2@ours.example",
    ),
    sample("no id but words", mail(LINDA, "In-Reply-To: Your message"), in_reply_to=None),
    sample("id without a domain", mail(LINDA, "Message-ID: a1"), message_id="a1"),
    sample("empty id", mail(LINDA, "Message-ID: <>"), message_id=None),
    sample(
        "id too long",
        mail(LINDA, f"Message-ID: <{'x' * 2000}>"),
        message_id=hashlib.sha256(b"x" * 2000).hexdigest(),
    ),
    sample(
        "more references than are kept",
        mail(LINDA, "References: " + "\r\n ".join(f"<{n}@x.example>" for n in range(10_000))),
        references=tuple(f"{n}@x.example" for n in range(9000, 10_000)),
    ),
    sample("date of long ago", mail(LINDA, "Date: 3 Jan 1999 10:11:12 +0000"), received_at=None),
    sample(
        "line that is no header among them",
        mail("Subject: Hello", "no header this", LINDA),
        subject="Hello",
        email="linda@example.com",
        content="Hello",
    ),
    sample(
        "no blank line before the body",
        mail(LINDA, "Subject: Hello", "Dear all,", body="Bye"),
        content="Dear all,\n\nBye",
    ),
    sample(
        "mbox",
        b"From linda@example.com Wed May 13 23:47:44 2026\n" + mail(LINDA),
        display_name="Linda Olsen",
        content="Hello",
    ),
    sample("byte order mark in front", b"\xef\xbb\xbf" + mail(LINDA), content="Hello"),
    sample("blank lines in front", b"\r\n\n\r\n" + mail(LINDA), content="Hello"),
    sample("LF only", mail(LINDA, body="One\r\nTwo").replace(b"\r\n", b"\n"), content="One\nTwo"),
    sample("CR only", mail(LINDA, body="One\r\nTwo").replace(b"\r\n", b"\r"), content="One\nTwo"),
    sample(
        "CR CR LF", mail(LINDA, body="One\r\nTwo").replace(b"\r\n", b"\r\r\n"), content="One\nTwo"
    ),
    sample(
        "line ends mixed",
        mail(LINDA + "\nSubject: Hi\rX: y", body="One\nTwo\rThree\r\nFour"),
        subject="Hi",
        content="One\nTwo\nThree\nFour",
    ),
]

AUTOMATIC = [
    sample(
        "bounce",
        multipart(
            "report",
            mail(body="It could not be delivered."),
            mail("Content-Type: message/delivery-status", body="Action: failed"),
            mail("Content-Type: text/rfc822-headers", body="Subject: Original"),
            headers=("From: MAILER-DAEMON@mail.example.com",),
        ),
        email="mailer-daemon@mail.example.com",
        content="It could not be delivered.",
        origin="bounce",
    ),
    sample(
        "empty return path",
        mail("Return-Path: <>", "From: bounces@example.com"),
        origin="bounce",
    ),
    sample("daemon", mail("From: Mail Delivery <MAILER-DAEMON@example.com>"), origin="bounce"),
    sample("postmaster", mail("From: Postmaster <postmaster@example.com>"), origin="bounce"),
    sample(
        "Exchange",
        mail("From: Microsoft Outlook <MicrosoftExchange329e71ec88ae4615@example.com>"),
        origin="bounce",
    ),
    sample(
        "receipt",
        mail(LINDA, "Content-Type: multipart/report; report-type=disposition-notification"),
        origin="automatic answer",
    ),
    sample(
        "bounce that calls itself an answer",
        mail(
            "From: MAILER-DAEMON@example.com",
            "Auto-Submitted: auto-replied",
            "Content-Type: multipart/report; report-type=delivery-status",
        ),
        origin="bounce",
    ),
    sample("written by a rule", mail(LINDA, "Auto-Submitted: auto-generated"), origin="person"),
    *(
        sample(f"answers: {header}", mail(LINDA, header), origin="automatic answer")
        for header in (
            "Auto-Submitted: auto-notified",
            "X-Autorespond: Away",
            "X-Autoresponder: 1",
            "X-AutoReply-From: x@y.example",
            "X-Mail-Autoreply: yes",
            "Preference: auto_reply",
            "Delivered-To: Autoresponder",
            "X-FC-MachineGenerated: true",
            "X-POST-MessageClass: 9; Autoresponder",
        )
    ),
    sample(
        "out of office",
        mail(LINDA, "Auto-Submitted: auto-replied (vacation)"),
        origin="automatic answer",
    ),
    sample("older out of office", mail(LINDA, "Precedence: auto_reply"), origin="automatic answer"),
    sample("another way to say so", mail(LINDA, "X-Autoreply: yes"), origin="automatic answer"),
    sample("sent by a person", mail(LINDA, "Auto-Submitted: No; x=y"), origin="person"),
    sample("mailing list", mail(LINDA, "Precedence: list"), origin="person"),
    sample("newsletter", mail(LINDA, "Precedence: bulk"), origin="person"),
    sample("wants no answer", mail(LINDA, "X-Auto-Response-Suppress: All"), origin="person"),
]
