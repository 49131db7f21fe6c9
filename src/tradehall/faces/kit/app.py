"""The application: a request in, through its door's route, an answer out."""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeAlias

from tradehall.app.stamps import received_at
from tradehall.faces.kit.access_log import AccessLog
from tradehall.faces.kit.asgi import Message, Receive, Received, Scope, Send, headers_of, request_of
from tradehall.faces.kit.door import Door, Route
from tradehall.faces.kit.errors import Problem, ProblemKind
from tradehall.faces.kit.guards import Guard, preflight
from tradehall.faces.kit.head import Head
from tradehall.faces.kit.limits import RateLimiter
from tradehall.faces.kit.metrics import Metrics
from tradehall.faces.kit.request import Reply, Request, too_large
from tradehall.faces.kit.response import Header, Response, lines_of
from tradehall.faces.kit.routing import WEBSOCKET, Endpoint, Methods, RouteTable, Tally
from tradehall.faces.kit.websocket import GOING_AWAY, Disconnected, Session, Upgrade, refuse
from tradehall.ports.records import RecordsFault

MAX_BODY_BYTES = 1024 * 1024

Hook: TypeAlias = Callable[[], Awaitable[None]]

_log = logging.getLogger("tradehall.faces")
_BODILESS = frozenset({101, 204, 304})
_OUR_FAULT = Problem(ProblemKind.INTERNAL, "Internal error")


class App:
    """All doors behind one application: `serve` for our own HTTP, and an ASGI callable for all else.

    The first door answers for paths that nobody owns. `on_startup` runs before the first
    request, in order; `on_shutdown` after the last one, in order; `between`, if it is set, when one of our own
    HTTP has been begun or has gone on. `sessions` are the WebSockets that are open.
    """

    between: Callable[[], None] | None = None

    def __init__(
        self,
        doors: Sequence[Door],
        *,
        guard: Guard | None = None,
        limiter: RateLimiter | None = None,
        log: AccessLog | None = None,
        metrics: Metrics | None = None,
        on_startup: Sequence[Hook] = (),
        on_shutdown: Sequence[Hook] = (),
        max_body_bytes: int = MAX_BODY_BYTES,
    ) -> None:
        self.doors = tuple(doors)
        self._table = RouteTable(self.doors)
        self._guard = guard or Guard()
        self._limiter = limiter or RateLimiter()
        self._log = log
        self.metrics = metrics or Metrics()
        labels = ("door", "method", "route", "status")
        self._answers = self.metrics.counter("tradehall_http_requests_total", "Answers", labels)
        self._took = self.metrics.histogram("tradehall_http_request_duration_seconds", "Seconds", ("door",))
        self._open = self.metrics.gauge("tradehall_ws_connections", "Open WebSockets", ("door",))
        self.sessions: dict[Session, None] = {}
        self._hooks = {"lifespan.startup": on_startup, "lifespan.shutdown": on_shutdown}
        self._max_body_bytes = max_body_bytes

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """ASGI 3: http, websocket and lifespan."""
        if scope["type"] == "http":
            return self._http(scope, receive, send)
        if scope["type"] == "websocket":
            return self._websocket(scope, receive, send)
        return self._lifespan(receive, send)

    async def serve(self, request: Request, reply: Reply) -> None:
        """Answer `request` by calling `reply` once, and account for it."""
        started = time.perf_counter_ns()
        head = request.head
        endpoint: Endpoint = head.endpoint or self._locate(request)
        door, route = endpoint.door, endpoint.route
        try:
            if not head.is_admitted:
                self._guard.admit(request)
            if endpoint.authenticate is not None:
                request.principal = endpoint.authenticate(request, route)
            if endpoint.limit is not None:
                request.limit = limit = endpoint.limit
                request.tokens_left = self._limiter.take((door.name, route.limit, request.rate_key), limit)
            received_at.set(request.received_at)
            if request.arriving is not None:
                request.body = await request.arriving.whole(self._max_body_bytes)
            elif len(request.body) > self._max_body_bytes:
                raise too_large(self._max_body_bytes)
            response = await route.handler(request)
        except Problem as problem:
            response = _refusal(problem, request, door)
        except RecordsFault as fault:
            _log.error("records could not be kept correlation_id=%s: %s", request.correlation_id, fault)
            response = _refusal(Problem(ProblemKind.UNAVAILABLE, f"Try again later: {fault}"), request, door)
        except Exception:
            _log.exception("request failed correlation_id=%s", request.correlation_id)
            response = _refusal(_OUR_FAULT, request, door)
        reply(response, self._head(request, response), b"" if request.method == "HEAD" else response.body)
        self._account(request, endpoint, response, time.perf_counter_ns() - started)

    def declined(self, problem: Problem, path: str, raw_path: bytes) -> tuple[int, bytes, bytes]:
        """Status, head and body for what is no request that could be served, in the words of who owns the path."""
        request = Request(Head("", path, raw_path, b"", (), 0), "")
        response = _refusal(problem, request, self._table.teller(path, raw_path))
        return response.status, self._head(request, response), response.body

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = request_of(scope)
        request.arriving = Received(request, receive)
        messages: list[Message] = []

        def reply(response: Response, head: bytes, body: bytes) -> None:
            messages.append({"type": "http.response.start", "status": response.status, "headers": headers_of(head)})
            messages.append({"type": "http.response.body", "body": body})

        await self.serve(request, reply)
        for message in messages:
            await send(message)

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = request_of(scope)
        request.method = WEBSOCKET
        endpoint = request.head.endpoint = self._locate(request)
        answers: list[tuple[Response, list[Header]]] = []
        await receive()  # websocket.connect: nothing may be sent before it.
        await self.serve(request, lambda response, head, _: answers.append((response, headers_of(head))))
        [(response, headers)] = answers
        if isinstance(response, Upgrade):
            await self._follow(Session(request, receive, send), endpoint.door, headers, response)
        else:
            await refuse(scope.get("extensions", {}), response, headers, send)

    async def _follow(self, session: Session, door: Door, headers: list[Header], upgrade: Upgrade) -> None:
        await session.accept(headers)
        self.sessions[session] = None
        self._open.add(door.name)
        try:
            await upgrade.run(session)
            await session.close(1000)
        except Disconnected:
            pass
        except Exception:
            _log.exception("stream failed correlation_id=%s", session.request.correlation_id)
            await session.close(1011, "internal error")
        finally:
            self._open.add(door.name, by=-1)
            del self.sessions[session]

    async def close_sessions(self, code: int = GOING_AWAY, reason: str = "server is shutting down") -> None:
        """Close every open WebSocket, stuck ones too; for the stop of the server."""
        for session in list(self.sessions):
            session.hang_up(code, reason)

    def _head(self, request: Request, response: Response) -> bytes:
        """The lines of the answer's head, each with its end, without the first and those that every answer has."""
        head = f"x-correlation-id: {request.correlation_id}\r\n".encode()
        if response.headers:
            head += lines_of(response.headers)
        if response.status not in _BODILESS:
            head += b"content-type: %b\r\ncontent-length: %d\r\n" % (response.content_type, len(response.body))
        if b"origin" in request.headers:
            head += lines_of(self._guard.cors(request))
        return head

    def _account(self, request: Request, endpoint: Endpoint, response: Response, took_ns: int) -> None:
        status = response.status
        door, answers, took = endpoint.tallies.get(status) or self._tally(endpoint, request.method, status)
        answers.value += 1
        took.observe(took_ns / 1e9)
        if self._log is not None:
            self._log.add(request, door, status, response.code, took_ns)

    def _tally(self, endpoint: Endpoint, method: str, status: int) -> Tally:
        door = endpoint.door.name
        tally = door, self._answers.cell(door, method, endpoint.path, status), self._took.buckets(door)
        return endpoint.tallies.setdefault(status, tally)

    def _locate(self, request: Request) -> Endpoint:
        """The endpoint that takes the request; for a wrong path or method, one that says so.

        It is kept with the head where that alone decides.
        """
        path = request.path
        methods = self._table.literals.get(path)
        values: tuple[str, ...] = ()
        if methods is None:
            found = self._table.find(path, request.raw_path)
            if found is None:
                return _dead_end(self._table.owner(path), _not_found)
            methods, values = found
        endpoint = methods.get(request.method)
        if endpoint is None:
            return self._wrong_method(request, methods)
        for rival in endpoint.rivals:
            if rival.route.when is None or rival.route.when(request):
                if request.raw_path.endswith(b"/") and path != rival.path and not rival.door.slash_optional:
                    return _dead_end(rival.door, _not_found)
                endpoint = rival
                break
        else:
            if not values:
                request.head.endpoint = endpoint
        if values:
            request.params = dict(zip(endpoint.names, values, strict=True))
        return endpoint

    def _wrong_method(self, request: Request, methods: Methods) -> Endpoint:
        allow = ", ".join(sorted(methods.keys() - {WEBSOCKET}) or ["GET"]).encode()

        async def decline(request: Request) -> Response:
            if request.method == WEBSOCKET:
                return await _not_found(request)
            if request.method == "GET" and WEBSOCKET in methods:
                message = "This path speaks WebSocket"
                raise Problem(ProblemKind.UPGRADE_REQUIRED, message, headers=[(b"upgrade", b"websocket")])
            if request.method == "OPTIONS" and (headers := preflight(self._guard, request, allow)):
                return Response(204, headers=headers)
            message = f"{request.method} is not allowed here"
            raise Problem(ProblemKind.METHOD_NOT_ALLOWED, message, headers=[(b"allow", allow)])

        owner = next(iter(methods.values()))
        # A browser sends its preflight without credentials.
        public = owner.route.public or b"access-control-request-method" in request.headers
        return Endpoint(owner.door, Route("", owner.path, decline, public=public), owner.path, ())

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        while True:
            event = (await receive())["type"]
            try:
                if self._log is not None and event == "lifespan.startup":
                    self._log.start()
                for hook in self._hooks[event]:
                    await hook()
                if self._log is not None and event == "lifespan.shutdown":
                    await self._log.stop()
            except Exception as error:
                _log.exception("%s failed", event)
                await send({"type": f"{event}.failed", "message": str(error)})
                return
            await send({"type": f"{event}.complete"})
            if event == "lifespan.shutdown":
                return


async def _not_found(request: Request) -> Response:
    raise Problem(ProblemKind.NOT_FOUND, "There is nothing at this path")


def _dead_end(door: Door, handler: Callable[[Request], Awaitable[Response]]) -> Endpoint:
    return Endpoint(door, Route("", "", handler), "", ())


def _refusal(problem: Problem, request: Request, door: Door) -> Response:
    response = door.errors.render(problem, request)
    response.headers = (*response.headers, *problem.headers)
    return response
