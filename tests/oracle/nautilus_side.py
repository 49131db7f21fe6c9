"""The other side of the comparison: the same quotes and orders through NautilusTrader.

    .venv-oracle/bin/python nautilus_side.py JOB.json ANSWER.json

It runs in an environment of its own (docs/oracle.md) and imports nothing of ours. Every trader of the job
has a NautilusTrader engine to himself. Prices and quantities are whole numbers of the instrument's ticks and steps.
"""

import json
import platform
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import nautilus_trader as nt
from nautilus_trader.backtest.config import BacktestEngineConfig
from nautilus_trader.backtest.engine import BacktestEngine
from nautilus_trader.config import LoggingConfig, RiskEngineConfig
from nautilus_trader.core.uuid import UUID4
from nautilus_trader.model.currencies import USD
from nautilus_trader.model.data import QuoteTick
from nautilus_trader.model.enums import (
    AccountType,
    ContingencyType,
    OmsType,
    OrderSide,
    TimeInForce,
    TrailingOffsetType,
    TriggerType,
)
from nautilus_trader.model.identifiers import ClientOrderId, InstrumentId, OrderListId, Symbol, Venue
from nautilus_trader.model.instruments import CurrencyPair
from nautilus_trader.model.objects import Currency, Money, Price, Quantity
from nautilus_trader.model.orders import (
    LimitOrder,
    MarketOrder,
    OrderList,
    StopLimitOrder,
    StopMarketOrder,
    TrailingStopMarketOrder,
)
from nautilus_trader.trading.strategy import Strategy

VENUE = Venue("SIM")
UNLIMITED = 10_000_000  # Units shown on both sides of every quote: more than all orders together.


class Units:
    """Whole numbers of ticks and steps made into NautilusTrader's values, each value once."""

    def __init__(self, price_digits: int, size_digits: int) -> None:
        self.price_digits = price_digits
        self.size_digits = size_digits
        self._prices: dict[int, Any] = {}

    def price(self, ticks: int) -> Any:
        found = self._prices.get(ticks)
        if found is None:
            found = self._prices[ticks] = Price.from_str(str(Decimal(ticks).scaleb(-self.price_digits)))
        return found

    def quantity(self, steps: int) -> Any:
        return Quantity.from_str(str(Decimal(steps).scaleb(-self.size_digits)))

    def ticks(self, price: Any) -> int:
        return int(Decimal(str(price)).scaleb(self.price_digits))

    def steps(self, quantity: Any) -> int:
        return int(Decimal(str(quantity)).scaleb(self.size_digits))


class Trader(Strategy):  # type: ignore[misc]  # Any where NautilusTrader is not installed.
    """Does a trader's steps, each on its quote, and notes what comes of them."""

    def __init__(self, job: dict[str, Any], units: Units, instrument_id: Any, repeats: int) -> None:
        super().__init__()
        self.units = units
        self.instrument = instrument_id
        self.repeats = repeats
        self.fills: list[list[Any]] = []
        self.told = -1
        self.steps: dict[int, list[dict[str, Any]]] = {}
        for at, step in job["steps"]:
            self.steps.setdefault(at, []).append(step)

    @property
    def quote_number(self) -> int:
        return self.told // self.repeats

    def on_start(self) -> None:
        self.subscribe_quote_ticks(self.instrument)

    def on_quote_tick(self, tick: Any) -> None:
        self.told += 1
        if self.told % self.repeats == self.repeats - 1:
            for step in self.steps.get(self.quote_number, ()):
                getattr(self, "do_" + step["do"])(step, tick)

    def on_order_filled(self, event: Any) -> None:
        # The exchange executes on a quote before the strategy is told of it, unless we have just sent the order.
        key, steps, price = (
            str(event.client_order_id),
            self.units.steps(event.last_qty),
            self.units.ticks(event.last_px),
        )
        self.fills.append([key, steps, price, int(event.ts_event)])

    def do_place(self, step: dict[str, Any], tick: Any) -> None:
        if step["when"] == "flat" and not self.is_idle():
            return
        if step["stop_loss"] is None:
            self.submit_order(self.order(step, tick))
        else:
            self.submit_order_list(self.bracket(step, tick))

    def do_pair(self, step: dict[str, Any], tick: Any) -> None:
        """Two orders of which one cancels the other."""
        first, second = step["orders"]
        of_list = {"contingency_type": ContingencyType.OCO, "order_list_id": OrderListId(f"L-{first['key']}")}
        orders = [
            self.order(one, tick, **of_list, linked_order_ids=[ClientOrderId(other["key"])])
            for one, other in ((first, second), (second, first))
        ]
        self.submit_order_list(OrderList(of_list["order_list_id"], orders))

    def do_cancel(self, step: dict[str, Any], tick: Any) -> None:
        order = self.cache.order(ClientOrderId(step["key"]))
        if order is not None and not order.is_closed:
            self.cancel_order(order)

    def do_amend(self, step: dict[str, Any], tick: Any) -> None:
        order = self.cache.order(ClientOrderId(step["key"]))
        if order is None or not order.is_open:
            return
        price, trigger = (None if step[name] is None else self.units.price(step[name]) for name in ("limit", "stop"))
        quantity = None if step["quantity"] is None else self.units.quantity(step["quantity"])
        self.modify_order(order, quantity=quantity, price=price, trigger_price=trigger)

    def do_close(self, step: dict[str, Any], tick: Any) -> None:
        """Reduce what is open, by at most `quantity`."""
        for position in self.cache.positions_open(strategy_id=self.id):
            side = OrderSide.SELL if position.is_long else OrderSide.BUY
            order = MarketOrder(
                **self.names(step["key"]), order_side=side, quantity=self.units.quantity(step["quantity"]), reduce_only=True,
                init_id=UUID4(), ts_init=self.clock.timestamp_ns(),
            )  # fmt: skip
            self.submit_order(order)

    def is_idle(self) -> bool:
        working = self.cache.orders_open(strategy_id=self.id) + self.cache.orders_inflight(strategy_id=self.id)
        return not working and not self.cache.positions_open(strategy_id=self.id)

    def names(self, key: str) -> dict[str, Any]:
        return {
            "trader_id": self.trader_id, "strategy_id": self.id, "instrument_id": self.instrument,
            "client_order_id": ClientOrderId(key),
        }  # fmt: skip

    def order(self, step: dict[str, Any], tick: Any, **more: Any) -> Any:
        """One order as a step describes it."""
        price, side = self.units.price, OrderSide.BUY if step["side"] == "BUY" else OrderSide.SELL
        fields = self.names(step["key"]) | {
            "order_side": side, "quantity": self.units.quantity(step["quantity"]), "init_id": UUID4(),
            "ts_init": self.clock.timestamp_ns(), "time_in_force": getattr(TimeInForce, step["time_in_force"]),
        } | more  # fmt: skip
        stop = {"trigger_type": TriggerType.BID_ASK}
        if step["type"] == "MARKET":
            return MarketOrder(**fields)
        if step["type"] == "LIMIT":
            return LimitOrder(**fields, price=price(step["limit"]), post_only=step["post_only"])
        if step["type"] == "STOP":
            return StopMarketOrder(**fields, **stop, trigger_price=price(step["stop"]))
        if step["type"] == "STOP_LIMIT":
            return StopLimitOrder(**fields, **stop, trigger_price=price(step["stop"]), price=price(step["limit"]))
        # Its own peak would begin with the next quote; given a trigger it begins with this one.
        touch = tick.ask_price + self.offset(step) if side == OrderSide.BUY else tick.bid_price - self.offset(step)
        return TrailingStopMarketOrder(
            **fields, **stop, trigger_price=Price(touch, self.units.price_digits), trailing_offset=self.offset(step),
            trailing_offset_type=TrailingOffsetType.PRICE,
        )  # fmt: skip

    def offset(self, step: dict[str, Any]) -> Decimal:
        return Decimal(step["trail"]).scaleb(-self.units.price_digits)

    def bracket(self, step: dict[str, Any], tick: Any) -> Any:
        """An entry that sends its stop loss and take profit as it fills; of these one cancels the other."""
        key, group = step["key"], OrderListId(f"L-{step['key']}")
        loss, profit = f"{key}-sl", f"{key}-tp"
        entry = self.order(
            step, tick, contingency_type=ContingencyType.OTO, order_list_id=group,
            linked_order_ids=[ClientOrderId(loss), ClientOrderId(profit)],
        )  # fmt: skip
        leg = {
            "side": "SELL" if step["side"] == "BUY" else "BUY", "quantity": step["quantity"], "time_in_force": "GTC",
            "post_only": False,
        }  # fmt: skip
        behind = {
            "contingency_type": ContingencyType.OUO, "order_list_id": group, "parent_order_id": ClientOrderId(key),
            "reduce_only": True,
        }  # fmt: skip
        stop = leg | {"key": loss, "type": "STOP", "stop": step["stop_loss"]}
        limit = leg | {"key": profit, "type": "LIMIT", "limit": step["take_profit"]}
        legs = [
            self.order(stop, tick, **behind, linked_order_ids=[ClientOrderId(profit)]),
            self.order(limit, tick, **behind, linked_order_ids=[ClientOrderId(loss)]),
        ]
        return OrderList(group, [entry, *legs])


def instrument_of(job: dict[str, Any], units: Units) -> Any:
    symbol, base = job["symbol"], job["base_currency"]
    return CurrencyPair(
        instrument_id=InstrumentId(Symbol(symbol), VENUE), raw_symbol=Symbol(symbol),
        base_currency=Currency.from_str(base), quote_currency=USD,
        price_precision=units.price_digits, size_precision=units.size_digits,
        price_increment=units.price(1), size_increment=units.quantity(1),
        lot_size=None, max_quantity=None, min_quantity=None, max_notional=None, min_notional=None, max_price=None,
        min_price=None, margin_init=Decimal(0), margin_maint=Decimal(0), maker_fee=Decimal(0), taker_fee=Decimal(0),
        ts_event=0, ts_init=0,
    )  # fmt: skip


def quote_ticks(job: dict[str, Any], units: Units, instrument: Any) -> list[Any]:
    """Every quote `repeats` times, a nanosecond apart (see docs/oracle.md)."""
    size = units.quantity(UNLIMITED * 10**units.size_digits)
    return [
        QuoteTick(instrument.id, units.price(bid), units.price(ask), size, size, at + again, at + again)
        for at, bid, ask in job["quotes"]
        for again in range(job["repeats"])
    ]


def run_trader(job: dict[str, Any], trader: dict[str, Any], units: Units, instrument: Any, ticks: list[Any]) -> Any:
    engine = BacktestEngine(
        BacktestEngineConfig(
            logging=LoggingConfig(bypass_logging=True), risk_engine=RiskEngineConfig(bypass=True), run_analysis=False
        )
    )
    engine.add_venue(
        venue=VENUE, oms_type=getattr(OmsType, trader["mode"]), account_type=AccountType.MARGIN, base_currency=USD,
        starting_balances=[Money(job["deposit"], USD)], default_leverage=Decimal(100), reject_stop_orders=False,
    )  # fmt: skip
    engine.add_instrument(instrument)
    strategy = Trader(trader, units, instrument.id, job["repeats"])
    engine.add_strategy(strategy)
    engine.add_data(ticks)
    engine.run()
    answer = answer_of(engine, strategy, trader, units, instrument)
    engine.dispose()
    return answer


def answer_of(engine: Any, strategy: Trader, trader: dict[str, Any], units: Units, instrument: Any) -> dict[str, Any]:
    positions = [
        [units.steps(one.quantity) * (1 if one.is_long else -1), repr(one.avg_px_open)]
        for one in engine.cache.positions_open()
    ]
    realized = engine.portfolio.realized_pnl(instrument.id)
    return {
        "name": trader["name"],
        "fills": strategy.fills,
        "statuses": {str(order.client_order_id): order.status_string() for order in engine.cache.orders()},
        "positions": positions,
        "realized": "0" if realized is None else str(realized.as_decimal()),
        "balance": str(engine.portfolio.account(VENUE).balance_total(USD).as_decimal()),
    }


def main(job_file: str, answer_file: str) -> None:
    job = json.loads(Path(job_file).read_text())
    units = Units(job["price_digits"], job["size_digits"])
    instrument = instrument_of(job, units)
    ticks = quote_ticks(job, units, instrument)
    traders = [run_trader(job, trader, units, instrument, ticks) for trader in job["traders"]]
    answer = {"nautilus_trader": nt.__version__, "python": platform.python_version(), "traders": traders}
    Path(answer_file).write_text(json.dumps(answer))


if __name__ == "__main__":
    main(*sys.argv[1:])
