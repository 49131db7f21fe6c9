"""The fold behind trips: the journal's events, in their order, become round trips from the entry order to flat.

On a hedging account each position is one. On a netting account each strategy's book has its own, and what the
account's position brought beside the books is one more, where there is any: so all trips of an account add up to
its realised P&L, whoever traded.
"""

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any, Final

from tradehall.analytics.book_trips import BookTrips
from tradehall.analytics.round_trips import OpenTrip, RoundTrip, RoundTrips, Shares
from tradehall.app.support.attribution import Attribution
from tradehall.app.support.open_trips import Facts, Kept, Opening, decode_kept, decode_opening, encode, opens
from tradehall.app.support.telling import begun, pending
from tradehall.domain.fill import Fill
from tradehall.domain.ids import AccountId, OrderId
from tradehall.domain.money import ZERO
from tradehall.domain.order import OrderRole, OrderTerms, Side
from tradehall.domain.position import Position
from tradehall.engine import events as ev
from tradehall.ports.trips import FoldItem, Trip, TripStatus

# What is folded has changed: raise it, and the next start folds the journal anew.
FOLD_VERSION: Final = 1
PLACE_BITS: Final = 20
TARGET: Final = "target"
EXITS: Final = frozenset({OrderRole.STOP_LOSS, OrderRole.TAKE_PROFIT})
CurrencyOf = Callable[[AccountId], str]


class TripFold:
    """Belongs to one caller at a time. `take` gives what changed since it was asked last."""

    def __init__(
        self, attribution: Attribution, currency_of: CurrencyOf, hedging: Iterable[AccountId],
        items: Mapping[str, bytes],
    ) -> None:  # fmt: skip
        self._attribution = attribution
        self._currency_of = currency_of
        kept = [decode_kept(body) for key, body in items.items() if not key.startswith("o")]
        self._positions = RoundTrips(each.trip for each in kept if each.key.startswith("p"))
        self._books = BookTrips((each.trip for each in kept if each.key.startswith("b")), hedging)
        self._facts = {each.key: each.facts for each in kept}
        self._openings = {
            opening.order_id: opening
            for key, body in items.items()
            if key.startswith("o")
            for opening in (decode_opening(body),)
        }
        self._exits = {order_id: each.key for each in kept for order_id in each.facts.exits}
        self._closers: dict[OrderId, tuple[str, Decimal]] = {}
        self._changed: dict[str, None] = {}
        self._trips: dict[int, Trip | None] = {}
        self._trip_of_order: dict[OrderId, int] = {}
        self._now = 0
        self._start_record()

    def _start_record(self) -> None:
        self._fill: Fill | None = None
        self._entered: Opening | None = None
        self._book_fills: list[ev.BookFilled] = []
        self._ended: list[tuple[str, RoundTrip]] = []
        self._touched: dict[str, None] = {}

    def apply(self, seq: int, now: int, events: Iterable[ev.AnyEvent]) -> None:
        """Fold one decision."""
        self._now = now
        for index, event in enumerate(events):
            fold = _FOLDS.get(type(event))
            if fold is not None:
                fold(self, event, (seq << PLACE_BITS) + index)
        if self._fill is not None or self._touched:
            self._end_record()
            self._start_record()

    def trip_of(self, order_id: OrderId) -> int:
        """The trip that a fill of the last decision belongs to; 0: none that is told."""
        return self._trip_of_order.get(order_id, 0)

    def take(self) -> tuple[dict[int, Trip | None], list[FoldItem]]:
        """Trips that changed, and what has to be remembered of them."""
        items = []
        for key in self._changed:
            if key.startswith("o"):
                opening = self._openings.get(int(key[1:]))
                items.append(FoldItem(key, None if opening is None else encode(opening)))
                if opening is not None:
                    # Whenever that is asked: it was all the same when the order was given, or amended.
                    told = self._pending(opening, TripStatus.PENDING, max(opening.at, opening.amended_at))
                    self._trips.setdefault(opening.trip_id, told)
            else:
                items.append(FoldItem(key, self._kept(key)))
        self._changed = {}
        trips, self._trips = self._trips, {}
        return trips, items

    def _kept(self, key: str) -> bytes | None:
        facts, trip = self._facts.get(key), self._open_trip(key)
        return None if facts is None or trip is None else encode(Kept(key, trip, facts))

    def _open_trip(self, key: str) -> OpenTrip | None:
        if key.startswith("p"):
            return self._positions.open_trips.get(int(key[1:]))
        account, keygen, position = key[1:].split("/")
        return self._books.open_trips.get((int(account), keygen, int(position)))

    # Orders.

    def _accepted(self, event: ev.OrderAccepted, place: int) -> None:
        terms, role = event.terms, event.role
        if role in EXITS:
            self._note_exit(event)
        elif opens(terms, role):
            deployment = self._attribution.deployment_of(terms)
            self._openings[event.order_id] = Opening(place, event.order_id, terms, self._now, deployment)
            self._changed[f"o{event.order_id}"] = None
        if role is not OrderRole.ENTRY or terms.reduce_only or terms.position_id is not None or terms.strategy_id:
            self._closers[event.order_id] = (self._attribution.exit_word(terms, role), terms.quantity)

    def _note_exit(self, event: ev.OrderAccepted) -> None:
        terms = event.terms
        position = terms.position_id if terms.position_id is not None else event.parent_order_id
        key = next((key for key in self._keys(terms, position) if key in self._facts), None)
        if key is not None:
            word = self._facts[key].exits[event.order_id] = self._attribution.exit_word(terms, event.role)
            self._exits[event.order_id] = key
            self._set_exit(key, word, terms)

    def _keys(self, terms: OrderTerms, position: int | None) -> tuple[str, ...]:
        return (f"b{terms.account_id}/{terms.strategy_id}/{position}", f"p{position}")

    def _set_exit(self, key: str, word: str, terms: OrderTerms) -> None:
        facts = self._facts[key]
        if word == TARGET:
            facts.target = terms.limit_price
        elif terms.stop_price is not None:
            facts.stop_loss = terms.stop_price
        self._touched[key] = None

    def _amended(self, event: ev.OrderAmended, place: int) -> None:
        opening, key = self._openings.get(event.order_id), self._exits.get(event.order_id)
        if opening is not None:
            opening.terms, opening.amended_at = event.terms, self._now
            self._changed[f"o{event.order_id}"] = None
        if key is not None and key in self._facts:
            self._set_exit(key, self._facts[key].exits[event.order_id], event.terms)

    def _rejected(self, event: ev.OrderRejected, place: int) -> None:
        if opens(event.terms, OrderRole.ENTRY):
            deployment = self._attribution.deployment_of(event.terms)
            opening = Opening(place, event.order_id, event.terms, self._now, deployment)
            self._trips[place] = self._pending(opening, TripStatus.REJECTED, self._now)

    def _cancelled(self, event: ev.OrderCancelled | ev.OrderExpired | ev.OrderFailed, place: int) -> None:
        self._closers.pop(event.order_id, None)
        self._forget_exit(event.order_id)
        opening = self._openings.pop(event.order_id, None)
        if opening is not None:
            status = TripStatus.REJECTED if type(event) is ev.OrderFailed else TripStatus.CANCELLED
            self._trips[opening.trip_id] = self._pending(opening, status, self._now)
            self._changed[f"o{event.order_id}"] = None

    def _forget_exit(self, order_id: OrderId) -> None:
        key = self._exits.pop(order_id, None)
        if key is not None and key in self._facts:
            self._facts[key].exits.pop(order_id, None)
            self._changed[key] = None

    def _filled(self, event: ev.OrderFilled, place: int) -> None:
        self._fill = event.fill
        self._positions.apply(event)
        self._books.apply(event)
        self._entered = self._openings.pop(event.fill.order_id, None)
        if self._entered is not None:
            self._changed[f"o{event.fill.order_id}"] = None

    # Positions, and parts of books.

    def _book_filled(self, event: ev.BookFilled, place: int) -> None:
        self._books.apply(event)
        self._book_fills.append(event)

    def _part(self, event: ev.PartOpened | ev.PartChanged | ev.PartClosed, place: int) -> None:
        part = event.part
        ended = self._books.apply(event)
        if part.account_id in self._books.hedging:
            return
        key = f"b{part.account_id}/{part.strategy_id}/{part.position_id}"
        if type(event) is ev.PartOpened:
            self._open(key, part, place, is_of_order=True)
        if ended is not None:
            self._ended.append((key, ended))
        self._touched[key] = None

    def _position(self, event: ev.PositionOpened | ev.PositionChanged | ev.PositionClosed, place: int) -> None:
        position = event.position
        ended = self._positions.apply(event)
        key = f"p{position.position_id}"
        if type(event) is ev.PositionOpened:
            is_netting = position.account_id not in self._books.hedging
            is_of_book = is_netting and self._fill is not None and self._fill.strategy_id is not None
            facts = self._open(key, position, place, is_of_order=not is_of_book)
            facts.is_beside, facts.has_hand = is_netting, not is_netting
        if ended is not None:
            self._ended.append((key, ended))
        self._touched[key] = None

    def _open(self, key: str, position: Position, place: int, *, is_of_order: bool) -> Facts:
        entered = self._entered if is_of_order else None
        is_first = entered is not None and all(facts.trip_id != entered.trip_id for facts in self._of_record())
        facts = self._facts[key] = Facts(
            entered.trip_id if entered is not None and is_first else place,
            self._now,
            self._now,
            keygen=position.strategy_id,
        )
        if self._entered is not None:
            terms = self._entered.terms
            facts.deployment_id = self._entered.deployment_id if is_of_order else None
            facts.order_price = terms.limit_price if terms.limit_price is not None else terms.stop_price
            facts.stop_loss, facts.target = terms.stop_loss, terms.take_profit
        if facts.order_price is None and self._fill is not None:
            facts.order_price = self._fill.ask if self._fill.side is Side.BUY else self._fill.bid
        return facts

    def _of_record(self) -> list[Facts]:
        return [self._facts[key] for key in self._touched if key in self._facts]

    def _booked(self, event: ev.BalanceChanged, place: int) -> None:
        self._positions.apply(event)
        if event.position_id is None or event.entry not in _OF_HOLDING:
            return
        key = f"p{event.position_id}"
        facts = self._facts.get(key)
        if facts is None:
            return
        self._touched[key] = None
        only = self._only_book(event.account_id, event.symbol) if facts.is_beside and not facts.has_hand else None
        if only is not None:
            # Nobody else held any of it: what holding costs is that strategy's.
            only.swaps += event.amount
            facts.books_pnl += event.amount
            self._touched[f"b{only.account_id}/{only.strategy_id}/{only.round_trip_id}"] = None

    def _only_book(self, account_id: AccountId, symbol: str | None) -> OpenTrip | None:
        found = [
            trip
            for (owner, _, _), trip in self._books.open_trips.items()
            if owner == account_id and symbol in (None, trip.symbol)
        ]
        return found[0] if len(found) == 1 else None

    def _account_opened(self, event: ev.AccountOpened, place: int) -> None:
        self._books.apply(event)

    # What a decision left.

    def _end_record(self) -> None:
        self._share_books()
        trip_of: dict[OrderId, int] = {}
        for key, ended in self._ended:
            facts = self._facts.pop(key)
            for order_id in facts.exits:
                self._exits.pop(order_id, None)
            self._tell(key, ended, facts)
            if self._fill is not None:
                trip_of.setdefault(self._fill.order_id, facts.trip_id)
            self._touched.pop(key, None)
            self._changed[key] = None
        for key in self._touched:
            trip = self._open_trip(key)
            if trip is None or key not in self._facts:
                continue
            facts = self._facts[key]
            facts.updated_at = self._now
            self._changed[key] = None
            self._tell(key, trip.seen(), facts)
            if self._fill is not None and (not facts.is_beside or facts.has_hand):
                trip_of.setdefault(self._fill.order_id, facts.trip_id)
        if self._entered is not None and self._entered.trip_id not in self._trips:
            self._trips[self._entered.trip_id] = None  # It made an older trip larger, or ended one.
        if self._fill is not None:
            self._used_up(self._fill)
        self._trip_of_order = trip_of

    def _used_up(self, fill: Fill) -> None:
        word, left = self._closers.get(fill.order_id, ("", ZERO))
        if word and left - fill.quantity > 0:
            self._closers[fill.order_id] = (word, left - fill.quantity)
        else:
            self._closers.pop(fill.order_id, None)
            self._forget_exit(fill.order_id)

    def _share_books(self) -> None:
        """Note at the netting position what of this fill is in strategies' books, and whether all of it is."""
        fill = self._fill
        if fill is None or fill.account_id in self._books.hedging:
            return
        closed = next((key for key, _ in self._ended if key.startswith("p")), "")
        present = next((key for key in self._touched if key.startswith("p") and key != closed), "")
        in_books = sum((each.quantity for each in self._book_fills), ZERO)
        keys = [key for key in (closed, present) if key]
        if fill.strategy_id is None and in_books < fill.quantity:
            for key in keys:
                self._facts[key].has_hand = True
        pnl = sum((each.net_pnl for each in self._book_fills), ZERO)
        if not self._book_fills or not keys:
            return
        if closed and present:
            # The fill turned the position round: its commission is split as the two round trips split it.
            share = self._commission_of_opened(fill, present)
            self._facts[closed].books_pnl += pnl + share
            self._facts[present].books_pnl -= share
        else:
            self._facts[keys[0]].books_pnl += pnl

    def _commission_of_opened(self, fill: Fill, opened_key: str) -> Decimal:
        trip = self._open_trip(opened_key)
        opened = ZERO if trip is None else trip.open_quantity
        shares = Shares(fill.quantity, fill.commission, fill.commission_currency)
        return fill.commission - shares.take(fill.quantity - opened)

    def _tell(self, key: str, trip: RoundTrip, facts: Facts) -> None:
        beside = trip.net_pnl - facts.books_pnl if facts.is_beside else trip.net_pnl
        if facts.is_beside and not facts.has_hand and not beside:
            # All of it is in strategies' books, which tell of it.
            if facts.is_told:
                self._trips[facts.trip_id] = None
            return
        facts.is_told = True
        self._trips[facts.trip_id] = begun(trip, facts, beside, exit_word=self._exit_word(facts), now=self._now)

    def _exit_word(self, facts: Facts) -> str:
        order_id = 0 if self._fill is None else self._fill.order_id
        word, _ = self._closers.get(order_id, ("", ZERO))
        return word or facts.exits.get(order_id, "manual")

    def _pending(self, opening: Opening, status: TripStatus, now: int) -> Trip:
        return pending(opening, status, currency=self._currency_of(opening.terms.account_id), now=now)


_OF_HOLDING: Final = frozenset({ev.EntryKind.SWAP, ev.EntryKind.ADJUSTMENT})

_FOLDS: Final[dict[type, Callable[[TripFold, Any, int], None]]] = {
    ev.AccountOpened: TripFold._account_opened,
    ev.OrderAccepted: TripFold._accepted,
    ev.OrderAmended: TripFold._amended,
    ev.OrderRejected: TripFold._rejected,
    ev.OrderCancelled: TripFold._cancelled,
    ev.OrderExpired: TripFold._cancelled,
    ev.OrderFailed: TripFold._cancelled,
    ev.OrderFilled: TripFold._filled,
    ev.BookFilled: TripFold._book_filled,
    ev.PartOpened: TripFold._part,
    ev.PartChanged: TripFold._part,
    ev.PartClosed: TripFold._part,
    ev.PositionOpened: TripFold._position,
    ev.PositionChanged: TripFold._position,
    ev.PositionClosed: TripFold._position,
    ev.BalanceChanged: TripFold._booked,
}
