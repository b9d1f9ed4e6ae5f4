"""Whether a machine wrote a mail, and which message a bounce is about."""

import re

from contacts_service.conversations.incoming import AUTOMATIC_ANSWER, BOUNCE, PERSON, Correspondent
from contacts_service.conversations.mail.headers import Headers, read_headers

# What mail systems write as (RFC 5321, 4.5.1; RFC 2142, 5); Exchange adds an id to its name.
MAIL_SYSTEMS = re.compile(r"(mailer-daemon|postmaster|microsoftexchange[0-9a-f]+)@", re.IGNORECASE)
# Headers that only answering machines set, whatever their value.
ANSWER_HEADERS = (
    "x-autoreply",
    "x-autoreply-from",
    "x-autorespond",
    "x-autoresponder",
    "x-mail-autoreply",
)
# Headers whose value begins so where an answering machine wrote.
ANSWER_VALUES = {
    "auto-submitted": ("auto-replied", "auto-notified"),  # RFC 3834, 5; RFC 5436, 2.7.1
    "precedence": ("auto_reply", "auto-reply"),
    "preference": ("auto_reply",),
    "delivered-to": ("autoresponder",),
    "x-fc-machinegenerated": ("true",),
    "x-post-messageclass": ("9; autoresponder",),
}

_comment = re.compile(r"\([^()]*\)")
_enclosed = re.compile(
    rb"^content-type:[ \t]*(?:message/(?:rfc822|global)|text/rfc822)", re.IGNORECASE | re.MULTILINE
)


def origin_of(headers: Headers, sender: Correspondent | None) -> str:
    """Who wrote a mail: PERSON, AUTOMATIC_ANSWER or BOUNCE.

    A newsletter, a mailing list, and what a machine sends on its own (`auto-generated`; a rule that
    forwards does so too) are as from a person.
    """
    is_report = headers.content_type == "multipart/report"
    kind = headers.parameter("report-type").lower()
    if is_report and kind != "disposition-notification":  # RFC 3462; that one is RFC 8098
        return BOUNCE
    if sender is not None and MAIL_SYSTEMS.match(sender.email or ""):
        return BOUNCE
    if is_report or _is_answer(headers):
        return AUTOMATIC_ANSWER
    has_null_path = headers.first("return-path").replace(" ", "") == "<>"
    return BOUNCE if has_null_path or _names_nobody(headers) else PERSON


def _names_nobody(headers: Headers) -> bool:
    """Whether From is empty but for brackets, quotes and comments, or names a mail system alone."""
    named = _comment.sub("", headers.first("from")).strip(' "<>').lower()
    return "from" in headers and named in ("", "mailer-daemon", "postmaster")


def _is_answer(headers: Headers) -> bool:
    return any(name in headers for name in ANSWER_HEADERS) or any(
        headers.first(name).lower().startswith(beginnings)
        for name, beginnings in ANSWER_VALUES.items()
    )


def enclosed_headers(mail: bytes, start: int) -> Headers | None:
    """The headers of the first message that a mail encloses, whole or its headers alone."""
    found = _enclosed.search(mail, start)
    blank = mail.find(b"\n\n", found.end()) if found else -1
    return None if blank < 0 else read_headers(mail, blank + 2, len(mail))[0]
