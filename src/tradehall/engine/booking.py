"""Booking: what a fill does to positions and to the ledger. Arithmetic only; nothing is decided here."""

from decimal import Decimal
from typing import Final

import msgspec
from msgspec import Struct

from tradehall.domain.account import NETTING, Account
from tradehall.domain.ids import PositionId
from tradehall.domain.money import ZERO, round_margin, round_money
from tradehall.domain.order import Order, OrderRole, OrderTerms
from tradehall.domain.position import LONG, ClosedPart, Position, cost_share, side_opened_by
from tradehall.engine.state import State


class Execution(Struct, frozen=True, gc=False):
    """`quantity` units at `price`; `rate`: account currency per quote currency; `leverage` for what opens."""

    order: Order
    quantity: Decimal
    price: Decimal
    rate: Decimal
    leverage: Decimal
    commission: Decimal
    now: int


class Closing(Struct, frozen=True, gc=False):
    """A position reduced: as it was, as it is (None: flat), and the part that was closed."""

    before: Position
    after: Position | None
    part: ClosedPart


class Opening(Struct, frozen=True, gc=False):
    """`quantity` units added to a position: as it was (None: flat before) and as it is."""

    before: Position | None
    after: Position
    quantity: Decimal


class Booking(Struct, frozen=True, gc=False):
    """All that one fill does: first it closes, then it opens with what is left."""

    closings: tuple[Closing, ...]
    opening: Opening | None

    @property
    def realized_pnl(self) -> Decimal:
        """Sum over the closings [account currency]."""
        total = ZERO
        for closing in self.closings:
            total += closing.part.realized_pnl
        return total

    @property
    def closed_quantity(self) -> Decimal:
        """Units that closed something."""
        total = ZERO
        for closing in self.closings:
            total += closing.part.quantity
        return total

    @property
    def position_id(self) -> PositionId | None:
        """The position that the fill is shown under: the one it opened, else the one it closed."""
        if self.opening is not None:
            return self.opening.after.position_id
        return self.closings[0].before.position_id if self.closings else None


def book(state: State, account: Account, execution: Execution) -> Booking:
    """What `execution` does to the account's positions."""
    met = positions_met(state, account, execution.order.terms)
    if not met:
        return Booking((), _open(state, account, execution, execution.quantity))
    left, currency = execution, account.terms.currency
    closings: list[Closing] = []
    for position in met:
        part = min(left.quantity, position.quantity)
        closings.append(close(position, part, left, currency))
        if part == left.quantity:
            return Booking(tuple(closings), None)
        left = _without(left, part, currency)
    return Booking(tuple(closings), _open(state, account, left, left.quantity))


def _without(execution: Execution, quantity: Decimal, currency: str) -> Execution:
    """What of an execution is left after `quantity`: so the shares of its commission are cents, and add up to it."""
    commission = execution.commission
    if commission:
        commission -= paid_by(execution, quantity, currency)
    left: Execution = msgspec.structs.replace(execution, quantity=execution.quantity - quantity, commission=commission)
    return left


def paid_by(execution: Execution, quantity: Decimal, currency: str) -> Decimal:
    """What of an execution's commission falls to `quantity` of its units, rounded in `currency`."""
    return round_money(execution.commission * quantity / execution.quantity, currency)


def reducible_quantity(state: State, order: Order) -> Decimal:
    """Units that a reduce-only order could close now; its fills may not exceed them."""
    return reducible_by(state, state.accounts[order.terms.account_id], order.terms)


def reducible_by(state: State, account: Account, terms: OrderTerms) -> Decimal:
    """Units that a reduce-only order under `terms` could close now: of its strategy's book, or of the positions."""
    if terms.strategy_id is not None and account.terms.position_mode is NETTING:
        part = part_in(account, terms.strategy_id, terms.symbol)
        return part.quantity if part is not None and part.side.exit_side is terms.side else ZERO
    return sum((position.quantity for position in positions_met(state, account, terms)), ZERO)


def part_in(account: Account, strategy_id: str, symbol: str) -> Position | None:
    """The one part that a strategy has in `symbol` on a netting account."""
    book = account.books.get(strategy_id)
    return None if book is None else next((part for part in book.parts.values() if part.symbol == symbol), None)


def own_part(account: Account, strategy_id: str, position: Position) -> Position | None:
    """What of a position is a strategy's own: its part on a netting account, all or nothing on a hedging one."""
    if account.terms.position_mode is NETTING:
        return part_in(account, strategy_id, position.symbol)
    return position if position.strategy_id == strategy_id else None


def positions_met(state: State, account: Account, terms: OrderTerms) -> list[Position]:
    """Positions that a fill under `terms` reduces, in the order in which it does: named, net, or oldest first.

    On a hedging account a strategy's reduce-only order meets what is the strategy's own.
    """
    if account.terms.position_mode is NETTING:
        candidates = [state.net_position(account, terms.symbol)]
    elif terms.position_id is not None:
        candidates = [account.positions.get(terms.position_id)]
    elif terms.reduce_only:
        candidates = [
            p
            for p in account.positions.values()
            if p.symbol == terms.symbol and terms.strategy_id in (None, p.strategy_id)
        ]
    else:
        return []
    adds = side_opened_by(terms.side)
    return [p for p in candidates if p is not None and p.side is not adds]


def close(position: Position, quantity: Decimal, execution: Execution, currency: str) -> Closing:
    """`quantity` units of a position closed by an execution; its money is rounded in `currency`."""
    rest = position.quantity - quantity
    part = _closed_part(position, quantity, execution, currency)
    changes = {"realized_pnl": position.realized_pnl + part.realized_pnl, "updated_at": execution.now}
    if rest:
        changes |= {
            "quantity": rest,
            "cost": position.cost - cost_share(position, quantity),
            "margin": round_margin(position.margin * rest / position.quantity, currency),
            "commission": position.commission - _share(position.commission, position, quantity, currency),
            "swap": position.swap - part.swap,
        }
    changed: Position = msgspec.structs.replace(position, **changes)
    return Closing(before=position if rest else changed, after=changed if rest else None, part=part)


def _closed_part(position: Position, quantity: Decimal, execution: Execution, currency: str) -> ClosedPart:
    cost, value = cost_share(position, quantity), quantity * execution.price
    gross = value - cost if position.side is LONG else cost - value
    return ClosedPart(
        order_id=execution.order.order_id,
        quantity=quantity,
        entry_price=position.average_entry_price,
        exit_price=execution.price,
        realized_pnl=round_money(gross * execution.rate, currency),
        commission=_share(position.commission, position, quantity, currency) + paid_by(execution, quantity, currency),
        swap=_share(position.swap, position, quantity, currency),
        closed_at=execution.now,
        reason=closing_reason(execution.order),
    )


def _share(amount: Decimal, position: Position, quantity: Decimal, currency: str) -> Decimal:
    """What of the position's `amount` goes with `quantity` of its units; all of it with the last."""
    if quantity == position.quantity or not amount:
        return amount
    return round_money(amount * quantity / position.quantity, currency)


def closing_reason(order: Order) -> str:
    """Why a position was closed, for the doors that say so."""
    return _REASONS[order.role]


_REASONS: Final = {
    OrderRole.ENTRY: "order",
    OrderRole.CLOSE: "close",
    OrderRole.STOP_LOSS: "sl",
    OrderRole.TAKE_PROFIT: "tp",
    OrderRole.LIQUIDATION: "stop_out",
}
assert _REASONS.keys() == set(OrderRole)


def _open(state: State, account: Account, execution: Execution, quantity: Decimal) -> Opening:
    before = _position_to_add_to(state, account, execution.order)
    strategy_id = execution.order.terms.strategy_id
    if strategy_id is not None and account.terms.position_mode is NETTING:
        strategy_id = None  # What several share is nobody's: on a netting account only a part of a book has a strategy.
    return open_or_add(before, quantity, execution, account.terms.currency, strategy_id)


def open_or_add(
    before: Position | None, quantity: Decimal, execution: Execution, currency: str, strategy_id: str | None
) -> Opening:
    """`quantity` units more in `before`, or a position of their own; its margin is rounded in `currency`."""
    order, terms = execution.order, execution.order.terms
    cost = quantity * execution.price
    margin = round_margin(cost * execution.rate / execution.leverage, currency)
    commission = execution.commission * quantity / execution.quantity
    if before is not None:
        after: Position = msgspec.structs.replace(
            before,
            quantity=before.quantity + quantity,
            cost=before.cost + cost,
            margin=before.margin + margin,
            commission=before.commission + commission,
            peak_quantity=max(before.peak_quantity, before.quantity + quantity),
            updated_at=execution.now,
        )
        return Opening(before, after, quantity)
    # By position: for each keyword a Struct goes through its fields.
    after = Position(
        order.order_id,
        terms.account_id,
        terms.symbol,
        side_opened_by(terms.side),
        quantity,
        cost,
        margin,
        execution.now,  # opened_at
        execution.now,  # updated_at
        ZERO,  # realized_pnl
        commission,
        ZERO,  # swap
        0,  # swapped_at
        execution.leverage,
        terms.margin_mode,
        quantity,  # peak_quantity
        strategy_id,
        terms.client_order_id,
        terms.comment,
        terms.magic,
        terms.source,
        terms.symbol_asked,
    )
    return Opening(None, after, quantity)


def _position_to_add_to(state: State, account: Account, order: Order) -> Position | None:
    """Netting: the net position of the same side. Hedging: what this very order opened before."""
    if account.terms.position_mode is NETTING:
        position = state.net_position(account, order.terms.symbol)
    else:
        position = account.positions.get(order.order_id)
    if position is None or position.side is not side_opened_by(order.terms.side):
        return None
    return position
