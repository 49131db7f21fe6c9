"""What the server's process holds, and whether it keeps growing."""

import contextlib
import sqlite3
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.figures import Figure
from bench.servers import Server

# Each thread that reads opens the stores once: some two dozen files, however many callers come.
DESCRIPTORS_MAX: Final = 32
THREADS_MAX: Final = 2
TASKS_MAX: Final = 60
# An order that ended leaves sums of fills by account and time (app/fill_sums.py, at most 100,000) and counts of where
# rows are (app/tallies.py, at most 200,000): the more, the more accounts trade side by side. That much each may leave.
ORDER_BYTES_MAX: Final = 256
# Of private memory, for pages of files can be dropped at any time. What lasts longer than the run has to fit in here:
# sessions that go on, deployments that are on record.
GROWN_MIB_MAX: Final = 16.0
SLOPE_MIB_MAX: Final = 0.75  # A minute, over the second half.
# The journal's log is begun anew at 64 MiB, unless readers hold it then; more than this says that they always do.
WAL_MIB_MAX: Final = 256.0


@dataclass(frozen=True)
class Sample:
    """One look at the process. Sizes in MiB; `private` is the memory that is no file's. `orders`: there ever were."""

    rss: float
    private: float
    descriptors: int
    threads: int
    tasks: int
    wal: float
    orders: int = 0


@dataclass(frozen=True)
class Minute:
    """The samples of a minute, and what was answered in it. Times in ms."""

    sample: Sample
    requests: int
    refused: int
    failed: int
    p50: float
    p99: float
    longest: float
    cpu_percent: float


def look(server: Server, tasks: int) -> Sample:
    """Now; `tasks` as the server tells them in /metrics."""
    process = Path(f"/proc/{server.process.pid}")
    wal = sum(file.stat().st_size for file in server.data.glob("*.db-wal"))
    return Sample(
        rss=server.rss_mib(),
        private=sum(private_mib(Path(f"/proc/{pid}/status").read_text()) for pid in server.pids()),
        descriptors=sum(1 for _ in (process / "fd").iterdir()),
        threads=sum(1 for _ in (process / "task").iterdir()),
        tasks=tasks,
        wal=wal / 2**20,
        orders=orders_in(server.data / "journal.db"),
    )


def orders_in(journal: Path) -> int:
    """How many orders the views have."""
    with contextlib.closing(sqlite3.connect(f"{journal.absolute().as_uri()}?mode=ro", uri=True)) as db:
        return int(db.execute("SELECT count(*) FROM orders").fetchone()[0])


def middle(samples: Sequence[Sample]) -> Sample:
    """The median of each."""
    return Sample(
        rss=statistics.median(each.rss for each in samples),
        private=statistics.median(each.private for each in samples),
        descriptors=int(statistics.median(each.descriptors for each in samples)),
        threads=int(statistics.median(each.threads for each in samples)),
        tasks=int(statistics.median(each.tasks for each in samples)),
        wal=max(each.wal for each in samples),
        orders=samples[-1].orders,
    )


def private_mib(status: str) -> float:
    """RssAnon of a process' status."""
    line = next(line for line in status.splitlines() if line.startswith("RssAnon:"))
    return int(line.split()[1]) / 1024


def judged(minutes: Sequence[Minute], warm_up: int, quiet: tuple[Sample, Sample]) -> list[Figure]:
    """Figures with their promises. `warm_up`: minutes that do not count; `quiet`: before and after, nobody there."""
    after = minutes[warm_up:] or minutes
    before, at_end = quiet
    orders = after[-1].sample.orders - after[0].sample.orders
    grown = after[-1].sample.private - after[0].sample.private
    requests = sum(minute.requests for minute in minutes)
    return [
        Figure("requests", requests),
        Figure("answered with 5xx, or not at all", sum(minute.failed for minute in minutes), promise=0),
        Figure("answered with 4xx, hostile ones included", sum(minute.refused for minute in minutes)),
        Figure("p99 of the slowest minute", max(minute.p99 for minute in minutes), "ms"),
        Figure("the longest", max(minute.longest for minute in minutes), "ms"),
        Figure("the server's CPU", statistics.mean(minute.cpu_percent for minute in after), "% of a core"),
        Figure("resident memory at the end, files included", after[-1].sample.rss, "MiB"),
        Figure("private memory after the warm-up", after[0].sample.private, "MiB"),
        Figure("private memory at the end", after[-1].sample.private, "MiB"),
        Figure("orders since the warm-up", orders),
        Figure("grown since the warm-up", grown, "MiB"),
        Figure("of that, for each of the orders", grown * 2**20 / max(1, orders), "bytes"),
        Figure(f"grown, without {ORDER_BYTES_MAX} bytes for each order", unexplained(after[-1]) - unexplained(after[0]),
               "MiB", GROWN_MIB_MAX),
        Figure("the same a minute, over the second half", slope(minutes[len(minutes) // 2 :]), "MiB", SLOPE_MIB_MAX),
        Figure("open files more than before, nobody there", at_end.descriptors - before.descriptors, "",
               DESCRIPTORS_MAX),
        Figure("threads more than after the warm-up", after[-1].sample.threads - after[0].sample.threads, "",
               THREADS_MAX),
        Figure("tasks more than before, nobody there", at_end.tasks - before.tasks, "", TASKS_MAX),
        Figure("the WAL at its largest", max(minute.sample.wal for minute in minutes), "MiB", WAL_MIB_MAX),
    ]  # fmt: skip


def unexplained(minute: Minute) -> float:
    """Private memory without what is allowed for the orders that there ever were [MiB]."""
    return minute.sample.private - minute.sample.orders * ORDER_BYTES_MAX / 2**20


def slope(minutes: Sequence[Minute]) -> float:
    """MiB of `unexplained` a minute, by least squares over the minutes' medians; 0 for fewer than two."""
    if len(minutes) < 2:
        return 0.0
    return statistics.linear_regression(range(len(minutes)), [unexplained(minute) for minute in minutes]).slope
