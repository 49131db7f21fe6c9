"""Runs to report on: made of a seed, as plausible as they need to be to be looked at."""

from decimal import Decimal
from random import Random
from typing import Any, Final

import msgspec
import numpy as np

from tests.builders import LOGIN
from tradehall.analytics.metrics import MetricSettings, measure, measure_closed
from tradehall.analytics.months import monthly_returns
from tradehall.analytics.report import BacktestReport, Provenance, Series, Skipped, costs_of
from tradehall.analytics.round_trips import RoundTrip
from tradehall.analytics.thinning import Thinned
from tradehall.domain.money import ZERO
from tradehall.domain.position import PositionSide
from tradehall.domain.time import NS_PER_HOUR, from_rfc3339

START: Final = from_rfc3339("2022-01-03T00:00:00Z")
COINS: Final = MetricSettings(periods_per_year=365)
CAPITAL: Final = Decimal(10_000)


def a_report(*, seed: int = 5, hours: int = 17_500, round_trips: int = 120, **changes: Any) -> BacktestReport:
    """Hourly bars of two years, and round trips at their closes, in one of BTCUSDT."""
    prices = _prices(seed, hours)
    at = START + np.arange(hours, dtype=np.int64) * NS_PER_HOUR
    trips = _trips(Random(seed), at, prices, round_trips)
    curve = COINS.curve()
    curve.extend(at, _marked(at, prices, trips))
    line = Thinned(2_048)
    line.extend(at, prices)
    start, end = int(at[0]), int(at[-1])
    closed = measure_closed(trips, capital=CAPITAL, start=start, end=end, currency="USD", settings=COINS)
    plain = BacktestReport(
        strategy="EMA cross 20/50 with a stop at two ATR",
        strategy_id="7d1f3c1a-5b0e-4c83-9d57-2f6a3c6f0b11",
        version="0.1.0",
        start=start,
        end=end,
        currency="USD",
        symbols=("BTCUSDT",),
        metrics=measure(curve, trips, currency="USD", settings=COINS, buy_and_hold=float(prices[-1] / prices[0] - 1)),
        closed=closed,
        equity=Series.of(curve),
        prices={"BTCUSDT": Series.of(line)},
        monthly=monthly_returns(curve),
        round_trips=tuple(trips),
        costs=costs_of(trips, spread=Decimal("181.40"), slippage=Decimal("96.12")),
        skipped=Skipped(4 * hours, 6 * len(trips)),
        provenance=(
            Provenance(
                source="a synthetic walk, seed 5", symbol="BTCUSDT", timeframe="1h", rows=hours, first_at=start,
                last_at=end, digest="sha256:9f2c41d07be3",
            ),
        ),
        settings={"cash": "10,000.00 USD", "leverage": "1", "size": "all in, floor to 0.0001"},
        conventions={
            "orders fill": "at the next open",
            "inside a bar": "open, the nearer extreme, the other, close",
            "fees": "0.1 % of the notional, on both sides",
        },
    )  # fmt: skip
    return msgspec.structs.replace(plain, **changes)


def _prices(seed: int, hours: int) -> np.ndarray:
    dice = np.random.default_rng(seed)
    steps = dice.normal(0.00001, 0.005, hours) + 0.0002 * np.sin(np.arange(hours) / 900)
    return np.round(46_000 * np.exp(np.cumsum(steps)), 2)


def _trips(dice: Random, at: np.ndarray, prices: np.ndarray, count: int) -> list[RoundTrip]:
    trips: list[RoundTrip] = []
    gap = len(at) / max(1, count)
    for number in range(count):
        first = int(number * gap)
        last = min(len(at) - 1, first + max(1, int(gap * dice.uniform(0.2, 0.8))))
        side = dice.choice([PositionSide.LONG, PositionSide.LONG, PositionSide.SHORT])
        entry, out = (Decimal(str(prices[place])) for place in (first, last))
        quantity = Decimal("0.05")
        gross = (quantity * (out - entry) * (1 if side is PositionSide.LONG else -1)).quantize(Decimal("0.01"))
        is_open = number == count - 1 and count > 1
        fees = (quantity * (entry + (ZERO if is_open else out)) / 1000).quantize(Decimal("0.01"))
        trips.append(
            RoundTrip(
                round_trip_id=2**62 + number * 2,
                account_id=LOGIN,
                symbol="BTCUSDT",
                side=side,
                quantity=quantity,
                entry_price=entry,
                opened_at=int(at[first]),
                currency="USD",
                fees=fees,
                gross_pnl=ZERO if is_open else gross,
                net_pnl=-fees if is_open else gross - fees,
                exit_price=None if is_open else out,
                closed_at=None if is_open else int(at[last]),
                traded_value=quantity * (entry + out),
                exit_reason="" if is_open else dice.choice(["sl", "tp", "order"]),
            )
        )
    return trips


def _marked(at: np.ndarray, prices: np.ndarray, trips: list[RoundTrip]) -> np.ndarray:
    """Capital, what is closed, and what floats."""
    equity = np.full(len(at), float(CAPITAL))
    for trip in trips:
        sign = 1.0 if trip.side is PositionSide.LONG else -1.0
        closed_at = at[-1] + 1 if trip.closed_at is None else trip.closed_at
        floats = (at >= trip.opened_at) & (at < closed_at)
        equity[floats] += sign * float(trip.quantity) * (prices[floats] - float(trip.entry_price))
        equity[at >= closed_at] += float(trip.net_pnl)
    return equity
