"""A bookkeeper as a child process: tasks to its standard input, reports from its standard output.

Each is its length [4 bytes, little-endian] and MessagePack.
"""

import struct
import subprocess
import threading
from collections.abc import Sequence
from contextlib import suppress
from typing import IO, Final

import msgspec

from tradehall.app.child_process import give_way
from tradehall.ports.bookkeeping import BookkeeperGone, BookkeepingReport, BookkeepingTask
from tradehall.ports.records import RecordsFault

# What it has in hand takes a quarter of a second, or some more where others want the processor.
END_WITHIN_S: Final = 10.0

_LENGTH: Final = struct.Struct("<I")
_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(BookkeepingReport).decode


class BookkeeperProcess:
    """See the port. `command` runs it."""

    def __init__(self, command: Sequence[str]) -> None:
        self._command = tuple(command)
        self._one_at_a_time = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None

    def hire(self) -> None:
        """See the port."""
        self._process = subprocess.Popen(self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        give_way(self._process.pid)

    def carry_out(self, task: BookkeepingTask) -> int:
        """See the port."""
        with self._one_at_a_time:
            report = self._report(task)
        if report.fault is not None:
            raise RecordsFault(report.fault)
        return report.seq

    def _report(self, task: BookkeepingTask) -> BookkeepingReport:
        process = self._process
        if process is None or process.stdin is None or process.stdout is None:
            raise BookkeeperGone("nobody is there")
        try:
            send(process.stdin, _encode(task))
            told = receive(process.stdout)
        except (OSError, ValueError) as error:  # ValueError: he was dismissed meanwhile.
            raise BookkeeperGone(str(error)) from error
        if told is None:
            raise BookkeeperGone("it ended before it was done")
        return _decode(told)

    def dismiss(self) -> None:
        """See the port."""
        process, self._process = self._process, None
        if process is None or process.stdin is None or process.stdout is None:
            return
        with suppress(OSError):  # It is gone, and what was on the way to it too.
            process.stdin.close()
        try:
            process.wait(END_WITHIN_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        with self._one_at_a_time:
            process.stdout.close()


def send(stream: IO[bytes], message: bytes) -> None:
    """One whole message. OSError if nobody reads any more."""
    stream.write(_LENGTH.pack(len(message)) + message)
    stream.flush()


def receive(stream: IO[bytes]) -> bytes | None:
    """The next message; None at the end, or where one breaks off."""
    head = stream.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    (length,) = _LENGTH.unpack(head)
    message = stream.read(length)
    return message if len(message) == length else None
