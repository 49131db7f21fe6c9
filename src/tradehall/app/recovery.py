"""Recovery: snapshot and journal → state, at the start and after a failure; journal → rows that the views lack."""

import gc
import logging
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Final

from tradehall.app.projections import VIEWS_VERSION, project
from tradehall.app.snapshots import Snapshots
from tradehall.engine.record import decode_facts
from tradehall.engine.replay import fold
from tradehall.engine.state import State
from tradehall.ports.journal import EMPTY, Entries, Entry, Head, JournalDamaged, checked
from tradehall.ports.views import ViewRows, ViewStore

PROGRESS_EVERY: Final = 10_000
RECORDS_PER_WRITE: Final = 2_000
# Who folds beside a working shard rests this long after so many records. Without, the loop waits for the interpreter's
# lock each time it wants it: measured, its p90 delay is 2.9 ms without and 0.7 ms with, for a third more of time.
RECORDS_PER_REST: Final = 64
REST_S: Final = 50e-6

log: Final = logging.getLogger("tradehall.recovery")

Progress = Callable[[int, int], None]


def no_progress(done: int, total: int) -> None:
    """Tell nobody."""


def recover(
    journal: Entries,
    snapshots: Snapshots | None,
    progress: Progress = no_progress,
    views: ViewStore | None = None,
) -> State:
    """The state after the last durable record: from the newest snapshot that fits, else from the first record.

    Every record folded is held against the chain. JournalDamaged names the first that fails. `views` (of this version;
    while nobody else writes) get the rows that they lack: a crash may come between records and their rows.
    """
    head = journal.head
    rows_until = head.seq if views is None else views.seq
    if rows_until > head.seq:
        raise JournalDamaged(f"the views are of record {rows_until}, the journal ends at record {head.seq}")
    state, since = State(), EMPTY
    if snapshots is not None:
        # To make rows of a record takes the state after it.
        found = snapshots.newest(journal, until=rows_until)
        if found is not None:
            state, since = found
    with collector_paused():
        entries = _watched(checked(journal.entries(since.seq), since), since, head, progress)
        for entry in islice(entries, rows_until - since.seq):
            fold(state, decode_facts(entry.payload))
        for rows in projected(entries, state):
            if views is not None and state.seq > rows_until:
                views.write(rows, state.seq)
    if rows_until < head.seq:
        log.info("the views have caught up: records=%d", head.seq - rows_until)
    assert state.seq == head.seq, f"the journal ends at {head.seq}, folding came to {state.seq}"
    return state


def rebuild_views(journal: Entries, views: ViewStore, progress: Progress = no_progress) -> None:
    """Bring views of another version up to date by folding the whole journal."""
    if views.version == VIEWS_VERSION:
        return
    views.clear()
    if journal.head.seq:
        log.info("building the views anew: records=%d", journal.head.seq)
    with collector_paused():
        state = State()
        for rows in projected(_watched(checked(journal.entries()), EMPTY, journal.head, progress), state):
            views.write(rows, state.seq)
    views.complete(VIEWS_VERSION)


def projected(entries: Iterator[Entry], state: State) -> Iterator[ViewRows]:
    """View rows of `entries`, some thousand records at a time; `state` is folded along."""
    rows = ViewRows()
    for entry in entries:
        facts = decode_facts(entry.payload)
        fold(state, facts)
        project(facts, state, rows)
        if facts.seq % RECORDS_PER_WRITE == 0:
            yield rows
            rows = ViewRows()
    yield rows


def _watched(entries: Iterator[Entry], since: Head, head: Head, progress: Progress) -> Iterator[Entry]:
    total = head.seq - since.seq
    for done, entry in enumerate(entries, start=1):
        yield entry
        if done % PROGRESS_EVERY == 0:
            progress(done, total)
    progress(total, total)


def unhurried(entries: Iterable[Entry]) -> Iterator[Entry]:
    """`entries`, with a rest now and then, for a thread that works beside the loop's."""
    for count, entry in enumerate(entries, start=1):
        yield entry
        if not count % RECORDS_PER_REST:
            time.sleep(REST_S)


@contextmanager
def collector_paused() -> Iterator[None]:
    """Folding makes what stays: to look for garbage in it again and again would take half of the time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
