"""Who is calling the dashboard: `Authorization: Bearer op_…`; in open mode whoever is on this machine.

A token that is presented always counts, also in open mode: a viewer's does not open what an operator may.
"""

from collections.abc import Callable
from typing import Final

from tradehall.app.access import Access
from tradehall.app.principal import NO_ACCOUNT, AccessDenied, Principal, PrincipalKind
from tradehall.app.records.api_keys import OPERATOR, READ, TRADE
from tradehall.app.records.audit import Actor
from tradehall.faces.kit import Problem, ProblemKind, Request, Route

LOCAL: Final = Principal(
    NO_ACCOUNT, frozenset({READ, TRADE}), PrincipalKind.OPEN, role=OPERATOR, name="local"
)  # fmt: skip

Authenticate = Callable[[Request, Route], Principal]


def admitted(access: Access, credential: str, address: str, *, is_open: bool) -> Principal:
    """Who has that credential at `address`, "": none was sent. Problem UNAUTHENTICATED otherwise."""
    if not credential and is_open:
        return LOCAL
    try:
        return access.operator(credential, address)
    except AccessDenied:
        message = "Invalid token" if credential else "Not authenticated"
        raise Problem(ProblemKind.UNAUTHENTICATED, message) from None


def authenticator(access: Access, *, is_open: bool) -> Authenticate:
    """The door's `authenticate`: 401 for strangers, 403 for a role that does not open the route."""

    def authenticate(request: Request, route: Route) -> Principal:
        sent = request.header(b"authorization").strip()
        scheme, _, credential = sent.partition(" ")
        if sent and scheme.lower() != "bearer":
            raise Problem(ProblemKind.UNAUTHENTICATED, "Not authenticated")
        principal = admitted(access, credential.strip(), request.host, is_open=is_open and not sent)
        if not principal.may(route.scope):
            raise Problem(ProblemKind.FORBIDDEN, "The role viewer does not allow this")
        request.account = principal.role
        request.rate_key = principal.key_id or request.host
        return principal

    return authenticate


def actor_of(request: Request, reason: str = "") -> Actor:
    """Whoever asks, for the audit."""
    principal: Principal = request.principal
    name = principal.name or principal.key_id
    return Actor(
        f"{principal.role}:{name}",
        role=principal.role,
        ip=request.host,
        request_id=request.correlation_id,
        reason=reason,
    )
