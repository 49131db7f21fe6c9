"""The view of fills."""

from tradehall.app.projections.facts import Facts
from tradehall.engine.events import OrderFilled
from tradehall.engine.state import State
from tradehall.ports.views import ViewRows


def project_fill(event: OrderFilled, index: int, facts: Facts, state: State, rows: ViewRows) -> None:
    """A row per fill."""
    order = state.order(event.fill.order_id)
    rows.fills.append((event.fill, order is None or order.fill_count == 1))
