"""Instants and spans: `int` nanoseconds, UTC, and their RFC 3339 text."""

import re
from datetime import UTC, datetime, timedelta
from typing import Final

NS_PER_US: Final = 1_000
NS_PER_MS: Final = 1_000_000
NS_PER_SECOND: Final = 1_000_000_000
NS_PER_MINUTE: Final = 60 * NS_PER_SECOND
NS_PER_HOUR: Final = 60 * NS_PER_MINUTE
NS_PER_DAY: Final = 24 * NS_PER_HOUR
NS_PER_WEEK: Final = 7 * NS_PER_DAY

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_RFC3339: Final = re.compile(
    r"(\d{4})-(\d{2})-(\d{2})[Tt ](\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,9})\d*)?([Zz]|[+-]\d{2}:?\d{2})?",
    re.ASCII,
)


class _Printed:
    """The last second printed and its text, in one value that threads can only see whole: most stamps share it."""

    last = (0, "1970-01-01T00:00:00")


def to_rfc3339(at: int) -> str:
    """`at` [ns, UTC] as text with `Z`; the fraction has 0, 3, 6 or 9 digits, as few as are exact."""
    second, fraction = divmod(at, NS_PER_SECOND)
    last_second, text = _Printed.last
    if second != last_second:
        text = (_EPOCH + timedelta(seconds=second)).replace(tzinfo=None).isoformat()
        _Printed.last = (second, text)
    if not fraction:
        return text + "Z"
    if fraction % NS_PER_MS == 0:
        return f"{text}.{fraction // NS_PER_MS:03d}Z"
    if fraction % NS_PER_US == 0:
        return f"{text}.{fraction // NS_PER_US:06d}Z"
    return f"{text}.{fraction:09d}Z"


def from_rfc3339(text: str) -> int:
    """Instant [ns, UTC] of an RFC 3339 text; one without a zone is read as UTC.

    ValueError for anything else; digits beyond the ninth are cut.
    """
    match = _RFC3339.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not an RFC 3339 time such as 2025-01-15T10:30:00Z")
    year, month, day, hour, minute, second = (int(part) for part in match.groups()[:6])
    # Subtracted from a span, not from a date: an offset may lead out of the years that dates know.
    delta = datetime(year, month, day, hour, minute, second, tzinfo=UTC) - _EPOCH - _offset(match[8])
    fraction = int((match[7] or "").ljust(9, "0"))
    return (delta.days * 86_400 + delta.seconds) * NS_PER_SECOND + fraction


def _offset(zone: str | None) -> timedelta:
    if zone is None or zone in "Zz":
        return timedelta()
    sign = -1 if zone[0] == "-" else 1
    hours, minutes = int(zone[1:3]), int(zone[-2:])
    if hours > 23 or minutes > 59:
        raise ValueError(f"{zone} is not an offset from UTC")
    return sign * timedelta(hours=hours, minutes=minutes)
