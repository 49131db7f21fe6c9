"""The program behind app.chores: python -m tradehall.adapters.sqlite.chores FOLDER snapshot|audit"""

import sys
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Final

from tradehall.adapters.sqlite.inspection import SqliteInspection
from tradehall.adapters.sqlite.journal import read_entries
from tradehall.adapters.sqlite.store import FILE_NAME
from tradehall.app.chores import DAMAGE_FOUND
from tradehall.app.recovery import recover
from tradehall.app.snapshots import Snapshots
from tradehall.ports.journal import EMPTY, Head, JournalDamaged, checked

# The chain is read in pieces: one long read would keep the log from ever beginning anew.
RECORDS_PER_READ: Final = 20_000


def chore_command(folder: Path) -> list[str]:
    """What app.chores runs for the house in `folder`."""
    return [sys.executable, "-m", "tradehall.adapters.sqlite.chores", str(folder)]


def main(folder: Path, chore: str) -> int:
    """Do `chore`; 0 done, 1 failed, DAMAGE_FOUND with a sentence on standard output."""
    try:
        if chore == "snapshot":
            snapshot(folder)
        else:
            audit(folder)
    except JournalDamaged as damage:
        print(damage)
        return DAMAGE_FOUND
    except OSError as error:
        print(error)
        return 1
    return 0


def snapshot(folder: Path) -> None:
    """Fold from the last snapshot to the journal's end, and keep the result. OSError if the disk is full."""
    snapshots = Snapshots(folder / "snapshots")
    with closing(SqliteInspection(folder)) as files:
        head = files.head
        state = recover(files, snapshots)
    snapshots.write(state, head)


def audit(folder: Path) -> None:
    """Hold every record against the chain, and the file's structure against itself. JournalDamaged names the fault."""
    head = EMPTY
    while True:
        before = head
        with closing(read_entries(folder / FILE_NAME, head.seq)) as entries:
            for entry in islice(checked(entries, head), RECORDS_PER_READ):
                head = Head(entry.seq, entry.checksum)
        if head == before:
            break
    with closing(SqliteInspection(folder)) as files:
        if faults := files.structure_faults():
            raise JournalDamaged(faults[0])


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2]))
