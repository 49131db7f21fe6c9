"""Trading sessions, the end of DAY, and the swap rollover.

Sessions are half-open spans of minutes of the week, UTC, Monday 00:00 = 0; an empty tuple is a market
that never closes. Such a market ends its DAY at the rollover, 22:00 UTC.
"""

from typing import Final

from tradehall.domain.time import NS_PER_DAY, NS_PER_HOUR, NS_PER_MINUTE, NS_PER_WEEK

Sessions = tuple[tuple[int, int], ...]

ALWAYS: Final[Sessions] = ()
MINUTES_PER_WEEK: Final = 7 * 24 * 60
ROLLOVER_OF_DAY_NS: Final = 22 * NS_PER_HOUR
_MONDAY_OFFSET: Final = 4 * NS_PER_DAY


def minute_of_week(at: int) -> int:
    """Minutes since Monday 00:00 UTC."""
    return ((at - _MONDAY_OFFSET) % NS_PER_WEEK) // NS_PER_MINUTE


def is_open(sessions: Sessions, at: int) -> bool:
    """Whether the market trades at `at` [ns UTC]."""
    if not sessions:
        return True
    minute = minute_of_week(at)
    return any(start <= minute < end for start, end in sessions)


def session_end(sessions: Sessions, at: int) -> int:
    """When a DAY order given at `at` expires [ns UTC]: the end of the session it is, or will be, in."""
    if not sessions:
        return next_rollover(at)
    week = at - (at - _MONDAY_OFFSET) % NS_PER_WEEK
    minute = minute_of_week(at)
    ends = _ends(sessions)
    if not ends:
        return next_rollover(at)  # Spans that touch all around the week never close either.
    end = next((end for end in ends if end > minute), ends[0] + MINUTES_PER_WEEK)
    return week + end * NS_PER_MINUTE


def _ends(sessions: Sessions) -> list[int]:
    """Minutes of the week at which trading stops: an end at which another span starts is none."""
    starts = {start for start, _ in sessions}
    return sorted(end for _, end in sessions if end % MINUTES_PER_WEEK not in starts)


def next_rollover(at: int) -> int:
    """First 22:00 UTC strictly after `at` [ns UTC]: swaps are booked then."""
    return at + NS_PER_DAY - (at - ROLLOVER_OF_DAY_NS) % NS_PER_DAY


def swap_days(rollover: int) -> int:
    """Nights that a rollover books: three on Wednesdays (for the weekend), none on Saturday and Sunday."""
    weekday = minute_of_week(rollover) // (24 * 60)
    return {2: 3, 5: 0, 6: 0}.get(weekday, 1)
