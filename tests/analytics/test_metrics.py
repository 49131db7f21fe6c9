"""Metrics by hand: cases that fit on a sheet of paper."""

from decimal import Decimal

import numpy as np
import pytest

from tests.analytics.trips import HOUR, a_trip
from tests.builders import TUESDAY_10H
from tradehall.analytics.columns import Result, TripColumns, columns_of, results_by_pnl
from tradehall.analytics.metrics import MetricSettings, measure, measure_closed, measure_columns
from tradehall.analytics.tally import Tally, tally
from tradehall.domain.time import NS_PER_DAY

COINS = MetricSettings(periods_per_year=365)


def test_round_trips_are_tallied():
    nets = ["30.00", "-10.00", "0.00", "-5.00", "10.00"]
    trips = [
        a_trip(net, fees="0.50", swaps="-0.10", closed_at=TUESDAY_10H + hours * HOUR) for hours, net in enumerate(nets)
    ]
    assert tally(columns_of(trips, currency="USD"), still_open=2) == Tally(
        ended=5,
        still_open=2,
        wins=2,
        losses=2,
        breakevens=1,
        win_rate=0.4,
        net_pnl=Decimal("25.00"),
        gross_profit=Decimal("40.00"),
        gross_loss=Decimal("-15.00"),
        profit_factor=40 / 15,
        expectancy=Decimal("5.00"),
        average_win=Decimal("20.00"),
        average_loss=Decimal("-7.50"),
        best=Decimal("30.00"),
        worst=Decimal("-10.00"),
        holding_ns_average=2 * HOUR,
        fees=Decimal("2.50"),
        swaps=Decimal("-0.50"),
        # Deviations from 5: 25, -15, -5, -10, 5; squares 1,000; ÷ 4 = 250.
        sqn=(250 / 50) ** 0.5 / 10**0.5,
    )


@pytest.mark.parametrize(("currency", "net_pnl", "result"), [
    ("USD",  "0.01",        Result.WIN),
    ("USD",  "-0.01",       Result.LOSS),
    ("USD",  "0.00",        Result.BREAKEVEN),
    ("USD",  "0.009",       Result.BREAKEVEN),  # Less than a cent, as only a backtest books it.
    ("JPY",  "-0.9",        Result.BREAKEVEN),
    ("JPY",  "-1",          Result.LOSS),
    ("BTC",  "0.00000001",  Result.WIN),
])  # fmt: skip
def test_less_than_one_minor_unit_is_neither_won_nor_lost(currency: str, net_pnl: str, result: Result):
    columns = columns_of([a_trip(net_pnl, currency=currency)], currency=currency)
    assert columns.results.tolist() == [result]
    assert columns.money(int(columns.net_pnl[0])) == Decimal(net_pnl)


def test_what_somebody_said_of_a_round_trip_moves_counts_and_no_money():
    trips = [a_trip("10.00", round_trip_id=1), a_trip("-4.00", round_trip_id=2)]
    said = tally(columns_of(trips, currency="USD", results={2: Result.WIN}))
    assert (said.wins, said.losses, said.win_rate) == (2, 0, 1.0)
    assert (said.gross_loss, said.profit_factor, said.average_loss) == (Decimal("-4.00"), 2.5, Decimal("-4.00"))


def test_round_trips_of_two_currencies_do_not_add_up():
    with pytest.raises(AssertionError, match=r"round trips in \['EUR'\] do not add up with USD"):
        columns_of([a_trip(), a_trip(currency="EUR")], currency="USD")


def test_amounts_too_large_for_their_decimals_are_rounded_and_never_wrong_in_size():
    huge = a_trip("123456789012345.123456789")
    columns = columns_of([huge], currency="USD")
    assert columns.decimals == 3
    assert columns.money(int(columns.net_pnl[0])) == Decimal("123456789012345.123")


def test_nothing_done_is_measured_too():
    curve = COINS.curve()
    metrics = measure(curve, [], currency="USD", settings=COINS)
    assert (metrics.total_return, metrics.sharpe, metrics.exposure, metrics.turnover) == (None, None, None, None)
    assert metrics.tally == Tally()
    assert (metrics.max_drawdown, metrics.capital) == (0.0, 0)


def test_a_marked_run_is_measured():
    midnight = TUESDAY_10H // NS_PER_DAY * NS_PER_DAY
    curve = COINS.curve()
    for hours, equity in [(0, "1000"), (20, "1100"), (30, "990"), (44, "1045"), (60, "1210"), (71, "1254")]:
        curve.add(midnight + hours * HOUR, Decimal(equity))
    trips = [
        a_trip("100", opened_at=midnight + 2 * HOUR, closed_at=midnight + 20 * HOUR, traded_value="500"),
        a_trip(
            "-50", opened_at=midnight + 11 * HOUR, closed_at=midnight + 29 * HOUR, traded_value="300", symbol="EURJPY"
        ),
        a_trip("0", opened_at=midnight + 62 * HOUR, closed_at=None, exit_price=None),
    ]
    metrics = measure(curve, trips, currency="USD", settings=COINS, buy_and_hold=0.1, rates={"EURJPY": 2.0})
    assert (metrics.start, metrics.end, metrics.days) == (midnight, midnight + 71 * HOUR, 3)
    assert (metrics.capital, metrics.final_equity, metrics.buy_and_hold) == (1000, 1254, 0.1)
    assert metrics.total_return == pytest.approx(0.254)
    # Days end at 1,100, 1,045 and 1,254: returns of 10, -5 and 20 percent.
    assert metrics.annual_return == pytest.approx(1.254 ** (365 / 3) - 1)
    returns = np.array([0.1, -0.05, 0.2])
    assert metrics.sharpe == pytest.approx(returns.mean() / returns.std(ddof=1) * 365**0.5)
    assert metrics.sortino == pytest.approx(returns.mean() / (0.05**2 / 3) ** 0.5 * 365**0.5)
    # The fall is that within the second day, not only from day to day.
    assert metrics.max_drawdown == pytest.approx(0.1)
    assert metrics.max_drawdown_amount == Decimal("110.00")
    assert metrics.max_drawdown_ns == 40 * HOUR, "from hour 20 to hour 60, where 1,100 was seen again"
    assert metrics.calmar == pytest.approx((1.254 ** (365 / 3) - 1) / 0.1)
    # Open from hour 2 to 29 and from 62 to 71; two overlapping hours count once.
    assert metrics.exposure == pytest.approx(36 / 71)
    assert metrics.turnover == pytest.approx((500 + 2 * 300) / ((1100 + 1045 + 1254) / 3))
    assert (metrics.tally.ended, metrics.tally.still_open) == (2, 1)


def test_closed_round_trips_alone_are_measured_as_the_support_door_defines_it():
    start = TUESDAY_10H // NS_PER_DAY * NS_PER_DAY
    trips = [
        a_trip(net, round_trip_id=number, closed_at=start + hours * HOUR)
        for number, (hours, net) in enumerate([(100, "30.00"), (5, "50.00"), (30, "-105.00")])
    ]
    metrics = measure_closed(
        trips, capital=Decimal(1000), start=start, end=start + 5 * NS_PER_DAY - 1, currency="USD", settings=COINS
    )
    # Days end at 1,050, 945, 945, 945 and 975: a day without a closing has a return of 0.
    returns = np.array([0.05, -0.1, 0, 0, 975 / 945 - 1])
    assert metrics.days == 5
    assert metrics.total_return == pytest.approx(-0.025)
    assert metrics.sharpe == pytest.approx(returns.mean() / returns.std(ddof=1) * 365**0.5)
    assert metrics.max_drawdown == pytest.approx(0.1)
    assert metrics.max_drawdown_amount == Decimal("105.00")


def test_a_market_that_rests_has_no_weekends_among_its_closed_days():
    friday = TUESDAY_10H // NS_PER_DAY * NS_PER_DAY + 3 * NS_PER_DAY
    trips = [a_trip("10.00", closed_at=friday + HOUR), a_trip("-5.00", closed_at=friday + 2 * NS_PER_DAY + 23 * HOUR)]
    metrics = measure_closed(trips, capital=Decimal(1000), start=friday, end=friday + 4 * NS_PER_DAY, currency="USD")
    # Friday 1.0 %; what was closed on Sunday night belongs to Monday; Tuesday has begun.
    assert metrics.days == 3
    returns = np.array([0.01, -5 / 1010, 0])
    assert metrics.sharpe == pytest.approx(returns.mean() / returns.std(ddof=1) * 252**0.5)


@pytest.mark.parametrize(("what", "closings"), [
    ("nothing closed",           []),
    ("all at the first instant", [0, 0]),
    ("closed before the start",  [-5]),
])  # fmt: skip
def test_the_edges_of_a_closed_equity_lose_no_money(what: str, closings: list[int]):
    trips = [a_trip("10.00", closed_at=TUESDAY_10H + hours * HOUR) for hours in closings]
    metrics = measure_closed(
        trips, capital=Decimal(100), start=TUESDAY_10H, end=TUESDAY_10H, currency="USD", settings=COINS
    )
    assert metrics.final_equity == 100 + 10 * len(closings), what
    assert metrics.sharpe is None


def test_a_capital_of_nothing_has_no_returns():
    metrics = measure_closed(
        [a_trip()], capital=Decimal(0), start=TUESDAY_10H, end=TUESDAY_10H + 5 * NS_PER_DAY, currency="USD"
    )
    assert (metrics.total_return, metrics.annual_return, metrics.sharpe, metrics.volatility) == (None,) * 4
    assert metrics.max_drawdown == 0
    assert metrics.final_equity == Decimal("10.00")


def test_who_lost_everything_has_lost_everything_a_year():
    start = TUESDAY_10H
    metrics = measure_closed(
        [a_trip("-1000.00")], capital=Decimal(1000), start=start, end=start + 9 * NS_PER_DAY, currency="USD"
    )
    assert (metrics.total_return, metrics.max_drawdown) == (-1.0, 1.0)
    assert metrics.annual_return is None, "from nothing there are no returns"


def test_the_money_of_a_million_round_trips_is_exact():
    dice, count = np.random.default_rng(7), 1_000_000
    net = dice.integers(-10_000, 10_100, count)
    closed_at = np.sort(dice.integers(0, 365 * NS_PER_DAY, count)) + TUESDAY_10H
    columns = TripColumns(
        currency="USD",
        decimals=2,
        opened_at=closed_at - dice.integers(0, HOUR, count),
        closed_at=closed_at,
        net_pnl=net,
        fees=np.full(count, 7),
        swaps=np.zeros(count, np.int64),
        results=results_by_pnl(net, 2, "USD"),
        traded_values=np.full(count, 1000.0),
    )
    curve = COINS.curve()
    curve.extend(closed_at, 1e6 + np.cumsum(net) / 100)
    metrics = measure_columns(curve, columns, settings=COINS)
    assert metrics.tally.net_pnl == Decimal(sum(net.tolist())).scaleb(-2)
    assert metrics.tally.fees == 70_000
