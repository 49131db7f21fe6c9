"""Who may talk to us at all, whatever the door: Host, Origin, sizes of the request's head.

A page on the internet can make a browser send requests to a server on the same computer, under
any name that resolves there. So a server bound to loopback answers only to loopback names, and
to browsers only if its own page asks.
"""

from __future__ import annotations

from functools import lru_cache

from tradehall.faces.kit.errors import Problem, ProblemKind
from tradehall.faces.kit.head import MAX_URL_BYTES, Head
from tradehall.faces.kit.request import Request
from tradehall.faces.kit.response import Header

LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]"})
TOO_MANY_HEADERS = "The request has too many or too large headers"
MAX_HEADERS = 100
MAX_HEADER_BYTES = 32 * 1024
HOSTS_REMEMBERED = 64

# Where a second value could mean something else to us than to a proxy before us.
_SINGLE = frozenset({
    b"host", b"origin", b"authorization", b"content-length", b"transfer-encoding", b"x-api-key", b"content-type",
})  # fmt: skip


class Guard:
    """`loopback`: the server is bound to a loopback address.

    `allowed_hosts` are names without port; with them, a server bound elsewhere is as strict.
    `allowed_origins` (`https://desk.example`) may call from their pages, and get CORS headers.
    """

    def __init__(
        self,
        *,
        loopback: bool = True,
        allowed_hosts: frozenset[str] = frozenset(),
        allowed_origins: frozenset[str] = frozenset(),
    ) -> None:
        self._loopback = loopback
        self._allowed_hosts = allowed_hosts
        self._allowed_origins = allowed_origins
        # Nearly all requests name the same host.
        self._is_ours = lru_cache(maxsize=HOSTS_REMEMBERED)(self._is_served)

    def admit(self, request: Request) -> None:
        """Problem FOREIGN_ORIGIN, URI_TOO_LONG, HEADERS_TOO_LARGE or MALFORMED; else the head is admitted."""
        head = request.head
        headers, sent = head.headers, len(head.sent_headers)
        if head.size > MAX_URL_BYTES or sent > MAX_HEADERS or sent != len(headers):
            _check_head(head)
        host = headers.get(b"host")
        if host is None and not head.is_old:
            raise Problem(ProblemKind.MALFORMED, "The request has no Host header")
        if host is not None and not self._is_ours(host):
            raise Problem(ProblemKind.FOREIGN_ORIGIN, "This host name is not served here")
        if b"origin" in headers and self._loopback and not self._may_call(request):
            raise Problem(ProblemKind.FOREIGN_ORIGIN, "This origin may not call this server")
        if b"transfer-encoding" in headers and headers[b"transfer-encoding"].lower() != b"chunked":
            raise Problem(ProblemKind.MALFORMED, "Of transfer codings only chunked is understood", headers=_LAST)
        head.is_admitted = True

    def cors(self, request: Request) -> tuple[Header, ...]:
        """The headers that let a page of an allowed origin read the answer; () for others."""
        origin = request.headers.get(b"origin")
        if origin is None or origin.decode("latin-1") not in self._allowed_origins:
            return ()
        return ((b"access-control-allow-origin", origin), (b"vary", b"Origin"), _EXPOSED)

    def _is_served(self, host: bytes) -> bool:
        if not self._loopback and not self._allowed_hosts:
            return True
        name = _name_of(host)
        return (self._loopback and name in LOOPBACK_NAMES) or name in self._allowed_hosts

    def _may_call(self, request: Request) -> bool:
        origin, own = request.header(b"origin"), request.header(b"host")
        return origin in (f"http://{own}", f"https://{own}") or origin in self._allowed_origins


_LAST: tuple[Header, ...] = ((b"connection", b"close"),)
_EXPOSED: Header = (b"access-control-expose-headers", b"X-Correlation-ID, X-Total-Count, Retry-After")


def preflight(guard: Guard, request: Request, allow: bytes) -> tuple[Header, ...]:
    """What to add to the answer to a browser's OPTIONS; () if this is none or comes from elsewhere."""
    asked = request.headers.get(b"access-control-request-method")
    if asked is None or not guard.cors(request):
        return ()
    wanted = request.headers.get(b"access-control-request-headers", b"")
    return (
        (b"access-control-allow-methods", allow),
        (b"access-control-allow-headers", wanted),
        (b"access-control-max-age", b"600"),
    )


def _name_of(host: bytes) -> str:
    """The name in a Host header, without the port."""
    text = host.decode("latin-1").lower()
    name, colon, port = text.rpartition(":")
    return name if colon and port.isdigit() else text


def _check_head(head: Head) -> None:
    sent = head.sent_headers
    if len(head.path) + len(head.query_string) > MAX_URL_BYTES:
        raise Problem(ProblemKind.URI_TOO_LONG, f"The URL is longer than {MAX_URL_BYTES} bytes")
    # Names repeat too seldom to matter here, and the server bounds the head as a whole.
    size = sum(map(len, head.headers)) + sum(map(len, head.headers.values()))
    if len(sent) > MAX_HEADERS or size > MAX_HEADER_BYTES:
        raise Problem(ProblemKind.HEADERS_TOO_LARGE, TOO_MANY_HEADERS)
    if len(sent) != len(head.headers):
        names = [name for name, _ in sent]
        for name in _SINGLE.intersection(names):
            if names.count(name) > 1:
                raise Problem(ProblemKind.MALFORMED, f"The header {name.decode()} was sent more than once")
