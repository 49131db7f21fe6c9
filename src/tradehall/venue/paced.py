"""A venue whose clock stands still while somebody thinks: orders wait for the market to go on.

In real time the market has moved on before an order arrives; in a backtest the price an order reacted to would
still stand there. A turnstile says which orders have to wait, and which quote lets them in.
"""

from collections.abc import Mapping
from typing import Protocol

from tradehall.domain.market import Quote
from tradehall.domain.order import Order, OrderRole, Side
from tradehall.engine import events as ev
from tradehall.engine.state import State
from tradehall.venue.book import Waiting, signed_stop
from tradehall.venue.fills import waits_for_trigger
from tradehall.venue.matching import NO_REPORTS, Reports, is_marketable
from tradehall.venue.settings import VenueSettings
from tradehall.venue.simulated import SimulatedVenue

# Legs and liquidations follow from what the market did, not from what somebody made of it.
ASKED_FOR = frozenset({OrderRole.ENTRY, OrderRole.CLOSE})


class Turnstile(Protocol):
    """Where a symbol's market stands."""

    def is_between_bars(self, symbol: str) -> bool:
        """Whether a bar is over and nothing was heard since, so that any order waits for the next quote."""
        ...

    def is_inside_bar(self, symbol: str) -> bool:
        """Whether the symbol is told bar by bar and one is being told: only its open is a price to deal at."""
        ...

    def lets_in(self, symbol: str) -> bool:
        """Whether the quote that is being told lets those in who wait."""
        ...


class PacedVenue(SimulatedVenue):
    """See SimulatedVenue. Orders that somebody asked for pass the turnstile; all else is the same."""

    def __init__(
        self, settings: VenueSettings, state: State, quotes: Mapping[str, Quote], turnstile: Turnstile
    ) -> None:
        super().__init__(settings, state, quotes)
        self._quotes = quotes
        self._turnstile = turnstile
        self._lines: dict[str, Waiting] = {}

    def _receive(self, order: Order, now: int) -> Reports:
        if order.role not in ASKED_FOR or not self._has_to_wait(order):
            return super()._receive(order, now)
        return self._hold(order)

    def _on_amended(self, event: ev.OrderAmended, now: int) -> Reports:
        order = self._floor.state.orders.get(event.order_id)
        if order is None or any(event.order_id in line for line in self._lines.values()):
            return NO_REPORTS  # It arrives as it is then.
        is_moved = event.order_id in self._floor.homes and not event.keeps_priority
        if is_moved and not self._floor.is_delayed(event.order_id) and self._has_to_wait(order):
            return self._hold(order)
        return super()._on_amended(event, now)

    def _hold(self, order: Order) -> Reports:
        symbol = order.terms.symbol
        self._floor.book(symbol)  # From now on it follows the quotes.
        line = self._lines.setdefault(symbol, Waiting())
        self._floor.settle_in(order.order_id, line)
        line.add(order.order_id)
        return NO_REPORTS

    def _has_to_wait(self, order: Order) -> bool:
        symbol = order.terms.symbol
        if self._turnstile.is_between_bars(symbol):
            return True
        return self._turnstile.is_inside_bar(symbol) and self._would_take(order)

    def _would_take(self, order: Order) -> bool:
        """Whether the order would deal at the price that stands."""
        quote = self._quotes.get(order.terms.symbol)
        if quote is None:
            return False
        if waits_for_trigger(order):
            touch = quote.ask if order.terms.side is Side.BUY else -quote.bid
            return order.terms.stop_price is not None and signed_stop(order) <= touch
        return order.terms.limit_price is None or is_marketable(order, quote)

    def on_quote(self, quote: Quote, now: int) -> Reports:
        """See SimulatedVenue; those who waited for this quote meet it after those who were there before."""
        reports = super().on_quote(quote, now)
        line = self._lines.get(quote.symbol)
        if not line or not self._turnstile.lets_in(quote.symbol):
            return reports
        return self._let_in(reports, line, now)

    def _let_in(self, reports: Reports, line: Waiting, now: int) -> Reports:
        yield from reports
        for order_id in line.all():
            self._floor.withdraw(order_id)
            order = self._floor.state.orders.get(order_id)
            if order is not None:
                yield from super()._receive(order, now)
