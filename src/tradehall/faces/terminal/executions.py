"""Executions: who asked for an order waits here until it has ended, and that is durable."""

import asyncio
from asyncio import Future
from collections.abc import Callable
from copy import copy
from dataclasses import dataclass
from typing import Any, Final

from tradehall.app.desk import Desk
from tradehall.domain.ids import OrderId
from tradehall.domain.order import Order
from tradehall.engine import events as ev
from tradehall.engine.record import Record
from tradehall.faces.terminal.errors import TerminalProblem

WITHIN_S: Final = 5.0
WAITING_MAX: Final = 10_000
LATENCIES_KEPT: Final = 10_000

_ENDS: Final[dict[type, Callable[[Any], OrderId]]] = {
    ev.OrderFilled: lambda event: event.fill.order_id,
    ev.OrderCancelled: lambda event: event.order_id,
    ev.OrderExpired: lambda event: event.order_id,
    ev.OrderFailed: lambda event: event.order_id,
}


@dataclass(slots=True)
class _Waiting:
    """What `count` requests wait for: a wish and its repeats."""

    future: Future[Order]
    count: int = 0


class Executions:
    """A decision listener. Belongs to the loop's thread."""

    hears: Final = frozenset(_ENDS)

    def __init__(self, desk: Desk, within_s: float = WITHIN_S) -> None:
        self._desk = desk
        self._within_s = within_s
        self._waiting: dict[OrderId, _Waiting] = {}
        self._latencies: dict[OrderId, int] = {}

    async def end_of(self, order: Order) -> Order:
        """The order as it ended. TerminalProblem TIMEOUT if it still works after `within_s`.

        ShardUnavailable if its end could not be made durable.
        """
        if not order.is_working:
            return order
        now = self._desk.state.order(order.order_id)
        if now is not None and not now.is_working:
            ended = copy(now)
            await self._desk.durable(order.terms.account_id)
            return ended
        if now is None or len(self._waiting) >= WAITING_MAX:
            raise timeout()
        waiting = self._waiting.get(order.order_id)
        if waiting is None:
            waiting = self._waiting[order.order_id] = _Waiting(asyncio.get_running_loop().create_future())
        waiting.count += 1
        try:
            await asyncio.wait((waiting.future,), timeout=self._within_s)
        finally:
            waiting.count -= 1
            if not waiting.count and self._waiting.get(order.order_id) is waiting:
                del self._waiting[order.order_id]
        if not waiting.future.done():
            raise timeout()
        return waiting.future.result()

    def latency_ms(self, order_id: OrderId, measured_ms: int) -> int:
        """How long an order took the first time; a repeat is told the same for as long as it is remembered."""
        known = self._latencies.setdefault(order_id, measured_ms)
        if len(self._latencies) > LATENCIES_KEPT:
            del self._latencies[next(iter(self._latencies))]
        return known

    def capture(self, record: Record) -> list[Order] | None:
        """Orders that somebody waits for and that this decision ended."""
        if not self._waiting:
            return None
        ended: list[Order] = []
        for event in record.events:
            number_of = _ENDS.get(type(event))
            if number_of is not None and (number := number_of(event)) in self._waiting:
                order = self._desk.state.order(number)
                if order is not None and not order.is_working:
                    ended.append(copy(order))
        return ended or None

    def release(self, ended: list[Order]) -> None:
        """Their ends are durable."""
        for order in ended:
            waiting = self._waiting.pop(order.order_id, None)
            if waiting is not None:
                waiting.future.set_result(order)


def timeout() -> TerminalProblem:
    """Nobody knows yet what becomes of the order."""
    return TerminalProblem(
        "TIMEOUT", "Execution timeout", "The order may still be filled: look it up before you repeat it"
    )
