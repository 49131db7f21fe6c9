"""The ASGI application: a request in, through its door's route, an answer out."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeAlias

from tradehall.faces.kit.door import Door, Route
from tradehall.faces.kit.errors import Problem, ProblemKind
from tradehall.faces.kit.guards import Guard, preflight
from tradehall.faces.kit.limits import RateLimiter
from tradehall.faces.kit.request import Receive, Request, Scope, Send, read_body
from tradehall.faces.kit.response import Header, Response
from tradehall.faces.kit.routing import Endpoint, Methods, RouteTable

MAX_BODY_BYTES = 1024 * 1024

Hook: TypeAlias = Callable[[], Awaitable[None]]

_log = logging.getLogger("tradehall.faces")
_OUR_FAULT = Problem(ProblemKind.INTERNAL, "Internal error")


class App:
    """All doors behind one ASGI callable.

    The first door answers for paths that nobody owns. `on_startup` runs before the first
    request, in order; `on_shutdown` after the last one, in order.
    """

    def __init__(
        self,
        doors: Sequence[Door],
        *,
        guard: Guard | None = None,
        limiter: RateLimiter | None = None,
        on_startup: Sequence[Hook] = (),
        on_shutdown: Sequence[Hook] = (),
        max_body_bytes: int = MAX_BODY_BYTES,
    ) -> None:
        self.doors = tuple(doors)
        self._table = RouteTable(self.doors)
        self._guard = guard or Guard()
        self._limiter = limiter or RateLimiter()
        self._hooks = {"lifespan.startup": on_startup, "lifespan.shutdown": on_shutdown}
        self._max_body_bytes = max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI 3: http, websocket and lifespan."""
        if scope["type"] == "http":
            await self._http(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self._lifespan(receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope)
        endpoint = self._locate(request)
        try:
            self._guard.admit(request)
            response = await self._answer(request, endpoint, receive)
        except Problem as problem:
            response = _refusal(problem, request, endpoint.door)
        except Exception:
            _log.exception("request failed correlation_id=%s", request.correlation_id)
            response = _refusal(_OUR_FAULT, request, endpoint.door)
        await self._send(request, response, send)

    async def _answer(self, request: Request, endpoint: Endpoint, receive: Receive) -> Response:
        door, route = endpoint.door, endpoint.route
        if door.authenticate is not None and not route.public:
            request.principal = await door.authenticate(request, route)
        if route.limit:
            request.limit = limit = door.limits[route.limit]
            request.tokens_left = self._limiter.take((door.name, route.limit, request.rate_key), limit)
        request.body = await read_body(request, receive, self._max_body_bytes)
        return await route.handler(request)

    async def _send(self, request: Request, response: Response, send: Send) -> None:
        body = response.body
        headers: list[Header] = [
            (b"content-type", response.content_type),
            (b"content-length", b"%d" % len(body)),
            (b"x-correlation-id", request.correlation_id.encode()),
            *response.headers,
        ]
        if b"origin" in request.headers:
            headers.extend(self._guard.cors(request))
        await send({"type": "http.response.start", "status": response.status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if request.method == "HEAD" else body})

    def _locate(self, request: Request) -> Endpoint:
        """The endpoint that takes the request; for a wrong path or method, one that says so."""
        path = request.path
        found = self._table.find(path, request.scope.get("raw_path") or path.encode())
        if found is None:
            return _dead_end(self._table.owner(path), _not_found)
        methods, values = found
        endpoint = methods.get(request.method)
        if endpoint is None:
            return self._wrong_method(request, methods)
        for rival in endpoint.rivals:
            if rival.route.when is None or rival.route.when(request):
                endpoint = rival
                break
        if values:
            request.params = dict(zip(endpoint.names, values, strict=True))
        return endpoint

    def _wrong_method(self, request: Request, methods: Methods) -> Endpoint:
        allow = ", ".join(sorted(methods)).encode()

        async def refuse(request: Request) -> Response:
            if request.method == "OPTIONS" and (headers := preflight(self._guard, request, allow)):
                return Response(204, headers=headers)
            message = f"{request.method} is not allowed here"
            raise Problem(ProblemKind.METHOD_NOT_ALLOWED, message, headers=[(b"allow", allow)])

        owner = next(iter(methods.values()))
        # A browser sends its preflight without credentials.
        public = owner.route.public or b"access-control-request-method" in request.headers
        return Endpoint(owner.door, Route("", owner.path, refuse, public=public), owner.path, ())

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        while True:
            event = (await receive())["type"]
            try:
                for hook in self._hooks[event]:
                    await hook()
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
