"""Moments, in the one form in which they are stored, compared and sent.

RFC 3339 in UTC with microseconds, ending in Z: always 27 characters, so that they sort as they
read.
"""

import re
from datetime import UTC, datetime, timedelta

_moment = re.compile(
    r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)", re.ASCII
)


def now() -> str:
    """The present moment as it is stored and sent: RFC 3339, UTC, microseconds, ending in Z."""
    return _written(datetime.now(UTC))


def wire_time(moment: datetime) -> str:
    """An aware datetime in the one form in which times are stored, compared and sent."""
    return _written(moment.astimezone(UTC))


def _written(utc: datetime) -> str:
    return utc.isoformat(timespec="microseconds")[:-6] + "Z"  # in the place of +00:00


def read_moment(text: str) -> datetime:
    """The moment that a text in RFC 3339 names. Raises ValueError for anything else."""
    if not _moment.fullmatch(text):
        raise ValueError("Not a time with its offset (RFC 3339).")
    return datetime.fromisoformat(text.upper())


def moment_after(moment: str) -> str:
    """Now, or the microsecond after `moment` where the clock has not passed it."""
    next_one = datetime.fromisoformat(moment) + timedelta(microseconds=1)
    return max(now(), wire_time(next_one))
