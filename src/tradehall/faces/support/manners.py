"""Manners of the door's routes: who may, refusals and idle writes told to the audit, headers on every answer."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Final

import msgspec

from tradehall.app.identity.partner_tokens import ADMIN, AGENT
from tradehall.app.principal import Principal
from tradehall.app.records import users
from tradehall.faces.kit import Problem, Request, Response, Route
from tradehall.faces.kit.envelope import EnvelopeProblem, request_id
from tradehall.faces.kit.errors import BadRequest
from tradehall.faces.kit.wrapping import Handler, like, named, refusing
from tradehall.faces.kit.writes import Replays
from tradehall.faces.support.auth import domain_of, require_role, space_of
from tradehall.faces.support.errors import REFUSED, SupportErrors, problem_of, rate_headers
from tradehall.faces.support.support import READS, WRITES, Support
from tradehall.ports.records import AuditLine

# A refused write leaves its line, with the code it was refused with.
AUDITED: Final = frozenset({403, 409, 412, 422})
REASON_SHOWN_MAX: Final = 500
# What every write of the broker layer gives as its reason.
BROKER_REASON: Final = "broker api"
_IDLE: Final = "tradehall.support.idle"

_NAMES: Final = ("user_email", "trade_id", "strategy_id", "deployment_id", "scanner_id")

Served = Callable[[Support, Request], Awaitable[Response]]


def changed_nothing(request: Request) -> None:
    """The write found everything as it was wanted: its line says noop."""
    request.scope[_IDLE] = True


class Table:
    """Makes routes: reads, and writes that are safe to repeat under a key and leave a line whatever comes of them."""

    def __init__(self, support: Support, errors: SupportErrors, replays: Replays, reason: str = "") -> None:
        """`reason`: of every write, where callers give none."""
        self._support = support
        self._errors = errors
        self._replays = replays
        self._reason = reason
        # Callers of an older interface may say more than it ever heard.
        self._is_strict = not reason

    def _served(self, handler: Served, query: Any) -> Handler:
        served = partial(handler, self._support)
        return only_known(served, query) if self._is_strict else served

    def read(self, path: str, handler: Served, answer: Any, **more: Any) -> Route:
        """A GET, for every role."""
        errors = (404,) if "{" in path else ()
        return Route(
            more.pop("method", "GET"), path, _polite(self._served(handler, more.get("query"))), answers={200: answer},
            limit=more.pop("limit", READS), errors=more.pop("errors", errors), **more,
        )  # fmt: skip

    def public(self, method: str, path: str, handler: Served, answer: Any, **more: Any) -> Route:
        """For callers without a token."""
        served = _polite(partial(handler, self._support))
        return Route(method, path, served, answers={200: answer}, public=True, **more)

    def write(
        self, method: str, path: str, handler: Served, answer: Any, *, action: str, role: str = AGENT,
        status: int = 200, **more: Any,
    ) -> Route:  # fmt: skip
        """A change; `action` is what the audit calls it."""
        audited = Audited(self._support, self._errors, action, self._reason)
        guarded = self._replays.guarded(
            audited.inner(refusing(self._served(handler, more.get("query")), REFUSED, problem_of)), space_of
        )
        return Route(
            method, path, _polite(audited.outer(guarded, role)), answers={status: answer}, scope=role, limit=WRITES,
            errors=(403, 404, 409, 412), **more,
        )  # fmt: skip


class Audited:
    """Tells the audit of writes that were refused or changed nothing; what changed something told it itself."""

    def __init__(self, support: Support, errors: SupportErrors, action: str, reason: str) -> None:
        self._trail = support.trail
        self._reason = reason
        self._support = support
        self._errors = errors
        self._action = action

    def inner(self, handler: Handler) -> Handler:
        """Around what is done once for each key."""

        async def told(request: Request) -> Response:
            try:
                response = await handler(request)
            except Problem as problem:
                await self._refused(request, problem)
                raise
            if request.scope.pop(_IDLE, False):
                await self._trail.note(self._line(request, "noop", ""))
            return response

        return like(told, handler)

    def outer(self, handler: Handler, role: str) -> Handler:
        """Around all: nobody learns anything, not even an earlier answer, whose role may not ask for it."""

        async def allowed(request: Request) -> Response:
            try:
                require_role(request, role)
            except Problem as problem:
                await self._refused(request, problem)
                raise
            try:
                return await handler(request)
            except EnvelopeProblem as problem:
                if (problem.code or "").startswith("IDEMPOTENCY"):
                    await self._refused(request, problem)
                raise

        return like(allowed, handler)

    async def _refused(self, request: Request, problem: Problem) -> None:
        response = self._errors.render(problem, request)
        if response.status in AUDITED:
            await self._trail.note(self._line(request, "refused", response.code))

    def _line(self, request: Request, outcome: str, code: str) -> AuditLine:
        principal: Principal = request.principal
        kind, _, _ = self._action.partition(".")
        key, user_id = self._entity(request, kind)
        severity = "WARNING" if outcome == "refused" else "INFO"
        return AuditLine(
            self._support.desk.clock.now(), principal.name, self._action, kind, key, domain=principal.domain,
            user_id=user_id, role=principal.role, ip=request.host, request_id=request_id(request),
            reason=self._reason or _reason(request), outcome=outcome, error_code=code, severity=severity,
        )  # fmt: skip

    def _entity(self, request: Request, kind: str) -> tuple[str, int | None]:
        """What the path names, and whose it is where that is known."""
        name = request.params.get("user") or request.params.get("id") or _named_in_query(request)
        if kind != users.KIND or not name:
            return name[:64], None
        try:
            user = self._support.identity.users.find(name, domain=domain_of(request))
        except REFUSED:
            return "", None  # A name that is nobody's may be anything, an address of another tenant too.
        return str(user.user_id), user.user_id


def only_known(handler: Handler, query: Any) -> Handler:
    """`handler`, where all parameters are fields of `query`: a misspelt filter must not look like success."""
    known = frozenset[str](() if query is None else query.__struct_encode_fields__)

    async def strict(request: Request) -> Response:
        for name in request.query:
            if name not in known:
                raise BadRequest(name[:64], "is no parameter of this request", place="query")
        return await handler(request)

    return like(strict, handler)


def _named_in_query(request: Request) -> str:
    """Whom or what the broker layer's parameters name."""
    try:
        found = (request.query.get(name, [""])[0] for name in _NAMES)
        return next((name for name in found if name), "")
    except BadRequest:
        return ""


def _reason(request: Request) -> str:
    """What the caller said, as far as it can be read."""
    try:
        said = request.query.get("reason", [""])[0]
        body = msgspec.json.decode(request.body) if request.body and not said else {}
    except (BadRequest, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ""
    told = said or (body.get("reason") if isinstance(body, dict) else "")
    return told[:REASON_SHOWN_MAX] if isinstance(told, str) else ""


def _polite(handler: Handler) -> Handler:
    """`handler`, with the request's name and the caller's rate on its answer."""
    answered = named(refusing(handler, REFUSED, problem_of))

    async def polite(request: Request) -> Response:
        response = await answered(request)
        if not any(name == b"ratelimit-limit" for name, _ in response.headers):
            response.headers = (*response.headers, *rate_headers(request))
        return response

    return like(polite, answered)


__all__ = ["ADMIN", "AGENT", "BROKER_REASON", "Served", "Table", "changed_nothing"]
