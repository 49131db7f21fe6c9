"""The equity curve: whatever its length and however it is fed, its days, its worst fall and its outline are right."""

from decimal import Decimal
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import TUESDAY_10H
from tradehall.analytics.equity import Drawdown, EquityCurve, trading_days
from tradehall.analytics.thinning import BUCKETS_MAX, Thinned
from tradehall.domain.time import NS_PER_DAY, NS_PER_HOUR, NS_PER_SECOND, from_rfc3339

Points = list[tuple[int, int]]
steps = st.lists(st.tuples(st.integers(0, 40), st.integers(1, 50)), min_size=1, max_size=60)


def points_of(made: Points) -> tuple[list[int], list[float]]:
    """Hours that pass, and the equity then."""
    hours = np.cumsum([passed for passed, _ in made])
    return [TUESDAY_10H + int(hour) * NS_PER_HOUR for hour in hours], [float(equity) for _, equity in made]


@given(steps, st.lists(st.integers(1, 20), max_size=10))
def test_the_worst_fall_is_the_one_found_by_looking_at_all_pairs(made: Points, batches: list[int]):
    at, equity = points_of(made)
    falls = [(peak - equity[j], (peak - equity[j]) / peak) for i, peak in enumerate(equity) for j in range(i, len(at))]
    length = 0
    for i, peak in enumerate(equity):
        below = next((j for j in range(i + 1, len(at)) if equity[j] < peak), None)
        if below != i + 1:
            continue  # Not the last instant at which this peak stood.
        back = next((j for j in range(i + 1, len(at)) if equity[j] >= peak), len(at) - 1)
        if peak >= max(equity[: i + 1]):
            length = max(length, at[back] - at[i])
    expected = Drawdown(max(share for _, share in falls), max(amount for amount, _ in falls), length)
    assert fed(at, equity, batches).drawdown == expected


@given(steps, st.lists(st.integers(1, 20), max_size=10), st.booleans())
def test_days_do_not_depend_on_how_the_points_are_fed(made: Points, batches: list[int], rests: bool):
    at, equity = points_of(made)
    curve = fed(at, equity, batches, rests=rests)
    days = trading_days(np.array(at), rests_at_weekends=rests).tolist()
    closes = dict(zip(days, equity, strict=True))
    told, values = curve.daily()
    assert (told // NS_PER_DAY).tolist() == list(closes)
    assert values.tolist() == list(closes.values())
    moved = days.count(days[0]) > 1
    before = ([equity[0]] if moved else []) + list(closes.values())
    expected = [after / first - 1 for first, after in pairwise(before)]
    assert curve.daily_returns() == pytest.approx(expected)
    assert curve.span == (at[0], at[-1])
    assert curve.ends == (equity[0], equity[-1])


def fed(at: list[int], equity: list[float], batches: list[int], *, rests: bool = False) -> EquityCurve:
    """The same points, some at once, some one by one."""
    curve, done = EquityCurve(rests_at_weekends=rests), 0
    for batch in batches:
        curve.extend(np.array(at[done : done + batch], np.int64), np.array(equity[done : done + batch]))
        done += batch
        if done < len(at):
            curve.add(at[done], Decimal(equity[done]))
            done += 1
    curve.extend(np.array(at[done:], np.int64), np.array(equity[done:]))
    return curve


@pytest.mark.parametrize(("at", "rests", "day"), [
    ("2025-01-17T23:59:59Z", True,  "2025-01-17"),  # Friday
    ("2025-01-18T00:00:00Z", True,  "2025-01-20"),  # Saturday
    ("2025-01-19T22:00:00Z", True,  "2025-01-20"),  # Sunday
    ("2025-01-20T00:00:00Z", True,  "2025-01-20"),  # Monday
    ("2025-01-18T00:00:00Z", False, "2025-01-18"),
    ("2025-01-19T22:00:00Z", False, "2025-01-19"),
])  # fmt: skip
def test_a_weekend_belongs_to_the_monday_after_it_where_markets_rest(at: str, rests: bool, day: str):
    (told,) = trading_days(np.array([from_rfc3339(at)]), rests_at_weekends=rests).tolist()
    assert told * NS_PER_DAY == from_rfc3339(f"{day}T00:00:00Z")


def test_time_does_not_go_back():
    curve = EquityCurve()
    curve.add(TUESDAY_10H, 1.0)
    curve.add(TUESDAY_10H - 1, 1.0)
    with pytest.raises(AssertionError, match="out of its order"):
        _ = curve.drawdown


@given(st.integers(1, 20 * BUCKETS_MAX), st.integers(0, 2**32), st.lists(st.integers(1, 9_000), max_size=4))
def test_a_thinned_series_keeps_its_ends_and_its_extremes(count: int, seed: int, batches: list[int]):
    values = np.random.default_rng(seed).normal(size=count).cumsum()
    at = np.arange(count) * NS_PER_SECOND
    thinned, done = Thinned(), 0
    for batch in [*batches, count]:
        thinned.extend(at[done : done + batch], values[done : done + batch])
        done = min(count, done + batch)
    told_at, told = thinned.points()
    assert told.size <= 3 * (BUCKETS_MAX + 1) + 1
    assert (np.diff(told_at) > 0).all()
    assert (told[0], told_at[0]) == (values[0], at[0])
    assert (told.min(), told.max(), told[-1], told_at[-1]) == (values.min(), values.max(), values[-1], at[-1])
    assert set(zip(told_at.tolist(), told.tolist(), strict=True)) <= set(zip(at.tolist(), values.tolist(), strict=True))


def test_a_short_series_is_not_thinned():
    thinned = Thinned()
    thinned.extend(np.arange(5), np.array([1.0, 3.0, 2.0, 5.0, 4.0]))
    at, values = thinned.points()
    assert (at.tolist(), values.tolist()) == ([0, 1, 2, 3, 4], [1.0, 3.0, 2.0, 5.0, 4.0])


def test_a_million_points_one_by_one_stay_small():
    curve = EquityCurve()
    for number in range(100_000):
        curve.add(TUESDAY_10H + number * NS_PER_SECOND, 1000.0 + number % 777)
    assert curve.points()[0].size <= 3 * (BUCKETS_MAX + 1) + 1
    assert curve.daily()[0].size == 2
