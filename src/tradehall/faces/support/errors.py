"""How the support door says no: the envelope of the doors that speak in pages, and a status for each code."""

from collections.abc import Mapping
from typing import Final

from tradehall.app.identity.refusals import IdentityCode, IdentityRefused
from tradehall.app.outcome import ShardUnavailable
from tradehall.app.principal import TokenFault, TokenRefused
from tradehall.app.studio.refusals import StudioRefused
from tradehall.app.support.refusals import SupportCode, SupportRefused
from tradehall.faces.kit import Problem, RateLimited, Request, Response
from tradehall.faces.kit.envelope import EnvelopeErrors, EnvelopeProblem
from tradehall.faces.shown.refusals import studio_problem

STATUS_OF_SUPPORT: Final[Mapping[SupportCode, int]] = {
    SupportCode.TRADE_NOT_FOUND: 404,
    SupportCode.TRADE_HAS_OPEN_POSITION: 409,
    SupportCode.TRADE_NOT_ADJUSTABLE: 409,
    SupportCode.MIXED_CURRENCIES: 409,
    SupportCode.VALIDATION_FAILED: 422,
    SupportCode.VERSION_MISMATCH: 412,
}
assert STATUS_OF_SUPPORT.keys() == set(SupportCode)

# Only the first ones can be met at this door; the others are the doors' where people act for themselves.
_IDENTITY: Final[Mapping[IdentityCode, tuple[int, str]]] = {
    IdentityCode.INVALID_FIELD: (422, "VALIDATION_FAILED"),
    IdentityCode.EMAIL_TAKEN: (409, "EMAIL_TAKEN"),
    IdentityCode.USER_NOT_FOUND: (404, "USER_NOT_FOUND"),
    IdentityCode.USER_INACTIVE: (409, "USER_INACTIVE"),
    IdentityCode.VERSION_MISMATCH: (412, "VERSION_MISMATCH"),
    IdentityCode.RESET_NOT_FOUND: (404, "RESET_NOT_FOUND"),
    IdentityCode.PHONE_NOT_VERIFIED: (409, "PHONE_NOT_VERIFIED"),
    IdentityCode.DELIVERY_UNAVAILABLE: (409, "DELIVERY_UNAVAILABLE"),
    IdentityCode.RATE_LIMITED: (429, "RATE_LIMITED"),
    IdentityCode.BUSY: (429, "RATE_LIMITED"),
    IdentityCode.GROUP_NOT_FOUND: (422, "VALIDATION_FAILED"),
    IdentityCode.LOGIN_TAKEN: (409, "LOGIN_TAKEN"),
    IdentityCode.CREDENTIALS_WRONG: (403, "CREDENTIALS_WRONG"),
    IdentityCode.USER_DISABLED: (403, "USER_DISABLED"),
    IdentityCode.SIGN_IN_LOCKED: (429, "RATE_LIMITED"),
    IdentityCode.SIGN_UP_DISABLED: (403, "SIGN_UP_DISABLED"),
    IdentityCode.PASSWORD_WRONG: (409, "PASSWORD_WRONG"),
    IdentityCode.PASSWORD_CHANGE_FORBIDDEN: (409, "PASSWORD_CHANGE_FORBIDDEN"),
    IdentityCode.KEY_NOT_FOUND: (404, "NOT_FOUND"),
    IdentityCode.KEY_CLOSED: (409, "KEY_CLOSED"),
    IdentityCode.TOO_MANY_KEYS: (409, "TOO_MANY_KEYS"),
    IdentityCode.DOMAIN_NOT_FOUND: (404, "NOT_FOUND"),
    IdentityCode.DOMAIN_TAKEN: (409, "DOMAIN_TAKEN"),
}
assert _IDENTITY.keys() == set(IdentityCode)

_TOKENS: Final[Mapping[TokenFault, tuple[int, str, str]]] = {
    TokenFault.MISSING: (401, "TOKEN_MISSING", "A partner's token is needed: Authorization: Bearer <token>"),
    TokenFault.INVALID: (401, "TOKEN_INVALID", "The token is not valid"),
    TokenFault.EXPIRED: (401, "TOKEN_EXPIRED", "The token has expired; mint another"),
    TokenFault.TOO_LONG: (401, "TOKEN_TOO_LONG", "The token would live longer than 180 minutes"),
    TokenFault.USER_DISABLED: (401, "TOKEN_INVALID", "The token is not valid"),
}
assert _TOKENS.keys() == set(TokenFault)

Refused = IdentityRefused | StudioRefused | SupportRefused | ShardUnavailable
REFUSED: Final = (IdentityRefused, StudioRefused, SupportRefused, ShardUnavailable)


class SupportErrors(EnvelopeErrors):
    """The dialect: the envelope, and what is left of the caller's rate on every answer."""

    def render(self, problem: Problem, request: Request) -> Response:
        """See ErrorDialect."""
        response = super().render(problem, request)
        response.headers = (*response.headers, *rate_headers(request))
        return response


def rate_headers(request: Request) -> tuple[tuple[bytes, bytes], ...]:
    """What the request's bucket holds, how much is left, and in how many seconds it is full again."""
    limit = request.limit
    if limit is None:
        return ()
    left = max(0.0, request.tokens_left)
    full_in = -(-(limit.burst - left) // limit.per_second)
    return (
        (b"ratelimit-limit", b"%d" % limit.burst),
        (b"ratelimit-remaining", b"%d" % int(left)),
        (b"ratelimit-reset", b"%d" % max(0, int(full_in))),
    )


def problem_of(error: Refused) -> Problem:
    """The door's answer to what a service raised."""
    if isinstance(error, SupportRefused):
        return EnvelopeProblem(error.code.value, STATUS_OF_SUPPORT[error.code], error.message, error.details)
    if isinstance(error, IdentityRefused):
        return _of_identity(error)
    return studio_problem(error)


def _of_identity(error: IdentityRefused) -> Problem:
    status, code = _IDENTITY[error.code]
    if status == 429:
        return RateLimited(max(1, error.retry_after_s), error.message)
    details = {"fields": [{"field": error.field, "problem": error.message}]} if error.field else None
    return EnvelopeProblem(code, status, error.message, details)


def token_problem(refused: TokenRefused) -> Problem:
    """The door's answer to a token that does not count."""
    status, code, message = _TOKENS[refused.fault]
    return EnvelopeProblem(code, status, message)


def role_problem(needed: str, found: str) -> Problem:
    """The door's answer to a role that may not do this."""
    return EnvelopeProblem("ROLE_FORBIDDEN", 403, f"This needs the role {needed}, the token's is {found}")
