"""A program of somebody else's as a child process; what it says goes to a file that does not grow for ever."""

import asyncio
import os
from asyncio.subprocess import PIPE, STDOUT, Process
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

LOG_BYTES_MAX: Final = 5_000_000
READ_BYTES: Final = 65_536
# A program that was told to end has this long before it is killed.
END_WITHIN_S: Final = 5.0


class BoundedLog:
    """The last LOG_BYTES_MAX to twice that of what was written: the file, and the one before it."""

    def __init__(self, path: Path, bytes_max: int = LOG_BYTES_MAX) -> None:
        self.path = path
        self._bytes_max = bytes_max
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._file = path.open("ab")

    def write(self, text: bytes) -> None:
        """Add to the end; a full file becomes the one before."""
        if self._file.tell() + len(text) > self._bytes_max:
            self._file.close()
            self.path.replace(self.path.with_suffix(self.path.suffix + ".1"))
            self._file = self.path.open("ab")
        self._file.write(text)
        self._file.flush()

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()


class ProgramProcess:
    """See app.deployments.programs. `command` is run with `environment` added to ours."""

    def __init__(self, command: Sequence[str], log: BoundedLog) -> None:
        self._command = tuple(command)
        self._log = log

    async def run(self, environment: Mapping[str, str]) -> int:
        """Run to its end, the exit code; who is cancelled leaves nothing running."""
        child = await asyncio.create_subprocess_exec(
            *self._command, env={**os.environ, **environment}, stdout=PIPE, stderr=STDOUT, start_new_session=True
        )
        try:
            assert child.stdout is not None
            while text := await child.stdout.read(READ_BYTES):
                self._log.write(text)
            return await child.wait()
        finally:
            await _end(child)


async def _end(child: Process) -> None:
    if child.returncode is not None:
        return
    child.terminate()
    try:
        async with asyncio.timeout(END_WITHIN_S):
            await child.wait()
    except TimeoutError:
        child.kill()
        await child.wait()
