"""A definition as a strategy of the backtest: signals ahead of time, decisions by the code that runs it live."""

from collections.abc import Mapping
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from tradehall.backtests.broker import Broker
from tradehall.backtests.seen import BarColumns, BarSeen
from tradehall.backtests.sizing import Amount
from tradehall.backtests.strategy import Strategy
from tradehall.domain.fill import Fill
from tradehall.domain.order import OrderRole
from tradehall.domain.position import Position, PositionSide
from tradehall.domain.time import NS_PER_DAY
from tradehall.strategies.ahead import signals_ahead
from tradehall.strategies.columns import Columns
from tradehall.strategies.decisions import decide
from tradehall.strategies.intents import (
    BookFacts,
    CancelEntries,
    ClosePosition,
    Facts,
    Held,
    Intent,
    MoveExit,
    OpenPosition,
    Stop,
)
from tradehall.strategies.plan import Clock
from tradehall.strategies.program import Program


class GraphStrategy(Strategy):
    """Programs of one definition, one for each symbol. `columns`: closed bars of every clock they look at.

    `share`: of the equity, the notional of an entry. Books are those of the account: a run has one strategy.
    """

    def __init__(self, programs: Mapping[str, Program], columns: Mapping[Clock, Columns], share: Decimal) -> None:
        self._programs = dict(programs)
        self._ahead = {symbol: signals_ahead(program, columns) for symbol, program in programs.items()}
        self._rows = {symbol: columns[program.clock].at for symbol, program in programs.items()}
        self._share = share
        self._cash: Decimal | None = None
        self._is_over = False
        self._entries: dict[int, int] = {}
        self._seen_orders: set[int] = set()

    def plan(self, bars: Mapping[str, BarColumns]) -> Mapping[str, NDArray[np.bool_]]:
        """At which bars a rule is met; where rules look by the clock, or add-ons by the profit, at all of them."""
        found = {}
        for symbol, ahead in self._ahead.items():
            if symbol not in bars:
                continue
            at, own = bars[symbol].at, self._rows[symbol]
            rows = np.minimum(np.searchsorted(own, at), len(own) - 1)
            known = own[rows] == at
            found[symbol] = known if self._looks_at_all(symbol) else known & ahead.mask()[rows]
        return found

    def on_start(self, broker: Broker) -> None:
        """Remember what it began with."""
        self._cash = broker.cash

    def on_fill(self, fill: Fill, broker: Broker) -> None:
        """Count entries."""
        if fill.closed_quantity < fill.quantity and fill.order_id not in self._seen_orders:
            self._seen_orders.add(fill.order_id)
            day = fill.at // NS_PER_DAY
            self._entries[day] = self._entries.get(day, 0) + 1

    def on_bar(self, bar: BarSeen, broker: Broker) -> None:
        """Decide, as the runner does."""
        program = self._programs.get(bar.symbol)
        if program is None or self._is_over:
            return
        row = int(np.searchsorted(self._rows[bar.symbol], bar.at))
        if row >= len(self._rows[bar.symbol]) or self._rows[bar.symbol][row] != bar.at:
            return
        ahead, facts = self._ahead[bar.symbol], self._facts(program, broker)
        looks = [ahead.at_bar(row)]
        close = bar.at + program.clock.span
        if _has_beats(program) and (beat := program.last_beat(close)) > bar.at:
            looks.append(ahead.at_beat(row, beat))
        for signals in looks:
            for intent in decide(program, signals, facts).intents:
                self._do(intent, broker)

    def _looks_at_all(self, symbol: str) -> bool:
        add_ons = self._programs[symbol].definition.add_ons
        ends = (add_ons.expires_at, add_ons.profit_stop, add_ons.loss_stop)
        return _has_beats(self._programs[symbol]) or any(end is not None for end in ends)

    def _facts(self, program: Program, broker: Broker) -> Facts:
        books = {symbol: _book(symbol, broker) for symbol in program.traded}
        began = broker.cash if self._cash is None else self._cash
        today = self._entries.get(broker.now // NS_PER_DAY, 0)
        return Facts(broker.now, books, today, sum(self._entries.values()), broker.equity - began)

    def _do(self, intent: Intent, broker: Broker) -> None:
        match intent:
            case OpenPosition():
                instrument = broker.instrument(intent.symbol)
                step = instrument.quantity_step or instrument.lot_step * instrument.contract_size
                size = Amount(money=max(broker.equity, Decimal(0)) * self._share, step=step)
                order = broker.buy if intent.side is PositionSide.LONG else broker.sell
                order(size, intent.symbol, stop_loss=intent.stop_loss, take_profit=intent.take_profit)
            case ClosePosition():
                broker.close(intent.symbol)
            case MoveExit():
                for position in broker.positions(intent.symbol):
                    broker.set_exits(position, stop_loss=intent.stop_loss, take_profit=intent.take_profit)
            case CancelEntries():
                for working in broker.orders(intent.symbol):
                    if working.role is OrderRole.ENTRY:
                        broker.cancel(working)
            case Stop():
                self._is_over = True
                broker.cancel_all()
                for symbol in self._programs:
                    broker.close(symbol)


def _has_beats(program: Program) -> bool:
    return any(rule.every_s is not None for rule in program.definition.rules)


def _book(symbol: str, broker: Broker) -> BookFacts:
    quote = broker.quote(symbol)
    held: dict[PositionSide, Held] = {}
    for position in broker.positions(symbol):
        held[position.side] = _held(position, symbol, broker)
    working = [order for order in broker.orders(symbol) if order.role is OrderRole.ENTRY]
    sides = {"BUY": PositionSide.LONG, "SELL": PositionSide.SHORT}
    return BookFacts(
        tick_size=broker.instrument(symbol).tick_size,
        bid=None if quote is None else quote.bid,
        ask=None if quote is None else quote.ask,
        held=held,
        entries=frozenset(sides[order.terms.side.value] for order in working),
    )


def _held(position: Position, symbol: str, broker: Broker) -> Held:
    legs = {order.role: order.terms for order in broker.orders(symbol)}
    stop, target = legs.get(OrderRole.STOP_LOSS), legs.get(OrderRole.TAKE_PROFIT)
    return Held(
        position.quantity, None if stop is None else stop.stop_price, None if target is None else target.limit_price
    )
