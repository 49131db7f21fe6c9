"""Unwritten orders: those that have ended, and whose rows the views do not hold yet."""

from collections.abc import Iterable
from typing import Final

import msgspec

from tradehall.domain.ids import AccountId, OrderId
from tradehall.domain.order import Order
from tradehall.ports.views import OrderRow

_decode_order: Final = msgspec.json.Decoder(Order).decode


class UnwrittenOrders:
    """Found by number, and by account and client order id. The state may have forgotten them already."""

    def __init__(self) -> None:
        self._rows: dict[OrderId, OrderRow] = {}
        self._named: dict[tuple[AccountId, str], OrderRow] = {}

    def add(self, rows: Iterable[OrderRow]) -> None:
        """Rows that are on their way; later ones stand for earlier ones of the same order, or the same client id."""
        for row in rows:
            self._rows[row.order_id] = row
            if row.client_order_id is not None:
                self._named[row.account_id, row.client_order_id] = row

    def written(self, rows: Iterable[OrderRow]) -> None:
        """The views hold them."""
        for row in rows:
            if self._rows.get(row.order_id) is row:
                del self._rows[row.order_id]
            if row.client_order_id is not None:
                name = row.account_id, row.client_order_id
                if self._named.get(name) is row:
                    del self._named[name]

    def lost(self) -> None:
        """None of them will be written."""
        self._rows.clear()
        self._named.clear()

    def order(self, order_id: OrderId) -> Order | None:
        """The order of a number."""
        return _order_of(self._rows.get(order_id))

    def order_by_client_id(self, account_id: AccountId, client_order_id: str) -> Order | None:
        """The newest order that used a client id."""
        return _order_of(self._named.get((account_id, client_order_id)))


def _order_of(row: OrderRow | None) -> Order | None:
    return None if row is None else _decode_order(row.body)
