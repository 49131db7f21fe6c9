"""Our side of the comparison: all traders of a job in one engine, on one book."""

from collections import defaultdict
from decimal import Decimal

from msgspec import Struct

from tests.oracle.plan import QUOTE_AGE_NS_MAX, Job, Step
from tradehall.domain.account import Account, AccountTerms, PositionMode
from tradehall.domain.instrument import AssetClass, Instrument
from tradehall.domain.market import Quote
from tradehall.domain.order import Order, OrderTerms, OrderType, Side, TimeInForce, TrailingType
from tradehall.domain.position import PositionSide
from tradehall.engine import commands as cmd
from tradehall.engine import events as ev
from tradehall.engine.engine import Engine
from tradehall.engine.record import Record
from tradehall.engine.state import State
from tradehall.venue.loop import TradingLoop
from tradehall.venue.settings import VenueSettings
from tradehall.venue.simulated import SimulatedVenue


class Filled(Struct, frozen=True, order=True):
    """One fill: quantity [steps] at price [ticks], on the quote of that number."""

    quantity: int
    price: int
    quote: int


class Held(Struct, frozen=True):
    """An open position: quantity [signed steps], average entry price [quote currency per unit]."""

    quantity: int
    entry: Decimal


class Outcome(Struct):
    """What became of one trader. `sequence`: keys of all fills in the order in which they were booked."""

    name: str
    mode: str
    fills: dict[str, list[Filled]]
    sequence: list[str]
    working: set[str]
    positions: list[Held]
    realized: Decimal
    balance: Decimal


class House:
    """Engine, venue and loop of one comparison."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.state = State()
        self.quotes: dict[str, Quote] = {}
        self.account_of = {trader.name: number for number, trader in enumerate(job.traders, start=1)}
        self.quote_number = -1
        self.now = job.quotes[0][0] - 1
        self.fills: dict[int, list[tuple[str, Filled]]] = defaultdict(list)
        self.keys: dict[int, str] = {}
        self.realized: dict[int, Decimal] = defaultdict(Decimal)
        venue = SimulatedVenue(VenueSettings(), self.state, self.quotes)
        self.loop = TradingLoop(Engine(self.state), venue, self.quotes, self.note)
        self._open()

    def _open(self) -> None:
        job = self.job
        self.loop.submit(cmd.ListInstrument(instrument_of(job)), self.now)
        for trader in job.traders:
            terms = AccountTerms(
                self.account_of[trader.name], position_mode=PositionMode(trader.mode), leverage=Decimal(500)
            )
            self.loop.submit(cmd.OpenAccount(terms, Decimal(job.deposit)), self.now)

    def run(self) -> list[Outcome]:
        """Tell every quote, then let each trader do what he does on it."""
        steps: dict[int, list[tuple[str, Step]]] = defaultdict(list)
        for trader in self.job.traders:
            for at, step in trader.steps:
                steps[at].append((trader.name, step))
        for number, (at, bid, ask) in enumerate(self.job.quotes):
            self.quote_number, self.now = number, at
            quote = Quote(self.job.symbol, self.price(bid), self.price(ask), at, at)
            self.quotes[quote.symbol] = quote
            self.loop.on_quote(quote, at)
            for name, step in steps.get(number, ()):
                self.do(self.state.accounts[self.account_of[name]], step)
        return [self.outcome(trader.name) for trader in self.job.traders]

    # What a trader does.

    def do(self, account: Account, step: Step) -> None:
        account_id = account.terms.account_id
        if step.do == "place":
            if step.when != "flat" or not (account.orders or account.positions):
                self.place(account_id, step)
        elif step.do == "pair":
            for one in step.orders:
                self.place(account_id, one, oco_group_id=step.key)
        elif step.do == "close":
            self.close(account, step)
        elif (order := self.working(account, step.key)) is not None:
            self.loop.submit(self.change_of(account_id, order, step), self.now)

    def place(self, account_id: int, step: Step, **more) -> None:
        terms = OrderTerms(
            account_id,
            self.job.symbol,
            Side(step.side),
            OrderType(step.type),
            self.quantity(step.quantity),
            limit_price=self.price(step.limit),
            stop_price=self.price(step.stop),
            trailing_distance=self.price(step.trail),
            trailing_type=None if step.trail is None else TrailingType.ABSOLUTE,
            time_in_force=TimeInForce(step.time_in_force),
            client_order_id=step.key,
            stop_loss=self.price(step.stop_loss),
            take_profit=self.price(step.take_profit),
            post_only=step.post_only,
            **more,
        )
        self.loop.submit(cmd.PlaceOrder(terms, digest=step.key), self.now)

    def close(self, account: Account, step: Step) -> None:
        for position in list(account.positions.values()):
            opposite = position.side.exit_side
            closing = Step("place", step.key, opposite, "MARKET", step.quantity)
            self.place(account.terms.account_id, closing, reduce_only=True)

    def change_of(self, account_id: int, order: Order, step: Step) -> cmd.AnyCommand:
        if step.do == "cancel":
            return cmd.CancelOrder(account_id, order.order_id)
        quantity = None if step.quantity is None else self.quantity(step.quantity)
        return cmd.AmendOrder(
            account_id,
            order.order_id,
            quantity=quantity,
            limit_price=self.price(step.limit),
            stop_price=self.price(step.stop),
        )

    def working(self, account: Account, key: str) -> Order | None:
        order = self.state.order_by_client_id(account, key)
        return order if order is not None and order.is_working else None

    # What came of it.

    def note(self, record: Record) -> None:
        for event in record.events:
            if isinstance(event, ev.OrderAccepted):
                assert event.terms.client_order_id is not None
                self.keys[event.order_id] = event.terms.client_order_id
            elif isinstance(event, ev.OrderFilled):
                fill = event.fill
                filled = Filled(self.steps(fill.quantity), self.ticks(fill.price), self.quote_number)
                self.fills[fill.account_id].append((self.keys[fill.order_id], filled))
                self.realized[fill.account_id] += fill.realized_pnl
            assert not isinstance(event, ev.MarginStateChanged | ev.ReportUnmatched), event

    def outcome(self, name: str) -> Outcome:
        account = self.state.accounts[self.account_of[name]]
        account_id, fills = account.terms.account_id, defaultdict(list)
        for key, filled in self.fills[account_id]:
            fills[key].append(filled)
        positions = [
            Held(
                self.steps(one.quantity) * (1 if one.side is PositionSide.LONG else -1),
                one.average_entry_price,
            )
            for one in account.positions.values()
        ]
        return Outcome(
            name,
            account.terms.position_mode.value,
            dict(fills),
            [key for key, _ in self.fills[account_id]],
            {self.keys[order_id] for order_id in account.orders},
            positions,
            self.realized[account_id],
            account.balance,
        )

    # Ticks and steps.

    def price(self, ticks: int | None):
        return None if ticks is None else Decimal(ticks).scaleb(-self.job.price_digits)

    def quantity(self, steps: int | None) -> Decimal:
        assert steps is not None, "an order without a quantity"
        return Decimal(steps).scaleb(-self.job.size_digits)

    def ticks(self, price: Decimal) -> int:
        ticks = price.scaleb(self.job.price_digits)
        assert ticks == int(ticks), f"{price} is between two ticks"
        return int(ticks)

    def steps(self, quantity: Decimal) -> int:
        return int(quantity.scaleb(self.job.size_digits))


def instrument_of(job: Job) -> Instrument:
    return Instrument(
        symbol=job.symbol,
        display=job.symbol,
        description="held against an oracle",
        asset_class=AssetClass.FOREX,
        base_currency=job.base_currency,
        quote_currency="USD",
        tick_size=Decimal(1).scaleb(-job.price_digits),
        quote_age_ns_max=QUOTE_AGE_NS_MAX,
    )
