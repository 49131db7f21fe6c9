"""How the studio door says no to tokens; all else it refuses as the doors that speak in pages do."""

from collections.abc import Mapping
from typing import Final

from tradehall.app.principal import TokenFault, TokenRefused
from tradehall.faces.kit import Problem
from tradehall.faces.kit.envelope import EnvelopeProblem

_TOKENS: Final[Mapping[TokenFault, tuple[int, str, str]]] = {
    TokenFault.MISSING: (401, "TOKEN_MISSING", "A session's token or an operator's is needed"),
    TokenFault.INVALID: (401, "TOKEN_INVALID", "The token is not valid"),
    TokenFault.EXPIRED: (401, "TOKEN_EXPIRED", "The token has expired"),
    TokenFault.TOO_LONG: (401, "TOKEN_TOO_LONG", "The token would live too long"),
    TokenFault.USER_DISABLED: (403, "USER_DISABLED", "The user is disabled"),
}
assert _TOKENS.keys() == set(TokenFault)


def token_problem(refused: TokenRefused) -> Problem:
    """The door's answer to a token that does not count."""
    status, code, message = _TOKENS[refused.fault]
    return EnvelopeProblem(code, status, message)
