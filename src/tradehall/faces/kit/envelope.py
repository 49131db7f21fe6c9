"""The error envelope of the doors that speak in pages: `{"error": {"code", "message", "details", "request_id"}}`.

Their requests are named by `X-Request-Id`, which is echoed where it has the right shape.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from msgspec import Struct

from tradehall.faces.kit.errors import STATUS, BadRequest, Problem, ProblemKind
from tradehall.faces.kit.request import Request
from tradehall.faces.kit.response import Response, json_response

REQUEST_ID: Final = b"x-request-id"
_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")

CODE_OF_KIND: Final[Mapping[ProblemKind, str]] = {
    ProblemKind.MALFORMED: "INVALID_JSON",
    ProblemKind.INVALID: "VALIDATION_FAILED",
    ProblemKind.UNAUTHENTICATED: "TOKEN_INVALID",
    ProblemKind.FORBIDDEN: "ROLE_FORBIDDEN",
    ProblemKind.FOREIGN_ORIGIN: "ORIGIN_FORBIDDEN",
    ProblemKind.NOT_FOUND: "NOT_FOUND",
    ProblemKind.METHOD_NOT_ALLOWED: "METHOD_NOT_ALLOWED",
    ProblemKind.CONFLICT: "CONFLICT",
    ProblemKind.BODY_TOO_LARGE: "BODY_TOO_LARGE",
    ProblemKind.URI_TOO_LONG: "URI_TOO_LONG",
    ProblemKind.UNSUPPORTED_MEDIA_TYPE: "UNSUPPORTED_MEDIA_TYPE",
    ProblemKind.UPGRADE_REQUIRED: "UPGRADE_REQUIRED",
    ProblemKind.RATE_LIMITED: "RATE_LIMITED",
    ProblemKind.HEADERS_TOO_LARGE: "HEADERS_TOO_LARGE",
    ProblemKind.INTERNAL: "INTERNAL",
    ProblemKind.UNAVAILABLE: "ENGINE_UNAVAILABLE",
}
assert CODE_OF_KIND.keys() == set(ProblemKind)

STATUS_OF_KIND: Final = {**STATUS, ProblemKind.INVALID: 422}


class ErrorFacts(Struct, frozen=True):
    """`code` is for programs, `message` for people; `details` depend on the code."""

    code: str
    message: str
    details: dict[str, Any]
    request_id: str


class ErrorEnvelope(Struct, frozen=True):
    """The body of every refusal."""

    error: ErrorFacts


class EnvelopeProblem(Problem):
    """A refusal with a code and a status of the door's own."""

    def __init__(
        self, code: str, status: int, message: str, details: Mapping[str, Any] | None = None, **more: Any
    ) -> None:
        super().__init__(ProblemKind.CONFLICT, message, code=code, details=details, **more)
        self.own_status = status


class EnvelopeErrors:
    """The dialect."""

    body: type = ErrorEnvelope

    def status(self, kind: ProblemKind) -> int:
        """See ErrorDialect."""
        return STATUS_OF_KIND[kind]

    def render(self, problem: Problem, request: Request) -> Response:
        """See ErrorDialect."""
        status = problem.own_status if isinstance(problem, EnvelopeProblem) else self.status(problem.kind)
        code = problem.code or CODE_OF_KIND[problem.kind]
        details = dict(problem.details or {})
        if isinstance(problem, BadRequest):
            details = {"fields": [{"field": problem.field, "problem": problem.message}]}
        body = ErrorEnvelope(ErrorFacts(code, problem.message, details, request_id(request)))
        headers = ((b"www-authenticate", b"Bearer"),) if status == 401 else ()
        return json_response(body, status, code=code, headers=(*headers, (REQUEST_ID, request_id(request).encode())))


def request_id(request: Request) -> str:
    """The name of a request: the caller's, where it has the right shape, else ours."""
    sent = request.header(REQUEST_ID)
    return sent if _REQUEST_ID.fullmatch(sent) else f"req_{request.correlation_id}"[:64]
