"""The life of an order: accepted, amended, cancelled, expired, repeated, forgotten; and previewed."""

from decimal import Decimal

import pytest

from tests.builders import LOGIN, World, a_limit, an_account, an_instrument, an_order
from tradehall.domain.order import OrderStatus, TimeInForce
from tradehall.domain.rejection import RejectCode as Code
from tradehall.domain.time import NS_PER_HOUR, NS_PER_SECOND, from_rfc3339, to_rfc3339
from tradehall.engine import commands as cmd
from tradehall.engine import events as ev
from tradehall.engine.context import Context
from tradehall.engine.preview import Preview, preview
from tradehall.engine.replay import encode_snapshot
from tradehall.engine.state import ENDED_KEPT, EXPIRIES_SPARE

TYPES = [
    # what            the order
    ("market",        {}),
    ("limit",         {"type": "LIMIT", "limit_price": "1.09"}),
    ("stop",          {"type": "STOP", "stop_price": "1.12"}),
    ("stop-limit",    {"type": "STOP_LIMIT", "stop_price": "1.12", "limit_price": "1.13"}),
    ("trailing",      {"type": "TRAILING_STOP", "trailing_distance": "0.01", "trailing_type": "ABSOLUTE"}),
    ("trailing, %",   {"type": "TRAILING_STOP", "trailing_distance": "99.9", "trailing_type": "PERCENT"}),
    ("hidden",        {"type": "LIMIT", "limit_price": "1.09", "hidden": True}),
    ("iceberg",       {"type": "LIMIT", "limit_price": "1.09", "display_quantity": "1"}),
    ("post-only",     {"type": "LIMIT", "limit_price": "1.09", "post_only": True}),
]  # fmt: skip
TIFS = ["GTC", "DAY", "IOC", "FOK", "GTD"]


@pytest.mark.parametrize("tif", TIFS)
@pytest.mark.parametrize(("what", "order"), TYPES, ids=[row[0] for row in TYPES])
def test_every_type_goes_with_every_time_in_force(what, order, tif):
    world = World()
    expiry = {"expires_at": world.now + NS_PER_HOUR} if tif == "GTD" else {}
    rejection = world.ask(an_order(time_in_force=tif, **order, **expiry))
    contradicts = "post_only" in order and tif in ("IOC", "FOK")
    assert (rejection is not None) == contradicts
    if not contradicts:
        (accepted,) = world.told(ev.OrderAccepted)
        assert accepted.terms.type == order.get("type", "MARKET")
        assert (accepted.terms.expires_at is not None) == (tif in ("DAY", "GTD"))


def test_an_accepted_order_has_the_next_number_and_works():
    world = World()
    first, second = world.place(), world.place()
    assert (first.order_id, second.order_id) == (7_300_001, 7_300_002)
    assert (first.status, first.created_at) == (OrderStatus.OPEN, world.now - NS_PER_SECOND)


# Expiry.

NEW_YORK = tuple((day * 1440 + 870, day * 1440 + 1260) for day in range(5))


@pytest.mark.parametrize(("sessions", "placed", "expires"), [
    ((),        "2025-01-14T10:00:00Z", "2025-01-14T22:00:00Z"),
    ((),        "2025-01-14T22:30:00Z", "2025-01-15T22:00:00Z"),
    (NEW_YORK,  "2025-01-14T15:00:00Z", "2025-01-14T21:00:00Z"),
    (NEW_YORK,  "2025-01-17T21:30:00Z", "2025-01-20T21:00:00Z"),
])  # fmt: skip
def test_a_day_order_expires_at_the_end_of_its_session(sessions, placed, expires):
    world = World(an_instrument(sessions=sessions))
    world.wait_until(placed)
    order = world.place(a_limit("BUY", "10", "1.0", time_in_force="DAY"))
    deadline = world.engine.next_deadline()
    assert deadline is not None and to_rfc3339(deadline) == expires
    world.wait_until(deadline - 2 * NS_PER_SECOND)
    world.tick()
    assert order.is_working
    world.tick()
    assert [event.order_id for event in world.told(ev.OrderExpired)] == [order.order_id]
    assert (order.status, order.end_reason, world.account.margin_held) == (OrderStatus.EXPIRED, "expired", 0)
    assert world.engine.next_deadline() is None


def test_orders_expire_in_the_order_of_their_times():
    world = World()
    hours = [3, 1, 2]
    orders = [
        world.place(a_limit("BUY", "10", "1.0", time_in_force="GTD", expires_at=world.now + hour * NS_PER_HOUR))
        for hour in hours
    ]
    world.wait_until(world.now + 4 * NS_PER_HOUR)
    world.tick()
    assert [event.order_id for event in world.told(ev.OrderExpired)] == [orders[i].order_id for i in (1, 2, 0)]


def test_a_new_expiry_replaces_the_old_one_and_none_makes_it_gtc():
    world = World()
    order = world.place(a_limit("BUY", "10", "1.0", time_in_force="DAY"))
    later = from_rfc3339("2025-01-16T00:00:00Z")
    world.amend(order, expires_at=later)
    assert (order.terms.time_in_force, world.engine.next_deadline()) == (TimeInForce.GTD, later)
    assert world.told(ev.OrderAmended)[0].keeps_priority
    world.amend(order, clear_expiry=True)
    assert (order.terms.time_in_force, world.engine.next_deadline()) == (TimeInForce.GTC, None)


def test_orders_that_ended_before_their_time_do_not_pile_up():
    world = World()
    kept = world.place(a_limit("BUY", "1", "1.0", time_in_force="DAY"))
    for _ in range(3 * EXPIRIES_SPARE):
        world.cancel(world.place(a_limit("BUY", "1", "1.0", time_in_force="DAY")))
    assert len(world.state.expiries) <= EXPIRIES_SPARE + 2
    assert world.engine.next_deadline() == kept.terms.expires_at


# Amending.

PRIORITY = [
    # what changes           how                                            keeps its place
    ("nothing",              {},                                             True),
    ("less",                 {"quantity": "9"},                              True),
    ("more",                 {"quantity": "11"},                             False),
    ("another price",        {"limit_price": "1.08"},                        False),
    ("less at another",      {"quantity": "9", "limit_price": "1.08"},       False),
    ("exits",                {"stop_loss": "1.0", "take_profit": "1.2"},     True),
    ("less, and exits",      {"quantity": "9", "stop_loss": "1.0"},          True),
]  # fmt: skip


@pytest.mark.parametrize(("what", "change", "keeps"), PRIORITY, ids=[row[0] for row in PRIORITY])
def test_priority_is_kept_when_only_the_quantity_falls_or_exits_change(what, change, keeps):
    world = World()
    order = world.place(a_limit("BUY", "10", "1.09"))
    assert world.amend(order, **change) is None
    (amended,) = world.told(ev.OrderAmended)
    assert amended.keeps_priority is keeps
    assert amended.order_id == order.order_id


def test_another_trigger_or_distance_loses_priority():
    world = World()
    stop = world.place(type="STOP", stop_price="1.12")
    trail = world.place(type="TRAILING_STOP", trailing_distance="0.01", trailing_type="ABSOLUTE")
    for order, change in ((stop, {"stop_price": "1.13"}), (trail, {"trailing_distance": "0.02"})):
        world.amend(order, **change)
        assert not world.told(ev.OrderAmended)[0].keeps_priority


@pytest.mark.parametrize(("change", "held"), [
    ({"quantity": "20000"},                            "1090.00"),
    ({"quantity": "5000"},                             "272.50"),
    ({"limit_price": "1.0"},                           "500.00"),
    ({"quantity": "2000000", "limit_price": "0.5"},    "50000.00"),
])  # fmt: skip
def test_an_amended_order_holds_what_it_needs_now(change, held):
    world = World()
    order = world.place(a_limit("BUY", "10000", "1.09"))
    assert world.amend(order, **change) is None
    assert order.margin_held == world.account.margin_held == Decimal(held)


def test_what_an_order_holds_already_counts_for_its_amendment():
    world = World(deposit="1000")
    order = world.place(a_limit("BUY", "18000", "1.0"))
    assert world.amend(order, quantity="20000") is None
    assert world.amend(order, quantity="20001") is not None


def test_the_new_quantity_is_the_total():
    world = World()
    order = world.place(a_limit("BUY", "10", "1.0"))
    world.fill(order, "4")
    world.amend(order, quantity="6")
    assert order.remaining_quantity == 2
    world.fill(order)
    assert order.status is OrderStatus.FILLED


def test_a_triggered_stop_limit_may_still_get_another_limit_even_at_a_strict_door():
    world = World()
    order = world.place(type="STOP_LIMIT", stop_price="1.1002", limit_price="1.1003")
    world.quote("EURUSD", "1.10050")
    world.trigger(order)
    assert world.amend(order, limit_price="1.1006", is_strict=True) is None


# Cancelling.


def test_a_cancel_takes_the_order_out_and_a_repeat_changes_nothing():
    world = World()
    order = world.place(a_limit("BUY", "10", "1.0"))
    world.cancel(order)
    assert (order.status, order.end_reason) == (OrderStatus.CANCELLED, "requested")
    world.cancel(order)
    assert world.events == ()


def test_a_cancel_between_two_fills_keeps_what_filled():
    world = World()
    order = world.place(a_limit("BUY", "10", "1.0"))
    world.fill(order, "4")
    world.cancel(order)
    assert (order.status, order.filled_quantity, world.position.quantity) == (OrderStatus.CANCELLED, 4, 4)


def test_cancel_all_takes_all_or_those_of_a_symbol():
    world = World()
    orders = [world.place(a_limit("BUY", "10", "1.0", symbol=symbol)) for symbol in ("EURUSD", "AAPL", "EURUSD")]
    world.do(cmd.CancelAllOrders(LOGIN, "EURUSD"))
    assert [event.order_id for event in world.told(ev.OrderCancelled)] == [orders[0].order_id, orders[2].order_id]
    world.do(cmd.CancelAllOrders(LOGIN))
    assert world.orders == []
    world.do(cmd.CancelAllOrders(LOGIN))
    assert world.events == ()


@pytest.mark.parametrize("command", [cmd.CancelOrder, cmd.AmendOrder])
def test_nobody_touches_anothers_order(command):
    world = World()
    order = world.place(a_limit("BUY", "10", "1.0"))
    world.open(an_account(7))
    world.do(command(7, order.order_id))
    assert world.rejection is not None and world.rejection.code is Code.ORDER_UNKNOWN
    assert order.is_working


# The same again.


def state_of(world: World) -> bytes:
    return encode_snapshot(world.state.snapshot())


def keyed(price: str = "1.0") -> cmd.PlaceOrder:
    return cmd.PlaceOrder(a_limit("BUY", "10", price, client_order_id="mine"), digest=f"of {price}")


@pytest.mark.parametrize("fate", ["works", "filled", "cancelled", "rejected"])
def test_a_repeated_client_order_id_changes_nothing_at_all(fate):
    world = World(deposit="100" if fate != "rejected" else "0.01")
    world.do(keyed())
    order = world.state.order_by_client_id(world.account, "mine")
    assert order is not None
    if fate == "filled":
        world.fill(order)
    elif fate == "cancelled":
        world.cancel(order)
    before = state_of(world)
    assert world.do(keyed()) == ()
    assert state_of(world) == before


def test_another_wish_under_a_used_id_is_refused_and_names_the_order():
    world = World()
    world.do(keyed())
    world.do(keyed("1.05"))
    (refused,) = world.told(ev.RequestRefused)
    assert (refused.rejection.code, refused.order_id) == (Code.IDEMPOTENCY_MISMATCH, 7_300_001)
    assert len(world.orders) == 1


def test_the_same_id_on_another_account_is_another_order():
    world = World()
    world.do(keyed())
    world.open(an_account(7))
    assert world.ask(a_limit("BUY", "10", "1.0", account_id=7, client_order_id="mine"), digest="x") is None
    assert len(world.state.orders) == 2


def test_an_order_that_left_the_memory_is_found_in_what_the_store_says():
    world = World()
    prior = cmd.PriorOrder(4711, OrderStatus.FILLED, "of 1.0")
    terms = a_limit("BUY", "10", "1.0", client_order_id="mine")
    assert world.do(cmd.PlaceOrder(terms, "of 1.0", prior)) == ()
    world.do(cmd.PlaceOrder(terms, "of 2.0", prior))
    assert world.told(ev.RequestRefused)[0].order_id == 4711


def test_only_the_last_ended_orders_are_remembered_and_their_ids_go_with_them():
    world = World()
    names = [f"n{i}" for i in range(ENDED_KEPT + 10)]
    for name in names:
        world.cancel(world.place(a_limit("BUY", "1", "1.0", client_order_id=name)))
    assert len(world.state.ended) == ENDED_KEPT
    assert list(world.account.client_ids) == names[10:]
    assert world.ask(a_limit("BUY", "1", "1.0", client_order_id="n0")) is None, "forgotten: the store would know"


# Preview.


def look(world: World, **wish: str) -> Preview:
    before = state_of(world)
    seen = preview(world.state, cmd.PlaceOrder(an_order(**wish)), Context(world.now, world.quotes))
    assert state_of(world) == before
    return seen


def test_a_preview_is_what_then_happens():
    world = World()
    seen = look(world, quantity="10000")
    assert (seen.rejection, seen.fill_price, seen.fills_now) == (None, Decimal("1.10010"), True)
    order = world.place(quantity="10000")
    assert order.margin_held == seen.margin_required
    world.fill(order)
    assert world.account.margin_used == seen.margin_used_after


def test_a_preview_tells_the_same_refusal():
    world = World()
    for wish in ({"quantity": "2000000"}, {"type": "LIMIT"}, {"symbol": "XYZ"}, {"quantity": "0"}, {"account_id": 5}):
        seen = look(world, **wish)
        assert seen.rejection == world.ask(an_order(**wish)), wish


def test_a_preview_knows_what_naming_a_position_means():
    netting = World()
    assert look(netting, position_id=4711).margin_required > 0  # type: ignore[arg-type]
    hedging = World(account=an_account(position_mode="HEDGING"))
    ticket = hedging.deal()
    seen = look(hedging, side="SELL", position_id=ticket.order_id)  # type: ignore[arg-type]
    assert (seen.rejection, seen.margin_required) == (None, 0)


@pytest.mark.parametrize(("wish", "price", "now"), [
    ({},                                             "1.10010", True),
    ({"side": "SELL"},                               "1.10000", True),
    ({"type": "LIMIT", "limit_price": "1.09"},       "1.09",    False),
    ({"type": "LIMIT", "limit_price": "1.2"},        "1.10010", True),
    ({"type": "STOP", "stop_price": "1.2"},          "1.2",     False),
])  # fmt: skip
def test_a_preview_expects_a_fill(wish, price, now):
    seen = look(World(), **wish)
    assert (seen.fill_price, seen.fills_now) == (Decimal(price), now)
