"""A small trading floor for tests: the real engine, one or two instruments, accounts, and a clock we own."""

from decimal import Decimal

from tradehall.domain.account import AccountTerms, PositionMode
from tradehall.domain.fill import Fill
from tradehall.domain.instrument import AssetClass, Instrument
from tradehall.domain.market import Depth, Print, Quote
from tradehall.domain.order import Order, OrderTerms, OrderType, Side, TimeInForce, TrailingType
from tradehall.domain.time import NS_PER_SECOND
from tradehall.engine.commands import ListInstrument, OpenAccount, PlaceOrder
from tradehall.engine.engine import Engine
from tradehall.engine.events import AnyEvent, OrderAccepted, OrderCancelled, OrderFilled
from tradehall.engine.record import Record
from tradehall.engine.state import State
from tradehall.venue.loop import TradingLoop
from tradehall.venue.settings import VenueSettings
from tradehall.venue.simulated import SimulatedVenue

START = 1_700_000_000 * NS_PER_SECOND  # A Tuesday evening.
SYMBOL = "XYZ"
ACCOUNT = 1

BUY, SELL = Side.BUY, Side.SELL


def an_instrument(**changes) -> Instrument:
    fields: dict = {
        "symbol": SYMBOL, "display": SYMBOL, "description": "a test", "asset_class": AssetClass.STOCK,
        "base_currency": SYMBOL, "quote_currency": "USD", "tick_size": Decimal("0.01"),
    }  # fmt: skip
    return Instrument(**(fields | changes))


def wish(**fields) -> dict:
    """The fields of an order, as a row of a table shows them."""
    return fields


def decimals(fields: dict) -> dict:
    names = (
        "quantity",
        "limit_price",
        "stop_price",
        "trailing_distance",
        "stop_loss",
        "take_profit",
        "display_quantity",
    )
    return {k: Decimal(v) if k in names and v is not None else v for k, v in fields.items()}


def order_terms(side: Side = BUY, type: OrderType = OrderType.MARKET, quantity: str = "10", **fields) -> OrderTerms:
    shown = {"account_id": ACCOUNT, "symbol": SYMBOL, "side": side, "type": type, "quantity": quantity}
    return OrderTerms(**decimals(shown | fields))


class TradingFloor:
    """Engine, venue and loop over one instrument and some accounts; `now` only moves when told to."""

    def __init__(
        self, *, instrument: Instrument | None = None, mode=PositionMode.NETTING, accounts: int = 1, **settings
    ):
        self.settings = VenueSettings(**settings)
        self.state = State()
        self.quotes: dict[str, Quote] = {}
        self.records: list[Record] = []
        self.now = START
        self.start_loop()
        self.loop.submit(ListInstrument(instrument or an_instrument()), self.now)
        for number in range(accounts):
            terms = AccountTerms(ACCOUNT + number, position_mode=mode, leverage=Decimal(20))
            self.loop.submit(OpenAccount(terms, Decimal(10_000_000)), self.now)

    def start_loop(self) -> None:
        self.venue = SimulatedVenue(self.settings, self.state, self.quotes)
        self.loop = TradingLoop(Engine(self.state), self.venue, self.quotes, self.records.append)

    def restart(self) -> None:
        """A new engine, venue and loop over the stored and restored state."""
        self.state = State.restore(self.state.snapshot())
        self.start_loop()
        self.loop.rebuild()

    # What happens.

    def quote(self, bid: str, ask: str, size: str | None = None, *, age_ns: int = 0, after_ns: int = 1000) -> None:
        self.now += after_ns
        units = None if size is None else Decimal(size)
        quote = Quote(SYMBOL, Decimal(bid), Decimal(ask), self.now - age_ns, self.now - age_ns, units, units)
        self.quotes[SYMBOL] = quote
        self.loop.on_quote(quote, self.now)

    def depth(self, bids: str, asks: str) -> None:
        """Levels as text: `99x5 98x10`."""
        self.now += 1000
        self.loop.on_depth(Depth(SYMBOL, levels(bids), levels(asks), self.now, self.now), self.now)

    def print(self, price: str, size: str, *, buyer_took: bool | None = None) -> None:
        self.now += 1000
        self.loop.on_print(Print(SYMBOL, Decimal(price), Decimal(size), self.now, self.now, buyer_took), self.now)

    def wait(self, ns: int) -> None:
        self.now += ns
        self.loop.on_time(self.now)

    def place(self, side: Side = BUY, type: OrderType = OrderType.MARKET, quantity: str = "10", **fields) -> int:
        """Place an order and give its number."""
        self.now += 1000
        record = self.loop.submit(PlaceOrder(order_terms(side, type, quantity, **fields)), self.now)
        assert record is not None
        accepted = record.events[0]
        assert isinstance(accepted, OrderAccepted), accepted
        return accepted.order_id

    def submit(self, command) -> Record | None:
        self.now += 1000
        return self.loop.submit(command, self.now)

    # What came of it.

    @property
    def events(self) -> list[AnyEvent]:
        return [event for record in self.records for event in record.events]

    @property
    def fill_events(self) -> list[Fill]:
        return [event.fill for event in self.events if isinstance(event, OrderFilled)]

    def fills(self, order_id: int | None = None) -> list[str]:
        """Fills as text, `10@100.02`; a maker's has a star."""
        return [
            f"{fill.quantity.normalize():f}@{fill.price.normalize():f}{'*' if fill.is_maker else ''}"
            for fill in self.fill_events
            if order_id in (None, fill.order_id)
        ]

    def filled_orders(self) -> list[int]:
        return [fill.order_id for fill in self.fill_events]

    def cancel_reason(self, order_id: int) -> str | None:
        reasons = [e.reason for e in self.events if isinstance(e, OrderCancelled) and e.order_id == order_id]
        return reasons[0] if reasons else None

    def order(self, order_id: int) -> Order:
        order = self.state.order(order_id)
        assert order is not None
        return order

    def net(self, account_id: int = ACCOUNT) -> Decimal:
        exposure = self.state.accounts[account_id].exposures.get(SYMBOL)
        return Decimal(0) if exposure is None else exposure.net_filled


def levels(text: str) -> tuple[tuple[Decimal, Decimal], ...]:
    return tuple((Decimal(price), Decimal(size)) for price, size in (level.split("x") for level in text.split()))


LIMIT, MARKET, STOP = OrderType.LIMIT, OrderType.MARKET, OrderType.STOP
STOP_LIMIT, TRAILING = OrderType.STOP_LIMIT, OrderType.TRAILING_STOP
IOC, FOK = TimeInForce.IOC, TimeInForce.FOK
ABSOLUTE, PERCENT = TrailingType.ABSOLUTE, TrailingType.PERCENT
