"""HTTP on one connection: uvicorn's protocol, bounded, and leaner where every request passes."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from itertools import chain
from typing import Any
from urllib.parse import unquote

import httptools
from uvicorn.protocols.http.flow_control import service_unavailable
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from tradehall.faces.kit.guards import MAX_HEADER_BYTES, MAX_URL_BYTES
from tradehall.faces.kit.request import Scope
from tradehall.faces.kit.response import EXCHANGE, Header

MAX_HEAD_BYTES = 2 * (MAX_HEADER_BYTES + MAX_URL_BYTES)
FIRST_BYTE_WITHIN_S = 30
KEEP_ALIVE_S = 75


class BoundedHttp(HttpToolsProtocol):
    """Refuses heads of requests that never end, which the parser would gather for ever.

    One task serves a connection, request by request, and one timer closes it when it is idle: either for each request
    would cost more than what the kit does with it.
    """

    _head_bytes = 0
    # Since when nothing is asked [s of the loop's clock]; None while something is.
    _idle_since: float | None = None
    _task: asyncio.Task[None] | None = None
    _next: tuple[RequestResponseCycle, Any] | None = None
    _wake: asyncio.Future[None] | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        # A connection that says nothing is closed as an idle one is.
        self._idle_since = self.loop.time() - KEEP_ALIVE_S + FIRST_BYTE_WITHIN_S
        self.timeout_keep_alive_task = self.loop.call_later(FIRST_BYTE_WITHIN_S, self.timeout_keep_alive_handler)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._leave()

    def handle_websocket_upgrade(self) -> None:
        super().handle_websocket_upgrade()
        self._leave()  # From here on the connection is another protocol's.

    def _leave(self) -> None:
        if self.timeout_keep_alive_task is not None:
            self.timeout_keep_alive_task.cancel()
        if self._wake is not None and self._task is not None:
            self._task.cancel()

    def timeout_keep_alive_handler(self) -> None:
        """Close what has been idle for long, look again later at what has not."""
        idle_since = self._idle_since
        idle_s = 0.0 if idle_since is None else self.loop.time() - idle_since
        if idle_s >= KEEP_ALIVE_S:
            super().timeout_keep_alive_handler()
        else:
            self.timeout_keep_alive_task = self.loop.call_later(KEEP_ALIVE_S - idle_s, self.timeout_keep_alive_handler)

    def _unset_keepalive_if_required(self) -> None:
        self._idle_since = None

    # A request comes in.

    def data_received(self, data: bytes) -> None:
        if self._head_bytes >= 0:
            self._head_bytes += len(data)
        super().data_received(data)
        if self._head_bytes > MAX_HEAD_BYTES:
            self.transport.write(b"HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\n\r\n")
            self.transport.close()

    def on_message_begin(self) -> None:
        """As uvicorn's; the scope is made when the head is complete."""
        self.url = b""
        self.expect_100_continue = False
        self.headers = []

    def on_headers_complete(self) -> None:
        """As uvicorn's, with the request in one piece where the kit can take it so."""
        self._head_bytes = -1
        version = self.parser.get_http_version()
        self.scope = scope = self._scope(version)  # type: ignore[assignment]
        if self.parser.should_upgrade() and self._should_upgrade():
            return
        exchange = OneExchange(self, scope, keep_alive=version != "1.0" and self.parser.should_keep_alive())
        scope["extensions"] = {EXCHANGE: exchange}
        earlier, self.cycle = self.cycle, exchange
        app = service_unavailable if self._is_full() else self.app
        if earlier is None or earlier.response_complete:  # type: ignore[redundant-expr]
            self._start_asgi_task(exchange, app)
        else:
            self.flow.pause_reading()
            self.pipeline.appendleft((exchange, app))

    def _scope(self, version: str) -> Scope:
        url = httptools.parse_url(self.url)
        raw_path = url.path
        path = raw_path.decode("ascii")
        return {
            "type": "http",
            "asgi": {"version": self.asgi_version, "spec_version": "2.3"},
            "http_version": version,
            "server": self.server,
            "client": self.client,
            "scheme": self.scheme,
            "root_path": "",
            "method": self.parser.get_method().decode("ascii"),
            "path": unquote(path) if "%" in path else path,
            "raw_path": raw_path,
            "query_string": url.query or b"",
            "headers": self.headers,
        }

    def _is_full(self) -> bool:
        limit = self.limit_concurrency
        return limit is not None and (len(self.connections) >= limit or len(self.tasks) >= limit)

    def on_message_complete(self) -> None:
        self._head_bytes = 0
        super().on_message_complete()

    # Its turn.

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._next = (cycle, app)
        if self._wake is not None:
            self._wake.set_result(None)
            self._wake = None
        elif self._task is None:
            self._task = self.loop.create_task(self._serve())
        assert self._task is not None
        self.tasks.add(self._task)  # Busy: a server that stops waits for it.

    async def _serve(self) -> None:
        while True:
            while (work := self._taken()) is not None:
                cycle, app = work
                await cycle.run_asgi(app)
                del work, cycle  # An answered request need not wait for the next one to be gone.
            assert self._task is not None
            self.tasks.discard(self._task)
            if self.transport.is_closing():
                return
            self._wake = self.loop.create_future()
            await self._wake

    def _taken(self) -> tuple[RequestResponseCycle, Any] | None:
        work, self._next = self._next, None
        return work

    def on_response_complete(self) -> None:
        """As uvicorn's, without its timer."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            cycle, app = self.pipeline.pop()
            self._start_asgi_task(cycle, app)
        else:
            self._idle_since = self.loop.time()


class _Unheard(asyncio.Event):
    """What happens to a request while nobody waits for it; mostly it is complete before anybody looks."""

    def set(self) -> None: ...


_UNHEARD = _Unheard()


class OneExchange(RequestResponseCycle):
    """As uvicorn's, and response.Exchange: head and body of an answer are one system call and one packet."""

    access_log = False
    message_event: asyncio.Event = _UNHEARD
    disconnected = False
    more_body = True
    response_started = False
    response_complete = False
    chunked_encoding: bool | None = None
    expected_content_length = 0

    def __init__(self, protocol: BoundedHttp, scope: Scope, *, keep_alive: bool) -> None:
        # Not super's: what is the same at the start of all stands above.
        self.scope = scope  # type: ignore[assignment]
        self.transport = protocol.transport
        self.flow = protocol.flow
        self.logger = protocol.logger
        self.default_headers = protocol.server_state.default_headers
        self.on_response = protocol.on_response_complete
        self.keep_alive = keep_alive
        self.waiting_for_100_continue = protocol.expect_100_continue
        self.body = bytearray()

    async def receive(self) -> Any:
        """As uvicorn's."""
        if self.message_event is _UNHEARD:
            self.message_event = asyncio.Event()
            if self.body or not self.more_body:
                self.message_event.set()
        return await super().receive()

    def whole_body(self) -> bytes | None:
        """See response.Exchange."""
        return None if self.more_body or self.disconnected else bytes(self.body)

    def answer(self, status: int, headers: Sequence[Header], body: bytes) -> bool:
        """See response.Exchange."""
        if self.disconnected or self.flow.write_paused or self.waiting_for_100_continue:
            return False
        parts = [STATUS_LINE[status]]
        for name, value in chain(self.default_headers, headers):
            parts += (name, b": ", value, b"\r\n")
        parts.append(b"\r\n" if self.keep_alive else b"connection: close\r\n\r\n")
        parts.append(body)
        self.transport.write(b"".join(parts))
        # The scope leads to its exchange, and that to the scope: parted here, all of a request goes at once; else a
        # dozen objects of each would wait for the collector, which stops everybody.
        del self.scope["extensions"]
        self.response_started = self.response_complete = True
        self.message_event.set()
        if not self.keep_alive:
            self.transport.close()
        self.on_response()
        return True
