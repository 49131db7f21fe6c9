"""What a request says before its body."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final
from urllib.parse import unquote

import httptools

from tradehall.faces.kit.response import Header

MAX_URL_BYTES: Final = 8 * 1024
TARGETS_REMEMBERED: Final = 256


class Head:
    """Method, path as meant and as sent, query, all headers in their order (names in lower case).

    `size` is at least that of the headers and the URL [bytes], `body_bytes` the announced length of the body. `is_old`:
    it speaks HTTP/1.0. A connection remembers heads, and requests whose heads are the same word for word share one. So
    what follows from its words alone is kept here: `is_admitted` by the guard, and whose `endpoint` it asks for.
    """

    __slots__ = (
        "body_bytes", "endpoint", "headers", "is_admitted", "is_old", "method", "path", "query_string", "raw_path",
        "sent_headers", "size",
    )  # fmt: skip

    def __init__(
        self,
        method: str,
        path: str,
        raw_path: bytes,
        query_string: bytes,
        sent_headers: Sequence[Header],
        size: int,
        *,
        is_old: bool = False,
    ) -> None:
        self.method = method
        self.path = path
        self.raw_path = raw_path
        self.query_string = query_string
        self.sent_headers = sent_headers
        # The last of repeated headers wins; the guard refuses repetitions that matter.
        self.headers: dict[bytes, bytes] = dict(sent_headers)
        self.size = size
        self.is_old = is_old
        self.body_bytes = 0
        self.is_admitted = False
        self.endpoint: Any = None

    def asking(self, method: str, path: str, raw_path: bytes, query_string: bytes, size: int) -> Head:
        """One with the same headers that asks for something else; so short that the guard looks at headers alone."""
        head = Head(method, path, raw_path, query_string, self.sent_headers, size, is_old=self.is_old)
        head.body_bytes, head.is_admitted = self.body_bytes, self.is_admitted
        return head


@lru_cache(maxsize=TARGETS_REMEMBERED)
def target(url: bytes) -> tuple[str, bytes, bytes]:
    """Path, the path as sent, query. httptools.HttpParserInvalidURLError."""
    parsed = httptools.parse_url(url)
    raw_path = parsed.path
    path = raw_path.decode("ascii")
    return unquote(path) if "%" in path else path, raw_path, parsed.query or b""


def target_so_far(url: bytes) -> tuple[str, bytes]:
    """Path and path as sent of a request that may not have come whole; the root where there is none."""
    try:
        return target(url[:MAX_URL_BYTES])[:2]
    except (httptools.HttpParserInvalidURLError, TypeError, AttributeError):
        return "/", b"/"
