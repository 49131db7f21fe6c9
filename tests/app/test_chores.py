"""Chores run beside the server, and what they find is heard."""

import asyncio
import sys

import pytest

from tests.adapters.sqlite.house import findings_of, make_house
from tests.app.shard import run, until
from tradehall.adapters.sqlite.chores import chore_command
from tradehall.app.chores import DAMAGE_FOUND, SNAPSHOT_EVERY, Chores
from tradehall.app.snapshots import Snapshots


def a_program(text):
    return [sys.executable, "-c", text]


def is_done(chores):
    return lambda: not chores._running


def test_damage_found_by_the_audit_is_told():
    async def told():
        heard: list[str] = []
        chores = Chores(a_program(f"print('record 7 is missing'); exit({DAMAGE_FOUND})"), heard.append, seq=0)
        chores.start_audit()
        await until(lambda: heard)
        assert heard == ["record 7 is missing"]

    run(told())


def test_a_chore_that_fails_is_logged_and_harms_nobody(caplog):
    async def told():
        chores = Chores(a_program("exit('no space left')"), pytest.fail, seq=0)
        chores.start_audit()
        await until(is_done(chores))
        assert "no space left" in caplog.text
        missing = Chores(["/does/not/exist"], pytest.fail, seq=0)
        missing.start_audit()
        await until(is_done(missing))
        assert "could not be started" in caplog.text

    run(told())


def test_a_snapshot_is_written_when_enough_records_came_and_not_before(tmp_path):
    make_house(tmp_path)

    async def told():
        chores = Chores(chore_command(tmp_path), pytest.fail, seq=0)
        chores._snapshot_at_s = -1e9
        chores.hear_durable(SNAPSHOT_EVERY - 1)
        assert is_done(chores)()
        chores.hear_durable(SNAPSHOT_EVERY)
        await until(is_done(chores))
        chores.hear_durable(SNAPSHOT_EVERY * 3)  # Too soon after the last.
        assert is_done(chores)()

    run(told())
    assert len(Snapshots(tmp_path / "snapshots").paths_by_seq()) == 1
    assert findings_of(tmp_path) == []


@pytest.mark.parametrize("is_damaged", [False, True])
def test_the_audit_reads_the_whole_chain(tmp_path, is_damaged):
    make_house(tmp_path, snapshot=True)
    if is_damaged:
        path = tmp_path / "journal.db"
        path.write_bytes(path.read_bytes().replace(b'{"seq":9,', b'{"seq":8,', 1))

    async def told():
        heard: list[str] = []
        chores = Chores(chore_command(tmp_path), heard.append, seq=0)
        chores.start_audit()
        await until(is_done(chores))
        return heard

    heard = run(told())
    assert ("record 9 does not match" in heard[0]) if is_damaged else heard == []


def test_chores_under_way_are_ended_with_the_server():
    async def told():
        chores = Chores(a_program("import time; time.sleep(60)"), pytest.fail, seq=0)
        chores.start_audit()
        await until(lambda: chores._children)
        await chores.stop()
        assert is_done(chores)()
        await asyncio.sleep(0)

    run(told())
