"""Files that are shipped with the server, and a page of them as a door of its own."""

from __future__ import annotations

import gzip
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Final

from tradehall.faces.kit.door import Door, ErrorDialect, Handler, Route
from tradehall.faces.kit.errors import Problem, ProblemKind
from tradehall.faces.kit.request import Request
from tradehall.faces.kit.response import Header, Response

PAGE_SUFFIX: Final = ".html"
CONTENT_TYPES: Final = {
    PAGE_SUFFIX: b"text/html; charset=utf-8",
    ".js": b"text/javascript; charset=utf-8",
    ".css": b"text/css; charset=utf-8",
    ".svg": b"image/svg+xml",
    ".txt": b"text/plain; charset=utf-8",
    ".md": b"text/markdown; charset=utf-8",
}
NO_SNIFFING: Final[Header] = (b"x-content-type-options", b"nosniff")
# The page talks to its own server alone. The chart sets styles on its elements, which no script policy covers.
_POLICY: Final = (
    b"default-src 'self'; script-src 'self'%s; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:;"
    b" object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
ASSETS: Final = "assets"
_FILE_HEADERS: Final[tuple[Header, ...]] = (NO_SNIFFING, (b"cache-control", b"no-cache"))
# Their names carry a hash of what is in them.
_ASSET_HEADERS: Final[tuple[Header, ...]] = (NO_SNIFFING, (b"cache-control", b"public, max-age=31536000, immutable"))
_WORTH_PACKING: Final = 1_400  # bytes: less fits into one packet anyway


def fixed(body: bytes, content_type: bytes, headers: tuple[Header, ...]) -> Handler:
    """A handler that always answers with `body`, 304 to those who have it, packed for those who can unpack it."""
    tag = b'"%s"' % sha256(body).hexdigest()[:32].encode()
    headers = (*headers, (b"etag", tag), (b"vary", b"accept-encoding"))
    is_worth_packing = len(body) > _WORTH_PACKING

    @cache
    def packed() -> bytes:  # When first asked for: a start waits for nothing that nobody may want.
        return gzip.compress(body, mtime=0)

    async def answer(request: Request) -> Response:
        if request.headers.get(b"if-none-match") == tag:
            return Response(304, headers=headers)
        if is_worth_packing and b"gzip" in request.headers.get(b"accept-encoding", b""):
            encoded = (*headers, (b"content-encoding", b"gzip"))
            return Response(200, packed(), content_type=content_type, headers=encoded)
        return Response(200, body, content_type=content_type, headers=headers)

    return answer


def page_door(
    folder: Path, prefix: str, title: str, errors: ErrorDialect, *, script_sources: tuple[str, ...] = ()
) -> Door:
    """A door with the built page in `folder`: at `prefix`, and at `/` for browsers; other pages by their bare names.

    `script_sources`: hashes of scripts, besides the page's own files, that documents in its frames may run.
    """
    page_headers = (
        (b"content-security-policy", _POLICY % b"".join(b" " + source.encode() for source in script_sources)),
        NO_SNIFFING,
        (b"referrer-policy", b"no-referrer"),
        (b"cache-control", b"no-cache"),
    )
    index = fixed((folder / "index.html").read_bytes(), CONTENT_TYPES[PAGE_SUFFIX], page_headers)
    routes = [
        Route("GET", f"{prefix}/", index, public=True, hidden=True),
        Route("GET", prefix, _send_to(f"{prefix}/"), public=True, hidden=True),
        Route("GET", "/", _send_browsers_to(f"{prefix}/"), public=True, hidden=True),
    ]
    for file in sorted(folder.rglob("*")):
        if file.is_file() and file.name != "index.html":
            headers = _ASSET_HEADERS if file.parent.name == ASSETS else _FILE_HEADERS
            headers = page_headers if file.suffix == PAGE_SUFFIX else headers
            handler = fixed(file.read_bytes(), CONTENT_TYPES[file.suffix], headers)
            path = f"{prefix}/{file.relative_to(folder).as_posix()}".removesuffix(PAGE_SUFFIX)
            routes.append(Route("GET", path, handler, public=True, hidden=True))
    return Door(name="page", title=title, prefixes=("",), routes=tuple(routes), errors=errors)


def _send_to(path: str) -> Handler:
    headers = ((b"location", path.encode()),)

    async def answer(request: Request) -> Response:
        return Response(307, headers=headers)

    return answer


def _send_browsers_to(path: str) -> Handler:
    send = _send_to(path)

    async def answer(request: Request) -> Response:
        if b"text/html" in request.headers.get(b"accept", b""):
            return await send(request)
        raise Problem(ProblemKind.NOT_FOUND, f"There is nothing at this path; the page is at {path}")

    return answer
