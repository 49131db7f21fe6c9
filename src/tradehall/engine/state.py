"""State: what can still change. `engine.state_evolve.evolve` is the only function that changes it.

Finished orders leave it: the last ENDED_KEPT stay for late venue reports and repeated requests, older
ones live in the store. Everything here is rebuilt by folding events; nothing here decides.
"""

from bisect import bisect_left
from collections import deque
from decimal import Decimal
from heapq import heapify, heappop, heappush
from typing import Final

from msgspec import Struct

from tradehall.domain.account import Account, PositionMode
from tradehall.domain.ids import FIRST_FILL_ID, FIRST_ORDER_ID, AccountId, OrderId, PositionId, first_id
from tradehall.domain.instrument import Instrument
from tradehall.domain.money import ZERO
from tradehall.domain.order import Order, OrderTerms, OrderType, Side
from tradehall.domain.position import Position
from tradehall.domain.strategy import StrategyBook

ENDED_KEPT: Final = 1024
EXPIRIES_SPARE: Final = 1024

_NOTHING: Final[dict[OrderId, None]] = {}
_TRAILING_STOP: Final = OrderType.TRAILING_STOP


class Peak(Struct, frozen=True, gc=False):
    """A best price that trailing stops accepted until `at` [ns UTC] follow."""

    at: int
    price: Decimal


class Snapshot(Struct, frozen=True):
    """The state after record `seq`, as written to disk; indexes are left out and built anew."""

    seq: int
    now: int
    next_order_id: OrderId
    next_fill_id: int
    rollover_at: int
    instruments: list[Instrument]
    accounts: list[Account]
    ended: list[Order]
    peaks: dict[str, list[Peak]]
    schema: int = 1


class ConservationError(AssertionError):
    """Money or units appeared or vanished: our own bug. The shard stops, with this as its evidence."""


class State:
    """One shard's trading state. Read it freely; `evolve` alone writes it."""

    def __init__(self, shard: int = 0) -> None:
        self.seq = 0
        self.now = 0
        self.next_order_id = first_id(FIRST_ORDER_ID, shard)
        self.next_fill_id = first_id(FIRST_FILL_ID, shard)
        self.rollover_at = 0
        self.instruments: dict[str, Instrument] = {}
        self.accounts: dict[AccountId, Account] = {}
        self.ended: dict[OrderId, Order] = {}
        self.peaks: dict[str, list[Peak]] = {}
        # Indexes: derived from the above, never stored.
        self.orders: dict[OrderId, Order] = {}
        self.oco_groups: dict[tuple[AccountId, str], dict[OrderId, None]] = {}
        self.reducing: dict[PositionId, dict[OrderId, None]] = {}
        self.protecting: dict[PositionId, dict[OrderId, None]] = {}
        self.strategy_orders: dict[tuple[AccountId, str], dict[OrderId, None]] = {}
        self.working: dict[tuple[AccountId, str, Side], Decimal] = {}
        self.trailing: dict[str, int] = {}
        self.expiries: list[tuple[int, OrderId]] = []
        self.position_count = 0
        # Orders that ended, or changed after their end, in the record now being made: the store wants them,
        # and one record may end more of them than `ended` keeps.
        self.ended_now: list[Order] = []
        self._ended_line: deque[OrderId] = deque()

    # Reading.

    def order(self, order_id: OrderId) -> Order | None:
        """A working order, or one that ended lately."""
        return self.orders.get(order_id) or self.ended.get(order_id)

    def order_by_client_id(self, account: Account, client_order_id: str) -> Order | None:
        """The order that used this client id, if it works or ended lately."""
        order_id = account.client_ids.get(client_order_id)
        return None if order_id is None else self.order(order_id)

    def position(self, account_id: AccountId, position_id: PositionId) -> Position | None:
        """An open position."""
        account = self.accounts.get(account_id)
        return account.positions.get(position_id) if account else None

    def net_position(self, account: Account, symbol: str) -> Position | None:
        """The one position of a netting account in `symbol`."""
        exposure = account.exposures.get(symbol)
        if exposure is None or exposure.position_id is None:
            return None
        return account.positions.get(exposure.position_id)

    def working_quantity(self, account_id: AccountId, symbol: str, side: Side) -> Decimal:
        """Units still wanted by working orders of a side that are not reduce-only."""
        return self.working.get((account_id, symbol, side), ZERO)

    def reducing_orders(self, position_id: PositionId) -> list[Order]:
        """Working orders bound to a position of an account: exit legs and closes, oldest first."""
        return [self.orders[order_id] for order_id in self.reducing.get(position_id, _NOTHING)]

    def bindings(self, account_id: AccountId, strategy_id: str | None) -> dict[PositionId, dict[OrderId, None]]:
        """The index of orders by what they are bound to: positions, or the parts of books on a netting account.

        A part may have the number of the position: one order can have opened both.
        """
        if strategy_id is None:
            return self.reducing
        is_netting = self.accounts[account_id].terms.position_mode is PositionMode.NETTING
        return self.protecting if is_netting else self.reducing

    def bound_orders(self, position: Position) -> list[Order]:
        """Working orders bound to a position, or to a part of a book, oldest first."""
        index = self.bindings(position.account_id, position.strategy_id)
        return [self.orders[order_id] for order_id in index.get(position.position_id, _NOTHING)]

    def bound_with(self, order: Order) -> list[Order]:
        """Working orders bound to what `order` is bound to."""
        position_id = order.terms.position_id
        if position_id is None:
            return []
        index = self.bindings(order.terms.account_id, order.terms.strategy_id)
        return [self.orders[order_id] for order_id in index.get(position_id, _NOTHING)]

    def book(self, account_id: AccountId, strategy_id: str) -> StrategyBook | None:
        """A strategy's book on an account."""
        account = self.accounts.get(account_id)
        return account.books.get(strategy_id) if account else None

    def orders_of_strategy(self, account_id: AccountId, strategy_id: str) -> list[Order]:
        """A strategy's working orders, oldest first."""
        found = self.strategy_orders.get((account_id, strategy_id), _NOTHING)
        return [self.orders[order_id] for order_id in found]

    def trailing_peak(self, order: Order) -> Decimal | None:
        """The best price since a trailing stop was accepted; None before its first quote."""
        peaks = self.peaks.get(peak_key(order.terms.symbol, order.terms.side), [])
        index = bisect_left(peaks, order.created_at, key=lambda peak: peak.at)
        return peaks[index].price if index < len(peaks) else None

    def first_expiry(self) -> int | None:
        """When the next working order expires [ns UTC]."""
        heap = self.expiries
        while heap and not _expires(self, *heap[0]):
            heappop(heap)  # An index may be tidied while reading: no decision depends on it.
        return heap[0][0] if heap else None

    # Storing.

    def snapshot(self) -> Snapshot:
        """The whole state as one value."""
        return Snapshot(
            seq=self.seq,
            now=self.now,
            next_order_id=self.next_order_id,
            next_fill_id=self.next_fill_id,
            rollover_at=self.rollover_at,
            instruments=list(self.instruments.values()),
            accounts=list(self.accounts.values()),
            ended=[self.ended[order_id] for order_id in self._ended_line],
            peaks=self.peaks,
        )

    @staticmethod
    def restore(snapshot: Snapshot) -> "State":
        """The state of a snapshot, indexes and all."""
        state = State()
        state.seq, state.now = snapshot.seq, snapshot.now
        state.next_order_id, state.next_fill_id = snapshot.next_order_id, snapshot.next_fill_id
        state.rollover_at = snapshot.rollover_at
        state.instruments = {instrument.symbol: instrument for instrument in snapshot.instruments}
        state.accounts = {account.terms.account_id: account for account in snapshot.accounts}
        state.peaks = {key: list(peaks) for key, peaks in snapshot.peaks.items()}
        state.ended = {order.order_id: order for order in snapshot.ended}
        state._ended_line = deque(state.ended)
        for account in snapshot.accounts:
            state.position_count += len(account.positions)
            for order in account.orders.values():
                index_order(state, order)
        return state


def peak_key(symbol: str, side: Side) -> str:
    """Key of `State.peaks`: text, because snapshots are JSON."""
    return f"{side}:{symbol}"


def _expires(state: State, at: int, order_id: OrderId) -> bool:
    order = state.orders.get(order_id)
    return order is not None and order.terms.expires_at == at


def index_order(state: State, order: Order) -> None:
    """Enter a working order in all indexes."""
    terms = order.terms
    state.orders[order.order_id] = order
    count_working(state, terms, terms.quantity - order.filled_quantity)
    if terms.type is _TRAILING_STOP:
        key = peak_key(terms.symbol, terms.side)
        state.trailing[key] = state.trailing.get(key, 0) + 1
    if terms.oco_group_id is not None:
        state.oco_groups.setdefault((terms.account_id, terms.oco_group_id), {})[order.order_id] = None
    if terms.strategy_id is not None:
        state.strategy_orders.setdefault((terms.account_id, terms.strategy_id), {})[order.order_id] = None
    if terms.position_id is not None:
        index = state.bindings(terms.account_id, terms.strategy_id)
        index.setdefault(terms.position_id, {})[order.order_id] = None
    if terms.expires_at is not None:
        note_expiry(state, terms.expires_at, order.order_id)


def count_working(state: State, terms: OrderTerms, change: Decimal) -> None:
    """`change` units more are wanted by orders that may open exposure."""
    if terms.reduce_only or not change:
        return
    key = (terms.account_id, terms.symbol, terms.side)
    total = state.working.get(key, ZERO) + change
    if total:
        state.working[key] = total
    else:
        del state.working[key]


def note_expiry(state: State, at: int, order_id: OrderId) -> None:
    """Line an order up for its end. What ended otherwise leaves the line when its time comes, or when the dead
    are the most.
    """
    line = state.expiries
    heappush(line, (at, order_id))
    if len(line) > EXPIRIES_SPARE + 2 * len(state.orders):
        line[:] = [entry for entry in line if _expires(state, *entry)]
        heapify(line)
