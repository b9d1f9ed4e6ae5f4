"""Times in the one form in which they are stored, compared and sent.

That is RFC 3339 in UTC with microseconds, ending in Z: always 27 characters, so that text order is
the order of time.
"""

import re
from datetime import UTC, datetime, timedelta

_rfc3339 = re.compile(
    r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)", re.ASCII
)


def utc_now() -> str:
    """Return the present time in the stored form."""
    return format_timestamp(datetime.now(UTC))


def format_timestamp(time: datetime) -> str:
    """Bring an aware datetime into the stored form."""
    utc = time.astimezone(UTC)
    return utc.isoformat(timespec="microseconds").removesuffix("+00:00") + "Z"


def parse_timestamp(text: str) -> datetime:
    """Parse a time in RFC 3339. Raises ValueError for anything else."""
    if not _rfc3339.fullmatch(text):
        raise ValueError("Not a time with its offset (RFC 3339).")
    return datetime.fromisoformat(text.upper())


def next_timestamp(timestamp: str) -> str:
    """Return the present time, or a microsecond after `timestamp` if the clock is behind it."""
    following = datetime.fromisoformat(timestamp) + timedelta(microseconds=1)
    return max(utc_now(), format_timestamp(following))
