"""The declarations a door is made of: its routes, its words for errors, its limits."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

from tradehall.faces.kit.errors import Problem, ProblemKind
from tradehall.faces.kit.limits import Limit
from tradehall.faces.kit.request import Request
from tradehall.faces.kit.response import Response

Handler: TypeAlias = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Route:
    """One line of a door's route table.

    `path` may hold placeholders, `/orders/{order_id}`; values arrive decoded in
    `request.params`, and the last placeholder may span slashes. `body` and `query` are Structs
    (the handler decodes them itself); `answers` maps status to the type of its body (None: no
    JSON). `limit` names one of the door's limits; `scope` means what the door's `authenticate`
    makes of it. `public` routes are not authenticated. Where two routes share method and path,
    the first whose `when(request)` is true takes the request; one without `when` takes any.
    The first line of the handler's docstring is the summary, all of it the description.
    For the documents only: `params` (types of placeholders that are no plain strings), `errors`
    (statuses of the door's own refusals; those of the kit are known), `example` (of the body),
    `rules` (schemas that a body must match besides its Struct's; see `body_rules`), `query_needs`
    (fields of the query that its Struct lets be left out, but the handler does not).
    """

    method: str
    path: str
    handler: Handler
    body: Any = None
    query: Any = None
    answers: Mapping[int, Any] = field(default_factory=dict)
    scope: str = ""
    limit: str = ""
    public: bool = False
    when: Callable[[Request], bool] | None = None
    tag: str = ""
    summary: str = ""
    body_required: bool = True
    params: Mapping[str, Any] = field(default_factory=dict)
    errors: tuple[int, ...] = ()
    example: Any = None
    rules: tuple[Mapping[str, Any], ...] = ()
    query_needs: tuple[str, ...] = ()
    hidden: bool = False  # Left out of the OpenAPI documents.
    root: bool = False  # Mounted at the door's first prefix only.


class ErrorDialect(Protocol):
    """How a door says no."""

    body: type  # The Struct of an error body, for the OpenAPI document.

    def render(self, problem: Problem, request: Request) -> Response:
        """The door's answer to `problem`; the kit adds `problem.headers`. Must not raise."""

    def status(self, kind: ProblemKind) -> int:
        """The status of this door's answers to problems of that kind."""


Authenticate: TypeAlias = Callable[[Request, Route], Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """One face's front: everything the kit must know to receive its callers.

    `prefixes` are where its routes are mounted ("" is the root) and which unknown paths it
    answers for; the longest prefix wins. `authenticate(request, route)` returns the principal, without waiting,
    or raises Problem UNAUTHENTICATED or FORBIDDEN; it is asked for unknown paths too, so that
    strangers cannot map the door.
    """

    name: str
    title: str
    prefixes: tuple[str, ...]
    routes: tuple[Route, ...]
    errors: ErrorDialect
    authenticate: Authenticate | None = None
    limits: Mapping[str, Limit] = field(default_factory=dict)
    slash_optional: bool = False
    description: str = ""
    security: Mapping[str, Any] = field(default_factory=dict)  # OpenAPI security schemes, by name.
    security_is_optional: bool = False  # Callers without a credential are let in too.

    def __post_init__(self) -> None:
        """Asserts that every limit a route names is one of the door's."""
        unknown = {route.limit for route in self.routes if route.limit} - self.limits.keys()
        assert not unknown, f"door {self.name} has no limits named {sorted(unknown)}"
