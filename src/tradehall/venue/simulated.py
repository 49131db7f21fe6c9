"""The simulated venue: orders and quotes in, execution reports out. docs/venue.md tells a trader the rules."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from tradehall.domain.fill import VenueAccepted
from tradehall.domain.ids import OrderId
from tradehall.domain.market import Depth, Print, Quote
from tradehall.domain.order import Order, OrderType
from tradehall.engine import events as ev
from tradehall.engine.state import State
from tradehall.venue.book import NOBODY, Book, Floor, Reach
from tradehall.venue.fills import waits_for_trigger
from tradehall.venue.matching import (
    NO_REPORTS,
    SIDES,
    Reports,
    advance_trails,
    arrive,
    fill_limits,
    join_trail,
    take_waiting,
    trigger_stops,
    trigger_trails,
)
from tradehall.venue.prints import is_reached_by, match_print
from tradehall.venue.settings import VenueSettings

# Whose instruments are filled here: a made-up market and a recorded one, neither of which takes orders.
PROVIDERS: Final = frozenset({"simulated", "replay"})


class SimulatedVenue:
    """One book per instrument for all accounts; only instruments of PROVIDERS.

    It reads the State and never writes it. Every method that returns reports must be read to its end
    before the next is called, and each report must be applied before the next is asked for.
    """

    def __init__(self, settings: VenueSettings, state: State, quotes: Mapping[str, Quote]) -> None:
        self._floor = Floor(settings, state, quotes)
        self._reactions: Final[dict[type, Callable[[Any, int], Reports]]] = {
            ev.OrderAccepted: self._on_accepted,
            ev.OrderAmended: self._on_amended,
            ev.OrderFilled: self._on_filled,
            ev.OrderCancelled: self._on_ended,
            ev.OrderExpired: self._on_ended,
            ev.OrderFailed: self._on_ended,
        }

    # What the house decided.

    def react(self, event: ev.AnyEvent, now: int) -> Reports:
        """What the venue says to an event; most concern it not. Repeated and late events change nothing."""
        reaction = self._reactions.get(type(event))
        return NO_REPORTS if reaction is None else reaction(event, now)

    def _on_accepted(self, event: ev.OrderAccepted, now: int) -> Reports:
        floor = self._floor
        order = floor.state.orders.get(event.order_id)
        if order is None or event.order_id in floor.homes or not self._is_ours(event.terms.symbol):
            return NO_REPORTS  # None: it ended in the very decision that made it.
        return self._receive(order, now)

    def _receive(self, order: Order, now: int) -> Reports:
        floor = self._floor
        book = floor.book(order.terms.symbol)  # From now on it follows the quotes.
        if floor.settings.latency_ns:
            floor.delay(order.order_id, now + floor.settings.latency_ns)
            return NO_REPORTS
        return arrive(floor, book, order, now)

    def _on_amended(self, event: ev.OrderAmended, now: int) -> Reports:
        floor = self._floor
        order = floor.state.orders.get(event.order_id)
        if order is None or not self._is_ours(order.terms.symbol):
            return NO_REPORTS
        is_known = event.order_id in floor.homes
        if floor.is_delayed(event.order_id) or (is_known and event.keeps_priority):
            return NO_REPORTS
        if not is_known:
            return self._receive(order, now)
        floor.withdraw(event.order_id)
        return arrive(floor, floor.book(order.terms.symbol), order, now)

    def _on_filled(self, event: ev.OrderFilled, now: int) -> Reports:
        return self._forget_if_ended(event.fill.order_id)

    def _on_ended(self, event: ev.OrderCancelled | ev.OrderExpired | ev.OrderFailed, now: int) -> Reports:
        return self._forget_if_ended(event.order_id)

    def _forget_if_ended(self, order_id: OrderId) -> Reports:
        if order_id not in self._floor.state.orders:
            self._floor.withdraw(order_id)
        return NO_REPORTS

    def _is_ours(self, symbol: str) -> bool:
        return self._floor.state.instruments[symbol].provider in PROVIDERS

    # What the market says.

    def on_quote(self, quote: Quote, now: int) -> Reports:
        """A new touch: what was due before it meets the old one, the rest this one."""
        book = self._floor.books.get(quote.symbol)
        due = self._floor.delayed.best
        if due is not None and due <= now:
            return self._after_due(quote, now)
        if book is None:
            return NO_REPORTS
        if book.is_quiet(quote):
            book.set_quote(quote)
            return NO_REPORTS
        return self._match_quote(book, quote, now)

    def _after_due(self, quote: Quote, now: int) -> Reports:
        yield from self.on_time(now)
        yield from self.on_quote(quote, now)

    def _match_quote(self, book: Book, quote: Quote, now: int) -> Reports:
        floor = self._floor
        book.set_quote(quote)
        if floor.live_quote(book, now) is None:
            return
        for side in SIDES:
            yield from advance_trails(book, side, quote)
        yield from take_waiting(floor, book, quote, now)
        # Stops before limits: if one quote reaches both exits of a position, the loss is taken.
        for side in SIDES:
            yield from trigger_stops(floor, book, side, quote, now)
            yield from trigger_trails(floor, book, side, quote, now)
        for side in SIDES:
            yield from fill_limits(floor, book, side, quote, now)

    def on_depth(self, depth: Depth, now: int) -> Reports:
        """New levels behind the touch: they never move it, but those who wait for more may take from them."""
        book = self._floor.books.get(depth.symbol)
        if book is None:
            return
        book.set_depth(depth)
        quote = self._floor.live_quote(book, now)
        if quote is None:
            return
        yield from take_waiting(self._floor, book, quote, now)
        for side in SIDES:
            yield from fill_limits(self._floor, book, side, quote, now)

    def on_print(self, print_: Print, now: int) -> Reports:
        """An execution of others: limits that queue at its price may follow it, better ones were passed over."""
        floor = self._floor
        book = floor.books.get(print_.symbol)
        if book is None or print_.received_at < floor.oldest_quote(book, now):
            return NO_REPORTS
        quote = floor.live_quote(book, now)
        if quote is None or not any(is_reached_by(book, side, print_) for side in SIDES):
            return NO_REPORTS
        return match_print(floor, book, print_, quote, now)

    def reach(self, symbol: str) -> Reach | None:
        """Prices below which quotes of `symbol` reach nobody; None: the next one does, whatever it says."""
        book = self._floor.books.get(symbol)
        return NOBODY if book is None else book.reach()

    def follows(self, symbol: str) -> bool:
        """Whether orders of `symbol` have come, so that its latest quote must be known here."""
        return symbol in self._floor.books

    # What time brings.

    def next_deadline(self) -> int | None:
        """When `on_time` is due [ns UTC]; None while nothing is on its way."""
        return self._floor.delayed.best

    def on_time(self, now: int) -> Reports:
        """Orders whose delay is over arrive, or go on."""
        floor = self._floor
        while (due := floor.delayed.best) is not None and due <= now:
            order_id = floor.delayed.pop()
            floor.withdraw(order_id)
            order = floor.state.orders.get(order_id)
            if order is not None:
                yield from self._arrive_late(order, now)

    def _arrive_late(self, order: Order, now: int) -> Reports:
        floor = self._floor
        if floor.settings.latency_ns and not order.fill_count:
            yield VenueAccepted(order.order_id)
        yield from arrive(floor, floor.book(order.terms.symbol), order, now)

    # After a restart.

    def rebuild(self) -> None:
        """Fill the books from the State, in order of id: nothing executes before the next quote.

        What the State does not keep is decided against the order: it queues at the back, and a limit rests.
        """
        for order_id in sorted(self._floor.state.orders):
            order = self._floor.state.orders[order_id]
            if order_id not in self._floor.homes and self._is_ours(order.terms.symbol):
                self._rebuild_order(order)

    def _rebuild_order(self, order: Order) -> None:
        floor = self._floor
        book = floor.book(order.terms.symbol)
        arrives_at = order.created_at + floor.settings.latency_ns
        if arrives_at > floor.state.now and not order.fill_count:
            floor.delay(order.order_id, arrives_at)
        elif not waits_for_trigger(order):
            if order.terms.limit_price is None:
                floor.wait(book, order.order_id)
            else:
                floor.rest(book, order)
        elif order.terms.type is OrderType.TRAILING_STOP:
            join_trail(floor, book, order, floor.state.trailing_peak(order))
        else:
            floor.arm(book, order)
