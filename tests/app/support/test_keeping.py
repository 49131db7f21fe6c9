"""The support desk's fold: as far as is durable, and no further."""

import asyncio
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.app.desk_room import story
from tests.app.shard import an_order
from tradehall.adapters.executions import FileTrips
from tradehall.adapters.sqlite.records import SqliteRecords
from tradehall.app.studio.book import StudioBook
from tradehall.app.support.attribution import Attribution
from tradehall.app.support.keeping import TripKeeper
from tradehall.app.support.overlays import Overlays


@story
async def test_what_is_written_and_not_yet_told_is_left_for_the_next_time_when_its_stamps_are_here(room):
    with TemporaryDirectory() as folder:
        store, records = FileTrips(Path(folder) / "trips"), SqliteRecords(Path(folder) / "records.db")
        keeper = TripKeeper(room.desk, room.store.journal, store, Attribution(StudioBook()), Overlays(records))
        room.desk.listen(keeper)
        room.desk.writer.hear_durable(keeper.on_durable)
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
        store.close()
        records.close()
