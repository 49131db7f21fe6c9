"""One request as a handler sees it, and the ways to read its parts."""

from __future__ import annotations

import itertools
import re
import time
import uuid
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, TypeAlias
from urllib.parse import parse_qsl

from tradehall.faces.kit.errors import BadRequest, Problem, ProblemKind
from tradehall.faces.kit.limits import Limit
from tradehall.faces.kit.response import EXCHANGE, NO_EXTENSIONS, Exchange

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]

MAX_QUERY_FIELDS = 200
CORRELATION_ID_BYTES = 128

_unprintable = re.compile(rb"[^\x21-\x7e]+")


class Request:
    """Method, path parameters, query, headers, body and caller of one request.

    `authenticate` of the door fills `principal`, and may set `account` (for the log) and
    `rate_key` (whose bucket pays; the client's host if unset). `body` is complete before the
    handler is called. `received_at` is ns since 1970. `limit` and `tokens_left`
    tell of the bucket that paid.
    """

    __slots__ = (
        "_query", "account", "body", "correlation_id", "headers", "host", "limit", "method", "notes",
        "params", "path", "principal", "query_string", "rate_key", "received_at", "scope", "tokens_left",
    )  # fmt: skip

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.method: str = scope.get("method", "GET")
        self.path: str = scope["path"]
        self.query_string: bytes = scope["query_string"]
        # The last of repeated headers wins; the guard refuses repetitions that matter.
        self.headers: dict[bytes, bytes] = dict(scope["headers"])
        client = scope.get("client")
        self.host: str = client[0] if client else ""
        self.received_at = time.time_ns()
        self.correlation_id = _correlation_id(self.headers.get(b"x-correlation-id"))
        self.params: dict[str, str] = {}
        self.body = b""
        self.principal: Any = None
        self.account = ""
        self.rate_key = self.host
        self.notes = ""
        self.limit: Limit | None = None
        self.tokens_left = 0.0
        self._query: dict[str, list[str]] | None = None

    def header(self, name: bytes) -> str:
        """The value of a header (lower-case name), "" if it is absent."""
        return self.headers.get(name, b"").decode("latin-1")

    @property
    def query(self) -> dict[str, list[str]]:
        """Query parameters, each with all its values, empty ones too; `a[]=1` counts as `a=1`."""
        if self._query is None:
            self._query = _parse_query(self.query_string)
        return self._query

    def note(self, **facts: object) -> None:
        """Add `key=value` facts to this request's line in the access log; never secrets."""
        for key, value in facts.items():
            self.notes += f" {key}={str(value).replace(' ', '%20')}"


_ids = itertools.count(1)
_ID_PREFIX = str(uuid.uuid4())[:24]  # All but the last group, where the counter goes.


def new_correlation_id() -> str:
    """Shaped like a version 4 UUID: random per process, then counted; a tenth of uuid4's cost."""
    return f"{_ID_PREFIX}{next(_ids):012x}"


def _correlation_id(sent: bytes | None) -> str:
    if not sent:
        return new_correlation_id()
    kept = _unprintable.sub(b"", sent[:CORRELATION_ID_BYTES])
    return kept.decode("ascii") or new_correlation_id()


def _parse_query(raw: bytes) -> dict[str, list[str]]:
    if not raw:
        return {}
    try:
        pairs = parse_qsl(raw.decode("ascii"), errors="strict", keep_blank_values=True, max_num_fields=MAX_QUERY_FIELDS)
    except ValueError:
        raise BadRequest("", "The query is not UTF-8 or has too many fields", place="query") from None
    values: dict[str, list[str]] = {}
    for name, value in pairs:
        values.setdefault(name.removesuffix("[]"), []).append(value)
    return values


async def read_body(request: Request, receive: Receive, max_bytes: int) -> bytes:
    """The whole body, b"" if there is none; Problem BODY_TOO_LARGE as soon as that is known."""
    headers = request.headers
    announced = headers.get(b"content-length")
    if announced is None and b"transfer-encoding" not in headers:
        return b""
    if announced is not None and announced.isdigit() and int(announced) > max_bytes:
        raise _too_large(max_bytes)
    exchange: Exchange | None = request.scope.get("extensions", NO_EXTENSIONS).get(EXCHANGE)
    body = None if exchange is None else exchange.whole_body()
    if body is None:
        return await _received(receive, max_bytes)
    if len(body) > max_bytes:
        raise _too_large(max_bytes)
    return body


async def _received(receive: Receive, max_bytes: int) -> bytes:
    message = await receive()
    chunks = bytearray(message.get("body", b""))
    while message.get("more_body"):
        if len(chunks) > max_bytes:
            raise _too_large(max_bytes)
        message = await receive()
        chunks += message.get("body", b"")
    if message["type"] == "http.disconnect":
        # Never act on half a wish: without its body, a partial close would close all.
        raise Problem(ProblemKind.MALFORMED, "The client left before the body was complete")
    if len(chunks) > max_bytes:
        raise _too_large(max_bytes)
    return bytes(chunks)


def _too_large(max_bytes: int) -> Problem:
    # Closing spares us from reading the rest of what we will not use.
    return Problem(
        ProblemKind.BODY_TOO_LARGE,
        f"The body is larger than {max_bytes} bytes",
        details={"max_bytes": max_bytes},
        headers=[(b"connection", b"close")],
    )
