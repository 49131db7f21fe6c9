"""Context: all that a decision may read besides the state. It remembers which quotes were asked for."""

from collections.abc import Mapping

from msgspec import Struct, field

from tradehall.domain.market import Quote


class Context(Struct, gc=False):
    """One decision's view of the world: the instant and the latest quotes.

    `now` ns UTC, strictly increasing from decision to decision. `quotes` maps symbols to the latest
    quote; those read are kept in `quotes_read` and go into the journal with the decision.
    """

    now: int
    quotes: Mapping[str, Quote]
    quotes_read: dict[str, Quote] = field(default_factory=dict)

    def quote(self, symbol: str) -> Quote | None:
        """Latest quote of `symbol`, None if there never was one."""
        quote = self.quotes.get(symbol)
        if quote is not None:
            self.quotes_read[symbol] = quote
        return quote
