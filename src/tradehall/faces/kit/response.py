"""An answer on its way out: status, body, headers."""

from __future__ import annotations

from typing import TypeAlias

import msgspec

Header: TypeAlias = tuple[bytes, bytes]

JSON = b"application/json"
ENCODER = msgspec.json.Encoder()


class Response:
    """What a handler returns. `code` is the door's error word, for the access log only."""

    __slots__ = ("body", "code", "content_type", "headers", "status")

    def __init__(
        self,
        status: int,
        body: bytes = b"",
        *,
        content_type: bytes = JSON,
        headers: tuple[Header, ...] = (),
        code: str = "",
    ) -> None:
        self.status = status
        self.body = body
        self.content_type = content_type
        self.headers = headers
        self.code = code


def json_response(value: object, status: int = 200, *, headers: tuple[Header, ...] = (), code: str = "") -> Response:
    """`value` (Structs, dicts, lists, str, int, float) as JSON.

    Do not hand over a bare Decimal: it may print an exponent; `decimals.plain` does not.
    """
    return Response(status, ENCODER.encode(value), headers=headers, code=code)
