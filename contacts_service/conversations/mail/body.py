"""Chooses the text of a mail as RFC 8621 (4.1.4) chooses `textBody`, and never loses what is there.

`structure` takes the mail apart, `markup` and `plain` show the text of one part.
"""

from collections.abc import Callable, Iterable, Iterator
from itertools import chain

from contacts_service.conversations.mail import markup, plain
from contacts_service.conversations.mail.headers import Headers
from contacts_service.conversations.mail.structure import ENCLOSED, Part, take_apart
from contacts_service.limits import CONTENT_LENGTH

_HTML = ("text/html", "application/xhtml+xml")
_TAGGED = ("text/enriched", "text/richtext")
_DATA = frozenset(
    f"text/{subtype}"
    for subtype in "calendar css csv directory javascript rfc822-headers rtf tab-separated-values "
    "vcard x-amp-html x-vcalendar x-vcard x-watch-html watch-html xml".split()
)
_Choice = Callable[[Part, Part | None, int], bool]


def plain_text(headers: Headers, mail: bytes, start: int) -> str:
    """Read the text of a mail whose body begins at `start`. Returns "" if it has none.

    Where no part is the body, text that is named is, else that of the first enclosed mail that has
    some, else the first text that is attached.
    """
    root = take_apart(headers, mail, start)
    reader = _Reader()
    for choice in (_is_body, _is_text_inside):
        if text := reader.text(root, choice).strip():
            return text
    enclosed = (reader.enclosed(part) for part in _enclosed_mails(root))
    attached = (reader.shown(part) for part in _leaves(root) if _is_text(part))
    return next(filter(None, map(str.strip, chain(enclosed, attached))), "")


def _is_text(part: Part) -> bool:
    """Whether it is text of any kind. A multipart without parts is."""
    return part.kind.startswith(("text/", "multipart/")) or part.kind in _HTML


def _is_body(part: Part, parent: Part | None, index: int) -> bool:
    """Whether a part is text of the mail itself (RFC 8621, 4.1.4, `isInline`)."""
    if part.is_attachment or not _is_text(part) or part.kind in _DATA:
        return False
    kind = parent.kind if parent else ""
    if index == 0 or kind == "multipart/alternative":
        return True
    return kind != "multipart/related" and not part.is_named


def _is_text_inside(part: Part, parent: Part | None, index: int) -> bool:
    return _is_text(part) and not part.is_attachment


class _Reader:
    """Reads the text of parts, as long as HTML is left that one mail may take."""

    def __init__(self) -> None:
        self._html = markup.HTML_LENGTH

    def text(self, part: Part, choice: _Choice) -> str:
        return self._text(part, None, 0, choice)

    def _text(self, part: Part, parent: Part | None, index: int, choice: _Choice) -> str:
        if parent and parent.kind == "multipart/digest" and part.kind in ENCLOSED:
            return self.enclosed(part)
        if part.kind in ENCLOSED:
            return ""
        if not part.children:
            return self.shown(part) if choice(part, parent, index) else ""
        numbered = list(enumerate(part.children))
        if part.kind == "multipart/alternative":
            numbered.sort(key=lambda each: _rank(each[1]))
        texts = (self._text(child, part, number, choice) for number, child in numbered)
        if part.kind == "multipart/alternative":
            return next(filter(str.strip, texts), "")
        return _join_distinct(texts)

    def enclosed(self, part: Part) -> str:
        """Read the text of an enclosed mail."""
        for inner in part.children:
            for choice in (_is_body, _is_text_inside):
                if text := self.text(inner, choice).strip():
                    return text
        return ""

    def shown(self, part: Part) -> str:
        text = part.decode()
        if part.kind in _HTML or plain.is_markup(text):
            text = markup.without_inline_data(text)[: self._html]
            self._html -= len(text)
            return markup.plain_text_of(text)
        if part.kind in _TAGGED:
            return markup.without_tags(text.replace("<<", "&lt;"), "")
        return plain.shown(text)


def _rank(part: Part) -> int:
    """The place of a part among alternatives: plain text comes first, then what is neither."""
    if part.kind == "text/plain":
        return 0
    return 1 if part.kind in _HTML or part.children else 2


def _leaves(part: Part) -> Iterator[Part]:
    if not part.children:
        yield part
    for child in part.children:
        yield from _leaves(child)


def _enclosed_mails(part: Part) -> Iterator[Part]:
    """Yield the outermost mails that a mail encloses."""
    if part.kind in ENCLOSED:
        yield part
        return
    for child in part.children:
        yield from _enclosed_mails(child)


def _join_distinct(texts: Iterable[str]) -> str:
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
