"""What one side of the market offers now: the touch, the depth behind it, less what was taken already."""

from decimal import Decimal

from tradehall.domain.market import Depth, Quote
from tradehall.domain.money import ZERO
from tradehall.domain.order import BUY, Side
from tradehall.venue.settings import Liquidity

Offer = tuple[Decimal, Decimal | None]
"""Price and units on offer there; None: as many as one likes."""


class Offers:
    """Quote and depth of one symbol, and the units taken from them since they came."""

    __slots__ = ("_is_displayed", "_taken", "depth", "quote")

    def __init__(self, quote: Quote | None, liquidity: Liquidity) -> None:
        self.quote = quote
        self.depth: Depth | None = None
        self._is_displayed = liquidity == Liquidity.DISPLAYED
        self._taken: dict[Decimal, Decimal] = {}

    def set_quote(self, quote: Quote) -> None:
        """A new quote refills everything; the same one once more refills nothing."""
        if quote != self.quote:
            self._taken.clear()
        self.quote = quote

    def set_depth(self, depth: Depth) -> None:
        """New levels refill all but the touch, which the quote speaks for."""
        self.depth = depth
        if self._taken and self.quote is not None:
            touch = (self.quote.bid, self.quote.ask)
            self._taken = {price: units for price, units in self._taken.items() if price in touch}

    def take(self, price: Decimal, quantity: Decimal) -> None:
        """Note that `quantity` units at `price` are gone."""
        if self._is_displayed:
            self._taken[price] = self._taken.get(price, ZERO) + quantity

    def to(self, side: Side, limit: Decimal | None, oldest: int) -> list[Offer]:
        """What an order of `side` may take, best first, down to `limit`; asserts that there is a quote.

        Depth that was received before `oldest` [ns UTC] is not looked at.
        """
        quote = self.quote
        assert quote is not None, "offers were asked for before the first quote"
        touch = quote.ask if side is BUY else quote.bid
        if not _is_within(side, touch, limit):
            return []
        if not self._is_displayed:
            return [(touch, None)]
        levels = self._levels(side, oldest)
        size = quote.ask_size if side is BUY else quote.bid_size
        if size is None:
            size = next((units for price, units in levels if price == touch), None)
        offers: list[Offer] = [(touch, None if size is None else self._left(touch, size))]
        for price, units in levels:
            if price != touch and _is_within(side, touch, price) and _is_within(side, price, limit):
                offers.append((price, self._left(price, units)))
        return [(price, units) for price, units in offers if units is None or units > 0]

    def displayed_at(self, side: Side, price: Decimal, oldest: int) -> Decimal | None:
        """Units that orders of `side` show at `price`; None where the market does not tell."""
        quote = self.quote
        if quote is None:
            return None
        touch, size = (quote.bid, quote.bid_size) if side is BUY else (quote.ask, quote.ask_size)
        if not _is_within(side.opposite, touch, price):
            return ZERO  # Better than the touch: nobody is there.
        if price == touch and size is not None:
            return size
        return self._displayed_behind(side, price, oldest)

    def _displayed_behind(self, side: Side, price: Decimal, oldest: int) -> Decimal | None:
        """Size of a level as depth says: 0 between its levels, unknown beyond them."""
        levels = self._levels(side.opposite, oldest)
        size = next((units for level, units in levels if level == price), None)
        if size is not None or not levels:
            return size
        is_inside = _is_within(side.opposite, price, levels[-1][0])
        return ZERO if is_inside else None

    def _levels(self, side: Side, oldest: int) -> tuple[tuple[Decimal, Decimal], ...]:
        if self.depth is None or self.depth.received_at < oldest:
            return ()
        return self.depth.asks if side is BUY else self.depth.bids

    def _left(self, price: Decimal, units: Decimal) -> Decimal:
        return units - self._taken.get(price, ZERO)


def _is_within(side: Side, price: Decimal, limit: Decimal | None) -> bool:
    """Whether an order of `side` with this limit may trade at `price`."""
    if limit is None:
        return True
    return price <= limit if side is BUY else price >= limit
