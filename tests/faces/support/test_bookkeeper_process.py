"""A bookkeeper that is a process: it keeps what the loop would keep, and whatever becomes of it nothing is missing."""

import asyncio
import os
import signal
import sqlite3
import subprocess
from contextlib import closing
from decimal import Decimal
from io import BytesIO
from typing import Any

import msgspec
import pytest

from tests.app.shard import unknown_is_a_failure, until
from tests.app.studio.world import UP, opens_on, run
from tests.faces.support.opened import MIRA, WHY, Opened, nobody, opened
from tradehall.adapters.bookkeeper_process import BookkeeperProcess, receive, send
from tradehall.adapters.sqlite.records import SqliteRecords
from tradehall.adapters.sqlite.store import SqliteStore
from tradehall.app.support import keeping
from tradehall.ports.bookkeeping import BookkeeperGone, BookkeepingTask
from tradehall.ports.records import RecordsFault
from tradehall.ports.trips import Execution, ExecutionQuery, Overlay, TripQuery
from tradehall.wiring.bookkeeping_job import StudioPages, bookkeeping_command

ALL = ExecutionQuery(accounts=(MIRA,), since=0, until=2**62, fields=frozenset(Execution._fields), has_exits=True)


def a_process(store: SqliteStore) -> BookkeeperProcess:
    return BookkeeperProcess(bookkeeping_command(store.path.parent))


@pytest.fixture(autouse=True)
def _hired_at_once(monkeypatch):
    monkeypatch.setattr(keeping, "HIRE_AT", 1)


async def trade(desk: Opened) -> None:
    """Orders that are filled, closed, cancelled, and rest; with what protects them."""
    await desk.world.quote("1.1000")
    for number in range(6):
        await desk.order(side="BUY" if number % 2 else "SELL")
        await desk.order(limit_price=Decimal("1.0500"))
    for position in [*desk.world.rooms.desk.state.accounts[MIRA].positions.values()]:
        await desk.close(position.position_id)


def process_of(desk: Opened) -> "subprocess.Popen[bytes]":
    process: subprocess.Popen[bytes] | None = desk.rooms.keeper._bookkeeper._process  # type: ignore[union-attr]
    assert process is not None
    return process


async def trips(desk: Opened) -> list[Any]:
    return [each.trip for each in (await desk.rooms.trips.page(TripQuery(limit=100)))[0]]


def test_it_keeps_what_the_loop_keeps_and_the_stamps_of_this_house(tmp_path):
    async def story():
        async with opened(tmp_path, bookkeeper=a_process) as desk:
            await trade(desk)
            kept = await trips(desk)
            found = desk.rooms.store.executions(ALL)
            assert len(kept) > 6 and len(found) > 6
            by_hand = found.columns["journaled"]
            assert (by_hand > 0).all(), "nobody else knows when they were durable"
            process = process_of(desk)
        assert process.poll() == 0
        columns = ("journaled", "order_id", "first_fill", "flags", "trip_id")
        before = {name: found.columns[name].tolist() for name in columns}
        async with opened(tmp_path, bookkeeper=nobody) as desk:
            assert await trips(desk) == kept
        for file in (tmp_path / "support").iterdir():
            file.unlink()
        async with opened(tmp_path, bookkeeper=nobody) as desk:
            assert await trips(desk) == kept
            again = desk.rooms.store.executions(ALL)
            for name in ("order_id", "flags", "trip_id"):
                assert again.columns[name].tolist() == before[name]

    run(story())


@pytest.mark.parametrize("is_at_work", [False, True])
def test_where_it_is_killed_the_loop_goes_on(tmp_path, is_at_work):
    async def story():
        async with opened(tmp_path, bookkeeper=a_process) as desk:
            keeper = desk.rooms.keeper
            await trade(desk)
            before = await trips(desk)
            process = process_of(desk)
            os.kill(process.pid, signal.SIGSTOP)
            await trade(desk)
            asking = asyncio.ensure_future(keeper.flush()) if is_at_work else None
            if asking is not None:
                await until(lambda: keeper._errand is not None and not keeper._errand.done())
            process.kill()
            if asking is not None:
                await asking
            after = await trips(desk)
            assert len(after) == 2 * len(before)
            assert keeper._bookkeeper is None and process.returncode == -signal.SIGKILL
        for file in (tmp_path / "support").iterdir():
            file.unlink()
        async with opened(tmp_path, bookkeeper=a_process) as desk:
            assert await trips(desk) == after

    run(story())


def test_what_is_laid_over_a_trip_stays_when_it_is_written_again(tmp_path):
    async def story():
        async with opened(tmp_path, bookkeeper=a_process) as desk:
            await desk.world.quote("1.1000")
            bought = await desk.order()
            assert bought.order is not None
            [held] = await desk.trades()
            await desk.ok("PATCH", f"/trades/{held['id']}", {"strike": "1.2", **WHY})
            assert [each["id"] for each in await desk.trades(adjusted="true")] == [held["id"]]
            await desk.close(bought.order.order_id)
            [ended] = await desk.trades(adjusted="true")
            assert (ended["id"], ended["status"], ended["strike"]) == (held["id"], "closed", "1.2")

    run(story())


def test_what_could_not_be_written_is_folded_again(tmp_path):
    async def story():
        async with opened(tmp_path, bookkeeper=a_process) as desk:
            await trade(desk)
            before = await trips(desk)
            await trade(desk)
            with closing(sqlite3.connect(tmp_path / "support" / "trips.db")) as db:
                db.execute("ALTER TABLE item RENAME TO gone")
                with pytest.raises(RecordsFault, match="cannot be used"):
                    await desk.rooms.keeper.flush()
                db.execute("ALTER TABLE gone RENAME TO item")
            assert len(await trips(desk)) == 2 * len(before)
            assert desk.rooms.keeper._bookkeeper is not None

    run(story())


def test_it_learns_of_strategies_that_were_made_since(tmp_path):
    async def story():
        async with opened(tmp_path) as desk:
            with closing(SqliteRecords(tmp_path / "records.db")) as records:
                pages = StudioPages(records)
                known = len(pages.book().strategies)
                assert pages.book() is pages.book()
                await desk.world.strategy(opens_on(UP))
                assert len(pages.book().strategies) == known + 1

    run(story())


def test_a_message_that_breaks_off_is_none():
    for broken in (b"", b"\5\0", b"\5\0\0\0four"):
        assert receive(BytesIO(broken)) is None
    assert receive(BytesIO(b"\5\0\0\0fives")) == b"fives"


@pytest.fixture
def process(tmp_path):
    with closing(SqliteStore(tmp_path, unknown_is_a_failure)) as store:
        process = a_process(store)
        process.hire()
        yield process
        process.dismiss()


def test_who_tells_the_group_to_end_leaves_it_at_work(process):
    assert process.carry_out(BookkeepingTask()) == 0  # It has begun.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        os.kill(process._process.pid, number)
    assert process.carry_out(BookkeepingTask()) == 0


def test_it_ends_with_the_server(tmp_path):
    command = bookkeeping_command(tmp_path)
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdin is not None and child.stdout is not None
        send(child.stdin, msgspec.msgpack.encode(BookkeepingTask()))
        assert receive(child.stdout) is not None
        child.stdin.close()
        assert child.wait(10) == 0


def test_what_is_not_in_the_journal_ends_it_and_that_is_heard(process, capfd):
    process.dismiss()
    process.hire()  # Once more, where it is heard.
    with pytest.raises(BookkeeperGone):
        process.carry_out(BookkeepingTask(until=5))
    process.dismiss()
    assert "has no record 5" in capfd.readouterr().err
    with pytest.raises(BookkeeperGone):
        process.carry_out(BookkeepingTask())


def test_a_store_that_fails_is_a_fault_and_not_the_end(process, tmp_path):
    assert process.carry_out(BookkeepingTask()) == 0
    with closing(sqlite3.connect(tmp_path / "support" / "trips.db")) as db:
        db.execute("ALTER TABLE trip RENAME TO gone")
        with pytest.raises(RecordsFault, match="cannot be used"):
            process.carry_out(BookkeepingTask(overlays=[Overlay(trip_id=1)]))
        db.execute("ALTER TABLE gone RENAME TO trip")
    assert process.carry_out(BookkeepingTask()) == 0
