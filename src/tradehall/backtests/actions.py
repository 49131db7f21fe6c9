"""Splits and dividends along the way: booked together with the first price at or after their instant.

Before that price is known the position would be worth twice, or half, of what it is. Working orders of a split
symbol are taken out and given again behind that price, at prices and quantities of the new unit.
"""

from collections import deque
from collections.abc import Iterable
from decimal import Decimal

import msgspec

from tradehall.backtests.settings import ActionKind, CorporateAction
from tradehall.domain.account import Account
from tradehall.domain.ids import AccountId
from tradehall.domain.money import ONE, ZERO, round_to
from tradehall.domain.order import Order, OrderRole, OrderTerms, TrailingType
from tradehall.engine import commands as cmd


class Actions:
    """Actions that are still to come, by symbol."""

    def __init__(self, actions: Iterable[CorporateAction]) -> None:
        self._coming: dict[str, deque[CorporateAction]] = {}
        for action in sorted(actions, key=lambda action: action.at):
            self._coming.setdefault(action.symbol, deque()).append(action)

    def next_at(self, symbol: str) -> int | None:
        """When the next action of a symbol is [ns UTC]."""
        coming = self._coming.get(symbol)
        return coming[0].at if coming else None

    def take(self, symbol: str, until: int) -> list[CorporateAction]:
        """Actions of a symbol up to `until` [ns UTC]; they are not to come any more."""
        coming, taken = self._coming.get(symbol, deque()), []
        while coming and coming[0].at <= until:
            taken.append(coming.popleft())
        return taken


def booking_of(action: CorporateAction, account_id: AccountId) -> cmd.BookCorporateAction:
    """What the engine is told of an action."""
    is_split = action.kind is ActionKind.SPLIT
    return cmd.BookCorporateAction(
        account_id,
        action.symbol,
        split=action.value if is_split else ONE,
        dividend=ZERO if is_split else action.value,
    )


def orders_after_split(account: Account, symbol: str, ratio: Decimal, tick: Decimal) -> list[cmd.AnyCommand]:
    """How the working orders of a symbol are given again in new units: exits as exits, others as they stood."""
    found: list[cmd.AnyCommand] = []
    for order in account.orders.values():
        if order.terms.symbol != symbol:
            continue
        if order.role in (OrderRole.STOP_LOSS, OrderRole.TAKE_PROFIT):
            found.extend(_exit(order, ratio, tick))
        elif order.role is OrderRole.ENTRY:
            found.append(cmd.PlaceOrder(_in_new_units(order, ratio, tick)))
    return found


def _exit(order: Order, ratio: Decimal, tick: Decimal) -> list[cmd.AnyCommand]:
    terms = order.terms
    if terms.position_id is None:
        return []
    stop, limit = _price(terms.stop_price, ratio, tick), _price(terms.limit_price, ratio, tick)
    return [cmd.SetPositionExits(terms.account_id, terms.position_id, stop_loss=stop, take_profit=limit)]


def _in_new_units(order: Order, ratio: Decimal, tick: Decimal) -> OrderTerms:
    """The rest of an order; a client order id is used up, a trailing stop begins anew."""
    terms = order.terms
    is_percent = terms.trailing_type is TrailingType.PERCENT
    changed: OrderTerms = msgspec.structs.replace(
        terms,
        quantity=order.remaining_quantity * ratio,
        limit_price=_price(terms.limit_price, ratio, tick),
        stop_price=_price(terms.stop_price, ratio, tick),
        stop_loss=_price(terms.stop_loss, ratio, tick),
        take_profit=_price(terms.take_profit, ratio, tick),
        trailing_distance=terms.trailing_distance if is_percent else _price(terms.trailing_distance, ratio, tick),
        display_quantity=None if terms.display_quantity is None else terms.display_quantity * ratio,
        client_order_id=None,
    )
    return changed


def _price(price: Decimal | None, ratio: Decimal, tick: Decimal) -> Decimal | None:
    return None if price is None else max(tick, round_to(price / ratio, tick))
