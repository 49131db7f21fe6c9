"""Figures of a support desk: latency and slippage of a user's orders, performance of a strategy's round trips."""

import asyncio
from collections.abc import Mapping, Sequence
from decimal import Decimal
from enum import StrEnum
from typing import Final, TypeVar

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from tradehall.analytics.columns import TripColumns
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
    DAYS_OF_MARKETS_THAT_DO_NOT,
    DAYS_OF_MARKETS_THAT_REST,
    Metrics,
    MetricSettings,
    closed_equity,
    measure_columns,
)
from tradehall.analytics.slippage import SlippageColumns, SlippageSummary, slippage_summaries, slippage_summary
from tradehall.app.deployments.ledgers import Ledgers
from tradehall.app.desk import Desk
from tradehall.app.records.deployments import Deployment
from tradehall.app.support.keeping import TripKeeper
from tradehall.app.support.refusals import SupportCode, SupportRefused
from tradehall.domain.instrument import AssetClass
from tradehall.domain.money import ZERO, minor_unit
from tradehall.domain.time import NS_PER_HOUR
from tradehall.ports.trips import BUY, RESTS, ExecutionQuery, Executions, TripQuery, TripStatus, TripStore

EQUITY_POINTS_MAX: Final = 1_000
HOURS: Final = 24
_STAMPS: Final = (
    "signal", "received", "decided", "journaled", "sent", "acknowledged", "first_fill", "last_fill",
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


class ExecutionFigures:
    """Reads columns in a thread; a million orders take some tens of milliseconds."""

    def __init__(self, desk: Desk, keeper: TripKeeper, store: TripStore, provider: str) -> None:
        self._desk = desk
        self._keeper = keeper
        self._store = store
        self._provider = provider

    async def latency(self, query: ExecutionQuery, *, limit: int, grouping: Grouping | None) -> LatencyFigures:
        """Latency of the orders of a query."""
        await self._refresh()
        return await asyncio.to_thread(self._latency, query, limit, grouping)

    async def slippage(
        self, query: ExecutionQuery, against: Against, *, limit: int, grouping: Grouping | None
    ) -> SlippageFigures:
        """Slippage of the filled orders of a query."""
        await self._refresh()
        return await asyncio.to_thread(self._slippage, query, against, limit, grouping)

    async def _refresh(self) -> None:
        await self._desk.settled()
        await self._keeper.flush()

    def _latency(self, query: ExecutionQuery, limit: int, grouping: Grouping | None) -> LatencyFigures:
        found = self._store.executions(query)
        columns = LatencyColumns(
            np.array([found.columns[name] for name in _STAMPS]), found.columns["flags"] & RESTS != 0
        )
        latencies = whole(columns)
        newest = range(len(found) - 1, max(-1, len(found) - 1 - limit), -1)
        parts = (
            latencies, between(columns, Stage.SIGNAL, Stage.SENT), between(columns, Stage.SENT, Stage.ACKNOWLEDGED),
            fill_stage(columns),
        )  # fmt: skip
        rows = [self._latency_row(found, row, [_known(part, row) for part in parts]) for row in newest]
        groups = {}
        if grouping is not None:
            keys = self._keys(found, grouping)
            groups = self._named(summaries(latencies, keys), found, grouping)
        return LatencyFigures(len(found), summary(latencies), rows, groups)

    def _latency_row(self, found: Executions, row: int, parts: Sequence[int | None]) -> LatencyRow:
        columns = found.columns
        symbol = found.names[columns["symbol"][row]]
        trip, order, at = (columns[name][row].item() for name in ("trip_id", "order_id", "decided"))
        return LatencyRow(trip, order, symbol, at, *parts)

    def _slippage(
        self, query: ExecutionQuery, against: Against, limit: int, grouping: Grouping | None
    ) -> SlippageFigures:
        found = self._store.executions(query)
        floats, columns = found.floats, found.columns
        reference, price = floats[against.value], floats["price"]
        worse = np.where(columns["flags"] & BUY != 0, price - reference, reference - price)
        with np.errstate(divide="ignore", invalid="ignore"):
            bps = np.where(reference > 0, worse / reference * 10_000, np.nan)
        names, places = np.unique(columns["currency"], return_inverse=True)
        currencies = tuple(found.names[each] for each in names)
        # Floats of prices have 15 digits, and a cost is rounded to its minor unit order by order: sums are exact.
        units = np.array([float(minor_unit(each)) for each in currencies] or [1.0])[places]
        costs = worse * floats["quantity"] * floats["rate"] / units
        minors = np.rint(np.nan_to_num(costs)).astype(np.int64)
        table = SlippageColumns(bps, minors, places.astype(np.int64), currencies)
        newest = range(len(found) - 1, max(-1, len(found) - 1 - limit), -1)
        rows = [self._slippage_row(found, row, against, worse, bps, costs, minors) for row in newest]
        groups = {}
        if grouping is not None:
            keys = self._keys(found, grouping)
            groups = self._named(slippage_summaries(table, keys), found, grouping)
        return SlippageFigures(len(found), slippage_summary(table), rows, groups)

    def _slippage_row(
        self, found: Executions, row: int, against: Against, worse: NDArray[np.float64], bps: NDArray[np.float64],
        costs: NDArray[np.float64], minors: NDArray[np.int64],
    ) -> SlippageRow:  # fmt: skip
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
            bps=None if np.isnan(bps[row]) else bps[row].item(),
            cost=None if np.isnan(costs[row]) else minors[row].item() * minor_unit(currency),
            currency=currency,
        )

    def _keys(self, found: Executions, grouping: Grouping) -> Nanoseconds:
        if grouping is Grouping.HOUR:
            hours: Nanoseconds = found.columns["decided"] // NS_PER_HOUR % HOURS
            return hours
        if grouping is Grouping.PROVIDER:
            return np.zeros(len(found), np.int64)
        return found.columns[grouping.value]

    def _named(self, groups: Mapping[int, T], found: Executions, grouping: Grouping) -> dict[str, T]:
        def name(key: int) -> str:
            if grouping is Grouping.HOUR:
                return f"{key:02d}"
            return self._provider if grouping is Grouping.PROVIDER else found.names[key]

        return {name(key): told for key, told in groups.items()}


class PerformanceFigures:
    """Measures round trips with the very functions that a backtest's report is made with."""

    def __init__(self, desk: Desk, keeper: TripKeeper, store: TripStore, ledgers: Ledgers) -> None:
        self._desk = desk
        self._keeper = keeper
        self._store = store
        self._ledgers = ledgers

    async def of(
        self, deployments: Sequence[Deployment], *, since: int | None, until: int | None, is_adjusted: bool
    ) -> Performance:
        """Of all these deployments together; SupportRefused MIXED_CURRENCIES where they are not in one currency."""
        await self._desk.settled()
        await self._keeper.flush()
        numbers = tuple(each.deployment_id for each in deployments) or (-1,)
        query = TripQuery(deployments=numbers, closed_since=since, closed_until=until)
        currencies = await asyncio.to_thread(self._store.currencies, query)
        if len(currencies) > 1:
            message = f"the trades are in {', '.join(currencies)}: name one deployment"
            raise SupportRefused(SupportCode.MIXED_CURRENCIES, message, {"currencies": currencies})
        currency = currencies[0] if currencies else self._currency_of(deployments)
        return await asyncio.to_thread(self._measured, deployments, query, currency, is_adjusted)

    def _measured(
        self, deployments: Sequence[Deployment], query: TripQuery, currency: str, is_adjusted: bool
    ) -> Performance:
        found = self._store.sums(query, currency)
        still_open = self._store.page(
            TripQuery(deployments=query.deployments, statuses=(TripStatus.OPEN.value,), limit=1_000)
        )
        results = found.results if is_adjusted else np.sign(found.net_pnl).astype(np.int8)
        columns = TripColumns(
            currency, -_exponent(currency), found.opened_at, found.closed_at, found.net_pnl, found.fees, found.swaps,
            results, found.traded_values,
        )  # fmt: skip
        started = min((each.created_at for each in deployments), default=self._desk.clock.now())
        start = query.closed_since if query.closed_since is not None else started
        end = query.closed_until if query.closed_until is not None else self._desk.clock.now()
        settings = MetricSettings(periods_per_year=self._days(deployments))
        capital = self._capital(deployments)
        curve = closed_equity(columns, capital=capital, start=start, end=max(start, end), settings=settings)
        metrics = measure_columns(curve, columns, open_since=[trip.taken_at for trip in still_open], settings=settings)
        points = _points(found.closed_at, found.net_pnl, capital, start, minor_unit(currency))
        is_changed = bool(np.any(found.results != np.sign(found.net_pnl)))
        return Performance(currency, metrics, len(still_open), is_adjusted and is_changed, points)

    def _capital(self, deployments: Sequence[Deployment]) -> Decimal:
        """What they began with: shares of budgets, or else the balance of each account when the first began there."""
        total, seen = ZERO, set[int]()
        for each in deployments:
            ledger = self._ledgers.get(each.deployment_id)
            if each.budget is not None:
                total += each.budget.allocated
            elif ledger is not None and each.account_id not in seen:
                seen.add(each.account_id)
                total += ledger.capital
        return total

    def _currency_of(self, deployments: Sequence[Deployment]) -> str:
        accounts = (self._desk.state.accounts.get(each.account_id) for each in deployments)
        return next((account.terms.currency for account in accounts if account is not None), "USD")

    def _days(self, deployments: Sequence[Deployment]) -> int:
        """Trading days of a year: markets in coins never rest."""
        instruments = self._desk.state.instruments
        symbols = {symbol for each in deployments for symbol in each.symbols}
        is_crypto = symbols and all(
            symbol in instruments and instruments[symbol].asset_class is AssetClass.CRYPTO for symbol in symbols
        )
        return DAYS_OF_MARKETS_THAT_DO_NOT if is_crypto else DAYS_OF_MARKETS_THAT_REST


def _points(
    at: NDArray[np.int64], net: NDArray[np.int64], capital: Decimal, start: int, unit: Decimal
) -> list[tuple[int, Decimal]]:
    """Capital at the start, then after every round trip; of many, evenly chosen ones and the last."""
    sums = np.cumsum(net)
    rows = np.unique(np.linspace(0, at.size - 1, min(at.size, EQUITY_POINTS_MAX - 1)).astype(np.int64))
    return [(start, capital), *((at[row].item(), capital + sums[row].item() * unit) for row in rows)]


def _exponent(currency: str) -> int:
    exponent = minor_unit(currency).as_tuple().exponent
    assert isinstance(exponent, int), f"{currency} has no minor unit"
    return exponent


def _known(latencies: Nanoseconds, row: int) -> int | None:
    value: int = latencies[row].item()
    return None if value == NEVER else value


def _exact(value: float) -> Decimal | None:
    """A float's shortest text, at most 10 decimals, as a price; None of none."""
    return None if np.isnan(value) else round(Decimal(repr(float(value))), 10).normalize()
