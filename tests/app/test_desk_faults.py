"""What could not be kept has never happened: a journal that refuses, decisions that break off, restarts."""

import asyncio
from decimal import Decimal
from typing import cast

import pytest

from tests.app.desk_room import Room, story
from tests.app.shard import ACCOUNT, START, a_quote, an_order, open_house, run, until
from tradehall.app.desk import FAULTS_MAX
from tradehall.app.outcome import ShardUnavailable
from tradehall.app.recovery import recover
from tradehall.domain.account import AccountTerms
from tradehall.domain.order import OrderStatus
from tradehall.engine.commands import OpenAccount
from tradehall.ports.views import OrderQuery
from tradehall.venue.loop import TradingLoop

# The journal refuses.


@story
async def test_what_could_not_be_written_never_happened_and_the_shard_opens_again_by_itself(room):
    kept = (await room.submit(an_order(client_id="kept"))).order
    balance = room.desk.state.accounts[ACCOUNT].balance
    room.store.journal.refuse = 2  # The batch, and the first probe.
    lost, also_lost = room.begin(an_order(client_id="lost")), room.begin(OpenAccount(AccountTerms(1), Decimal(1)))
    await asyncio.sleep(0)
    await room.commit()
    for each in (lost, also_lost):
        with pytest.raises(ShardUnavailable, match="disk is full"):
            await each
    with pytest.raises(ShardUnavailable, match="disk is full"):
        await room.desk.submit(an_order())
    await room.is_open_again()
    assert room.desk.state.accounts[ACCOUNT].balance == balance
    assert list(room.desk.state.accounts) == [ACCOUNT]
    again = await room.submit(an_order(client_id="lost"))
    assert not again.is_repeat and again.order.order_id == kept.order_id + 1
    assert (await room.submit(an_order(client_id="kept"))).is_repeat


@story
async def test_readers_are_told_when_what_they_read_was_lost(room):
    room.store.journal.refuse = 1
    lost = room.begin(an_order())
    await asyncio.sleep(0)
    reader = asyncio.ensure_future(room.desk.settled())
    await room.commit()
    with pytest.raises(ShardUnavailable):
        await reader
    with pytest.raises(ShardUnavailable):
        await lost
    await room.is_open_again()
    await room.desk.settled()


@story
async def test_what_was_decided_before_the_refusal_was_known_is_lost_with_it(room):
    room.store.journal.refuse = 1
    first = room.begin(an_order(client_id="1"))
    await asyncio.sleep(0)
    room.desk.writer.commit_next()  # Refused, and the loop has not heard of it yet.
    second = room.begin(an_order(client_id="2"))
    for each in (first, second):
        with pytest.raises(ShardUnavailable):
            await each
    await room.is_open_again()
    assert room.desk.state.seq == room.store.journal.head.seq


@story
async def test_a_listener_never_hears_of_what_was_lost(room):
    heard: list[int] = []

    class Listener:
        hears = None

        def capture(self, record):
            return record.seq

        release = heard.append

    room.desk.listen(Listener())
    room.store.journal.refuse = 1
    lost = room.begin(an_order())
    await asyncio.sleep(0)
    await room.commit()
    with pytest.raises(ShardUnavailable):
        await lost
    await room.is_open_again()
    await room.submit(an_order())
    assert heard == [room.desk.state.seq - 1, room.desk.state.seq]


@story
async def test_resting_orders_hear_of_quotes_that_came_while_the_shard_was_closed(room):
    resting = (await room.submit(an_order(limit="49000"))).order
    room.store.journal.refuse = 1
    lost = room.begin(an_order())
    await asyncio.sleep(0)
    await room.commit()
    with pytest.raises(ShardUnavailable):
        await lost
    room.quotes["BTCUSD"] = a_quote(bid="48000", ask="48010", at=START + 1)
    room.desk.on_quote(room.quotes["BTCUSD"])
    await room.is_open_again()
    await room.commit()
    assert room.store.views.order(resting.order_id).status is OrderStatus.FILLED


def test_an_unknown_outcome_ends_the_process():
    async def told():
        ended: list[BaseException] = []
        room = await Room(on_unknown=ended.append).open()
        room.store.journal.unknown_before = True
        answer = room.begin(an_order())
        await asyncio.sleep(0)
        with pytest.raises(OSError, match="sync failed"):
            room.desk.writer.commit_next()
        assert [type(error) for error in ended] == [OSError]
        assert not answer.done()
        answer.cancel()

    run(told())


# Decisions that break off.


class Broken:
    """A trading loop that breaks off when it is told to, after it has changed the state."""

    def __init__(self, loop, faults):
        self._loop, self._faults = loop, faults

    def submit(self, command, now):
        record = self._loop.submit(command, now)
        if self._faults:
            raise self._faults.pop()
        return record

    def __getattr__(self, name):
        return getattr(self._loop, name)


async def broken_room(faults):
    room = Room()
    make_loop = room.desk._make_loop
    room.desk._make_loop = lambda state, on_record: cast(TradingLoop, Broken(make_loop(state, on_record), faults))
    room.desk._install(room.desk.state)
    return await room.open()


def test_a_decision_that_breaks_off_leaves_nothing_and_the_shard_goes_on():
    async def told():
        faults: list[Exception] = []
        room = await broken_room(faults)
        durable = room.desk.state.seq
        faults.append(AssertionError("our own bug"))
        with pytest.raises(ShardUnavailable, match="our own bug"):
            await room.desk.submit(an_order(client_id="a"))
        await room.is_open_again()
        assert room.desk.state.seq == durable == room.store.journal.head.seq
        assert not (await room.submit(an_order(client_id="a"))).is_repeat

    run(told())


def test_a_shard_that_keeps_breaking_stays_closed_and_can_be_read():
    async def told():
        faults: list[Exception] = []
        room = await broken_room(faults)
        for number in range(FAULTS_MAX):
            await room.is_open_again()
            faults.append(AssertionError(f"bug {number}"))
            with pytest.raises(ShardUnavailable):
                await room.desk.submit(an_order())
        await until(lambda: room.desk.state.seq == room.store.journal.head.seq)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(room.is_open_again(), 0.05)
        assert "bug 2" in room.desk.closed_because
        assert await room.desk.views.orders(OrderQuery(ACCOUNT)) == []

    run(told())


# Restarts.


def test_a_restart_finds_the_same_state_and_the_same_answers():
    async def told():
        room = await Room().open()
        first = await room.submit(an_order(client_id="a"))
        resting = await room.submit(an_order(limit="49000", client_id="b"))
        later = Room(room.store)
        later.desk.attach(asyncio.get_running_loop())
        assert later.desk.state.snapshot() == room.desk.state.snapshot()
        assert (await later.submit(an_order(client_id="a"))).order == first.order
        later.quotes["BTCUSD"] = a_quote(bid="48000", ask="48010")
        later.desk.on_quote(later.quotes["BTCUSD"])
        await later.commit()
        assert room.store.views.order(resting.order.order_id).status is OrderStatus.FILLED
        assert recover(room.store.journal, None).seq == later.desk.state.seq

    run(told())


def test_a_stopped_desk_has_kept_everything_and_takes_nothing_more():
    async def told():
        room = Room()
        await room.desk.start()
        await open_house(room.desk)
        last = asyncio.ensure_future(room.desk.submit(an_order(client_id="last")))
        await asyncio.sleep(0)
        await room.desk.stop()
        outcome = await last
        assert outcome.order is not None and outcome.order.status is OrderStatus.FILLED
        with pytest.raises(ShardUnavailable, match="shutting down"):
            await room.desk.submit(an_order())
        assert room.store.journal.head.seq == room.desk.state.seq

    run(told())
