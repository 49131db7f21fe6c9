"""NautilusTrader, given a plan; it runs in the environment of the oracle and writes vectors_nautilus.json."""

from decimal import Decimal
from typing import Any

from nautilus_trader.backtest.config import BacktestEngineConfig
from nautilus_trader.backtest.engine import BacktestEngine
from nautilus_trader.config import LoggingConfig
from nautilus_trader.model.currencies import USD
from nautilus_trader.model.data import Bar, BarType
from nautilus_trader.model.enums import AccountType, OmsType, OrderSide
from nautilus_trader.model.identifiers import InstrumentId, Symbol, Venue
from nautilus_trader.model.instruments import Equity
from nautilus_trader.model.objects import Money, Price, Quantity
from nautilus_trader.trading.strategy import Strategy

from tests.backtests.peers import plan
from tests.backtests.peers.writing import write

VENUE = Venue("SIM")
INSTRUMENT = InstrumentId(Symbol("AAPL"), VENUE)
BARS = BarType.from_str(f"{INSTRUMENT}-1-DAY-LAST-EXTERNAL")
DAY_NS = 86_400 * 10**9
VOLUME = Quantity.from_int(4_000_000_000)


def price(number: float) -> Any:
    """In cents."""
    return Price.from_str(f"{number:.2f}")


class Follow(Strategy):  # type: ignore[misc]  # Any where NautilusTrader is not installed.
    """The rule of plan.py."""

    def __init__(self, wishes: list[dict[str, Any]]) -> None:
        super().__init__()
        self.wishes = wishes
        self.fills: list[plan.Filled] = []
        self.curve: list[float] = []
        self.since = 0

    def on_start(self) -> None:
        self.subscribe_bars(BARS)

    def on_order_filled(self, event: Any) -> None:
        sign = 1 if event.order_side == OrderSide.BUY else -1
        self.fills.append((event.ts_event // DAY_NS, sign * float(event.last_qty), float(event.last_px)))

    def on_bar(self, bar: Any) -> None:
        number = len(self.curve)
        floating = self.portfolio.unrealized_pnl(INSTRUMENT)
        balance = self.portfolio.account(VENUE).balance_total(USD)
        self.curve.append(float(balance) + (float(floating) if floating is not None else 0.0))
        wish = self.wishes[number]
        waiting = self.cache.orders_open(instrument_id=INSTRUMENT)
        if waiting:
            if number - self.since >= plan.PATIENCE:
                self.cancel_all_orders(INSTRUMENT)
        elif not self.portfolio.is_flat(INSTRUMENT):
            if wish["leaves"]:
                self.close_all_positions(INSTRUMENT)
        elif wish["enters"]:
            self.since = number
            self.enter(wish)

    def enter(self, wish: dict[str, Any]) -> None:
        side = OrderSide.BUY if wish["side"] > 0 else OrderSide.SELL
        units, kind, make = Quantity.from_int(wish["units"]), wish["kind"], self.order_factory
        if kind == "market":
            order = make.market(INSTRUMENT, side, units)
        elif kind == "limit":
            order = make.limit(INSTRUMENT, side, units, price(wish["price"]))
        else:
            order = make.stop_market(INSTRUMENT, side, units, price(wish["price"]))
        self.submit_order(order)


def ask(name: str, seed: int) -> tuple[list[plan.Filled], list[float]]:
    """Fills in their order, and equity at each close."""
    engine = BacktestEngine(BacktestEngineConfig(logging=LoggingConfig(bypass_logging=True)))
    engine.add_venue(
        VENUE,
        oms_type=OmsType.NETTING,
        account_type=AccountType.MARGIN,
        base_currency=USD,
        starting_balances=[Money(plan.CASH, USD)],
        default_leverage=Decimal(10),
        bar_execution=True,
    )
    rate = Decimal(str(plan.fee(name, seed)[0]))
    cent, one = Price.from_str("0.01"), Quantity.from_int(1)
    engine.add_instrument(Equity(INSTRUMENT, Symbol("AAPL"), USD, 2, cent, one, 0, 0, maker_fee=rate, taker_fee=rate))
    follow = Follow(plan.wishes(name, seed))
    engine.add_strategy(follow)
    ends = [(number + 1) * DAY_NS - 1 for number in range(plan.BARS)]
    rows = zip(plan.bars(seed), ends, strict=True)
    engine.add_data([Bar(BARS, *(price(one) for one in row), VOLUME, end, end) for row, end in rows])
    engine.run()
    return follow.fills, follow.curve


if __name__ == "__main__":
    write({"NautilusTrader": ask}, "vectors_nautilus.json")
