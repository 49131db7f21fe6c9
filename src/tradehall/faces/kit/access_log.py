"""The access log: one `key=value` line a request, gathered and written in the background.

A line holds no query, no header and no body, so no secret can reach it; what comes from a
caller is escaped, so that nobody writes lines or keys of his own.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol, TypeAlias

from tradehall.faces.kit.request import Request

FLUSH_EVERY_S = 0.5
FLUSH_AT_LINES = 350
# A stalled terminal must not eat the memory: past this, lines are dropped and counted.
MAX_WAITING_LINES = 20_000
MAX_PATH = 256
MAX_KINDS = 1024

_3_DIGITS = [f"{number:03d}" for number in range(1000)]


class Stream(Protocol):
    """A binary file, or what behaves like one."""

    def write(self, data: bytes, /) -> object: ...

    def flush(self) -> object: ...


# What a line is made of: its text is made where nobody waits for it. At, door, method, path as sent, status, took [ns],
# account, code, correlation id, notes.
_Answered: TypeAlias = tuple[int, str, str, bytes, int, int, str, str, str, str]


class AccessLog:
    """Lines for `stream`; `start` and `stop` are called by the App. `clock` is ns since 1970."""

    def __init__(self, stream: Stream, *, clock: Callable[[], int] = time.time_ns) -> None:
        self._stream = stream
        self._clock = clock
        self._waiting: list[_Answered] = []
        self._dropped = 0
        self._full = asyncio.Event()
        self._writer: asyncio.Task[None] | None = None
        self._text = _Text()

    def add(self, request: Request, door: str, status: int, code: str, took_ns: int) -> None:
        """Note one answered request; `code` is the door's error word, "" if all went well."""
        waiting = self._waiting
        if len(waiting) >= FLUSH_AT_LINES:
            self._full.set()
            if len(waiting) >= MAX_WAITING_LINES:
                self._dropped += 1
                return
        waiting.append((
            self._clock(), door, request.method, request.raw_path[:MAX_PATH], status, took_ns,
            request.account, code, request.correlation_id, request.notes,
        ))  # fmt: skip

    def start(self) -> None:
        """Begin to write in the background; needs a running loop."""
        self._writer = asyncio.create_task(self._write_for_ever(), name="access-log")

    async def stop(self) -> None:
        """Write what is left, and end."""
        if self._writer is not None:
            self._writer.cancel()
            with suppress(asyncio.CancelledError):
                await self._writer
        self._write(*self._taken())

    async def _write_for_ever(self) -> None:
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._full.wait(), FLUSH_EVERY_S)
            self._full.clear()
            taken, dropped = self._taken()
            if taken:
                # In a thread: a stalled pipe blocks its writer, and that must not be the loop.
                await asyncio.to_thread(self._write, taken, dropped)

    def _taken(self) -> tuple[list[_Answered], int]:
        taken = self._waiting, self._dropped
        self._waiting, self._dropped = [], 0
        return taken

    def _write(self, answered: list[_Answered], dropped: int) -> None:
        lines = [self._text.line(each) for each in answered]
        if dropped:
            lines.append(f"ts={self._text.instant(self._clock())} dropped_lines={dropped}")
        self._stream.write("".join(f"{line}\n" for line in lines).encode("utf-8", "backslashreplace"))
        self._stream.flush()


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
