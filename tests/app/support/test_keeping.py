"""The support desk's fold: as far as is durable, and no further."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

import pytest

from tests.app.desk_room import story
from tests.app.shard import ACCOUNT, an_order, until
from tradehall.adapters.executions import FileTrips
from tradehall.adapters.sqlite.records import SqliteRecords
from tradehall.app.studio.book import StudioBook
from tradehall.app.support import keeping
from tradehall.app.support.attribution import Attribution
from tradehall.app.support.clerk import PER_PIECE, PER_STEP
from tradehall.app.support.keeping import TripKeeper
from tradehall.app.support.overlays import Overlays
from tradehall.engine.commands import CancelOrder
from tradehall.ports.records import RecordsFault
from tradehall.ports.trips import Overlay, TripQuery, TripStatus


@contextmanager
def a_keeper(room, bookkeeper=None) -> Iterator[tuple[TripKeeper, FileTrips]]:
    with TemporaryDirectory() as folder:
        store, records = FileTrips(Path(folder) / "trips"), SqliteRecords(Path(folder) / "records.db")
        keeper = TripKeeper(
            room.desk, room.store.journal, store, Attribution(StudioBook), Overlays(records), bookkeeper
        )
        room.desk.listen(keeper)
        room.desk.writer.hear_durable(keeper.on_durable)
        try:
            yield keeper, store
        finally:
            store.close()
            records.close()


@story
async def test_what_changed_more_than_once_in_a_piece_is_written_as_it_stood_last(room):
    with a_keeper(room) as (keeper, store):
        resting = [(await room.submit(an_order(limit="49000"))).order for _ in range(3 * PER_STEP)]
        for order in resting[1:]:
            await room.submit(CancelOrder(ACCOUNT, order.order_id))
        await keeper.flush()
        assert room.store.journal.head.seq < PER_PIECE, "it is one piece"
        found = store.page(TripQuery(accounts=(ACCOUNT,), limit=PER_PIECE))
        stands = {trip.order_ids: trip.status for trip in found}
        assert stands.pop((resting[0].order_id,)) is TripStatus.PENDING
        assert set(stands.values()) == {TripStatus.CANCELLED}


@story
async def test_what_is_written_and_not_yet_told_is_left_for_the_next_time_when_its_stamps_are_here(room):
    with a_keeper(room) as (keeper, _):
        await room.submit(an_order())
        told = room.desk.writer.durable_seq
        room.begin(an_order())
        await asyncio.sleep(0)
        room.desk.writer.commit_next()  # On the disk; that it is comes with the loop's next turn.
        await keeper.flush()
        assert room.store.journal.head.seq > told
        assert keeper.seq == told
        await keeper.flush()
        assert keeper.seq == room.store.journal.head.seq


@story
async def test_what_could_not_be_written_is_read_and_folded_again(room):
    with a_keeper(room) as (keeper, store):
        await keeper.flush()
        order = (await room.submit(an_order())).order
        with patch.object(store, "write", side_effect=RecordsFault("full")), pytest.raises(RecordsFault):
            await keeper.flush()
        with patch.object(store, "load", side_effect=RecordsFault("gone")), pytest.raises(RecordsFault):
            await keeper.flush()  # Nor does it know how far it is.
        await keeper.flush()
        (trip,) = store.page(TripQuery(accounts=(ACCOUNT,), limit=PER_PIECE))
        assert trip.order_ids == (order.order_id,)


@story
async def test_what_was_folded_for_one_who_went_away_is_written_all_the_same(room):
    with a_keeper(room) as (keeper, store):
        await keeper.flush()
        ids = {(await room.submit(an_order(limit="49000"))).order.order_id for _ in range(3 * PER_STEP)}
        clerk = keeper._clerk
        assert clerk is not None
        asking = asyncio.ensure_future(keeper.flush())
        await until(lambda: clerk.seq > room.desk.writer.durable_seq - 3 * PER_STEP)
        asking.cancel()
        await asyncio.wait([asking])
        await keeper.flush()
        found = store.page(TripQuery(accounts=(ACCOUNT,), limit=PER_PIECE))
        assert {order_id for trip in found for order_id in trip.order_ids} == ids


@story
async def test_who_went_away_while_it_was_written_leaves_nothing_to_fold_twice(room):
    is_writing, may_end, is_written = threading.Event(), threading.Event(), threading.Event()
    with a_keeper(room) as (keeper, store):
        write = store.write

        def slow(seq, lines):
            is_writing.set()
            may_end.wait(10)
            write(seq, lines)
            is_written.set()

        for _ in range(3):
            await room.submit(an_order(limit="49000"))
        with patch.object(store, "write", slow):
            asking = asyncio.ensure_future(keeper.flush())
            await until(is_writing.is_set)
            asking.cancel()
            await asyncio.wait([asking])
            may_end.set()
            await until(is_written.is_set)
        await keeper.flush()
        assert keeper.seq == room.desk.writer.durable_seq
        assert len(store.page(TripQuery(accounts=(ACCOUNT,)))) == 3


@story
async def test_what_is_laid_over_a_trip_waits_for_who_writes_it(room):
    is_writing, may_end, done = threading.Event(), threading.Event(), []
    with a_keeper(room) as (keeper, store):

        def slow(seq, lines):
            is_writing.set()
            may_end.wait(10)
            done.append("written")

        await room.submit(an_order())
        with patch.object(store, "write", slow), patch.object(store, "lay_over", lambda _: done.append("laid over")):
            writing = asyncio.ensure_future(keeper.flush())
            await until(is_writing.is_set)
            laying = asyncio.ensure_future(keeper.lay_over([Overlay(trip_id=1)]))
            await asyncio.sleep(0.01)
            may_end.set()
            await asyncio.gather(writing, laying)
        assert done == ["written", "laid over"]


@story
async def test_unasked_it_waits_for_idle_turns_and_who_asks_for_none(room):
    may_go_on, waited = asyncio.Event(), []

    async def idle_turn():
        waited.append(1)
        await may_go_on.wait()

    with a_keeper(room) as (keeper, _), patch.object(keeping, "idle_turn", idle_turn):
        await keeper.flush()
        assert not waited
        for _ in range(3 * PER_STEP):
            await room.submit(an_order(limit="49000"))
        clerk = keeper._clerk
        assert clerk is not None
        running = asyncio.ensure_future(keeper.run())
        await until(lambda: waited)
        assert clerk.seq == room.desk.writer.durable_seq - 2 * PER_STEP
        may_go_on.set()
        await until(lambda: keeper.seq == room.desk.writer.durable_seq)
        assert len(waited) == 6  # To fold three steps, and to make their rows.
        running.cancel()
