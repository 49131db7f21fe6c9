"""Child processes of the server: long work that no order shall wait for.

uvloop forks to begin one. With a server of 250 MiB that keeps everybody for 20 ms, and each page that is written
afterwards is copied first. Here the child borrows our memory until it is a program of its own (vfork): 0.5 ms.
"""

import asyncio
import os
import subprocess
import threading
from asyncio import StreamReader, StreamReaderProtocol
from collections.abc import Sequence
from contextlib import suppress
from typing import IO, Self

_NICENESS = 19


class Child:
    """A process that was begun, with its output. Belongs to the running loop."""

    def __init__(self, process: "subprocess.Popen[bytes]", stdout: StreamReader, stderr: StreamReader) -> None:
        self.stdout = stdout
        self.stderr = stderr
        self._process = process
        self._loop = asyncio.get_running_loop()
        self._ended: asyncio.Future[int] = self._loop.create_future()
        threading.Thread(target=self._await_end, name="child", daemon=True).start()

    @classmethod
    async def begin(cls, command: Sequence[str]) -> Self:
        """Run `command` where nobody else wants the processor. OSError if it cannot be."""
        process = subprocess.Popen(  # noqa: ASYNC220 - half a millisecond, and nobody can cancel it half-way.
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0
        )
        assert process.stdout is not None
        assert process.stderr is not None
        give_way(process.pid)
        try:
            return cls(process, await _reader(process.stdout), await _reader(process.stderr))
        except BaseException:
            process.kill()
            with process:  # Which waits, and lets go of the pipes.
                raise

    async def wait(self) -> int:
        """Its exit code, when it has ended."""
        return await asyncio.shield(self._ended)

    def terminate(self) -> None:
        """Ask it to end, if it still runs."""
        self._process.terminate()

    async def end(self, within_s: float) -> None:
        """Ask it to end, and kill it if it does not."""
        self.terminate()
        try:
            async with asyncio.timeout(within_s):
                await self.wait()
        except TimeoutError:
            self._process.kill()
            await self.wait()

    def _await_end(self) -> None:
        code = self._process.wait()
        with suppress(RuntimeError):  # The loop is closed: nobody waits any more.
            self._loop.call_soon_threadsafe(self._ended.set_result, code)


def give_way(pid: int) -> None:
    """Let a process work while nobody else wants the processor, so that who wakes meanwhile has it at once.

    A low priority alone does not do that: who is at work may go on for milliseconds. From here, and not by itself: a
    program first spends a while on what it imports.
    """
    with suppress(OSError):  # It has ended already; or the sandbox forbids it.
        os.setpriority(os.PRIO_PROCESS, pid, _NICENESS)
        if hasattr(os, "SCHED_IDLE"):
            os.sched_setscheduler(pid, os.SCHED_IDLE, os.sched_param(0))


async def _reader(pipe: IO[bytes]) -> StreamReader:
    reader = StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: StreamReaderProtocol(reader), pipe)
    return reader
