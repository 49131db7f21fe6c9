"""When the server lets go of connections that ask nothing, and of requests that are answered; the test owns the clock."""

from __future__ import annotations

import asyncio
import gc
from contextvars import copy_context
from typing import Any, cast
from weakref import ref

import pytest

from tradehall.faces.kit import Request, Response
from tradehall.faces.kit.http import FIRST_BYTE_WITHIN_S, KEEP_ALIVE_S, BoundedHttp
from tradehall.faces.kit.serve import Listening, make_server

REQUEST = b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n"


class Clockwork:
    """As much of a loop as the protocol asks for; `pass_s` lets time go by and rings what is due."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.timers: list[Timer] = []
        self.soon: list[Any] = []
        self.failures: list[dict[str, Any]] = []

    def time(self):
        return self.now

    def call_later(self, delay, ring):
        timer = Timer(self.now + delay, ring)
        self.timers.append(timer)
        return timer

    def call_soon(self, callback, *arguments, context=None):
        self.soon.append((context or copy_context(), callback, arguments))

    def call_exception_handler(self, failure):
        self.failures.append(failure)

    def go_on(self):
        """One turn of the loop."""
        soon, self.soon = self.soon, []
        for context, callback, arguments in soon:
            context.run(callback, *arguments)

    def pass_s(self, seconds):
        self.now += seconds
        due = [timer for timer in self.timers if timer.at <= self.now]
        self.timers = [timer for timer in self.timers if timer.at > self.now and not timer.is_cancelled]
        for timer in due:
            if not timer.is_cancelled:
                timer.ring()


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


class Line:
    """A connection, its clock and its wire, and what was asked on it and is not answered."""

    between: Any = None

    def __init__(self) -> None:
        self.asked: list[Request] = []
        server = make_server(self, Listening())
        server.config.load()
        self.clock, self.wire = Clockwork(), Wire()
        self.protocol = BoundedHttp(server.config, server.server_state, {}, cast(asyncio.AbstractEventLoop, self.clock))
        self.protocol.connection_made(self.wire)

    async def serve(self, request, reply):
        self.asked.append(request)
        while request in self.asked:  # noqa: ASYNC110 - no loop of asyncio, but ours
            await asyncio.sleep(0)
        reply(Response(200), b"content-length: 0\r\n", b"")

    def ask(self):
        self.protocol.data_received(REQUEST)
        self.clock.go_on()

    def answer(self):
        self.asked.pop()
        self.clock.go_on()


@pytest.fixture
def line():
    return Line()


def test_who_says_nothing_is_let_go(line):
    line.clock.pass_s(FIRST_BYTE_WITHIN_S - 1)
    assert not line.wire.is_closed
    line.clock.pass_s(1)
    assert line.wire.is_closed


def test_idleness_counts_from_the_last_answer(line):
    line.ask()
    line.answer()
    line.clock.pass_s(FIRST_BYTE_WITHIN_S)  # The first look finds an idle connection, too young to go.
    line.ask()
    line.answer()
    line.clock.pass_s(KEEP_ALIVE_S - FIRST_BYTE_WITHIN_S)
    assert not line.wire.is_closed
    line.clock.pass_s(FIRST_BYTE_WITHIN_S - 1)
    assert not line.wire.is_closed
    line.clock.pass_s(1)
    assert line.wire.is_closed


def test_a_long_answer_is_waited_for(line):
    line.ask()
    for _ in range(10):
        line.clock.pass_s(KEEP_ALIVE_S)
    assert not line.wire.is_closed
    line.answer()
    line.clock.pass_s(KEEP_ALIVE_S)
    assert line.wire.is_closed


def test_one_timer_serves_all_requests(line):
    for _ in range(10):
        line.ask()
        line.answer()
    assert len(line.clock.timers) == 1


def test_a_lost_connection_leaves_no_timer(line):
    line.protocol.connection_lost(None)
    line.clock.pass_s(FIRST_BYTE_WITHIN_S)
    assert line.clock.timers == []


def test_an_answered_request_leaves_nothing_to_the_collector(line):
    gc.disable()
    try:
        line.ask()
        asked, exchange = ref(line.asked[0]), ref(line.protocol._serving)
        line.answer()
        assert (asked(), exchange()) == (None, None)
    finally:
        gc.enable()
