"""What a write-ahead log left behind by a crash holds, seen from outside, before SQLite opens it.

SQLite drops whatever follows the last whole transaction, and does not say so; here it is counted, so that
the start can report it. The format is described at https://www.sqlite.org/fileformat2.html#walformat
"""

import struct
from pathlib import Path
from typing import Final, NamedTuple

HEADER_BYTES: Final = 32
FRAME_HEADER_BYTES: Final = 24
_MAGIC: Final = {0x377F0682, 0x377F0683}


class LogContent(NamedTuple):
    """`frames` of the log's present round, whole or not (a cut one counts); `is_readable`: the header makes sense."""

    frames: int
    is_readable: bool


EMPTY_LOG: Final = LogContent(0, is_readable=True)


def read_log(path: Path) -> LogContent:
    """Count the frames in the log at `path`; a log that is not there is empty."""
    try:
        size = path.stat().st_size
    except FileNotFoundError:
        return EMPTY_LOG
    if size == 0:
        return EMPTY_LOG
    with path.open("rb") as file:
        header = file.read(HEADER_BYTES)
        if len(header) < HEADER_BYTES:
            return LogContent(1, is_readable=False)
        magic, _version, page_bytes = struct.unpack(">III", header[:12])
        if magic not in _MAGIC or page_bytes < 512 or _checksum(header[:24], magic) != header[24:]:
            return LogContent(1, is_readable=False)
        salts = header[16:24]
        frame_bytes = FRAME_HEADER_BYTES + page_bytes
        frames = 0
        for offset in range(HEADER_BYTES, size, frame_bytes):
            file.seek(offset + 8)
            stamp = file.read(8)
            # Frames of an earlier round of the log follow the present one's; they bear other salts.
            if len(stamp) == len(salts) and stamp != salts:
                break
            frames += 1
    return LogContent(frames, is_readable=True)


def _checksum(content: bytes, magic: int) -> bytes:
    """SQLite's checksum of the header: two sums of 32-bit words, each fed by the other."""
    first = second = 0
    words = struct.unpack(f"{'>' if magic & 1 else '<'}{len(content) // 4}I", content)
    for even, odd in zip(words[::2], words[1::2], strict=True):
        first = (first + even + second) & 0xFFFFFFFF
        second = (second + odd + first) & 0xFFFFFFFF
    return struct.pack(">II", first, second)
