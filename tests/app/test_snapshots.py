"""Snapshots shorten the start and are never needed for it."""

import pytest

from tests.app.shard import a_desk, an_order, open_house, run
from tradehall.adapters.memory import MemoryStore
from tradehall.app.projections import VIEWS_VERSION
from tradehall.app.recovery import recover
from tradehall.app.snapshots import ARCHIVED_MAX, KEPT, Snapshots
from tradehall.ports.journal import Head


@pytest.fixture
def store():
    store = MemoryStore(VIEWS_VERSION)

    async def trade():
        desk = a_desk(store)
        await desk.start()
        await open_house(desk)
        for number in range(5):
            await desk.submit(an_order("0.01", client_id=f"order-{number}"))
        await desk.submit(an_order("0.01", limit="40000"))
        await desk.stop()

    run(trade())
    return store


class Counted:
    """A journal that counts what is read of it."""

    def __init__(self, journal):
        self._journal = journal
        self.head = journal.head
        self.read = 0

    def entries(self, after=0):
        for entry in self._journal.entries(after):
            self.read += 1
            yield entry


def test_a_start_from_a_snapshot_comes_to_the_same_state_by_a_shorter_way(store, tmp_path):
    snapshots = Snapshots(tmp_path)
    whole = recover(store.journal, None)
    early = MemoryStore(VIEWS_VERSION)
    early.journal._entries = store.journal._entries[:8]
    snapshots.write(recover(early.journal, None), early.journal.head)
    counted = Counted(store.journal)
    assert recover(counted, snapshots).snapshot() == whole.snapshot()
    assert counted.read <= store.journal.head.seq - 8 + 2


def test_old_ones_go_when_there_are_too_many(store, tmp_path):
    snapshots = Snapshots(tmp_path)
    part = MemoryStore(VIEWS_VERSION)
    part.journal._entries = store.journal._entries[:4]
    state = recover(part.journal, None)
    for seq in range(100, 100 + KEPT + ARCHIVED_MAX + 3):
        (tmp_path / f"{seq}.json").write_text("an older one")
    state.seq = 1_000
    snapshots.write(state, Head(1_000, part.journal.head.checksum))
    left = list(snapshots.paths_by_seq())
    assert len(left) == KEPT + ARCHIVED_MAX
    assert left[0] == 1_000


def test_what_a_writer_left_half_done_is_swept_up_and_never_read(store, tmp_path):
    (tmp_path / "7.part").write_bytes(b"half")
    snapshots = Snapshots(tmp_path)
    assert snapshots.newest(store.journal) is None
    snapshots.write(recover(store.journal, None), store.journal.head)
    assert [path.name for path in tmp_path.iterdir()] == [f"{store.journal.head.seq}.json"]


def test_a_disk_that_will_not_have_it_leaves_the_earlier_ones(store, tmp_path):
    snapshots = Snapshots(tmp_path)
    snapshots.write(recover(store.journal, None), store.journal.head)
    before = sorted(tmp_path.iterdir())
    (tmp_path / f"{store.journal.head.seq}.part").mkdir()  # Writing there fails.
    with pytest.raises(OSError, match="Is a directory"):
        snapshots.write(recover(store.journal, None), store.journal.head)
    assert [path for path in sorted(tmp_path.iterdir()) if path.is_file()] == before
