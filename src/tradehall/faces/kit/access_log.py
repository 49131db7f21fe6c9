"""The access log: one `key=value` line a request, gathered and written in the background.

A line holds no query, no header and no body, so no secret can reach it; what comes from a
caller is escaped, so that nobody writes lines or keys of his own.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

from tradehall.faces.kit.request import Request

FLUSH_EVERY_S = 0.5
FLUSH_AT_CHARS = 64 * 1024
# A stalled terminal must not eat the memory: past this, lines are dropped and counted.
MAX_WAITING_CHARS = 4 * 1024 * 1024
MAX_PATH = 256
MAX_KINDS = 1024


class Stream(Protocol):
    """A binary file, or what behaves like one."""

    def write(self, data: bytes, /) -> object: ...

    def flush(self) -> object: ...


class AccessLog:
    """Lines for `stream`; `start` and `stop` are called by the App. `clock` is ns since 1970."""

    def __init__(self, stream: Stream, *, clock: Callable[[], int] = time.time_ns) -> None:
        self._stream = stream
        self._clock = clock
        self._lines: list[str] = []
        self._kinds: dict[tuple[str, str, bytes, int], str] = {}
        self._chars = 0
        self._dropped = 0
        self._full = asyncio.Event()
        self._writer: asyncio.Task[None] | None = None
        self._second = 0
        self._stamp = ""

    def add(self, request: Request, *, door: str, status: int, code: str, took_ns: int) -> None:
        """Note one answered request; `code` is the door's error word, "" if all went well."""
        if self._chars > MAX_WAITING_CHARS:
            self._dropped += 1
            return
        line = (
            f"ts={self._now()} {self._kind(request, door, status)} took_ms={took_ns / 1e6:.3f}"
            f" account={request.account or '-'} code={code or '-'}"
            f" correlation_id={request.correlation_id}{request.notes}"
        )
        self._lines.append(line if line.isprintable() else escaped(line))
        self._chars += len(line)
        if self._chars > FLUSH_AT_CHARS:
            self._full.set()

    def _kind(self, request: Request, door: str, status: int) -> str:
        """What the lines of like requests share: most are like one that came before."""
        raw_path: bytes = request.scope.get("raw_path") or request.path.encode()
        key = (door, request.method, raw_path, status)
        kind = self._kinds.get(key)
        if kind is None:
            if len(self._kinds) >= MAX_KINDS:
                self._kinds.clear()
            kind = f"door={door} method={request.method} path={_path(raw_path)} status={status}"
            self._kinds[key] = kind
        return kind

    def start(self) -> None:
        """Begin to write in the background; needs a running loop."""
        self._writer = asyncio.create_task(self._write_for_ever(), name="access-log")

    async def stop(self) -> None:
        """Write what is left, and end."""
        if self._writer is not None:
            self._writer.cancel()
            with suppress(asyncio.CancelledError):
                await self._writer
        self._write(self._taken())

    async def _write_for_ever(self) -> None:
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._full.wait(), FLUSH_EVERY_S)
            self._full.clear()
            if text := self._taken():
                # In a thread: a stalled pipe blocks its writer, and that must not be the loop.
                await asyncio.to_thread(self._write, text)

    def _taken(self) -> str:
        if self._dropped:
            self._lines.append(f"ts={self._now()} dropped_lines={self._dropped}")
        lines, self._lines, self._chars, self._dropped = self._lines, [], 0, 0
        return "".join(f"{line}\n" for line in lines)

    def _write(self, text: str) -> None:
        self._stream.write(text.encode("utf-8", "backslashreplace"))
        self._stream.flush()

    def _now(self) -> str:
        seconds, rest = divmod(self._clock(), 1_000_000_000)
        if seconds != self._second:
            self._second, self._stamp = seconds, time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
        return f"{self._stamp}.{rest // 1_000_000:03d}Z"


def escaped(text: str) -> str:
    """Control characters and line ends as `\\n`, `\\x1b`, …"""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _path(raw_path: bytes) -> str:
    return raw_path[:MAX_PATH].decode("latin-1").replace(" ", "%20")
