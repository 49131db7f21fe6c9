"""Exit legs: the stop loss and take profit that rest behind a position.

Legs are reduce-only orders bound to their position. They are placed for what an entry's fill opened, go
when the position is flat, and shrink with it, newest first.
"""

from decimal import Decimal

import msgspec

from tradehall.domain.account import PositionMode
from tradehall.domain.ids import AccountId, OrderId, PositionId
from tradehall.domain.money import ZERO
from tradehall.domain.order import Order, OrderRole, OrderTerms, OrderType
from tradehall.domain.position import Position
from tradehall.domain.rejection import RejectCode, Rejection
from tradehall.engine import commands as cmd
from tradehall.engine import events as ev
from tradehall.engine.booking import part_in
from tradehall.engine.context import Context
from tradehall.engine.draft import OrderDraft
from tradehall.engine.events import Emit
from tradehall.engine.rules import exit_prices_rejection
from tradehall.engine.state import State

EXIT_ROLES = (OrderRole.STOP_LOSS, OrderRole.TAKE_PROFIT)


def place_exits(state: State, entry: Order, position: Position, quantity: Decimal, emit: Emit) -> None:
    """Legs for `quantity` [units] that the entry's latest fill opened."""
    if entry.terms.stop_loss is None and entry.terms.take_profit is None:
        return  # Nearly every fill.
    if _waited_too_long(entry, state.now):
        return
    wanted = [
        (role, price)
        for role, price in zip(EXIT_ROLES, (entry.terms.stop_loss, entry.terms.take_profit), strict=True)
        if price is not None
    ]
    smallest = state.instruments[position.symbol].exit_quantity_min
    if smallest:
        # Fills that were too small for legs are covered together with this one.
        quantity = max(quantity, _uncovered(state, entry, position))
    if quantity < smallest:
        return
    first = state.next_order_id
    for index, (role, price) in enumerate(wanted):
        sibling = None if len(wanted) == 1 else first + 1 - index
        place_exit(state, entry, position, role, quantity, price, emit, sibling)


def place_exit(
    state: State,
    entry: Order,
    position: Position,
    role: OrderRole,
    quantity: Decimal,
    price: Decimal,
    emit: Emit,
    sibling: OrderId | None = None,
) -> None:
    """One leg behind `quantity` units that the entry opened."""
    name = leg_client_id(entry, role)
    # An id that the caller has used keeps meaning the caller's order.
    is_free = name not in state.accounts[position.account_id].client_ids
    terms = leg_terms(position, role, quantity, price, client_order_id=name if is_free else None)
    number = state.next_order_id
    emit(ev.OrderAccepted(number, terms, role=role, parent_order_id=entry.order_id, sibling_order_id=sibling))


def _waited_too_long(entry: Order, now: int) -> bool:
    """Whether the exits have died before their entry filled."""
    live_ns = entry.terms.exits_live_ns
    return live_ns is not None and now - entry.created_at >= live_ns


def _uncovered(state: State, entry: Order, position: Position) -> Decimal:
    """Units that the entry opened and no leg of its own protects."""
    covered = ZERO
    for role in EXIT_ROLES:
        legs = [leg for leg in legs_of_entry(state, entry) if leg.role is role]
        covered = max(covered, sum((leg.remaining_quantity for leg in legs), ZERO))
    return min(entry.filled_quantity, position.quantity) - covered


def leg_client_id(entry: Order, role: OrderRole) -> str:
    """`{seed}-sl`, then `{seed}-sl-1` … for legs of later partial fills; the seed is the entry's own id."""
    seed = entry.terms.client_order_id or f"ord_{entry.order_id}"
    word = "sl" if role is OrderRole.STOP_LOSS else "tp"
    return f"{seed}-{word}" if entry.fill_count <= 1 else f"{seed}-{word}-{entry.fill_count - 1}"


def leg_terms(
    position: Position, role: OrderRole, quantity: Decimal, price: Decimal, client_order_id: str | None
) -> OrderTerms:
    """Terms of one leg: a STOP at the stop loss, a LIMIT at the take profit."""
    is_stop = role is OrderRole.STOP_LOSS
    return OrderTerms(
        account_id=position.account_id,
        symbol=position.symbol,
        side=position.side.exit_side,
        type=OrderType.STOP if is_stop else OrderType.LIMIT,
        quantity=quantity,
        stop_price=price if is_stop else None,
        limit_price=None if is_stop else price,
        client_order_id=client_order_id,
        reduce_only=True,
        position_id=position.position_id,
        strategy_id=position.strategy_id,
        source="engine",
        symbol_asked=position.symbol_asked,
    )


def exit_legs(state: State, position: Position, role: OrderRole) -> list[Order]:
    """Working legs of one role behind a position or a part, oldest first."""
    return [order for order in state.bound_orders(position) if order.role is role]


def protected_position(state: State, entry: Order) -> Position | None:
    """What the legs of an entry stand behind: its position, or on a netting account the part of its strategy's book."""
    terms = entry.terms
    account = state.accounts[terms.account_id]
    if entry.position_id is None:
        return None
    if terms.strategy_id is None or account.terms.position_mode is PositionMode.HEDGING:
        return account.positions.get(entry.position_id)
    part = part_in(account, terms.strategy_id, terms.symbol)
    return part if part is not None and part.side.entry_side is terms.side else None


def named_position(
    state: State, account_id: AccountId, position_id: PositionId, strategy_id: str | None
) -> Position | None:
    """The position of that number; of a strategy: what is its own, on a netting account the part of its book."""
    account = state.accounts.get(account_id)
    if account is None or strategy_id is None:
        return state.position(account_id, position_id)
    book = account.books.get(strategy_id)
    part = None if book is None else book.parts.get(position_id)
    if part is None or account.terms.position_mode is PositionMode.NETTING:
        return part
    return account.positions[position_id]


def legs_of_entry(state: State, entry: Order) -> list[Order]:
    """Working legs that an entry's fills placed."""
    position = protected_position(state, entry)
    if position is None:
        return []
    return [order for order in state.bound_orders(position) if order.parent_order_id == entry.order_id]


def exit_leg_missing(role: OrderRole, of: str) -> Rejection:
    """The refusal of moving a leg that does not work; `of`: whose leg it would be."""
    return Rejection(RejectCode.EXIT_LEG_MISSING, f"{of} has no {role} leg to move")


def exit_price(leg: Order) -> Decimal | None:
    """Where a leg would act."""
    return leg.terms.stop_price if leg.role is OrderRole.STOP_LOSS else leg.terms.limit_price


def exits_rejection(
    state: State, position: Position, command: cmd.AmendOrder | cmd.SetPositionExits, context: Context
) -> Rejection | None:
    """Why a position may not get the exits that `command` names: they are judged as those of an entry made now."""
    terms = OrderTerms(
        account_id=position.account_id,
        symbol=position.symbol,
        side=position.side.entry_side,
        type=OrderType.MARKET,
        quantity=position.quantity,
        stop_loss=command.stop_loss,
        take_profit=command.take_profit,
    )
    account = state.accounts[position.account_id]
    draft = OrderDraft(state, account, cmd.PlaceOrder(terms, is_strict=command.is_strict), context)
    return exit_prices_rejection(draft)


def move_leg(leg: Order, price: Decimal, emit: Emit) -> None:
    """Give a leg another price; it loses its place at the old one."""
    name = "stop_price" if leg.role is OrderRole.STOP_LOSS else "limit_price"
    emit(ev.OrderAmended(leg.order_id, msgspec.structs.replace(leg.terms, **{name: price})))


def drop_exits(state: State, position: Position, but: OrderId, emit: Emit) -> None:
    """The position is flat: what was bound to it goes."""
    for order in state.bound_orders(position):
        if order.order_id != but:
            emit(ev.OrderCancelled(position.account_id, order.order_id, "position closed"))


def trim_exits(state: State, position: Position, emit: Emit) -> None:
    """The position shrank: legs beyond it shrink too, newest first."""
    strategy_id = position.strategy_id
    bound = state.reducing if strategy_id is None else state.bindings(position.account_id, strategy_id)
    if position.position_id not in bound:
        return  # The usual case, told by one look.
    for role in EXIT_ROLES:
        legs = exit_legs(state, position, role)
        excess = sum((leg.remaining_quantity for leg in legs), ZERO) - position.quantity
        for leg in reversed(legs):
            if excess <= 0:
                break
            excess -= leg.remaining_quantity
            _shrink(leg, by=leg.remaining_quantity + min(excess, ZERO), emit=emit)


def _shrink(leg: Order, by: Decimal, emit: Emit) -> None:
    if by == leg.remaining_quantity:
        emit(ev.OrderCancelled(leg.terms.account_id, leg.order_id, "nothing left to protect"))
        return
    terms = msgspec.structs.replace(leg.terms, quantity=leg.terms.quantity - by)
    emit(ev.OrderAmended(leg.order_id, terms, keeps_priority=True))
