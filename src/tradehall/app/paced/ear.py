"""The ear of a desk: it hears of the market only what can matter to an order, a position or a margin."""

from tradehall.app.desk import Desk
from tradehall.app.market import MarketListener
from tradehall.domain.market import Depth, Print, Quote


class Ear(MarketListener):
    """Tells the desk. As long as nobody ordered anything of a symbol, most of a past concerns nobody."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        # Symbols that concern nobody, as long as nothing is decided.
        self._unheard: set[str] = set()
        self._seq = -1

    def _ignores(self, symbol: str) -> bool:
        seq = self._desk.state.seq
        if seq != self._seq:
            self._seq = seq
            self._unheard.clear()
        elif symbol in self._unheard:
            return True
        if self._desk.ignores(symbol):
            self._unheard.add(symbol)
            return True
        return False

    def on_quote(self, quote: Quote) -> None:
        """See MarketListener."""
        if not self._ignores(quote.symbol):
            self._desk.on_quote(quote)

    def on_depth(self, depth: Depth) -> None:
        """See MarketListener."""
        if not self._ignores(depth.symbol):
            self._desk.on_depth(depth)

    def on_print(self, printed: Print) -> None:
        """See MarketListener."""
        if not self._ignores(printed.symbol):
            self._desk.on_print(printed)
