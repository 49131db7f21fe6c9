"""A head that came before is known word for word, and means what it meant."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.faces.kit.wires import HOST, conversation, get, post
from tradehall.faces.kit.head import Head, target
from tradehall.faces.kit.known_heads import HEADS_REMEMBERED, REMEMBERED_HEAD_BYTES, KnownHeads


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
        for path in ("/at/a", "/at/a", "/at/b"):
            await peer.say(f"GET {path} HTTP/1.1\r\nhost: evil.example\r\n\r\n")
        assert ([status for status, _ in peer.heard], peer.begun) == ([403, 403, 403], [])

    conversation(steps)


def test_known_headers_under_another_first_line_ask_for_something_else():
    async def steps(peer):
        await peer.say(get("/at/a"))
        parser, peer.protocol.parser = peer.protocol.parser, None
        await peer.say(get("/at/b"), get("/at/%63?d=%65"), get("/elsewhere"), get("/sum"))
        assert peer.heard[:3] == [(200, "a"), (200, "b"), (200, "c")]
        assert [status for status, _ in peer.heard[3:]] == [401, 405]
        peer.protocol.parser = parser

    conversation(steps)


PLAIN = st.builds(
    "{} /{} HTTP/1.1".format,
    st.sampled_from(["GET", "POST", "PUT", "PATCH", "DELETE"]),
    st.lists(st.sampled_from(["at", "sum", "/", "b", *"%?#\"'<>\\^`{|}~!$&()*+,-.:;=@[]_", "%2F", "%zz", "//"])).map(
        "".join
    ),
)
OTHERS = st.sampled_from([
    "HEAD /at/b HTTP/1.1", "OPTIONS /at/b HTTP/1.1", "CONNECT /at/b HTTP/1.1", "get /at/b HTTP/1.1", "GET * HTTP/1.1",
    "GET http://localhost/at/b HTTP/1.1", "GET  /at/b HTTP/1.1", "GET /at/b  HTTP/1.1", "GET /at/b HTTP/1.1 ",
    "GET /at/b HTTP/1.0", "GET /at/b HTTP/2.0", "GET /at/b", "", "GET /at/b\nX: y HTTP/1.1", "GET /at/\0 HTTP/1.1",
    "GET /at/\x7f HTTP/1.1", "GET /at/\xe4 HTTP/1.1", f"GET /at/{'b' * 1024} HTTP/1.1",
])  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(PLAIN | OTHERS)
def test_any_first_line_means_the_same_above_headers_that_are_known(line):
    told = []

    def answers_after(*before):
        async def steps(peer):
            await peer.say(*before)
            peer.begun.clear()
            await peer.say(get("/at/a").replace("GET /at/a HTTP/1.1", line))
            told.append((peer.heard[len(before) :], peer.begun, peer.wire.is_closed))

        return steps

    conversation(answers_after())
    conversation(answers_after(get("/at/a")))
    assert told[0] == told[1]


def test_only_so_many_heads_are_remembered_and_none_that_names_its_request():
    known = KnownHeads()
    for number in range(3 * HEADS_REMEMBERED):
        know(known, get(f"/at/{number}", f"x: {number}\r\n"))
        know(known, get("/at/a", f"x: {'x' * REMEMBERED_HEAD_BYTES}\r\n"))
        know(known, get("/at/a", "X-Correlation-ID: 1\r\n"))
        know(known, post("/sum", 0, "Idempotency-Key: 1\r\n"))
    assert len(known._heads) == len(known._like) == HEADS_REMEMBERED
    assert all(b"\r\nx: " in raw and len(raw) < 100 for raw in known._heads)


def test_a_head_that_comes_again_outlives_those_that_come_once():
    known = KnownHeads()
    often = know(known, get("/at/often"))
    for number in range(3 * HEADS_REMEMBERED):
        assert know(known, get(f"/at/{number}")).path == f"/at/{number}"
        know(known, get("/at/once", f"x: {number}\r\n"))
        assert know(known, get("/at/often")) is often


def know(known: KnownHeads, sent: str) -> Head:
    """What `sent` is taken for, which is known from then on."""
    raw = sent.encode()
    found = known.find(raw)
    if found is None:
        line, *fields = raw.removesuffix(b"\r\n\r\n").split(b"\r\n")
        headers = [(name.lower(), value) for name, _, value in (each.partition(b": ") for each in fields)]
        found = Head("GET", *target(line.split()[1]), headers, len(raw))
        known.remember(raw, found)
    return found
