"""Requests that come by ASGI: WebSocket upgrades, and all of a test's that has no socket."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, TypeAlias

from tradehall.faces.kit.head import Head
from tradehall.faces.kit.request import Request, cut_off, too_large
from tradehall.faces.kit.response import Header

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]


def request_of(scope: Scope) -> Request:
    """The request that `scope` tells of, without its body."""
    path, query_string, headers = scope["path"], scope["query_string"], scope["headers"]
    raw_path = scope.get("raw_path") or path.encode()
    client = scope.get("client")
    size = len(raw_path) + len(query_string) + sum(len(name) + len(value) for name, value in headers)
    is_old = scope.get("http_version") == "1.0"
    head = Head(scope.get("method", "GET"), path, raw_path, query_string, headers, size, is_old=is_old)
    request = Request(head, client[0] if client else "")
    request.scope.update(scope)
    return request


class Received:
    """See request.Arriving: a body that comes in messages."""

    def __init__(self, request: Request, receive: Receive) -> None:
        self._headers = request.headers
        self._receive = receive

    async def whole(self, max_bytes: int) -> bytes:
        """See request.Arriving."""
        announced = self._headers.get(b"content-length")
        if announced is None and b"transfer-encoding" not in self._headers:
            return b""
        if announced is not None and announced.isdigit() and int(announced) > max_bytes:
            raise too_large(max_bytes)
        message = await self._receive()
        chunks = bytearray(message.get("body", b""))
        while message.get("more_body") and len(chunks) <= max_bytes:
            message = await self._receive()
            chunks += message.get("body", b"")
        if message["type"] == "http.disconnect":
            raise cut_off()
        if len(chunks) > max_bytes:
            raise too_large(max_bytes)
        return bytes(chunks)


def headers_of(head: bytes) -> list[Header]:
    """Finished header lines as ASGI wants them."""
    return [(name, value) for name, _, value in (line.partition(b": ") for line in head.split(b"\r\n")[:-1])]
