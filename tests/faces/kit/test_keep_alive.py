"""When the server lets go of connections that ask nothing, and of requests that are answered; the test owns the clock."""

from __future__ import annotations

import asyncio
import gc
from typing import cast
from weakref import ref

import pytest

from tradehall.faces.kit.http import FIRST_BYTE_WITHIN_S, KEEP_ALIVE_S, BoundedHttp
from tradehall.faces.kit.serve import Listening, make_server

REQUEST = b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n"


class Clockwork:
    """As much of a loop as the protocol asks for; `pass_s` lets time go by and rings what is due."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.timers: list[Timer] = []

    def time(self):
        return self.now

    def call_later(self, delay, ring):
        timer = Timer(self.now + delay, ring)
        self.timers.append(timer)
        return timer

    def create_task(self, request):
        request.close()  # The tests answer themselves.
        return Task()

    def pass_s(self, seconds):
        self.now += seconds
        due = [timer for timer in self.timers if timer.at <= self.now]
        self.timers = [timer for timer in self.timers if timer.at > self.now and not timer.is_cancelled]
        for timer in due:
            if not timer.is_cancelled:
                timer.ring()


class Task:
    def add_done_callback(self, _):
        pass


class Timer:
    def __init__(self, at, ring) -> None:
        self.at, self.ring, self.is_cancelled = at, ring, False

    def cancel(self):
        self.is_cancelled = True


class Wire(asyncio.Transport):
    is_closed = False
    sent = b""

    def is_closing(self):
        return self.is_closed

    def close(self):
        self.is_closed = True

    def write(self, data):
        self.sent += bytes(data)

    def resume_reading(self):
        pass


class Line:
    """A connection, its clock and its wire."""

    def __init__(self) -> None:
        server = make_server(lambda *_: None, Listening())
        server.config.load()
        self.clock, self.wire = Clockwork(), Wire()
        self.protocol = BoundedHttp(server.config, server.server_state, {}, cast(asyncio.AbstractEventLoop, self.clock))
        self.protocol.connection_made(self.wire)

    def ask(self):
        self.protocol.data_received(REQUEST)
        return self.protocol.cycle

    def answer(self, cycle):
        assert cycle.answer(200, [(b"content-length", b"0")], b"")


@pytest.fixture
def line():
    return Line()


def test_who_says_nothing_is_let_go(line):
    line.clock.pass_s(FIRST_BYTE_WITHIN_S - 1)
    assert not line.wire.is_closed
    line.clock.pass_s(1)
    assert line.wire.is_closed


def test_idleness_counts_from_the_last_answer(line):
    line.answer(line.ask())
    line.clock.pass_s(FIRST_BYTE_WITHIN_S)  # The first look finds an idle connection, too young to go.
    line.answer(line.ask())
    line.clock.pass_s(KEEP_ALIVE_S - FIRST_BYTE_WITHIN_S)
    assert not line.wire.is_closed
    line.clock.pass_s(FIRST_BYTE_WITHIN_S - 1)
    assert not line.wire.is_closed
    line.clock.pass_s(1)
    assert line.wire.is_closed


def test_a_long_answer_is_waited_for(line):
    cycle = line.ask()
    for _ in range(10):
        line.clock.pass_s(KEEP_ALIVE_S)
    assert not line.wire.is_closed
    line.answer(cycle)
    line.clock.pass_s(KEEP_ALIVE_S)
    assert line.wire.is_closed


def test_one_timer_serves_all_requests(line):
    for _ in range(10):
        line.answer(line.ask())
    assert len(line.clock.timers) == 1


def test_a_lost_connection_leaves_no_timer(line):
    line.protocol.connection_lost(None)
    line.clock.pass_s(FIRST_BYTE_WITHIN_S)
    assert line.clock.timers == []


def test_an_answered_request_leaves_nothing_to_the_collector(line):
    gc.disable()
    try:
        cycle = line.ask()
        line.answer(cycle)
        answered = ref(cycle)
        del cycle
        line.ask()
        assert answered() is None
    finally:
        gc.enable()
