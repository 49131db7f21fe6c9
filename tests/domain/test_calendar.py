"""Sessions, the end of DAY, and the nights that a rollover books."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradehall.domain.calendar import MINUTES_PER_WEEK, is_open, minute_of_week, next_rollover, session_end, swap_days
from tradehall.domain.time import NS_PER_DAY, NS_PER_MINUTE, NS_PER_WEEK, from_rfc3339, to_rfc3339

DAY = 24 * 60
NEW_YORK = tuple((day * DAY + 14 * 60 + 30, day * DAY + 21 * 60) for day in range(5))
CURRENCIES = ((0, 4 * DAY + 22 * 60), (6 * DAY + 22 * 60, MINUTES_PER_WEEK))  # Sunday 22:00 to Friday 22:00.
ROUND_THE_CLOCK = ((0, 3 * DAY), (3 * DAY, MINUTES_PER_WEEK))

# 2025-01-13 was a Monday.
TIMES = [
    # what                          sessions          at                       open    a DAY order ends
    ("before the bell",             NEW_YORK,         "2025-01-13T14:29:59Z",  False,  "2025-01-13T21:00:00Z"),
    ("at the bell",                 NEW_YORK,         "2025-01-13T14:30:00Z",  True,   "2025-01-13T21:00:00Z"),
    ("a moment before the close",   NEW_YORK,         "2025-01-13T20:59:59Z",  True,   "2025-01-13T21:00:00Z"),
    ("at the close",                NEW_YORK,         "2025-01-13T21:00:00Z",  False,  "2025-01-14T21:00:00Z"),
    ("Friday evening",              NEW_YORK,         "2025-01-17T22:00:00Z",  False,  "2025-01-20T21:00:00Z"),
    ("Sunday noon",                 NEW_YORK,         "2025-01-19T12:00:00Z",  False,  "2025-01-20T21:00:00Z"),
    ("midweek",                     CURRENCIES,       "2025-01-15T12:00:00Z",  True,   "2025-01-17T22:00:00Z"),
    ("Saturday",                    CURRENCIES,       "2025-01-18T12:00:00Z",  False,  "2025-01-24T22:00:00Z"),
    ("Sunday night: goes on",       CURRENCIES,       "2025-01-19T23:00:00Z",  True,   "2025-01-24T22:00:00Z"),
    ("never closes, morning",       (),               "2025-01-15T12:00:00Z",  True,   "2025-01-15T22:00:00Z"),
    ("never closes, at rollover",   (),               "2025-01-15T22:00:00Z",  True,   "2025-01-16T22:00:00Z"),
    ("never closes, said in spans", ROUND_THE_CLOCK,  "2025-01-16T00:00:00Z",  True,   "2025-01-16T22:00:00Z"),
]  # fmt: skip


@pytest.mark.parametrize(("what", "sessions", "at", "opened", "day_ends"), TIMES, ids=[row[0] for row in TIMES])
def test_sessions_open_close_and_end_the_day(what, sessions, at, opened, day_ends):
    instant = from_rfc3339(at)
    assert is_open(sessions, instant) is opened
    assert to_rfc3339(session_end(sessions, instant)) == day_ends


@given(st.integers(0, 4 * 10**18), st.sampled_from([NEW_YORK, CURRENCIES, ROUND_THE_CLOCK, ()]))
def test_a_day_order_ends_within_a_week_and_the_market_is_shut_then_if_it_ever_is(at, sessions):
    end = session_end(sessions, at)
    assert at < end <= at + NS_PER_WEEK
    if sessions in (NEW_YORK, CURRENCIES):
        assert not is_open(sessions, end)
        assert is_open(sessions, end - 1)


@given(st.integers(0, 4 * 10**18))
def test_the_rollover_is_the_next_22_hours_utc(at):
    rollover = next_rollover(at)
    assert at < rollover <= at + NS_PER_DAY
    assert minute_of_week(rollover) % DAY == 22 * 60
    assert rollover % NS_PER_MINUTE == 0


@pytest.mark.parametrize(("night", "days"), [
    ("2025-01-13T22:00:00Z", 1),  # Monday
    ("2025-01-14T22:00:00Z", 1),
    ("2025-01-15T22:00:00Z", 3),  # Wednesday, for the weekend
    ("2025-01-16T22:00:00Z", 1),
    ("2025-01-17T22:00:00Z", 1),
    ("2025-01-18T22:00:00Z", 0),
    ("2025-01-19T22:00:00Z", 0),
])  # fmt: skip
def test_a_week_has_seven_nights_of_swap_and_wednesday_three_of_them(night, days):
    assert swap_days(from_rfc3339(night)) == days
