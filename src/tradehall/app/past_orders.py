"""Orders at a moment: what worked then, from its state, and what had ended by then, from the views."""

from typing import Final

from msgspec.structs import replace

from tradehall.app.past import Moment
from tradehall.domain.account import Account
from tradehall.domain.order import WORKING, Order, OrderStatus
from tradehall.ports.views import OrderQuery, Views

ENDED: Final = frozenset(OrderStatus) - WORKING


def working_orders(account: Account, wanted: OrderQuery) -> list[Order]:
    """Working orders that match, newest first, no more than are wanted."""
    found: list[Order] = []
    for order in reversed(account.orders.values()):
        if len(found) >= wanted.limit:
            break
        if (wanted.statuses is None or order.status in wanted.statuses) and _matches(order, wanted):
            found.append(order)
    return found


async def ended_by(views: Views, wanted: OrderQuery, moment: Moment) -> list[Order]:
    """Orders that match and had ended at a moment of the past, as they were then."""
    until = moment.at + 1 if wanted.until is None else min(wanted.until, moment.at + 1)
    found = await views.orders(replace(wanted, until=until, ended_by=moment.at))
    # What the venue reported after an order's end changed it once more: the state of then knows how it was.
    ended = moment.state.ended.values()
    return found + [order for order in ended if order.terms.account_id == wanted.account_id and _matches(order, wanted)]


def _matches(order: Order, wanted: OrderQuery) -> bool:
    terms = order.terms
    return (
        wanted.symbol in (None, terms.symbol)
        and wanted.side in (None, terms.side)
        and wanted.client_order_id in (None, terms.client_order_id)
        and wanted.oco_group_id in (None, terms.oco_group_id)
        and (wanted.since is None or order.created_at >= wanted.since)
        and (wanted.until is None or order.created_at < wanted.until)
    )
