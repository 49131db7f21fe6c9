"""Who is calling the support door: a partner's desk, by a token that the partner signed for itself."""

from collections.abc import Callable

from tradehall.app.access import Access
from tradehall.app.identity.partner_tokens import AGENT, VIEWER
from tradehall.app.principal import Principal, TokenFault, TokenRefused
from tradehall.app.records.audit import Actor
from tradehall.app.studio.reach import Reach
from tradehall.faces.kit import Request, Route
from tradehall.faces.kit.envelope import request_id
from tradehall.faces.support.errors import role_problem, token_problem

Authenticate = Callable[[Request, Route], Principal]


def authenticator(access: Access) -> Authenticate:
    """The door's `authenticate`: 401 for tokens that do not count. What a role may is asked by the writes."""

    def authenticate(request: Request, route: Route) -> Principal:
        scheme, _, token = request.header(b"authorization").partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise token_problem(TokenRefused(TokenFault.MISSING))
        try:
            principal = access.partner(token.strip())
        except TokenRefused as refused:
            raise token_problem(refused) from None
        request.account = request.rate_key = principal.domain
        return principal

    return authenticate


def require_role(request: Request, role: str) -> None:
    """Problem ROLE_FORBIDDEN where the caller's role may not do this."""
    principal: Principal = request.principal
    if not principal.may(role):
        raise role_problem(role, principal.role)


def domain_of(request: Request) -> str:
    """The tenant whose objects exist for this caller."""
    principal: Principal = request.principal
    return principal.domain


def reach_of(request: Request) -> Reach:
    """All of the caller's tenant, and nothing else."""
    return Reach(domain=domain_of(request))


def actor_of(request: Request, reason: str) -> Actor:
    """Who does something and why, for the audit."""
    principal: Principal = request.principal
    return Actor(
        principal.name, role=principal.role, ip=request.host, request_id=request_id(request),
        domain=principal.domain, reason=reason,
    )  # fmt: skip


def space_of(request: Request) -> str:
    """Whose idempotency keys they are."""
    return f"support:{domain_of(request)}"


__all__ = ["AGENT", "VIEWER", "actor_of", "authenticator", "domain_of", "reach_of", "require_role", "space_of"]
