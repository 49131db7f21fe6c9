"""Who writes: the loop's thread a lone order, the journal's whatever comes more densely."""

import asyncio
import threading
import time

import pytest

from tests.app.faults import FaultyStore
from tests.app.shard import a_desk, a_quote, an_order, open_house, run, until
from tradehall.adapters.memory import MemoryStore
from tradehall.app.outcome import ShardUnavailable

HERE, JOURNAL = threading.main_thread().name, "journal"
RESTING = an_order(limit="1")  # Without rows, which the journal's thread would be busy with.


def story(test):
    """A test that gets a started desk, and the journal that it writes to."""

    def told():
        async def in_loop():
            store = FaultyStore(MemoryStore())
            desk = a_desk(store)
            await desk.start()
            await open_house(desk)
            await test(desk, store.journal)
            await desk.stop()

        run(in_loop())

    told.__name__ = test.__name__
    return told


async def written_by(desk, journal, meanwhile=None) -> str:
    """The thread that writes the next order; `meanwhile` is called in it."""
    names = []

    def note():
        names.append(threading.current_thread().name)
        if meanwhile is not None:
            meanwhile()

    journal.meanwhile = note
    await desk.submit(RESTING)
    return names[0]


async def until_here(desk, journal, meanwhile=None) -> None:
    """Place orders until the loop's thread has written one."""
    while await written_by(desk, journal, meanwhile) != HERE:  # noqa: ASYNC110 - orders are placed meanwhile
        await asyncio.sleep(0.01)


async def alone_again(desk) -> None:
    """Wait until the loop may write, however long its last write took."""
    await asyncio.sleep(0)  # What it wrote is settled.
    await until(lambda: time.monotonic() > desk.writer._ours_from)


def at_once(wish):
    """What `wish` returns without waiting for anything."""
    with pytest.raises(StopIteration) as ended:
        wish.send(None)
    return ended.value.value


def market_fills(desk) -> None:
    """Let a quote fill what rests: the loop writes that when it has heard all that it was about to hear."""
    desk.quotes["BTCUSD"] = quote = a_quote(bid="0.80", ask="0.90")
    desk.on_quote(quote)


@story
async def test_after_a_slow_write_the_loop_leaves_writing_to_the_journals_thread(desk, journal):
    await until_here(desk, journal, lambda: time.sleep(0.2))
    assert [await written_by(desk, journal) for _ in range(3)] == [JOURNAL] * 3
    await until_here(desk, journal)


@story
async def test_who_is_alone_is_answered_at_once_and_the_listeners_are_told_next(desk, journal):
    heard: list[int] = []
    desk.writer.hear_durable(heard.append)
    await until_here(desk, journal)
    await alone_again(desk)
    before = heard[-1]
    assert at_once(desk.submit(RESTING)).order is not None
    assert heard[-1] == before and journal.head.seq == desk.state.seq == before + 1
    reading = asyncio.ensure_future(desk.durable())
    await asyncio.sleep(0)
    assert heard[-1] == desk.state.seq
    await reading


@story
async def test_who_is_alone_is_told_that_his_order_could_not_be_kept(desk, journal):
    await until_here(desk, journal)
    await alone_again(desk)
    seq = journal.head.seq
    journal.refuse = 1
    with pytest.raises(ShardUnavailable, match="disk is full"):
        await desk.submit(RESTING)
    await until(lambda: desk.closed_because is None)
    assert journal.head.seq == desk.state.seq == seq


@story
async def test_what_the_loop_was_about_to_write_is_durable_after_a_stop(desk, journal):
    await until_here(desk, journal)
    await alone_again(desk)
    market_fills(desk)
    assert journal.head.seq < desk.state.seq
    desk.writer.stop()
    assert journal.head.seq == desk.state.seq


@story
async def test_while_the_journals_thread_writes_the_loop_does_not(desk, journal):
    await until_here(desk, journal)
    await alone_again(desk)
    names, may_end = [], threading.Event()

    def note():
        names.append(threading.current_thread().name)
        may_end.wait(10)

    journal.meanwhile = note
    market_fills(desk)
    desk.writer.resume()  # After the decision, before the loop's own write.
    await until(lambda: names)
    journal.meanwhile = lambda: names.append(threading.current_thread().name)
    other = asyncio.ensure_future(desk.submit(RESTING))
    await asyncio.sleep(0.05)  # The loop had many turns in which it could have written.
    assert names == [JOURNAL]
    may_end.set()
    await other
    assert names == [JOURNAL] * 2


@story
async def test_after_a_stop_nothing_is_left_to_be_heard_of(desk, journal):
    await desk.submit(an_order())
    await desk.submit(an_order())
    await desk.stop()
    assert desk.writer.when_written() is None
