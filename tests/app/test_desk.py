"""The desk: a wish goes in, a durable outcome comes out."""

import asyncio

import pytest
from msgspec.structs import replace

from tests.app.desk_room import story
from tests.app.shard import ACCOUNT, START, a_quote, an_order, until
from tradehall.app import writer
from tradehall.app.audience import NOTHING, Hearing
from tradehall.app.outcome import Outcome, ShardUnavailable
from tradehall.domain.order import OrderStatus, TimeInForce
from tradehall.domain.rejection import RejectCode
from tradehall.domain.time import NS_PER_SECOND
from tradehall.engine import events as ev
from tradehall.engine.commands import CancelOrder, CheckMargin, PlaceOrder

# Answers.


@story
async def test_an_order_is_answered_only_when_it_is_durable(room):
    answer = room.begin(an_order())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert not answer.done()
    await room.commit()
    outcome = await answer
    assert outcome.order.status is OrderStatus.FILLED
    assert room.store.views.order(outcome.order.order_id) == outcome.order


@story
async def test_the_answer_shows_the_order_as_it_stood_and_not_what_became_of_it_meanwhile(room):
    answer = room.begin(an_order(limit="49000"))
    await asyncio.sleep(0)
    room.quotes["BTCUSD"] = a_quote(bid="48000", ask="48010")
    room.desk.on_quote(room.quotes["BTCUSD"])
    await room.commit()
    outcome = await answer
    assert outcome.order.status is OrderStatus.OPEN
    assert room.desk.state.order(outcome.order.order_id).status is OrderStatus.FILLED


@story
async def test_a_wish_and_what_the_venue_answers_at_once_are_one_batch_and_one_outcome(room):
    head = room.store.journal.head.seq
    outcome = await room.submit(an_order())
    assert [type(event).__name__ for event in outcome.events][:2] == ["OrderAccepted", "OrderFilled"]
    assert room.store.journal.appended[-1] == room.store.journal.head.seq - head > 1


@story
async def test_a_refusal_by_the_rules_comes_with_its_order_and_its_reason(room):
    outcome = await room.submit(an_order("1000"))
    assert outcome.rejection.code is RejectCode.MARGIN_INSUFFICIENT
    assert outcome.order.status is OrderStatus.REJECTED


@story
async def test_a_refused_cancel_makes_no_order(room):
    outcome = await room.submit(CancelOrder(ACCOUNT, 1))
    assert (outcome.order, outcome.rejection.code) == (None, RejectCode.ORDER_UNKNOWN)


@story
async def test_a_cancel_answers_with_the_order_it_ended(room):
    resting = (await room.submit(an_order(limit="49000"))).order
    outcome = await room.submit(CancelOrder(ACCOUNT, resting.order_id))
    assert (outcome.order.order_id, outcome.order.status) == (resting.order_id, OrderStatus.CANCELLED)


@story
async def test_a_command_that_does_nothing_is_answered_and_leaves_no_record(room):
    head = room.desk.state.seq
    assert await room.submit(CheckMargin(ACCOUNT)) == Outcome()
    assert room.desk.state.seq == head


# Listeners and readers.


@story
async def test_listeners_see_the_state_at_once_and_may_tell_only_when_it_is_durable(room):
    heard = []

    class Listener:
        hears = None

        def capture(self, record):
            return record.seq, room.desk.state.seq

        def release(self, payload):
            heard.append((*payload, room.store.journal.head.seq))

    room.desk.listen(Listener())
    answer = room.begin(an_order())
    await asyncio.sleep(0)
    assert heard == []
    await room.commit()
    await answer
    head = room.store.journal.head.seq
    assert heard == [(head - 1, head - 1, head), (head, head, head)]


@story
async def test_a_listener_hears_of_decisions_with_the_events_that_it_names_and_of_no_others(room):
    heard: list[object] = []

    class Listener:
        hears = frozenset({ev.OrderCancelled, ev.OrderFilled})

        def capture(self, record):
            return tuple(type(event) for event in record.events)

        release = heard.append

    room.desk.listen(Listener())
    resting = (await room.submit(an_order(limit="49000"))).order
    await room.submit(CancelOrder(ACCOUNT, resting.order_id))
    assert heard == [(ev.OrderCancelled,)]


@story
async def test_a_listener_may_begin_and_cease_to_hear(room):
    heard: list[object] = []

    class Listener:
        hears = Hearing(NOTHING)

        def capture(self, record):
            return type(record.command)

        release = heard.append

    listener = Listener()
    room.desk.listen(listener)
    resting = (await room.submit(an_order(limit="49000"))).order
    listener.hears.change(None)
    await room.submit(an_order(limit="49000"))
    listener.hears.change(frozenset({ev.OrderCancelled}))
    await room.submit(an_order(limit="49000"))
    await room.submit(CancelOrder(ACCOUNT, resting.order_id))
    assert heard == [PlaceOrder, CancelOrder]


@story
async def test_settled_waits_for_what_was_read(room):
    answer = room.begin(an_order())
    await asyncio.sleep(0)
    settled = asyncio.ensure_future(room.desk.settled())
    await asyncio.sleep(0)
    assert not settled.done()
    await room.commit()
    await settled
    await answer
    await room.desk.settled()  # At once: nothing is on its way.


# Limits, time.


@story
async def test_beyond_the_limit_of_undurable_records_wishes_are_refused(room):
    waiting = []
    while room.desk.writer.in_flight < writer.IN_FLIGHT_MAX:
        waiting.append(room.begin(an_order("1000")))
        await asyncio.sleep(0)
    with pytest.raises(ShardUnavailable, match=str(writer.IN_FLIGHT_MAX)):
        await room.desk.submit(an_order("1000"))
    await room.commit()
    await asyncio.gather(*waiting)
    assert (await room.submit(an_order("1000"))).order is not None


@story
async def test_a_clock_that_goes_backwards_still_makes_increasing_instants(room):
    first = (await room.submit(an_order())).order
    room.clock.at = START - 3600 * NS_PER_SECOND
    second = (await room.submit(an_order())).order
    assert second.created_at > first.updated_at
    stamps = [entry.seq for entry in room.store.journal.entries()]
    assert stamps == list(range(1, len(stamps) + 1))


@story
async def test_an_order_expires_at_its_time_without_anybody_asking(room):
    soon = START + NS_PER_SECOND // 100
    wish = an_order(limit="49000")
    wish = replace(wish, terms=replace(wish.terms, time_in_force=TimeInForce.GTD, expires_at=soon))
    order = (await room.submit(wish)).order
    room.clock.at = soon
    await until(lambda: not room.desk.state.order(order.order_id).is_working)
    await room.commit()
    assert room.store.views.order(order.order_id).status is OrderStatus.EXPIRED
