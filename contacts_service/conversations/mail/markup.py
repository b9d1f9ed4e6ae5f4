"""Makes plain text of HTML, as a browser lays it out, without what is hidden.

libxml2 reads the markup as a stream: it takes tags as HTML5 does, ends at no `</html>`, and costs
linear time. The HTML5 parsers that build a tree (Lexbor, html5lib) take quadratic time for nested
forms, links or unclosed tags.
"""

import html
import re
from collections.abc import Iterator
from contextlib import suppress

import lxml.etree

HTML_LENGTH = 2_000_000
DEPTH_LIMIT = 512  # as in Blink; libxml2 takes quadratic time for end tags in deep markup
CHUNK_LENGTH = 10_000

_inline_data = re.compile(r"data:[a-z]+/[^\"'\s>]{200,}", re.IGNORECASE)
_comment = re.compile(r"<!--.*?-->", re.DOTALL)
_tag = re.compile(r"</?[a-z][a-z0-9:]*(?:\s[^<>]*)?/?>|<[!?][^<>]*>", re.IGNORECASE)
_hiding_style = re.compile("display|visibility|font-size|mso-hide|white-space", re.IGNORECASE)
_white_space = re.compile(r"[ \t\n\f\r]+")
_zero = re.compile(r"0*\.?0*(?:[a-z]+|%)?")
_BLOCKS = frozenset(
    "address article aside blockquote body caption center dd details dialog dir div dl dt fieldset "
    "figcaption figure footer form frameset h1 h2 h3 h4 h5 h6 header hgroup hr html legend li "
    "listing main menu nav ol optgroup option p plaintext pre search section summary table tbody "
    "tfoot thead tr ul xmp".split()
)
_SPACED = frozenset("h1 h2 h3 h4 h5 h6 p".split())
_CELLS = frozenset(("td", "th"))
_PREFORMATTED = frozenset("listing plaintext pre textarea xmp".split())
_UNSEEN = frozenset("datalist noembed noframes script style template title".split())
_LISTS = frozenset("dir menu ol ul".split())
_BULLET = "* "
_NO_BREAK_SPACE = "\xa0"  # stands for the spaces of preformatted text, too


class _Layout:
    """Takes the events of the parser, and writes lines as `innerText` does (HTML Standard, 3.2.7).

    Hiding is inherited: `visibility` and `font-size` can be set again inside, `display` cannot.
    """

    def __init__(self, is_hiding: bool) -> None:
        self.depth = 0
        self.has_hidden = False
        self._is_hiding = is_hiding
        self._lines: list[str] = []
        self._line: list[str] = []
        self._bullet = ""
        self._is_blank_due = False
        self._unseen = 0  # elements around that are not displayed
        self._preformatted = 0
        self._items: list[int] = []  # for each list around, the last number, or -1 for bullets
        self._open: list[tuple[bool, bool, bool, bool]] = []
        self._is_invisible = self._is_tiny = False

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        self.depth += 1
        style = _style(attributes.get("style", "")) if self._is_hiding else {}
        is_unseen = tag in _UNSEEN or (self._is_hiding and _is_undisplayed(attributes, style))
        is_preformatted = tag in _PREFORMATTED or style.get("white-space", "").startswith("pre")
        self._open.append((is_unseen, is_preformatted, self._is_invisible, self._is_tiny))
        self._unseen += is_unseen
        self._preformatted += is_preformatted
        if visibility := style.get("visibility"):
            self._is_invisible = visibility in ("hidden", "collapse")
        if size := style.get("font-size"):
            self._is_tiny = bool(_zero.fullmatch(size))
        if not self._unseen:
            self._begin(tag)

    def end(self, tag: str) -> None:
        if not self._open:
            return
        self.depth -= 1
        if not self._unseen:
            self._finish(tag)
        is_unseen, is_preformatted, self._is_invisible, self._is_tiny = self._open.pop()
        self._unseen -= is_unseen
        self._preformatted -= is_preformatted

    def data(self, data: str) -> None:
        if self._unseen or self._is_invisible or self._is_tiny:
            self.has_hidden = True
            return
        if self._preformatted:
            first, *others = data.split("\n")
            self._line.append(first.replace(" ", _NO_BREAK_SPACE))
            for line in others:
                self._end_line(is_forced=True)
                self._line.append(line.replace(" ", _NO_BREAK_SPACE))
        else:
            self._line.append(data)

    def close(self) -> None:
        """Forget what is open, so that another parser can go on."""
        self.depth = self._unseen = self._preformatted = 0
        self._is_invisible = self._is_tiny = False
        self._open.clear()
        self._items.clear()

    def text(self) -> str:
        self._end_line()
        return "\n".join(self._lines).strip()

    def _begin(self, tag: str) -> None:
        if tag == "br":
            self._end_line(is_forced=True)
        elif tag in _CELLS:
            self._line.append(" ")
        elif tag in _BLOCKS:
            self._end_line()
            self._is_blank_due |= tag in _SPACED and not self._bullet
            if tag in _LISTS:
                self._items.append(0 if tag == "ol" else -1)
            elif tag == "li":
                self._bullet = self._next_bullet()

    def _next_bullet(self) -> str:
        if not self._items or self._items[-1] < 0:
            return _BULLET
        self._items[-1] += 1
        return f"{self._items[-1]}. "

    def _finish(self, tag: str) -> None:
        if tag in _BLOCKS:
            self._end_line()
            self._is_blank_due |= tag in _SPACED
            if tag in _LISTS and self._items:
                self._items.pop()

    def _end_line(self, is_forced: bool = False) -> None:
        """Write what was collected. An empty line counts only if it is forced, and only once."""
        line = _white_space.sub(" ", "".join(self._line)).strip(" ")
        self._line.clear()
        is_forced = is_forced or _NO_BREAK_SPACE in line
        line = line.replace(_NO_BREAK_SPACE, " ").rstrip()
        if not line and not is_forced:
            return
        is_blank_due = self._is_blank_due or not line
        line = self._bullet + line if line else ""
        if line:
            self._bullet = ""
        self._is_blank_due = False
        if is_blank_due and self._lines and self._lines[-1]:
            self._lines.append("")
        if line:
            self._lines.append(line)


def without_inline_data(markup: str) -> str:
    """Drop pictures that are written into the markup itself."""
    return _inline_data.sub("", markup)


def plain_text_of(markup: str) -> str:
    """Lay out HTML as text. What is hidden is shown where nothing else is there."""
    layout = _lay_out(markup, True)
    if not layout.text() and layout.has_hidden:
        layout = _lay_out(markup, False)
    return layout.text() or without_tags(markup)


def without_tags(markup: str, substitute: str = " ") -> str:
    """Strip tags and comments, and leave the rest as it is written."""
    end = markup.rfind("-->") + 3  # without it, each unclosed comment would be searched to the end
    markup = _comment.sub(" ", markup[:end]) + markup[end:]
    return html.unescape(_tag.sub(substitute, markup)).strip()


def _lay_out(markup: str, is_hiding: bool) -> _Layout:
    layout = _Layout(is_hiding)
    parser: lxml.etree.HTMLParser | None = None
    for chunk in _chunks(markup):
        parser = parser or lxml.etree.HTMLParser(
            target=layout, huge_tree=True, remove_comments=True, remove_pis=True
        )
        try:
            parser.feed(chunk)
            if layout.depth > DEPTH_LIMIT:
                parser.close()
                parser = None
        except lxml.etree.LxmlError:
            parser = None
    if parser:
        with suppress(lxml.etree.LxmlError):
            parser.close()
    return layout


def _chunks(markup: str) -> Iterator[str]:
    for start in range(0, len(markup), CHUNK_LENGTH):
        yield markup[start : start + CHUNK_LENGTH]


def _style(style: str) -> dict[str, str]:
    """Read the declarations of a style attribute that matter. The last of each name holds."""
    if not _hiding_style.search(style):
        return {}
    pairs = (declaration.partition(":") for declaration in style.lower().split(";"))
    return {name.strip(): value.replace("!important", "").strip() for name, _, value in pairs}


def _is_undisplayed(attributes: dict[str, str], style: dict[str, str]) -> bool:
    return (
        "hidden" in attributes or style.get("display") == "none" or style.get("mso-hide") == "all"
    )
