"""A small house on disk: made, crashed, started as a server starts it."""

import shutil
from contextlib import closing
from pathlib import Path

from tests.app.shard import ACCOUNT, a_desk, an_order, open_house, run
from tradehall.adapters.sqlite.inspection import SqliteInspection, scratch_views
from tradehall.adapters.sqlite.store import SqliteStore
from tradehall.app.recovery import rebuild_views, recover
from tradehall.app.snapshots import Snapshots
from tradehall.app.verification import audit_at_start, verify
from tradehall.engine.commands import CancelOrder
from tradehall.engine.state import State


def unknown(error: BaseException) -> None:
    raise AssertionError("the outcome of a write was unknown") from error


def start(folder: Path) -> tuple[SqliteStore, State]:
    """Open the house in `folder` with the checks of a start; the caller closes the store."""
    store = SqliteStore(folder, unknown)
    try:
        rebuild_views(store.journal, store.view_store)
        with closing(SqliteInspection(folder)) as files:
            audit_at_start(files, scratch_views())
        return store, recover(store.journal, Snapshots(folder / "snapshots"), views=store.view_store)
    except BaseException:
        store.close()
        raise


def start_and_stop(folder: Path) -> int:
    """Start and stop; the number of the last record."""
    store, state = start(folder)
    store.close()
    return state.seq


async def _trade(store: SqliteStore, orders: int) -> None:
    desk = a_desk(store)
    await desk.start()
    if not desk.state.accounts:
        await open_house(desk)
    for number in range(orders):
        side = "BUY" if number % 2 else "SELL"
        await desk.submit(an_order("0.01", side, client_id=f"order-{desk.state.seq}"))
    resting = await desk.submit(an_order("0.01", limit="40000"))
    assert resting.order is not None
    await desk.submit(CancelOrder(ACCOUNT, resting.order.order_id))
    await desk.settled()
    await desk.submit(an_order("0.02", limit="41000"))  # It has no rows: the last that the log holds is a record.
    await desk.stop()


def make_house(folder: Path, *, orders: int = 40, snapshot: bool = False) -> None:
    """A house that was closed in order after some trading."""
    store = SqliteStore(folder, unknown)
    rebuild_views(store.journal, store.view_store)
    run(_trade(store, orders))
    if snapshot:
        Snapshots(folder / "snapshots").write(recover(store.journal, None), store.journal.head)
    store.close()


def make_crashed_house(folder: Path, *, orders: int = 40) -> int:
    """A house as a crash leaves it, most of it in the log; the number of the last record."""
    living = folder.with_name(folder.name + "-living")
    make_house(living, orders=5)
    store = SqliteStore(living, unknown)
    run(_trade(store, orders))
    shutil.copytree(living, folder)
    (folder / "journal.db-shm").unlink()
    seq = store.journal.head.seq
    store.close()
    return seq


def findings_of(folder: Path) -> list[str]:
    """What `tradehall verify` would tell."""
    with closing(SqliteInspection(folder)) as files:
        return verify(files, scratch_views(), Snapshots(folder / "snapshots")).findings
