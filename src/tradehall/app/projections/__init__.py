"""Projections: a record and the state after it → rows of the views. Pure; a file per view.

The same functions write the views as decisions are made and rebuild them from the journal.
"""

from collections.abc import Callable
from typing import Any, Final

from tradehall.app.projections.closed_positions import project_closed_position
from tradehall.app.projections.deals import project_deals
from tradehall.app.projections.facts import Facts
from tradehall.app.projections.fills import project_fill
from tradehall.app.projections.ledger import project_ledger
from tradehall.app.projections.orders import project_orders
from tradehall.app.projections.tickets import project_tickets
from tradehall.engine import events as ev
from tradehall.engine.state import State
from tradehall.ports.views import ViewRows

# A row's shape or content has changed: raise it, and the next start builds the views anew.
VIEWS_VERSION: Final = 4


Projection = Callable[[Any, int, Facts, ViewRows], None]

_PROJECTIONS: Final[dict[type, Projection]] = {
    ev.OrderFilled: project_fill,
    ev.BalanceChanged: project_ledger,
    ev.PositionClosed: project_closed_position,
}


def project(facts: Facts, state: State, rows: ViewRows) -> None:
    """Append to `rows` what the views have to hold once `facts`, the state's last record, is durable."""
    for index, event in enumerate(facts.events):
        projection = _PROJECTIONS.get(type(event))
        if projection is not None:
            projection(event, index, facts, rows)
    if state.ended_now:
        project_orders(state, rows)
    project_tickets(facts, state, rows)
    project_deals(facts, state, rows)
