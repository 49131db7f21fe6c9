"""Executions: what becomes of each order on its way, in the columns that latency and slippage are made of."""

import math
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Final

import msgspec
from msgspec import Struct

from tradehall.analytics.latency import NEVER
from tradehall.app.support.attribution import Attribution
from tradehall.domain.fill import Fill
from tradehall.domain.ids import AccountId, OrderId
from tradehall.domain.instrument import Instrument
from tradehall.domain.market import Quote
from tradehall.domain.money import ZERO
from tradehall.domain.order import OrderRole, OrderType, Side
from tradehall.engine import events as ev
from tradehall.engine.conversion import QuoteOf, conversion_rate
from tradehall.engine.record import Record
from tradehall.ports.trips import BUY, EXIT, RESTS, Execution, FoldItem

UNKNOWN: Final = math.nan
_MARKETS: Final = frozenset({OrderType.MARKET})
_EXITS: Final = frozenset({OrderRole.STOP_LOSS, OrderRole.TAKE_PROFIT, OrderRole.LIQUIDATION})


class Way(Struct, gc=False, omit_defaults=True):
    """One order that may still be filled: its stamps [ns UTC], and sums of its fills."""

    order_id: OrderId
    account_id: AccountId
    symbol: str
    flags: int
    decided: int
    signal: int = NEVER
    received: int = NEVER
    journaled: int = NEVER
    acknowledged: int = NEVER
    first_fill: int = NEVER
    last_fill: int = NEVER
    deployment_id: int = 0
    strategy: str = ""
    wanted: Decimal | None = None
    bid: Decimal | None = None
    ask: Decimal | None = None
    quantity: Decimal = ZERO
    value: Decimal = ZERO
    touched: Decimal | None = ZERO
    rest: Decimal = ZERO
    rate: Decimal | None = None
    trip_id: int = 0


class Stamps(Struct, frozen=True, gc=False):
    """When a decision was asked for, when the request was here, and when it was durable [ns UTC]; -1 unknown."""

    signal: int = NEVER
    received: int = NEVER
    journaled: int = NEVER


_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder(Way).decode


class ExecutionFold:
    """Belongs to one caller at a time. `take` gives what changed since it was asked last."""

    def __init__(
        self, attribution: Attribution, instruments: Callable[[], Mapping[str, Instrument]],
        currency_of: Callable[[AccountId], str], quote_of: QuoteOf, items: Mapping[str, bytes],
    ) -> None:  # fmt: skip
        self._attribution = attribution
        self._instruments = instruments
        self._currency_of = currency_of
        self._quote_of = quote_of
        self._ways = {int(key[1:]): _decode(body) for key, body in items.items()}
        self._kept = set(self._ways)
        self._changed: dict[OrderId, Way] = {}

    def apply(self, record: Record, stamps: Stamps, trip_of: Callable[[OrderId], int]) -> None:
        """Fold one decision."""
        for event in record.events:
            if type(event) is ev.OrderAccepted:
                self._accepted(event, record, stamps)
            elif type(event) is ev.OrderFilled:
                self._filled(event.fill, record, stamps, trip_of(event.fill.order_id))
            elif type(event) is ev.OrderOpened:
                self._acknowledged(event.order_id, record.now, stamps)
            elif type(event) is ev.OrderCancelled or type(event) is ev.OrderExpired or type(event) is ev.OrderFailed:
                self._ended(event.order_id)

    def take(self) -> tuple[list[Execution], list[FoldItem]]:
        """Orders that changed, and what has to be remembered of those that may still be filled."""
        changed, self._changed = self._changed, {}
        rows = [self._row(way) for way in changed.values() if not way.flags & EXIT or way.quantity]
        items = []
        for order_id, way in changed.items():
            if order_id in self._ways:
                self._kept.add(order_id)
                items.append(FoldItem(f"x{order_id}", _encode(way)))
            elif order_id in self._kept:
                self._kept.discard(order_id)
                items.append(FoldItem(f"x{order_id}", None))
        return sorted(rows), items

    def _accepted(self, event: ev.OrderAccepted, record: Record, stamps: Stamps) -> None:
        terms = event.terms
        is_exit = event.role in _EXITS
        quote = self._quote(record, terms.symbol)
        rests = terms.type not in _MARKETS
        self._ways[event.order_id] = self._changed[event.order_id] = Way(
            event.order_id,
            terms.account_id,
            terms.symbol,
            (BUY if terms.side is Side.BUY else 0) | (RESTS if rests else 0) | (EXIT if is_exit else 0),
            record.now,
            NEVER if is_exit else stamps.signal,
            NEVER if is_exit else stamps.received,
            stamps.journaled,
            # The venue of this house has an order as soon as it is durable; another one says so itself.
            max(record.now, stamps.journaled),
            deployment_id=self._attribution.deployment_of(terms) or 0,
            strategy=terms.strategy_id or "",
            wanted=terms.limit_price if terms.limit_price is not None else terms.stop_price,
            bid=None if quote is None else quote.bid,
            ask=None if quote is None else quote.ask,
            rest=terms.quantity,
        )

    def _acknowledged(self, order_id: OrderId, now: int, stamps: Stamps) -> None:
        way = self._ways.get(order_id)
        if way is not None and way.first_fill == NEVER:
            # Nothing leaves the house before it is durable.
            way.acknowledged = max(now, stamps.journaled)
            self._changed[order_id] = way

    def _filled(self, fill: Fill, record: Record, stamps: Stamps, trip_id: int) -> None:
        way = self._ways.get(fill.order_id)
        if way is None:
            return
        at = max(fill.at, stamps.journaled)
        if way.first_fill == NEVER:
            way.first_fill = at
            way.rate = self._rate(fill, record)
        way.last_fill = at
        touch = fill.ask if fill.side is Side.BUY else fill.bid
        way.touched = None if touch is None or way.touched is None else way.touched + touch * fill.quantity
        way.quantity += fill.quantity
        way.value += fill.quantity * fill.price
        way.rest -= fill.quantity
        way.trip_id = way.trip_id or trip_id
        self._changed[fill.order_id] = way
        if way.rest <= 0:
            self._ended(fill.order_id)

    def _ended(self, order_id: OrderId) -> None:
        way = self._ways.pop(order_id, None)
        if way is not None:
            self._changed[order_id] = way

    def _quote(self, record: Record, symbol: str) -> Quote | None:
        """As the decision saw it, or else the latest."""
        return next((quote for quote in record.quotes if quote.symbol == symbol), None) or self._quote_of(symbol)

    def _rate(self, fill: Fill, record: Record) -> Decimal | None:
        instrument = self._instruments().get(fill.symbol)
        if instrument is None:
            return None
        seen = {quote.symbol: quote for quote in record.quotes}
        return conversion_rate(
            instrument.quote_currency,
            fill.commission_currency,
            lambda symbol: seen.get(symbol) or self._quote_of(symbol),
        )

    def _row(self, way: Way) -> Execution:
        instrument = self._instruments().get(way.symbol)
        touch = way.ask if way.flags & BUY else way.bid
        has_quote = way.bid is not None and way.ask is not None
        quantity = way.quantity
        return Execution(
            way.order_id,
            way.account_id,
            way.deployment_id,
            way.strategy,
            way.symbol,
            self._currency_of(way.account_id),
            way.flags,
            way.trip_id,
            way.signal,
            way.received,
            way.decided,
            way.journaled,
            max(way.decided, way.journaled),
            way.acknowledged,
            way.first_fill,
            way.last_fill,
            float(quantity),
            float(way.value / quantity) if quantity else UNKNOWN,
            _float(way.wanted if way.wanted is not None else touch),
            _float(touch),
            _float((way.bid + way.ask) / 2 if has_quote and way.bid is not None and way.ask is not None else None),
            _float(way.touched / quantity if quantity and way.touched is not None else None),
            _float(way.rate),
            _float(None if instrument is None else instrument.tick_size),
        )


def _float(value: Decimal | None) -> float:
    return UNKNOWN if value is None else float(value)
