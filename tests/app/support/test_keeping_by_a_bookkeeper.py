"""Where many decisions wait, a bookkeeper keeps trips; where he is gone, the loop goes on."""

import asyncio
import threading
from array import array
from unittest.mock import patch

import pytest

from tests.app.desk_room import story
from tests.app.shard import ACCOUNT, an_order, until
from tests.app.support.test_keeping import a_keeper
from tradehall.app.support import keeping
from tradehall.app.support.clerk import PER_PIECE
from tradehall.ports.bookkeeping import BookkeeperGone
from tradehall.ports.records import RecordsFault
from tradehall.ports.trips import Overlay, TripQuery


class Bookkeeper:
    """Does nothing, a piece at a time; `says`: what becomes of the next tasks, unless that is nothing special."""

    def __init__(self, *says):
        self.says = list(says)
        self.tasks = []
        self.hired = self.dismissed = 0
        self.seq = 0
        self.may_go_on = threading.Event()
        self.may_go_on.set()
        self._is_at_work = threading.Lock()

    def hire(self):
        self.hired += 1
        if self.says and isinstance(self.says[0], OSError):
            raise self.says.pop(0)

    def carry_out(self, task):
        assert self._is_at_work.acquire(blocking=False), "one at a time"
        try:
            self.tasks.append(task)
            self.may_go_on.wait(10)
            if self.says:
                raise self.says.pop(0)
            self.seq = max(self.seq, min(task.until, self.seq + PER_PIECE))
            return self.seq
        finally:
            self._is_at_work.release()

    def dismiss(self):
        self.dismissed += 1


async def trade(room, count):
    for _ in range(count):
        await room.submit(an_order(limit="49000"))


def kept(store):
    return len(store.page(TripQuery(accounts=(ACCOUNT,), limit=PER_PIECE)))


@story
async def test_few_are_kept_by_the_loop_and_from_the_first_rush_on_all_by_the_bookkeeper(room):
    bookkeeper = Bookkeeper()
    with a_keeper(room, bookkeeper) as (keeper, store), patch.object(keeping, "HIRE_AT", 20):
        await trade(room, 10)
        await keeper.flush()
        assert (bookkeeper.hired, kept(store)) == (0, 10)
        bookkeeper.seq = keeper.seq
        await trade(room, 20)
        await keeper.flush()
        assert (bookkeeper.hired, kept(store)) == (1, 10)
        await trade(room, 1)
        await keeper.flush()
        assert (bookkeeper.hired, kept(store)) == (1, 10)
        last = room.desk.writer.durable_seq
        assert keeper.seq == last == bookkeeper.tasks[-1].until
        stamped = [seq for task in bookkeeper.tasks for seq in array("q", task.stamps[0])[::3]]
        assert stamped[-21:] == [*range(last - 20, last + 1)]
        keeper.close()
        assert bookkeeper.dismissed == 1


@story
async def test_he_is_asked_again_until_all_is_kept(room):
    bookkeeper = Bookkeeper()
    with a_keeper(room, bookkeeper) as (keeper, _), patch.object(keeping, "HIRE_AT", 1):
        await trade(room, 3)
        bookkeeper.seq = -2 * PER_PIECE
        await keeper.flush()
        assert keeper.seq == room.desk.writer.durable_seq
        assert len(bookkeeper.tasks) == 3
        assert not any(task.stamps[0] for task in bookkeeper.tasks[1:])


@story
async def test_who_was_never_hired_is_not_dismissed(room):
    bookkeeper = Bookkeeper()
    with a_keeper(room, bookkeeper) as (keeper, _):
        keeper.close()
        assert bookkeeper.dismissed == 0


@story
async def test_where_no_process_can_be_begun_the_loop_keeps_them_and_does_not_try_again(room):
    bookkeeper = Bookkeeper(OSError("no memory"))
    with a_keeper(room, bookkeeper) as (keeper, store), patch.object(keeping, "HIRE_AT", 1):
        for count in (5, 10):
            await trade(room, 5)
            await keeper.flush()
            assert kept(store) == count
        assert (bookkeeper.hired, bookkeeper.tasks) == (1, [])


@story
async def test_where_he_is_gone_the_loop_goes_on_from_where_the_store_is(room):
    bookkeeper = Bookkeeper()
    with a_keeper(room, bookkeeper) as (keeper, store), patch.object(keeping, "HIRE_AT", 1):
        await trade(room, 5)
        await keeper.flush()
        assert kept(store) == 0, "this one writes nothing"
        bookkeeper.says = [BookkeeperGone("killed")]
        await trade(room, 5)
        await keeper.flush()
        assert kept(store) == 10
        await trade(room, 5)
        await keeper.flush()
        assert (kept(store), bookkeeper.hired, bookkeeper.dismissed, len(bookkeeper.tasks)) == (15, 1, 1, 2)


@story
async def test_what_could_not_be_written_is_asked_for_again(room):
    bookkeeper = Bookkeeper(RecordsFault("full"))
    with a_keeper(room, bookkeeper) as (keeper, _), patch.object(keeping, "HIRE_AT", 1):
        await trade(room, 5)
        with pytest.raises(RecordsFault):
            await keeper.flush()
        assert keeper.seq < room.desk.writer.durable_seq
        await keeper.flush()
        assert keeper.seq == room.desk.writer.durable_seq


@story
async def test_who_comes_after_one_who_went_away_waits_until_his_task_is_done(room):
    bookkeeper = Bookkeeper()
    with a_keeper(room, bookkeeper) as (keeper, _), patch.object(keeping, "HIRE_AT", 1):
        await trade(room, 5)
        bookkeeper.may_go_on.clear()
        first = asyncio.ensure_future(keeper.flush())
        await until(lambda: bookkeeper.tasks)
        first.cancel()
        await asyncio.wait([first])
        second = asyncio.ensure_future(keeper.flush())
        await asyncio.sleep(0.01)
        assert len(bookkeeper.tasks) == 1
        bookkeeper.may_go_on.set()
        await second
        assert keeper.seq == room.desk.writer.durable_seq
        # What the first was told he knows.
        assert [len(task.instruments) for task in bookkeeper.tasks] == [1, 0]


@story
async def test_what_is_laid_over_a_trip_he_is_told_and_otherwise_the_store(room):
    bookkeeper = Bookkeeper()
    hiring = patch.object(keeping, "HIRE_AT", 1)
    with a_keeper(room, bookkeeper) as (keeper, store), hiring, patch.object(store, "lay_over") as laid:
        await keeper.lay_over([Overlay(trip_id=1)])
        assert laid.mock_calls[0].args == ([Overlay(trip_id=1)],)
        await trade(room, 1)
        await keeper.flush()
        await keeper.lay_over([Overlay(trip_id=2, is_adjusted=True)])
        assert laid.call_count == 1
        assert [task.overlays for task in bookkeeper.tasks] == [[], [Overlay(trip_id=2, is_adjusted=True)]]
        bookkeeper.says = [BookkeeperGone("killed")]
        await keeper.lay_over([Overlay(trip_id=3)])
        assert laid.mock_calls[1].args == ([Overlay(trip_id=3)],)
