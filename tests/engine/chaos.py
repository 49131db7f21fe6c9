"""A world in which anything may be asked and reported, in any order: one seed makes one such history.

Nobody here is sensible: orders are placed, amended, cancelled and closed at random, and the venue repeats, reorders
and invents. What must hold all the same is in tests/engine/test_properties.py.
"""

from collections.abc import Callable
from decimal import Decimal
from random import Random
from typing import Any, Final

from tests.builders import INSTRUMENTS, LOGIN, QUOTES, World, an_account, an_instrument, an_order, free
from tradehall.domain.fill import TrailMoved
from tradehall.domain.order import Order, Side, TimeInForce
from tradehall.domain.time import NS_PER_HOUR
from tradehall.engine import commands as cmd
from tradehall.engine import events as ev

SYMBOLS: Final = ("EURUSD", "EURJPY", "BTCUSDT")
OTHER_LOGIN: Final = 700_200
FEES: Final = {
    "EURUSD": free(per_unit="0.00003", minimum="0.5"),
    "EURJPY": free(taker_rate="0.0001", fixed="30", currency="JPY"),
    "BTCUSDT": free(taker_rate="0.0005", maker_rate="-0.0001"),
}


class Chaos:
    """A World with two accounts, and a seed for all that happens in it."""

    def __init__(self, seed: int, mode: str) -> None:
        self.random = Random(seed)
        listed = [
            an_instrument(symbol, commission=FEES[symbol], swap_long="-0.0001", swap_short="0.00002")
            for symbol in SYMBOLS
        ]
        account = an_account(position_mode=mode, orders_max=60)
        self.world = World(*listed, INSTRUMENTS["USDJPY"], account=account, deposit="3000", quotes=_quotes())
        other = an_account(OTHER_LOGIN, position_mode=mode, currency="EUR", leverage="5")
        self.world.open(other, "500")
        self.orders: list[Order] = []
        self.fills: list[tuple[Order, Decimal, Decimal, str]] = []
        self.commands: list[cmd.PlaceOrder] = []
        self.asked = 0

    def step(self) -> None:
        """One thing happens."""
        wishes = self.wishes
        (wish,) = self.random.choices([w for _, w in wishes], [weight for weight, _ in wishes])
        self.world.freshen()
        wish()
        self.orders += [
            self.world.order(event.order_id)
            for event in self.world.events
            if isinstance(event, ev.OrderAccepted | ev.OrderRejected)
        ]

    @property
    def wishes(self) -> list[tuple[float, Callable[[], None]]]:
        """What may happen, and how often beside the rest."""
        return [
            (8, self.place), (12, self.fill), (2, self.fill_again), (2, self.amend), (2, self.cancel), (2, self.close),
            (2, self.set_exits), (2, self.venue_speaks), (4, self.move_market), (2, self.check_margin), (1, self.tick),
            (1, self.move_funds), (1, self.repeat), (0.2, self.cancel_all), (0.2, self.close_all), (0.2, self.new_status),
        ]  # fmt: skip

    # What people ask for.

    def place(self) -> None:
        self.asked += 1
        name = self.random.choice([None, f"c{self.asked}"])
        terms = an_order(**self.terms(), client_order_id=name)
        self.commands.append(cmd.PlaceOrder(terms, f"digest {self.asked}", is_strict=self.maybe(0.1)))
        self.world.do(self.commands[-1])

    def terms(self) -> dict[str, Any]:
        random, symbol = self.random, self.random.choice(SYMBOLS)
        side = random.choice(list(Side))
        kind = random.choice(["MARKET", "MARKET", "LIMIT", "LIMIT", "STOP", "STOP_LIMIT", "TRAILING_STOP"])
        tif = random.choice(list(TimeInForce))
        return {
            "account_id": self.account_id(), "symbol": symbol, "side": side, "type": kind, "quantity": self.quantity(symbol),
            "limit_price": self.price(symbol) if "LIMIT" in kind else None,
            "stop_price": self.price(symbol) if kind.startswith("STOP") else None,
            "trailing_distance": Decimal("0.01") if kind == "TRAILING_STOP" else None,
            "trailing_type": "ABSOLUTE" if kind == "TRAILING_STOP" else None,
            "time_in_force": tif,
            "expires_at": self.world.now + random.randint(1, 40) * NS_PER_HOUR if tif is TimeInForce.GTD else None,
            "stop_loss": self.price(symbol) if self.maybe(0.3) else None,
            "take_profit": self.price(symbol) if self.maybe(0.3) else None,
            "reduce_only": self.maybe(0.2),
            "oco_group_id": random.choice([None, None, "g", "h"]),
            "leverage": random.choice([None, Decimal(3), Decimal(50)]),
            "margin_mode": random.choice(["CROSS", "CROSS", "ISOLATED"]),
            "position_id": self.position_id() if self.maybe(0.15) else None,
        }  # fmt: skip

    def amend(self) -> None:
        if order := self.any_order():
            price = self.price(order.terms.symbol)
            changes: list[dict[str, Any]] = [
                {"quantity": self.quantity(order.terms.symbol)}, {"limit_price": price}, {"stop_price": price},
                {"stop_loss": price}, {"take_profit": price}, {"clear_stop_loss": True}, {"clear_expiry": True},
                {"expires_at": self.world.now + self.random.randint(-1, 40) * NS_PER_HOUR}, {},
            ]  # fmt: skip
            self.world.amend(order, **(self.random.choice(changes) | self.random.choice([changes[0], {}, {}])))

    def cancel(self) -> None:
        if order := self.any_order():
            self.world.cancel(order)

    def close(self) -> None:
        quantity = self.random.choice([None, self.quantity("EURUSD")])
        price = self.random.choice([None, Decimal("1.1")])
        self.world.do(cmd.ClosePosition(self.account_id(), self.position_id(), quantity, price, self.maybe(0.8)))

    def set_exits(self) -> None:
        price = Decimal(self.random.randint(1, 200)) / 100
        wish = self.random.choice([{"stop_loss": price}, {"take_profit": price}, {"clear_stop_loss": True}])
        self.world.do(cmd.SetPositionExits(self.account_id(), self.position_id(), **wish))  # type: ignore[arg-type]

    def repeat(self) -> None:
        if self.commands:
            self.world.do(self.random.choice(self.commands[-20:]))

    def cancel_all(self) -> None:
        self.world.do(cmd.CancelAllOrders(self.account_id()))

    def close_all(self) -> None:
        self.world.do(cmd.CloseAllPositions(self.account_id()))

    def move_funds(self) -> None:
        self.world.do(cmd.MoveFunds(self.account_id(), Decimal(self.random.randint(-500_00, 500_00)) / 100))

    def new_status(self) -> None:
        status = self.random.choice(["ACTIVE", "CLOSE_ONLY", "READ_ONLY"])
        for _ in range(2):  # Most of the time an account is active.
            self.world.do(cmd.UpdateAccount(LOGIN, an_account(status=status).status))
            status = "ACTIVE" if self.maybe(0.8) else status

    # What the venue, the market and the clock do.

    def fill(self) -> None:
        if order := self.any_order():
            share = self.random.choice([Decimal(1), Decimal(1), Decimal("0.5"), Decimal("0.123"), Decimal("1.5")])
            quantity = order.remaining_quantity * share or Decimal(1)
            price = self.price(order.terms.symbol)
            self.fills.append((order, quantity, price, f"f{len(self.fills)}"))
            self.world.fill(order, quantity, at=price, name=self.fills[-1][3], is_maker=self.maybe(0.3))

    def fill_again(self) -> None:
        if self.fills:
            order, quantity, price, name = self.random.choice(self.fills[-10:])
            self.world.fill(order, quantity, at=price, name=name)

    def venue_speaks(self) -> None:
        if order := self.any_order():
            world = self.world
            self.random.choice([world.venue_accepts, world.venue_cancels, world.venue_rejects, world.trigger])(order)
        if self.maybe(0.3):
            symbol, side = self.random.choice(SYMBOLS), self.random.choice(list(Side))
            self.world.do(cmd.ReportExecution(TrailMoved(symbol, side, self.price(symbol))))

    def move_market(self) -> None:
        for symbol in (*SYMBOLS, "USDJPY"):
            self.world.quote(symbol, str(self.price(symbol)))

    def check_margin(self) -> None:
        self.world.do(cmd.CheckMargin(self.account_id()))

    def tick(self) -> None:
        self.world.now += self.random.randint(1, 30) * NS_PER_HOUR
        self.world.freshen()
        self.world.tick()

    # Chance.

    def maybe(self, share: float) -> bool:
        return self.random.random() < share

    def account_id(self) -> int:
        return LOGIN if self.maybe(0.9) else OTHER_LOGIN

    def any_order(self) -> Order | None:
        """A working order as a rule, now and then any that ever was."""
        alive = list(self.world.state.orders.values())
        pool = alive if alive and self.maybe(0.85) else self.orders
        return self.random.choice(pool) if pool else None

    def position_id(self) -> int:
        ids = [*self.world.account.positions, 4711]
        return self.random.choice(ids)

    def quantity(self, symbol: str) -> Decimal:
        if symbol == "BTCUSDT":
            return Decimal(self.random.randint(1, 10**12)).scaleb(-13)
        return Decimal(self.random.choice([1, 100, 2500, 3333, 10_000, 10_000, 20_000, 10**7]))

    def price(self, symbol: str) -> Decimal:
        middle = Decimal(_quotes()[symbol][0])
        return middle + middle * self.random.randint(-300, 300) / 10_000


def _quotes() -> dict[str, tuple[str, str]]:
    return {symbol: QUOTES[symbol] for symbol in (*SYMBOLS, "USDJPY")}
