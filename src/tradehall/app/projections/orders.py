"""The view of ended orders."""

from msgspec.structs import replace

from tradehall.engine.state import State
from tradehall.ports.views import ViewRows


def project_orders(state: State, rows: ViewRows) -> None:
    """A row for each order that ended in the last record, or changed after its end."""
    for order in state.ended_now:
        rows.orders.append(replace(order))  # A copy: the state goes on changing its own.
