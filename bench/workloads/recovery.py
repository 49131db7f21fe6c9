"""Starting again: a journal of a million events folded, and the same with a snapshot."""

import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.figures import Figure, Options
from bench.journals import write_journal
from bench.servers import tradehall


def run(options: Options) -> list[Figure]:
    """Seconds of folding as `tradehall verify` and a start see it."""
    events = options.scaled(1_000_000)
    with tempfile.TemporaryDirectory() as scratch:
        data = Path(scratch)
        written = write_journal(data, events=events)
        folding = _folding_s(data)
        cold = _start_s(data)
        warm = _start_s(data)
        shutil.rmtree(data / "snapshots", ignore_errors=True)
    return [
        Figure(f"fold {written.events:,} events of {written.records:,} records", folding, "s", 10.0),
        Figure("start without a snapshot", cold, "s"),
        Figure("start with a snapshot", warm, "s", 2.0),
    ]


def _folding_s(data: Path) -> float:
    """Seconds that recovery alone takes, chain checked, in a process of its own."""
    code = (
        "import sys, time; from pathlib import Path\n"
        "from tradehall.adapters.sqlite.store import SqliteStore\n"
        "from tradehall.app.recovery import recover\n"
        "store = SqliteStore(Path(sys.argv[1]), lambda error: None)\n"
        "started = time.perf_counter(); recover(store.journal, None)\n"
        "print(time.perf_counter() - started); store.close()"
    )
    finished = subprocess.run([sys.executable, "-c", code, str(data)], check=True, capture_output=True, text=True)
    return float(finished.stdout)


def _start_s(data: Path) -> float:
    started = time.perf_counter()
    with tradehall(data=data):
        return time.perf_counter() - started
