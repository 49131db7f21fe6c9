"""The access log: one `key=value` line a request, gathered, and written by a thread of its own.

A line holds no query, no header and no body, so no secret can reach it; what comes from a
caller is escaped, so that nobody writes lines or keys of his own.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable
from threading import Event, Thread
from typing import Protocol, TypeAlias

from tradehall.faces.kit.request import Request

FLUSH_EVERY_S = 0.5
FLUSH_AT_LINES = 350
# A stalled terminal must not eat the memory: past this, lines are dropped and counted.
MAX_WAITING_LINES = 20_000
MAX_PATH = 256
MAX_KINDS = 1024
# How long the last lines may take; what nobody reads by then is given up.
STOP_WITHIN_S = 1.0
# When a pipe is tried again that is full, and says so instead of waiting.
FULL_PIPE_S = 0.02

_log = logging.getLogger("tradehall.faces")
_3_DIGITS = [f"{number:03d}" for number in range(1000)]


class Stream(Protocol):
    """A binary file without a buffer, or what behaves like one. `write`: how many bytes it took; None: it is full."""

    def write(self, data: memoryview, /) -> int | None: ...


# What a line is made of: its text is made where nobody waits for it. At, door, method, path as sent, status, took [ns],
# account, code, correlation id, notes.
_Answered: TypeAlias = tuple[int, str, str, bytes, int, int, str, str, str, str]


class AccessLog:
    """Lines for `stream`; `start` and `stop` are called by the App. `clock` is ns since 1970."""

    def __init__(self, stream: Stream, *, clock: Callable[[], int] = time.time_ns) -> None:
        self._stream = stream
        self._clock = clock
        # Finished lines are among them.
        self._waiting: deque[_Answered | str] = deque()
        self._dropped = 0
        self._wake = Event()
        self._is_stopping = False
        self._writer: Thread | None = None
        # The writer's.
        self._dropped_told = 0
        self._text = _Text()

    def add(self, request: Request, door: str, status: int, code: str, took_ns: int) -> None:
        """Note one answered request; `code` is the door's error word, "" if all went well."""
        waiting = self._waiting
        if len(waiting) >= FLUSH_AT_LINES and not self._is_room():
            return
        waiting.append((
            self._clock(), door, request.method, request.raw_path[:MAX_PATH], status, took_ns,
            request.account, code, request.correlation_id, request.notes,
        ))  # fmt: skip

    def _is_room(self) -> bool:
        """Have what waits written now, as it is much; whether a line more may wait."""
        count = len(self._waiting)
        if count == FLUSH_AT_LINES:
            self._wake.set()
        self._dropped += count >= MAX_WAITING_LINES
        return count < MAX_WAITING_LINES

    def say(self, line: str) -> None:
        """Another line, for people, in its turn; written soon."""
        self._waiting.append(line)
        self._wake.set()

    def start(self) -> None:
        """Begin to write."""
        # Not the loop: a stalled pipe blocks its writer. A daemon: a process that ends does not wait for a reader.
        self._writer = Thread(target=self._write_for_ever, name="access-log", daemon=True)
        self._writer.start()

    async def stop(self) -> None:
        """Write what is left, and end; what nobody reads within STOP_WITHIN_S is given up. The loop waits for that."""
        if self._writer is None:
            self._write()
            return
        self._is_stopping = True
        self._wake.set()
        self._writer.join(STOP_WITHIN_S)
        if self._writer.is_alive():
            _log.warning("nobody reads the access log: its last lines are given up")

    def _write_for_ever(self) -> None:
        try:
            while not self._is_stopping:
                self._wake.wait(FLUSH_EVERY_S)
                self._wake.clear()
                self._write()
            self._write()
        except OSError as error:
            _log.warning("the access log cannot be written any more: %s", error)

    def _write(self) -> None:
        waiting = self._waiting
        taken = [waiting.popleft() for _ in range(len(waiting))]
        lines = [each if isinstance(each, str) else self._text.line(each) for each in taken]
        if (dropped := self._dropped - self._dropped_told) > 0:
            lines.append(f"ts={self._text.instant(self._clock())} dropped_lines={dropped}")
            self._dropped_told += dropped
        rest = memoryview("".join(f"{line}\n" for line in lines).encode("utf-8", "backslashreplace"))
        while rest:
            took = self._stream.write(rest)
            if took is None:
                time.sleep(FULL_PIPE_S)
            else:
                rest = rest[took:]


class _Text:
    """Lines as they are read. It remembers what the lines of like requests share."""

    def __init__(self) -> None:
        self._second = 0
        self._stamp = ""
        self._kinds: dict[tuple[str, str, bytes, int], str] = {}

    def line(self, told: _Answered) -> str:
        at, door, method, raw_path, status, took_ns, account, code, correlation_id, notes = told
        kind = self._kinds.get((door, method, raw_path, status)) or self._kind(door, method, raw_path, status)
        took_us = (took_ns + 500) // 1000
        return (
            f"ts={self.instant(at)} {kind} took_ms={took_us // 1000}.{_3_DIGITS[took_us % 1000]}"
            f" account={escaped(account) or '-'}"
            f" code={code or '-'} correlation_id={correlation_id}{escaped(notes)}"
        )

    def _kind(self, door: str, method: str, raw_path: bytes, status: int) -> str:
        if len(self._kinds) >= MAX_KINDS:
            self._kinds.clear()
        path = raw_path.decode("latin-1").replace(" ", "%20")
        kind = f"door={door} method={method} path={escaped(path)} status={status}"
        self._kinds[door, method, raw_path, status] = kind
        return kind

    def instant(self, at: int) -> str:
        seconds, rest = divmod(at, 1_000_000_000)
        if seconds != self._second:
            self._second, self._stamp = seconds, time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
        return f"{self._stamp}.{_3_DIGITS[rest // 1_000_000]}Z"


def escaped(text: str) -> str:
    """Control characters and line ends as `\\n`, `\\x1b`, …"""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
