"""The server process: uvicorn on one or two listening sockets, bounded and stopped in order."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
import threading
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import uvicorn
from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import CloseCode

from tradehall.faces.kit.http import KEEP_ALIVE_S, BoundedHttp
from tradehall.faces.kit.websocket import MAX_INBOUND_BYTES, RAW_FRAMES

MAX_CONNECTIONS = 4_096
STOP_WITHIN_S = 3  # Of the five seconds that a stop may take; the rest is for the hooks.
PING_EVERY_S = 20.0
HANG_UP_AFTER_S = 2.0
STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)

_log = logging.getLogger("tradehall.serve")


@dataclass(frozen=True, slots=True, kw_only=True)
class Listening:
    """Where to listen. Port 0 takes a free one; a second port that is taken is done without."""

    host: str = "127.0.0.1"
    port: int = 8080
    second_port: int | None = None
    max_connections: int = MAX_CONNECTIONS


class KitServer(uvicorn.Server):
    """uvicorn, with a hook that runs before connections are closed."""

    def __init__(self, config: uvicorn.Config, on_stopping: Callable[[], Awaitable[None]] | None) -> None:
        super().__init__(config)
        self._on_stopping = on_stopping

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Say goodbye, then close: doors can still send their last frames in `on_stopping`."""
        if self._on_stopping is not None:
            try:
                await self._on_stopping()
            except Exception:
                _log.exception("saying goodbye failed; stopping all the same")
        await super().shutdown(sockets)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """As uvicorn's, but an obeyed signal is not raised again at the end: the exit code is 0."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        loop = asyncio.get_running_loop()
        for number in STOP_SIGNALS:
            loop.add_signal_handler(number, self.stop)
        try:
            yield
        finally:
            for number in STOP_SIGNALS:
                loop.remove_signal_handler(number)

    def stop(self) -> None:
        """As SIGTERM does."""
        self.should_exit = True


class FrameSocket(WebSocketsSansIOProtocol):
    """Lets the kit write frames that were encoded once for all, and hang up on stuck sockets."""

    def handle_connect(self, event: Any) -> None:
        super().handle_connect(event)
        if hasattr(self, "scope"):  # Absent when the handshake was refused as malformed.
            extensions: dict[str, object] = self.scope["extensions"]  # type: ignore[assignment]
            extensions[RAW_FRAMES] = self

    async def send(self, message: Any) -> None:
        await super().send(message)
        if message["type"] == "websocket.http.response.body":
            # Else uvicorn complains in the log of each refused upgrade that it is incomplete.
            self.handshake_complete = True

    async def send_wire(self, frames: bytes) -> None:
        """See websocket.RawFrames."""
        await self.writable.wait()
        if self.disconnected or self.close_sent:
            raise ClientDisconnected
        self.transport.write(frames)

    def send_now(self, frames: bytes) -> bool:
        """See websocket.RawFrames."""
        if self.disconnected or self.close_sent or not self.writable.is_set():
            return False
        self.transport.write(frames)
        return True

    def hang_up(self, code: int, reason: str) -> None:
        """See websocket.RawFrames."""
        if not self.close_sent and not self.disconnected:
            self.conn.send_close(code, reason)
            self.transport.write(b"".join(self.conn.data_to_send()))
            self.close_sent = True
        self.loop.call_later(HANG_UP_AFTER_S, self.transport.abort)

    def send_receive_event_to_app(self) -> None:
        """As uvicorn's, but text that is no UTF-8 is the peer's fault, and no stack trace in our log."""
        if self.curr_msg_data_type == "text" and not self.close_sent and not _is_text(b"".join(self.frames)):
            self.frames = []
            self.conn.send_close(CloseCode.INVALID_DATA)
            self.handle_parser_exception()
            return
        super().send_receive_event_to_app()

    def handle_close(self, event: Any) -> None:
        """The peer's close frame: an answer to `hang_up` ends the connection, which uvicorn would leave open."""
        is_answer = self.close_sent and self.close_timer is None
        super().handle_close(event)
        if is_answer:
            self.transport.close()

    def keepalive_timeout(self) -> None:
        super().keepalive_timeout()
        # close() waits until all is written, which to a dead peer is never.
        self.loop.call_later(HANG_UP_AFTER_S, self.transport.abort)


def _is_text(found: bytes) -> bool:
    try:
        found.decode()
    except UnicodeDecodeError:
        return False
    return True


def bind(listening: Listening) -> list[socket.socket]:
    """The listening sockets. OSError if the first port cannot be had; the second is optional."""
    sockets = [_bound(listening.host, listening.port)]
    if listening.second_port:
        try:
            sockets.append(_bound(listening.host, listening.second_port))
        except OSError as error:
            _log.warning("port %d is taken (%s); going on without it", listening.second_port, error.strerror)
    return sockets


def make_server(
    app: Any, listening: Listening, *, on_stopping: Callable[[], Awaitable[None]] | None = None
) -> KitServer:
    """A server for `app`, to be run with `await server.serve(sockets=bind(listening))`."""
    config = uvicorn.Config(
        app,
        interface="asgi3",
        host=listening.host,
        port=listening.port,
        loop="uvloop",
        http=BoundedHttp,
        ws=FrameSocket,
        ws_max_size=MAX_INBOUND_BYTES,
        ws_ping_interval=PING_EVERY_S,
        ws_ping_timeout=PING_EVERY_S,
        ws_per_message_deflate=False,
        lifespan="on",
        access_log=False,
        log_config=None,
        log_level="warning",
        proxy_headers=False,
        server_header=False,
        limit_concurrency=listening.max_connections,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=STOP_WITHIN_S,
    )
    return KitServer(config, on_stopping)


def serve(
    app: Any,
    listening: Listening,
    *,
    on_stopping: Callable[[], Awaitable[None]] | None = None,
    on_listening: Callable[[Sequence[socket.socket]], None] | None = None,
) -> None:
    """Serve until SIGTERM or SIGINT, then stop within five seconds and return.

    `on_listening` is told the sockets before the first request; OSError if the port is taken.
    """
    sockets = bind(listening)
    if on_listening is not None:
        on_listening(sockets)
    server = make_server(app, listening, on_stopping=on_stopping)
    with asyncio.Runner(loop_factory=server.config.get_loop_factory()) as runner:
        runner.run(server.serve(sockets))


def _bound(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((host, port))
        bound.listen(2048)
    except OSError:
        bound.close()
        raise
    bound.setblocking(False)
    return bound
