"""Lists of tickets while others trade: each ticket once, live or ended."""

from typing import Any

import pytest

from tests.app.shard import ACCOUNT, OwnClock, a_desk, an_order, open_house, run
from tests.builders import World, a_limit
from tradehall.adapters.memory import MemoryStore
from tradehall.app.projections import project
from tradehall.app.tickets import list_tickets
from tradehall.engine.commands import CancelOrder
from tradehall.ports.tickets import TicketQuery, TicketState
from tradehall.ports.views import ViewRows


class SlowViews:
    """Views that take so long to read that something is cancelled meanwhile."""

    def __init__(self, views, desk, numbers):
        self._views = views
        self._desk = desk
        self._numbers = list(numbers)

    async def tickets(self, query):
        if self._numbers:
            await self._desk.submit(CancelOrder(ACCOUNT, self._numbers.pop()))
        return await self._views.tickets(query)

    async def ticket_totals(self, query):
        return await self._views.ticket_totals(query)

    def refresh(self):
        self._views.refresh()


@pytest.mark.parametrize("meanwhile", [0, 1, 2])
def test_what_ends_while_a_list_is_read_is_listed_once(meanwhile):
    async def steps():
        desk = a_desk(MemoryStore(), clock=OwnClock())
        await desk.start()
        await open_house(desk)
        placed = []
        for _ in range(12):
            outcome = await desk.submit(an_order(limit="100"))
            assert outcome.order is not None
            placed.append(outcome.order.order_id)
        true_views = desk.views
        for _ in range(3):
            slow: Any = SlowViews(true_views, desk, [placed[index] for index in range(meanwhile)])
            desk.views = slow
            tickets, totals = await list_tickets(desk, TicketQuery(ACCOUNT))
            desk.views = true_views
            numbers = [ticket.ticket for ticket in tickets if ticket.ticket in placed]
            assert sorted(numbers) == placed, "each once"
            assert totals.count == len(tickets)
        await desk.stop()

    run(steps())


def test_a_pending_order_that_its_venue_refuses_is_a_cancelled_ticket_that_says_why():
    world = World()
    order = world.place(a_limit("BUY", "10000", "1.09", comment="mine"))
    world.venue_rejects(order)
    rows = ViewRows()
    project(world.records[-1], world.state, rows)
    [(_, row)] = rows.tickets
    assert (row.ticket, row.state) == (order.order_id, TicketState.CANCELLED)
    assert row.comment.startswith("mine [ACTIVATION_CANCEL: ") and "not today" in row.comment


def test_an_order_that_was_refused_when_it_was_placed_is_no_ticket():
    world = World()
    world.place(a_limit("BUY", "1000000000", "1.09"))
    assert world.rejection is not None
    rows = ViewRows()
    project(world.records[-1], world.state, rows)
    assert rows.tickets == []


def test_what_an_orders_row_will_tell_no_longer_changes_with_the_order():
    world = World()
    order = world.place(a_limit("BUY", "1000000000", "1.09"))
    rows = ViewRows()
    project(world.records[-1], world.state, rows)
    [kept] = rows.orders
    assert kept == order and kept is not order
