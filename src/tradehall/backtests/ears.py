"""What the run keeps of each record: the record, round trips, costs, and what the strategy has yet to be told."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final

from msgspec import Struct

from tradehall.analytics.round_trips import RoundTrip, RoundTrips
from tradehall.domain.fill import Fill
from tradehall.domain.ids import AccountId
from tradehall.domain.money import ZERO
from tradehall.domain.order import Side
from tradehall.engine import events as ev
from tradehall.engine.record import Record

_HALF: Final = Decimal("0.5")


class Paid(Struct):
    """What trading cost so far, positive when paid, but `swaps` as booked; commissions and swaps in account currency.

    `spread`: half the spread of the quote × units of what took; `slippage`: what it paid beyond the touch [quote
    currency]. Both are part of the prices.
    """

    commission: Decimal = ZERO
    swaps: Decimal = ZERO
    spread: Decimal = ZERO
    slippage: Decimal = ZERO

    def fill(self, fill: Fill) -> None:
        """Add what one fill cost."""
        self.commission += fill.commission
        if not fill.is_maker and fill.bid is not None and fill.ask is not None:
            is_buy = fill.side is Side.BUY
            self.spread += (fill.ask - fill.bid) * fill.quantity * _HALF
            self.slippage += (fill.price - fill.ask if is_buy else fill.bid - fill.price) * fill.quantity


class Ears:
    """Hears every record. `moved`: accounts whose balance or positions changed since it was last emptied.

    `unheard`: events that the strategy was not told yet; kept only where it wants them.
    """

    def __init__(self, sink: Callable[[Record], None], *, keeps_events: bool) -> None:
        self.moved: dict[AccountId, None] = {}
        self.unheard: list[ev.AnyEvent] = []
        self.ended_trips: list[RoundTrip] = []
        self.paid = Paid()
        self.record_count = 0
        self.fill_count = 0
        self._sink = sink
        self.keeps_events = keeps_events
        self._trips = RoundTrips()

    def __call__(self, record: Record) -> None:
        self.record_count += 1
        self._sink(record)
        if self.keeps_events:
            self.unheard.extend(record.events)
        for event in record.events:
            hear = _HEARD.get(type(event))
            if hear is not None:
                hear(self, event)

    @property
    def round_trips(self) -> list[RoundTrip]:
        """In the order of their ends, then those still open."""
        return self.ended_trips + self._trips.unfinished()

    def _booked(self, event: ev.BalanceChanged) -> None:
        self.moved[event.account_id] = None
        if event.entry is ev.EntryKind.SWAP:
            self.paid.swaps += event.amount
        self._trips.apply(event)

    def _filled(self, event: ev.OrderFilled) -> None:
        self.moved[event.fill.account_id] = None
        self.fill_count += 1
        self.paid.fill(event.fill)
        self._trips.apply(event)

    def _moved(self, event: ev.PositionOpened | ev.PositionChanged | ev.PositionClosed) -> None:
        trip = self._trips.apply(event)
        if trip is not None:
            self.ended_trips.append(trip)


_HEARD: Final[dict[type, Callable[[Ears, Any], None]]] = {
    ev.BalanceChanged: Ears._booked,
    ev.OrderFilled: Ears._filled,
    ev.PositionOpened: Ears._moved,
    ev.PositionChanged: Ears._moved,
    ev.PositionClosed: Ears._moved,
}
