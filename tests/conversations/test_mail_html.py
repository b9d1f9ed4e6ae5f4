"""How HTML in mails is read: as a browser lays it out, without what is hidden."""

import time
from collections.abc import Callable

import pytest

from contacts_service.conversations.mail.parser import parse_mail
from tests.conversations.mails import LINDA, mail


def text_of(markup: str) -> str:
    raw = mail(LINDA, "Content-Type: text/html; charset=utf-8", body=markup)
    return parse_mail(raw).content


@pytest.mark.parametrize(
    ("markup", "content"),
    [
        (
            "<html><body>CAUTION</body></html><html><body><p>My text</p></body></html>",
            "CAUTION\n\nMy text",
        ),
        ("<html><body>a</body></html>b", "a\nb"),
        ("<div>a</div><div><br></div><div>b</div>", "a\n\nb"),
        ("<div>a<br></div>b", "a\nb"),
        ("<div>a</div><div>&nbsp;</div><div>b</div>", "a\n\nb"),
        ("a<br><br><br><br>b", "a\n\nb"),
        ("<p>a\n b</p>\n\n<p>c</p>", "a b\n\nc"),
        ("<pre>a\n  b</pre>c", "a\n  b\nc"),
        ("<div style='white-space: pre-wrap'>a\n b</div>", "a\n b"),
        ("<ol><li>a<li><p>b</p></ol>", "1. a\n2. b"),
        ("1 < 2 and <3", "1 < 2 and <3"),
        ("&amp;lt; &eacute; &#128; &euro;", "&lt; é € €"),
        ("<a title='>'>x</a><!-- y --!>z", "xz"),
        ("<![endif]><!--[if mso]>a<![endif]--><![if !mso]>b<![endif]>", "b"),
        ("<script>'<p>'</script><style>a</style><template>b</template>c", "c"),
        ("\u3000字下げ", "字下げ"),
        ("x\u3000字", "x\u3000字"),
    ],
)
def test_html_is_laid_out(markup: str, content: str) -> None:
    assert text_of(markup).strip() == content


@pytest.mark.parametrize(
    "hidden",
    [
        *("<p hidden>x</p>", "<p style='display:none'>x</p>", "<p style='DISPLAY: None'>x</p>"),
        *("<p style='display:none !important'>x</p>", "<b style='visibility: hidden'>x</b>"),
        *("<span style='font-size:0'>x</span>", "<span style='font-size:0.0px'>x</span>"),
        *("<p style='color:red;mso-hide:all'>x</p>", "<div hidden><p>x</p><b>x</b></div>"),
    ],
)
def test_hidden_text_is_left_out(hidden: str) -> None:
    assert text_of(f"{hidden}<div>seen</div>") == "seen"


@pytest.mark.parametrize(
    "markup",
    [
        "<div style='font-size:0'><p style='font-size:13px'>seen</p></div>",
        "<div style='visibility:hidden'>x<p style='visibility:visible'>seen</p></div>",
        "<p style='font-size:0.9em'>seen</p>",
        "<p style='display:none;display:block'>seen</p>",
    ],
)
def test_text_that_is_made_visible_again_is_shown(markup: str) -> None:
    assert text_of(markup) == "seen"


@pytest.mark.parametrize(
    ("markup", "content"),
    [
        ("<p style='display:none'>all</p>", "all"),
        ("<linda@example.com>", "<linda@example.com>"),
        ("<!-- never closed", "<!-- never closed"),
        ("<p><img src=x></p>", ""),
    ],
)
def test_what_a_browser_does_not_show_is_shown_where_nothing_else_is(
    markup: str, content: str
) -> None:
    assert text_of(markup) == content


@pytest.mark.parametrize(
    "front",
    [
        "<div style='color:red'></div>" * 15_000,
        f"<style>{'p{}' * 200_000}</style>",
        f"<!--{'x' * 900_000}-->",
        f"<img src='data:image/png;base64,{'A' * 3_000_000}'>",
        "<div>" * 3000,
    ],
    ids=["elements", "style", "comment", "picture", "depth"],
)
def test_text_behind_much_markup_is_found(front: str) -> None:
    assert text_of(f"{front}<p>Here") == "Here"


HOSTILE: dict[str, Callable[[], str]] = {
    "forms": lambda: "<form><div></form>" * 120_000,
    "links": lambda: "<a><b>" * 350_000,
    "unclosed and paragraphs": lambda: "<b><p>" * 350_000,
    "end tags in depth": lambda: "<span>" * 500 + "</p>" * 500_000,
    "end tags in great depth": lambda: "<span>" * 150_000 + "</i>" * 250_000,
    "attributes": lambda: "<p " + " ".join(f"a{n}=x" for n in range(200_000)),
    "attributes of the body": lambda: "".join(f"<body a{n}=x>" for n in range(100_000)),
    "brackets": lambda: "<" * 2_000_000,
    "comments": lambda: "<!--" * 500_000,
    "styles": lambda: f"<p style='{'display:block;' * 100_000}'>x",
    "lists": lambda: "<ul><li>" * 250_000,
}


@pytest.mark.parametrize("make", HOSTILE.values(), ids=HOSTILE)
def test_hostile_html_takes_bounded_time(make: Callable[[], str]) -> None:
    markup = make()
    start = time.process_time()
    text_of(markup)
    assert time.process_time() - start < 10  # at most 3 on an idle machine
