"""Journals of any size, written by the real store without the sync of each batch."""

from pathlib import Path
from typing import NamedTuple

from bench.worlds import World, limit, market
from tradehall.adapters.sqlite.store import SqliteStore
from tradehall.app.chores import SNAPSHOT_EVERY
from tradehall.app.projections import VIEWS_VERSION, project
from tradehall.app.recovery import rebuild_views
from tradehall.app.snapshots import Snapshots
from tradehall.engine.commands import CancelOrder
from tradehall.engine.record import Record, encode_record
from tradehall.ports.views import ViewRows

RECORDS_PER_BATCH = 5_000
ACCOUNT = 700100


class Written(NamedTuple):
    """What a journal holds; `ended_at`: its last instant [ns UTC]."""

    records: int
    events: int
    finished_orders: int
    ended_at: int


class Sink:
    """Takes records as a writer would, and hands them to the store in large batches."""

    def __init__(self, store: SqliteStore, snapshots: Snapshots | None) -> None:
        self._store = store
        self._snapshots = snapshots
        self.world: World | None = None
        self.records = self.events = 0
        self._payloads: list[bytes] = []
        self._rows = ViewRows()

    def take(self, record: Record) -> None:
        self.records += 1
        self.events += len(record.events)
        self._payloads.append(encode_record(record))
        if self.world is not None:
            project(record, self.world.state, self._rows)
        if len(self._payloads) >= RECORDS_PER_BATCH:
            self.flush()
            if self._snapshots is not None and self.world is not None and not self.records % SNAPSHOT_EVERY:
                self._snapshots.write(self.world.state, self._store.journal.head)

    def flush(self) -> None:
        if self._payloads:
            self._store.journal.append(self._payloads, self._rows)
        self._payloads, self._rows = [], ViewRows()


def write_journal(
    data: Path, *, events: int = 0, finished: int = 0, resting: int = 0, snapshots: Snapshots | None = None
) -> Written:
    """A journal in `data` with at least so many events, finished orders and resting orders of account 700100.

    `snapshots`: where an archive of it goes, as a server would write it.
    """
    store = SqliteStore(data, _give_up)
    rebuild_views(store.journal, store.view_store)
    assert store.view_store.version == VIEWS_VERSION, "the views of a new store are complete"
    sink = Sink(store, snapshots)
    world = World(sink.take)
    sink.world = world
    world.account(ACCOUNT)
    ended, number = 0, 0
    while sink.events < events or ended < finished:
        number += 1
        if number % 2:
            world.submit(market(ACCOUNT, number // 2))
        else:
            world.submit(limit(ACCOUNT, number, client_id=f"old-{number}"))
            world.submit(CancelOrder(ACCOUNT, world.state.next_order_id - 1))
        ended += 1
    for left in range(resting):
        world.submit(limit(ACCOUNT, left, client_id=f"resting-{left}"))
    sink.flush()
    store.close()
    return Written(sink.records, sink.events, ended, world.now)


def _give_up(error: BaseException) -> None:
    raise error
