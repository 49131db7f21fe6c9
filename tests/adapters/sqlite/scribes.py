"""A scribe that comes at once."""

from tests.app.shard import until
from tradehall.adapters.sqlite.store import SqliteStore
from tradehall.app.desk import Desk
from tradehall.app.dictation import HIRE_AFTER


async def dictated(desk: Desk, store: SqliteStore) -> None:
    """From now on, orders that keep coming are written by the scribe; `desk` has started."""
    desk.writer.employ(store.scribe)
    dictation = desk.writer._dictation
    assert dictation is not None
    for _ in range(HIRE_AFTER):
        dictation.note(is_alone=False)
    await until(lambda: dictation.is_here)


def pids(store: SqliteStore) -> list[int]:
    """Of the scribe, if it was hired."""
    process = store.scribe._process
    return [] if process is None else [process.pid]
