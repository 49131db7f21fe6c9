"""HTTP as bytes on a connection: what is begun, in which order it is answered, when it ends."""

from __future__ import annotations

import asyncio
import json
import logging
import re
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from tests.faces.kit.asgi import run
from tests.faces.kit.doors import a_door
from tradehall.faces.kit import App, Problem, ProblemKind, Response, Route
from tradehall.faces.kit.http import HEADS_REMEMBERED, LINGER_S, BoundedHttp
from tradehall.faces.kit.serve import Listening, make_server

HOST = "host: localhost\r\n"
LIMIT = 300_000


class Wire(asyncio.Transport):
    """A connection's other end: what was said to it, and whether it is still listened to."""

    def __init__(self) -> None:
        super().__init__()
        self.sent = b""
        self.is_read = True
        self.has_ended = False
        self.is_closed = False

    def write(self, data):
        assert not self.is_closed
        assert not self.has_ended
        self.sent += data

    def write_eof(self):
        self.has_ended = True

    def close(self):
        self.is_closed = True

    def is_closing(self):
        return self.is_closed

    def pause_reading(self):
        self.is_read = False

    def resume_reading(self):
        self.is_read = True


class Peer:
    """A client of a small server: `/at/once`, `/later` (waits for `let`), `/guarded` (nobody may), POST `/sum`."""

    def __init__(self, **listening: Any) -> None:
        self.begun: list[str] = []
        self.gates: dict[str, asyncio.Event] = {}
        door = a_door(
            authenticate=self._authenticate,
            routes=(
                Route("GET", "/at/{once}", self._at_once, public=True),
                Route("GET", "/later/{name}", self._later, public=True),
                Route("POST", "/sum", self._sum, public=True),
                Route("POST", "/guarded", self._sum),
            ),
        )
        self.server = make_server(App([door], max_body_bytes=LIMIT), Listening(**listening))
        self.server.config.load()
        self.state = self.server.server_state
        self.wire = Wire()
        self.protocol = BoundedHttp(self.server.config, self.state, {}, asyncio.get_running_loop())
        self.protocol.connection_made(self.wire)

    def _authenticate(self, request, route):
        raise Problem(ProblemKind.UNAUTHENTICATED, "Nobody may")

    async def _at_once(self, request):
        self.begun.append(request.params["once"])
        return Response(200, request.params["once"].encode(), content_type=b"text/plain")

    async def _later(self, request):
        name = request.params["name"]
        self.begun.append(name)
        await self.gates.setdefault(name, asyncio.Event()).wait()
        return Response(200, name.encode())

    async def _sum(self, request):
        self.begun.append("sum")
        return Response(200, b"%d" % sum(request.body))

    async def say(self, *data: str | bytes) -> None:
        """Send, each in a packet of its own."""
        for packet in data:
            raw = packet.encode() if isinstance(packet, str) else packet
            await self._outside(self.protocol.data_received, raw)

    async def leave(self) -> None:
        self.wire.is_closed = True
        await self._outside(self.protocol.connection_lost, None)

    async def let(self, name: str) -> None:
        """What waits under this name may go on."""
        self.gates.setdefault(name, asyncio.Event()).set()
        await _turns()

    async def _outside(self, callback: Callable[..., object], *arguments: Any) -> None:
        asyncio.get_running_loop().call_soon(callback, *arguments)
        await _turns()

    @property
    def heard(self) -> list[tuple[int, str]]:
        """Answers so far: status, body."""
        answers, rest = [], self.wire.sent
        while rest:
            head, _, rest = rest.partition(b"\r\n\r\n")
            length = re.search(rb"content-length: (\d+)", head)
            size = int(length[1]) if length else 0
            answers.append((int(head.split(b" ")[1]), rest[:size].decode()))
            rest = rest[size:]
        return answers


async def _turns() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def conversation(steps: Callable[[Peer], Coroutine[Any, Any, None]], **listening: Any) -> None:
    async def _run() -> None:
        await steps(Peer(**listening))

    run(_run())


def get(path: str, more: str = "", version: str = "1.1") -> str:
    return f"GET {path} HTTP/{version}\r\n{HOST}{more}\r\n"


def post(path: str, size: int, more: str = "") -> str:
    return f"POST {path} HTTP/1.1\r\n{HOST}{more}content-length: {size}\r\n\r\n"


def test_an_answer_is_these_bytes():
    async def steps(peer):
        peer.state.default_headers = [(b"date", b"now")]
        await peer.say(get("/at/a", "x-correlation-id: c-1\r\n"))
        assert peer.wire.sent == (
            b"HTTP/1.1 200 OK\r\ndate: now\r\nx-correlation-id: c-1\r\n"
            b"content-type: text/plain\r\ncontent-length: 1\r\n\r\na"
        )
        peer.wire.sent = b""
        peer.state.default_headers = [(b"date", b"later")]
        await peer.say(get("/at/b", "x-correlation-id: c-2\r\nconnection: close\r\n"))
        assert peer.wire.sent == (
            b"HTTP/1.1 200 OK\r\ndate: later\r\nx-correlation-id: c-2\r\n"
            b"content-type: text/plain\r\ncontent-length: 1\r\nconnection: close\r\n\r\nb"
        )
        assert peer.wire.is_closed

    conversation(steps)


def test_the_head_of_an_answer_is_that_of_get_and_nothing_follows():
    async def steps(peer):
        await peer.say(f"HEAD /at/abc HTTP/1.1\r\n{HOST}\r\n")
        assert b"content-length: 3\r\n" in peer.wire.sent
        assert peer.wire.sent.endswith(b"\r\n\r\n")

    conversation(steps)


def test_what_is_sent_ahead_is_answered_in_its_order():
    async def steps(peer):
        await peer.say(get("/later/a") + get("/at/b") + get("/later/c") + get("/at/d"))
        assert (peer.begun, peer.heard, peer.wire.is_read) == (["a"], [], False)
        await peer.let("a")
        assert (peer.begun, peer.wire.is_read) == (["a", "b", "c"], False)
        await peer.let("c")
        assert peer.heard == [(200, "a"), (200, "b"), (200, "c"), (200, "d")]
        assert peer.wire.is_read

    conversation(steps)


def test_a_thousand_at_once_are_answered_one_after_another():
    async def steps(peer):
        await peer.say("".join(get(f"/at/{number}") for number in range(1000)))
        assert peer.heard == [(200, str(number)) for number in range(1000)]
        await peer.say(get("/later/a") + "".join(get(f"/at/{number}") for number in range(1000)))
        await peer.let("a")
        assert len(peer.heard) == 2001

    conversation(steps)


@pytest.mark.parametrize("packets", [
    (post("/sum", 4) + "\1\2\3\4",),
    (post("/sum", 4), "\1\2\3\4"),
    (post("/sum", 4), "\1", "\2", "\3\4"),
    (f"POST /sum HTTP/1.1\r\n{HOST}transfer-encoding: chunked\r\n\r\n1\r\n\1\r\n", "3\r\n\2\3\4\r\n", "0\r\n\r\n"),
    (f"POST /sum HTTP/1.1\r\n{HOST}transfer-encoding: chunked\r\n\r\n4\r\n\1\2\3\4\r\n0\r\nhost: evil\r\n\r\n",),
], ids=["with its head", "after it", "in pieces", "in chunks", "with a trailer"])  # fmt: skip
def test_a_body_is_handed_over_whole(packets):
    async def steps(peer):
        for packet in packets[:-1]:
            await peer.say(packet)
            assert peer.begun == []
        await peer.say(packets[-1], get("/at/b"))
        assert peer.heard == [(200, "10"), (200, "b")]

    conversation(steps)


@pytest.mark.parametrize("head", [
    post("/sum", 200_000),
    f"POST /sum HTTP/1.1\r\n{HOST}transfer-encoding: chunked\r\n\r\n{200_000:x}\r\n",
], ids=["announced", "in chunks"])  # fmt: skip
def test_a_long_body_is_handed_over_whole(head):
    async def steps(peer):
        await peer.say(head, *[b"\1" * 50_000] * 4)
        await peer.say(b"\r\n0\r\n\r\n" if "chunked" in head else b"", get("/at/b"))
        assert peer.heard == [(200, "200000"), (200, "b")]

    conversation(steps)


def test_a_body_announced_too_large_is_refused_before_it_comes():
    async def steps(peer):
        await peer.say(post("/sum", LIMIT + 1))
        [(status, body)] = peer.heard
        assert (status, "BODY_TOO_LARGE" in body) == (413, True)
        assert peer.wire.sent.count(b"connection: close\r\n") == 1
        # Its sender is listened to for a moment, and not heard, lest the network throws the answer away.
        assert (peer.wire.has_ended, peer.wire.is_closed) == (True, False)
        await peer.say(b"x" * LIMIT, get("/at/b"))
        assert peer.begun == []

    conversation(steps)


def test_a_body_that_grows_too_large_is_refused_then():
    async def steps(peer):
        chunk = f"{100_000:x}\r\n{'x' * 100_000}\r\n"
        await peer.say(f"POST /sum HTTP/1.1\r\n{HOST}transfer-encoding: chunked\r\n\r\n", chunk, chunk, chunk)
        assert peer.heard == []
        await peer.say("1\r\nx\r\n")
        assert [status for status, _ in peer.heard] == [413]
        assert (peer.begun, peer.wire.has_ended) == ([], True)

    conversation(steps)


@pytest.mark.parametrize("size", [20, 200_000])
def test_half_a_wish_is_never_acted_upon(size):
    async def steps(peer):
        await peer.say(post("/sum", size), b"x" * (size - 1))
        await peer.leave()
        assert (peer.begun, peer.heard, peer.state.tasks) == ([], [], set())

    conversation(steps)


def test_a_strangers_long_body_is_not_read():
    async def steps(peer):
        await peer.say(post("/guarded", 200_000))
        assert [status for status, _ in peer.heard] == [401]
        await peer.say(b"x" * 200_000, get("/at/b"))
        assert peer.heard[1:] == [(200, "b")]

    conversation(steps)


def test_behind_what_waits_a_long_body_is_not_read_ahead():
    async def steps(peer):
        head = f"POST /sum HTTP/1.1\r\n{HOST}transfer-encoding: chunked\r\n\r\n{100_000:x}\r\n"
        await peer.say(get("/later/a") + head, b"\1" * 60_000)
        assert peer.wire.is_read
        await peer.say(b"\1" * 10_000)
        assert not peer.wire.is_read
        await peer.let("a")
        assert peer.wire.is_read
        await peer.say(b"\1" * 30_000 + b"\r\n0\r\n\r\n")
        assert peer.heard == [(200, "a"), (200, "100000")]

    conversation(steps)


def test_who_asks_for_leave_gets_it_when_the_head_is_acceptable():
    async def steps(peer):
        leave = "expect: 100-continue\r\n"
        await peer.say(post("/sum", 4, leave))
        assert peer.wire.sent == b"HTTP/1.1 100 Continue\r\n\r\n"
        peer.wire.sent = b""
        await peer.say("\1\2\3\4")
        assert peer.heard == [(200, "10")]
        peer.wire.sent = b""
        await peer.say(post("/sum", 4, leave) + "\1\2\3\4")
        assert peer.heard == [(200, "10")]
        peer.wire.sent = b""
        await peer.say(post("/guarded", 4, leave))
        assert [status for status, _ in peer.heard] == [401]

    conversation(steps)


@pytest.mark.parametrize(
    ("version", "more"), [("1.1", "connection: close\r\n"), ("1.0", ""), ("1.0", "connection: keep-alive\r\n")]
)
def test_the_last_request_is_the_last(version, more):
    async def steps(peer):
        await peer.say(get("/later/a", more, version) + get("/at/b"), get("/at/c"))
        await peer.let("a")
        assert (peer.heard, peer.begun, peer.wire.is_closed) == ([(200, "a")], ["a"], True)
        assert b"connection: close\r\n\r\n" in peer.wire.sent

    conversation(steps)


def test_who_does_not_read_his_answers_is_not_read():
    async def steps(peer):
        peer.protocol.pause_writing()
        await peer.say(get("/at/a") + get("/at/b"))
        assert (peer.begun, peer.wire.is_read) == ([], False)
        await peer._outside(peer.protocol.resume_writing)
        assert (peer.heard, peer.wire.is_read) == ([(200, "a"), (200, "b")], True)

    conversation(steps)


def test_a_full_server_says_so():
    async def steps(peer):
        peer.state.connections.add(object())
        await peer.say(get("/at/a"), get("/at/b"))
        [(status, body)] = peer.heard
        assert (status, json.loads(body)["code"]) == (503, "UNAVAILABLE")
        assert peer.wire.sent.startswith(b"HTTP/1.1 503 Service Unavailable\r\n")
        assert b"\r\nconnection: close\r\n\r\n" in peer.wire.sent
        assert (peer.begun, peer.wire.has_ended) == ([], True)

    conversation(steps, max_connections=2)


@pytest.mark.parametrize(("nonsense", "status"), [
    ("nonsense\r\n\r\n",                                     400),
    ("GET nowhere HTTP/1.1\r\n\r\n",                         400),
    ("CONNECT nowhere:80 HTTP/1.1\r\n\r\n",                  400),
    (f"GET / HTTP/1.1\r\nx: {'x' * 100_000}",                431),
])  # fmt: skip
def test_what_is_no_http_is_said_after_the_answers_to_what_was(nonsense, status):
    async def steps(peer):
        await peer.say(get("/later/a"), nonsense, get("/at/b"))
        assert (peer.begun, peer.heard) == (["a"], [])
        await peer.let("a")
        assert [status for status, _ in peer.heard] == [200, status]
        assert peer.wire.has_ended

    conversation(steps)


def test_a_large_head_cannot_hide_behind_another():
    async def steps(peer):
        long = get("/at/b", f"x: {'x' * 40_000}\r\n")
        await peer.say(get("/at/a") + long[:30_000], long[30_000:])
        assert [status for status, _ in peer.heard] == [200, 431]

    conversation(steps)


def test_a_head_that_came_before_is_not_parsed_again_and_means_the_same():
    async def steps(peer):
        await peer.say(post("/sum", 2) + "\1\2")
        parser, peer.protocol.parser = peer.protocol.parser, None
        await peer.say(post("/sum", 2) + "\1\3", post("/sum", 2) + "\2\3")
        assert peer.heard == [(200, "3"), (200, "4"), (200, "5")]
        peer.protocol.parser = parser
        await peer.say(post("/sum", 3) + "\1\2\3", get("/at/a"))
        assert peer.heard[3:] == [(200, "6"), (200, "a")]

    conversation(steps)


@pytest.mark.parametrize("packets", [
    (post("/sum", 2), "\1\3"),
    (post("/sum", 2) + "\1", "\3"),
    (post("/sum", 2)[:9], post("/sum", 2)[9:] + "\1\3"),
    ("\r\n" + post("/sum", 2) + "\1\3",),
    (f"POST /sum HTTP/1.1\r\n{HOST}transfer-encoding: chunked\r\n\r\n1\r\n\1\r\n1\r\n\3\r\n0\r\n\r\n",),
], ids=["body apart", "half a body", "half a head", "an empty line before", "in chunks"])  # fmt: skip
def test_a_known_head_may_still_come_in_any_way(packets):
    async def steps(peer):
        whole = post("/sum", 2) + "\1\2"
        await peer.say(whole, *packets, *packets, whole, whole + whole, get("/at/b"))
        assert peer.heard == [(200, "3"), (200, "4"), (200, "4"), (200, "3"), (200, "3"), (200, "3"), (200, "b")]

    conversation(steps)


def test_what_looks_like_the_end_of_a_head_in_a_body_is_none():
    async def steps(peer):
        inner = post("/sum", 2)
        await peer.say(*[post("/sum", len(inner)) + inner, inner + "\1\2"] * 3, "\r\n\r\n", "\r\n\r\n", get("/at/a"))
        assert peer.heard == [(200, str(sum(inner.encode()))), (200, "3")] * 3 + [(200, "a")]

    conversation(steps)


def test_a_known_head_is_answered_in_its_turn():
    async def steps(peer):
        await peer.say(get("/at/b"), get("/later/a"), get("/at/b"), get("/at/b"))
        assert (peer.begun, peer.wire.is_read) == (["b", "a"], False)
        await peer.let("a")
        assert peer.heard == [(200, "b"), (200, "a"), (200, "b"), (200, "b")]
        await peer.say(get("/at/b", "connection: close\r\n"), get("/at/b"))
        assert (len(peer.heard), peer.wire.is_closed) == (5, True)

    conversation(steps)


def test_a_known_head_is_refused_by_a_full_server_all_the_same():
    async def steps(peer):
        await peer.say(get("/at/a"))
        peer.state.connections.add(object())
        await peer.say(get("/at/a"))
        assert [status for status, _ in peer.heard] == [200, 503]

    conversation(steps, max_connections=2)


def test_a_foreign_head_stays_foreign():
    async def steps(peer):
        await peer.say(*["GET /at/a HTTP/1.1\r\nhost: evil.example\r\n\r\n"] * 3)
        assert ([status for status, _ in peer.heard], peer.begun) == ([403, 403, 403], [])

    conversation(steps)


def test_only_so_many_heads_are_remembered_and_none_that_names_its_request():
    async def steps(peer):
        for number in range(3 * HEADS_REMEMBERED):
            await peer.say(get(f"/at/{number}"), get("/at/a", f"x: {'x' * 2000}\r\n"))
            assert len(peer.protocol._known_heads) <= HEADS_REMEMBERED
        peer.protocol._known_heads.clear()
        await peer.say(get("/at/a", "X-Correlation-ID: 1\r\n"), post("/sum", 0, "Idempotency-Key: 1\r\n"))
        assert peer.protocol._known_heads == {}

    conversation(steps)


@pytest.mark.parametrize(("version", "headers", "status"), [
    ("1.1", "",                                                             400),
    ("1.0", "",                                                             200),
    ("1.1", f"{HOST}transfer-encoding: gzip, chunked\r\n",                  400),
    ("1.1", f"{HOST}transfer-encoding: gzip\r\ntransfer-encoding: chunked\r\n", 400),
    ("1.1", f"{HOST}Transfer-Encoding: Chunked\r\n",                        200),
])  # fmt: skip
def test_a_request_names_its_host_and_is_coded_in_chunks_at_most(version, headers, status):
    async def steps(peer):
        end = "0\r\n\r\n" if "ncoding" in headers else ""
        await peer.say(f"POST /sum HTTP/{version}\r\n{headers}\r\n{end}")
        [(found, body)] = peer.heard
        assert (found, status == 200 or json.loads(body)["code"]) == (status, status == 200 or "MALFORMED")

    conversation(steps)


@pytest.mark.parametrize("already", [0, 70_000])
def test_a_body_of_broken_chunks_is_none(already):
    async def steps(peer):
        head = f"POST /sum HTTP/1.1\r\n{HOST}transfer-encoding: chunked\r\n\r\n"
        await peer.say(head + (f"{already:x}\r\n{'x' * already}\r\n" if already else ""), "nonsense\r\n")
        assert ([status for status, _ in peer.heard], peer.begun) == ([400], [])
        assert peer.wire.is_closed or peer.wire.has_ended

    conversation(steps)


def test_an_upgrade_behind_what_waits_is_refused():
    async def steps(peer):
        upgrade = "connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n"
        await peer.say(get("/later/a") + get("/ws", upgrade + "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n"))
        await peer.let("a")
        assert [status for status, _ in peer.heard] == [200, 400]

    conversation(steps)


def test_an_upgrade_to_what_we_do_not_speak_is_none():
    async def steps(peer):
        await peer.say(get("/at/a", "connection: upgrade\r\nupgrade: h2c\r\n"))
        assert peer.heard == [(200, "a")]

    conversation(steps)


def test_a_server_that_stops_answers_what_was_asked():
    async def steps(peer):
        await peer.say(get("/later/a"))
        assert len(peer.state.tasks) == 1
        peer.protocol.shutdown()
        assert not peer.wire.is_closed
        await peer.say(get("/at/b"))
        await peer.let("a")
        assert (peer.heard, peer.wire.is_closed, peer.state.tasks) == ([(200, "a")], True, set())
        assert b"connection: close\r\n" in peer.wire.sent

    conversation(steps)


def test_a_server_that_stops_closes_where_nothing_was_asked():
    async def steps(peer):
        await peer.say(get("/at/a"))
        peer.protocol.shutdown()
        assert peer.wire.is_closed

    conversation(steps)


def test_what_takes_too_long_for_a_stop_is_cut_short(caplog):
    async def steps(peer):
        await peer.say(get("/later/a"))
        for task in set(peer.state.tasks):
            task.cancel(msg="enough")
        await _turns()
        assert (peer.heard, peer.wire.is_closed) == ([(500, "Internal Server Error")], True)
        assert peer.state.tasks == set()

    conversation(steps)
    assert [record.levelno for record in caplog.records] == [logging.ERROR]


def test_who_leaves_does_not_stop_what_he_asked_for():
    async def steps(peer):
        await peer.say(get("/later/a") + get("/at/b"))
        await peer.leave()
        assert len(peer.state.tasks) == 1
        await peer.let("a")
        assert (peer.begun, peer.heard, peer.state.tasks) == (["a"], [], set())

    conversation(steps)


def test_who_still_sends_what_was_refused_is_cut_off_in_the_end():
    async def steps(peer):
        loop = asyncio.get_running_loop()
        await peer.say(post("/sum", LIMIT + 1))
        [timer] = [each for each in loop._scheduled if each._callback == peer.wire.close]  # type: ignore[attr-defined]
        assert timer.when() - loop.time() <= LINGER_S
        timer._run()
        assert peer.wire.is_closed

    conversation(steps)
