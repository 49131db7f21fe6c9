"""Slippage of orders: what the fill was worse than a reference price, signed by side. docs/metrics.md#slippage"""

from collections.abc import Sequence
from decimal import Decimal
from enum import StrEnum

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from tradehall.analytics.floats import approximate
from tradehall.analytics.ranks import by_group, nearest_rank
from tradehall.domain.fill import Fill
from tradehall.domain.market import Quote
from tradehall.domain.money import ZERO, minor_unit, round_floating, round_money
from tradehall.domain.order import OrderTerms, OrderType, Side


class Reference(StrEnum):
    """What a fill is held against.

    DECISION: the order's own limit or stop price, or else the touch its strategy saw. ARRIVAL: the touch when
    the engine had the order. MID: the middle then. TOUCH: the touch at the very fill.
    """

    DECISION = "DECISION"
    ARRIVAL = "ARRIVAL"
    MID = "MID"
    TOUCH = "TOUCH"


class Slippage(Struct, frozen=True, gc=False):
    """What an order's fills were worse than `reference`; positive is worse for the trader, negative better.

    `price` [quote currency per unit]; `ticks`; `bps` of the reference, None where it is not positive; `cost`
    [`currency`] = price × quantity × conversion rate, to the minor unit half-even.
    """

    reference: Decimal
    fill_price: Decimal
    quantity: Decimal
    price: Decimal
    ticks: Decimal
    bps: float | None
    cost: Decimal
    currency: str


def slippage(
    fills: Sequence[Fill], reference: Decimal, *, tick_size: Decimal, rate: Decimal, currency: str
) -> Slippage:
    """Slippage of one order's `fills` against `reference`. Asserts at least one fill.

    `rate`: account currency (`currency`) per quote currency. The fill price is volume-weighted.
    """
    assert fills, "an order without a fill has no slippage"
    quantity = sum((fill.quantity for fill in fills), ZERO)
    value = sum((fill.quantity * fill.price for fill in fills), ZERO)
    worse = value - reference * quantity
    if fills[0].side is Side.SELL:
        worse = -worse
    price = worse / quantity
    return Slippage(
        reference=round_floating(reference),
        fill_price=round_floating(value / quantity),
        quantity=quantity,
        price=round_floating(price),
        ticks=round_floating(price / tick_size),
        bps=approximate(price / reference * 10_000) if reference > 0 else None,
        cost=round_money(worse * rate, currency),
        currency=currency,
    )


def reference_prices(
    terms: OrderTerms, fills: Sequence[Fill], *, at_signal: Quote | None, at_arrival: Quote | None
) -> dict[Reference, Decimal | None]:
    """What an order's fills can be held against; None where nobody kept the quote.

    `at_signal`: the quote when the strategy decided; `at_arrival`: when the engine had the order.
    """
    return {
        Reference.DECISION: decision_price(terms, at_signal),
        Reference.ARRIVAL: None if at_arrival is None else touch(terms.side, at_arrival),
        Reference.MID: None if at_arrival is None else (at_arrival.bid + at_arrival.ask) / 2,
        Reference.TOUCH: touch_of_fills(fills),
    }


def decision_price(terms: OrderTerms, quote: Quote | None) -> Decimal | None:
    """The price that was wanted: a limit or stop price, else the touch of the quote at the signal; None unknown."""
    match terms.type:
        case OrderType.LIMIT | OrderType.STOP_LIMIT:
            return terms.limit_price
        case OrderType.STOP:
            return terms.stop_price
        case _:
            return None if quote is None else touch(terms.side, quote)


def touch(side: Side, quote: Quote) -> Decimal:
    """The side of the book that an order of `side` meets: buys the ask, sells the bid."""
    return quote.ask if side is Side.BUY else quote.bid


def touch_of_fills(fills: Sequence[Fill]) -> Decimal | None:
    """The touch of each fill's own quote, weighted by units; None where one has no quote."""
    weighted, quantity = ZERO, ZERO
    for fill in fills:
        touched = fill.ask if fill.side is Side.BUY else fill.bid
        if touched is None:
            return None
        weighted += touched * fill.quantity
        quantity += fill.quantity
    return weighted / quantity if quantity else None


class SlippageColumns(Struct, frozen=True):
    """Slippages against one reference, a row per order: what `slippage` said, kept in columns.

    `bps` float64, NaN where it has no value; `costs` int64 in minor units, so that their sum is that of the rows;
    `currencies` index into `currency_names`.
    """

    bps: NDArray[np.float64]
    costs: NDArray[np.int64]
    currencies: NDArray[np.int64]
    currency_names: tuple[str, ...]

    @classmethod
    def of(cls, rows: Sequence[Slippage]) -> "SlippageColumns":
        """From slippages of single orders."""
        names = tuple(sorted({row.currency for row in rows}))
        return cls(
            bps=np.array([np.nan if row.bps is None else row.bps for row in rows], np.float64),
            costs=np.array([int(row.cost / minor_unit(row.currency)) for row in rows], np.int64),
            currencies=np.array([names.index(row.currency) for row in rows], np.int64),
            currency_names=names,
        )


class SlippageSummary(Struct, frozen=True, gc=False):
    """Of `count` orders with a value in basis points; `worst_bps` is the largest. `total_cost` by currency: of all."""

    count: int
    mean_bps: float
    median_bps: float
    p95_bps: float
    worst_bps: float
    total_cost: dict[str, Decimal]


def slippage_summary(columns: SlippageColumns) -> SlippageSummary | None:
    """What the slippages come to; percentiles by nearest rank. None of none."""
    known = columns.bps[~np.isnan(columns.bps)]
    if not known.size:
        return None
    median, p95, worst = nearest_rank(known, (50, 95, 100))
    return SlippageSummary(
        known.size, known.mean().item(), median.item(), p95.item(), worst.item(), _total_cost(columns)
    )


def slippage_summaries(columns: SlippageColumns, groups: NDArray[np.int64]) -> dict[int, SlippageSummary]:
    """A summary per group: user, strategy, symbol, provider, hour. Groups without a value are left out."""
    rows = np.arange(groups.size, dtype=np.int64)
    parts = ((group, slippage_summary(_rows_of(columns, picked))) for group, picked in by_group(rows, groups))
    return {group: told for group, told in parts if told is not None}


def _rows_of(columns: SlippageColumns, rows: NDArray[np.int64]) -> SlippageColumns:
    names = columns.currency_names
    return SlippageColumns(columns.bps[rows], columns.costs[rows], columns.currencies[rows], names)


def _total_cost(columns: SlippageColumns) -> dict[str, Decimal]:
    """Exact: int64 minor units are added as they are."""
    totals = {}
    for index, name in enumerate(columns.currency_names):
        mine = columns.costs[columns.currencies == index]
        if mine.size:
            totals[name] = int(mine.sum()) * minor_unit(name)
    return totals
