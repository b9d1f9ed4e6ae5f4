"""Samples of From, Sender, Reply-To and Cc."""

from tests.conversations.mails import LINDA, mail, sample, word

SENDERS = [
    sample(
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
        channel="email",
        email="linda@example.com",
        display_name="Linda Olsen",
        names=("Linda", "Olsen", False),
        cc=["bob@example.com", "ann@example.com"],
        cc_names=["Smith, Bob", "Ann Lee"],
        subject="My order",
        content="Where is it?\n\nLinda",
        message_id="a1@example.com",
        in_reply_to="b2@ours.example",
        references=("c3@ours.example", "b2@ours.example"),
        origin="person",
    ),
    sample(
        "address alone",
        mail("From: linda.olsen@example.com"),
        display_name="",
        names=("Linda", "Olsen", True),
    ),
    sample(
        "address as its own name",
        mail("From: \"'linda.olsen@example.com'\" <linda.olsen@example.com>"),
        names=("Linda", "Olsen", True),
    ),
    sample(
        "encoded last name first, comma within the word",
        mail("From: =?utf-8?Q?Ols=C3=A9n, Linda?= <linda@example.com>"),
        email="linda@example.com",
        names=("Linda", "Olsén", False),
    ),
    sample(
        "encoded within quotes",
        mail('From: "=?utf-8?Q?Ols=C3=A9n=2C_Linda?=" <linda@example.com>'),
        names=("Linda", "Olsén", False),
    ),
    sample(
        "character cut between two words",
        mail(
            f"From: {word('utf-8', '王小'.encode()[:4])}\r\n {word('UTF-8', '王小'.encode()[4:])} "
            "<wang@example.com>"
        ),
        display_name="王小",
    ),
    sample(
        "words without white space around them",
        mail("From: Dr=?utf-8?q?_L=C3=A9a?==?iso-8859-1?q?_Ol=E9?=<lea@example.com>"),
        display_name="Dr Léa Olé",
    ),
    sample(
        "unknown charset",
        mail("From: =?x-nowhere?Q?L=C3=A9a?= <lea@example.com>"),
        display_name="Léa",
    ),
    sample(
        "charset that lies", mail("From: =?utf-8?Q?L=E9a?= <lea@example.com>"), display_name="Léa"
    ),
    sample(
        "charset with a language",
        mail("From: =?utf-8*fr?Q?L=C3=A9a?= <lea@example.com>"),
        display_name="Léa",
    ),
    sample(
        "Japanese in seven bits",
        mail(f"From: {word('iso-2022-jp', '田中 太郎'.encode('iso-2022-jp'))} <t@example.com>"),
        display_name="田中 太郎",
        names=("太郎", "田中", False),
    ),
    sample(
        "whole mailbox encoded",
        mail("From: =?utf-8?Q?L=C3=A9a_Olsen_<lea=40example.com>?="),
        email="lea@example.com",
        display_name="Léa Olsen",
    ),
    sample("raw UTF-8", mail("From: Léa Olsén <lea@example.com>"), display_name="Léa Olsén"),
    sample(
        "raw Latin-1", mail(b"From: L\xe9a Ols\xe9n <lea@example.com>"), display_name="Léa Olsén"
    ),
    sample(
        "raw Cyrillic in the charset of the body",
        mail(
            "From: Анна <anna@example.com>".encode("koi8-r"),
            "Content-Type: text/plain; charset=koi8-r",
            body="Привет".encode("koi8-r"),
        ),
        display_name="Анна",
        content="Привет",
    ),
    sample(
        "international address",
        mail("From: Jörg <jörg@bücher.example>"),
        email="jörg@bücher.example",
    ),
    sample(
        "punycode domain", mail("From: joerg@xn--bcher-kva.example"), email="joerg@bücher.example"
    ),
    sample(
        "folded within the name, tabs",
        mail("From: Linda\r\n\tvan der\r\n  Olsen\r\n\t<linda@example.com>"),
        names=("Linda", "van der Olsen", False),
    ),
    sample(
        "comments nested",
        mail("From: (a (b) c) linda@example.com (Linda (Lin) Olsen)"),
        email="linda@example.com",
    ),
    sample(
        "quote never closed",
        mail('From: "Linda Olsen <linda@example.com>'),
        email="linda@example.com",
    ),
    sample(
        "bracket never closed",
        mail("From: Linda Olsen <linda@example.com"),
        email="linda@example.com",
        display_name="Linda Olsen",
    ),
    sample(
        "no brackets at all",
        mail("From: Linda Olsen linda@example.com"),
        email="linda@example.com",
        display_name="Linda Olsen",
    ),
    sample(
        "white space and mailto within the brackets",
        mail("From: Linda < mailto:linda @ example . com >"),
        email="linda@example.com",
    ),
    sample(
        "NUL and other control characters",
        mail(b"From: Lin\0da \x1b[1mOlsen <linda@exa\0mple.com>"),
        email="linda@example.com",
        display_name="Linda [1mOlsen",
    ),
    sample(
        "several authors",
        mail("From: root@localhost, Ann <ann@example.com>, Bob <bob@example.com>"),
        email="ann@example.com",
        display_name="Ann",
    ),
    sample(
        "several authors, one of whom sent it",
        mail("From: Ann <ann@example.com>, Bob <bob@example.com>", "Sender: bob@example.com"),
        email="bob@example.com",
        display_name="Bob",
    ),
    sample(
        "a secretary is not the author",
        mail("From: Ann <ann@example.com>", "Sender: bob@example.com"),
        email="ann@example.com",
    ),
    sample(
        "group as author",
        mail("From: Team: Ann <ann@example.com>, b@example.com;"),
        email="ann@example.com",
        display_name="Ann",
    ),
    sample(
        "no author, a sender",
        mail("Sender: Bob <bob@example.com>", "Reply-To: c@example.com"),
        email="bob@example.com",
        display_name="Bob",
    ),
    sample(
        "author on this machine, a reply address",
        mail("From: root@localhost", "Reply-To: Bob <bob@example.com>"),
        email="bob@example.com",
    ),
    sample(
        "only a return path",
        mail("Return-Path: <bob@example.com>", "From: undisclosed-recipients:;"),
        email="bob@example.com",
        origin="person",
    ),
    sample(
        "quoted local part that is another's address",
        mail('From: "linda@example.com"@example.net', "Sender: Jo <jo@example.com>"),
        email='"linda@example.com"@example.net',
    ),
    sample(
        "the same in angle brackets",
        mail('From: X <"linda@example.com"@example.net>', "Sender: Jo <jo@example.com>"),
        email='"linda@example.com"@example.net',
    ),
    sample(
        "quoted local part that ends like another's",
        mail('From: "x linda"@example.com', "Sender: Jo <jo@example.com>"),
        email='"x linda"@example.com',
        names=("X", "Linda", True),
    ),
    sample(
        "needless quotes", mail('From: Taro <"taro.y"@example.com>'), email="taro.y@example.com"
    ),
    sample(
        "two addresses for one name",
        mail("From: <linda@example.com> <jo@example.net>", "Sender: Bo <bo@example.com>"),
        email="jo@example.net",
    ),
    sample(
        "two addresses without brackets",
        mail("From: linda@example.com jo@example.net", "Reply-To: Bo <bo@example.com>"),
        email="bo@example.com",
    ),
    sample(
        "an address in the name, with a comma",
        mail("From: linda@victim.example, Support <agent@firm.example>"),
        email="agent@firm.example",
        names=("Support", "", False),
    ),
    sample(
        "unusable address in brackets, another in the name",
        mail('From: "linda@victim.example" <root@localhost>', "Sender: Jo <jo@example.com>"),
        email="jo@example.com",
    ),
    sample(
        "people copied in, behind a quote never closed",
        mail(LINDA, 'Cc: "Bob <bob@example.com>, Ann <ann@example.com>'),
        cc=["ann@example.com", "bob@example.com"],
    ),
    sample(
        "people copied in, with unquoted commas",
        mail(
            LINDA, "Cc: Smith, Bob <bob@example.com>, root, ann@example.com, Lee, Jo <jo@x.example>"
        ),
        cc=["bob@example.com", "jo@x.example", "ann@example.com"],
        cc_names=["Smith, Bob", "Lee, Jo", ""],
    ),
    sample(
        "comments everywhere",
        mail(
            r"From: Pete(A nice \) chap) <pete(his account)@silly.example(his host)>",
            "Cc: A Group(Some people)\r\n :Chris Jones <c@(Chris's host.)public.example>,\r\n"
            "  joe@example.org, John <jdoe@one.example> (my dear friend); (the end of the group)",
        ),
        email="pete@silly.example",
        names=("Pete", "", False),
        cc=["c@public.example", "jdoe@one.example", "joe@example.org"],
    ),
    sample(
        "several ids answered",
        mail(LINDA, "In-Reply-To: <a@x> <b@x> <c@x>", "References: <r@x>"),
        in_reply_to="a@x",
        references=("r@x", "c@x", "b@x"),
    ),
    sample(
        "author's address too long",
        mail(f"From: {'a' * 300}@example.com", "Reply-To: bob@example.com"),
        email="bob@example.com",
    ),
    sample(
        "two From headers", mail("From: nobody", "From: bob@example.com"), email="bob@example.com"
    ),
    sample(
        "name too long",
        mail(f"From: {'x' * 200} {'y' * 200} <linda@example.com>"),
        names=("x" * 140, "y" * 80, False),
    ),
    sample(
        "copied in twice, in a group, and the sender",
        mail(
            LINDA,
            "To: help@ours.example",
            "Cc: Team: Bob <bob@example.com>, BOB@example.com; , linda@example.com, root@localhost",
            "cc: ann@example.com; undisclosed-recipients:;",
        ),
        cc=["bob@example.com", "ann@example.com"],
    ),
]

# What follows `From: `, the address, and the names: guessed, where the third is True.
FROM_VALUES = [
    # addresses that servers use
    ("john@abc_d.example", "john@abc_d.example", ("John", "", True)),
    ("a..b@docomo.example", "a..b@docomo.example", ("A", "B", True)),
    ("Yuki <xy.@docomo.example>", "xy.@docomo.example", ("Yuki", "", False)),
    ('"aaa..b"@docomo.example', "aaa..b@docomo.example", ("Aaa", "B", True)),
    ('"#FAX#*49"@fax.example', "#fax#*49@fax.example", ("Fax", "", True)),
    ('Fax <"#FAX#*49"@fax.example>', "#fax#*49@fax.example", ("Fax", "", False)),
    (".linda@x.example", ".linda@x.example", ("Linda", "", True)),
    ("Linda <.linda@x.example>", ".linda@x.example", ("Linda", "", False)),
    ("Linda <linda@x.example.>", "linda@x.example", ("Linda", "", False)),
    ("Linda <\u200blinda@x.example\u202c>", "linda@x.example", ("Linda", "", False)),
    ("Linda <@relay.example:linda@x.example>", "linda@x.example", ("Linda", "", False)),
    ("Linda <@a.example,@b.example:linda@x.example>", "linda@x.example", ("Linda", "", False)),
    # comments
    ("Linda Olsen (linda@example.com)", "linda@example.com", ("Linda", "Olsen", False)),
    ("pete(his account)@example.com", "pete@example.com", ("Pete", "", True)),
    ("linda@example.com (Linda (Lin) Olsen)", "linda@example.com", ("Linda", "Olsen", False)),
    # broken
    (
        "Support (re: jo@cust.example <agent@firm.example>",
        "agent@firm.example",
        ("Support", "", False),
    ),
    (
        '"Linda linda@victim.example <mallory@evil.example>',
        "mallory@evil.example",
        ("Linda", "", False),
    ),
    ('Linda "Olsen <linda@x.example>', "linda@x.example", ("Linda", "Olsen", False)),
    ('"Linda Olsen <linda@x.example>"', "linda@x.example", ("Linda", "Olsen", False)),
    ("Some One <<a@b.example>>", "a@b.example", ("Some", "One", False)),
    ("Some One <<a@b.example>", "a@b.example", ("Some", "One", False)),
    ("Some One<a@b.example>.", "a@b.example", ("Some", "One", False)),
    ("Some One <some> <a@b.example>", "a@b.example", ("Some", "One", False)),
    (r"\"Linda Olsen\" <linda@x.example>", "linda@x.example", ("Linda", "Olsen", False)),
    ("Linda :-) <linda@x.example>", "linda@x.example", ("Linda", "", False)),
    ("Linda :-( <linda@x.example>", "linda@x.example", ("Linda", "", False)),
    ("mailto:linda@x.example", "linda@x.example", ("Linda", "", True)),
    ("Linda [mailto:linda@x.example]", "linda@x.example", ("Linda", "", False)),
    # names
    ("Olsen, Linda <linda@x.example>", "linda@x.example", ("Linda", "Olsen", False)),
    ('"Olsen, Linda" <linda@x.example>', "linda@x.example", ("Linda", "Olsen", False)),
    ('"Olsen", Linda <linda@x.example>', "linda@x.example", ("Linda", "Olsen", False)),
    ("Joe Foo, PhD <joe@x.example>", "joe@x.example", ("Joe", "Foo, PhD", False)),
    ("Foo, Joe, PhD <joe@x.example>", "joe@x.example", ("Joe", "Foo, PhD", False)),
    ('ООО "Ромашка" <a@b.example>', "a@b.example", ("ООО", "Ромашка", False)),
    ('"+61 412 345 678" <jo.meyer@x.example>', "jo.meyer@x.example", ("Jo", "Meyer", True)),
    ("Günther John | Example GmbH <g@x.example>", "g@x.example", ("Günther", "John", False)),
    ("Linda Olsen [External] <linda@x.example>", "linda@x.example", ("Linda", "Olsen", False)),
    (
        "=?utf-8?Q?=3D=3Futf-8=3FQ=3FL=3DC3=3DA9a=5FOlsen=3F=3D?= <lea@x.example>",
        "lea@x.example",
        ("Léa", "Olsen", False),
    ),
    (
        f"{word('utf-8', word('utf-8', 'Léa Olsen'.encode()).encode())} <lea@x.example>",
        "lea@x.example",
        ("Léa", "Olsen", False),
    ),
]
SENDERS += [
    sample(value, mail(f"From: {value}"), email=email, names=names)
    for value, email, names in FROM_VALUES
]

WITHOUT_SENDER = [
    ("nothing", b""),
    ("white space", b" \r\n\r\n"),
    ("text", b"Hello"),
    ("no headers of use", mail("Subject: Hello", "To: help@ours.example")),
    ("only a name", mail("From: Linda Olsen", "Reply-To: MAILER-DAEMON", "Sender: <>")),
    ("bounce from nobody", mail("Return-Path: <>", "From: <>", "Auto-Submitted: auto-replied")),
    ("addresses of this machine", mail("From: root@localhost", "Sender: www-data@[127.0.0.1]")),
]
