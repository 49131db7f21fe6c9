"""A process whose disk fills up and has room again; says so in lines. python -m tests.simulation.full_disk FOLDER [dictated]"""

import asyncio
import os
import resource
import sys
from pathlib import Path

from tests.adapters.sqlite.scribes import dictated, pids
from tests.app.shard import a_desk, an_order, open_house, until
from tradehall.adapters.sqlite.store import SqliteStore
from tradehall.app.outcome import Outcome, ShardUnavailable
from tradehall.app.recovery import rebuild_views

ORDERS_MAX = 5_000


def may_write(store: SqliteStore, size: int) -> None:
    """Let no file of this process, and of the scribe's, grow beyond `size` bytes."""
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    for process in (os.getpid(), *pids(store)):
        resource.prlimit(process, resource.RLIMIT_FSIZE, (size, hard))


def largest_file(folder: Path) -> int:
    """Size of the largest file [bytes]."""
    return max(path.stat().st_size for path in folder.iterdir())


def tell_kept(name: str, outcome: Outcome) -> None:
    """The order was acknowledged."""
    assert outcome.order is not None
    print("kept", name, outcome.order.order_id, flush=True)


async def main(folder: Path, *, is_dictated: bool) -> None:
    store = SqliteStore(folder, lambda error: sys.exit(f"unknown: {error!r}"))
    rebuild_views(store.journal, store.view_store)
    desk = a_desk(store)
    desk.probe_interval_s = 0.01
    await desk.start()
    if is_dictated:
        await dictated(desk, store)
    await open_house(desk)
    for round_ in range(3):
        may_write(store, largest_file(folder) + 200_000)
        name = ""
        for number in range(ORDERS_MAX):
            name = f"{round_}-{number}"
            try:
                outcome = await desk.submit(an_order("0.01", "BUY" if number % 2 else "SELL", client_id=name))
            except ShardUnavailable as unavailable:
                print("refused", name, unavailable.reason, flush=True)
                break
            tell_kept(name, outcome)
        await asyncio.sleep(0.1)
        assert desk.closed_because is not None, "the disk was never full"
        may_write(store, resource.RLIM_INFINITY)
        await until(lambda: desk.closed_because is None)
        outcome = await desk.submit(an_order("0.01", client_id=name))
        assert not outcome.is_repeat, "what was refused had been kept"
        tell_kept(name, outcome)
    await desk.stop()
    store.close()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), is_dictated="dictated" in sys.argv))
