"""HTTP on one connection: requests are gathered whole, begun when all that has come is read, and answered in one write.

What uvicorn's protocol knows of connections stays (its parser, flow control, the way to WebSockets); its ASGI is left
out, for an event each for head, body and answer, and a task to hear them, cost more than what the kit does.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Sequence
from contextvars import copy_context
from typing import Any, Final

import httptools
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from tradehall.faces.kit.arriving import HIGH_WATER, ArrivingBody
from tradehall.faces.kit.errand import Errand
from tradehall.faces.kit.errors import Problem, ProblemKind
from tradehall.faces.kit.guards import MAX_HEADER_BYTES, TOO_MANY_HEADERS
from tradehall.faces.kit.head import MAX_URL_BYTES, Head, target, target_so_far
from tradehall.faces.kit.known_heads import KnownHeads
from tradehall.faces.kit.request import Request, Serve
from tradehall.faces.kit.response import Header, Response, lines_of

MAX_HEAD_BYTES = 2 * (MAX_HEADER_BYTES + MAX_URL_BYTES)
FIRST_BYTE_WITHIN_S = 30
KEEP_ALIVE_S = 75
# How long we listen, without hearing, to who still sends what we refused: who is cut off at once loses the answer too.
LINGER_S = 2

_HEAD_END: Final = b"\r\n\r\n"
_NO_HTTP = "Invalid HTTP request received."
_CLOSE = b"connection: close\r\n"


class BoundedHttp(HttpToolsProtocol):
    """One connection. Its requests are served one after another, and one timer closes it when it is idle.

    A request begins when it is complete; or before, if its body is too long to be kept for strangers, or if its sender
    asks for leave to send it. Where a peer does not read its answers, or sends ahead of them, we stop to read.
    """

    # Exchanges and streams that wait for something, of all connections.
    tasks: set[Any]

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        app: Any = self.app
        self._serve: Serve = app.serve
        # Connections, and exchanges that wait: with so many the server is full.
        self._most = sys.maxsize if self.limit_concurrency is None else self.limit_concurrency
        self.url = b""
        self.headers = []
        # How much has come of a head, below 0: it is complete; not counted what came with the end of the one before.
        self._head_bytes = 0
        self._earlier_bytes = 0
        self._packet_bytes = 0
        # Nothing has come of a next request.
        self._is_between = True
        self._known_heads = KnownHeads()
        # Since when nothing is asked [s of the loop's clock]; None while something is.
        self._idle_since: float | None = None
        # Whose body is not complete; what waits for its turn; what is being answered, while it waits for something.
        self._incoming: Exchange | None = None
        self._waiting: deque[Exchange] = deque()
        self._serving: Exchange | None = None
        # The last request has come: what follows is not heard. What is said after the answers to all that came before.
        self._is_over = False
        self._last_word = b""

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._host = self.client[0] if self.client else ""
        self._context = copy_context()
        # A connection that says nothing is closed as an idle one is.
        self._idle_since = self.loop.time() - KEEP_ALIVE_S + FIRST_BYTE_WITHIN_S
        self.timeout_keep_alive_task = self.loop.call_later(FIRST_BYTE_WITHIN_S, self.timeout_keep_alive_handler)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._leave()
        self._waiting.clear()
        if self._incoming is not None and self._incoming.arriving is not None:
            self._incoming.arriving.lose()
        self._incoming = None

    def handle_websocket_upgrade(self) -> None:
        if self._serving is not None or self._waiting:
            self._refuse(ProblemKind.MALFORMED, _NO_HTTP)
            return
        super().handle_websocket_upgrade()
        self._leave()  # From here on the connection is another protocol's.

    def _leave(self) -> None:
        if self.timeout_keep_alive_task is not None:
            self.timeout_keep_alive_task.cancel()

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

    def shutdown(self) -> None:
        """The server stops: what has been asked is answered, then the connection closes."""
        last = self._incoming or (self._waiting[-1] if self._waiting else self._serving)
        if last is None:
            self.transport.close()
        else:
            last.keep_alive = False
            self._is_over = True

    # A request comes in.

    def data_received(self, data: bytes) -> None:
        if self._is_over and self._incoming is None:
            return
        self._idle_since = None
        if not (self._is_between and self._recognise(data)):
            self._parse(data)
        if self._waiting or self._last_word:
            # Not here: between the sockets that it reads the loop gives up the interpreter's lock, and the journal's
            # thread would be asked for batches of two or three orders.
            self.loop.call_soon(self._go_on)

    def _recognise(self, data: bytes) -> bool:
        """Take up a whole request whose head is known, for it means what it meant then."""
        body_at = data.find(_HEAD_END) + 4
        head = self._known_heads.find(data[:body_at])
        if head is None or len(data) - body_at != head.body_bytes or self._is_full():
            return False
        request = Request(head, self._host)
        request.body = data[body_at:]
        self._waiting.append(Exchange(self, request))
        return True

    def _remember(self, data: bytes, request: Request) -> None:
        """Know the head of a request again, if it is all that came in this packet."""
        body_at = data.find(_HEAD_END) + 4
        if len(data) - body_at == len(request.body) == request.head.body_bytes:
            self._known_heads.remember(data[:body_at], request.head)

    def _parse(self, data: bytes) -> None:
        was_between, ahead = self._is_between, len(self._waiting)
        self._packet_bytes = len(data)
        if was_between:
            self._earlier_bytes = 0
        if self._head_bytes >= 0:
            self._head_bytes += len(data)
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            if not self._is_over and self._should_upgrade():
                self.handle_websocket_upgrade()
            else:
                self._unsupported_upgrade_warning()
        except httptools.HttpParserError:
            self.logger.warning(_NO_HTTP)
            self._refuse(ProblemKind.MALFORMED, _NO_HTTP)
        else:
            if was_between and not self._is_over and len(self._waiting) > ahead:
                self._remember(data, self._waiting[-1].request)
        if self._head_bytes > MAX_HEAD_BYTES:
            self._refuse(ProblemKind.HEADERS_TOO_LARGE, TOO_MANY_HEADERS)

    def _is_full(self) -> bool:
        return len(self.connections) >= self._most or len(self.tasks) >= self._most

    def on_message_begin(self) -> None:
        self._is_between = False

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        head_bytes, self._head_bytes = self._earlier_bytes + self._head_bytes, -1
        if self._is_over:
            return
        parser = self.parser
        method = parser.get_method().decode()
        if parser.should_upgrade() and self._should_upgrade():
            self.scope = {"method": method, "headers": self.headers}  # type: ignore[typeddict-item]
            return
        if self._is_full():
            self._refuse(ProblemKind.UNAVAILABLE, "Too many connections", is_shown=method != "HEAD")
            return
        is_old = parser.get_http_version() == "1.0"
        head = Head(method, *target(self.url), self.headers, head_bytes, is_old=is_old)
        head.body_bytes = int(head.headers.get(b"content-length", 0))
        self.url, self.headers = b"", []
        self._incoming = exchange = Exchange(self, Request(head, self._host))
        if is_old or not parser.should_keep_alive():  # A client that speaks HTTP/1.0 may ask to be kept, and is not.
            exchange.keep_alive = False
            self._is_over = True
        if b"expect" in head.headers or head.body_bytes > HIGH_WATER:
            exchange.arrives()
            self._begin_early(exchange)

    def on_body(self, body: bytes) -> None:
        exchange = self._incoming
        if exchange is None:
            return  # It was refused, or answered before its end.
        request = exchange.request
        if exchange.arriving is None and not request.body:
            request.body = body  # Mostly all of it.
        elif exchange.arrives().take(body) > HIGH_WATER and request.arriving is None:
            self._begin_early(exchange)

    def on_message_complete(self) -> None:
        self._head_bytes, self._earlier_bytes = 0, self._packet_bytes
        self._is_between = True
        if self.headers and not self.parser.should_upgrade():
            self.headers = []  # Trailers, which mean nothing here.
        exchange, self._incoming = self._incoming, None
        if exchange is None:
            if self._serving is None and not self._waiting:
                self._idle_since = self.loop.time()
            return
        request = exchange.request
        if exchange.arriving is not None:
            request.body = exchange.arriving.complete()
        if request.arriving is None:
            self._waiting.append(exchange)

    def _begin_early(self, exchange: Exchange) -> None:
        exchange.request.arriving = exchange.arriving
        self._waiting.append(exchange)

    def _refuse(self, kind: ProblemKind, message: str, *, is_shown: bool = True) -> None:
        """Say this, as the door would, when all that came before is answered, and hear nothing more."""
        exchange, self._incoming = self._incoming, None
        if self._is_over and exchange is None:
            return
        self._is_over = True
        if exchange is not None and exchange.arriving is not None and exchange.request.arriving is not None:
            exchange.keep_alive = False  # It has begun: its door says that its body is none.
            exchange.arriving.lose()
        else:
            app: Any = self.app
            place = (exchange.request.path, exchange.request.raw_path) if exchange else target_so_far(self.url)
            status, head, body = app.declined(Problem(kind, message), *place)
            start = _preambles.of(self.server_state.default_headers)[status]
            self._last_word = b"".join((start, head, _CLOSE, b"\r\n", body if is_shown else b""))

    # Its turn.

    def _go_on(self) -> None:
        """Begin what waits, one after another, as long as each is answered at once."""
        waiting, flow = self._waiting, self.flow
        while waiting and self._serving is None and not flow.write_paused:
            exchange = waiting.popleft()
            if exchange.begin(self._serve(exchange.request, exchange.reply), self.loop, self._context.copy()):
                self._answered(exchange)
            else:
                self._serving = exchange
                self.tasks.add(exchange)  # A server that stops waits for it.
            self._look_up()
        if waiting or flow.read_paused or self._last_word:
            self._rest()

    def _rest(self) -> None:
        """Nothing can be begun now: read on, or do not, or end."""
        if self.transport.is_closing():
            return
        if self._waiting:
            self.flow.pause_reading()
            return
        self.flow.resume_reading()
        if self._last_word and self._serving is None:
            self.transport.write(self._last_word)
            self._last_word = b""
            self.hang_up(is_heard=False)

    def finish(self, exchange: Exchange) -> None:
        """What had to wait is answered."""
        self._serving = None
        self.tasks.discard(exchange)
        self._answered(exchange)
        if self._waiting or self.flow.read_paused or self._last_word:
            self._go_on()
        self._look_up()

    def _look_up(self) -> None:
        """Between two requests: what others wait for may have come, and these may be many."""
        app: Any = self.app
        if app.between is None:
            return
        try:
            app.between()
        except Exception as error:  # Nobody's who asks.
            told = {"message": "What is done between two requests failed", "exception": error}
            self.loop.call_exception_handler(told)

    def _answered(self, exchange: Exchange) -> None:
        self._idle_since = self.loop.time()
        if exchange.arriving is not None:
            exchange.request.arriving = None
            if self._incoming is exchange:
                self._incoming = None

    def hang_up(self, *, is_heard: bool) -> None:
        """Close; to who may still be sending say so first, for whom the network cuts off loses the answer as well."""
        self._is_over = True
        if is_heard:
            self.transport.close()
        else:
            self.transport.write_eof()
            self.loop.call_later(LINGER_S, self.transport.close)

    def resume_writing(self) -> None:
        super().resume_writing()
        self._go_on()


class Exchange(Errand):
    """A request and its answer."""

    def __init__(self, protocol: BoundedHttp, request: Request) -> None:
        self._protocol = protocol
        self.request = request
        self.keep_alive = True
        self.arriving: ArrivingBody | None = None
        self._is_answered = False

    def arrives(self) -> ArrivingBody:
        """Its body comes in pieces: where they are gathered."""
        if self.arriving is None:
            protocol, head = self._protocol, self.request.head
            self.arriving = ArrivingBody(protocol.loop, protocol.transport, protocol.flow)
            self.arriving.announced = head.body_bytes
            self.arriving.asks_leave = head.headers.get(b"expect", b"").lower() == b"100-continue"
            self.arriving.take(self.request.body)
        return self.arriving

    def reply(self, response: Response, head: bytes, body: bytes) -> None:
        """See request.Reply."""
        self._is_answered = True
        protocol = self._protocol
        transport = protocol.transport
        if transport.is_closing():
            return
        end = b"\r\n"
        if response.headers and _CLOSE in head:
            self.keep_alive = False
        elif not self.keep_alive:
            end = _CLOSE + b"\r\n"
        start = _preambles.of(protocol.server_state.default_headers)[response.status]
        transport.write(b"".join((start, head, end, body)))
        if not self.keep_alive:
            protocol.hang_up(is_heard=protocol._incoming is not self)

    def failed(self, error: BaseException) -> None:
        """See Errand: no handler's fault, which is answered; the server stops, or the kit itself is wrong."""
        protocol = self._protocol
        protocol.logger.error("A request was cut short", exc_info=error)
        if not self._is_answered and not protocol.transport.is_closing():
            defaults = protocol.server_state.default_headers
            protocol.transport.write(_plain_answer(500, b"Internal Server Error", defaults))
        protocol.hang_up(is_heard=True)

    def ended(self) -> None:
        """See Errand."""
        self._protocol.finish(self)


class _Preambles(dict[int, bytes]):
    """How answers begin, by status: its line, and headers that all have; these change when the date does."""

    _headers: Sequence[Header] = ()

    def of(self, headers: Sequence[Header]) -> _Preambles:
        """Those with these headers."""
        if headers is not self._headers:
            self._headers = headers
            self.clear()
        return self

    def __missing__(self, status: int) -> bytes:
        return self.setdefault(status, STATUS_LINE[status] + lines_of(self._headers))


_preambles = _Preambles()


def _plain_answer(status: int, text: bytes, headers: Sequence[Header]) -> bytes:
    """What is said without an application, as uvicorn words it."""
    about = b"content-type: text/plain; charset=utf-8\r\ncontent-length: %d\r\n" % len(text)
    return b"".join((_preambles.of(headers)[status], about, _CLOSE, b"\r\n", text))
