"""The scribe writes what the journal itself would; what happens to it is known, or said to be unknown."""

import asyncio
import os
import resource
import select
import signal
import sqlite3
import time
from contextlib import closing

import pytest
import uvloop

from tests.adapters.sqlite.house import findings_of, unknown
from tests.adapters.sqlite.scribes import dictated, pids
from tests.app.shard import ACCOUNT, a_desk, an_order, open_house, run
from tradehall.adapters.sqlite import checkpoints
from tradehall.adapters.sqlite.connection import lock_folder
from tradehall.adapters.sqlite.scribe import SqliteScribe
from tradehall.adapters.sqlite.store import SqliteStore
from tradehall.adapters.sqlite.wal import read_log
from tradehall.app.recovery import rebuild_views
from tradehall.engine.commands import CancelOrder
from tradehall.ports.journal import JournalRefused, ScribeGone
from tradehall.ports.views import VIEWS, ViewRows

NO_ROWS = ViewRows()


@pytest.fixture
def store(tmp_path):
    store = SqliteStore(tmp_path, unknown)
    rebuild_views(store.journal, store.view_store)
    yield store
    store.close()


@pytest.fixture
def scribe(store):
    store.scribe.hire()
    store.scribe.greet()
    return store.scribe


def write(scribe, *payloads, until=0):
    scribe.begin(payloads, NO_ROWS, until)
    scribe.finish()


async def trade(store, *, is_dictated):
    """Orders of several kinds, one right after the other."""
    desk = a_desk(store)
    await desk.start()
    if is_dictated:
        await dictated(desk, store)
    await open_house(desk)
    for number in range(30):
        await desk.submit(an_order("0.01", "BUY" if number % 2 else "SELL", client_id=f"order-{number}"))
        resting = await desk.submit(an_order("0.01", limit="40000", client_id=f"limit-{number}"))
        assert resting.order is not None
        await desk.submit(CancelOrder(ACCOUNT, resting.order.order_id))
        if number % 10 == 0:
            await desk.settled()
    await desk.settled()
    await desk.stop()


def test_what_it_writes_is_what_the_journal_itself_writes(tmp_path, monkeypatch):
    told, begun = [], []
    begin = SqliteScribe.begin

    def noted(*task):
        begun.append(task)
        begin(*task)

    monkeypatch.setattr(SqliteScribe, "begin", noted)
    for name in ("thread", "scribe"):
        store = SqliteStore(tmp_path / name, unknown)
        rebuild_views(store.journal, store.view_store)
        run(trade(store, is_dictated=name == "scribe"))
        head, seq = store.journal.head, store.view_store.seq
        told.append({view: [row._replace(body="") for row in store.view_store.rows(view)] for view in VIEWS})
        store.close()
        assert seq == head.seq
        assert findings_of(tmp_path / name) == []
    thread, scribe = told
    assert len(begun) > 60  # But for the first order, which was alone.
    assert {view: len(rows) for view, rows in thread.items()} == {view: len(rows) for view, rows in scribe.items()}
    assert all(thread[view] for view in ("orders", "fills", "ledger", "tickets", "deals"))


def test_it_and_the_journal_write_by_turns(store, scribe):
    store.journal.append([b'{"n":1}'], NO_ROWS)
    write(scribe, b'{"n":2}', b'{"n":3}')
    store.journal.append([b'{"n":4}'], NO_ROWS)
    write(scribe, b'{"n":5}')
    assert [entry.payload[5:6] for entry in store.journal.entries()] == [b"1", b"2", b"3", b"4", b"5"]
    assert store.journal.head == list(store.journal.entries())[-1][::2]


def test_it_says_when_it_has_finished(store, scribe):
    assert select.select([scribe], [], [], 0) == ([], [], [])
    scribe.begin([b"{}"], NO_ROWS, 0)
    assert select.select([scribe], [], [], 20)[0] == [scribe]
    assert scribe.is_readable()
    assert scribe.has_finished()
    scribe.finish()
    assert not scribe.is_readable()
    assert store.journal.head.seq == 1


def test_who_asks_whether_it_has_finished_asks_nobody(store, scribe):
    for count in range(1, 259):  # Past what a byte holds.
        write(scribe, b"{}")
        assert scribe.has_finished(), count
    (pid,) = pids(store)
    os.kill(pid, signal.SIGSTOP)
    scribe.begin([b"{}"], NO_ROWS, 0)
    assert not scribe.has_finished()
    os.kill(pid, signal.SIGCONT)
    until(scribe.has_finished)
    scribe.finish()
    assert store.journal.head.seq == 259


def test_a_large_batch_is_one_message(store, scribe):
    payload = b'"' + b"x" * 3_000_000 + b'"'
    write(scribe, payload, payload)
    assert [len(entry.payload) for entry in store.journal.entries()] == [len(payload)] * 2


def test_a_loop_that_watches_it_does_not_keep_anybody_from_waiting(store, scribe):
    async def main():
        asyncio.get_running_loop().add_reader(scribe.fileno(), lambda: None)
        write(scribe, *[b'{"n":"%s"}' % (b"x" * 1_000)] * 3_000)
        asyncio.get_running_loop().remove_reader(scribe.fileno())

    uvloop.run(main())  # libuv sets what it watches to non-blocking.
    assert store.journal.head.seq == 3_000


def test_a_full_disk_is_a_refusal_and_passes(store, scribe):
    write(scribe, b"{}")
    (pid,) = pids(store)
    _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (1, hard))
    with pytest.raises(JournalRefused):
        write(scribe, b'"' + b"x" * 100_000 + b'"')
    assert store.journal.head.seq == 1
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (hard, hard))
    write(scribe, b"{}")
    assert store.journal.head.seq == 2


def test_what_nobody_had_foreseen_is_unknown(store, scribe):
    write(scribe, b"{}")
    with closing(sqlite3.connect(store.path)) as stranger:
        stranger.execute("INSERT INTO journal VALUES (2, 'stranger', x'00')")
        stranger.commit()
    with pytest.raises(ScribeGone, match="IntegrityError"):
        write(scribe, b"{}")


def test_it_writes_behind_nobodys_back(store, scribe):
    """A head that the file does not have: something was lost, or is not the same house."""
    store.journal.follow(store.journal.head._replace(seq=7), 0, 0)
    with pytest.raises(ScribeGone, match="the journal ends at 0, not at 7"):
        write(scribe, b"{}")
    assert list(store.journal.entries()) == []


def test_a_long_log_is_begun_anew_by_who_writes(store, scribe):
    """Behind a batch of its own, so that it never waits for the checkpoints' thread."""
    for _ in range(20):
        write(scribe, b'"' + b"x" * 100_000 + b'"')
    frames = read_log(wal := store.path.with_name(store.path.name + "-wal")).frames
    size = wal.stat().st_size
    store.journal.is_log_long = True
    write(scribe, b"{}")
    assert not store.journal.is_log_long
    write(scribe, b"{}")
    assert read_log(wal).frames < 10 < frames
    assert wal.stat().st_size >= size  # Its pages are used again.
    write(scribe, b"{}")
    assert [entry.seq for entry in store.journal.entries()] == list(range(1, 24))


def test_no_room_for_what_the_log_holds_is_no_reason_to_go(store, scribe):
    payload = b'"' + b"x" * 100_000 + b'"'
    for _ in range(5):
        write(scribe, payload)
    store.journal.is_log_long = True
    write(scribe, b"{}")  # From here on the log is written from its start, and the database has to grow.
    write(scribe, payload)
    (pid,) = pids(store)
    _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (size := store.path.stat().st_size, hard))
    store.journal.is_log_long = True
    write(scribe, b"{}")
    write(scribe, b"{}")
    assert store.path.stat().st_size == size
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (hard, hard))
    store.journal.is_log_long = True
    write(scribe, b"{}")
    write(scribe, b"{}")
    assert store.path.stat().st_size > size
    assert [entry.seq for entry in store.journal.entries()] == list(range(1, 12))


def test_the_checkpoints_leave_the_scribe_to_it_only_while_that_writes(store, scribe, monkeypatch):
    monkeypatch.setattr(checkpoints, "WAL_PAGES_MAX", 10)
    monkeypatch.setattr(checkpoints, "CHECKPOINT_AFTER_BYTES", 1)
    wal = store.path.with_name(store.path.name + "-wal")
    payload = b'"' + b"x" * 100_000 + b'"'
    write(scribe, payload)
    until(lambda: store.journal.is_log_long)

    def is_begun_anew():
        store.journal.append([b"{}"], NO_ROWS)
        return read_log(wal).frames < 10

    store.journal.append([payload], NO_ROWS)
    until(is_begun_anew)


def until(condition):
    give_up_at = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < give_up_at
        time.sleep(0.01)


def test_one_that_was_killed_is_gone(store, scribe):
    (pid,) = pids(store)
    os.kill(pid, signal.SIGSTOP)
    scribe.begin([b"{}"], NO_ROWS, 0)
    os.kill(pid, signal.SIGKILL)
    with pytest.raises(ScribeGone):
        scribe.finish()
    with pytest.raises(ScribeGone):
        for _ in range(100):  # The first may still be taken by the system.
            scribe.begin([b"x" * 1_000_000], NO_ROWS, 0)


def test_who_tells_the_group_to_end_leaves_it_at_work(store, scribe):
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        os.kill(pids(store)[0], number)
    write(scribe, b"{}")
    assert store.journal.head.seq == 1


def test_another_server_waits_until_it_has_ended(store, scribe, tmp_path):
    store._lock.close()
    with pytest.raises(JournalRefused, match="another server uses"):
        lock_folder(tmp_path)
    scribe.dismiss()
    lock_folder(tmp_path).close()


def test_nobody_was_hired(store):
    with pytest.raises(ScribeGone):
        store.scribe.begin([b"{}"], NO_ROWS, 0)
    store.scribe.dismiss()
