"""Figures over 1,000,000 orders and round trips in columns, and the page of a report with 10,000."""

import time
from collections.abc import Callable
from decimal import Decimal

import numpy as np

from bench.figures import Figure, Options
from tradehall.analytics.columns import TripColumns, results_by_pnl
from tradehall.analytics.latency import LatencyColumns, Stage, between, summaries, summary, whole
from tradehall.analytics.metrics import DEFAULTS, Metrics, closed_equity, measure_columns
from tradehall.analytics.slippage import SlippageColumns, slippage_summaries, slippage_summary
from tradehall.domain.time import NS_PER_DAY, NS_PER_HOUR

BOUND_MS = 300.0
USERS = 1_000
START = 1_750_000_000_000_000_000


def run(options: Options) -> list[Figure]:
    """ms of the processor per answer."""
    count = options.scaled(1_000_000)
    dice = np.random.default_rng(1)
    stamps = START + np.cumsum(dice.integers(0, 10_000_000, (len(Stage), count)), axis=0)
    orders = LatencyColumns(stamps, dice.random(count) < 0.5)
    users = dice.integers(0, USERS, count)
    costs, currencies = dice.integers(-100, 100, count), dice.integers(0, 2, count)
    slipped = SlippageColumns(dice.normal(size=count), costs, currencies, ("EUR", "USD"))
    trips = _trips(dice, count)
    return [
        _figure(f"latency of {count:,} orders", lambda: summary(whole(orders))),
        _figure("from sent to acknowledged", lambda: summary(between(orders, Stage.SENT, Stage.ACKNOWLEDGED))),
        _figure(f"latency by {USERS:,} users", lambda: summaries(whole(orders), users)),
        _figure(f"slippage of {count:,} orders", lambda: slippage_summary(slipped)),
        _figure(f"slippage by {USERS:,} users", lambda: slippage_summaries(slipped, users)),
        _figure(f"performance over {count:,} round trips", lambda: _performance(trips)),
    ]


def _trips(dice: np.random.Generator, count: int) -> TripColumns:
    net = dice.integers(-10_000, 10_100, count)
    closed_at = START + np.sort(dice.integers(0, 365 * NS_PER_DAY, count))
    return TripColumns(
        currency="USD",
        decimals=2,
        opened_at=closed_at - dice.integers(0, NS_PER_HOUR, count),
        closed_at=closed_at,
        net_pnl=net,
        fees=np.full(count, 7),
        swaps=np.zeros(count, np.int64),
        results=results_by_pnl(net, 2, "USD"),
        traded_values=np.full(count, 1_000.0),
    )


def _performance(trips: TripColumns) -> Metrics:
    end = START + 365 * NS_PER_DAY
    curve = closed_equity(trips, capital=Decimal(1_000_000), start=START, end=end, settings=DEFAULTS)
    return measure_columns(curve, trips)


def _figure(what: str, answer: Callable[[], object]) -> Figure:
    took = []
    for _ in range(5):
        started = time.process_time_ns()
        answer()
        took.append((time.process_time_ns() - started) / 1e6)
    return Figure(what, sorted(took)[2], "ms", BOUND_MS)
