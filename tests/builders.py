"""Builders: `an_order(quantity="0.10")` has a default for everything, so that only the point is in sight.

Amounts and prices are written as text; `a_quote`, `an_instrument`, `an_account`, `an_order` make Decimals and
enum members of it. A `World` drives an Engine with a clock and quotes that the test holds in its hand; the test
plays the venue as well: `world.fill(order, "3", at="1.10010")` is what a venue reports.
"""

from collections.abc import Iterator
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final, TypeVar, get_args, get_type_hints

import msgspec

from tradehall.domain.account import Account, AccountTerms, Valuation
from tradehall.domain.fill import VenueAccepted, VenueCancelled, VenueFilled, VenueRejected, VenueTriggered
from tradehall.domain.instrument import AssetClass, Commission, Instrument
from tradehall.domain.market import Quote
from tradehall.domain.order import Order, OrderRole, OrderTerms, OrderType, Side
from tradehall.domain.position import Position
from tradehall.domain.rejection import Rejection
from tradehall.domain.strategy import StrategyBook, StrategyLimits, TradingState
from tradehall.domain.time import NS_PER_SECOND, from_rfc3339
from tradehall.engine import commands as cmd
from tradehall.engine import events as ev
from tradehall.engine.context import Context
from tradehall.engine.engine import Engine
from tradehall.engine.record import Record
from tradehall.engine.state import State
from tradehall.engine.valuation import value_account

MINE: Final = "3f0c7f5e-52a1-4f0e-9d5b-8b8a8f4f7c11"
OTHER: Final = "5f6e1c0a-2b0d-4c55-b7c4-5b1b3b9b7f02"

# A Tuesday morning: no weekend, no rollover and no session's end is near.
TUESDAY_10H: Final = from_rfc3339("2025-01-14T10:00:00Z")
LOGIN: Final = 700_100

T = TypeVar("T", bound=msgspec.Struct)
E = TypeVar("E")


def an_instrument(symbol: str = "EURUSD", **changes: Any) -> Instrument:
    """One of INSTRUMENTS, changed; or a new one that is quoted in USD."""
    known = INSTRUMENTS.get(symbol) or _instrument(symbol, symbol, "USD", tick_size="0.01")
    return msgspec.structs.replace(known, **typed(Instrument, changes))


def an_account(account_id: int = LOGIN, **changes: Any) -> AccountTerms:
    """USD, netting, leverage 20, margin call at 100 %, stop-out at 50 %."""
    return AccountTerms(account_id=account_id, **typed(AccountTerms, changes))


def an_order(**changes: Any) -> OrderTerms:
    """Buy 10,000 EURUSD at market."""
    wish = {"account_id": LOGIN, "symbol": "EURUSD", "side": "BUY", "type": "MARKET", "quantity": "10000"}
    return OrderTerms(**typed(OrderTerms, wish | changes))


def a_limit(side: str, quantity: str, price: str, **changes: Any) -> OrderTerms:
    """A limit order in EURUSD."""
    return an_order(type="LIMIT", side=side, quantity=quantity, limit_price=price, **changes)


def a_stop(side: str, quantity: str, price: str, **changes: Any) -> OrderTerms:
    """A stop order in EURUSD."""
    return an_order(type="STOP", side=side, quantity=quantity, stop_price=price, **changes)


def a_quote(symbol: str = "EURUSD", bid: str = "1.10000", ask: str | None = None, at: int = TUESDAY_10H) -> Quote:
    """A quote that is as old as `at` [ns UTC]; without an ask, one tick wide."""
    spread = INSTRUMENTS[symbol].tick_size if symbol in INSTRUMENTS else Decimal("0.01")
    return Quote(symbol, Decimal(bid), Decimal(bid) + spread if ask is None else Decimal(ask), at, at)


def typed(struct: type[msgspec.Struct], values: dict[str, Any]) -> dict[str, Any]:
    """`values` with text made into what the fields of `struct` want: Decimals and members of enums."""
    hints = get_type_hints(struct)
    return {name: _typed(hints[name], value) for name, value in values.items()}


def _typed(hint: Any, value: Any) -> Any:
    if not isinstance(value, str):
        return value
    for kind in get_args(hint) or (hint,):
        if kind is Decimal:
            return Decimal(value)
        if isinstance(kind, type) and issubclass(kind, StrEnum):
            return kind(value)
    return value


def _instrument(symbol: str, base: str, quote: str, **rules: Any) -> Instrument:
    plain = {
        "symbol": symbol, "display": symbol, "description": symbol, "asset_class": AssetClass.FOREX,
        "base_currency": base, "quote_currency": quote,
    }  # fmt: skip
    return Instrument(**typed(Instrument, plain | rules))


INSTRUMENTS: Final[dict[str, Instrument]] = {
    instrument.symbol: instrument
    for instrument in (
        #           symbol     base    quote
        _instrument("EURUSD",  "EUR",  "USD",  tick_size="0.00001"),
        _instrument("GBPUSD",  "GBP",  "USD",  tick_size="0.00001"),
        _instrument("USDJPY",  "USD",  "JPY",  tick_size="0.001"),
        _instrument("EURJPY",  "EUR",  "JPY",  tick_size="0.001"),
        _instrument("EURGBP",  "EUR",  "GBP",  tick_size="0.00001"),
        _instrument("AAPL",    "AAPL", "USD",  tick_size="0.01"),
        _instrument("BTCUSDT", "BTC",  "USDT", tick_size="0.01"),
    )
}  # fmt: skip

QUOTES: Final[dict[str, tuple[str, str]]] = {
    "EURUSD":  ("1.10000",  "1.10010"),
    "GBPUSD":  ("1.25000",  "1.25010"),
    "USDJPY":  ("150.000",  "150.010"),
    "EURJPY":  ("165.000",  "165.020"),
    "EURGBP":  ("0.88000",  "0.88010"),
    "AAPL":    ("200.00",   "200.10"),
    "BTCUSDT": ("50000.00", "50001.00"),
}  # fmt: skip


class World:
    """An Engine, a clock, quotes, and one funded account; time goes a second on with each command.

    `world.events` are those of the last command, `world.records` all decisions that made events.
    """

    def __init__(
        self,
        *instruments: Instrument,
        account: AccountTerms | None = None,
        deposit: str = "100000",
        quotes: dict[str, tuple[str, str]] | None = None,
        now: int = TUESDAY_10H,
    ) -> None:
        self.now = now
        self.engine = Engine(State())
        self.quotes: dict[str, Quote] = {}
        self.records: list[Record] = []
        self.events: tuple[ev.AnyEvent, ...] = ()
        self.quotes_read: dict[str, Quote] = {}
        self._fills = 0
        for instrument in instruments or INSTRUMENTS.values():
            self.do(cmd.ListInstrument(instrument))
        self.open(account or an_account(), deposit)
        for symbol, (bid, ask) in (QUOTES if quotes is None else quotes).items():
            self.quote(symbol, bid, ask)

    # What is.

    @property
    def state(self) -> State:
        return self.engine.state

    @property
    def account(self) -> Account:
        return next(iter(self.state.accounts.values()))

    @property
    def value(self) -> Valuation:
        return value_account(self.state, self.account, self.quotes.get)

    @property
    def position(self) -> Position:
        """The only position."""
        (position,) = self.account.positions.values()
        return position

    @property
    def orders(self) -> list[Order]:
        """Working orders, oldest first."""
        return list(self.account.orders.values())

    @property
    def rejection(self) -> Rejection | None:
        """Why the last command was refused, None if it was not."""
        said = [event.rejection for event in self.events if isinstance(event, ev.RequestRefused | ev.OrderRejected)]
        return said[0] if said else None

    def order(self, order: Order | int) -> Order:
        """The order as it stands now, working or lately ended."""
        found = self.state.order(order if isinstance(order, int) else order.order_id)
        assert found is not None, f"{order} is not remembered"
        return found

    def leg(self, role: OrderRole) -> Order:
        """The only working exit leg of a role."""
        (leg,) = [order for order in self.orders if order.role is role]
        return leg

    def told(self, kind: type[E]) -> list[E]:
        """Events of one kind among those of the last command."""
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def kinds(self) -> list[str]:
        """Names of the last command's events, in order."""
        return [type(event).__name__ for event in self.events]

    def ledger(self) -> Iterator[ev.BalanceChanged]:
        """All entries ever booked."""
        for record in self.records:
            yield from (event for event in record.events if isinstance(event, ev.BalanceChanged))

    # What happens.

    def do(self, command: cmd.AnyCommand) -> tuple[ev.AnyEvent, ...]:
        """Decide a command a second after the last."""
        self.now += NS_PER_SECOND
        context = Context(self.now, self.quotes)
        self.events = self.engine.apply(command, context)
        self.quotes_read = context.quotes_read
        if self.events:
            quotes = tuple(context.quotes_read.values())
            self.records.append(Record(self.state.seq, self.now, command, self.events, quotes))
        return self.events

    def quote(self, symbol: str = "EURUSD", bid: str = "1.10000", ask: str | None = None) -> Quote:
        """The market moves; the quote is fresh."""
        quote = a_quote(symbol, bid, ask, self.now)
        self.quotes[symbol] = quote
        return quote

    def freshen(self) -> None:
        """The market says the same again: no quote is old now."""
        for symbol, quote in self.quotes.items():
            self.quotes[symbol] = msgspec.structs.replace(quote, at=self.now, received_at=self.now)

    def wait_until(self, at: str | int) -> None:
        """Time passes [RFC 3339 or ns UTC]; the quotes stay fresh."""
        self.now = from_rfc3339(at) if isinstance(at, str) else at
        self.freshen()

    def open(self, terms: AccountTerms, deposit: str = "100000") -> None:
        self.do(cmd.OpenAccount(terms, Decimal(deposit)))

    # What an operator does about strategies.

    def strategy(self, strategy_id: str = MINE, /, account_id: int = LOGIN, **budgets: str) -> StrategyBook:
        """Register a strategy, with budgets by currency: `world.strategy(MINE, USD="1000")`."""
        self.do(cmd.RegisterStrategy(account_id, strategy_id))
        for currency, allocated in budgets.items():
            self.do(cmd.SetBudget(account_id, strategy_id, currency, Decimal(allocated)))
        return self.book(strategy_id, account_id)

    def book(self, strategy_id: str = MINE, account_id: int = LOGIN) -> StrategyBook:
        """The book of a strategy as it stands."""
        book = self.state.book(account_id, strategy_id)
        assert book is not None, f"strategy {strategy_id} has no book"
        return book

    def part(self, strategy_id: str = MINE) -> Position:
        """The only part of a strategy's book."""
        (part,) = self.book(strategy_id).parts.values()
        return part

    def limit_strategy(self, strategy_id: str = MINE, /, **limits: Any) -> tuple[ev.AnyEvent, ...]:
        return self.do(cmd.SetStrategyLimits(LOGIN, strategy_id, StrategyLimits(**typed(StrategyLimits, limits))))

    def let(self, trading_state: str, strategy_id: str | None = None, reason: str = "") -> tuple[ev.AnyEvent, ...]:
        """Set the trading state of a strategy, or of the account."""
        return self.do(cmd.SetTradingState(LOGIN, strategy_id, TradingState(trading_state), reason))

    def kill(self, strategy_id: str | None = None, *, flatten: bool = True) -> tuple[ev.AnyEvent, ...]:
        return self.do(cmd.KillSwitch(LOGIN, strategy_id, flatten))

    # What a person asks for.

    def place(self, terms: OrderTerms | None = None, /, **wish: Any) -> Order:
        """Place an order, and be given it as it stands; it must have got a number."""
        self.ask(terms or an_order(**wish))
        return self._order_made()

    def ask(self, terms: OrderTerms, /, **command: Any) -> Rejection | None:
        """Place an order, and be given its refusal if there is one."""
        self.do(cmd.PlaceOrder(terms, **typed(cmd.PlaceOrder, command)))
        return self.rejection

    def amend(self, order: Order, /, **changes: Any) -> Rejection | None:
        self.do(cmd.AmendOrder(order.terms.account_id, order.order_id, **typed(cmd.AmendOrder, changes)))
        return self.rejection

    def cancel(self, order: Order) -> Rejection | None:
        self.do(cmd.CancelOrder(order.terms.account_id, order.order_id))
        return self.rejection

    def close(self, position: Position, /, **wish: Any) -> Order:
        """Ask for a closing order; it must have got a number."""
        command = typed(cmd.ClosePosition, wish)
        self.do(cmd.ClosePosition(position.account_id, position.position_id, **command))
        return self._order_made()

    def set_exits(self, position: Position, /, **exits: Any) -> Rejection | None:
        command = typed(cmd.SetPositionExits, exits)
        self.do(cmd.SetPositionExits(position.account_id, position.position_id, **command))
        return self.rejection

    # What a venue reports.

    def fill(
        self, order: Order, quantity: str | Decimal | None = None, *, at: str | Decimal | None = None,
        name: str | None = None, is_maker: bool = False,
    ) -> tuple[ev.AnyEvent, ...]:  # fmt: skip
        """A fill: of all that remains, at the touch, under a new name, unless told otherwise."""
        self._fills += 1
        report = VenueFilled(
            order.order_id,
            name or f"fill-{self._fills}",
            self.order(order).remaining_quantity if quantity is None else Decimal(quantity),
            self._touch(order) if at is None else Decimal(at),
            is_maker,
        )
        return self.do(cmd.ReportExecution(report))

    def trigger(self, order: Order, at: str = "1") -> tuple[ev.AnyEvent, ...]:
        return self.do(cmd.ReportExecution(VenueTriggered(order.order_id, Decimal(at))))

    def venue_accepts(self, order: Order) -> tuple[ev.AnyEvent, ...]:
        return self.do(cmd.ReportExecution(VenueAccepted(order.order_id)))

    def venue_cancels(self, order: Order, reason: str = "nothing left at the price") -> tuple[ev.AnyEvent, ...]:
        return self.do(cmd.ReportExecution(VenueCancelled(order.order_id, reason)))

    def venue_rejects(self, order: Order) -> tuple[ev.AnyEvent, ...]:
        return self.do(cmd.ReportExecution(VenueRejected(order.order_id, "E1", "not today")))

    def deal(self, terms: OrderTerms | None = None, /, **wish: Any) -> Order:
        """Place a market order and have it filled at the touch."""
        order = self.place(terms, **wish)
        self.fill(order)
        return self.order(order)

    def check_margin(self) -> None:
        self.do(cmd.CheckMargin(self.account.terms.account_id))

    def tick(self) -> None:
        self.do(cmd.Tick())

    def _order_made(self) -> Order:
        made = [event.order_id for event in self.events if isinstance(event, ev.OrderAccepted | ev.OrderRejected)]
        assert made, f"no order was made: {self.events}"
        return self.order(made[0])

    def _touch(self, order: Order) -> Decimal:
        if order.terms.type is OrderType.LIMIT and order.terms.limit_price is not None:
            return order.terms.limit_price
        quote = self.quotes[order.terms.symbol]
        return quote.ask if order.terms.side is Side.BUY else quote.bid


def free(**fees: Any) -> Commission:
    """A commission of the named parts, the rest nothing."""
    return Commission(**typed(Commission, fees))
