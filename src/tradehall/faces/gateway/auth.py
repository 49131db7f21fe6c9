"""Who is calling the gateway: `Authorization: Bearer` or `X-API-Key`, on requests and upgrades alike."""

from collections.abc import Callable

from tradehall.app.access import Access, AccessDenied, Denial, Principal
from tradehall.faces.gateway.errors import GatewayProblem
from tradehall.faces.kit import Request, Route

_MESSAGES = {
    Denial.MISSING_API_KEY: "An API key is required: Authorization: Bearer <key>, or X-API-Key: <key>",
    Denial.INVALID_API_KEY: "The API key is not valid",
}
assert _MESSAGES.keys() == set(Denial)


def credential_of(request: Request) -> str:
    """The key that was sent, "" if none: a bearer token, or where that is absent or empty, X-API-Key."""
    headers = request.headers
    if b"authorization" in headers:
        sent = request.header(b"authorization")
        if sent[:7].lower() == "bearer " and (token := sent[7:].strip()):
            return token
    return request.header(b"x-api-key").strip() if b"x-api-key" in headers else ""


def authenticator(access: Access) -> Callable[[Request, Route], Principal]:
    """The door's `authenticate`: 401 for strangers, 403 for a key without the route's scope."""

    def authenticate(request: Request, route: Route) -> Principal:
        try:
            principal = access.gateway(credential_of(request), request.host)
        except AccessDenied as denied:
            details = {"code": denied.denial.value}
            raise GatewayProblem("UNAUTHORIZED", _MESSAGES[denied.denial], details) from None
        if not principal.may(route.scope):
            raise GatewayProblem("FORBIDDEN", f"The API key has no scope {route.scope}")
        request.account = str(principal.account_id)
        request.rate_key = rate_key(principal)
        return principal

    return authenticate


def rate_key(principal: Principal) -> str:
    """Whose bucket pays: the key's, or that of all who come without one."""
    return principal.key_id or str(principal.kind)
