"""HTTP as bytes on a connection: what is begun, in which order it is answered, when it ends."""

from __future__ import annotations

import json

import pytest

from tests.faces.kit.wires import HOST, LIMIT, conversation, get, post


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


@pytest.mark.parametrize("head", ["content-length: many\r\n", "transfer-encoding: chunked\r\n"])
def test_what_is_no_http_after_its_path_is_said_in_the_words_of_the_door_there(head):
    async def steps(peer):
        await peer.say(f"POST /other/orders HTTP/1.1\r\n{HOST}{head}\r\nnonsense\r\n")
        [(status, body)] = peer.heard
        assert (status, json.loads(body)["code"]) == (400, "OTHER_MALFORMED")

    conversation(steps)


def test_a_large_head_cannot_hide_behind_another():
    async def steps(peer):
        long = get("/at/b", f"x: {'x' * 40_000}\r\n")
        await peer.say(get("/at/a") + long[:30_000], long[30_000:])
        assert [status for status, _ in peer.heard] == [200, 431]

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
