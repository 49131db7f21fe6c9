"""While orders keep coming the scribe writes, one batch at a time, and whatever happens to it nothing is lost."""

import asyncio
import select
import socket
from contextlib import closing
from decimal import Decimal
from unittest.mock import patch

import pytest

from tests.app.faults import FaultyStore
from tests.app.shard import ACCOUNT, a_desk, an_order, open_house, run, until
from tradehall.adapters.memory import MemoryStore
from tradehall.app.batch import Batch
from tradehall.app.dictation import HIRE_AFTER, Dictation
from tradehall.app.outcome import ShardUnavailable
from tradehall.domain.account import AccountTerms
from tradehall.engine.commands import OpenAccount
from tradehall.ports.journal import JournalRefused, ScribeGone

RESTING = an_order(limit="1")


class Scribe:
    """One that writes when the test says so. `faults`: what its next writes end in; `is_gone`: it has ended."""

    def __init__(self, journal):
        self.journal = journal
        self.given = []  # How many records each time; 0: rows alone.
        self.faults = []
        self.is_gone = self.is_slow = self.is_done = self.is_dismissed = False
        self._task = None
        self._ours, self._theirs = socket.socketpair()

    def hire(self):
        self._theirs.send(b"!")

    def fileno(self):
        return self._ours.fileno()

    def greet(self):
        self._ours.recv(1)
        if self.is_gone:
            raise ScribeGone("it has ended")

    def begin(self, payloads, rows, rows_until):
        assert self._task is None, "one at a time"
        self._task = payloads, rows, rows_until
        self.given.append(len(payloads))
        if not self.is_slow:
            self.work()

    def work(self):
        """What it has in hand is done."""
        self.is_done = True
        self._theirs.send(b"!")

    def has_finished(self):
        return self.is_done

    def is_readable(self):
        return bool(select.select([self._ours], [], [], 0)[0])

    def finish(self):
        if not self.is_slow:
            self._ours.recv(1)
        task, self._task = self._task, None
        self.is_done = False
        if self.faults:
            raise self.faults.pop(0)
        assert task is not None
        self.journal.append(*task) if task[0] else self.journal.write_rows(task[1])

    def dismiss(self):
        assert self._task is None
        self.is_dismissed = True

    def close(self):
        self._ours.close()
        self._theirs.close()


async def hired(desk, scribe):
    desk.writer.employ(scribe)
    for _ in range(HIRE_AFTER):
        desk.writer._dictation.note(is_alone=False)
    await until(lambda: desk.writer._dictation.is_here)


async def opened():
    """A desk whose scribe has come, the scribe, and what was unknown; nothing is under way."""
    unknown: list[BaseException] = []
    store = FaultyStore(MemoryStore())
    desk = a_desk(store, on_unknown=unknown.append)
    await desk.start()
    await open_house(desk)
    scribe = Scribe(store.journal)
    await hired(desk, scribe)
    await desk.settled()
    scribe.given.clear()
    return desk, scribe, unknown


def story(test):
    """A test that gets a desk whose scribe has come, and the scribe; nothing is under way."""

    def told():
        async def in_loop():
            desk, scribe, unknown = await opened()
            await test(desk, scribe, unknown)
            await desk.stop()
            assert scribe.is_dismissed
            assert desk.writer.in_flight == 0
            scribe.close()

        run(in_loop())

    told.__name__ = test.__name__
    return told


def views_seq(scribe):
    return scribe.journal._journal._views.seq


def dense(desk):
    """Have what comes next come right behind something else."""
    desk.writer._ours_from = float("inf")


@story
async def test_orders_that_keep_coming_are_dictated_and_rows_after_them(desk, scribe, unknown):
    dense(desk)
    outcome = await desk.submit(an_order("0.01"))
    await desk.settled()
    assert desk.views.order(outcome.order.order_id) is not None
    assert scribe.given == [2, 0]  # The order and its fill; rows.
    assert desk.writer.durable_seq == scribe.journal.head.seq == desk.state.seq


@story
async def test_what_comes_while_it_writes_is_the_next_batch(desk, scribe, unknown):
    dense(desk)
    scribe.is_slow = True
    orders = [asyncio.ensure_future(desk.submit(RESTING)) for _ in range(3)]
    await until(lambda: scribe.given)
    orders += [asyncio.ensure_future(desk.submit(RESTING)) for _ in range(5)]
    await asyncio.sleep(0.02)
    assert scribe.given == [3]
    assert not any(order.done() for order in orders)
    scribe.is_slow = False
    scribe.work()
    await asyncio.gather(*orders)
    assert scribe.given == [3, 5]


@story
@patch("tradehall.app.writer.ALONE_AFTER_S", 60)
@patch("tradehall.app.writer.ROWS_WAIT_S", 0.2)
async def test_rows_of_several_batches_are_written_in_one_go(desk, scribe, unknown):
    dense(desk)
    before = scribe.journal.head.seq
    orders = [(await desk.submit(an_order("0.01"))).order for _ in range(3)]
    await desk.submit(RESTING)
    assert scribe.given == [2, 2, 2, 1]
    assert views_seq(scribe) == before  # What a start would find: all rows up to there.
    assert all(desk.order(order.order_id) == order for order in orders)
    await until(lambda: len(scribe.given) > 4)
    await until(lambda: desk.writer.when_written() is None)
    assert scribe.given == [2, 2, 2, 1, 0]
    assert views_seq(scribe) == scribe.journal.head.seq
    assert all(desk.views.order(order.order_id) == order for order in orders)


@story
@patch("tradehall.app.writer.ALONE_AFTER_S", 60)
@patch("tradehall.app.writer.ROWS_WAIT_S", 60)
async def test_rows_that_somebody_asks_for_go_with_the_records_that_came_meanwhile(desk, scribe, unknown):
    dense(desk)
    first = (await desk.submit(an_order("0.01"))).order
    scribe.is_slow = True
    second = asyncio.ensure_future(desk.submit(RESTING))
    await until(lambda: len(scribe.given) == 2)
    reader = asyncio.ensure_future(desk.settled(ACCOUNT))
    third = asyncio.ensure_future(desk.submit(an_order("0.01")))
    await asyncio.sleep(0)
    scribe.is_slow = False
    scribe.work()
    await asyncio.gather(second, third, reader)
    assert scribe.given[:3] == [2, 1, 2]  # The reader came first, and waited for the third: its rows are there too.
    assert scribe.given[3:] == [0]
    assert desk.views.order(first.order_id) == first


@story
@patch("tradehall.app.writer.ALONE_AFTER_S", 60)
@patch("tradehall.app.writer.ROWS_WAIT_S", 60)
async def test_who_reads_one_account_waits_for_nobody_else(desk, scribe, unknown):
    other = AccountTerms(account_id=ACCOUNT + 1)
    await desk.submit(OpenAccount(other, Decimal(1_000)))
    await desk.settled()
    scribe.given.clear()
    dense(desk)
    scribe.is_slow = True
    order = asyncio.ensure_future(desk.submit(an_order("0.01")))
    await until(lambda: scribe.given)
    mine, all_that_is = (asyncio.ensure_future(desk.durable(account)) for account in (ACCOUNT, None))
    await asyncio.wait_for(desk.durable(other.account_id), 1)
    await asyncio.wait_for(desk.settled(other.account_id), 1)
    assert not mine.done() and not all_that_is.done()
    scribe.is_slow = False
    scribe.work()
    await asyncio.gather(order, mine, all_that_is)
    assert desk.writer.when_durable(ACCOUNT) is None
    assert desk.writer.when_written(other.account_id) is None
    reader = desk.writer.when_written(ACCOUNT)
    assert reader is not None  # Its rows are not written yet.
    await reader
    assert desk.writer.when_written(ACCOUNT) is None


@story
async def test_what_is_written_is_told_before_anything_else_is_begun(desk, scribe, unknown):
    dense(desk)
    scribe.is_slow = True
    order = asyncio.ensure_future(desk.submit(RESTING))
    await until(lambda: scribe.given)
    durable = desk.writer.when_durable()
    scribe.is_slow = False
    scribe.work()
    desk.writer._dictation._hear()
    assert durable.done()
    await order


@story
async def test_who_looks_hears_at_once_and_the_loop_nothing_twice(desk, scribe, unknown):
    dense(desk)
    scribe.is_slow = True
    first = asyncio.ensure_future(desk.submit(RESTING))
    await until(lambda: scribe.given == [1])
    desk.writer.look()
    assert desk.writer.in_flight == 1, "nothing is written yet"
    second = asyncio.ensure_future(desk.submit(RESTING))
    await asyncio.sleep(0)
    scribe.work()
    desk.writer.look()
    assert desk.writer.in_flight == 1
    assert scribe.given == [1], "more may come until the loop comes round"
    await asyncio.sleep(0)
    assert scribe.given == [1, 1]
    scribe.is_readable = lambda: False  # The look has heard what made the loop call.
    desk.writer._dictation._hear()
    assert desk.writer.in_flight == 1
    del scribe.is_readable
    scribe.work()
    await asyncio.gather(first, second)
    assert not unknown


@story
async def test_whoever_looks_while_it_is_told_does_not_go_ahead_of_others(desk, scribe, unknown):
    dense(desk)
    scribe.is_slow = True
    answered = []

    async def ask(name):
        await desk.submit(RESTING)
        answered.append(name)

    def hear(seq):
        scribe.is_done = True  # The next, already.
        desk.writer.look()
        answered.append(seq)

    desk.writer.hear_durable(hear)
    first = asyncio.ensure_future(ask("first"))
    await until(lambda: scribe.given == [1])
    second = asyncio.ensure_future(ask("second"))
    await asyncio.sleep(0)
    begun = desk.writer.durable_seq
    scribe.work()
    desk.writer.look()
    scribe.work()
    await asyncio.gather(first, second)
    assert answered[0] == begun + 1
    assert [each for each in answered if isinstance(each, str)] == ["first", "second"]
    assert answered.index("second") > answered.index(begun + 2)


@story
async def test_what_would_be_told_out_of_order_ends_the_process(desk, scribe, unknown):
    late = Batch()
    late.follows_seq = desk.writer.durable_seq + 1
    with pytest.raises(RuntimeError, match="is told of after"):
        desk.writer._settle(late, [])
    assert [type(each) for each in unknown] == [RuntimeError]


@story
async def test_a_refusal_closes_the_shard_until_there_is_room(desk, scribe, unknown):
    dense(desk)
    desk.probe_interval_s = 0.01
    seq = scribe.journal.head.seq
    scribe.faults = [JournalRefused("the disk is full")]
    with pytest.raises(ShardUnavailable, match="disk is full"):
        await desk.submit(RESTING)
    await until(lambda: desk.closed_because is None)
    assert desk.state.seq == scribe.journal.head.seq == seq
    await desk.submit(RESTING)
    assert scribe.given == [1, 1] and unknown == []


@story
async def test_rows_that_are_refused_are_written_when_there_is_room(desk, scribe, unknown):
    dense(desk)
    desk.probe_interval_s = 0.01
    scribe.is_slow = True
    order = asyncio.ensure_future(desk.submit(an_order("0.01")))
    await until(lambda: scribe.given)
    scribe.is_slow = False
    scribe.work()
    outcome = await order
    scribe.faults = [JournalRefused("the disk is full")]
    scribe.journal.refuse = 5  # Nor can a probe be written.
    await until(lambda: scribe.journal.refuse < 4)
    desk.writer._rouse()
    assert scribe.given == [2, 0]
    assert views_seq(scribe) == scribe.journal.head.seq - 2  # As a start would find it.
    await until(lambda: len(scribe.given) == 3)
    await until(lambda: desk.closed_because is None)
    await desk.settled()
    assert desk.views.order(outcome.order.order_id) is not None
    assert scribe.given == [2, 0, 0] and scribe.faults == []


def test_what_became_of_a_batch_is_unknown_when_it_ended_meanwhile():
    async def told():
        desk, scribe, unknown = await opened()
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: None)
        dense(desk)
        scribe.faults = [fault := ScribeGone("it has ended")]
        waiting = asyncio.ensure_future(desk.submit(RESTING))
        await until(lambda: unknown)
        assert unknown == [fault]
        assert not waiting.done()  # Nobody is told anything: the process ends.
        waiting.cancel()
        scribe.close()
        desk.writer._rouse()

    run(told())


@story
async def test_a_listener_that_breaks_does_not_keep_the_next_batch_from_its_way(desk, scribe, unknown):
    broken = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: broken.append(context["exception"]))

    def hear(seq):
        if not broken:
            raise ArithmeticError(seq)

    desk.writer.hear_durable(hear)
    dense(desk)
    await desk.submit(RESTING)
    await until(lambda: broken)
    await desk.submit(RESTING)
    assert [type(each) for each in broken] == [ArithmeticError]
    assert scribe.given == [1, 1]


@story
async def test_a_listener_of_rows_that_breaks_keeps_no_reader(desk, scribe, unknown):
    broken = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: broken.append(context["exception"]))

    def hear(seq, rows):
        if not broken:
            raise ArithmeticError(seq)

    desk.writer.hear_rows(hear)
    dense(desk)
    await desk.submit(an_order("0.01"))
    await asyncio.wait_for(desk.settled(), 5)
    assert [type(each) for each in broken] == [ArithmeticError]


@story
async def test_one_that_ends_while_nothing_is_under_way_is_replaced_by_the_thread(desk, scribe, unknown):
    scribe.is_gone = True
    scribe.work()
    await until(lambda: not desk.writer._dictation.is_here)
    dense(desk)
    await desk.submit(RESTING)
    assert scribe.given == [] and scribe.is_dismissed


@story
async def test_one_that_ends_between_an_order_and_its_batch_is_replaced_as_well(desk, scribe, unknown):
    dense(desk)
    order = asyncio.ensure_future(desk.submit(RESTING))
    await asyncio.sleep(0)
    desk.writer._dictation._forget()
    await order
    assert scribe.given == []


@story
async def test_what_is_under_way_at_a_stop_and_what_waits_behind_it_are_durable(desk, scribe, unknown):
    dense(desk)
    scribe.is_slow = True
    first = asyncio.ensure_future(desk.submit(an_order("0.01")))
    await until(lambda: scribe.given)
    second = asyncio.ensure_future(desk.submit(an_order("0.01")))
    await asyncio.sleep(0)
    desk.writer.stop()
    assert scribe.journal.head.seq == desk.state.seq
    await asyncio.gather(first, second)
    assert scribe.given == [2]  # The thread wrote the rest.


@story
async def test_what_the_loop_was_about_to_dictate_is_durable_after_a_stop(desk, scribe, unknown):
    dense(desk)
    order = asyncio.ensure_future(desk.submit(RESTING))
    await asyncio.sleep(0)
    desk.writer.stop()
    assert scribe.journal.head.seq == desk.state.seq
    await order
    assert scribe.given == []


@story
async def test_the_thread_passes_on_what_keeps_coming(desk, scribe, unknown):
    dictation, desk.writer._dictation = desk.writer._dictation, None
    dense(desk)
    entered: list[int] = []
    others: list[asyncio.Future] = []

    def meanwhile():
        entered.append(1)
        while not others:
            pass

    scribe.journal.meanwhile = meanwhile
    first = asyncio.ensure_future(desk.submit(RESTING))
    await until(lambda: entered)
    others.append(asyncio.ensure_future(desk.submit(RESTING)))
    desk.writer._dictation = dictation  # Which has come by now.
    await asyncio.gather(first, *others)
    assert scribe.given == [1]


def test_who_is_alone_now_and_then_hires_nobody(monkeypatch):
    scribe = Scribe(None)
    hired = []
    monkeypatch.setattr(scribe, "hire", lambda: hired.append(1))
    with closing(asyncio.new_event_loop()) as loop, closing(scribe):
        dictation = Dictation(scribe, loop)
        for number in range(10_000):
            dictation.note(is_alone=number % 4 == 0)
        assert hired == []
        for number in range(10_000):
            dictation.note(is_alone=number % 5 == 0)
        assert hired == [1]
        dictation.end()


def test_no_process_no_scribe(monkeypatch, caplog):
    def refuse():
        raise OSError("no more processes")

    scribe = Scribe(None)
    monkeypatch.setattr(scribe, "hire", refuse)
    with closing(asyncio.new_event_loop()) as loop, closing(scribe):
        dictation = Dictation(scribe, loop)
        for _ in range(2 * HIRE_AFTER):
            dictation.note(is_alone=False)
        dictation.end()
        assert not dictation.is_here
    assert caplog.text.count("no more processes") == 1
