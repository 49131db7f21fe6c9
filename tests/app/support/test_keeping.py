"""The support desk's fold: as far as is durable, and no further."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.app.desk_room import story
from tests.app.shard import ACCOUNT, an_order
from tradehall.adapters.executions import FileTrips
from tradehall.adapters.sqlite.records import SqliteRecords
from tradehall.app.studio.book import StudioBook
from tradehall.app.support.attribution import Attribution
from tradehall.app.support.keeping import BUSY, PER_PIECE, PER_STEP, RUSH, WAITING_MAX, TripKeeper, is_time_to_fold
from tradehall.app.support.overlays import Overlays
from tradehall.engine.commands import CancelOrder
from tradehall.ports.trips import TripQuery, TripStatus


@contextmanager
def a_keeper(room) -> Iterator[tuple[TripKeeper, FileTrips]]:
    with TemporaryDirectory() as folder:
        store, records = FileTrips(Path(folder) / "trips"), SqliteRecords(Path(folder) / "records.db")
        keeper = TripKeeper(room.desk, room.store.journal, store, Attribution(StudioBook()), Overlays(records))
        room.desk.listen(keeper)
        room.desk.writer.hear_durable(keeper.on_durable)
        try:
            yield keeper, store
        finally:
            store.close()
            records.close()


@pytest.mark.parametrize(
    ("what", "per_s", "waiting", "is_time"),
    [
        # what happens              decisions/s  waiting  fold
        ("nothing comes", 0, WAITING_MAX, True),
        ("a few orders come", BUSY - 1, BUSY - 1, True),
        ("orders keep coming", BUSY, WAITING_MAX - 1, False),
        ("they come, and many wait", BUSY, WAITING_MAX, True),
        ("a rush", RUSH, 100 * WAITING_MAX, False),
    ],
)
def test_unasked_it_is_folded_while_few_orders_come_or_too_many_wait(what, per_s, waiting, is_time):
    assert is_time_to_fold(per_s, waiting) is is_time, what


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
