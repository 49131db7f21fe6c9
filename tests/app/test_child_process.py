"""Children are begun, heard, and ended; they work while nobody else does."""

import asyncio
import os
import signal
import subprocess
import sys

import pytest

from tests.app.shard import run
from tradehall.app.child_process import Child


async def a_child(text):
    return await Child.begin([sys.executable, "-c", text])


def test_what_a_child_writes_is_read_and_its_code_told():
    async def told():
        child = await a_child("import sys; print('found'); print('lost', file=sys.stderr); exit(7)")
        assert await child.stdout.read() == b"found\n"
        assert await child.stderr.read() == b"lost\n"
        assert await child.wait() == 7
        assert await child.wait() == 7
        await child.end(0)  # Which has ended already.

    run(told())


def test_lines_come_as_they_are_written():
    async def told():
        child = await a_child("import time; print(1, flush=True); time.sleep(60)")
        assert await child.stdout.readline() == b"1\n"
        await child.end(20)
        return await child.wait()

    assert run(told()) == -signal.SIGTERM


def test_who_will_not_end_is_killed():
    async def told():
        child = await a_child(
            "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(1, flush=True); time.sleep(60)"
        )
        await child.stdout.readline()
        await child.end(0.05)
        return await child.wait()

    assert run(told()) == -signal.SIGKILL


def test_what_is_no_program_is_an_error():
    async def told():
        with pytest.raises(FileNotFoundError):
            await Child.begin(["/does/not/exist"])

    run(told())


def test_who_is_cancelled_while_beginning_leaves_nothing_running(monkeypatch):
    begun = []

    class Noted(subprocess.Popen[bytes]):
        def __init__(self, *told, **more):
            super().__init__(*told, **more)
            begun.append(self)

    monkeypatch.setattr(subprocess, "Popen", Noted)

    async def told():
        beginning = asyncio.ensure_future(a_child("import time; time.sleep(60)"))
        await asyncio.sleep(0)
        beginning.cancel()
        with pytest.raises(asyncio.CancelledError):
            await beginning

    run(told())
    assert [process.returncode for process in begun] == [-signal.SIGKILL]


@pytest.mark.skipif(not hasattr(os, "SCHED_IDLE"), reason="wants a system with SCHED_IDLE")
def test_a_child_works_while_nobody_else_does():
    async def told():
        child = await a_child(
            "import os, time\n"
            "for _ in range(1_000):\n"
            "    if os.sched_getscheduler(0) == os.SCHED_IDLE: break\n"
            "    time.sleep(0.01)\n"
            "else: exit('never')\n"
            "print(os.nice(0))"
        )
        return await child.stdout.read()

    assert run(told()) == b"19\n"


def test_a_child_that_has_ended_already_is_no_error(monkeypatch):
    def too_late(*_):
        raise ProcessLookupError

    monkeypatch.setattr(os, "setpriority", too_late)

    async def told():
        return await (await a_child("exit(3)")).wait()

    assert run(told()) == 3
