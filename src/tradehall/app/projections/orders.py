"""The view of ended orders."""

from typing import Final

import msgspec

from tradehall.domain.order import Order
from tradehall.engine.state import State
from tradehall.ports.house_views import end_of
from tradehall.ports.views import OrderRow, ViewRows

_encoder: Final = msgspec.json.Encoder()


def project_orders(state: State, rows: ViewRows) -> None:
    """A row for each order that ended in the last record, or changed after its end."""
    for order in state.ended_now:
        rows.orders.append(order_row(order))


def order_row(order: Order) -> OrderRow:
    """The row of an order as it stands."""
    terms = order.terms
    return OrderRow(
        order.order_id,
        terms.account_id,
        terms.client_order_id,
        terms.symbol,
        str(terms.side),
        str(order.status),
        terms.oco_group_id,
        order.created_at,
        order.updated_at,
        terms.strategy_id,
        str(end_of(order)),
        _encoder.encode(order).decode(),
    )
