"""Answers go out before the rows of the views are written: what is found meanwhile, and when that goes wrong."""

import asyncio

import pytest

from tests.app.desk_room import Room, story
from tests.app.shard import ACCOUNT, START, a_quote, an_order, run
from tradehall.app.outcome import ShardUnavailable
from tradehall.domain.order import OrderStatus
from tradehall.engine.commands import CancelAllOrders
from tradehall.engine.state import ENDED_KEPT
from tradehall.ports.views import OrderQuery


def is_caught_up(room):
    return room.store.view_store.seq == room.store.journal.head.seq == room.desk.state.seq


def fill_at_limit(room):
    room.quotes["BTCUSD"] = a_quote(bid="48000", ask="48010", at=START + 1)
    room.desk.on_quote(room.quotes["BTCUSD"])


async def a_room_whose_rows_were_refused(*wishes):
    """The wishes were answered, their rows found a full disk, and the shard is open again: nothing is written yet."""
    room = await Room().open()
    room.store.journal.refuse_rows = 1
    answers = [await room.submit(wish) for wish in wishes]
    await room.is_open_again()
    return room, answers


@story
async def test_rows_are_written_at_once_where_nothing_waits_and_else_with_the_records_of_the_next_batch(room):
    await room.submit(an_order(limit="49000"))
    room.store.journal.rows_alone = 0
    await room.submit(an_order())
    assert room.store.journal.rows_alone == 1 and is_caught_up(room)

    room.store.journal.meanwhile = lambda: fill_at_limit(room)
    outcome = await room.submit(an_order())
    assert room.store.journal.rows_alone == 1
    assert room.desk.views.order(outcome.order.order_id) is None
    reader = asyncio.ensure_future(room.desk.settled())
    await room.commit()
    await reader
    assert room.store.journal.rows_alone == 2 and is_caught_up(room)
    assert room.desk.views.order(outcome.order.order_id) == outcome.order


@story
async def test_records_without_rows_leave_nothing_to_write(room):
    room.store.journal.rows_alone = 0
    await room.submit(an_order(limit="49000"))
    assert room.store.journal.rows_alone == 0 and is_caught_up(room)
    await room.desk.settled()


@story
async def test_who_reads_no_views_waits_for_records_only(room):
    await room.submit(an_order(limit="49000"))
    room.store.journal.meanwhile = lambda: fill_at_limit(room)
    answer = room.begin(an_order())
    await asyncio.sleep(0)
    durable, settled = (asyncio.ensure_future(each()) for each in (room.desk.durable, room.desk.settled))
    await asyncio.sleep(0)
    await room.commit()
    assert (await answer).order.status is OrderStatus.FILLED
    assert durable.done() and not settled.done()
    await room.commit()
    assert settled.done()


@story
async def test_listeners_of_rows_hear_them_once_they_are_written(room):
    heard: list[tuple[int, int]] = []
    room.desk.writer.hear_rows(lambda seq, rows: heard.extend((seq, row.order_id) for row in rows.orders))
    room.store.journal.refuse_rows = 1
    order = (await room.submit(an_order())).order
    seq = room.desk.state.seq
    assert heard == []
    await room.is_open_again()
    await room.commit()
    assert heard == [(seq, order.order_id)]


def test_what_was_answered_stands_when_its_rows_are_refused_and_they_are_written_when_the_disk_has_room():
    async def told():
        room = await Room().open()
        room.store.journal.refuse_rows, room.store.journal.refuse = 2, 0
        answered = (await room.submit(an_order(client_id="a"))).order
        assert answered.status is OrderStatus.FILLED
        with pytest.raises(ShardUnavailable):
            await room.desk.submit(an_order())
        with pytest.raises(ShardUnavailable):
            await room.desk.settled()
        for _ in range(2):  # The second time they are refused again.
            await room.is_open_again()
            assert not is_caught_up(room)
            await room.commit()
        assert is_caught_up(room)
        await room.desk.settled()
        assert await room.desk.views.orders(OrderQuery(ACCOUNT)) == [answered]

    run(told())


def test_rows_that_were_refused_go_with_the_next_records():
    async def told():
        room, [answer] = await a_room_whose_rows_were_refused(an_order())
        room.store.journal.rows_alone = 0
        await room.submit(an_order(limit="49000"))
        assert room.store.journal.rows_alone == 0 and is_caught_up(room)
        assert room.desk.views.order(answer.order.order_id) == answer.order

    run(told())


def test_records_that_are_refused_with_rows_before_them_take_nothing_with_them():
    async def told():
        room, [answer] = await a_room_whose_rows_were_refused(an_order(client_id="kept"))
        room.store.journal.refuse = 1
        lost = room.begin(an_order(client_id="lost"))
        await asyncio.sleep(0)
        await room.commit()
        with pytest.raises(ShardUnavailable):
            await lost
        await room.is_open_again()
        assert room.desk.ended_order(ACCOUNT, "lost") is None
        assert room.desk.ended_order(ACCOUNT, "kept") == answer.order
        await room.commit()
        assert is_caught_up(room)
        assert await room.desk.views.orders(OrderQuery(ACCOUNT)) == [answer.order]

    run(told())


def test_an_order_that_the_state_has_forgotten_is_found_before_its_row_is_written():
    async def told():
        room = await Room().open()
        resting = [room.begin(an_order("0.01", limit="49000", client_id=f"{n}")) for n in range(ENDED_KEPT + 5)]
        await asyncio.sleep(0)
        await room.commit()
        first = (await resting[0]).order
        room.store.journal.refuse_rows = 1
        await room.submit(CancelAllOrders(ACCOUNT))
        await room.is_open_again()
        assert room.desk.state.order(first.order_id) is None
        assert room.desk.views.order(first.order_id) is None
        assert room.desk.order(first.order_id).status is OrderStatus.CANCELLED
        repeat = room.begin(an_order("0.01", limit="49000", client_id="0"))
        await asyncio.sleep(0)
        await room.commit()
        assert (await repeat).is_repeat and (await repeat).order.order_id == first.order_id
        assert is_caught_up(room)
        assert room.desk.views.order(first.order_id) == room.desk.order(first.order_id)

    run(told())


def test_a_crash_between_records_and_rows_is_made_up_for_at_the_next_start():
    async def told():
        ended: list[BaseException] = []
        room = await Room(on_unknown=ended.append).open()
        before = room.store.view_store.seq
        room.store.journal.unknown_rows = True
        answer = room.begin(an_order(client_id="a"))
        await asyncio.sleep(0)
        with pytest.raises(OSError, match="nobody knows"):
            room.desk.writer.commit_next()
        assert len(ended) == 1 and room.store.view_store.seq == before
        order = (await answer).order
        later = Room(room.store)
        later.desk.attach(asyncio.get_running_loop())
        assert is_caught_up(later)
        assert later.desk.views.order(order.order_id) == order
        assert (await later.submit(an_order(client_id="a"))).is_repeat

    run(told())
