"""Round trips: a position from entry to flat, folded from the engine's events."""

from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any, Final

from msgspec import Struct

from tradehall.domain.fill import Fill
from tradehall.domain.ids import AccountId, OrderId, PositionId
from tradehall.domain.money import ZERO, round_floating, round_money
from tradehall.domain.position import Position, PositionSide
from tradehall.engine import events as ev

# A net position may live for years; of the orders that built it the first are named.
ORDER_IDS_MAX: Final = 1_000


class RoundTrip(Struct, frozen=True, gc=False, omit_defaults=True, kw_only=True):
    """A position from entry to flat, or as far as it has come (`closed_at` None).

    `round_trip_id` is the position's number, which is the number of the order that opened it. `quantity`
    [units]: the most that was open at once. Prices [quote currency per unit] are volume-weighted over all
    fills that entered or left, at most 10 decimals. Instants ns UTC. Money in `currency`, the account's:
    `gross_pnl` as booked; `fees` positive when charged; `swaps` signed, with all else that holding brought
    or cost (dividends); `net_pnl` = gross_pnl - fees + swaps. While it is open: what is booked so far.
    `traded_value` [quote currency]: sum of quantity × price over all its fills.
    `mae`, `mfe` [quote currency per unit]: how far the price went against and for the entry price,
    never negative; None where nobody looked (`with_excursions`).
    """

    round_trip_id: PositionId
    account_id: AccountId
    symbol: str
    side: PositionSide
    quantity: Decimal
    entry_price: Decimal
    opened_at: int
    currency: str
    strategy_id: str | None = None
    exit_price: Decimal | None = None
    closed_at: int | None = None
    gross_pnl: Decimal = ZERO
    fees: Decimal = ZERO
    swaps: Decimal = ZERO
    net_pnl: Decimal = ZERO
    traded_value: Decimal = ZERO
    order_ids: tuple[OrderId, ...] = ()
    entry_reason: str = ""
    exit_reason: str = ""
    mae: Decimal | None = None
    mfe: Decimal | None = None

    @property
    def holding_ns(self) -> int | None:
        """Time from entry to flat [ns]; None while it is open."""
        return None if self.closed_at is None else self.closed_at - self.opened_at


class OpenTrip(Struct, gc=False, kw_only=True):
    """A round trip in the making: sums of what has entered and left. Encodable, so that a fold can be kept."""

    round_trip_id: PositionId
    account_id: AccountId
    symbol: str
    side: PositionSide
    opened_at: int
    currency: str
    strategy_id: str | None = None
    entry_reason: str = ""
    open_quantity: Decimal = ZERO
    open_cost: Decimal = ZERO
    peak_quantity: Decimal = ZERO
    entered_quantity: Decimal = ZERO
    entered_value: Decimal = ZERO
    left_quantity: Decimal = ZERO
    left_value: Decimal = ZERO
    gross_pnl: Decimal = ZERO
    fees: Decimal = ZERO
    swaps: Decimal = ZERO
    order_ids: list[OrderId] = []

    @classmethod
    def of(cls, position: Position, currency: str) -> "OpenTrip":
        """The round trip of a position that has just been opened, before its first units are entered."""
        return cls(
            round_trip_id=position.position_id,
            account_id=position.account_id,
            symbol=position.symbol,
            side=position.side,
            opened_at=position.opened_at,
            currency=currency,
            strategy_id=position.strategy_id,
            entry_reason=position.comment,
            open_cost=position.cost,
        )

    def enter(self, quantity: Decimal, value: Decimal, *, fee: Decimal, order_id: OrderId) -> None:
        """`quantity` units came in for `value` [quote currency]."""
        self.entered_quantity += quantity
        self.entered_value += value
        self.open_quantity += quantity
        self.peak_quantity = max(self.peak_quantity, self.open_quantity)
        self._paid(fee, order_id)

    def leave(self, quantity: Decimal, value: Decimal, *, gross_pnl: Decimal, fee: Decimal, order_id: OrderId) -> None:
        """`quantity` units went out for `value` [quote currency] and brought `gross_pnl` [account currency]."""
        self.left_quantity += quantity
        self.left_value += value
        self.open_quantity -= quantity
        self.gross_pnl += gross_pnl
        self._paid(fee, order_id)

    def was_split(self, position: Position) -> bool:
        """Whether the position has other units at the cost it had: no fill does that."""
        return position.cost == self.open_cost and position.quantity != self.open_quantity

    def split(self, quantity: Decimal) -> None:
        """A share split: what was open is `quantity` units now and cost what it did; so with all that went before."""
        ratio = quantity / self.open_quantity
        self.open_quantity = quantity
        self.peak_quantity *= ratio
        self.entered_quantity *= ratio
        self.left_quantity *= ratio

    def seen(self, *, closed_at: int | None = None, exit_reason: str = "") -> RoundTrip:
        """The round trip as it stands; with `closed_at`, as it ended."""
        left = self.left_quantity
        return RoundTrip(
            round_trip_id=self.round_trip_id,
            account_id=self.account_id,
            symbol=self.symbol,
            side=self.side,
            quantity=self.peak_quantity,
            entry_price=round_floating(self.entered_value / self.entered_quantity),
            opened_at=self.opened_at,
            currency=self.currency,
            strategy_id=self.strategy_id,
            exit_price=round_floating(self.left_value / left) if left else None,
            closed_at=closed_at,
            gross_pnl=self.gross_pnl,
            fees=self.fees,
            swaps=self.swaps,
            net_pnl=self.gross_pnl - self.fees + self.swaps,
            traded_value=self.entered_value + self.left_value,
            order_ids=tuple(self.order_ids),
            entry_reason=self.entry_reason,
            exit_reason=exit_reason,
        )

    def _paid(self, fee: Decimal, order_id: OrderId) -> None:
        self.fees += fee
        ids = self.order_ids
        if (not ids or ids[-1] != order_id) and len(ids) < ORDER_IDS_MAX and order_id not in ids:
            ids.append(order_id)


class Shares:
    """Splits the commission of one fill among what it closed and what it opened; the parts sum to the whole."""

    def __init__(self, quantity: Decimal, amount: Decimal, currency: str) -> None:
        self._whole = (quantity, amount, currency)
        self._quantity_left = quantity
        self._amount_left = amount

    def take(self, quantity: Decimal) -> Decimal:
        """The amount of `quantity` of the units, to the minor unit half-even; the last to take gets the rest."""
        units, amount, currency = self._whole
        share = self._amount_left
        if quantity != self._quantity_left:
            share = round_money(amount * quantity / units, currency)
        self._quantity_left -= quantity
        self._amount_left -= share
        return share


class RoundTrips:
    """The fold: events in, in the order of the journal; a round trip out at each position that goes flat.

    Partial closes and additions stay in the round trip; a fill that turns a net position round ends one
    and begins another, and its commission is split by units. A net position belongs to no strategy: what
    strategies made of it is told by `book_trips`. Holds nothing but open round trips.
    """

    def __init__(self, open_trips: Iterable[OpenTrip] = ()) -> None:
        """`open_trips`: those of a fold that was kept, to go on from there."""
        self.open_trips = {trip.round_trip_id: trip for trip in open_trips}
        self._fill: Fill | None = None
        self._fees = Shares(ZERO, ZERO, "")

    def apply(self, event: ev.AnyEvent) -> RoundTrip | None:
        """Fold one event; the round trip that ended by it, if one did."""
        fold = _FOLDS.get(type(event))
        return None if fold is None else fold(self, event)

    def unfinished(self) -> list[RoundTrip]:
        """What is still open, oldest first, with what is booked so far."""
        return [trip.seen() for trip in self.open_trips.values()]

    def _filled(self, event: ev.OrderFilled) -> None:
        fill = event.fill
        self._fill, self._fees = fill, Shares(fill.quantity, fill.commission, fill.commission_currency)

    def _opened(self, event: ev.PositionOpened) -> None:
        position, fill = event.position, self._fill_behind(event.position)
        trip = OpenTrip.of(position, fill.commission_currency)
        trip.enter(position.quantity, position.cost, fee=self._fees.take(position.quantity), order_id=fill.order_id)
        self.open_trips[position.position_id] = trip

    def _changed(self, event: ev.PositionChanged) -> None:
        position, part, trip = event.position, event.part, self._trip_of(event.position)
        if part is not None:
            value, fee = part.quantity * part.exit_price, self._fees.take(part.quantity)
            trip.leave(part.quantity, value, gross_pnl=part.realized_pnl, fee=fee, order_id=part.order_id)
        elif trip.was_split(position):
            trip.split(position.quantity)
        elif position.quantity > trip.open_quantity:
            fill, quantity = self._fill_behind(position), position.quantity - trip.open_quantity
            trip.enter(quantity, quantity * fill.price, fee=self._fees.take(quantity), order_id=fill.order_id)
        trip.open_cost = position.cost

    def _closed(self, event: ev.PositionClosed) -> RoundTrip:
        position, trip = event.position, self._trip_of(event.position)
        fill, quantity = self._fill_behind(position), trip.open_quantity
        trip.leave(
            quantity,
            quantity * event.exit_price,
            gross_pnl=position.realized_pnl - trip.gross_pnl,
            fee=self._fees.take(quantity),
            order_id=fill.order_id,
        )
        del self.open_trips[position.position_id]
        return trip.seen(closed_at=event.closed_at, exit_reason=event.reason)

    def _booked(self, event: ev.BalanceChanged) -> None:
        trip = None if event.position_id is None else self.open_trips.get(event.position_id)
        if trip is not None and event.entry in _OF_HOLDING:
            trip.swaps += event.amount

    def _trip_of(self, position: Position) -> OpenTrip:
        trip = self.open_trips.get(position.position_id)
        assert trip is not None, f"position {position.position_id} was opened before this fold began"
        return trip

    def _fill_behind(self, position: Position) -> Fill:
        assert self._fill is not None, f"position {position.position_id} moved without a fill"
        return self._fill


_OF_HOLDING: Final = frozenset({ev.EntryKind.SWAP, ev.EntryKind.ADJUSTMENT})

_FOLDS: Final[dict[type, Callable[[RoundTrips, Any], RoundTrip | None]]] = {
    ev.OrderFilled: RoundTrips._filled,
    ev.PositionOpened: RoundTrips._opened,
    ev.PositionChanged: RoundTrips._changed,
    ev.PositionClosed: RoundTrips._closed,
    ev.BalanceChanged: RoundTrips._booked,
}


def round_trips_of(events: Iterable[ev.AnyEvent]) -> list[RoundTrip]:
    """All round trips of a whole history in the order of their ends, then those still open."""
    fold = RoundTrips()
    ended = [trip for event in events if (trip := fold.apply(event)) is not None]
    return ended + fold.unfinished()
