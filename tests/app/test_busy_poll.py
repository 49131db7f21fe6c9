"""While lone orders come fast the loop does not sleep, and soon after the last one it does."""

import asyncio
import threading
import time
from types import SimpleNamespace
from typing import Any

import pytest

from tests.app.faults import FaultyStore
from tests.app.shard import a_desk, an_order, open_house, run, until
from tradehall.adapters.memory import MemoryStore
from tradehall.app import dictation, writer
from tradehall.app.busy_poll import AGAIN_WITHIN_S, OTHERS_AT_WORK_NS, PAUSE_S, BusyPoll, time_of_others
from tradehall.config.settings import Config
from tradehall.wiring import house as wiring
from tradehall.wiring.house import House

SOON = AGAIN_WITHIN_S / 2


class Loop:
    """A loop whose clock the test moves; it sleeps if nothing is due at once."""

    def __init__(self):
        self.now = 100.0
        self.due = []
        self.later = []

    def time(self):
        return self.now

    def call_soon(self, call):
        self.due.append(call)

    def call_later(self, delay_s, call):
        self.later.append((delay_s, call))

    def sleeps(self):
        """Whether it would, after one round."""
        due, self.due = self.due, []
        assert len(due) <= 1, "one chain of calls is enough"
        for call in due:
            call()
        return not self.due


def nobody_else():
    return 0


@pytest.fixture
def loop():
    return Loop()


def test_a_first_order_keeps_nobody_awake(loop):
    BusyPoll(loop, nobody_else).note(is_alone=True)
    assert loop.sleeps()


def test_the_second_one_does_until_none_has_come_for_a_while(loop):
    poll = BusyPoll(loop, nobody_else)
    poll.note(is_alone=True)
    for _ in range(3):
        loop.now += SOON
        poll.note(is_alone=True)
        assert not loop.sleeps()
    loop.now += AGAIN_WITHIN_S
    assert loop.sleeps()
    poll.note(is_alone=True)  # The first of its kind again.
    assert loop.sleeps()
    loop.now += SOON
    poll.note(is_alone=True)
    assert not loop.sleeps()


def test_who_comes_later_than_that_never_does(loop):
    poll = BusyPoll(loop, nobody_else)
    for _ in range(5):
        poll.note(is_alone=True)
        assert loop.sleeps()
        loop.now += AGAIN_WITHIN_S


def test_who_trades_in_pairs_is_kept_awake_for(loop):
    poll = BusyPoll(loop, nobody_else)
    for first in (True, False, False, False):
        poll.note(is_alone=True)
        poll.note(is_alone=False)
        assert loop.sleeps() == first
        loop.now += SOON


def test_two_in_a_row_that_are_not_alone_end_it(loop):
    poll = BusyPoll(loop, nobody_else)
    poll.note(is_alone=True)
    poll.note(is_alone=True)
    poll.note(is_alone=False)
    assert not loop.sleeps()
    poll.note(is_alone=False)
    assert loop.sleeps()
    poll.note(is_alone=True)
    assert loop.sleeps()
    poll.note(is_alone=True)
    assert not loop.sleeps()


def test_while_other_threads_work_it_sleeps_a_little(loop):
    others_ns = 1_000_000
    poll = BusyPoll(loop, lambda: others_ns)
    poll.note(is_alone=True)
    poll.note(is_alone=True)
    others_ns += OTHERS_AT_WORK_NS - 1  # Somebody was woken.
    assert not loop.sleeps()
    others_ns += 1
    assert loop.sleeps()
    poll.note(is_alone=True)
    assert loop.sleeps(), "it goes on by itself"
    [(delay_s, go_on)] = loop.later
    assert delay_s == PAUSE_S
    go_on()
    assert not loop.sleeps()
    loop.now += AGAIN_WITHIN_S
    assert loop.sleeps()


def test_what_other_threads_work_is_told_from_what_this_one_does():
    def work():
        end = time.thread_time() + 0.02
        while time.thread_time() < end:
            pass

    before = time_of_others()
    work()
    assert time_of_others() - before < 10_000_000
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert time_of_others() - before >= 19_000_000


def test_it_is_told_of_each_batch_and_whether_that_was_alone(monkeypatch):
    told = []
    monkeypatch.setattr(BusyPoll, "note", lambda _, is_alone: told.append(is_alone))

    async def story():
        desk = a_desk(MemoryStore())
        await desk.start()
        await open_house(desk)
        await desk.settled()
        desk.writer.poll_busily()
        for since in (0.0, float("inf"), 0.0):
            await until(lambda: desk.writer._is_idle)
            desk.writer._durable_at = since
            await desk.submit(an_order(limit="1"))
            await desk.settled()
        await desk.stop()

    run(story())
    assert told == [True, False, True]


def test_what_comes_while_others_are_written_is_not_alone_however_slow_the_disk_is(monkeypatch):
    told = []
    monkeypatch.setattr(BusyPoll, "note", lambda _, is_alone: told.append(is_alone))

    async def story():
        store = FaultyStore(MemoryStore())
        desk = a_desk(store)
        await desk.start()
        await open_house(desk)
        await desk.settled()
        desk.writer.poll_busily()
        for _ in range(3):
            await until(lambda: desk.writer._is_idle)
            desk.writer._durable_at, desk.writer._ours_from = 0.0, float("inf")  # Alone, and a thread writes.
            disk = threading.Event()
            store.journal.meanwhile = disk.wait
            first = asyncio.ensure_future(desk.submit(an_order(limit="1")))
            await asyncio.sleep(2 * writer.ALONE_AFTER_S)
            second = asyncio.ensure_future(desk.submit(an_order(limit="1")))
            await asyncio.sleep(0)
            disk.set()
            await asyncio.gather(first, second)
            await desk.settled()
        await desk.stop()

    run(story())
    assert told == [True, False] * 3


def test_lone_orders_hire_no_scribe(monkeypatch):
    monkeypatch.setattr(dictation, "HIRE_AFTER", 10)
    monkeypatch.setattr(writer, "PAUSE_AFTER_WRITE", 1_000_000)
    hired = []

    def hire():
        hired.append(True)
        raise OSError("not wanted")

    scribe: Any = SimpleNamespace(hire=hire)

    async def story():
        desk = a_desk(MemoryStore())
        await desk.start()
        await open_house(desk)
        desk.writer.employ(scribe)
        for _ in range(30):
            await until(lambda: desk.writer._is_idle)
            desk.writer._ours_from = desk.writer._durable_at = 0.0  # Alone again.
            await desk.submit(an_order(limit="1"))
            await desk.settled()
        assert not hired
        monkeypatch.setattr(writer, "ALONE_AFTER_S", 1_000.0)  # From here on nobody is.
        for _ in range(30):
            await desk.submit(an_order(limit="1"))
        assert hired
        await desk.stop()

    run(story())


@pytest.mark.parametrize(
    ("is_asked_for", "processors", "polls"), [(True, 2, True), (True, 1.5, False), (False, 8, False)]
)
def test_a_house_with_two_processors_polls_unless_told_not_to(tmp_path, monkeypatch, is_asked_for, processors, polls):
    monkeypatch.setattr(wiring, "processors", lambda: processors)

    async def story():
        house = House(Config(data=tmp_path, busy_poll=is_asked_for), demo=False)
        await house.open()
        assert (house.desk.writer._busy_poll is not None) == polls
        await house.stop_trading()
        await house.close()

    asyncio.run(story())
