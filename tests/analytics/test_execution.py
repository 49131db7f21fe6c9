"""Latency and slippage by hand, and against plain loops."""

import math
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.analytics.trips import money
from tests.builders import LOGIN, TUESDAY_10H, a_limit, a_quote, a_stop, an_order, typed
from tradehall.analytics.latency import (
    NEVER,
    LatencyColumns,
    LatencySummary,
    Stage,
    between,
    fill_stage,
    summaries,
    summary,
    whole,
)
from tradehall.analytics.ranks import by_group, nearest_rank
from tradehall.analytics.slippage import (
    Reference,
    Slippage,
    SlippageColumns,
    SlippageSummary,
    decision_price,
    reference_prices,
    slippage,
    slippage_summaries,
    slippage_summary,
    touch_of_fills,
)
from tradehall.domain.fill import Fill
from tradehall.domain.order import OrderTerms, Side
from tradehall.domain.time import NS_PER_MS

T = TUESDAY_10H


def stamps(*after_ms: int | None) -> list[int | None]:
    """Stamps in the order of Stage, in ms after ten o'clock."""
    given = [None if ms is None else T + ms * NS_PER_MS for ms in after_ms]
    return [*given, *[None] * (len(Stage) - len(given))]


def in_ms(latencies: Any) -> list[float]:
    return [latency if latency == NEVER else latency / NS_PER_MS for latency in latencies.tolist()]


def test_the_stages_of_an_order_add_up():
    columns = LatencyColumns.of([(stamps(0, 2, 3, 5, 6, 27, 45, 80), False)])
    assert in_ms(between(columns, Stage.SIGNAL, Stage.SENT)) == [6]
    assert in_ms(between(columns, Stage.SENT, Stage.ACKNOWLEDGED)) == [21]
    assert in_ms(fill_stage(columns)) == [18]
    assert in_ms(whole(columns)) == [45]
    assert in_ms(between(columns, Stage.FIRST_FILL, Stage.LAST_FILL)) == [35]


def test_an_order_that_rests_is_late_only_until_the_venue_has_it():
    columns = LatencyColumns.of([(stamps(0, 1, 2, 3, 4, 20, 90_000, 90_000), True)])
    assert in_ms(whole(columns)) == [20]
    assert in_ms(fill_stage(columns)) == [NEVER]


def test_a_clock_that_runs_behind_makes_no_negative_gap():
    columns = LatencyColumns.of([(stamps(10, 8, 11, 12, 12, 9, 20), False)])
    gaps = [between(columns, first, Stage(first + 1)) for first in list(Stage)[:6]]
    assert in_ms(np.concatenate(gaps)) == [0, 1, 1, 0, 0, 8]
    assert in_ms(whole(columns)) == [10]


def test_what_has_not_happened_yet_is_left_out():
    columns = LatencyColumns.of([
        (stamps(0, 1, 2, 3, 4, 5, 38), False),
        (stamps(0, 1, 2, 3, 4, 5, 45), False),
        (stamps(0, 1, 2), False),
        (stamps(None, 1, 2, 3, 4, 5, 6), False),
    ])  # fmt: skip
    assert in_ms(whole(columns)) == [38, 45, NEVER, NEVER]
    ms = NS_PER_MS
    assert summary(whole(columns)) == LatencySummary(2, 41.5 * ms, 38 * ms, 45 * ms, 45 * ms, 45 * ms)
    assert summary(whole(LatencyColumns.of([]))) is None
    groups = np.array([7, 3, 5, 7])
    assert {group: told.max_ns for group, told in summaries(whole(columns), groups).items()} == {3: 45 * ms, 7: 38 * ms}


def test_a_gap_goes_forward():
    with pytest.raises(AssertionError, match="SENT does not come before SIGNAL"):
        between(LatencyColumns.of([]), Stage.SENT, Stage.SIGNAL)


@given(st.lists(st.integers(-1000, 1000), min_size=1), st.lists(st.integers(1, 100), min_size=1, max_size=5))
def test_a_percentile_is_the_smallest_that_so_many_do_not_exceed(values: list[int], percents: list[int]):
    for percent, told in zip(percents, nearest_rank(np.array(values), percents), strict=True):
        enough = [value for value in values if sum(v <= value for v in values) * 100 >= percent * len(values)]
        assert told == min(enough)


def test_a_rank_is_not_pushed_up_by_the_rounding_of_floats():
    assert nearest_rank(np.arange(1, 101), (55, 7, 95)) == [math.ceil(p) for p in (55, 7, 95)]


@given(st.lists(st.tuples(st.integers(-5, 5), st.integers(0, 99))))
def test_groups_hold_what_is_theirs(rows: list[tuple[int, int]]):
    groups, values = np.array([g for g, _ in rows], np.int64), np.array([v for _, v in rows], np.int64)
    told = {group: part.tolist() for group, part in by_group(values, groups)}
    assert told == {group: [v for g, v in rows if g == group] for group in sorted({g for g, _ in rows})}


def a_fill(side: str, quantity: str, price: str, **changes: Any) -> Fill:
    plain: dict[str, Any] = {
        "fill_id": 1, "order_id": 2, "account_id": LOGIN, "symbol": "EURUSD", "side": side, "quantity": quantity,
        "price": price, "at": T,
    }  # fmt: skip
    return Fill(**typed(Fill, plain | changes))


@pytest.mark.parametrize(("side", "prices", "reference", "price", "ticks", "bps", "cost"), [
    # the order  its fills                reference  worse by     in ticks  in bp      in USD
    ("BUY",      ["1.10020"],             "1.10000", "0.00020",   "20",     1.8181818, "2.00"),
    ("SELL",     ["1.10020"],             "1.10000", "-0.00020",  "-20",    -1.8181818, "-2.00"),
    ("SELL",     ["1.09990"],             "1.10000", "0.00010",   "10",     0.9090909, "1.00"),
    ("BUY",      ["1.10000", "1.10015"],  "1.10005", "0.000025",  "2.5",    0.2272624, "0.50"),
    ("BUY",      ["1.10000"],             "1.10000", "0",         "0",      0.0,       "0.00"),
])  # fmt: skip
def test_slippage_is_what_a_fill_was_worse(
    side: str, prices: list[str], reference: str, price: str, ticks: str, bps: float, cost: str
):
    fills = [a_fill(side, "10000", at) for at in prices]
    told = slippage(fills, money(reference), tick_size=money("0.00001"), rate=Decimal(1), currency="USD")
    assert (told.price, told.ticks, told.cost) == (money(price), money(ticks), money(cost))
    assert told.bps == pytest.approx(bps, rel=1e-6)


def test_the_cost_of_slippage_is_in_the_currency_of_the_account():
    told = slippage(
        [a_fill("SELL", "2", "149.99")], money("150.00"), tick_size=money("0.01"), rate=money("0.5"), currency="EUR"
    )
    assert (told.cost, told.currency, told.ticks) == (money("0.01"), "EUR", 1)


def test_against_a_price_of_nothing_there_are_no_basis_points():
    told = slippage([a_fill("BUY", "1", "0.02")], Decimal(0), tick_size=money("0.01"), rate=Decimal(1), currency="USD")
    assert (told.bps, told.price) == (None, money("0.02"))
    assert slippage_summary(SlippageColumns.of([told])) is None


@pytest.mark.parametrize(("terms", "price"), [
    (an_order(side="BUY"),                                                       "1.10010"),
    (an_order(side="SELL"),                                                      "1.10000"),
    (a_limit("BUY", "1", "1.09000"),                                             "1.09000"),
    (a_stop("SELL", "1", "1.08000"),                                             "1.08000"),
    (an_order(type="STOP_LIMIT", stop_price="1.2", limit_price="1.21"),          "1.21"),
    (an_order(type="TRAILING_STOP", trailing_distance="0.01", trailing_type="ABSOLUTE"), "1.10010"),
])  # fmt: skip
def test_what_was_wanted_is_the_own_price_or_else_the_touch_at_the_signal(terms: OrderTerms, price: str):
    assert decision_price(terms, a_quote(bid="1.10000", ask="1.10010")) == money(price)


def test_a_market_order_whose_quote_nobody_kept_has_no_wanted_price():
    assert decision_price(an_order(), None) is None


def test_the_touch_of_the_fills_is_weighted_by_their_units():
    fills = [
        a_fill("BUY", "3000", "1.2", ask="1.10000", bid="1.0"),
        a_fill("BUY", "1000", "1.2", ask="1.20000", bid="1.0"),
    ]
    assert touch_of_fills(fills) == money("1.125")
    assert touch_of_fills([a_fill("SELL", "1000", "1.2", ask="1.3", bid="1.1")]) == money("1.1")
    assert touch_of_fills([a_fill("BUY", "1000", "1.2")]) is None
    assert touch_of_fills([]) is None


def test_an_order_is_held_against_four_prices():
    fills = [a_fill("SELL", "1000", "1.0990", bid="1.0991", ask="1.0993")]
    at_signal, at_arrival = a_quote(bid="1.1000", ask="1.1002"), a_quote(bid="1.0996", ask="1.0998")
    told = reference_prices(an_order(side="SELL"), fills, at_signal=at_signal, at_arrival=at_arrival)
    assert list(told.values()) == [money("1.1000"), money("1.0996"), money("1.0997"), money("1.0991")]
    assert told.keys() == set(Reference)
    unknown = reference_prices(an_order(side="SELL"), [], at_signal=None, at_arrival=None)
    assert set(unknown.values()) == {None}


def a_row(bps: float | None, cost: str, currency: str = "USD") -> Slippage:
    one = Decimal(1)
    return Slippage(one, one, one, one, one, bps, money(cost), currency)


def test_slippages_are_summed_up():
    rows = [a_row(1.0, "3.10"), a_row(-2.0, "-1.00"), a_row(4.0, "250", "JPY"), a_row(None, "0.50")]
    columns = SlippageColumns.of(rows)
    costs = {"USD": money("2.60"), "JPY": money("250")}
    assert slippage_summary(columns) == SlippageSummary(3, 1.0, 1.0, 4.0, 4.0, costs)
    assert slippage_summaries(columns, np.array([1, 1, 2, 3])) == {
        1: SlippageSummary(2, -0.5, -2.0, 1.0, 1.0, {"USD": money("2.10")}),
        2: SlippageSummary(1, 4.0, 4.0, 4.0, 4.0, {"JPY": money("250")}),
    }


@given(st.lists(st.integers(90_000, 110_000), min_size=1, max_size=5), st.sampled_from(list(Side)))
def test_what_a_buyer_loses_a_seller_gains(prices: list[int], side: Side):
    fills = {each: [a_fill(each, "10", str(Decimal(price).scaleb(-5))) for price in prices] for each in Side}
    told = {
        each: slippage(fills[each], Decimal(1), tick_size=money("0.00001"), rate=Decimal(1), currency="USD")
        for each in Side
    }
    assert told[side].cost == -told[side.opposite].cost
    assert told[side].price == -told[side.opposite].price
