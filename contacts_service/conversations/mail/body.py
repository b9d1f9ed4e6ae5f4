"""Finds the parts of a mail that a person reads, and makes plain text of them.

Attachments are skipped. The depth and number of parts and the length of HTML are limited, so that
a hostile mail costs little more than a long one.
"""

import binascii
import html
import re
from collections.abc import Iterator
from dataclasses import dataclass

import lxml.etree
import lxml.html
from inscriptis.css_profiles import STRICT_CSS_PROFILE
from inscriptis.html_engine import Inscriptis
from inscriptis.html_properties import Display
from inscriptis.model.config import ParserConfig
from inscriptis.model.html_document_state import HtmlDocumentState
from inscriptis.model.html_element import HtmlElement
from inscriptis.model.tag import CustomHtmlTagHandlerMapping

from contacts_service.conversations.mail import charsets
from contacts_service.conversations.mail.headers import Headers, decode_base64, read_headers
from contacts_service.limits import CONTENT_LENGTH

DEPTH_LIMIT = 20
PARTS_LIMIT = 1000
HTML_LENGTH = 300_000
ENCODED_LENGTH = 13 * CONTENT_LENGTH  # room for four bytes a character, each as =XX, and line ends

_unseen = re.compile(
    r"<(style|script|title)\b.*?(?:</\1[^>]*>?|\Z)|<!--.*?(?:-->|\Z)|<\?xml[^>]*>", re.I | re.S
)
_inline_data = re.compile(r"data:[a-z]+/[^\"'\s>]{200,}", re.IGNORECASE)
_display_none = re.compile(r"display\s*:\s*none", re.IGNORECASE)
_meta_charset = re.compile(rb"<meta[^>]{1,200}charset=[\"']?([\w.:-]{1,40})", re.IGNORECASE)
_likely_boundary = re.compile(rb"^--([^\s]{1,70})[ \t]*\n(?=content-)", re.I | re.M)


@dataclass
class _Budget:
    """What is left of the limits for one mail."""

    parts: int = PARTS_LIMIT
    html: int = HTML_LENGTH


@dataclass(frozen=True, slots=True)
class _Part:
    """A mail or one of its parts. Its body lies between the offsets `start` and `end`."""

    headers: Headers
    mail: bytes
    start: int
    end: int

    @property
    def is_attachment(self) -> bool:
        headers = self.headers
        disposition = headers.first("content-disposition").lower()
        return disposition.startswith("attachment") or bool(
            headers.parameter("filename", "content-disposition") or headers.parameter("name")
        )


def plain_text(headers: Headers, mail: bytes, start: int) -> str:
    """Read the text of a mail whose body begins at `start`. Returns "" if it has none."""
    return _text(_Part(headers, mail, start, len(mail)), 0, _Budget())


def _text(part: _Part, depth: int, budget: _Budget) -> str:
    kind = part.headers.content_type
    if kind.startswith("multipart/"):
        if depth == DEPTH_LIMIT:
            return ""
        children = list(_children(part, budget))
        if not children:
            return _decode_part(part) if budget.parts else ""
        if kind == "multipart/alternative":
            children.sort(key=lambda child: child.headers.content_type != "text/plain")
        texts = (_text(child, depth + 1, budget) for child in children)
        if kind == "multipart/alternative":
            return next(filter(str.strip, texts), "")
        return _join_distinct(texts)
    if part.is_attachment:
        return ""
    if kind == "text/html":
        return _plain_html(_decode_part(part), budget)
    return _decode_part(part) if kind == "text/plain" else ""


def _join_distinct(texts: Iterator[str]) -> str:
    """Join texts with blank lines. Skips repeated ones, such as an HTML version of plain text."""
    kept: list[str] = []
    seen: set[str] = set()
    length = 0
    for text in texts:
        words = " ".join(text.split())
        if words and words not in seen:
            kept.append(text.strip())
            seen.add(words)
            length += len(text)
        if length > CONTENT_LENGTH:
            break
    return "\n\n".join(kept)


def _children(part: _Part, budget: _Budget) -> Iterator[_Part]:
    """Yield the parts of a multipart. There are none if its boundary is not found."""
    boundary = part.headers.parameter("boundary").strip().encode("latin-1", "replace")
    delimiters = list(_delimiters(part, boundary, budget)) if boundary else []
    if not delimiters and (guess := _likely_boundary.search(part.mail, part.start, part.end)):
        delimiters = list(_delimiters(part, guess[1], budget))
    starts = [end for _, end, is_closing in delimiters if not is_closing]
    ends = [start for start, _, _ in delimiters[1:]] + [part.end] * bool(budget.parts)
    for start, end in zip(starts, ends, strict=False):
        headers, body = read_headers(part.mail, start, end)
        yield _Part(headers, part.mail, body, end)


def _delimiters(part: _Part, boundary: bytes, budget: _Budget) -> Iterator[tuple[int, int, bool]]:
    """Yield where each delimiter line starts and ends, and whether it is the closing one."""
    marker = b"--" + boundary
    position = part.start
    while budget.parts and (start := part.mail.find(marker, position, part.end)) >= 0:
        budget.parts -= 1
        position = start + len(marker)
        end = part.mail.find(b"\n", position, part.end)
        end = part.end if end < 0 else end
        rest = part.mail[position : min(end, position + 100)].strip()
        if rest in (b"", b"--") and part.mail[start - 1 : start] in (b"", b"\n"):
            yield start, min(end + 1, part.end), bool(rest)
            if rest:
                return


def _decode_part(part: _Part) -> str:
    encoded = part.mail[part.start : min(part.end, part.start + ENCODED_LENGTH)]
    encoding = part.headers.first("content-transfer-encoding").lower()
    if encoding.startswith("quoted-printable"):
        encoded = binascii.a2b_qp(encoded)
    elif encoding.startswith("base64"):
        encoded = decode_base64(encoded)
    charset = part.headers.charset
    if not charset and (meta := _meta_charset.search(encoded, 0, 2000)):
        charset = meta[1].decode("latin-1")
    return charsets.decode(encoded, charset)


def _plain_html(markup: str, budget: _Budget) -> str:
    markup = _inline_data.sub("", _unseen.sub(" ", markup))[: budget.html]
    budget.html -= len(markup)
    try:
        lines = _render(markup).split("\n")
    except (LookupError, RecursionError, ValueError, lxml.etree.LxmlError):
        lines = html.unescape(re.sub(r"<[^<>]*>", " ", markup)).split("\n")
    return re.sub(r"\n{3,}", "\n\n", "\n".join(" ".join(line.split()) for line in lines)).strip()


def _render(markup: str) -> str:
    """Render HTML as text, with the line breaks of a browser.

    Tables and indents are turned off, because Inscriptis pads them with spaces without a limit. It
    stores its canvas in the layout, so each mail needs its own. It also resolves character
    references a second time, so `&amp;` is escaped twice.
    """
    parser = lxml.html.HTMLParser(huge_tree=True, remove_comments=True)
    tree = lxml.html.document_fromstring(markup.replace("&amp;", "&amp;amp;"), parser=parser)
    lxml.etree.strip_attributes(tree, "value")
    config = ParserConfig(
        css={**_LAYOUT, "body": HtmlElement()}, custom_html_tag_handler_mapping=_HANDLERS
    )
    config.attribute_handler.attribute_mapping = {"style": _hide}
    return str(Inscriptis(tree, config).get_text())


def _hide(style: str, element: HtmlElement) -> None:
    if _display_none.search(style):
        element.display = Display.none


def _start_cell(state: HtmlDocumentState, attributes: dict[str, str]) -> None:
    state.tags[-1].write(" ")


_LAYOUT = STRICT_CSS_PROFILE | {
    tag: HtmlElement(display=Display.block)
    for tag in "caption center dd dl dt fieldset form hr ol section table tr ul".split()
}
_HANDLERS = CustomHtmlTagHandlerMapping(
    start_tag_mapping={"table": None, "tr": None, "td": _start_cell, "th": _start_cell},
    end_tag_mapping={"table": None, "td": None, "th": None},
)
