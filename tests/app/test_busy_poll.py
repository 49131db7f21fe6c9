"""While lone orders come fast the loop does not sleep, and soon after the last one it does."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from tests.app.shard import a_desk, an_order, open_house, run
from tradehall.adapters.memory import MemoryStore
from tradehall.app import dictation, writer
from tradehall.app.busy_poll import AGAIN_WITHIN_S, BusyPoll
from tradehall.config.settings import Config
from tradehall.wiring import house as wiring
from tradehall.wiring.house import House

SOON = AGAIN_WITHIN_S / 2


class Loop:
    """A loop whose clock the test moves; it sleeps if nothing is due."""

    def __init__(self):
        self.now = 100.0
        self.due = []

    def time(self):
        return self.now

    def call_soon(self, call):
        self.due.append(call)

    def sleeps(self):
        """Whether it would, after one round."""
        due, self.due = self.due, []
        assert len(due) <= 1, "one chain of calls is enough"
        for call in due:
            call()
        return not self.due


@pytest.fixture
def loop():
    return Loop()


def test_a_first_order_keeps_nobody_awake(loop):
    BusyPoll(loop).note(is_alone=True)
    assert loop.sleeps()


def test_the_second_one_does_until_none_has_come_for_a_while(loop):
    poll = BusyPoll(loop)
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
    poll = BusyPoll(loop)
    for _ in range(5):
        poll.note(is_alone=True)
        assert loop.sleeps()
        loop.now += AGAIN_WITHIN_S


def test_orders_that_are_not_alone_end_it(loop):
    poll = BusyPoll(loop)
    poll.note(is_alone=True)
    poll.note(is_alone=True)
    assert not loop.sleeps()
    poll.note(is_alone=False)
    assert loop.sleeps()
    poll.note(is_alone=True)
    assert loop.sleeps()
    poll.note(is_alone=True)
    assert not loop.sleeps()


def test_it_is_told_of_each_batch_and_whether_that_was_alone(monkeypatch):
    told = []
    monkeypatch.setattr(BusyPoll, "note", lambda _, is_alone: told.append(is_alone))

    async def story():
        desk = a_desk(MemoryStore())
        await desk.start()
        await open_house(desk)
        desk.writer.poll_busily()
        for since in (0.0, float("inf"), 0.0):
            desk.writer._durable_at = since
            await desk.submit(an_order(limit="1"))
            await desk.settled()
        await desk.stop()

    run(story())
    assert told == [True, False, True]


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
