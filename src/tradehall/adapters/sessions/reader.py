"""Reading recorded sessions, also those of a server that was killed: what is whole is read, the rest is told."""

import re
import zlib
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Final

import msgspec

from tradehall.venue.session import AnyRow, decode_row

CHUNK: Final = 1 << 20
# Format of the gzip family, for zlib.
_GZIP: Final = 31
_SEGMENT: Final = re.compile(r"(session-\d{20})-\d{6}\.jsonl\.gz")


class RecordingMissing(Exception):
    """There is nothing recorded at a path; the text says what was expected."""


class SessionFiles:
    """The segments of one recorded session, oldest first; `damage` holds what was found wrong while reading."""

    def __init__(self, name: str, segments: list[Path]) -> None:
        self.name = name
        self.segments = segments
        self.damage: list[str] = []

    @property
    def size(self) -> int:
        """Bytes on the disk."""
        return sum(segment.stat().st_size for segment in self.segments)

    def rows(self) -> Iterator[AnyRow]:
        """All rows that can be read, in order; `damage` is told anew each time."""
        self.damage = []
        for segment in self.segments:
            for lines in self._members(segment):
                for line in lines.splitlines():
                    yield decode_row(line)

    def _members(self, segment: Path) -> Iterator[bytes]:
        """What each whole member of a segment holds; the first that is not whole ends it."""
        try:
            yield from _whole_members(segment)
        except (zlib.error, EOFError, msgspec.MsgspecError) as error:
            self.damage.append(f"{segment.name}: {error}")


def find_sessions(path: Path) -> list[SessionFiles]:
    """The sessions recorded in a folder, oldest first. RecordingMissing if there is none."""
    segments = sorted(each for each in path.glob("session-*.jsonl.gz") if _SEGMENT.fullmatch(each.name))
    if not segments:
        raise RecordingMissing(f"{path} holds no recorded session: expected what `tradehall serve --record` wrote")
    return [SessionFiles(name, list(files)) for name, files in groupby(segments, _session_of)]


def _session_of(segment: Path) -> str:
    match = _SEGMENT.fullmatch(segment.name)
    assert match is not None
    return match[1]


def _whole_members(segment: Path) -> Iterator[bytes]:
    """zlib.error: damaged; EOFError: cut in the midst of a member."""
    with segment.open("rb") as file:
        inflating, parts = zlib.decompressobj(_GZIP), list[bytes]()
        rest = file.read(CHUNK)
        is_within = False
        while rest:
            parts.append(inflating.decompress(rest))
            is_within = not inflating.eof
            rest = inflating.unused_data
            if not is_within:
                yield b"".join(parts)
                inflating, parts = zlib.decompressobj(_GZIP), []
            rest = rest or file.read(CHUNK)
    if is_within:
        raise EOFError("it ends in the midst of a batch: whoever wrote it was killed, or it was cut")
