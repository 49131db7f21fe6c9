"""Circuit breakers: after too many failures in a row of time, stop asking until somebody resets them.

Two of them: `adapter` (the provider fails) and `exit_order` (a stop loss or take profit that could not be
placed). The simulated provider never fails, so nothing opens the first; the objects are the same for all.
"""

from collections import deque
from typing import Final

from tradehall.app.desk import Desk
from tradehall.domain.order import Order, OrderRole
from tradehall.domain.time import NS_PER_SECOND
from tradehall.engine.events import OrderFailed
from tradehall.engine.record import Record

FAILURES_MAX: Final = 3
WINDOW_NS: Final = 300 * NS_PER_SECOND
RESET_COOLDOWN_NS: Final = 60 * NS_PER_SECOND

_EXITS: Final = frozenset({OrderRole.STOP_LOSS, OrderRole.TAKE_PROFIT})


class Breaker:
    """Opens after FAILURES_MAX failures within WINDOW_NS, and stays open until `reset`."""

    def __init__(self) -> None:
        self.is_open = False
        self._failures: deque[int] = deque(maxlen=FAILURES_MAX)

    def fail(self, now: int) -> None:
        """One more failure, at `now` [ns UTC]."""
        self._failures.append(now)
        if self.failure_count(now) >= FAILURES_MAX:
            self.is_open = True

    def failure_count(self, now: int) -> int:
        """Failures that still count at `now` [ns UTC]; those that opened it count until the reset."""
        if self.is_open:
            return len(self._failures)
        return sum(1 for at in self._failures if at > now - WINDOW_NS)

    def reset(self) -> None:
        """Close, and forget all failures."""
        self.is_open = False
        self._failures.clear()


class ResetTooSoon(Exception):
    """The last reset was less than RESET_COOLDOWN_NS ago."""


class Breakers:
    """Both breakers of a shard. As a decision listener it counts the exit legs that the venue refused."""

    hears: Final = frozenset({OrderFailed})

    def __init__(self, desk: Desk) -> None:
        self.adapter = Breaker()
        self.exit_order = Breaker()
        self._desk = desk
        self._reset_at: int | None = None

    def reset(self) -> None:
        """Close both. ResetTooSoon if that was done a moment ago."""
        now = self._desk.clock.now()
        if self._reset_at is not None and now - self._reset_at < RESET_COOLDOWN_NS:
            raise ResetTooSoon
        self._reset_at = now
        self.adapter.reset()
        self.exit_order.reset()

    def capture(self, record: Record) -> None:
        """A decision was made; nothing of it is told later."""
        for event in record.events:
            if type(event) is OrderFailed and is_exit(self._desk.state.order(event.order_id)):
                self.exit_order.fail(record.now)

    def release(self, payload: None) -> None:
        """Nothing waits for the record to be durable."""


def is_exit(order: Order | None) -> bool:
    """Whether an order is a stop loss or take profit leg."""
    return order is not None and order.role in _EXITS
