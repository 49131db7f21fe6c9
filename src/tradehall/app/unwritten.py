"""Unwritten orders: those that have ended, and whose rows the views do not hold yet."""

from collections.abc import Iterable

from tradehall.domain.ids import AccountId, OrderId
from tradehall.domain.order import Order


class UnwrittenOrders:
    """Found by number, and by account and client order id. The state may have forgotten them already."""

    def __init__(self) -> None:
        self._orders: dict[OrderId, Order] = {}
        self._named: dict[tuple[AccountId, str], Order] = {}

    def add(self, orders: Iterable[Order]) -> None:
        """Orders as their rows will say; later ones stand for earlier ones of one number, or one client id."""
        for order in orders:
            self._orders[order.order_id] = order
            terms = order.terms
            if terms.client_order_id is not None:
                self._named[terms.account_id, terms.client_order_id] = order

    def written(self, orders: Iterable[Order]) -> None:
        """The views hold them."""
        for order in orders:
            if self._orders.get(order.order_id) is order:
                del self._orders[order.order_id]
            terms = order.terms
            if terms.client_order_id is not None:
                name = terms.account_id, terms.client_order_id
                if self._named.get(name) is order:
                    del self._named[name]

    def lost(self) -> None:
        """None of them will be written."""
        self._orders.clear()
        self._named.clear()

    def order(self, order_id: OrderId) -> Order | None:
        """The order of a number."""
        return self._orders.get(order_id)

    def order_by_client_id(self, account_id: AccountId, client_order_id: str) -> Order | None:
        """The newest order that used a client id."""
        return self._named.get((account_id, client_order_id))
