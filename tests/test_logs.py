"""The log of faults, and a reader that has stopped reading it."""

import logging
import threading

from tradehall.cli.logs import WAITING_LINES_MAX, BackgroundHandler


class Pipe:
    """Standard error whose reader may be away: a write waits for him."""

    def __init__(self) -> None:
        self.reader_is_there = threading.Event()
        self.text = ""

    def write(self, text: str) -> None:
        assert self.reader_is_there.wait(20)
        self.text += text

    def flush(self) -> None: ...


def a_line(number: int) -> logging.LogRecord:
    return logging.LogRecord("house", logging.WARNING, "file", 1, "line %d", (number,), None)


def test_who_logs_never_waits_for_a_reader_that_is_away():
    pipe = Pipe()
    handler = BackgroundHandler(pipe)
    for number in range(WAITING_LINES_MAX + 50):
        handler.emit(a_line(number))  # Would wait 20 s, and fail, if it wrote by itself.
    pipe.reader_is_there.set()
    handler.flush()
    lines = pipe.text.splitlines()
    assert lines[0] == "line 0" or lines[1] == "line 0"
    assert [line for line in lines if line.startswith("dropped_lines=")]
    handler.emit(a_line(7))
    handler.flush()
    assert pipe.text.endswith("line 7\n")


def test_the_last_lines_are_written_before_the_process_ends():
    pipe = Pipe()
    pipe.reader_is_there.set()
    handler = BackgroundHandler(pipe)
    for number in range(100):
        handler.emit(a_line(number))
    handler.flush()
    assert pipe.text.splitlines() == [f"line {number}" for number in range(100)]
