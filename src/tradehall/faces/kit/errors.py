"""What can go wrong before, in and after a handler, and who words it.

The kit knows kinds of problems; each door's `ErrorDialect` turns one into its own body and,
where its contract asks for it, another status. A dialect's table is complete or its import
fails: `assert TABLE.keys() == set(ProblemKind)`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

from tradehall.faces.kit.response import Header


class ProblemKind(StrEnum):
    """Every refusal that the kit itself can make; doors use the same kinds for their own."""

    MALFORMED = "MALFORMED"  # The body is not JSON, not UTF-8, or nested too deeply.
    INVALID = "INVALID"  # A field of the body, the query or the path has the wrong shape.
    UNAUTHENTICATED = "UNAUTHENTICATED"
    FORBIDDEN = "FORBIDDEN"  # Known, but not allowed: scope, role, foreign account.
    FOREIGN_ORIGIN = "FOREIGN_ORIGIN"  # The guard of a loopback server refused Host or Origin.
    NOT_FOUND = "NOT_FOUND"
    METHOD_NOT_ALLOWED = "METHOD_NOT_ALLOWED"
    CONFLICT = "CONFLICT"
    BODY_TOO_LARGE = "BODY_TOO_LARGE"
    URI_TOO_LONG = "URI_TOO_LONG"
    UNSUPPORTED_MEDIA_TYPE = "UNSUPPORTED_MEDIA_TYPE"
    UPGRADE_REQUIRED = "UPGRADE_REQUIRED"  # A plain request to a WebSocket path.
    RATE_LIMITED = "RATE_LIMITED"
    HEADERS_TOO_LARGE = "HEADERS_TOO_LARGE"
    INTERNAL = "INTERNAL"
    UNAVAILABLE = "UNAVAILABLE"


STATUS: Mapping[ProblemKind, int] = {
    ProblemKind.MALFORMED: 400,
    ProblemKind.INVALID: 400,
    ProblemKind.UNAUTHENTICATED: 401,
    ProblemKind.FORBIDDEN: 403,
    ProblemKind.FOREIGN_ORIGIN: 403,
    ProblemKind.NOT_FOUND: 404,
    ProblemKind.METHOD_NOT_ALLOWED: 405,
    ProblemKind.CONFLICT: 409,
    ProblemKind.BODY_TOO_LARGE: 413,
    ProblemKind.URI_TOO_LONG: 414,
    ProblemKind.UNSUPPORTED_MEDIA_TYPE: 415,
    ProblemKind.UPGRADE_REQUIRED: 426,
    ProblemKind.RATE_LIMITED: 429,
    ProblemKind.HEADERS_TOO_LARGE: 431,
    ProblemKind.INTERNAL: 500,
    ProblemKind.UNAVAILABLE: 503,
}
assert STATUS.keys() == set(ProblemKind)


class Problem(Exception):
    """Raise it anywhere below a route; the door's dialect answers it.

    `code` is the door's own word, if it has a finer one than `kind`; `details` are the door's
    own numbers. `headers` are sent with the answer. The message may be shown to anybody.
    """

    def __init__(
        self,
        kind: ProblemKind,
        message: str,
        *,
        code: str | None = None,
        details: Mapping[str, Any] | None = None,
        headers: Sequence[Header] = (),
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.code = code
        self.details = details
        self.headers = tuple(headers)

    @property
    def status(self) -> int:
        """The usual HTTP status of this kind; a dialect may choose another."""
        return STATUS[self.kind]


class BadRequest(Problem):
    """One field has the wrong shape.

    `field` is its path without the root (`legs[0].price`; "" for the whole body), `found` what
    was there if that can be said, `place` is body, query or path.
    """

    def __init__(
        self,
        field: str,
        message: str,
        *,
        found: str | None = None,
        place: str = "body",
        code: str | None = None,
    ) -> None:
        super().__init__(ProblemKind.INVALID, message, code=code)
        self.field = field
        self.found = found
        self.place = place


class RateLimited(Problem):
    """Too many requests; `retry_after_s` is whole seconds, at least 1, and sent as a header."""

    def __init__(self, retry_after_s: int, message: str = "Rate limit exceeded") -> None:
        header = (b"retry-after", b"%d" % retry_after_s)
        super().__init__(ProblemKind.RATE_LIMITED, message, headers=[header])
        self.retry_after_s = retry_after_s
