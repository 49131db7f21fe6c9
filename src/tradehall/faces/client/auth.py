"""Who is calling the client door: a token in the header, raw or as Bearer, or in the cookie of a browser."""

import re
from collections.abc import Callable
from http.cookies import CookieError, SimpleCookie
from typing import Final

from tradehall.app.identity.identity import Identity
from tradehall.app.principal import Principal, TokenFault, TokenRefused
from tradehall.app.records.users import SessionType
from tradehall.domain.ids import AccountId
from tradehall.domain.time import NS_PER_SECOND
from tradehall.faces.client.errors import CODE_OF_TOKEN_FAULT, ClientProblem
from tradehall.faces.kit import Problem, ProblemKind, Request, Route
from tradehall.faces.kit.response import Header

COOKIE: Final = "token"
READING: Final = frozenset({"GET", "HEAD"})
# They act for the accounts that they name; the others for their own alone.
STAFF: Final = frozenset({SessionType.MANAGER, SessionType.DEALER, SessionType.ADMIN, SessionType.SYSTEM})
LOGIN_MAX: Final = 2**63 - 1

# A JSON Web Token, also an expired or forged one: header, claims and a signature that may be missing.
_JWT: Final = re.compile(r"eyJ[A-Za-z0-9_-]*\.[A-Za-z0-9_-]*\.[A-Za-z0-9_-]*")


def token_of(request: Request) -> tuple[str, bool]:
    """The token that was sent, "" if none; and whether a browser sent it by itself, in a cookie."""
    sent = bare_token(request.header(b"authorization"))
    if sent:
        return sent, False
    cookie = request.header(b"cookie")
    return (_from_cookie(cookie), True) if COOKIE in cookie else ("", False)


def bare_token(text: str) -> str:
    """A token without the word before it."""
    return text[7:].strip() if text[:7].lower() == "bearer " else text.strip()


def _from_cookie(header: str) -> str:
    try:
        found = SimpleCookie(header).get(COOKIE)
    except CookieError:
        return ""
    return "" if found is None else found.value


def is_for_this_door(request: Request) -> bool:
    """Whether a request to a path that two doors share is meant for this one: it carries a JWT."""
    token, is_cookie = token_of(request)
    if is_cookie and b"x-api-key" in request.headers:
        return False
    return _JWT.fullmatch(token) is not None


def authenticator(identity: Identity) -> Callable[[Request, Route], Principal]:
    """The door's `authenticate`: 401 for tokens that do not count, 402 for people who are disabled."""

    def authenticate(request: Request, route: Route) -> Principal:
        token, is_cookie = token_of(request)
        principal = principal_of(identity, token)
        if is_cookie and request.method not in READING and not _is_own_page(request):
            raise Problem(ProblemKind.FORBIDDEN, "a write with a cookie needs the Origin of this host")
        request.account = str(principal.account_id)
        request.rate_key = principal.key_id
        return principal

    return authenticate


def principal_of(identity: Identity, token: str) -> Principal:
    """Who `token` is; ClientProblem for one that does not count."""
    try:
        return identity.sessions.principal(token)
    except TokenRefused as refused:
        is_disabled = refused.fault is TokenFault.USER_DISABLED
        sentence = "this user is disabled" if is_disabled else "the token is missing, wrong or expired"
        raise ClientProblem(CODE_OF_TOKEN_FAULT[refused.fault], sentence) from None


def _is_own_page(request: Request) -> bool:
    host, origin = request.header(b"host"), request.header(b"origin")
    return bool(host) and origin in (f"http://{host}", f"https://{host}")


def login_of(identity: Identity, principal: Principal, asked: int | None) -> AccountId:
    """The account a request is about: one's own; staff name one of their tenant."""
    if principal.session_type not in STAFF:
        if asked not in (None, principal.account_id):
            raise Problem(ProblemKind.FORBIDDEN, "this login is not yours")
        return principal.account_id
    if asked is None:
        raise ClientProblem("INVALID_LOGIN", "login is required: whose account is it about?")
    user = identity.users.of_login(asked)
    if user is None or user.domain != principal.domain:
        raise ClientProblem("INVALID_USER", f"there is no login {asked}")
    return asked


def cookie_header(token: str, seconds: int) -> Header:
    """What keeps `token` in the browser for so many seconds; 0 takes it away."""
    text = f"{COOKIE}={token}; Path=/; Max-Age={seconds}; HttpOnly; Secure; SameSite=Lax"
    return (b"set-cookie", text.encode())


def lifetime_s(until: int, now: int) -> int:
    """Whole seconds from `now` to `until` [ns UTC]."""
    return max(0, (until - now) // NS_PER_SECOND)
