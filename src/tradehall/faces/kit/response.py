"""An answer on its way out: status, body, headers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeAlias

import msgspec

Header: TypeAlias = tuple[bytes, bytes]

# An ASGI extension of our server: `scope["extensions"][WHOLE_ANSWER](status, headers, body)` writes a whole
# answer at once. False: it cannot now, send it the ordinary way.
WHOLE_ANSWER: Final = "tradehall.whole_answer"
WholeAnswer: TypeAlias = Callable[[int, Sequence[Header], bytes], bool]
NO_EXTENSIONS: Final[Mapping[str, Any]] = {}

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
