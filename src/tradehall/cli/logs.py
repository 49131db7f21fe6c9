"""The log of faults: `key=value` lines to standard error, with a traceback below those that have one."""

import logging
import sys
import time

_QUIET = ("asyncio", "uvicorn", "uvicorn.error", "websockets")


class KeyValueFormatter(logging.Formatter):
    """`ts=… level=… logger=… msg="…"`; line ends and quotes within a message are escaped."""

    def format(self, record: logging.LogRecord) -> str:
        """One line, and the traceback if there is one."""
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        text = record.getMessage().replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n").replace("\r", r"\r")
        line = f'ts={stamp}.{int(record.msecs):03d}Z level={record.levelname.lower()} logger={record.name} msg="{text}"'
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


def log_to_stderr(level: str) -> None:
    """Write everything from `level` (debug, info, warning, error) on to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(KeyValueFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in _QUIET:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))
