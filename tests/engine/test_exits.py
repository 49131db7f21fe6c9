"""Stop loss and take profit: placed by fills, numbered, trimmed, moved, dropped."""

from decimal import Decimal

import pytest

from tests.builders import World, a_limit, an_account, an_instrument, an_order
from tradehall.domain.order import OrderRole, OrderStatus, OrderType, Side
from tradehall.engine import commands as cmd
from tradehall.engine import events as ev

SL, TP = OrderRole.STOP_LOSS, OrderRole.TAKE_PROFIT
BRACKET = {"stop_loss": "1.09", "take_profit": "1.12", "client_order_id": "mine"}


def legs(world: World) -> list[tuple[str, str | None, Decimal]]:
    """(role, client id, what remains) of the working legs, oldest first."""
    return [(o.role.value, o.terms.client_order_id, o.remaining_quantity) for o in world.orders if o.role in (SL, TP)]


def test_a_filled_entry_places_both_legs_behind_its_position():
    world = World()
    entry = world.deal(**BRACKET)
    stop, target = world.leg(SL), world.leg(TP)
    assert (stop.terms.type, stop.terms.side, stop.terms.stop_price) == (OrderType.STOP, Side.SELL, Decimal("1.09"))
    assert (target.terms.type, target.terms.limit_price) == (OrderType.LIMIT, Decimal("1.12"))
    for leg in (stop, target):
        assert leg.terms.quantity == 10000
        assert leg.terms.reduce_only
        assert leg.terms.position_id == world.position.position_id == entry.order_id
        assert leg.parent_order_id == entry.order_id
        assert leg.margin_held == 0
    assert (stop.sibling_order_id, target.sibling_order_id) == (target.order_id, stop.order_id)


def test_a_resting_entry_has_no_legs_until_it_fills_and_none_when_it_is_cancelled():
    world = World()
    entry = world.place(a_limit("BUY", "10", "1.09", stop_loss="1.08"))
    assert legs(world) == []
    world.cancel(entry)
    assert world.orders == []


def test_each_partial_fill_is_covered_under_a_numbered_client_id():
    world = World()
    entry = world.place(a_limit("BUY", "10", "1.1", **BRACKET))
    for part in ("3", "5", "2"):
        world.fill(entry, part)
    assert legs(world) == [
        ("STOP_LOSS", "mine-sl",   3), ("TAKE_PROFIT", "mine-tp",   3),
        ("STOP_LOSS", "mine-sl-1", 5), ("TAKE_PROFIT", "mine-tp-1", 5),
        ("STOP_LOSS", "mine-sl-2", 2), ("TAKE_PROFIT", "mine-tp-2", 2),
    ]  # fmt: skip


def test_an_entry_without_an_id_of_its_own_seeds_with_its_number():
    world = World()
    entry = world.deal(stop_loss="1.09")
    assert legs(world) == [("STOP_LOSS", f"ord_{entry.order_id}-sl", 10000)]


def test_a_client_id_that_the_caller_has_used_is_not_taken_for_a_leg():
    world = World()
    own = world.place(a_limit("BUY", "1", "1.0", client_order_id="mine-sl"))
    world.deal(**BRACKET)
    assert world.state.order_by_client_id(world.account, "mine-sl") is world.order(own)
    assert world.leg(SL).terms.client_order_id is None


def test_fills_too_small_for_a_leg_are_covered_with_the_next():
    world = World(an_instrument(exit_quantity_min="2"))
    entry = world.place(a_limit("BUY", "10", "1.1", stop_loss="1.09", client_order_id="e"))
    world.fill(entry, "1")
    assert legs(world) == []
    world.fill(entry, "1.5")
    world.fill(entry, "7.5")
    assert legs(world) == [("STOP_LOSS", "e-sl-1", Decimal("2.5")), ("STOP_LOSS", "e-sl-2", Decimal("7.5"))]


@pytest.mark.parametrize("role", [SL, TP])
def test_a_full_fill_of_one_leg_takes_the_other_out(role):
    world = World()
    world.deal(**BRACKET)
    world.fill(world.leg(role), at="1.1")
    assert world.kinds == ["OrderFilled", "PositionClosed", "BalanceChanged", "OrderCancelled"]
    assert world.told(ev.OrderCancelled)[0].reason == "the other exit filled"
    assert world.told(ev.PositionClosed)[0].reason == {"STOP_LOSS": "sl", "TAKE_PROFIT": "tp"}[role]
    assert not world.account.orders and not world.account.positions


def test_a_partial_fill_of_one_leg_leaves_both_and_shrinks_the_other():
    world = World()
    world.deal(**BRACKET)
    world.fill(world.leg(TP), "4000")
    assert legs(world) == [("STOP_LOSS", "mine-sl", 6000), ("TAKE_PROFIT", "mine-tp", 6000)]
    assert world.leg(TP).status is OrderStatus.PARTIALLY_FILLED
    assert world.told(ev.OrderAmended)[0].keeps_priority


def test_a_partial_close_trims_the_newest_legs_first():
    world = World()
    entry = world.place(a_limit("BUY", "10", "1.1", stop_loss="1.09", client_order_id="e"))
    for part in ("3", "5", "2"):
        world.fill(entry, part)
    world.fill(world.close(world.position, quantity="6"))
    assert legs(world) == [("STOP_LOSS", "e-sl", 3), ("STOP_LOSS", "e-sl-1", 1)]


def test_a_close_that_makes_flat_drops_all_legs():
    world = World()
    world.deal(**BRACKET)
    world.fill(world.close(world.position))
    assert world.orders == []
    assert [event.reason for event in world.told(ev.OrderCancelled)] == ["position closed"] * 2


def test_a_close_may_leave_the_legs_be():
    world = World()
    world.deal(**BRACKET)
    world.fill(world.close(world.position, cancel_exits=False))
    assert len(legs(world)) == 2
    assert not world.account.positions


def test_an_opposite_order_that_makes_flat_drops_them_as_well():
    world = World()
    world.deal(**BRACKET)
    world.deal(side="SELL")
    assert world.orders == [] and not world.account.positions


def test_a_flip_drops_the_old_legs_and_places_new_ones_for_what_it_opened():
    world = World()
    world.deal(**BRACKET)
    world.deal(side="SELL", quantity="15000", stop_loss="1.15", client_order_id="flip")
    assert legs(world) == [("STOP_LOSS", "flip-sl", 5000)]
    assert world.leg(SL).terms.side is Side.BUY


# Moving them with the entry.


def test_exits_of_a_working_entry_are_those_its_fills_will_place():
    world = World()
    entry = world.place(a_limit("BUY", "10", "1.1", **BRACKET))
    world.amend(entry, stop_loss="1.05", clear_take_profit=True)
    world.fill(entry)
    assert [(o.role, o.terms.stop_price) for o in world.orders] == [(SL, Decimal("1.05"))]


def test_exits_of_a_filled_entry_move_its_legs():
    world = World()
    entry = world.deal(**BRACKET)
    assert world.amend(entry, stop_loss="1.095", take_profit="1.12") is None
    assert world.kinds == ["OrderAmended", "OrderAmended"], "the entry, and the leg whose price is another"
    assert world.leg(SL).terms.stop_price == Decimal("1.095")
    assert world.order(entry).terms.stop_loss == Decimal("1.095")


def test_clearing_an_exit_of_a_filled_entry_takes_its_leg_out():
    world = World()
    entry = world.deal(**BRACKET)
    world.amend(entry, clear_stop_loss=True)
    assert [o.role for o in world.orders] == [TP]


def test_a_leg_moved_by_itself_stays_where_it_is_when_the_entry_changes_otherwise():
    world = World()
    entry = world.place(a_limit("BUY", "10", "1.1", **BRACKET))
    world.fill(entry, "4")
    world.amend(world.leg(SL), stop_price="1.095")
    world.amend(entry, quantity="8")
    assert world.leg(SL).terms.stop_price == Decimal("1.095")


# Exits of a position.


def test_exits_of_a_position_are_made_moved_and_removed():
    world = World()
    world.deal()
    assert world.set_exits(world.position, stop_loss="1.09", take_profit="1.12") is None
    stop, target = world.leg(SL), world.leg(TP)
    assert target.sibling_order_id == stop.order_id
    assert stop.parent_order_id == target.parent_order_id == world.position.position_id
    world.set_exits(world.position, stop_loss="1.095")
    assert world.kinds == ["OrderAmended"]
    assert world.leg(SL).terms.stop_price == Decimal("1.095")
    world.set_exits(world.position, clear_stop_loss=True)
    assert [o.role for o in world.orders] == [TP]


def test_the_same_exits_again_change_nothing():
    world = World()
    world.deal(**BRACKET)
    world.set_exits(world.position, stop_loss="1.09", take_profit="1.12")
    assert world.events == ()


@pytest.mark.parametrize(("first", "second"), [(SL, TP), (TP, SL)])
def test_exits_made_one_after_the_other_still_take_each_other_out(first, second):
    world = World()
    world.deal()
    name = {SL: {"stop_loss": "1.09"}, TP: {"take_profit": "1.12"}}
    world.set_exits(world.position, **name[first])
    world.set_exits(world.position, **name[second])
    world.deal(quantity="5000")  # The position grows, so that a leg alone does not close it.
    world.fill(world.leg(first), at="1.1")
    assert world.position.quantity == 5000
    assert world.orders == []


@pytest.mark.parametrize("status", ["DISABLED", "READ_ONLY"])
def test_an_account_that_may_not_write_moves_no_exits(status):
    world = World()
    entry = world.deal(**BRACKET)
    world.do(cmd.UpdateAccount(world.account.terms.account_id, an_account(status=status).status))
    assert world.set_exits(world.position, stop_loss="1.08") is not None
    assert world.amend(entry, stop_loss="1.08") is not None
    assert world.leg(SL).terms.stop_price == Decimal("1.09")


def test_in_a_hedging_account_each_entry_keeps_its_own_legs():
    world = World(account=an_account(position_mode="HEDGING"))
    first = world.deal(quantity="10", stop_loss="1.09", client_order_id="a")
    second = world.deal(quantity="20", stop_loss="1.08", client_order_id="b")
    one, two = world.account.positions.values()
    assert (one.position_id, two.position_id) == (first.order_id, second.order_id)
    world.fill(world.close(one))
    assert legs(world) == [("STOP_LOSS", "b-sl", 20)]


def test_a_reducing_order_places_no_legs():
    world = World()
    world.deal()
    world.fill(world.place(an_order(side="SELL", quantity="4000", stop_loss="1.2")))
    assert world.orders == []


def test_legs_lose_their_place_when_they_move_and_keep_it_when_they_shrink():
    world = World()
    world.deal(**BRACKET)
    world.set_exits(world.position, take_profit="1.13")
    assert not world.told(ev.OrderAmended)[0].keeps_priority
    world.fill(world.close(world.position, quantity="1"))
    assert all(event.keeps_priority for event in world.told(ev.OrderAmended))
