"""Tickets: what a strategy holds of an order it gave; orders that wait for the next open; calls at an instant."""

from collections.abc import Callable
from decimal import Decimal
from heapq import heappop, heappush

from tradehall.domain.ids import OrderId
from tradehall.domain.rejection import Rejection
from tradehall.engine.commands import AnyCommand


class Ticket:
    """An order as it was given. `order_id`: None until the engine has it; `rejection`: why it was refused.

    `is_queued`: it waits for the next open of `symbol`.
    """

    __slots__ = ("is_queued", "order_id", "rejection", "symbol")

    def __init__(self, symbol: str) -> None:
        self.symbol = symbol
        self.order_id: OrderId | None = None
        self.rejection: Rejection | None = None
        self.is_queued = False

    def __repr__(self) -> str:
        state = "queued" if self.is_queued else f"order {self.order_id}" if self.rejection is None else "refused"
        return f"<Ticket {self.symbol} {state}>"


# What becomes of a wish once its price is known: a command, or None where there is nothing to do.
Wish = Callable[[], AnyCommand | None]
Number = Decimal | int | float | str
Fulfil = Callable[[], object]
Queued = tuple[Ticket, Fulfil]


class Timers:
    """Calls that a strategy wants at instants, the earliest first; of one instant in the order of asking."""

    def __init__(self) -> None:
        self._heap: list[tuple[int, int, Callable[[], object]]] = []
        self._count = 0

    @property
    def next_at(self) -> int | None:
        """When the next one is due [ns UTC]."""
        return self._heap[0][0] if self._heap else None

    def add(self, at: int, call: Callable[[], object]) -> None:
        """Call at `at` [ns UTC]."""
        self._count += 1
        heappush(self._heap, (at, self._count, call))

    def pop(self) -> Callable[[], object]:
        """The call that is due first; it leaves. Asserts that there is one."""
        assert self._heap, "no timer was set"
        return heappop(self._heap)[2]


class Queue:
    """Orders that wait for the next open of their symbols, in the order in which they were given."""

    def __init__(self) -> None:
        self.waiting: dict[str, list[Queued]] = {}

    def add(self, ticket: Ticket, fulfil: Fulfil) -> None:
        """Let an order wait, until it is fulfilled."""
        ticket.is_queued = True
        self.waiting.setdefault(ticket.symbol, []).append((ticket, fulfil))

    def drop(self, ticket: Ticket) -> None:
        """Let an order go, if it waits."""
        ticket.is_queued = False
        left = [one for one in self.waiting.get(ticket.symbol, []) if one[0] is not ticket]
        if left:
            self.waiting[ticket.symbol] = left
        else:
            self.waiting.pop(ticket.symbol, None)

    def take(self, symbol: str) -> list[Queued]:
        """All who waited for the open of `symbol`; they wait no more."""
        taken = self.waiting.pop(symbol, [])
        for ticket, _ in taken:
            ticket.is_queued = False
        return taken
