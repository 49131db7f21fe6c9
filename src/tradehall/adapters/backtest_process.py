"""Backtests in child processes of low priority, so that no order waits for them."""

import asyncio
import json
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import msgspec

from tradehall.app.child_process import Child
from tradehall.ports.backtests import BacktestDone, BacktestFailed, BacktestJob

JOB: Final = "job.msgpack"
METRICS: Final = "metrics.json"
ROUND_TRIPS: Final = "round_trips.json"
REPORT: Final = "report.html"
FAILURE: Final = "failure.txt"
# A child that was told to end has this long before it is killed.
END_WITHIN_S: Final = 2.0


class BacktestProcess:
    """See the port. `command` runs the job that lies in the folder given as its last argument."""

    def __init__(self, command: Sequence[str]) -> None:
        self._command = tuple(command)

    async def run(self, job: BacktestJob, on_progress: Callable[[float], None]) -> BacktestDone:
        """See the port."""
        with tempfile.TemporaryDirectory(prefix="tradehall-backtest-") as name:
            folder = Path(name)
            await asyncio.to_thread(_write_job, folder, job)
            child = await Child.begin((*self._command, name))
            try:
                await self._listen(child, on_progress)
            finally:
                await child.end(END_WITHIN_S)
            return await asyncio.to_thread(_read_done, folder)

    async def _listen(self, child: Child, on_progress: Callable[[float], None]) -> None:
        said = asyncio.ensure_future(child.stderr.read())
        try:
            async for line in child.stdout:
                on_progress(float(line))
            if code := await child.wait():
                lines = (await said).decode(errors="replace").strip().splitlines()
                raise BacktestFailed(lines[-1][:500] if lines else f"the process ended with {code}")
        finally:
            said.cancel()


def _write_job(folder: Path, job: BacktestJob) -> None:
    (folder / JOB).write_bytes(msgspec.msgpack.encode(job))


def _read_done(folder: Path) -> BacktestDone:
    failure = folder / FAILURE
    if failure.exists():
        raise BacktestFailed(failure.read_text(encoding="utf8")[:500])
    return BacktestDone(
        json.loads((folder / METRICS).read_bytes()),
        (folder / ROUND_TRIPS).read_bytes(),
        (folder / REPORT).read_bytes(),
    )
