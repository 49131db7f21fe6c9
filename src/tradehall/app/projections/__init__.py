"""Projections: a record and the state after it → rows of the views. Pure; a file per view.

The same functions write the views as decisions are made and rebuild them from the journal.
"""

from collections.abc import Callable, Collection
from typing import Any, Final

from tradehall.app.projections.closings import project_closing_of_part, project_loose_closing
from tradehall.app.projections.deals import project_deals_of_fill, project_funds_deal
from tradehall.app.projections.facts import Facts
from tradehall.app.projections.fills import project_fill
from tradehall.app.projections.ledger import project_ledger
from tradehall.app.projections.orders import project_orders
from tradehall.app.projections.tickets import project_closed_ticket, project_funds_ticket, project_taken_out
from tradehall.engine import events as ev
from tradehall.engine.state import State
from tradehall.ports.views import ViewRows

# A row's shape or content has changed: raise it, and the next start builds the views anew.
VIEWS_VERSION: Final = 10


# The event, its place in the record, the record, the state after it.
Projection = Callable[[Any, int, Facts, State, ViewRows], None]

_PROJECTIONS: Final[dict[type, tuple[Projection, ...]]] = {
    ev.OrderFilled: (project_fill, project_deals_of_fill),
    ev.BalanceChanged: (project_ledger, project_funds_ticket, project_funds_deal),
    ev.PositionChanged: (project_closed_ticket, project_loose_closing),
    ev.PositionClosed: (project_closed_ticket, project_loose_closing),
    ev.PartChanged: (project_closing_of_part,),
    ev.PartClosed: (project_closing_of_part,),
}


def leaves_rows(kinds: Collection[type]) -> bool:
    """Whether a decision with events of these kinds may have rows; so may any that ended an order: `ended_now`."""
    return any(kind in _PROJECTIONS for kind in kinds)


def project(facts: Facts, state: State, rows: ViewRows) -> None:
    """Append to `rows` what the views have to hold once `facts`, the state's last record, is durable."""
    for index, event in enumerate(facts.events):
        for projection in _PROJECTIONS.get(type(event), ()):
            projection(event, index, facts, state, rows)
    if state.ended_now:
        project_orders(state, rows)
        project_taken_out(facts, state, rows)
