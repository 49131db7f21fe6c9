"""Snapshots: the state on disk, to shorten the start. A missing or bad one only means a longer start."""

import hashlib
import logging
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from tradehall.engine.replay import decode_snapshot, encode_snapshot
from tradehall.engine.state import State
from tradehall.ports.journal import Entries, Head

FORMAT: Final = 2
# The newest shorten the start; the older ones are an archive that makes the past quick to reach.
KEPT: Final = 2
ARCHIVED_MAX: Final = 48

log: Final = logging.getLogger("tradehall.snapshots")


class SnapshotTitle(Struct, frozen=True):
    """First line of a snapshot's file; the state follows.

    `chain`: checksum of record `seq`, which ties the snapshot to its journal.
    """

    format: int
    seq: int
    chain: str
    sha256: str


class Snapshots:
    """Snapshots in `folder`, one file each, named by the number of the last record in them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def newest(self, journal: Entries, until: int | None = None) -> tuple[State, Head] | None:
        """The newest good snapshot of `journal`, with the journal's end at its time; not beyond record `until`."""
        for seq, path in self.paths_by_seq().items():
            if until is not None and until < seq <= journal.head.seq:
                continue
            try:
                state, since = _load(path, journal.head)
                if since != _record_at(journal, since.seq):
                    raise ValueError("it belongs to another journal")
                return state, since
            except (OSError, ValueError, msgspec.MsgspecError) as error:
                log.warning("a snapshot cannot be used: file=%s error=%r", path.name, str(error))
        return None

    def write(self, state: State, head: Head) -> None:
        """Keep `state`, which is durable up to `head`. OSError if the disk will not have it."""
        assert state.seq == head.seq, f"the state is at {state.seq}, the journal at {head.seq}"
        body = encode_snapshot(state.snapshot())
        title = SnapshotTitle(FORMAT, head.seq, head.checksum.hex(), hashlib.sha256(body).hexdigest())
        self.folder.mkdir(parents=True, exist_ok=True)
        _replace(self.folder / f"{head.seq}.json", msgspec.json.encode(title) + b"\n" + body)
        found = self.paths_by_seq()
        for seq in found.keys() - archived(found):
            found[seq].unlink(missing_ok=True)
        for part in self.folder.glob("*.part"):
            part.unlink(missing_ok=True)  # Of a writer that was ended half-way.

    def paths_by_seq(self) -> dict[int, Path]:
        """The files there are, newest first."""
        found = {int(path.stem): path for path in self.folder.glob("*.json") if path.stem.isdecimal()}
        return {seq: found[seq] for seq in sorted(found, reverse=True)}

    def fault(self, state: State, head: Head) -> str | None:
        """What is wrong with the snapshot of record `head.seq`, where the fold came to `state`."""
        try:
            found, since = _load(self.folder / f"{head.seq}.json", head)
        except (OSError, ValueError, msgspec.MsgspecError) as error:
            return str(error)
        if since != head:
            return "it belongs to another journal"
        # Both by way of their text: a live state's sets and orders of insertion are not to be compared.
        is_same = decode_snapshot(encode_snapshot(found.snapshot())) == decode_snapshot(
            encode_snapshot(state.snapshot())
        )
        return None if is_same else "it differs from what the journal folds to"


def archived(seqs: Iterable[int]) -> set[int]:
    """Which snapshots are kept: the newest, and older ones at distances that grow with their age.

    Of too many the one goes whose neighbours lie closest together, seen from the newest.
    """
    kept = sorted(seqs, reverse=True)
    while len(kept) > KEPT + ARCHIVED_MAX:
        newest = kept[0]
        place = min(
            range(KEPT, len(kept) - 1),
            key=lambda place: (kept[place - 1] - kept[place + 1]) / (newest - kept[place]),
        )
        del kept[place]
    return set(kept)


def _record_at(journal: Entries, seq: int) -> Head | None:
    entry = next(iter(journal.entries(seq - 1)), None)
    return None if entry is None else Head(entry.seq, entry.checksum)


def _load(path: Path, head: Head) -> tuple[State, Head]:
    first, _, body = path.read_bytes().partition(b"\n")
    title = msgspec.json.decode(first, type=SnapshotTitle)
    if title.format != FORMAT:
        raise ValueError(f"its format is {title.format}, this Tradehall knows {FORMAT}")
    if title.seq > head.seq:
        raise ValueError(f"it is of record {title.seq}, the journal ends at {head.seq}")
    if hashlib.sha256(body).hexdigest() != title.sha256:
        raise ValueError("its checksum does not match")
    return State.restore(decode_snapshot(body)), Head(title.seq, bytes.fromhex(title.chain))


def _replace(path: Path, content: bytes) -> None:
    """Write a file that is either wholly there or not at all, whatever happens meanwhile."""
    part = path.with_suffix(".part")
    try:
        with part.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError:
        part.unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
