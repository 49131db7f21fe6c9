"""Who is calling the studio: somebody signed in at the client door, or an operator of the dashboard.

Where the dashboard is open to whoever is on this machine, the token `open` is that operator here: calls without a
token are refused all the same.
"""

from collections.abc import Callable
from typing import Final

from tradehall.app.access import Access
from tradehall.app.principal import NO_ACCOUNT, Principal, PrincipalKind, TokenFault, TokenRefused
from tradehall.app.records.api_keys import OPERATOR
from tradehall.app.records.audit import Actor
from tradehall.app.records.users import DEFAULT_DOMAIN
from tradehall.app.strategies.strategies import Owner
from tradehall.app.studio.reach import HOUSE, Reach
from tradehall.faces.kit import Problem, ProblemKind, Request, Route
from tradehall.faces.kit.envelope import request_id
from tradehall.faces.studio.errors import token_problem

# What a route asks for.
READ: Final = "read"
WRITE: Final = "trade"
OPEN_TOKEN: Final = "open"
LOCAL: Final = Principal(
    NO_ACCOUNT, frozenset({READ, WRITE}), PrincipalKind.OPEN, role=OPERATOR, name="local"
)  # fmt: skip
_OF_THE_HOUSE: Final = frozenset({PrincipalKind.OPERATOR, PrincipalKind.OPEN})

Authenticate = Callable[[Request, Route], Principal]


def authenticator(access: Access, *, is_open: bool) -> Authenticate:
    """The door's `authenticate`: 401 for tokens that do not count, 403 for a viewer who writes."""

    def authenticate(request: Request, route: Route) -> Principal:
        principal = principal_of(access, bare_token(request.header(b"authorization")), request.host, is_open=is_open)
        if route.scope == WRITE and principal.kind in _OF_THE_HOUSE and not principal.may(WRITE):
            raise Problem(ProblemKind.FORBIDDEN, "A viewer changes nothing")
        request.account = str(principal.account_id or principal.key_id)
        request.rate_key = principal.key_id or request.host
        return principal

    return authenticate


def principal_of(access: Access, token: str, address: str, *, is_open: bool) -> Principal:
    """Who `token` is at `address`; the door's 401 otherwise."""
    if is_open and token == OPEN_TOKEN:
        return LOCAL
    if not token:
        raise token_problem(TokenRefused(TokenFault.MISSING))
    try:
        return access.key_owner(token, address)
    except TokenRefused as refused:
        raise token_problem(refused) from None


def bare_token(text: str) -> str:
    """A token without the word before it."""
    return text[7:].strip() if text[:7].lower() == "bearer " else text.strip()


def reach_of(principal: Principal) -> Reach:
    """Whose objects somebody sees: an operator those of the house, others their own."""
    return HOUSE if principal.kind in _OF_THE_HOUSE else Reach(user_id=principal.user_id)


def owner_of(principal: Principal) -> Owner:
    """Who what somebody makes belongs to."""
    if principal.kind in _OF_THE_HOUSE:
        return Owner()
    return Owner(principal.user_id, principal.domain or DEFAULT_DOMAIN, principal.account_id)


def domain_of(principal: Principal) -> str | None:
    """Whose marketplace somebody looks at; None: an operator sees all of it."""
    return None if principal.kind in _OF_THE_HOUSE else principal.domain


def actor_of(request: Request) -> Actor:
    """Who does something, for the audit."""
    principal: Principal = request.principal
    is_operator = principal.kind in _OF_THE_HOUSE
    name = f"operator:{principal.name or principal.key_id}" if is_operator else str(principal.account_id)
    return Actor(name, role=principal.role, ip=request.host, request_id=request_id(request), domain=principal.domain)


def space_of(request: Request) -> str:
    """Whose idempotency keys they are."""
    principal: Principal = request.principal
    return f"studio:{principal.kind}:{principal.user_id or principal.key_id}"
