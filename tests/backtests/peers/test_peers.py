"""The same bars and orders as other backtesters were given: every fill and the equity at the closes, by convention.

What they said stands in vectors.json (`make backtest-peers` asks again); bars and orders come from the dice of plan.py.
"""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.backtests.peers import plan
from tests.builders import an_instrument
from tradehall.backtests import (
    AccountSetup,
    AllIn,
    ArrayTape,
    BacktestSettings,
    BarPath,
    BarSeen,
    Block,
    Broker,
    Costs,
    FillAt,
    FillRule,
    Strategy,
    Ticket,
    run,
)
from tradehall.backtests.sizing import Size
from tradehall.domain.fill import Fill
from tradehall.domain.order import Side
from tradehall.domain.time import NS_PER_DAY, from_rfc3339

VECTORS: dict[str, Any] = {
    name: answer
    for file in ("vectors.json", "vectors_nautilus.json")
    for name, answer in json.loads(Path(__file__).with_name(file).read_text()).items()
}
BEGIN = from_rfc3339("2020-01-01T00:00:00Z")

RULES = {
    "backtesting.py": FillRule(path=BarPath.ADVERSE_FIRST, improves_limits=True),
    "backtesting.py, close": FillRule(path=BarPath.ADVERSE_FIRST, improves_limits=True, at=FillAt.THIS_CLOSE),
    "PyAlgoTrade": FillRule(improves_limits=True),
    "backtrader": FillRule(improves_limits=True),
    "backtrader, close": FillRule(improves_limits=True, at=FillAt.THIS_CLOSE),
    "NautilusTrader": FillRule(path=BarPath.HIGH_FIRST, at=FillAt.THIS_CLOSE),
}

CENTS = {"NautilusTrader"}  # Who keeps money to the cent, as we do where nothing else is asked for.


class Follow(Strategy):
    """The rule of plan.py."""

    def __init__(self, wishes: list[dict[str, Any]], begins: int, fee: tuple[Decimal, Decimal]) -> None:
        self.wishes, self.begins, self.fee = wishes, begins, fee
        self.ticket: Ticket | None = None
        self.since = 0
        self.trails: tuple[int, float, float] | None = None
        self.equity: list[float] = []
        self.fills: list[tuple[int, float, float]] = []

    def on_bar(self, bar: BarSeen, broker: Broker) -> None:
        self.equity.append(float(broker.equity))
        wish = self.wishes[bar.number]
        if bar.number < self.begins:
            return
        if self.waits(broker):
            self.wait(bar, broker)
        elif broker.net():
            if wish["leaves"]:
                self.since, self.ticket = bar.number, broker.close()
        elif wish["enters"]:
            self.since, self.ticket = bar.number, self.enter(bar, wish, broker)

    def on_fill(self, fill: Fill, broker: Broker) -> None:
        sign = 1 if fill.side is Side.BUY else -1
        self.fills.append(((fill.at - BEGIN) // NS_PER_DAY, sign * float(fill.quantity), float(fill.price)))

    def waits(self, broker: Broker) -> bool:
        ticket = self.ticket
        working = {order.order_id for order in broker.orders()}
        return ticket is not None and (ticket.is_queued or ticket.order_id in working)

    def wait(self, bar: BarSeen, broker: Broker) -> None:
        assert self.ticket is not None
        if bar.number - self.since >= plan.PATIENCE:
            broker.cancel(self.ticket)
        elif self.trails is not None:
            side, stop, distance = self.trails
            stop = min(stop, bar.close + distance) if side > 0 else max(stop, bar.close - distance)
            self.trails = side, stop, distance
            broker.amend(self.ticket, stop=stop)

    def enter(self, bar: BarSeen, wish: dict[str, Any], broker: Broker) -> Ticket:
        give = broker.buy if wish["side"] > 0 else broker.sell
        kind, units = wish["kind"], wish["units"]
        self.trails = None
        if kind == "limit":
            return give(units, limit=wish["price"])
        if kind == "stop":
            return give(units, stop=wish["price"])
        if kind == "stop_limit":
            return give(units, stop=wish["price"], limit=wish["limit"])
        if kind == "trail":  # It moves with closes alone: a stop that is amended at each of them.
            stop = bar.close + wish["side"] * wish["distance"]
            self.trails = wish["side"], stop, wish["distance"]
            return give(units, stop=stop)
        exits = {name: wish[name] for name in ("stop_loss", "take_profit") if name in wish}
        return give(self.all_in(broker) if kind == "all_in" else units, **exits)

    def all_in(self, broker: Broker) -> Size:
        """backtesting.py reckons as if a fixed fee were paid for each unit."""
        rate, fixed = self.fee
        return (lambda price: broker.free // (price * (1 + rate) + fixed)) if fixed else AllIn()


def follow(peer: str, seed: int) -> Follow:
    columns = np.array(plan.bars(seed))
    at = BEGIN + np.arange(len(columns), dtype=np.int64) * NS_PER_DAY
    rows = Block(at, tuple(columns[:, n].copy() for n in range(4)))
    rate, fixed = (Decimal(str(part)) for part in plan.fee(peer, seed))
    strategy = Follow(plan.wishes(peer, seed), 1 if peer.startswith("backtesting") else 0, (rate, fixed))
    digits = None if peer in CENTS else 10
    settings = BacktestSettings(
        accounts=(AccountSetup(cash=Decimal(str(plan.CASH)), money_digits=digits),),
        costs=Costs(taker_rate=rate, fixed=fixed),
        fills=RULES[peer],
    )
    result = run(strategy, [ArrayTape(an_instrument("AAPL"), rows, NS_PER_DAY)], settings)
    assert result.failure is None, result.failure.traceback
    return strategy


@pytest.mark.parametrize("name", VECTORS)
def test_the_same_fills_and_the_same_equity_as_others(name):
    peer, seed = name.rsplit(", ", 1)
    ours = follow(peer, int(seed))
    assert [[bar, units, round(price, 9)] for bar, units, price in ours.fills] == VECTORS[name]["fills"]
    # An order that fills at the close of a bar costs us its fee there, and others when they come to the next bar.
    late = {bar for bar, _, _ in ours.fills} if RULES[peer].at is FillAt.THIS_CLOSE else set()
    # Half a cent is rounded to even here; a float of it may lie on either side there (docs/oracle.md).
    near = 0.011 if peer in CENTS else 1e-5
    for bar, equity in VECTORS[name]["equity"]:
        assert bar in late or ours.equity[bar] == pytest.approx(equity, abs=near), bar


def test_the_dice_have_thrown_what_is_to_be_compared():
    wished = {wish["kind"] for peer in plan.PEERS for seed in plan.SEEDS for wish in plan.wishes(peer, seed)}
    assert wished == {"market", "all_in", "limit", "stop", "stop_limit", "trail"}
    assert sum(len(answer["fills"]) for answer in VECTORS.values()) > 1_500
