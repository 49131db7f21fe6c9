"""The books of the venue: per symbol what rests, what waits for a trigger, what waits for a quote."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from itertools import count, product
from typing import Final, Protocol

from msgspec import Struct

from tradehall.domain.calendar import is_open
from tradehall.domain.ids import OrderId
from tradehall.domain.instrument import Instrument
from tradehall.domain.market import Depth, Quote
from tradehall.domain.order import BUY, Order, OrderTerms, Side
from tradehall.engine.conversion import conversion_rate
from tradehall.engine.fees import commission_currencies
from tradehall.engine.state import State
from tradehall.venue.lazy_heap import LazyHeap
from tradehall.venue.liquidity import Offer, Offers
from tradehall.venue.queueing import Lines
from tradehall.venue.settings import VenueSettings
from tradehall.venue.trailing import TrailingBook

# Added to the serial of a hidden order: at its price it comes after all that is shown.
HIDDEN_SERIAL: Final = 1 << 60
# Where a venue has no limit of its own for the age of quotes [ns].
ANY_AGE: Final = 1 << 63


class Reach(Struct, frozen=True, gc=False):
    """Prices that a quote must come to before it reaches anybody; None: nobody waits there.

    An ask at or below `ask_down`, at or above `ask_up`, or strictly below `ask_under`; a bid at or below
    `bid_down`, at or above `bid_up`, or strictly above `bid_over`.
    """

    ask_down: Decimal | None = None
    ask_up: Decimal | None = None
    ask_under: Decimal | None = None
    bid_down: Decimal | None = None
    bid_up: Decimal | None = None
    bid_over: Decimal | None = None


NOBODY: Final = Reach()


class Home(Protocol):
    """Where an order is: one of the structures below."""

    def discard(self, order_id: OrderId) -> None:
        """Let an order go, if it is here."""


class Waiting:
    """Orders that take what the next quote offers, in the order in which they came."""

    __slots__ = ("_orders",)

    def __init__(self) -> None:
        self._orders: dict[OrderId, None] = {}

    def __len__(self) -> int:
        return len(self._orders)

    def __contains__(self, order_id: OrderId) -> bool:
        return order_id in self._orders

    def add(self, order_id: OrderId) -> None:
        """Let an order wait; one that waits already keeps its place."""
        self._orders[order_id] = None

    def discard(self, order_id: OrderId) -> None:
        """Let an order go, if it is here."""
        self._orders.pop(order_id, None)

    def all(self) -> list[OrderId]:
        """All who wait now."""
        return list(self._orders)


class Book:
    """All orders of one symbol, and the market they meet.

    The four heaps are keyed by signed price, so that all ask the same question: is my best key at or
    below the touch, signed alike? Limits: -limit against -ask (BUY), limit against bid (SELL). Stops:
    stop against ask (BUY), -stop against -bid (SELL). Trailing stops see the bid (SELL) and -ask (BUY).
    """

    __slots__ = (
        "buy_limits", "buy_stops", "buy_trails", "lines", "offers", "sell_limits", "sell_stops",
        "sell_trails", "symbol", "waiting", "wants_conversion",
    )  # fmt: skip

    def __init__(self, symbol: str, offers: Offers, *, queueing: bool) -> None:
        self.symbol = symbol
        self.offers = offers
        self.waiting = Waiting()
        self.wants_conversion = True  # Until it is known that fills can be booked: a start has no quotes yet.
        self.buy_limits: LazyHeap[Decimal] = LazyHeap()
        self.sell_limits: LazyHeap[Decimal] = LazyHeap()
        self.buy_stops: LazyHeap[Decimal] = LazyHeap()
        self.sell_stops: LazyHeap[Decimal] = LazyHeap()
        self.buy_trails = TrailingBook()
        self.sell_trails = TrailingBook()
        self.lines: dict[Side, Lines] | None = None  # None: nobody waits behind what is displayed.
        if queueing:
            self.lines = {Side.BUY: Lines(self.buy_limits.holds), Side.SELL: Lines(self.sell_limits.holds)}

    def limits(self, side: Side) -> LazyHeap[Decimal]:
        """Resting limits of one side."""
        return self.buy_limits if side is BUY else self.sell_limits

    def stops(self, side: Side) -> LazyHeap[Decimal]:
        """Stops and stop-limits of one side that were not triggered yet."""
        return self.buy_stops if side is BUY else self.sell_stops

    def trails(self, side: Side) -> TrailingBook:
        """Trailing stops of one side that were not triggered yet."""
        return self.buy_trails if side is BUY else self.sell_trails

    def set_quote(self, quote: Quote) -> None:
        """Keep the new touch; lines that it shows shorter, or nobody is before, are shorter."""
        self.offers.set_quote(quote)
        if self.lines is not None:
            self.lines[Side.BUY].observe(-quote.bid, quote.bid_size)
            self.lines[Side.SELL].observe(quote.ask, quote.ask_size)

    def set_depth(self, depth: Depth) -> None:
        """Keep the new levels; lines that they show shorter are shorter."""
        self.offers.set_depth(depth)
        if self.lines is not None:
            for price, size in depth.bids:
                self.lines[Side.BUY].shorten(-price, size)
            for price, size in depth.asks:
                self.lines[Side.SELL].shorten(price, size)

    def is_quiet(self, quote: Quote) -> bool:
        """Whether `quote` reaches nobody: six comparisons, whatever the number of orders."""
        if self.waiting:
            return False
        bid, ask = quote.bid, quote.ask
        best = self.sell_limits.best
        if best is not None and best <= bid:
            return False
        best = self.buy_stops.best
        if best is not None and best <= ask:
            return False
        best = self.buy_limits.best
        if best is not None and best <= -ask:
            return False
        best = self.sell_stops.best
        if best is not None and best <= -bid:
            return False
        return self._trails_are_quiet(bid, ask)

    def reach(self) -> Reach | None:
        """What `is_quiet` compares with; None: the next quote reaches somebody, whatever it says."""
        if self.waiting or self.lines is not None:
            return None
        buys, sells = self.buy_trails, self.sell_trails
        if buys or sells:
            return self._reach_of_trails(buys, sells)
        buy_limit, buy_stop = self.buy_limits.best, self.buy_stops.best
        sell_limit, sell_stop = self.sell_limits.best, self.sell_stops.best
        if buy_limit is buy_stop is sell_limit is sell_stop is None:
            return NOBODY
        return Reach(ask_down=_negated(buy_limit), ask_up=buy_stop, bid_down=_negated(sell_stop), bid_up=sell_limit)

    def _reach_of_trails(self, buys: TrailingBook, sells: TrailingBook) -> Reach | None:
        if (buys and buys.lowest_peak is None) or (sells and sells.lowest_peak is None):
            return None
        return Reach(
            ask_down=_negated(self.buy_limits.best),
            ask_up=_lower(self.buy_stops.best, _negated(buys.best) if buys else None),
            ask_under=_negated(buys.lowest_peak) if buys else None,
            bid_down=_higher(_negated(self.sell_stops.best), sells.best if sells else None),
            bid_up=self.sell_limits.best,
            bid_over=sells.lowest_peak if sells else None,
        )

    def _trails_are_quiet(self, bid: Decimal, ask: Decimal) -> bool:
        trails = self.sell_trails
        if trails and (trails.moves(bid) or (trails.best is not None and bid <= trails.best)):
            return False
        trails = self.buy_trails
        return not trails or not (trails.moves(-ask) or (trails.best is not None and -ask <= trails.best))


class Floor:
    """What all parts of the venue share: the books, where each order is, and the state they read."""

    __slots__ = ("_age_max", "_quotes", "books", "delayed", "homes", "next_serial", "settings", "shown", "state")

    def __init__(self, settings: VenueSettings, state: State, quotes: Mapping[str, Quote]) -> None:
        self.settings = settings
        self.state = state
        self.books: dict[str, Book] = {}
        self.delayed: LazyHeap[int] = LazyHeap()  # Keyed by the instant at which an order moves on.
        self.shown: dict[OrderId, Decimal] = {}  # What is left of the slice that an iceberg shows.
        self.homes: dict[OrderId, Home] = {}  # Where each order is.
        self.next_serial: Callable[[], int] = count(1).__next__  # Place in the line of all that ever came.
        self._quotes = quotes
        limit = settings.max_quote_age_ns
        self._age_max = ANY_AGE if limit is None else limit

    def book(self, symbol: str) -> Book:
        """The book of `symbol`, made at its first order."""
        book = self.books.get(symbol)
        if book is None:
            offers = Offers(self._quotes.get(symbol), self.settings.liquidity)
            book = self.books[symbol] = Book(symbol, offers, queueing=self.settings.queueing)
        return book

    def instrument(self, book: Book) -> Instrument:
        """The rules of the book's symbol, as they are now."""
        return self.state.instruments[book.symbol]

    def oldest_quote(self, book: Book, now: int) -> int:
        """Quotes received before this instant [ns UTC] fill nothing."""
        return now - min(self.instrument(book).quote_age_ns_max, self._age_max)

    def on_offer(self, book: Book, terms: OrderTerms, now: int) -> list[Offer]:
        """What the market offers an order, best first, down to its limit; the book has a quote."""
        oldest = 0 if book.offers.depth is None else self.oldest_quote(book, now)
        return book.offers.to(terms.side, terms.limit_price, oldest)

    def live_quote(self, book: Book, now: int) -> Quote | None:
        """The quote that orders may meet now; None: none yet, too old, the market closed, or no way to book a fill."""
        quote, instrument = book.offers.quote, self.state.instruments[book.symbol]
        if quote is None:
            return None
        age = now - quote.received_at
        if age > instrument.quote_age_ns_max or age > self._age_max:
            return None
        if book.wants_conversion and not self._can_convert(book):
            return None
        return quote if is_open(instrument.sessions, now) else None

    def _can_convert(self, book: Book) -> bool:
        """Whether fills of the book's orders can be booked in their accounts' currencies.

        The engine asked when it accepted them; but after a start, quotes come in one by one. Quotes never
        go, so that a yes is for ever.
        """
        state = self.state
        owners = (order.terms.account_id for order in state.orders.values() if order.terms.symbol == book.symbol)
        targets = {state.accounts[account_id].terms.currency for account_id in owners}
        paths = product(commission_currencies(self.instrument(book)), targets)
        book.wants_conversion = any(conversion_rate(source, to, self._quotes.get) is None for source, to in paths)
        return not book.wants_conversion

    # Where an order is.

    def settle_in(self, order_id: OrderId, home: Home) -> None:
        """Note where an order is now; it has left where it was."""
        if order_id in self.homes:
            self.withdraw(order_id)
        self.homes[order_id] = home

    def withdraw(self, order_id: OrderId) -> None:
        """Take an order out of wherever it is."""
        home = self.homes.pop(order_id, None)
        if home is not None:
            home.discard(order_id)
            self.shown.pop(order_id, None)

    def is_delayed(self, order_id: OrderId) -> bool:
        """Whether an order is on its way to the book."""
        return self.homes.get(order_id) is self.delayed

    def delay(self, order_id: OrderId, until: int) -> None:
        """Let an order arrive, or go on, at `until` [ns UTC]."""
        self.settle_in(order_id, self.delayed)
        self.delayed.add(until, self.next_serial(), order_id)

    def wait(self, book: Book, order_id: OrderId) -> None:
        """Let an order take from the next quote; one that waits already keeps its place."""
        if self.homes.get(order_id) is not book.waiting:
            self.settle_in(order_id, book.waiting)
            book.waiting.add(order_id)

    def rest(self, book: Book, order: Order) -> None:
        """Let a limit rest behind all that rest at its price."""
        terms, order_id, key = order.terms, order.order_id, signed_limit(order)
        serial = self.next_serial() + (HIDDEN_SERIAL if terms.hidden else 0)
        heap = book.limits(terms.side)
        self.settle_in(order_id, heap)
        heap.add(key, serial, order_id)
        if book.lines is not None:
            member = (order_id, serial)
            assert terms.limit_price is not None, "its key is made of it"
            ahead = self.displayed_at(book, terms.side, terms.limit_price)
            book.lines[terms.side].join(key, member, ahead, hidden=terms.hidden, live_count=len(heap))

    def displayed_at(self, book: Book, side: Side, price: Decimal) -> Decimal | None:
        """Units that the market shows at a price; None: it does not tell."""
        return book.offers.displayed_at(side, price, self.oldest_quote(book, self.state.now))

    def arm(self, book: Book, order: Order) -> None:
        """Let a stop wait for its price."""
        heap = book.stops(order.terms.side)
        self.settle_in(order.order_id, heap)
        heap.add(signed_stop(order), self.next_serial(), order.order_id)


def _negated(price: Decimal | None) -> Decimal | None:
    return None if price is None else -price


def _lower(one: Decimal | None, other: Decimal | None) -> Decimal | None:
    return one if other is None else other if one is None else min(one, other)


def _higher(one: Decimal | None, other: Decimal | None) -> Decimal | None:
    return one if other is None else other if one is None else max(one, other)


def signed_limit(order: Order) -> Decimal:
    """Key of a limit in its heap."""
    price = order.terms.limit_price
    assert price is not None, f"order {order.order_id} has no limit price"
    return -price if order.terms.side is BUY else price


def signed_stop(order: Order) -> Decimal:
    """Key of a stop in its heap."""
    price = order.terms.stop_price
    assert price is not None, f"order {order.order_id} has no stop price"
    return price if order.terms.side is BUY else -price


def signed_touch(side: Side, quote: Quote) -> Decimal:
    """What limits of `side` and their heap are compared with, and what trailing stops of the other sign follow."""
    return -quote.ask if side is BUY else quote.bid
