"""WebSocket sessions and their outboxes."""

from __future__ import annotations

import asyncio

import pytest

from tests.faces.kit.asgi import Caller, Closed, Refused, WebSocketClient, run
from tests.faces.kit.doors import a_door, an_app
from tradehall.faces.kit import (
    WEBSOCKET,
    Board,
    Frame,
    Guard,
    Metrics,
    Outbox,
    Request,
    Route,
    Session,
    Upgrade,
)

KEY = {"x-api-key": "me"}


class Hub:
    """Says back what it hears; gives its outboxes away to the test."""

    def __init__(self, **options):
        self.board = Board()
        self.joined: asyncio.Queue[Outbox] = asyncio.Queue()
        self.options = options

    async def open(self, request: Request) -> Upgrade:
        return Upgrade(self.follow)

    async def follow(self, session: Session) -> None:
        async with Outbox(session, **self.options) as outbox:
            self.board.follow(outbox)
            self.joined.put_nowait(outbox)
            async for text in session:
                outbox.post(Frame(f"heard {text}".encode()))


async def break_down(session: Session) -> None:
    raise RuntimeError("a bug")


async def greet(request: Request) -> Upgrade:
    return Upgrade(break_down)


def an_app_with(hub, **arguments):
    routes = (Route(WEBSOCKET, "/ws", hub.open), Route(WEBSOCKET, "/broken", greet, public=True))
    return an_app(a_door(routes=routes), **arguments)


def socket_to(app, path="/v1/ws", headers=KEY):
    return WebSocketClient(app, path, headers=headers)


@pytest.mark.parametrize(("path", "headers", "status", "code"), [
    # where           with                                      answer  in the door's words
    ("/v1/ws",        {},                                       401,    b"MISSING_KEY"),
    ("/v1/nope",      KEY,                                      404,    b"NOT_FOUND"),
    ("/v1/ws",        {**KEY, "host": "evil.example"},          403,    b"FOREIGN_ORIGIN"),
    ("/v1/ws",        {**KEY, "origin": "http://evil.example"}, 403,    b"FOREIGN_ORIGIN"),
])  # fmt: skip
def test_an_upgrade_is_refused_with_an_answer(path, headers, status, code):
    async def attempt():
        async with socket_to(an_app_with(Hub()), path, headers):
            pass

    with pytest.raises(Refused) as refused:
        run(attempt())
    assert refused.value.status == status
    assert code in refused.value.body
    assert refused.value.headers[b"content-type"] == b"application/json"


def test_text_is_heard_and_binary_is_not():
    async def talk():
        async with socket_to(an_app_with(Hub())) as socket:
            socket.send_bytes(b"\x00")
            socket.send("hello")
            return await socket.receive()

    assert run(talk()) == "heard hello"


@pytest.mark.parametrize("text", ["x" * 65_537, "€" * 30_000])
def test_a_frame_over_64_kib_closes_with_1009(text):
    async def talk():
        async with socket_to(an_app_with(Hub())) as socket:
            socket.send(text)
            await socket.receive()

    with pytest.raises(Closed) as closed:
        run(talk())
    assert closed.value.code == 1009


def test_a_frame_of_64_kib_is_heard():
    async def talk():
        async with socket_to(an_app_with(Hub())) as socket:
            socket.send("x" * 65_536)
            return await socket.receive()

    assert len(run(talk())) == 65_542


def test_a_bug_closes_with_1011(caplog):
    async def talk():
        async with socket_to(an_app_with(Hub()), "/broken", {}) as socket:
            await socket.receive()

    with pytest.raises(Closed) as closed:
        run(talk())
    assert closed.value.code == 1011
    assert "stream failed" in caplog.text


def test_account_frames_keep_their_order_and_quotes_only_their_newest():
    hub = Hub()

    async def talk():
        async with socket_to(an_app_with(hub)) as socket:
            outbox = await hub.joined.get()
            for number in range(100):
                hub.board.publish("AAPL", Frame(b"AAPL %d" % number))
                outbox.post(Frame(b"fill %d" % number))
            hub.board.publish("MSFT", Frame(b"MSFT 1"))
            return [await socket.receive() for _ in range(102)]

    heard = run(talk())
    assert heard == [f"fill {number}" for number in range(100)] + ["AAPL 99", "MSFT 1"]


def test_a_stalled_socket_gets_the_newest_quotes_later_and_delays_nobody():
    hub = Hub()

    async def talk():
        app = an_app_with(hub)
        async with socket_to(app) as slow, socket_to(app) as quick:
            await hub.joined.get()
            await hub.joined.get()
            slow.stall()
            hub.board.publish("AAPL", Frame(b"AAPL 0"))
            assert await quick.receive() == "AAPL 0"
            for number in range(1, 4):
                hub.board.publish("AAPL", Frame(b"AAPL %d" % number))
                assert await quick.receive() == f"AAPL {number}"
            slow.resume()
            return [await slow.receive(), await slow.receive()]

    assert run(talk()) == ["AAPL 0", "AAPL 3"]


def test_who_falls_too_far_behind_is_hung_up_on_and_counted():
    metrics = Metrics()
    overflows = metrics.counter("slow_total", "Hung up on")
    hub = Hub(overflows=overflows, max_frames=10)

    async def talk():
        async with socket_to(an_app_with(hub)) as socket:
            outbox = await hub.joined.get()
            for number in range(11):
                outbox.post(Frame(b"fill %d" % number))
            await socket.receive()

    with pytest.raises(Closed) as closed:
        run(talk())
    assert closed.value.code == 1013
    assert "slow_total 1" in metrics.render().decode()


def test_a_follower_of_one_symbol_hears_no_other():
    hub = Hub()

    async def talk():
        async with socket_to(an_app_with(hub)) as socket:
            outbox = await hub.joined.get()
            hub.board.unfollow(outbox)
            assert not hub.board.is_followed("MSFT")
            hub.board.follow(outbox, ["MSFT"])
            hub.board.publish("AAPL", Frame(b"AAPL 1"))
            hub.board.publish("MSFT", Frame(b"MSFT 1"))
            return await socket.receive()

    assert run(talk()) == "MSFT 1"


def test_a_session_that_ended_is_forgotten():
    hub = Hub()
    app = an_app_with(hub)

    async def talk():
        async with socket_to(app):
            await hub.joined.get()
            assert len(app.sessions) == 1
            assert 'tradehall_ws_connections{door="gateway"} 1' in app.metrics.render().decode()

    run(talk())
    assert not app.sessions
    assert not hub.board.is_followed("AAPL")
    assert 'tradehall_ws_connections{door="gateway"} 0' in app.metrics.render().decode()


def test_the_server_can_close_all_sessions():
    hub = Hub()
    app = an_app_with(hub)

    async def talk():
        async with socket_to(app) as socket:
            await hub.joined.get()
            await app.close_sessions()
            await socket.receive()

    with pytest.raises(Closed) as closed:
        run(talk())
    assert closed.value.code == 1001


def test_a_plain_request_to_a_stream_is_426():
    answer = Caller(an_app_with(Hub(), guard=Guard()), headers=KEY).get("/ws")
    assert (answer.status_code, answer.headers["upgrade"]) == (426, "websocket")


@pytest.mark.parametrize(("size", "head"), [
    # bytes   RFC 6455: final text frame, length in 7, 16 or 64 bits
    (125,     b"\x81\x7d"),
    (126,     b"\x81\x7e\x00\x7e"),
    (65_535,  b"\x81\x7e\xff\xff"),
    (65_536,  b"\x81\x7f\x00\x00\x00\x00\x00\x01\x00\x00"),
])  # fmt: skip
def test_a_frame_is_written_as_the_rfc_says(size, head):
    assert Frame(b"x" * size).wire == head + b"x" * size
