"""Measuring executions and round trips of a store: plain functions of what it holds, for a thread of their own."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from enum import StrEnum
from typing import Final, NamedTuple, TypeVar

import numpy as np
from msgspec import Struct
from msgspec.structs import replace
from numpy.typing import NDArray

from tradehall.analytics.latency import (
    NEVER,
    LatencyColumns,
    LatencySummary,
    Nanoseconds,
    Stage,
    between,
    fill_stage,
    summaries,
    summary,
    whole,
)
from tradehall.analytics.metrics import (
    DEFAULTS,
    Metrics,
    MetricSettings,
    closed_equity,
    measure_columns,
)
from tradehall.analytics.slippage import SlippageColumns, SlippageSummary, slippage_summaries, slippage_summary
from tradehall.domain.money import ZERO, minor_unit
from tradehall.domain.time import NS_PER_HOUR
from tradehall.ports.trips import BUY, RESTS, ExecutionQuery, Executions, TripQuery, TripStatus, TripStore

EQUITY_POINTS_MAX: Final = 1_000
HOURS: Final = 24
OPEN_COUNTED_MAX: Final = 1_000
_STAMPS: Final = (
    "signal", "received", "decided", "journaled", "sent", "acknowledged", "first_fill",
)  # fmt: skip
_NAMES: Final = ("order_id", "trip_id", "symbol", "strategy", "currency", "flags", "decided")
LATENCY_FIELDS: Final = frozenset({*_STAMPS, *_NAMES})
SLIPPAGE_FIELDS: Final = frozenset(
    {*_NAMES, "first_fill", "quantity", "price", "decision", "arrival", "mid", "touch", "rate", "tick_size"}
)


T = TypeVar("T")


class Against(StrEnum):
    """What a fill is held against; the words are columns of Executions."""

    DECISION = "decision"
    ARRIVAL = "arrival"
    MID = "mid"
    TOUCH = "touch"


class Grouping(StrEnum):
    """By what orders are told apart."""

    SYMBOL = "symbol"
    STRATEGY = "strategy"
    HOUR = "hour"
    PROVIDER = "provider"


class LatencyRow(Struct, frozen=True):
    """One order; latencies in ns, None where a stage has not happened or says nothing of us."""

    trip_id: int
    order_id: int
    symbol: str
    at: int
    latency_ns: int | None
    decision_ns: int | None
    ack_ns: int | None
    fill_ns: int | None


class LatencyFigures(Struct, frozen=True):
    """`total` orders; the newest of them as rows; figures of those that are known, whole and by group."""

    total: int
    summary: LatencySummary | None
    rows: list[LatencyRow]
    groups: dict[str, LatencySummary]


class SlippageRow(Struct, frozen=True):
    """One order; positive is worse. None where nobody knows the reference, or no rate to the account's currency."""

    trip_id: int
    order_id: int
    symbol: str
    is_buy: bool
    at: int
    quantity: Decimal
    fill_price: Decimal
    reference: Decimal | None
    price: Decimal | None
    ticks: Decimal | None
    bps: float | None
    cost: Decimal | None
    currency: str


class SlippageFigures(Struct, frozen=True):
    """As LatencyFigures."""

    total: int
    summary: SlippageSummary | None
    rows: list[SlippageRow]
    groups: dict[str, SlippageSummary]


class Performance(Struct, frozen=True):
    """What a strategy's round trips brought. `curve`: (at ns UTC, equity), at most EQUITY_POINTS_MAX of it."""

    currency: str
    metrics: Metrics
    open_count: int
    is_adjusted: bool
    curve: list[tuple[int, Decimal]]


def measured_latency(
    store: TripStore, query: ExecutionQuery, limit: int, grouping: Grouping | None, provider: str
) -> LatencyFigures:
    """Latency of the orders of a query: the newest `limit` as rows, figures of all."""
    found = store.executions(replace(query, fields=frozenset({*_STAMPS, "flags", *_group_field(grouping)})))
    latencies = whole(_stamps_of(found))
    groups = {}
    if grouping is not None:
        groups = _named(summaries(latencies, _keys(found, grouping)), found, grouping, provider)
    last = store.executions(replace(query, newest=limit))
    return LatencyFigures(len(found), summary(latencies), _latency_rows(last), groups)


def _stamps_of(found: Executions) -> LatencyColumns:
    return LatencyColumns(np.array([found.columns[name] for name in _STAMPS]), found.columns["flags"] & RESTS != 0)


def _group_field(grouping: Grouping | None) -> tuple[str, ...]:
    """What a grouping has to look at beside the figures."""
    return (grouping.value,) if grouping in (Grouping.SYMBOL, Grouping.STRATEGY) else ()


def _latency_rows(found: Executions) -> list[LatencyRow]:
    """Newest first."""
    columns = _stamps_of(found)
    parts = (
        whole(columns), between(columns, Stage.SIGNAL, Stage.SENT), between(columns, Stage.SENT, Stage.ACKNOWLEDGED),
        fill_stage(columns),
    )  # fmt: skip
    return [_latency_row(found, row, [_known(part, row) for part in parts]) for row in range(len(found) - 1, -1, -1)]


def _latency_row(found: Executions, row: int, parts: Sequence[int | None]) -> LatencyRow:
    columns = found.columns
    symbol = found.names[columns["symbol"][row]]
    trip, order, at = (columns[name][row].item() for name in ("trip_id", "order_id", "decided"))
    return LatencyRow(trip, order, symbol, at, *parts)


def measured_slippage(
    store: TripStore, query: ExecutionQuery, against: Against, limit: int, grouping: Grouping | None, provider: str
) -> SlippageFigures:
    """Slippage of the orders of a query, likewise."""
    fields = {"flags", "currency", "price", "quantity", "rate", against.value, *_group_field(grouping)}
    if grouping is Grouping.HOUR:
        fields.add("decided")
    found = store.executions(replace(query, fields=frozenset(fields)))
    table = _slipped(found, against).table
    groups = {}
    if grouping is not None:
        groups = _named(slippage_summaries(table, _keys(found, grouping)), found, grouping, provider)
    last = store.executions(replace(query, newest=limit))
    slipped = _slipped(last, against)
    rows = [_slippage_row(last, row, against, slipped) for row in range(len(last) - 1, -1, -1)]
    return SlippageFigures(len(found), slippage_summary(table), rows, groups)


class _Slipped(NamedTuple):
    """Slippage in price, in bps, and what it cost: exact in `table`, NaN in `costs` where nobody knows."""

    worse: NDArray[np.float64]
    costs: NDArray[np.float64]
    table: SlippageColumns


def _slipped(found: Executions, against: Against) -> _Slipped:
    floats, columns = found.floats, found.columns
    reference, price = floats[against.value], floats["price"]
    worse = np.where(columns["flags"] & BUY != 0, price - reference, reference - price)
    with np.errstate(divide="ignore", invalid="ignore"):
        bps = np.where(reference > 0, worse / reference * 10_000, np.nan)
    # Floats of prices have 15 digits, and a cost is rounded to its minor unit order by order: sums are exact.
    units = np.array([float(minor_unit(name or "USD")) for name in found.names])[columns["currency"]]
    costs = worse * floats["quantity"] * floats["rate"] / units
    table = SlippageColumns(
        bps, np.rint(np.nan_to_num(costs)).astype(np.int64), columns["currency"], tuple(found.names)
    )
    return _Slipped(worse, costs, table)


def _slippage_row(found: Executions, row: int, against: Against, slipped: _Slipped) -> SlippageRow:
    worse, costs, table = slipped
    columns, floats = found.columns, found.floats
    currency = found.names[columns["currency"][row]]
    price = _exact(worse[row])
    tick = _exact(floats["tick_size"][row])
    return SlippageRow(
        trip_id=columns["trip_id"][row].item(),
        order_id=columns["order_id"][row].item(),
        symbol=found.names[columns["symbol"][row]],
        is_buy=bool(columns["flags"][row] & BUY),
        at=columns["decided"][row].item(),
        quantity=_exact(floats["quantity"][row]) or ZERO,
        fill_price=_exact(floats["price"][row]) or ZERO,
        reference=_exact(floats[against.value][row]),
        price=price,
        ticks=None if price is None or not tick else round(price / tick, 4),
        bps=None if np.isnan(table.bps[row]) else table.bps[row].item(),
        cost=None if np.isnan(costs[row]) else table.costs[row].item() * minor_unit(currency),
        currency=currency,
    )


def _keys(found: Executions, grouping: Grouping) -> Nanoseconds:
    if grouping is Grouping.HOUR:
        hours: Nanoseconds = found.columns["decided"] // NS_PER_HOUR % HOURS
        return hours
    if grouping is Grouping.PROVIDER:
        return np.zeros(len(found), np.int64)
    return found.columns[grouping.value]


def _named(groups: Mapping[int, T], found: Executions, grouping: Grouping, provider: str) -> dict[str, T]:
    def name(key: int) -> str:
        if grouping is Grouping.HOUR:
            return f"{key:02d}"
        return provider if grouping is Grouping.PROVIDER else found.names[key]

    return {name(key): told for key, told in groups.items()}


def measured_performance(
    store: TripStore, query: TripQuery, currency: str, *, capital: Decimal, start: int, end: int,
    settings: MetricSettings = DEFAULTS, is_adjusted: bool = True,
) -> Performance:  # fmt: skip
    """What the ended trips of a query brought, from `start` to `end` [ns UTC]; what is open is only counted."""
    found = store.sums(query, currency)
    still_open = store.page(
        TripQuery(deployments=query.deployments, statuses=(TripStatus.OPEN.value,), limit=OPEN_COUNTED_MAX)
    )
    by_money = np.sign(found.net_pnl).astype(np.int8)
    columns = found if is_adjusted else replace(found, results=by_money)
    curve = closed_equity(columns, capital=capital, start=start, end=end, settings=settings)
    metrics = measure_columns(curve, columns, open_since=[trip.taken_at for trip in still_open], settings=settings)
    order = np.argsort(found.closed_at, kind="stable")
    points = _points(found.closed_at[order], found.net_pnl[order], capital, start, minor_unit(currency))
    is_changed = is_adjusted and bool(np.any(found.results != by_money))
    return Performance(currency, metrics, len(still_open), is_changed, points)


def _points(
    at: NDArray[np.int64], net: NDArray[np.int64], capital: Decimal, start: int, unit: Decimal
) -> list[tuple[int, Decimal]]:
    """Capital at the start, then after every round trip; of many, evenly chosen ones and the last."""
    sums = np.cumsum(net)
    rows = np.unique(np.linspace(0, at.size - 1, min(at.size, EQUITY_POINTS_MAX - 1)).astype(np.int64))
    return [(start, capital), *((at[row].item(), capital + sums[row].item() * unit) for row in rows)]


def _known(latencies: Nanoseconds, row: int) -> int | None:
    value: int = latencies[row].item()
    return None if value == NEVER else value


def _exact(value: float) -> Decimal | None:
    """A float's shortest text, at most 10 decimals, as a price; None of none."""
    return None if np.isnan(value) else round(Decimal(repr(float(value))), 10).normalize()
