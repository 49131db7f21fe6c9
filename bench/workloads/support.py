"""The support door over 1,000,000 orders of one user: figures, lists and single objects, in process and over HTTP."""

import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import numpy as np

from bench.figures import Figure, Options
from tradehall.adapters.executions import FileTrips
from tradehall.analytics.latency import NEVER
from tradehall.app.support.folding import FOLD_VERSION
from tradehall.app.support.measuring import (
    LATENCY_FIELDS,
    SLIPPAGE_FIELDS,
    Against,
    Grouping,
    measured_latency,
    measured_performance,
    measured_slippage,
)
from tradehall.domain.position import PositionSide
from tradehall.domain.time import NS_PER_MS, NS_PER_SECOND
from tradehall.ports.trips import BUY, Execution, ExecutionQuery, Trip, TripQuery, TripStatus, TripWrite

FIGURE_MS: Final = 300.0
PAGE_MS: Final = 50.0
OBJECT_MS: Final = 5.0
LOGIN: Final = 700_001
DEPLOYMENT: Final = 1
START: Final = 1_750_000_000_000_000_000
PER_WRITE: Final = 10_000
SYMBOLS: Final = ("EURUSD", "GBPUSD", "BTCUSD", "AAPL")


def run(options: Options) -> list[Figure]:
    """ms per answer, the middle of five."""
    count = options.scaled(1_000_000)
    with TemporaryDirectory() as folder:
        store = FileTrips(Path(folder))
        store.load(FOLD_VERSION)
        began = time.perf_counter()
        fill(store, count)
        filled = Figure(f"{count:,} trips and orders written", (time.perf_counter() - began) / count * 1e6, "us each")
        try:
            return [filled, *_figures(store, count), *_lists(store, count)]
        finally:
            store.close()


def fill(store: FileTrips, count: int) -> None:
    """So many ended round trips and their orders, a second apart."""
    dice = np.random.default_rng(1)
    for first in range(0, count, PER_WRITE):
        numbers = range(first, min(first + PER_WRITE, count))
        gains = dice.integers(-100, 101, len(numbers)).tolist()
        waits = dice.integers(1, 9 * NS_PER_MS, (4, len(numbers))).cumsum(axis=0).T.tolist()
        trips = {each + 1: _trip(each, gain) for each, gain in zip(numbers, gains, strict=True)}
        orders = [_execution(each, wait) for each, wait in zip(numbers, waits, strict=True)]
        store.write(0, [store.lines(TripWrite(trips, (), orders), {})])


def _trip(number: int, gain: int) -> Trip:
    at = START + number * NS_PER_SECOND
    return Trip(
        trip_id=number + 1, account_id=LOGIN, symbol=SYMBOLS[number % 4], side=PositionSide.LONG,
        status=TripStatus.CLOSED, quantity=Decimal(1000), currency="USD", taken_at=at, created_at=at, updated_at=at,
        deployment_id=DEPLOYMENT, keygen="bench", position_id=number + 1, entry_price=Decimal("1.1"),
        exit_price=Decimal("1.2"), closed_at=at + NS_PER_MS, exit_reason="signal", net_pnl=Decimal(gain) / 100,
        order_ids=(number + 1,),
    )  # fmt: skip


def _execution(number: int, wait: list[int]) -> Execution:
    at = START + number * NS_PER_SECOND
    return Execution(
        number + 1, LOGIN, DEPLOYMENT, "bench", SYMBOLS[number % 4], "USD", BUY, number + 1, at, at, at, at + wait[0],
        at + wait[1], at + wait[2], at + wait[3], NEVER, 1000.0, 1.1001, 1.1, 1.1, 1.09995, 1.1, 1.0, 0.00001,
    )  # fmt: skip


def _figures(store: FileTrips, count: int) -> list[Figure]:
    end = START + (count + 1) * NS_PER_SECOND

    def asked(fields: frozenset[str]) -> ExecutionQuery:
        return ExecutionQuery(accounts=(LOGIN,), since=START, until=end, fields=fields)

    trips = TripQuery(deployments=(DEPLOYMENT,))
    of = f"of {count:,} orders of one user"
    return [
        _timed(f"latency {of}", lambda: measured_latency(store, asked(LATENCY_FIELDS), 30, None, ""), FIGURE_MS),
        _timed(
            f"latency by hour {of}",
            lambda: measured_latency(store, asked(LATENCY_FIELDS), 30, Grouping.HOUR, ""), FIGURE_MS,
        ),
        _timed(
            f"slippage {of}",
            lambda: measured_slippage(store, asked(SLIPPAGE_FIELDS), Against.MID, 30, None, ""), FIGURE_MS,
        ),
        _timed(
            f"performance of {count:,} round trips",
            lambda: measured_performance(store, trips, "USD", capital=Decimal(1000), start=START, end=end), FIGURE_MS,
        ),
    ]  # fmt: skip


def _lists(store: FileTrips, count: int) -> list[Figure]:
    def page(**more: object) -> TripQuery:
        return TripQuery(accounts=(LOGIN,), **more)  # type: ignore[arg-type]

    def answered(query: TripQuery) -> Callable[[], object]:
        return lambda: (store.page(query), store.totals(query))

    return [
        _timed("a page of trades, newest first, with totals", answered(page()), PAGE_MS),
        _timed("a page by P&L of one symbol", answered(page(symbols=("EURUSD",), sort="net_pnl")), PAGE_MS),
        _timed("a page of the wins of a day", answered(page(
            results=("win",), taken_since=START, taken_until=START + 86_400 * NS_PER_SECOND)), PAGE_MS),
        _timed("one trade", lambda: store.trip(count // 2), OBJECT_MS),
    ]  # fmt: skip


def _timed(what: str, answer: Callable[[], object], promise: float) -> Figure:
    spans = []
    for _ in range(5):
        began = time.perf_counter()
        answer()
        spans.append((time.perf_counter() - began) * 1000)
    return Figure(what, sorted(spans)[2], "ms", promise)
