"""Engine, venue and loop without a server: what in-process workloads run on."""

from collections.abc import Callable
from decimal import Decimal

from tradehall.domain.account import AccountTerms, PositionMode
from tradehall.domain.catalogue import demo_instruments
from tradehall.domain.market import Quote
from tradehall.domain.order import OrderTerms, OrderType, Side
from tradehall.domain.time import NS_PER_MS, NS_PER_SECOND
from tradehall.engine.commands import AnyCommand, ListInstrument, OpenAccount, PlaceOrder
from tradehall.engine.engine import Engine
from tradehall.engine.record import Record
from tradehall.engine.state import State
from tradehall.venue.loop import TradingLoop
from tradehall.venue.settings import VenueSettings
from tradehall.venue.simulated import SimulatedVenue

START = 1_772_445_000_000_000_000
# Quotes that nobody moved are told again so often: after a minute the house takes them for stale and fills nothing.
TOLD_AGAIN_NS = 30 * NS_PER_SECOND


def ignore(record: Record) -> None:
    """A journal for workloads that measure something else."""


class World:
    """A shard in memory with the demo's instruments, a quote each, and a clock that ticks when used."""

    def __init__(self, on_record: Callable[[Record], None] = ignore) -> None:
        self.now = START
        self.quotes: dict[str, Quote] = {}
        self._tell_at = START + TOLD_AGAIN_NS
        self.state = State()
        venue = SimulatedVenue(VenueSettings(), self.state, self.quotes)
        self.loop = TradingLoop(Engine(self.state), venue, self.quotes, on_record)
        for instrument in demo_instruments().values():
            self.submit(ListInstrument(instrument))
        self.quote("AAPL", "149.99", "150.01")
        self.quote("EURUSD", "1.08700", "1.08708")

    def submit(self, command: AnyCommand) -> None:
        """Decide a command, a millisecond later, at quotes that are not stale."""
        self.now += NS_PER_MS
        if self.now >= self._tell_at:
            self._tell_at = self.now + TOLD_AGAIN_NS
            for quote in list(self.quotes.values()):
                self.quote(quote.symbol, str(quote.bid), str(quote.ask))
        self.loop.submit(command, self.now)

    def quote(self, symbol: str, bid: str, ask: str) -> None:
        """The market moves."""
        self.now += NS_PER_MS
        quote = Quote(symbol, Decimal(bid), Decimal(ask), self.now, self.now)
        self.quotes[symbol] = quote
        self.loop.on_quote(quote, self.now)

    def account(self, account_id: int, mode: PositionMode = PositionMode.NETTING) -> None:
        """An account with plenty."""
        self.submit(OpenAccount(AccountTerms(account_id, position_mode=mode), Decimal(10_000_000)))


def limit(account_id: int, number: int, *, client_id: str | None = None) -> PlaceOrder:
    """A BUY limit of AAPL far below the market, at one of 4,000 prices."""
    price = Decimal(5_000 + number % 4_000).scaleb(-2)
    terms = OrderTerms(
        account_id, "AAPL", Side.BUY, OrderType.LIMIT, Decimal("0.01"), limit_price=price, client_order_id=client_id
    )
    return PlaceOrder(terms, client_id)


def market(account_id: int, number: int, symbol: str = "AAPL") -> PlaceOrder:
    """A MARKET order; sides alternate."""
    side = Side.BUY if number % 2 else Side.SELL
    return PlaceOrder(OrderTerms(account_id, symbol, side, OrderType.MARKET, Decimal("0.01")))
