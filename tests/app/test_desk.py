"""The desk: a wish goes in, a durable outcome comes out; what could not be kept has never happened."""

import asyncio
from decimal import Decimal
from typing import cast

import pytest
from msgspec.structs import replace

from tests.app.faults import FaultyStore
from tests.app.shard import ACCOUNT, START, OwnClock, a_desk, a_quote, an_order, open_house, run, until
from tradehall.adapters.memory import MemoryStore
from tradehall.app import writer
from tradehall.app.desk import FAULTS_MAX
from tradehall.app.outcome import Outcome, ShardUnavailable
from tradehall.app.recovery import recover
from tradehall.domain.account import AccountTerms
from tradehall.domain.order import OrderStatus, TimeInForce
from tradehall.domain.rejection import RejectCode
from tradehall.domain.time import NS_PER_SECOND
from tradehall.engine import events as ev
from tradehall.engine.commands import CancelAllOrders, CancelOrder, CheckMargin, ClosePosition, OpenAccount
from tradehall.engine.state import ENDED_KEPT
from tradehall.ports.views import OrderQuery
from tradehall.venue.loop import TradingLoop


class Room:
    """A started desk whose batches the test commits: nothing is durable before `commit`."""

    def __init__(self, store=None, **options):
        self.store = store or FaultyStore(MemoryStore())
        self.clock = OwnClock()
        self.quotes = {"BTCUSD": a_quote()}
        self.desk = a_desk(self.store, clock=self.clock, quotes=self.quotes, **options)
        self.desk.probe_interval_s = 0.001

    async def open(self):
        self.desk.attach(asyncio.get_running_loop())
        house = asyncio.ensure_future(open_house(self.desk))
        while not house.done():
            await self.commit()
        return self

    async def commit(self):
        self.desk.writer.commit_next()
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    async def submit(self, command):
        task = self.begin(command)
        await asyncio.sleep(0)
        await self.commit()
        return await task

    def begin(self, command):
        return asyncio.ensure_future(self.desk.submit(command))

    async def is_open_again(self):
        await until(lambda: self.desk.closed_because is None)


def story(test):
    """A test that runs in a loop and gets an open Room."""

    def told():
        async def in_loop():
            await test(await Room().open())

        run(in_loop())

    told.__name__ = test.__name__
    told.__doc__ = test.__doc__
    return told


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


# Repeats.


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


def order_of(room, order):
    return room.desk.state.order(order.order_id)


async def end_many(room, count):
    flood = [room.begin(an_order("1000")) for _ in range(count)]
    await asyncio.sleep(0)
    await room.commit()
    await asyncio.gather(*flood)


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
    heard = []

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
    await until(lambda: not order_of(room, order).is_working)
    await room.commit()
    assert room.store.views.order(order.order_id).status is OrderStatus.EXPIRED


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
