"""Market board: the latest of every symbol, and who wants to hear of it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Protocol

from tradehall.app.bars import BarBook
from tradehall.app.slices import Slices
from tradehall.app.staleness import DataStaleness, StalenessWatch
from tradehall.domain.instrument import Instrument
from tradehall.domain.market import Bar, Depth, Print, Quote, is_sane
from tradehall.domain.money import round_to
from tradehall.ports.clock import Clock
from tradehall.ports.history import BarHistory, BarWindow, Steps


class MarketListener:
    """What the market may tell; a listener overrides what it wants to hear and is called for nothing else.

    Calls are synchronous and come in the order of arrival; bars that a quote closes precede the quote.
    A listener must be quick and must not raise.
    """

    def on_quote(self, quote: Quote) -> None:
        """A sane quote; the board holds it already."""

    def on_depth(self, depth: Depth) -> None:
        """A new order book; the board holds it already."""

    def on_print(self, printed: Print) -> None:
        """An execution reported by the market."""

    def on_bar(self, bar: Bar) -> None:
        """A bar has closed, of any timeframe."""

    def on_staleness(self, staleness: DataStaleness) -> None:
        """Symbols fell silent, or one is heard again."""


class Bars(Protocol):
    """What is made of quotes and prints, and can be read; see BarBook."""

    def on_quote(self, quote: Quote) -> Sequence[Bar]:
        """Take a quote; the bars it closed."""
        ...

    def on_print(self, printed: Print) -> None:
        """Take a print."""
        ...

    def close_by_time(self, now: int) -> Sequence[Bar]:
        """The bars that time has closed, where no quote did; `now` [ns UTC] by our clock."""
        ...

    def over_until(self, symbol: str) -> int | None:
        """All bars of a symbol that end by then are closed [ns UTC]; None: nothing was heard of it."""
        ...

    def read(self, window: BarWindow) -> Steps[list[Bar]]:
        """Bars of `window`, oldest first."""
        ...

    def prepared(self) -> Steps[None]:
        """Read ahead what will be needed."""
        ...


class MarketBoard:
    """Latest quote, depth and print per symbol, bars, staleness; the sink of the feed.

    `quotes` is live: who keeps a reference sees each change. Insane quotes (crossed, locked, not positive,
    not a number) and unknown symbols are counted in `refused` and go no further. `bars` None: a BarBook.
    """

    def __init__(
        self,
        instruments: Mapping[str, Instrument],
        history: BarHistory,
        clock: Clock,
        stale_after_ns: int | None,
        bars: Bars | None = None,
    ) -> None:
        self.quotes: dict[str, Quote] = {}
        self.depths: dict[str, Depth] = {}
        self.prints: dict[str, Print] = {}
        self.refused = 0
        self.received = 0
        self.book: Bars = BarBook(history) if bars is None else bars
        self.slices = Slices()
        self._instruments = instruments
        self._clock = clock
        self._watch = StalenessWatch(stale_after_ns)
        self._stale = self._watch.stale
        self._on_quote: tuple[Callable[[Quote], None], ...] = ()
        self._on_depth: tuple[Callable[[Depth], None], ...] = ()
        self._on_print: tuple[Callable[[Print], None], ...] = ()
        self._on_bar: tuple[Callable[[Bar], None], ...] = ()
        self._on_staleness: tuple[Callable[[DataStaleness], None], ...] = ()

    def subscribe(self, listener: MarketListener) -> None:
        """Tell `listener` everything from now on, after those who subscribed before it."""
        kind = type(listener)
        if kind.on_quote is not MarketListener.on_quote:
            self._on_quote += (listener.on_quote,)
        if kind.on_depth is not MarketListener.on_depth:
            self._on_depth += (listener.on_depth,)
        if kind.on_print is not MarketListener.on_print:
            self._on_print += (listener.on_print,)
        if kind.on_bar is not MarketListener.on_bar:
            self._on_bar += (listener.on_bar,)
        if kind.on_staleness is not MarketListener.on_staleness:
            self._on_staleness += (listener.on_staleness,)

    def on_quote(self, quote: Quote) -> None:
        """Take a quote from the feed."""
        symbol = quote.symbol
        if symbol not in self._instruments or not _is_usable(quote):
            self.refused += 1
            return
        self.received += 1
        self.quotes[symbol] = quote
        if symbol in self._stale:
            self._tell_staleness(self._watch.refresh(quote))
        for bar in self.book.on_quote(quote):
            for tell_bar in self._on_bar:
                tell_bar(bar)
        for tell in self._on_quote:
            tell(quote)

    def close_bars(self, now: int) -> None:
        """Close bars that are over and whose symbols are silent; call it a few times a second. See BarBook."""
        for bar in self.book.close_by_time(now):
            self.tell_bar(bar)

    def tell_bar(self, bar: Bar) -> None:
        """Tell of a bar that time has closed, where it is not for quotes to do so."""
        for tell in self._on_bar:
            tell(bar)

    def on_depth(self, depth: Depth) -> None:
        """Take an order book from the feed; a crossed one is refused."""
        if depth.symbol not in self._instruments or _is_crossed(depth):
            self.refused += 1
            return
        self.depths[depth.symbol] = depth
        for tell in self._on_depth:
            tell(depth)

    def on_print(self, printed: Print) -> None:
        """Take a print from the feed."""
        if printed.symbol not in self._instruments or not _is_positive(printed):
            self.refused += 1
            return
        self.prints[printed.symbol] = printed
        self.book.on_print(printed)
        for tell in self._on_print:
            tell(printed)

    def on_end(self, symbols: Iterable[str]) -> None:
        """The feed has no more of these symbols: they are stale from now on."""
        self._tell_staleness(self._watch.declare(symbols, self.quotes, self._clock.now()))

    def check_staleness(self, now: int) -> None:
        """Look for symbols silent for too long; call about once a second."""
        self._tell_staleness(self._watch.check(self.quotes, now))

    def stale_symbols(self) -> dict[str, int]:
        """Stale symbols and when each was last heard [ns UTC]."""
        return dict(self._stale)

    def last(self, symbol: str) -> Decimal | None:
        """Latest price at which the market dealt; where it does not say, the quote's middle on the tick."""
        if (printed := self.prints.get(symbol)) is not None:
            return printed.price
        quote = self.quotes.get(symbol)
        if quote is None:
            return None
        return round_to(quote.mid, self._instruments[symbol].tick_size) if quote.last is None else quote.last

    async def bars(self, window: BarWindow) -> list[Bar]:
        """Bars of `window`, oldest first, as they are now; see BarBook.read."""
        return await self.slices.run(self.book.read(window))

    async def prepare_bars(self) -> None:
        """See BarBook.prepared; call it from time to time."""
        await self.slices.run(self.book.prepared())

    def _tell_staleness(self, staleness: DataStaleness | None) -> None:
        if staleness is not None:
            for tell in self._on_staleness:
                tell(staleness)


def _is_usable(quote: Quote) -> bool:
    # NaN signals on comparison; an infinite ask is above every bid.
    try:
        return is_sane(quote) and quote.ask.is_finite()
    except InvalidOperation:
        return False


def _is_crossed(depth: Depth) -> bool:
    return bool(depth.bids and depth.asks) and depth.bids[0][0] >= depth.asks[0][0]


def _is_positive(printed: Print) -> bool:
    try:
        return printed.price > 0 and printed.size > 0 and printed.price.is_finite() and printed.size.is_finite()
    except InvalidOperation:
        return False
