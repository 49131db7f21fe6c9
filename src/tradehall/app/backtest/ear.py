"""The ear of a desk: it hears of the market only what can matter to an order, a position or a margin."""

from tradehall.app.desk import Desk
from tradehall.app.market import MarketListener
from tradehall.domain.market import Depth, Print, Quote


class Ear(MarketListener):
    """Tells the desk. As long as nobody ordered anything of a symbol, most of a past concerns nobody."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def on_quote(self, quote: Quote) -> None:
        """See MarketListener."""
        if not self._desk.ignores(quote.symbol):
            self._desk.on_quote(quote)

    def on_depth(self, depth: Depth) -> None:
        """See MarketListener."""
        if not self._desk.ignores(depth.symbol):
            self._desk.on_depth(depth)

    def on_print(self, printed: Print) -> None:
        """See MarketListener."""
        if not self._desk.ignores(printed.symbol):
            self._desk.on_print(printed)
