"""Errands side by side: in what order they ask, when they hear, and that others of the loop have their turn meanwhile."""

import asyncio
from itertools import pairwise

import pytest

from tests.app.studio.world import run
from tradehall.app.deployments.errands import SIDE_BY_SIDE_MAX, WISHES_PER_SLICE_MAX, run_errand, run_errands
from tradehall.app.outcome import Outcome, ShardUnavailable
from tradehall.app.stamps import stamps_before
from tradehall.engine.commands import CancelOrder


class Counter:
    """Decides at once; what was decided becomes durable when the test says so, the last first."""

    def __init__(self, refuses=()):
        self.decided, self.stamps, self.refuses = [], [], refuses
        self.waiting = []

    async def submit(self, command):
        self.decided.append(command.order_id)
        self.stamps.append(stamps_before(2**62)[0])
        if command.order_id in self.refuses:
            raise ShardUnavailable("the disk is full")
        durable = asyncio.get_running_loop().create_future()
        self.waiting.append(durable)
        await durable
        return Outcome(is_repeat=command.order_id % 2 == 0)

    def commit(self):
        waiting, self.waiting = self.waiting, []
        for durable in reversed(waiting):
            durable.set_result(None)


def asks(*numbers):
    """An errand that asks for each of these, and comes to what it was answered."""
    answers = []
    for number in numbers:
        outcome = yield CancelOrder(1, number)
        answers.append(outcome.is_repeat)
    return answers


def test_each_round_asks_once_for_every_errand_in_their_order():
    async def journey():
        counter = Counter()
        found = asyncio.create_task(
            run_errands([(1, asks(10, 11, 12)), (2, asks()), (3, asks(20, 21))], counter.submit)
        )
        for expected in ([10, 20], [10, 20, 11, 21], [10, 20, 11, 21, 12]):
            for _ in range(10):
                await asyncio.sleep(0)  # Nobody goes on before the round is durable.
            assert counter.decided == expected
            counter.commit()
        assert await found == [[True, False, True], [], [True, False]]

    run(journey())


def test_a_wish_bears_the_instant_of_its_own_signal():
    async def journey():
        counter = Counter(refuses=(10, 20))
        await run_errands([(111, asks(10)), (222, asks(20))], counter.submit)
        assert counter.stamps == [111, 222]

    run(journey())


def test_an_errand_that_could_not_ask_ends_and_the_others_go_on():
    async def journey():
        counter = Counter(refuses=(20,))
        work = asyncio.create_task(run_errands([(1, asks(10, 11)), (2, asks(20, 21)), (3, asks(30))], counter.submit))
        while not work.done():
            await asyncio.sleep(0)
            counter.commit()
        first, second, third = work.result()
        assert (first, third) == ([True, False], [True])
        assert isinstance(second, ShardUnavailable)
        assert 21 not in counter.decided

    run(journey())


def test_what_breaks_is_told():
    async def journey():
        async def breaks(command):
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            await run_errands([(1, asks(10))], breaks)

    run(journey())


def test_others_of_the_loop_have_their_turn_after_each_slice():
    async def journey():
        counter = Counter()
        seen = []

        async def other():
            while True:
                seen.append(len(counter.decided))
                await asyncio.sleep(0)

        watching = asyncio.create_task(other())
        count = 2 * SIDE_BY_SIDE_MAX + 1
        work = asyncio.create_task(run_errands([(1, asks(number)) for number in range(count)], counter.submit))
        while not work.done():
            await asyncio.sleep(0)
            if len(counter.waiting) in (1, SIDE_BY_SIDE_MAX):
                counter.commit()
        watching.cancel()
        assert counter.decided == list(range(count))
        assert max(after - before for before, after in pairwise(seen)) <= WISHES_PER_SLICE_MAX

    run(journey())


def test_one_errand_alone_is_run_to_its_end():
    async def journey():
        counter = Counter()
        work = asyncio.create_task(run_errand(asks(1, 2), counter.submit))
        while not work.done():
            await asyncio.sleep(0)
            counter.commit()
        assert work.result() == [False, True]
        with pytest.raises(ShardUnavailable):
            await run_errand(asks(1), Counter(refuses=(1,)).submit)

    run(journey())
