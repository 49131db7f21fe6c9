"""Round trips of strategies on netting accounts: what each made of its own share of the account's position."""

from collections.abc import Callable, Iterable
from typing import Any, Final

from tradehall.analytics.round_trips import OpenTrip, RoundTrip, Shares
from tradehall.domain.account import PositionMode
from tradehall.domain.fill import Fill
from tradehall.domain.ids import AccountId, PositionId
from tradehall.domain.money import ZERO, round_money
from tradehall.domain.position import ClosedPart, Position
from tradehall.engine import events as ev


class BookTrips:
    """The fold: events in, in the order of the journal; a round trip out at each part of a book that goes flat.

    In account currency. `net_pnl` summed over a book is the book's, to the cent; where the instrument settles
    in another currency, what of it is gross and what fees is the account's own split of the fill's commission.
    Swaps and dividends are the account's and not the book's. A hedging account's positions are their
    strategies' own: `RoundTrips` tells them, and here they are left out.
    """

    def __init__(self, open_trips: Iterable[OpenTrip] = (), hedging: Iterable[AccountId] = ()) -> None:
        """`open_trips`, `hedging`: of a fold that was kept (the second: accounts in hedging mode)."""
        self.open_trips = {(trip.account_id, trip.strategy_id, trip.round_trip_id): trip for trip in open_trips}
        self.hedging = set(hedging)
        self._fill: Fill | None = None
        self._fees = Shares(ZERO, ZERO, "")
        self._gross = ZERO

    def apply(self, event: ev.AnyEvent) -> RoundTrip | None:
        """Fold one event; the round trip that ended by it, if one did."""
        fold = _FOLDS.get(type(event))
        return None if fold is None else fold(self, event)

    def unfinished(self) -> list[RoundTrip]:
        """What is still open, oldest first, with what is booked so far."""
        return [trip.seen() for trip in self.open_trips.values()]

    def _account_opened(self, event: ev.AccountOpened) -> None:
        if event.terms.position_mode is PositionMode.HEDGING:
            self.hedging.add(event.terms.account_id)

    def _filled(self, event: ev.OrderFilled) -> None:
        self._fill = event.fill

    def _book_filled(self, event: ev.BookFilled) -> None:
        """What follows until the next BookFilled are the parts of this one: one that closes, one that opens."""
        fill = self._fill
        assert fill is not None, f"fill {event.fill_id} of a book came before its order's"
        currency, fee = fill.commission_currency, event.fees
        if event.currency != currency:
            # Parts that go flat against one another have more units than the fill.
            fee = round_money(fill.commission * event.quantity / max(fill.quantity, event.quantity), currency)
        self._fees = Shares(event.quantity, fee, currency)
        self._gross = event.net_pnl + fee

    def _opened(self, event: ev.PartOpened) -> None:
        part, fill = event.part, self._fill
        if fill is None or part.account_id in self.hedging:
            return
        trip = OpenTrip.of(part, fill.commission_currency)
        trip.enter(part.quantity, part.cost, fee=self._fees.take(part.quantity), order_id=fill.order_id)
        self.open_trips[_key(part)] = trip

    def _changed(self, event: ev.PartChanged) -> None:
        part, fill = event.part, self._fill
        if fill is None or part.account_id in self.hedging:
            return
        trip = self._trip_of(part)
        if event.closed is not None:
            self._leave(trip, event.closed)
        elif trip.was_split(part):
            trip.split(part.quantity)
        else:
            quantity = part.quantity - trip.open_quantity
            trip.enter(quantity, quantity * fill.price, fee=self._fees.take(quantity), order_id=fill.order_id)
        trip.open_cost = part.cost

    def _closed(self, event: ev.PartClosed) -> RoundTrip | None:
        part = event.part
        if part.account_id in self.hedging:
            return None
        trip = self._trip_of(part)
        assert event.closed is not None, f"part {part.position_id} went flat without a fill"
        self._leave(trip, event.closed)
        del self.open_trips[_key(part)]
        return trip.seen(closed_at=event.closed_at, exit_reason=event.reason)

    def _leave(self, trip: OpenTrip, closed: ClosedPart) -> None:
        """A book of a netting account closes in one part: the fill's gross P&L is all of it."""
        fee, value = self._fees.take(closed.quantity), closed.quantity * closed.exit_price
        trip.leave(closed.quantity, value, gross_pnl=self._gross, fee=fee, order_id=closed.order_id)
        self._gross = ZERO

    def _trip_of(self, part: Position) -> OpenTrip:
        trip = self.open_trips.get(_key(part))
        assert trip is not None, f"part {part.position_id} was opened before this fold began"
        return trip


def _key(part: Position) -> tuple[AccountId, str | None, PositionId]:
    return part.account_id, part.strategy_id, part.position_id


_FOLDS: Final[dict[type, Callable[[BookTrips, Any], RoundTrip | None]]] = {
    ev.AccountOpened: BookTrips._account_opened,
    ev.OrderFilled: BookTrips._filled,
    ev.BookFilled: BookTrips._book_filled,
    ev.PartOpened: BookTrips._opened,
    ev.PartChanged: BookTrips._changed,
    ev.PartClosed: BookTrips._closed,
}
