"""A wish that is sent again: the first answer stands, also where the state forgot it."""

import asyncio
from decimal import Decimal

from msgspec.structs import replace

from tests.app.desk_room import story
from tests.app.shard import ACCOUNT, an_order
from tradehall.domain.order import OrderStatus
from tradehall.domain.rejection import RejectCode
from tradehall.engine.commands import CancelAllOrders, ClosePosition
from tradehall.engine.state import ENDED_KEPT


@story
async def test_a_repeat_finds_the_first_order_and_changes_nothing(room):
    first = await room.submit(an_order(client_id="a"))
    head = room.desk.state.seq
    again = await room.submit(an_order(client_id="a"))
    assert (again.is_repeat, again.order, again.events) == (True, first.order, ())
    assert room.desk.state.seq == head


@story
async def test_a_repeat_is_not_answered_before_the_first_is_durable(room):
    first, again = room.begin(an_order(client_id="a")), room.begin(an_order(client_id="a"))
    for _ in range(5):
        await asyncio.sleep(0)
    assert not first.done() and not again.done()
    await room.commit()
    assert (await again).order == (await first).order


@story
async def test_another_wish_under_a_used_id_is_refused(room):
    await room.submit(an_order(client_id="a"))
    other = await room.submit(an_order("0.2", client_id="a"))
    assert other.rejection.code is RejectCode.IDEMPOTENCY_MISMATCH


@story
async def test_a_repeated_close_closes_nothing_more_even_when_the_state_forgot_it(room):
    opened = await room.submit(an_order("0.3"))
    wish = ClosePosition(ACCOUNT, opened.order.order_id, Decimal("0.1"), client_order_id="c", digest="d1")
    first = await room.submit(wish)
    assert (first.order.status, first.order.terms.client_order_id) == (OrderStatus.FILLED, "c")
    again = await room.submit(wish)
    assert (again.is_repeat, again.order.order_id) == (True, first.order.order_id)
    await end_many(room, ENDED_KEPT)
    again = await room.submit(wish)
    assert (again.is_repeat, again.order.order_id) == (True, first.order.order_id)
    assert room.desk.state.accounts[ACCOUNT].positions[opened.order.order_id].quantity == Decimal("0.2")
    other = await room.submit(replace(wish, quantity=Decimal("0.2"), digest="d2"))
    assert other.rejection.code is RejectCode.IDEMPOTENCY_MISMATCH


@story
async def test_a_repeat_is_known_after_the_state_forgot_the_order(room):
    first = await room.submit(an_order(client_id="old"))
    await end_many(room, ENDED_KEPT)
    assert room.desk.state.order(first.order.order_id) is None
    again = await room.submit(an_order(client_id="old"))
    assert (again.is_repeat, again.order) == (True, first.order)
    other = await room.submit(an_order("0.2", client_id="old"))
    assert other.rejection.code is RejectCode.IDEMPOTENCY_MISMATCH


@story
async def test_a_repeat_is_known_when_the_state_forgot_the_order_and_the_disk_has_not_got_it_yet(room):
    first = room.begin(an_order("1000", client_id="old"))
    await asyncio.sleep(0)
    flood = [room.begin(an_order("1000")) for _ in range(ENDED_KEPT)]
    await asyncio.sleep(0)
    again = room.begin(an_order("1000", client_id="old"))
    await asyncio.sleep(0)
    await room.commit()
    assert (await again).is_repeat
    assert (await again).order.order_id == (await first).order.order_id
    await asyncio.gather(*flood)


@story
async def test_more_orders_may_end_in_one_decision_than_the_state_keeps(room):
    waiting = [room.begin(an_order("0.0001", limit="40000", client_id=f"r{n}")) for n in range(ENDED_KEPT + 50)]
    await asyncio.sleep(0)
    await room.commit()
    orders = [(await each).order for each in waiting]
    await room.submit(CancelAllOrders(ACCOUNT))
    assert {room.store.views.order(order.order_id).status for order in orders} == {OrderStatus.CANCELLED}
    assert (await room.submit(an_order("0.0001", limit="40000", client_id="r0"))).order.order_id == orders[0].order_id


async def end_many(room, count):
    flood = [room.begin(an_order("1000")) for _ in range(count)]
    await asyncio.sleep(0)
    await room.commit()
    await asyncio.gather(*flood)
