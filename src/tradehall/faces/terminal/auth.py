"""Who is calling the terminal: `Authorization: Bearer tk_…`; at the keys the owner's session or an operator."""

from collections.abc import Callable
from typing import Final

from tradehall.app.access import Access
from tradehall.app.principal import AccessDenied, Principal, PrincipalKind, TokenFault, TokenRefused
from tradehall.faces.kit import Request, Route
from tradehall.faces.terminal.errors import TerminalProblem

# What a route asks for. A key of any scope sees market data, and single tickets.
ANY: Final = ""
READ: Final = "read"
TRADE: Final = "trade"
TICKET: Final = "ticket"
OWNER: Final = "owner"

Authenticate = Callable[[Request, Route], Principal]


def authenticator(access: Access) -> Authenticate:
    """The door's `authenticate`: 401 without a bearer token, 403 for one that does not open the route."""

    def authenticate(request: Request, route: Route) -> Principal:
        principal = _owner(access, request) if route.scope == OWNER else _holder(access, request, route)
        request.account = str(principal.account_id)
        request.rate_key = principal.key_id or request.account
        return principal

    return authenticate


def _holder(access: Access, request: Request, route: Route) -> Principal:
    secret = _bearer(request.header(b"authorization"))
    if secret is None:
        raise TerminalProblem("UNAUTHORIZED", "Missing Authorization header")
    try:
        principal = access.terminal(secret, request.host)
    except AccessDenied:
        raise TerminalProblem("INVALID_API_KEY", "Invalid API key") from None
    if not principal.may(route.scope):
        raise TerminalProblem("SCOPE_DENIED", "API key scope does not allow this action")
    return principal


def _bearer(sent: str) -> str | None:
    scheme, _, secret = sent.strip().partition(" ")
    return secret.strip() if scheme.lower() == "bearer" else None


def _owner(access: Access, request: Request) -> Principal:
    """Whoever may manage keys: raw or Bearer, as the client door takes its tokens."""
    sent = request.header(b"authorization").strip()
    bearer = _bearer(sent)
    credential = sent if bearer is None else bearer
    if not credential:
        raise TerminalProblem("UNAUTHORIZED", "Missing Authorization header")
    try:
        principal = access.key_owner(credential, request.host)
    except TokenRefused as refused:
        if refused.fault is TokenFault.USER_DISABLED:
            raise TerminalProblem("FORBIDDEN", "The user is disabled") from None
        raise TerminalProblem("UNAUTHORIZED", "The session is not valid") from None
    if principal.kind is PrincipalKind.OPERATOR and not principal.may(TRADE):
        raise TerminalProblem("FORBIDDEN", "A viewer does not manage keys")
    return principal
