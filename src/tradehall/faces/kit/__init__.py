'''What every door is built of: routes, decoding, errors, limits, streams, documents.

A door declares; the kit receives. `routes` usually binds handlers to what they need:

    class Desk: ...

    async def post_order(desk: Desk, request: Request) -> Response:
        """Place an order."""
        wish = decode(request, OrderRequest)              # BadRequest names the field
        return json_response(await desk.submit(request.principal, wish), 201)

    def authenticate(request: Request, route: Route) -> Principal:
        if principal := keys.get(request.header(b"x-api-key")):
            request.account = request.rate_key = principal.account_id
            return principal                              # route.scope may be checked here
        raise Problem(ProblemKind.UNAUTHENTICATED, "Unknown key")

    gateway = Door(
        name="gateway", title="Trading Gateway", prefixes=("", "/v1"), errors=GatewayErrors(),
        authenticate=authenticate, limits={"write": Limit(per_second=10, burst=20)},
        routes=(
            Route("POST", "/orders", partial(post_order, desk), body=OrderRequest,
                  answers={201: OrderHandle}, scope="trade", limit="write"),
            Route("GET", "/quotes/{symbol}", partial(get_quote, desk), answers={200: Quote}),
        ),
    )
    app = App([gateway], guard=Guard(loopback=True))

`GatewayErrors` is an `ErrorDialect`: `body` (a Struct), `render(problem, request) -> Response`,
`status(kind) -> int`. Request Structs declare decimals as `WireDecimal` or `WirePositive`, and optional words as
`str | None`; an Enum with `_missing_` matches words without regard to case.
'''

from tradehall.faces.kit.access_log import AccessLog
from tradehall.faces.kit.app import App
from tradehall.faces.kit.as_of import moment_at
from tradehall.faces.kit.decimals import (
    WireDecimal,
    WireJson,
    WireNumber,
    WireObject,
    WirePositive,
    parse_decimal,
    plain,
)
from tradehall.faces.kit.decoding import decode, decode_bytes, decode_query
from tradehall.faces.kit.docs_pages import docs_door
from tradehall.faces.kit.door import Door, ErrorDialect, Route
from tradehall.faces.kit.errors import STATUS, BadRequest, Problem, ProblemKind, RateLimited
from tradehall.faces.kit.explained import Explained, explained
from tradehall.faces.kit.first_frame import FirstFrame, Speaker
from tradehall.faces.kit.guards import Guard
from tradehall.faces.kit.limits import Limit, RateLimiter
from tradehall.faces.kit.metrics import Metrics
from tradehall.faces.kit.openapi import document
from tradehall.faces.kit.outbox import Board, Outbox
from tradehall.faces.kit.request import Request
from tradehall.faces.kit.response import Response, json_list, json_response
from tradehall.faces.kit.routing import WEBSOCKET
from tradehall.faces.kit.serve import Listening, serve
from tradehall.faces.kit.static import page_door
from tradehall.faces.kit.websocket import Disconnected, Frame, Session, Upgrade

__all__ = [
    "STATUS",
    "WEBSOCKET",
    "AccessLog",
    "App",
    "BadRequest",
    "Board",
    "Disconnected",
    "Door",
    "ErrorDialect",
    "Explained",
    "FirstFrame",
    "Frame",
    "Guard",
    "Limit",
    "Listening",
    "Metrics",
    "Outbox",
    "Problem",
    "ProblemKind",
    "RateLimited",
    "RateLimiter",
    "Request",
    "Response",
    "Route",
    "Session",
    "Speaker",
    "Upgrade",
    "WireDecimal",
    "WireJson",
    "WireNumber",
    "WireObject",
    "WirePositive",
    "decode",
    "decode_bytes",
    "decode_query",
    "docs_door",
    "document",
    "explained",
    "json_list",
    "json_response",
    "moment_at",
    "page_door",
    "parse_decimal",
    "plain",
    "serve",
]
