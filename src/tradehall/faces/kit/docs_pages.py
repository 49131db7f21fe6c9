"""The documentation as a door of its own: `/docs`, `/redoc`, `/openapi.json`, `/openapi/{door}.json`.

Everything is shipped with the server, so it works where there is no internet, and without a
key, because a browser has none to send when it opens a page.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path
from urllib.parse import quote

from tradehall.faces.kit.door import Door, Handler, Route
from tradehall.faces.kit.openapi import document
from tradehall.faces.kit.request import Request
from tradehall.faces.kit.response import ENCODER, JSON, Header, Response
from tradehall.faces.kit.static import CONTENT_TYPES, NO_SNIFFING, fixed

ASSETS = Path(__file__).parent / "assets"
# The viewers set styles on elements; Redoc searches in a worker it makes of a blob.
_POLICY = (
    b"default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:;"
    b" font-src 'self'; connect-src 'self'; worker-src blob:; base-uri 'none'; form-action 'none';"
    b" frame-ancestors 'none'"
)
_PAGE_HEADERS: tuple[Header, ...] = (
    (b"content-security-policy", _POLICY),
    NO_SNIFFING,
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-cache"),
)
_ASSET_HEADERS: tuple[Header, ...] = (
    NO_SNIFFING,
    (b"cache-control", b"public, max-age=86400"),
)
_SCRIPTS = {"swagger": "swagger-ui-bundle.js", "redoc": "redoc.standalone.js"}
_STYLES = {"swagger": ("swagger-ui.css", "docs.css"), "redoc": ("docs.css",)}


def docs_door(doors: Sequence[Door], *, title: str, version: str) -> Door:
    """A door with the pages and documents of `doors`; list it after them."""
    return Door(
        name="docs",
        title="Documentation",
        prefixes=("",),
        routes=tuple(_routes(doors, title, version)),
        errors=doors[0].errors,
    )


def _routes(doors: Sequence[Door], title: str, version: str) -> Iterator[Route]:
    names = [door.name for door in doors]
    documents = {"/openapi.json": document(doors, title=title, version=version)}
    for door in doors:
        documents[f"/openapi/{door.name}.json"] = document([door], title=door.title, version=version)
    for path, content in documents.items():
        yield _public(path, fixed(ENCODER.encode(content), JSON, _PAGE_HEADERS[1:]))
    for viewer, path in (("swagger", "/docs"), ("redoc", "/redoc")):
        yield _public(path, _page(viewer, path, names, title))
    for name in ("swagger-ui-bundle.js", "swagger-ui.css", "redoc.standalone.js", "docs.js", "docs.css"):
        content_type = CONTENT_TYPES[Path(name).suffix]
        yield _public(f"/docs/assets/{name}", fixed((ASSETS / name).read_bytes(), content_type, _ASSET_HEADERS))


def _public(path: str, handler: Handler) -> Route:
    return Route("GET", path, handler, public=True, hidden=True)


def _page(viewer: str, path: str, names: Sequence[str], title: str) -> Handler:
    async def answer(request: Request) -> Response:
        asked = request.query.get("door", [""])[-1]
        source = f"/openapi/{quote(asked)}.json" if asked in names else "/openapi.json"
        page = _html(viewer, path, names, title, source)
        return Response(200, page.encode(), content_type=b"text/html; charset=utf-8", headers=_PAGE_HEADERS)

    return answer


def _html(viewer: str, path: str, names: Sequence[str], title: str, source: str) -> str:
    links = "".join(f'<a href="{path}?door={quote(name)}">{escape(name)}</a>' for name in names)
    styles = "".join(f'<link rel="stylesheet" href="/docs/assets/{name}">' for name in _STYLES[viewer])
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">{styles}</head>'
        f'<body><nav><a href="{path}">all</a>{links}</nav><div id="docs"></div>'
        f'<script src="/docs/assets/{_SCRIPTS[viewer]}"></script>'
        f'<script src="/docs/assets/docs.js" data-viewer="{viewer}" data-document="{source}"></script>'
        "</body></html>"
    )
