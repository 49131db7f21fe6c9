"""A process that trades until it is killed, and prints what it was told.

python -m tests.simulation.under_load FOLDER ROUND [dictated]
"""

import asyncio
import os
import sys
from pathlib import Path

from tests.adapters.sqlite.scribes import dictated
from tests.app.shard import a_desk, a_quote, an_order, open_house
from tradehall.adapters.clock import SystemClock
from tradehall.adapters.sqlite.chores import snapshot
from tradehall.adapters.sqlite.store import SqliteStore
from tradehall.app.recovery import rebuild_views
from tradehall.app.snapshots import Snapshots

TRADERS = 24
REPEATED = 5


async def main(folder: Path, round_: int, *, is_dictated: bool) -> None:
    store = SqliteStore(folder, lambda error: sys.exit(f"unknown: {error!r}"))
    rebuild_views(store.journal, store.view_store)
    clock = SystemClock()
    desk = a_desk(
        store, clock=clock, quotes={"BTCUSD": a_quote(at=clock.now())}, snapshots=Snapshots(folder / "snapshots")
    )
    desk.writer.hear_durable(lambda seq: None)
    await desk.start()
    if is_dictated:
        await dictated(desk, store)
    if not desk.state.accounts:
        await open_house(desk)
    os.write(1, b"started\n")
    await asyncio.gather(*(trade(desk, trader, round_) for trader in range(TRADERS)))


async def trade(desk, trader: int, round_: int) -> None:
    # Who heard nothing before the crash asks again; what was kept must be found, not made twice.
    for number in range(REPEATED if round_ else 0):
        await ask(desk, f"{round_ - 1}-{trader}-{number}", number)
    number = 0
    while True:
        await ask(desk, f"{round_}-{trader}-{number}", number)
        number += 1


async def ask(desk, name: str, number: int) -> None:
    side, limit = ("BUY", "40000") if number % 5 == 0 else ("BUY" if number % 2 else "SELL", None)
    outcome = await desk.submit(an_order("0.001", side, limit, client_id=name))
    os.write(1, f"{name} {outcome.order.order_id}\n".encode())


if __name__ == "__main__":
    if sys.argv[2] == "snapshot":
        snapshot(Path(sys.argv[1]))
    else:
        asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2]), is_dictated="dictated" in sys.argv))
