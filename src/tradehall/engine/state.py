"""State: what can still change, and `evolve`, the only function that changes it.

Finished orders leave it: the last ENDED_KEPT stay for late venue reports and repeated requests, older
ones live in the store. Everything here is rebuilt by folding events; nothing here decides.
"""

from bisect import bisect_left
from collections import deque
from collections.abc import Callable
from decimal import Decimal
from heapq import heappop, heappush
from typing import Any, Final, get_args

from msgspec import Struct

from tradehall.domain.account import Account, Exposure
from tradehall.domain.calendar import next_rollover
from tradehall.domain.ids import FIRST_FILL_ID, FIRST_ORDER_ID, AccountId, OrderId, PositionId, first_id
from tradehall.domain.instrument import Instrument
from tradehall.domain.money import ZERO
from tradehall.domain.order import STATUS_TRANSITIONS, MarginMode, Order, OrderStatus, Side, signed
from tradehall.domain.position import Position, PositionSide
from tradehall.engine import events as ev

ENDED_KEPT: Final = 1024

_NOTHING: Final[dict[OrderId, None]] = {}


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

    def oco_siblings(self, order: Order) -> list[OrderId]:
        """The other working orders of the order's OCO group."""
        group = order.terms.oco_group_id
        if group is None:
            return []
        members = self.oco_groups.get((order.terms.account_id, group), _NOTHING)
        return [order_id for order_id in members if order_id != order.order_id]

    def reducing_orders(self, position_id: PositionId) -> list[Order]:
        """Working orders bound to a position: exit legs and closes, oldest first."""
        return [self.orders[order_id] for order_id in self.reducing.get(position_id, _NOTHING)]

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
                _index_order(state, order)
        return state


def peak_key(symbol: str, side: Side) -> str:
    """Key of `State.peaks`: text, because snapshots are JSON."""
    return f"{side}:{symbol}"


def _expires(state: State, at: int, order_id: OrderId) -> bool:
    order = state.orders.get(order_id)
    return order is not None and order.terms.expires_at == at


def evolve(state: State, event: ev.AnyEvent, now: int) -> None:
    """Make `event`, which happened at `now` [ns UTC], true in `state`."""
    _EVOLVERS[type(event)](state, event, now)


def begin_record(state: State, now: int) -> None:
    """Record number `state.seq + 1` begins, at `now` [ns UTC]."""
    state.seq += 1
    state.now = now
    state.ended_now.clear()


# Instruments and accounts.


def _instrument_listed(state: State, event: ev.InstrumentListed, now: int) -> None:
    state.instruments[event.instrument.symbol] = event.instrument
    state.rollover_at = state.rollover_at or next_rollover(now)


def _account_opened(state: State, event: ev.AccountOpened, now: int) -> None:
    state.accounts[event.terms.account_id] = Account(terms=event.terms, opened_at=now)


def _account_updated(state: State, event: ev.AccountUpdated, now: int) -> None:
    state.accounts[event.terms.account_id].terms = event.terms


def _balance_changed(state: State, event: ev.BalanceChanged, now: int) -> None:
    account = state.accounts[event.account_id]
    account.ledger_total += event.amount
    account.balance = event.balance
    if account.ledger_total != account.balance:
        raise ConservationError(
            f"account {event.account_id}: ledger sums to {account.ledger_total}, balance says {account.balance}, "
            f"after {event.entry} of {event.amount}"
        )


def _margin_state_changed(state: State, event: ev.MarginStateChanged, now: int) -> None:
    state.accounts[event.account_id].margin_state = event.state


# Orders.


def _order_accepted(state: State, event: ev.OrderAccepted, now: int) -> None:
    order = Order(
        order_id=event.order_id,
        terms=event.terms,
        status=OrderStatus.OPEN,
        created_at=now,
        updated_at=now,
        role=event.role,
        margin_held=event.margin_held,
        parent_order_id=event.parent_order_id,
        sibling_order_id=event.sibling_order_id,
        position_id=event.terms.position_id,
        digest=event.digest,
    )
    account = state.accounts[event.terms.account_id]
    account.orders[order.order_id] = order
    account.margin_held += event.margin_held
    state.next_order_id = max(state.next_order_id, event.order_id + 1)
    if event.terms.client_order_id is not None:
        account.client_ids[event.terms.client_order_id] = order.order_id
    _index_order(state, order)


def _index_order(state: State, order: Order) -> None:
    terms = order.terms
    state.orders[order.order_id] = order
    if terms.oco_group_id is not None:
        state.oco_groups.setdefault((terms.account_id, terms.oco_group_id), {})[order.order_id] = None
    if terms.position_id is not None:
        state.reducing.setdefault(terms.position_id, {})[order.order_id] = None
    if terms.expires_at is not None:
        heappush(state.expiries, (terms.expires_at, order.order_id))


def _order_rejected(state: State, event: ev.OrderRejected, now: int) -> None:
    order = Order(
        order_id=event.order_id,
        terms=event.terms,
        status=OrderStatus.REJECTED,
        created_at=now,
        updated_at=now,
        digest=event.digest,
    )
    _note_rejection(order, event.rejection)
    state.next_order_id = max(state.next_order_id, event.order_id + 1)
    if event.terms.client_order_id is not None:
        state.accounts[event.terms.account_id].client_ids[event.terms.client_order_id] = order.order_id
    _keep_ended(state, order)


def _note_rejection(order: Order, rejection: Any) -> None:
    order.reject_code = rejection.code
    order.reject_message = rejection.message
    order.reject_numbers = {name: format(number, "f") for name, number in rejection.numbers.items()}


def _order_opened(state: State, event: ev.OrderOpened, now: int) -> None:
    order = state.orders[event.order_id]
    order.updated_at = now


def _order_amended(state: State, event: ev.OrderAmended, now: int) -> None:
    order = state.orders.get(event.order_id)
    if order is None:
        order = state.ended[event.order_id]  # A filled entry whose legs were moved.
        state.ended_now.append(order)
    else:
        state.accounts[event.terms.account_id].margin_held += event.margin_held - order.margin_held
        if event.terms.expires_at is not None and event.terms.expires_at != order.terms.expires_at:
            heappush(state.expiries, (event.terms.expires_at, event.order_id))
    order.terms = event.terms
    order.margin_held = event.margin_held
    order.updated_at = now


def _order_triggered(state: State, event: ev.OrderTriggered, now: int) -> None:
    order = state.orders[event.order_id]
    order.is_triggered = True
    order.updated_at = now


def _order_filled(state: State, event: ev.OrderFilled, now: int) -> None:
    fill = event.fill
    order = state.orders.get(fill.order_id) or state.ended[fill.order_id]
    is_working = order.is_working
    account = state.accounts[fill.account_id]
    order.filled_quantity += fill.quantity
    order.filled_value += fill.quantity * fill.price
    order.fill_count += 1
    order.position_id = order.position_id or fill.position_id
    order.venue_fill_ids = (*order.venue_fill_ids, fill.venue_fill_id)
    account.margin_held += event.margin_held - order.margin_held
    order.margin_held = event.margin_held
    exposure = account.exposures.get(fill.symbol)
    if exposure is None:
        exposure = account.exposures[fill.symbol] = Exposure()
    exposure.net_filled += signed(fill.side, fill.quantity)
    state.next_fill_id = fill.fill_id + 1
    if not is_working:
        state.ended_now.append(order)
    if order.filled_quantity > order.terms.quantity:
        raise ConservationError(f"order {order.order_id} filled {order.filled_quantity} of {order.terms.quantity}")
    if order.filled_quantity == order.terms.quantity:
        _move(order, OrderStatus.FILLED, now)
        if is_working:
            _end(state, order)
    else:
        _move(order, OrderStatus.PARTIALLY_FILLED if is_working else order.status, now)


def _order_cancelled(state: State, event: ev.OrderCancelled, now: int) -> None:
    _finish(state, event.order_id, OrderStatus.CANCELLED, event.reason, now)


def _order_expired(state: State, event: ev.OrderExpired, now: int) -> None:
    _finish(state, event.order_id, OrderStatus.EXPIRED, "expired", now)


def _order_failed(state: State, event: ev.OrderFailed, now: int) -> None:
    _note_rejection(state.orders[event.order_id], event.rejection)
    _finish(state, event.order_id, OrderStatus.REJECTED, "rejected by the venue", now)


def _finish(state: State, order_id: OrderId, status: OrderStatus, reason: str, now: int) -> None:
    order = state.orders[order_id]
    _move(order, status, now)
    order.end_reason = reason
    state.accounts[order.terms.account_id].margin_held -= order.margin_held
    order.margin_held = ZERO
    _end(state, order)


def _move(order: Order, status: OrderStatus, now: int) -> None:
    assert status in STATUS_TRANSITIONS[order.status], f"order {order.order_id}: {order.status} cannot become {status}"
    order.status = status
    order.updated_at = now


def _end(state: State, order: Order) -> None:
    """Take an order that has just ended out of the live state."""
    terms = order.terms
    del state.orders[order.order_id]
    del state.accounts[terms.account_id].orders[order.order_id]
    if terms.oco_group_id is not None:
        _leave(state.oco_groups, (terms.account_id, terms.oco_group_id), order.order_id)
    if terms.position_id is not None:
        _leave(state.reducing, terms.position_id, order.order_id)
    _keep_ended(state, order)


def _leave(index: dict[Any, dict[OrderId, None]], key: object, order_id: OrderId) -> None:
    members = index[key]
    del members[order_id]
    if not members:
        del index[key]


def _keep_ended(state: State, order: Order) -> None:
    state.ended[order.order_id] = order
    state.ended_now.append(order)
    state._ended_line.append(order.order_id)
    if len(state._ended_line) > ENDED_KEPT:
        oldest = state.ended.pop(state._ended_line.popleft())
        client_ids = state.accounts[oldest.terms.account_id].client_ids
        name = oldest.terms.client_order_id
        if name is not None and client_ids.get(name) == oldest.order_id:
            del client_ids[name]


# Positions.


def _position_opened(state: State, event: ev.PositionOpened, now: int) -> None:
    position = event.position
    account = state.accounts[position.account_id]
    state.position_count += 1
    _replace_position(account, position.position_id, None, position)
    account.exposures[position.symbol].position_id = position.position_id


def _position_changed(state: State, event: ev.PositionChanged, now: int) -> None:
    account = state.accounts[event.position.account_id]
    before = account.positions[event.position.position_id]
    _replace_position(account, before.position_id, before, event.position)


def _position_closed(state: State, event: ev.PositionClosed, now: int) -> None:
    account = state.accounts[event.position.account_id]
    before = account.positions[event.position.position_id]
    state.position_count -= 1
    _replace_position(account, before.position_id, before, None)
    exposure = account.exposures[before.symbol]
    if exposure.position_id == before.position_id:
        exposure.position_id = None
    if exposure.net_filled or exposure.long_quantity or exposure.short_quantity:
        return
    # Isolated positions may cancel out in all sums: only the positions themselves tell that none is left.
    if not any(position.symbol == before.symbol for position in account.positions.values()):
        del account.exposures[before.symbol]


def _replace_position(
    account: Account, position_id: PositionId, before: Position | None, after: Position | None
) -> None:
    if before is not None:
        _add_exposure(account, before, -1)
        del account.positions[position_id]
    if after is not None:
        _add_exposure(account, after, 1)
        account.positions[position_id] = after


def _add_exposure(account: Account, position: Position, sign: int) -> None:
    exposure = account.exposures[position.symbol]
    quantity = sign * position.quantity
    cost = sign * position.cost
    account.margin_used += sign * position.margin
    if position.margin_mode is MarginMode.ISOLATED:
        account.margin_isolated += sign * position.margin
        exposure.isolated_net += quantity if position.side is PositionSide.LONG else -quantity
    elif position.side is PositionSide.LONG:
        exposure.long_quantity += quantity
        exposure.long_cost += cost
    else:
        exposure.short_quantity += quantity
        exposure.short_cost += cost


def check_conservation(account: Account, symbol: str) -> None:
    """Units of all positions in `symbol` must be those of all fills. ConservationError otherwise."""
    exposure = account.exposures.get(symbol)
    if exposure is None:
        return  # Flat: it was dropped when all its sums were zero.
    held = exposure.long_quantity - exposure.short_quantity + exposure.isolated_net
    if held != exposure.net_filled:
        raise ConservationError(
            f"account {account.terms.account_id}: positions in {symbol} come to {held}, fills to {exposure.net_filled}"
        )


# The rest.


def _trailing_peak_moved(state: State, event: ev.TrailingPeakMoved, now: int) -> None:
    peaks = state.peaks.setdefault(peak_key(event.symbol, event.side), [])
    is_sell = event.side is Side.SELL
    # A better price hides every worse one before it: what stays is a staircase, best first.
    while peaks and (peaks[-1].price <= event.price if is_sell else peaks[-1].price >= event.price):
        peaks.pop()
    peaks.append(Peak(now, event.price))


def _rollover_booked(state: State, event: ev.RolloverBooked, now: int) -> None:
    state.rollover_at = next_rollover(event.at)


def _nothing_to_do(state: State, event: ev.AnyEvent, now: int) -> None:
    """Facts that change no state: refusals, double exits, unmatched reports."""


_EVOLVERS: Final[dict[type, Callable[[State, Any, int], None]]] = {
    ev.InstrumentListed: _instrument_listed,
    ev.AccountOpened: _account_opened,
    ev.AccountUpdated: _account_updated,
    ev.RequestRefused: _nothing_to_do,
    ev.OrderRejected: _order_rejected,
    ev.OrderAccepted: _order_accepted,
    ev.OrderOpened: _order_opened,
    ev.OrderAmended: _order_amended,
    ev.OrderTriggered: _order_triggered,
    ev.OrderFilled: _order_filled,
    ev.OrderCancelled: _order_cancelled,
    ev.OrderExpired: _order_expired,
    ev.OrderFailed: _order_failed,
    ev.PositionOpened: _position_opened,
    ev.PositionChanged: _position_changed,
    ev.PositionClosed: _position_closed,
    ev.BalanceChanged: _balance_changed,
    ev.MarginStateChanged: _margin_state_changed,
    ev.OcoDoubleExit: _nothing_to_do,
    ev.ReportUnmatched: _nothing_to_do,
    ev.TrailingPeakMoved: _trailing_peak_moved,
    ev.RolloverBooked: _rollover_booked,
}
assert _EVOLVERS.keys() == set(get_args(ev.AnyEvent))
