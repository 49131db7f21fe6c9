"""The access log's thread, and the streams it writes to."""

from __future__ import annotations

import threading

from tests.faces.kit.asgi import run
from tradehall.faces.kit import AccessLog, Request
from tradehall.faces.kit.access_log import FLUSH_AT_LINES, MAX_WAITING_LINES
from tradehall.faces.kit.head import Head


class Stream:
    """Takes at most `at_once` bytes, every other time none; tells when it has `enough`."""

    def __init__(self, at_once: int = 1 << 20, enough: bytes = b"") -> None:
        self.text = b""
        self.has_enough = threading.Event()
        self._at_once = at_once
        self._enough = enough
        self._calls = 0

    def write(self, data):
        self._calls += 1
        if self._at_once < 1 << 20 and self._calls % 2:
            return None
        self.text += data[: self._at_once]
        if self._enough in self.text:
            self.has_enough.set()
        return min(len(data), self._at_once)


def note(log, count=1):
    for number in range(count):
        log.add(Request(Head("GET", "/", b"/", b"", (), 0), ""), "gateway", 200, f"C{number}", 1_000_000)


def numbers(stream):
    return [int(line.split(b" code=C")[1].split(b" ")[0]) for line in stream.text.splitlines()]


def test_many_lines_are_written_at_once_and_the_rest_at_the_stop():
    stream = Stream(enough=b" code=C%d " % (FLUSH_AT_LINES - 1))
    log = AccessLog(stream)
    log.start()
    note(log, FLUSH_AT_LINES + 1)
    assert stream.has_enough.wait(20)
    note(log)
    run(log.stop())
    assert numbers(stream) == [*range(FLUSH_AT_LINES + 1), 0]


def test_a_stream_may_take_little_at_a_time():
    stream = Stream(at_once=50)
    log = AccessLog(stream)
    log.start()
    note(log, 3)
    run(log.stop())
    assert numbers(stream) == [0, 1, 2]


def test_a_line_for_people_has_its_turn():
    stream = Stream()
    log = AccessLog(stream)
    note(log)
    log.say("Stopping.")
    note(log)
    run(log.stop())
    assert [line.startswith(b"ts=") for line in stream.text.splitlines()] == [True, False, True]


def test_lines_that_wait_too_long_are_dropped_and_counted():
    stream = Stream()
    log = AccessLog(stream)
    note(log, MAX_WAITING_LINES + 5)
    run(log.stop())
    assert len(stream.text.splitlines()) == MAX_WAITING_LINES + 1
    assert stream.text.endswith(b" dropped_lines=5\n")


def test_a_reader_that_leaves_ends_the_log_and_nothing_else(caplog):
    class Gone:
        def write(self, data):
            raise BrokenPipeError("nobody is there")

    log = AccessLog(Gone())
    log.start()
    note(log)
    run(log.stop())
    assert "nobody is there" in caplog.text
