"""Records are synced before their rows are written: what a crash or a power cut in between leaves, and the next start."""

import asyncio
import logging
import shutil
import sqlite3
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import pytest

from tests.adapters.sqlite.house import findings_of, make_house, start, start_and_stop, unknown
from tests.app.shard import ACCOUNT, a_desk, an_order, open_house, run
from tradehall.adapters.sqlite.connection import open_reader
from tradehall.adapters.sqlite.inspection import SqliteInspection
from tradehall.adapters.sqlite.journal import MARK_EVERY
from tradehall.adapters.sqlite.store import SqliteStore
from tradehall.app.recovery import rebuild_views, recover
from tradehall.app.snapshots import Snapshots
from tradehall.engine.events import EntryKind
from tradehall.ports.journal import JournalDamaged, JournalRefused
from tradehall.ports.views import LedgerEntry, ViewRows


class BetweenRecordsAndRows:
    """A journal that calls `do` each time that records are durable and their rows are not written yet."""

    def __init__(self, journal, do):
        self._journal = journal
        self._do = do

    def write_rows(self, rows):
        self._do()
        self._journal.write_rows(rows)

    def __getattr__(self, name):
        return getattr(self._journal, name)


def a_house_that_ended_in_between(living: Path, folder: Path, *, is_snapshot_kept=False) -> int:
    """In `folder`, a house as a crash between the records of its last order and their rows left it; the last record."""
    store = SqliteStore(living, unknown)
    rebuild_views(store.journal, store.view_store)

    def copy():
        shutil.rmtree(folder, ignore_errors=True)
        if is_snapshot_kept:
            Snapshots(living / "snapshots").write(recover(store.journal, None), store.journal.head)
        shutil.copytree(living, folder)
        (folder / "journal.db-shm").unlink()

    async def trade():
        desk = a_desk(store)
        desk.writer.journal = BetweenRecordsAndRows(store.journal, copy)
        await desk.start()
        await open_house(desk)
        for number in range(5):
            await desk.submit(an_order("0.01", "BUY" if number % 2 else "SELL", client_id=f"order-{number}"))
        await desk.stop()

    run(trade())
    seq = store.journal.head.seq
    store.close()
    return seq


def views_seq_of(folder: Path) -> int:
    with closing(SqliteInspection(folder)) as files:
        return files.views_seq


@pytest.mark.parametrize("is_snapshot_kept", [False, True])
def test_a_start_makes_up_for_rows_that_a_crash_prevented(tmp_path, caplog, is_snapshot_kept):
    caplog.set_level(logging.INFO)
    data = tmp_path / "data"
    seq = a_house_that_ended_in_between(tmp_path / "living", data, is_snapshot_kept=is_snapshot_kept)
    assert views_seq_of(data) < seq
    assert findings_of(data) == []  # As far as they go, the views are right.
    store, state = start(data)
    assert state.seq == seq == store.view_store.seq
    assert "the views have caught up: records=" in caplog.text
    found = store.views.order_by_client_id(ACCOUNT, "order-4")
    assert found is not None and len(store.views.fills_of(found.order_id)) == 1
    store.close()
    assert views_seq_of(data) == seq
    assert findings_of(data) == []
    caplog.clear()
    assert start_and_stop(data) == seq
    assert "caught up" not in caplog.text


def test_a_power_cut_may_take_the_rows_that_were_not_synced_yet(tmp_path):
    living, data = tmp_path / "living", tmp_path / "data"
    store = SqliteStore(living, unknown)
    rebuild_views(store.journal, store.view_store)
    synced = []

    async def trade():
        desk = a_desk(store)
        log = living / "journal.db-wal"
        desk.writer.journal = BetweenRecordsAndRows(store.journal, lambda: synced.append(log.stat().st_size))
        await desk.start()
        await open_house(desk)
        for number in range(5):
            await desk.submit(an_order("0.01", client_id=f"order-{number}"))
        await desk.stop()

    run(trade())
    seq = store.journal.head.seq
    for size in range(synced[-1], (living / "journal.db-wal").stat().st_size, 4096 + 24):
        shutil.rmtree(data, ignore_errors=True)
        shutil.copytree(living, data)
        (data / "journal.db-shm").unlink()
        with (data / "journal.db-wal").open("r+b") as log:
            log.truncate(size)
        assert start_and_stop(data) == seq, "what was acknowledged is there"
        assert findings_of(data) == []
    store.close()


def test_rows_alone_that_are_refused_leave_nothing_and_are_written_when_they_can_be(tmp_path):
    store = SqliteStore(tmp_path, unknown)
    rebuild_views(store.journal, store.view_store)
    rows = ViewRows()
    rows.ledger.append(LedgerEntry(1, ACCOUNT, 1, EntryKind.DEPOSIT, Decimal(1), Decimal(1)))
    store.journal.append([b"1"], ViewRows(), 0)
    with (
        closing(open_reader(tmp_path / "journal.db")) as reader,
        closing(sqlite3.connect(tmp_path / "journal.db")) as other,
    ):
        store._db.execute("PRAGMA busy_timeout = 1")
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(JournalRefused, match="locked"):
            store.journal.write_rows(rows)
        other.execute("ROLLBACK")
        assert reader.execute("SELECT count(*) FROM ledger").fetchone() == (0,)
        store.journal.write_rows(rows)
        assert reader.execute("SELECT count(*) FROM ledger").fetchone() == (1,)
        assert reader.execute("SELECT seq FROM views_state").fetchone() == (1,)
    store.close()


def test_records_without_rows_are_noted_now_and_then_and_at_the_end(tmp_path):
    store = SqliteStore(tmp_path, unknown)
    rebuild_views(store.journal, store.view_store)
    for number in range(MARK_EVERY + 5):
        store.journal.append([b"%d" % number], ViewRows())
    assert store.view_store.seq == MARK_EVERY
    store.close()
    assert views_seq_of(tmp_path) == MARK_EVERY + 5


def test_a_file_of_the_time_when_rows_were_written_with_their_records_is_taken_over(tmp_path):
    make_house(tmp_path)
    with closing(sqlite3.connect(tmp_path / "journal.db")) as db:
        db.executescript("ALTER TABLE views_state DROP COLUMN seq; PRAGMA user_version = 1")
    assert findings_of(tmp_path) == []
    seq = start_and_stop(tmp_path)
    assert views_seq_of(tmp_path) == seq


def test_views_ahead_of_the_journal_are_damage(tmp_path):
    make_house(tmp_path)
    with closing(sqlite3.connect(tmp_path / "journal.db")) as db:
        db.executescript("UPDATE views_state SET seq = seq + 1")
    with pytest.raises(JournalDamaged, match="the views are of record"):
        start_and_stop(tmp_path)
    store = SqliteStore(tmp_path, unknown)
    with pytest.raises(JournalDamaged, match="the views are of record"):
        recover(store.journal, None, views=store.view_store)
    store.close()


def test_readers_of_a_running_house_find_what_they_were_told(tmp_path):
    store = SqliteStore(tmp_path, unknown)
    rebuild_views(store.journal, store.view_store)

    async def ask(desk, caller):
        for number in range(20):
            outcome = await desk.submit(
                an_order("0.01", "BUY" if number % 2 else "SELL", client_id=f"{caller}-{number}")
            )
            await desk.settled()
            assert desk.views.order(outcome.order.order_id) == outcome.order
            assert len(desk.views.fills_of(outcome.order.order_id)) == 1

    async def trade():
        desk = a_desk(store)
        await desk.start()
        await open_house(desk)
        await asyncio.gather(*(ask(desk, caller) for caller in range(8)))
        await desk.stop()

    run(trade())
    assert store.view_store.seq == store.journal.head.seq
    store.close()
    assert findings_of(tmp_path) == []
