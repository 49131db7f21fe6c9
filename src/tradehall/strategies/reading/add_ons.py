"""Add-ons: when a strategy may open, how often, and what ends it."""

import re
from decimal import Decimal
from typing import Final

from tradehall.domain.time import from_rfc3339
from tradehall.strategies.definition import TRADES_MAX, WINDOWS_MAX, AddOns
from tradehall.strategies.reading.spot import Spot, quoted

WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
ADD_ON_KEYS: Final = (
    "weekdays",
    "hours_utc",
    "max_trades_per_day",
    "max_trades",
    "expires_at",
    "profit_stop",
    "loss_stop",
)
_TIME: Final = re.compile(r"([01]\d|2[0-3]):([0-5]\d)|24:00", re.ASCII)
_DAY_MIN: Final = 24 * 60


def read_add_ons(spot: Spot) -> AddOns:
    """The add-ons; null and what is left out bound nothing."""
    if not spot.is_object(ADD_ON_KEYS):
        return AddOns()
    return AddOns(
        weekdays=_weekdays(spot.key("weekdays")) if spot.has("weekdays") else frozenset(),
        hours_utc=_windows(spot.key("hours_utc")) if spot.has("hours_utc") else (),
        max_trades_per_day=_count(spot, "max_trades_per_day"),
        max_trades=_count(spot, "max_trades"),
        expires_at=_instant(spot.key("expires_at")) if spot.has("expires_at") else None,
        profit_stop=_money(spot, "profit_stop"),
        loss_stop=_money(spot, "loss_stop"),
    )


def _count(spot: Spot, name: str) -> int | None:
    return spot.key(name).whole(1, TRADES_MAX) if spot.has(name) else None


def _money(spot: Spot, name: str) -> Decimal | None:
    return spot.key(name).positive() if spot.has(name) else None


def _weekdays(spot: Spot) -> frozenset[int]:
    if not spot.is_list(1, 7):
        return frozenset()
    days = [day.one_of("weekday", WEEKDAYS) for day in spot.items()]
    return frozenset(WEEKDAYS.index(day) for day in days if day is not None)


def _windows(spot: Spot) -> tuple[tuple[int, int], ...]:
    """["07:00", "21:00"], or a list of such pairs."""
    if not isinstance(spot.value, list | tuple) or not any(isinstance(each, list | tuple) for each in spot.value):
        window = _window(spot)
        return () if window is None else (window,)
    if not spot.is_list(1, WINDOWS_MAX):
        return ()
    windows = [_window(each) for each in spot.items()]
    return tuple(window for window in windows if window is not None)


def _window(spot: Spot) -> tuple[int, int] | None:
    if not spot.is_list(2, 2):
        return None
    start, end = (_minutes(each) for each in spot.items())
    if start is None or end is None:
        return None
    if start in (end, _DAY_MIN):
        spot.complain("starts when it ends: leave it out to open at all hours")
        return None
    return start, end


def _minutes(spot: Spot) -> int | None:
    if not isinstance(spot.value, str) or not _TIME.fullmatch(spot.value):
        spot.complain(f'must be a time of the day such as "07:00", was {quoted(spot.value)}')
        return None
    hours, minutes = spot.value.split(":")
    return int(hours) * 60 + int(minutes)


def _instant(spot: Spot) -> int | None:
    text = spot.text()
    if text is None:
        return None
    try:
        return from_rfc3339(text)
    except (ValueError, OverflowError):
        spot.complain(f'must be a time such as "2027-01-31T21:00:00Z", was {quoted(text)}')
        return None
