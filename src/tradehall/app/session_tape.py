"""Session tape: what the market board took and what the loop was told, in one line of numbered rows."""

from collections.abc import Callable
from itertools import count

from tradehall.app.market import MarketListener
from tradehall.domain.market import Depth, Print, Quote
from tradehall.venue.session import (
    AnyRow,
    DepthHeard,
    LoopMade,
    PrintHeard,
    QuoteAgain,
    QuoteHeard,
    SessionEnded,
    TimeHeard,
    WishHeard,
)
from tradehall.venue.settings import VenueSettings


class SessionTape(MarketListener):
    """Hands each row to `put`, which must be quick and must not raise; belongs to the thread of the desk.

    It listens to the market board before the desk does: a quote is on the board for every decision from that moment
    on, whether the loop is told of it or, while the shard is closed, is not.
    """

    def __init__(self, put: Callable[[AnyRow], None], version: str) -> None:
        self._put = put
        self._version = version
        self._numbers = count(1)
        self._is_started = False
        self._after = 0
        self._untold: Quote | None = None

    # The board.

    def on_quote(self, quote: Quote) -> None:
        """The board has a quote; who is told of it comes next."""
        self.flush()
        self._untold = quote

    def flush(self) -> None:
        """Note a quote that nobody was told of: the shard is closed, or we are at the end."""
        if self._untold is not None:
            quote, self._untold = self._untold, None
            self._put(QuoteHeard(next(self._numbers), self._after, quote))

    def end(self, after: int, reason: str) -> None:
        """The recording ends here on purpose; record `after` is the last it covers."""
        self._put(SessionEnded(self._next(after), after, reason))

    # The loop.

    def made(self, after: int, settings: VenueSettings) -> None:
        """See Tape."""
        is_start, self._is_started = not self._is_started, True
        self._put(LoopMade(self._next(after), after, settings, self._version, is_start))

    def quote(self, after: int, quote: Quote, now: int) -> None:
        """See Tape."""
        if quote is self._untold:
            self._untold = None
            self._put(QuoteHeard(self._next(after), after, quote, now))
        else:
            self._put(QuoteAgain(self._next(after), after, quote.symbol, now))

    def depth(self, after: int, depth: Depth, now: int) -> None:
        """See Tape."""
        self._put(DepthHeard(self._next(after), after, depth, now))

    def printed(self, after: int, printed: Print, now: int) -> None:
        """See Tape."""
        self._put(PrintHeard(self._next(after), after, printed, now))

    def wish(self, after: int, now: int, seq: int) -> None:
        """See Tape."""
        self._put(WishHeard(self._next(after), after, now, seq))

    def time(self, after: int, now: int) -> None:
        """See Tape."""
        self._put(TimeHeard(self._next(after), after, now))

    def _next(self, after: int) -> int:
        self.flush()
        self._after = after
        return next(self._numbers)
