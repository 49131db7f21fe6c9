"""What fills do to positions: netting, hedging, flips, closes, reduce-only, and digits that stay."""

from decimal import Decimal

import pytest

from tests.builders import LOGIN, MINE, World, a_limit, an_account, an_instrument, an_order, free
from tradehall.domain.fill import Fill, VenueFilled
from tradehall.domain.ids import FIRST_FILL_ID
from tradehall.domain.order import MarginMode, Order, OrderRole, OrderStatus
from tradehall.domain.position import Position, PositionSide
from tradehall.engine import commands as cmd
from tradehall.engine import events as ev
from tradehall.engine.handlers.exits import EXIT_ROLES

LONG, SHORT = PositionSide.LONG, PositionSide.SHORT


def hedging() -> World:
    return World(account=an_account(position_mode="HEDGING"))


# A netting account has one position per symbol: fills (side, quantity, price), then what is open and what was booked.
NETTING = [
    # what                     fills                                                                       open          cost       booked
    ("opens",                  [("BUY", "10", "1.1")],                                                     (LONG, "10"),  "11",     "0"),
    ("adds, at its own price", [("BUY", "10", "1.1"), ("BUY", "10", "1.3")],                               (LONG, "20"),  "24",     "0"),
    ("reduces at average",     [("BUY", "10", "1.1"), ("BUY", "10", "1.3"), ("SELL", "5", "1.4")],         (LONG, "15"),  "18",     "1"),
    ("closes",                 [("SELL", "10", "1.1"), ("BUY", "10", "1.3")],                              None,          None,     "-2"),
    ("flips",                  [("BUY", "10", "1.1"), ("SELL", "15", "1.2")],                              (SHORT, "5"),  "6",      "1"),
    ("flips back",             [("BUY", "10", "1.1"), ("SELL", "15", "1.2"), ("BUY", "6", "1")],           (LONG, "1"),   "1",      "2"),
    ("reduces a short",        [("SELL", "10", "1.5"), ("BUY", "4", "1")],                                 (SHORT, "6"),  "9",      "2"),
]  # fmt: skip


@pytest.mark.parametrize(("what", "fills", "left", "cost", "booked"), NETTING, ids=[row[0] for row in NETTING])
def test_on_a_netting_account(what, fills, left, cost, booked):
    world = World()
    for side, quantity, price in fills:
        world.fill(world.place(side=side, quantity=quantity), at=price)
    assert world.account.balance == 100_000 + Decimal(booked)
    if left is None:
        assert not world.account.positions and not world.account.exposures
    else:
        assert (world.position.side, world.position.quantity) == (left[0], Decimal(left[1]))
        assert world.position.cost == Decimal(cost)


def test_a_flip_closes_the_old_position_and_opens_one_with_the_orders_number():
    world = World()
    world.deal(quantity="10")
    flip = world.deal(side="SELL", quantity="15")
    assert world.kinds[:3] == ["OrderFilled", "PositionClosed", "PositionOpened"]
    (fill,) = [event.fill for event in world.told(ev.OrderFilled)]
    assert (fill.closed_quantity, fill.position_id) == (10, flip.order_id)
    assert world.position.position_id == flip.order_id


def test_a_position_keeps_the_number_of_the_order_that_opened_it():
    world = World()
    first = world.deal(quantity="10")
    world.deal(quantity="5")
    assert world.position.position_id == first.order_id
    assert (world.position.quantity, world.position.peak_quantity) == (15, 15)
    world.fill(world.close(world.position, quantity="10"))
    assert (world.position.quantity, world.position.peak_quantity) == (5, 15)


def test_on_a_hedging_account_every_entry_is_a_ticket_of_its_own():
    world = hedging()
    orders = [world.deal(side=side, quantity="10") for side in ("BUY", "SELL", "BUY")]
    assert [(p.position_id, p.side) for p in world.account.positions.values()] == [
        (orders[0].order_id, LONG), (orders[1].order_id, SHORT), (orders[2].order_id, LONG)
    ]  # fmt: skip
    assert world.account.balance == 100_000


def test_partial_fills_of_one_entry_build_one_ticket():
    world = hedging()
    order = world.place(a_limit("BUY", "10", "1.1"))
    world.fill(order, "4", at="1.0")
    world.fill(order, "6", at="1.1")
    assert (world.position.quantity, world.position.average_entry_price) == (10, Decimal("1.06"))


def test_an_order_that_names_a_ticket_reduces_it_and_never_opens():
    world = hedging()
    ticket = world.deal(quantity="10")
    other = world.deal(quantity="10")
    order = world.place(side="SELL", quantity="15", position_id=ticket.order_id)
    assert order.terms.reduce_only
    assert world.fill(order, "11") and world.kinds == ["ReportUnmatched"]
    world.fill(order, "10")
    assert list(world.account.positions) == [other.order_id]


def test_naming_a_position_means_nothing_where_there_is_one_per_symbol():
    world = World()
    order = world.place(position_id=4711)
    assert (order.is_working, order.terms.position_id, order.terms.reduce_only) == (True, None, False)


def test_reduce_only_without_a_name_reduces_the_oldest_tickets_first():
    world = hedging()
    for side, mode in (
        ("BUY", "CROSS"),
        ("SELL", "CROSS"),
        ("BUY", "ISOLATED"),
        ("SELL", "ISOLATED"),
        ("BUY", "CROSS"),
    ):
        world.deal(side=side, quantity="10", margin_mode=mode)
    world.fill(world.place(side="SELL", quantity="15", reduce_only=True))
    assert [(p.side.value, p.quantity) for p in world.account.positions.values()] == [
        ("SHORT", 10), ("LONG", 5), ("SHORT", 10), ("LONG", 10),
    ]  # fmt: skip


def test_a_changed_position_keeps_its_place_among_the_oldest():
    world = hedging()
    tickets = [world.deal(quantity="10").order_id for _ in range(3)]
    world.fill(world.close(world.account.positions[tickets[0]], quantity="4"))
    assert list(world.account.positions) == tickets


def test_isolated_tickets_that_cancel_out_can_be_reduced_and_closed():
    world = hedging()
    long = world.deal(quantity="10", margin_mode="ISOLATED")
    world.deal(side="SELL", quantity="10", margin_mode="ISOLATED")
    cross = world.deal(quantity="1")
    world.fill(world.close(world.account.positions[cross.order_id]))
    assert world.place(side="SELL", quantity="5", reduce_only=True).is_working
    world.fill(world.close(world.account.positions[long.order_id]))
    world.fill(world.close(world.position))
    assert not world.account.exposures
    assert (world.account.margin_used, world.account.margin_isolated) == (0, 0)


@pytest.mark.parametrize("mode", ["NETTING", "HEDGING"])
def test_reduce_only_never_opens_or_flips_however_orders_interleave(mode):
    world = World(account=an_account(position_mode=mode))
    ticket = world.deal(quantity="10")
    resting = world.place(a_limit("SELL", "10", "1.2", reduce_only=True))
    world.fill(world.close(world.account.positions[ticket.order_id], quantity="7"))
    world.fill(resting, "4")
    assert world.kinds == ["ReportUnmatched"]
    world.fill(resting, "3")
    assert not world.account.positions
    world.fill(resting, "1")
    assert world.kinds == ["ReportUnmatched"]
    assert not world.account.positions


def test_reduce_only_holds_no_margin():
    world = World()
    world.deal(quantity="10")
    assert world.place(side="SELL", quantity="1000000000", reduce_only=True).margin_held == 0


# Closing.


def test_a_position_is_closed_at_market_by_a_reduce_only_order_bound_to_it():
    world = World()
    world.deal(quantity="10", comment="c")
    order = world.close(world.position, comment="bye")
    terms = order.terms
    assert (terms.side, terms.type, terms.quantity) == ("SELL", "MARKET", 10)
    assert (terms.reduce_only, terms.position_id, terms.comment) == (True, world.position.position_id, "bye")
    world.fill(order)
    assert world.told(ev.PositionClosed)[0].reason == "close"


def test_a_limit_close_rests_and_the_position_stays_until_it_fills():
    world = World()
    world.deal(quantity="10")
    order = world.close(world.position, quantity="4", limit_price="1.2")
    assert (order.terms.type, order.terms.limit_price, order.is_working) == ("LIMIT", Decimal("1.2"), True)
    assert world.position.quantity == 10
    world.fill(order)
    assert world.position.quantity == 6
    assert world.position.realized_pnl == Decimal("0.40")


def test_a_close_of_more_than_is_open_is_capped():
    world = World()
    world.deal(quantity="10")
    assert world.close(world.position, quantity="11").terms.quantity == 10


def test_a_close_for_nothing_is_refused():
    world = World()
    world.deal(quantity="10")
    assert world.close(world.position, quantity="0").status is OrderStatus.REJECTED


def test_all_positions_of_an_account_or_of_a_symbol_are_closed():
    world = World()
    world.deal(quantity="10")
    world.deal(symbol="AAPL", quantity="10")
    world.do(cmd.CloseAllPositions(LOGIN, "AAPL"))
    assert [event.terms.symbol for event in world.told(ev.OrderAccepted)] == ["AAPL"]
    world.do(cmd.CloseAllPositions(LOGIN))
    assert [event.terms.symbol for event in world.told(ev.OrderAccepted)] == ["EURUSD", "AAPL"]


def test_a_closed_position_tells_what_it_cost_and_brought():
    world = World()
    world.deal(quantity="10000", comment="c", magic=7, client_order_id="mine")
    world.quote("EURUSD", "1.11000")
    world.fill(world.close(world.position, quantity="4000"))
    world.fill(world.close(world.position))
    (closed,) = world.told(ev.PositionClosed)
    assert (closed.position.realized_pnl, closed.exit_price) == (Decimal("99.00"), Decimal("1.11000"))
    assert (closed.position.comment, closed.position.magic, closed.position.client_order_id) == ("c", 7, "mine")


# Digits.


def test_quantities_of_28_digits_stay_exact():
    quantity = "0.1996685273892423266073065454"
    world = World()
    world.fill(world.place(symbol="BTCUSDT", quantity=quantity), at="50001.0000000000000000000001")
    assert world.position.quantity == Decimal(quantity)
    assert world.position.cost == Decimal(quantity) * Decimal("50001.0000000000000000000001")
    part = "0.0996685273892423266073065453"
    world.fill(world.close(world.position, quantity=part))
    assert world.position.quantity == Decimal("0.1000000000000000000000000001")
    world.fill(world.close(world.position))
    assert not world.account.positions


def test_unrealised_profit_is_exact_and_realised_profit_is_booked_to_the_cent():
    world = World()
    world.fill(world.place(quantity="0.333"), at="1.1")
    world.quote("EURUSD", "1.10001")
    assert world.value.unrealized_pnl == Decimal("0.00000333")
    world.quote("EURUSD", "1.21500")
    world.fill(world.close(world.position))
    assert [entry.amount for entry in world.ledger()] == [100_000, Decimal("0.04")]  # 0.038295


def test_what_is_added_has_the_margin_mode_of_the_position():
    world = World()
    world.deal(quantity="10", margin_mode="ISOLATED")
    assert world.place(quantity="10", margin_mode="ISOLATED").is_working
    assert world.ask(an_order(quantity="10")) is not None
    assert world.ask(an_order(side="SELL", quantity="10")) is None, "what reduces need not have it"
    assert world.position.margin_mode is MarginMode.ISOLATED


def test_what_a_fill_makes_says_each_thing_under_its_own_name():
    world = World(an_instrument(commission=free(per_unit="0.01")), account=an_account(position_mode="HEDGING"))
    world.strategy()
    order = world.place(
        quantity="10", client_order_id="mine", leverage="7", strategy_id=MINE, comment="why", magic=5,
        source="a door", symbol_asked="eur/usd",
    )  # fmt: skip
    placed_at = world.now
    said = VenueFilled(
        order_id=order.order_id, venue_fill_id="v1", quantity=Decimal(10), price=Decimal("1.2"), is_maker=True,
        bid=Decimal("1.1"), ask=Decimal("1.3"), quote_age_ns=17,
    )  # fmt: skip
    world.do(cmd.ReportExecution(said))
    (fill,) = (event.fill for event in world.told(ev.OrderFilled))
    assert fill == Fill(
        fill_id=FIRST_FILL_ID, order_id=order.order_id, account_id=LOGIN, symbol="EURUSD", side=order.terms.side,
        quantity=Decimal(10), price=Decimal("1.2"), at=world.now, commission=Decimal("0.10"), commission_currency="USD",
        is_maker=True, position_id=order.order_id, bid=Decimal("1.1"), ask=Decimal("1.3"), quote_age_ns=17,
        venue_fill_id="v1", strategy_id=MINE, symbol_asked="eur/usd",
    )  # fmt: skip
    assert world.position == Position(
        position_id=order.order_id, account_id=LOGIN, symbol="EURUSD", side=LONG, quantity=Decimal(10), cost=Decimal(12),
        margin=Decimal("1.72"), opened_at=world.now, updated_at=world.now, commission=Decimal("0.10"),
        leverage=Decimal(7), margin_mode=MarginMode.CROSS, peak_quantity=Decimal(10), strategy_id=MINE,
        client_order_id="mine", comment="why", magic=5, source="a door", symbol_asked="eur/usd",
    )  # fmt: skip
    assert world.order(order) == Order(
        order_id=order.order_id, terms=order.terms, status=OrderStatus.FILLED, created_at=placed_at, updated_at=world.now,
        filled_quantity=Decimal(10), filled_value=Decimal(12), position_id=order.order_id, fill_count=1,
        digest=order.digest, venue_fill_ids=("v1",),
    )  # fmt: skip


def test_an_exit_says_whose_it_is_under_its_own_name():
    world = World()
    entry = world.deal(quantity="10", stop_loss="1", take_profit="1.3")
    stop, target = (world.leg(role) for role in EXIT_ROLES)
    assert stop == Order(
        order_id=stop.order_id, terms=stop.terms, status=OrderStatus.OPEN, created_at=world.now, updated_at=world.now,
        role=OrderRole.STOP_LOSS, parent_order_id=entry.order_id, sibling_order_id=target.order_id,
        position_id=entry.order_id,
    )  # fmt: skip
