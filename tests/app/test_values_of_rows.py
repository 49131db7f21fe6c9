"""What is told of a trade, field by field: deals, tickets and closings are made by position, in the order of the fields."""

from decimal import Decimal

import pytest

from tests.builders import World, an_account, an_instrument, free
from tradehall.app.projections import project
from tradehall.app.tickets import open_ticket
from tradehall.domain.order import Order, OrderRole, Side
from tradehall.domain.position import PositionSide
from tradehall.engine.replay import fold
from tradehall.engine.state import State
from tradehall.ports.deals import Deal, DealEntry
from tradehall.ports.house_views import Closing
from tradehall.ports.tickets import Ticket, TicketKind, TicketState
from tradehall.ports.views import ViewRows


def _bought() -> tuple[World, Order]:
    """A world with an open position, and the order that opened it."""
    instrument = an_instrument(contract_size="100000", commission=free(per_unit="0.0001"))
    world = World(instrument, account=an_account(leverage="20"))
    entry = world.deal(
        quantity="10000", stop_loss="1.09", take_profit="1.12", client_order_id="mine", source="gateway",
        comment="why", magic=7,
    )  # fmt: skip
    return world, entry


@pytest.fixture
def trade():
    """A position that was opened, and closed by its stop loss; and what the rows of all that tell."""
    world, entry = _bought()
    position, stop = world.position, world.leg(OrderRole.STOP_LOSS)
    world.quote("EURUSD", "1.08990")
    world.trigger(stop, "1.0899")
    world.fill(stop)
    state, rows = State(), ViewRows()
    for record in world.records:
        fold(state, record)
        project(record, state, rows)
    return entry, position, world.order(stop), rows


def test_deals_of_a_trade_say_what_was_opened_and_closed(trade):
    entry, position, stop, rows = trade
    opening, closing = (fill for fill, _ in rows.fills)
    common = {
        "account_id": position.account_id,
        "ticket": position.position_id,
        "symbol": "EURUSD",
        "lots": Decimal("0.1"),
    }
    assert [deal for _, deal in rows.deals if deal.entry is not DealEntry.BALANCE] == [
        Deal(
            deal=opening.fill_id, entry=DealEntry.IN, at=opening.at, order_id=entry.order_id, side=Side.BUY,
            price=opening.price, commission=Decimal("-1.00"), role=OrderRole.ENTRY, source="gateway", comment="why", **common,
        ),
        Deal(
            deal=closing.fill_id, entry=DealEntry.OUT, at=closing.at, order_id=stop.order_id, side=Side.SELL,
            price=closing.price, profit=Decimal("-102.00"), commission=Decimal("-1.00"), role=OrderRole.STOP_LOSS, source=stop.terms.source,
            comment=stop.terms.comment, **common,
        ),
    ]  # fmt: skip


def test_the_ticket_of_a_closed_position_says_all_that_became_of_it(trade):
    _, position, stop, rows = trade
    opening, closing = (fill for fill, _ in rows.fills)
    [ticket] = [ticket for _, ticket in rows.tickets if ticket.state is not TicketState.FINANCE]
    assert ticket == Ticket(
        ticket=position.position_id, account_id=position.account_id, kind=TicketKind.BUY, state=TicketState.CLOSED,
        symbol="EURUSD", lots=Decimal("0.1"), digits=5, opened_at=position.opened_at, closed_at=closing.at,
        open_price=opening.price, close_price=closing.price, stop_loss=Decimal("1.09"), take_profit=Decimal("1.12"),
        profit=Decimal("-102.00"), commission=Decimal("-2.00"), comment="why", source="gateway", reason=ticket.reason, client_order_id="mine",
        magic=7, closed_by=stop.order_id,
    )  # fmt: skip
    assert ticket.reason


def test_a_closing_says_what_went_out_at_which_prices(trade):
    _, position, stop, rows = trade
    opening, closing = (fill for fill, _ in rows.fills)
    [(_, told, is_last)] = rows.closings
    assert is_last and told == Closing(
        position_id=position.position_id, account_id=position.account_id, symbol="EURUSD", side=PositionSide.LONG,
        quantity=Decimal(10_000), entry_price=opening.price, exit_price=closing.price, currency="USD",
        opened_at=position.opened_at, closed_at=closing.at, order_id=stop.order_id, realized_pnl=Decimal("-102.00"), fees=Decimal("2.00"),
        peak_quantity=Decimal(10_000),
    )  # fmt: skip


def test_the_ticket_of_an_open_position_says_how_it_stands():
    world, _ = _bought()
    position = world.position
    assert open_ticket(world.state, position, world.quotes.get) == Ticket(
        ticket=position.position_id, account_id=position.account_id, kind=TicketKind.BUY, state=TicketState.OPEN,
        symbol="EURUSD", lots=Decimal("0.1"), digits=5, opened_at=position.opened_at, open_price=Decimal("1.10010"),
        close_price=Decimal("1.10000"), stop_loss=Decimal("1.09"), take_profit=Decimal("1.12"),
        profit=Decimal("-1.00"), commission=Decimal("-1.00"), comment="why", source="gateway", magic=7,
        client_order_id="mine",
    )  # fmt: skip
