"""An answer on its way out: status, body, headers."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import Final, TypeAlias

import msgspec

from tradehall.ports.history import Ahead, Steps

Header: TypeAlias = tuple[bytes, bytes]

JSON = b"application/json"
ENCODER = msgspec.json.Encoder()
# Members of a long list that are made and encoded without a stop.
MEMBERS_PER_STEP: Final = 64


def lines_of(headers: Iterable[Header]) -> bytes:
    """Headers as they are sent, each with its end."""
    return b"".join([b"%b: %b\r\n" % header for header in headers])


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


def json_list(values: Iterable[object]) -> Steps[Response]:
    """`values`, each made when its turn comes, as a list in JSON; in steps, because it may be long."""
    rest, parts = iter(values), list[bytes]()
    while some := list(islice(rest, MEMBERS_PER_STEP)):
        parts.append(ENCODER.encode(some)[1:-1])
        yield Ahead.SHORT
    return Response(200, b"[" + b",".join(parts) + b"]")
