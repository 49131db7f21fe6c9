"""The log of faults: `key=value` lines to standard error, with a traceback below those that have one."""

import logging
import sys
import time
from queue import Full, Queue
from threading import Event, Thread
from typing import Final, Protocol

# Lines that wait for a standard error that nobody reads; more are dropped, and counted.
WAITING_LINES_MAX: Final = 1_000
# How long the last lines may take when the process ends.
FLUSH_S: Final = 1.0

_QUIET = ("asyncio", "uvicorn", "uvicorn.error", "websockets")


class Stream(Protocol):
    """A text file, or what behaves like one."""

    def write(self, text: str, /) -> object: ...

    def flush(self) -> object: ...


class KeyValueFormatter(logging.Formatter):
    """`ts=… level=… logger=… msg="…"`; line ends and quotes within a message are escaped."""

    def format(self, record: logging.LogRecord) -> str:
        """One line, and the traceback if there is one."""
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        text = record.getMessage().replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n").replace("\r", r"\r")
        line = f'ts={stamp}.{int(record.msecs):03d}Z level={record.levelname.lower()} logger={record.name} msg="{text}"'
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


class BackgroundHandler(logging.Handler):
    """Has a thread of its own write the lines: a stalled pipe blocks its writer, and that must not be the loop."""

    def __init__(self, stream: Stream) -> None:
        super().__init__()
        self._stream = stream
        self._waiting: Queue[str | Event] = Queue(WAITING_LINES_MAX)
        self._dropped = 0
        # A daemon: a process that ends does not wait for a reader.
        Thread(target=self._write_for_ever, name="log", daemon=True).start()

    def emit(self, record: logging.LogRecord) -> None:
        """Leave a line for the thread."""
        try:
            self._waiting.put_nowait(self.format(record))
        except Full:
            self._dropped += 1

    def flush(self) -> None:
        """Wait until what was left is written, or for FLUSH_S."""
        is_written = Event()
        try:
            self._waiting.put(is_written, timeout=FLUSH_S)
        except Full:
            return
        is_written.wait(FLUSH_S)

    def _write_for_ever(self) -> None:
        while True:
            line = self._waiting.get()
            if isinstance(line, Event):
                line.set()
                continue
            dropped, self._dropped = self._dropped, 0
            gap = f"dropped_lines={dropped}\n" if dropped else ""
            self._stream.write(f"{gap}{line}\n")
            self._stream.flush()


def log_to_stderr(level: str, *, in_background: bool = False) -> None:
    """Write everything from `level` (debug, info, warning, error) on to standard error."""
    handler = BackgroundHandler(sys.stderr) if in_background else logging.StreamHandler(sys.stderr)
    handler.setFormatter(KeyValueFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in _QUIET:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))
