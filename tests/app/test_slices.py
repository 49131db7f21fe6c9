"""Long work in slices: the loop is free in between, whoever asks and however many."""

import asyncio
import threading
import time
from collections.abc import Generator
from itertools import pairwise

import pytest

from tests.app.market_fakes import NOON, FakeClock
from tradehall.adapters.feeds.simulated import SimulatedFeed
from tradehall.app.market import MarketBoard
from tradehall.app.slices import SLICE_NS_MAX, Slices
from tradehall.domain.market import Timeframe
from tradehall.ports.history import Ahead, BarWindow, Steps, at_once


def work(name: str, said: list[str], steps: int) -> Steps[str]:
    """Each step takes a slice: it says so after it."""
    for step in range(steps):
        until = time.perf_counter_ns() + SLICE_NS_MAX
        while time.perf_counter_ns() < until:
            pass
        said.append(f"{name}{step}")
        yield Ahead.SHORT
    return name


def test_short_work_is_done_without_giving_up_the_loop():
    def steps() -> Steps[int]:
        yield Ahead.SHORT
        return 7

    running = Slices().run(steps())
    with pytest.raises(StopIteration, match="7"):
        running.send(None)


def test_others_of_the_loop_have_their_turn_between_two_slices():
    said: list[str] = []

    async def other() -> None:
        while "a3" not in said:
            said.append("other")
            await asyncio.sleep(0)

    async def both() -> None:
        assert await asyncio.gather(Slices().run(work("a", said, 4)), other()) == ["a", None]

    asyncio.run(both())
    assert said == ["a0", "other", "a1", "other", "a2", "other", "a3"]


def test_works_asked_for_together_take_turns_one_slice_in_a_turn_of_the_loop():
    said: list[str] = []
    slices = Slices()

    async def count_turns() -> None:
        while "a2" not in said or "b2" not in said:
            said.append("-")
            await asyncio.sleep(0)

    async def all_three() -> None:
        await asyncio.gather(slices.run(work("a", said, 3)), slices.run(work("b", said, 3)), count_turns())

    asyncio.run(all_three())
    assert [one for one in said if one != "-"] == ["a0", "b0", "a1", "b1", "a2", "b2"]
    assert all("-" in pair for pair in pairwise(said)), "never two slices in one turn"


def test_steps_that_read_files_run_in_a_thread_one_at_a_time():
    ran_in: list[str] = []
    slices = Slices()
    inside = 0

    def steps() -> Steps[int]:
        nonlocal inside
        for _ in range(3):
            yield Ahead.FILE
            inside += 1
            assert inside == 1
            ran_in.append(threading.current_thread().name)
            inside -= 1
        yield Ahead.SHORT
        return len({name == threading.main_thread().name for name in ran_in})

    async def many() -> list[int]:
        return await asyncio.gather(*(slices.run(steps()) for _ in range(5)))

    assert asyncio.run(many()) == [1] * 5
    assert threading.main_thread().name not in ran_in


@pytest.mark.parametrize("ahead", Ahead)
def test_what_steps_raise_is_raised_and_the_next_work_goes_on(ahead):
    def broken() -> Steps[int]:
        yield ahead
        raise ValueError("broken")

    async def both() -> str:
        slices = Slices()
        with pytest.raises(ValueError, match="broken"):
            await slices.run(broken())
        return await slices.run(work("a", [], 2))

    assert asyncio.run(both()) == "a"


def test_cancelled_work_is_not_taken_up_again():
    said: list[str] = []

    async def cancelled() -> None:
        slices = Slices()
        task = asyncio.create_task(slices.run(work("a", said, 1000)))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await slices.run(work("b", said, 1))

    asyncio.run(cancelled())
    assert said == ["a0", "b0"]


def test_bars_read_at_the_same_time_are_those_read_alone():
    clock = FakeClock(NOON + 31 * 10**9)
    feeds = [SimulatedFeed(clock, seed=7) for _ in range(2)]
    boards = [MarketBoard(feed.instruments, feed.history, clock, None) for feed in feeds]
    for feed, board in zip(feeds, boards, strict=True):
        feed.step(board)
    windows = [
        BarWindow(symbol, timeframe, limit=3_000)
        for symbol in ("AAPL", "EURUSD")
        for timeframe in (Timeframe.M1, Timeframe.H1, Timeframe.W1)
    ]

    async def together() -> list[object]:
        return await asyncio.gather(*(boards[0].bars(window) for window in windows * 2))

    alone = [at_once(boards[1].book.read(window)) for window in windows]
    assert asyncio.run(together()) == alone * 2


def test_bars_are_those_of_the_moment_they_were_asked_for():
    """Quotes that come while the past is read neither tear a hole nor appear."""
    clock = FakeClock(NOON + 31 * 10**9)
    feed = SimulatedFeed(clock, seed=7)
    board = MarketBoard(feed.instruments, feed.history, clock, None)
    feed.step(board)
    window = BarWindow("AAPL", Timeframe.M1, limit=500)
    expected = at_once(board.book.read(window))
    reading: Generator[Ahead, None, list] = board.book.read(window)
    next(reading)
    for _ in range(200):
        clock.pass_s(1)
        feed.step(board)
    assert at_once(reading) == expected
    assert at_once(board.book.read(window)) != expected
