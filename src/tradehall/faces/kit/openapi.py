"""OpenAPI 3.1 documents made of the doors' route tables: one for each door, one for all."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from typing import Any, TypeAlias

import msgspec

from tradehall.faces.kit.decimals import schema_hook
from tradehall.faces.kit.decoding import FIELD_KINDS
from tradehall.faces.kit.door import Door, Route
from tradehall.faces.kit.errors import ProblemKind
from tradehall.faces.kit.routing import WEBSOCKET

Json: TypeAlias = dict[str, Any]

_ANY_ROUTE = (
    ProblemKind.MALFORMED,
    ProblemKind.FOREIGN_ORIGIN,
    ProblemKind.URI_TOO_LONG,
    ProblemKind.HEADERS_TOO_LARGE,
    ProblemKind.INTERNAL,
    ProblemKind.UNAVAILABLE,
)


def document(doors: Sequence[Door], *, title: str, version: str, description: str = "") -> Json:
    """The document of these doors; where two share method and path, the first is described."""
    schemas = _Schemas(doors)
    paths: dict[str, Json] = {}
    for door in doors:
        for route in door.routes:
            if not route.hidden:
                path = (door.prefixes[0] + route.path) or "/"
                method = "get" if route.method == WEBSOCKET else route.method.lower()
                paths.setdefault(path, {}).setdefault(method, _operation(door, route, schemas))
    schemes = {f"{door.name}_{name}": scheme for door in doors for name, scheme in door.security.items()}
    return {
        "openapi": "3.1.0",
        "info": {"title": title, "version": version, "description": description},
        "servers": [{"url": "/"}],
        "tags": [{"name": door.name, "description": door.description or door.title} for door in doors],
        "paths": paths,
        "components": {"schemas": schemas.components, "securitySchemes": schemes},
    }


@dataclass(slots=True)
class _Schemas:
    """The schema of every type that the doors mention; asked for by the type itself."""

    doors: Sequence[Door]
    components: dict[str, Json] = field(default_factory=dict)
    _known: dict[Any, Json] = field(default_factory=dict)

    def __post_init__(self) -> None:
        types = list(dict.fromkeys(_types(self.doors)))
        schemas, self.components = msgspec.json.schema_components(
            types, schema_hook=schema_hook, ref_template="#/components/schemas/{name}"
        )
        self._known = dict(zip(types, schemas, strict=True))

    def of(self, wanted: Any) -> Json:
        return self._known[wanted]

    def resolved(self, wanted: Any) -> Json:
        """The schema behind the reference."""
        schema = self._known[wanted]
        return self.components[schema["$ref"].rsplit("/", 1)[1]] if "$ref" in schema else schema


def _types(doors: Iterable[Door]) -> Iterator[Any]:
    for door in doors:
        yield door.errors.body
        for route in door.routes:
            yield from (wanted for wanted in (route.body, route.query) if wanted is not None)
            yield from (answer for answer in route.answers.values() if answer is not None)
            yield from route.params.values()
    yield str  # A placeholder's type, if nothing else is said.


def _operation(door: Door, route: Route, schemas: _Schemas) -> Json:
    summary, description = _words(route)
    operation: Json = {
        "operationId": _operation_id(door, route),
        "tags": [route.tag or door.name],
        "summary": summary,
        "description": description,
        "parameters": [*_path_parameters(route, schemas), *_query_parameters(route, schemas)],
        "responses": _responses(door, route, schemas),
        "security": _security(door, route),
    }
    if route.body is not None:
        schema = schemas.of(route.body)
        content: Json = {"schema": {"allOf": [schema, *route.rules]} if route.rules else schema}
        if route.example is not None:
            content["example"] = route.example
        operation["requestBody"] = {"required": route.body_required, "content": {"application/json": content}}
    if route.scope:
        operation["x-scope"] = route.scope
    return operation


def _security(door: Door, route: Route) -> list[Json]:
    if route.public:
        return []
    nobody: list[Json] = [{}] if door.security_is_optional else []
    return nobody + [{f"{door.name}_{name}": []} for name in door.security]


def _words(route: Route) -> tuple[str, str]:
    text = inspect.getdoc(_function(route)) or ""
    first = text.partition("\n")[0].rstrip(".")
    return route.summary or first or _function_name(route).replace("_", " "), text


def _function(route: Route) -> Any:
    handler: Any = route.handler
    while isinstance(handler, partial):
        handler = handler.func
    return handler


def _function_name(route: Route) -> str:
    return getattr(_function(route), "__name__", "call")


def _operation_id(door: Door, route: Route) -> str:
    words = [door.name, route.method.lower(), *route.path.replace("{", "").replace("}", "").split("/")]
    return "_".join(word.replace("-", "_").replace(".", "_") for word in words if word)


def _path_parameters(route: Route, schemas: _Schemas) -> Iterator[Json]:
    for segment in route.path.split("/"):
        if segment.startswith("{"):
            name = segment[1:-1]
            schema = schemas.of(route.params.get(name, str))
            yield {"name": name, "in": "path", "required": True, "schema": schema}


def _query_parameters(route: Route, schemas: _Schemas) -> Iterator[Json]:
    if route.query is None:
        return
    struct = schemas.resolved(route.query)
    required = {*struct.get("required", ()), *route.query_needs}
    for name, schema in struct["properties"].items():
        parameter = {"name": name, "in": "query", "required": name in required, "schema": _without_null(schema)}
        if name not in required and FIELD_KINDS[route.query][name] != "number":
            parameter["allowEmptyValue"] = True
        yield parameter


def _without_null(schema: Json) -> Json:
    """A query can leave a value out, but not say null."""
    kinds = [kind for kind in schema.get("anyOf", ()) if kind != {"type": "null"}]
    if len(kinds) != len(schema.get("anyOf", ())):
        rest = {name: value for name, value in schema.items() if name not in ("anyOf", "default")}
        return {**rest, **kinds[0]} if len(kinds) == 1 else {**rest, "anyOf": kinds}
    return schema


def _responses(door: Door, route: Route, schemas: _Schemas) -> Json:
    responses: Json = {}
    for status, answer in route.answers.items():
        responses[str(status)] = _response(status, None if answer is None else schemas.of(answer))
    errors = {door.errors.status(kind) for kind in _kinds(door, route)}.union(route.errors)
    for status in sorted(errors):
        responses.setdefault(str(status), _response(status, schemas.of(door.errors.body)))
    return responses


def _kinds(door: Door, route: Route) -> Iterator[ProblemKind]:
    yield from _ANY_ROUTE
    if route.body is not None:
        yield ProblemKind.BODY_TOO_LARGE
    if route.body is not None or route.query is not None or "{" in route.path:
        yield ProblemKind.INVALID
    if "{" in route.path:
        yield ProblemKind.NOT_FOUND
    if not route.public and door.authenticate is not None:
        yield from (ProblemKind.UNAUTHENTICATED, ProblemKind.FORBIDDEN)
    if route.limit:
        yield ProblemKind.RATE_LIMITED
    if route.method == WEBSOCKET:
        yield ProblemKind.UPGRADE_REQUIRED


def _response(status: int, schema: Json | None) -> Json:
    response: Json = {
        "description": HTTPStatus(status).phrase,
        "headers": {"X-Correlation-ID": {"schema": {"type": "string"}}},
    }
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        response["headers"]["Retry-After"] = {"schema": {"type": "string", "pattern": "^[0-9]+$"}}
    if schema is not None:
        response["content"] = {"application/json": {"schema": schema}}
    return response
