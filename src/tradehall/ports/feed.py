"""Where quotes come from, and where they go."""

from collections.abc import Iterable, Mapping
from typing import Final, Protocol

from tradehall.domain.instrument import Instrument
from tradehall.domain.market import Depth, Print, Quote
from tradehall.domain.time import NS_PER_SECOND
from tradehall.ports.history import BarHistory

STALE_AFTER_NS_DEFAULT: Final = 30 * NS_PER_SECOND


# How long a bar that is over waits for quotes that are under way.
BAR_GRACE_NS: Final = NS_PER_SECOND


class FeedError(Exception):
    """A feed cannot start; its text is one sentence that names what was found and what was expected."""


class MarketSink(Protocol):
    """Takes what a market says, synchronously and in the order in which it was said."""

    def on_quote(self, quote: Quote) -> None:
        """A new best bid and ask."""

    def on_depth(self, depth: Depth) -> None:
        """A new order book."""

    def on_print(self, printed: Print) -> None:
        """An execution the market reported."""

    def on_end(self, symbols: Iterable[str]) -> None:
        """No more will come for these symbols: a recording is over or a line is lost."""


class Feed(Protocol):
    """A market we listen to."""

    @property
    def provider(self) -> str:
        """Name under which the doors show where quotes come from: `simulated`, `replay`."""
        ...

    @property
    def instruments(self) -> Mapping[str, Instrument]:
        """What it quotes, by symbol; fixed once the feed is built."""
        ...

    @property
    def history(self) -> BarHistory:
        """Bars of the time before the first quote."""
        ...

    @property
    def stale_after_ns(self) -> int | None:
        """Silence after which a symbol counts as stale [ns]; None: only when the feed says so."""
        ...

    @property
    def bar_grace_ns(self) -> int | None:
        """How long a bar that is over waits for quotes under way [ns]; None: its times do not run with our clock."""
        ...

    async def run(self, sink: MarketSink) -> None:
        """Send everything to `sink`, the first quotes at once, until cancelled or at the end."""
