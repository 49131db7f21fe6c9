"""One request as a handler sees it, and the ways to read its parts."""

from __future__ import annotations

import itertools
import re
import time
import uuid
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, Final, Protocol, TypeAlias
from urllib.parse import parse_qsl

from tradehall.faces.kit.errors import BadRequest, Problem, ProblemKind
from tradehall.faces.kit.head import Head
from tradehall.faces.kit.limits import Limit
from tradehall.faces.kit.response import Response

CORRELATION_ID: Final = b"x-correlation-id"
MAX_QUERY_FIELDS = 200
CORRELATION_ID_BYTES = 128

_NO_PARAMS: Final[dict[str, str]] = {}  # Nobody writes to it.
_unprintable = re.compile(rb"[^\x21-\x7e]+")


# How a request is answered: with this response; the lines of the head that are its own, and the body to be sent.
Reply: TypeAlias = Callable[[Response, bytes, bytes], None]


class Arriving(Protocol):
    """A body that is not here yet."""

    async def whole(self, max_bytes: int) -> bytes:
        """All of it. Problem BODY_TOO_LARGE as soon as that is known, MALFORMED if its sender left."""


class Request:
    """Method, path parameters, query, headers, body and caller of one request.

    `authenticate` of the door fills `principal`, and may set `account` (for the log) and
    `rate_key` (whose bucket pays; the client's host if unset). `body` is complete before the
    handler is called. `received_at` is ns since 1970. `limit` and `tokens_left`
    tell of the bucket that paid. Nobody writes to `headers`: requests with the same `head` share it.
    """

    # What few requests have, or few ask for.
    limit: Limit | None = None
    params = _NO_PARAMS
    principal: Any = None
    tokens_left = 0.0
    _query: dict[str, list[str]] | None = None
    _scope: dict[str, Any] | None = None

    def __init__(self, head: Head, host: str) -> None:
        self.head = head
        self.method = head.method
        self.path = head.path
        self.raw_path = head.raw_path
        self.query_string = head.query_string
        self.headers = headers = head.headers
        self.host = self.rate_key = host
        self.arriving: Arriving | None = None
        self.body = b""
        self.account = self.notes = ""
        self.received_at = time.time_ns()
        sent = headers.get(CORRELATION_ID)
        self.correlation_id = (_printable(sent) if sent else "") or next(_ids)

    def header(self, name: bytes) -> str:
        """The value of a header (lower-case name), "" if it is absent."""
        return self.headers.get(name, b"").decode("latin-1")

    @property
    def query(self) -> dict[str, list[str]]:
        """Query parameters, each with all its values, empty ones too; `a[]=1` counts as `a=1`."""
        if self._query is None:
            self._query = _parse_query(self.query_string)
        return self._query

    @property
    def scope(self) -> dict[str, Any]:
        """What those around a handler leave there for each other; a WebSocket's is ASGI's too."""
        if self._scope is None:
            self._scope = {}
        return self._scope

    def note(self, **facts: object) -> None:
        """Add `key=value` facts to this request's line in the access log; never secrets."""
        for key, value in facts.items():
            self.notes += f" {key}={str(value).replace(' ', '%20')}"


# How requests are served: see App.serve.
Serve: TypeAlias = Callable[[Request, Reply], Coroutine[Any, Any, None]]


def _counted_ids() -> Iterator[str]:
    """Shaped like version 4 UUIDs: random per process, then counted; a hundredth of uuid4's cost."""
    prefix = str(uuid.uuid4())[:24]  # All but the last group, where the counter goes.
    endings = [f"{number:03x}" for number in range(0x1000)]
    for block in itertools.count():
        start = f"{prefix}{block:09x}"
        for ending in endings:
            yield start + ending


_ids = _counted_ids()


def _printable(sent: bytes) -> str:
    return _unprintable.sub(b"", sent[:CORRELATION_ID_BYTES]).decode("ascii")


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


def too_large(max_bytes: int) -> Problem:
    """The refusal of a body; closing spares us from reading the rest of what we will not use."""
    return Problem(
        ProblemKind.BODY_TOO_LARGE,
        f"The body is larger than {max_bytes} bytes",
        details={"max_bytes": max_bytes},
        headers=[(b"connection", b"close")],
    )


def cut_off() -> Problem:
    """The refusal of a body whose sender left: without it, a partial close would close all."""
    return Problem(ProblemKind.MALFORMED, "The client left before the body was complete")
