"""A stage for journeys: engine, simulated venue and trading loop, a clock and quotes that the scenario moves."""

from typing import Any

from tests.builders import LOGIN, TUESDAY_10H, a_quote, an_account, an_instrument, an_order, typed
from tradehall.domain.account import Account, AccountTerms
from tradehall.domain.instrument import Instrument
from tradehall.domain.market import Quote
from tradehall.domain.order import Order, OrderRole, OrderStatus
from tradehall.domain.position import Position
from tradehall.domain.rejection import RejectCode, Rejection
from tradehall.domain.time import NS_PER_MS, NS_PER_SECOND, from_rfc3339
from tradehall.engine import commands as cmd
from tradehall.engine import events as ev
from tradehall.engine.engine import Engine
from tradehall.engine.record import Record
from tradehall.engine.state import State
from tradehall.venue.loop import TradingLoop
from tradehall.venue.settings import VenueSettings
from tradehall.venue.simulated import SimulatedVenue


class Stage:
    """One account and its instruments; a second passes before everything that happens."""

    def __init__(
        self,
        *instruments: Instrument,
        account: AccountTerms | None = None,
        deposit: str = "10000",
        settings: VenueSettings | None = None,
    ) -> None:
        self.now = TUESDAY_10H
        self.records: list[Record] = []
        self.quotes: dict[str, Quote] = {}
        self.state = State()
        venue = SimulatedVenue(settings or VenueSettings(), self.state, self.quotes)
        self.loop = TradingLoop(Engine(self.state), venue, self.quotes, self.records.append)
        for instrument in instruments or (an_instrument(),):
            self.do(cmd.ListInstrument(instrument))
        self.do(cmd.OpenAccount(account or an_account(), typed(cmd.OpenAccount, {"deposit": deposit})["deposit"]))

    # What is.

    @property
    def account(self) -> Account:
        return self.state.accounts[LOGIN]

    @property
    def position(self) -> Position:
        (position,) = self.account.positions.values()
        return position

    @property
    def balance(self) -> str:
        return str(self.account.balance)

    def working(self) -> list[tuple[str, str]]:
        """(role, what remains) of the working orders, oldest first."""
        return [(order.role.value, f"{order.remaining_quantity:f}") for order in self.account.orders.values()]

    def statuses(self, *orders: Order) -> list[OrderStatus]:
        found = [self.state.order(order.order_id) for order in orders]
        return [order.status for order in found if order is not None]

    def leg(self, role: OrderRole) -> Order:
        (leg,) = [order for order in self.account.orders.values() if order.role is role]
        return leg

    def told(self) -> list[str]:
        """Names of all events so far."""
        return [type(event).__name__ for record in self.records for event in record.events]

    # What happens.

    def do(self, command: cmd.AnyCommand) -> Record | None:
        self.now += NS_PER_SECOND
        return self.loop.submit(command, self.now)

    def quote(self, bid: str, ask: str | None = None, symbol: str = "EURUSD", size: str | None = None) -> None:
        """The market moves; `size` [units] is shown on both sides."""
        self.now += NS_PER_SECOND
        quote = a_quote(symbol, bid, ask, self.now)
        if size is not None:
            quote = Quote(**{**_fields(quote), **typed(Quote, {"bid_size": size, "ask_size": size})})
        self.quotes[symbol] = quote
        self.loop.on_quote(quote, self.now)

    def wait_until(self, at: str) -> None:
        """Time passes; deadlines on the way are met."""
        end = from_rfc3339(at)
        while (due := self.loop.next_deadline()) is not None and due <= end:
            self.now = max(self.now, due)
            self.loop.on_time(self.now)
        self.now = max(self.now, end - NS_PER_MS)

    def place(self, **wish: Any) -> Order:
        """An order of EURUSD; it must get a number."""
        command = {name: wish.pop(name) for name in ("digest", "is_strict") if name in wish}
        record = self.do(cmd.PlaceOrder(an_order(**wish), **command))
        assert record is not None, "a repeat makes no order"
        (order_id,) = [e.order_id for e in record.events if isinstance(e, ev.OrderAccepted | ev.OrderRejected)][:1]
        order = self.state.order(order_id)
        assert order is not None
        return order

    def limit(self, side: str, quantity: str, price: str, **wish: Any) -> Order:
        return self.place(type="LIMIT", side=side, quantity=quantity, limit_price=price, **wish)

    def stop(self, side: str, quantity: str, price: str, **wish: Any) -> Order:
        return self.place(type="STOP", side=side, quantity=quantity, stop_price=price, **wish)

    def amend(self, order: Order, **changes: Any) -> None:
        self.do(cmd.AmendOrder(LOGIN, order.order_id, **typed(cmd.AmendOrder, changes)))

    def cancel(self, order: Order) -> None:
        self.do(cmd.CancelOrder(LOGIN, order.order_id))

    def close(self, position: Position, **wish: Any) -> None:
        self.do(cmd.ClosePosition(LOGIN, position.position_id, **typed(cmd.ClosePosition, wish)))

    def refusal(self, **wish: Any) -> RejectCode | None:
        """Place an order; why it was refused."""
        self.place(**wish)
        last = self.records[-1].events[0]
        return last.rejection.code if isinstance(last, ev.OrderRejected) else None

    def refusals(self) -> list[Rejection]:
        kinds = ev.RequestRefused | ev.OrderRejected
        return [event.rejection for record in self.records for event in record.events if isinstance(event, kinds)]


def _fields(quote: Quote) -> dict[str, Any]:
    return {name: getattr(quote, name) for name in quote.__struct_fields__}
