"""Principal: who asks, however they proved it; and why somebody was not recognised."""

from enum import StrEnum

from msgspec import Struct

from tradehall.domain.ids import AccountId

# A principal that is not bound to one account.
NO_ACCOUNT: AccountId = 0


class PrincipalKind(StrEnum):
    """How somebody proved who they are."""

    OPEN = "open"  # Nothing is configured and the server is bound to loopback.
    MASTER = "master"  # GATEWAY_API_KEY.
    API_KEY = "api_key"  # A key of an account at the gateway.
    SESSION = "session"  # Somebody who signed in.
    TERMINAL_KEY = "terminal_key"
    PARTNER = "partner"  # A token that a partner domain signed for itself.
    OPERATOR = "operator"  # A token for the dashboard.


class Principal(Struct, frozen=True):
    """Who asks: the account acted on, and what is allowed there.

    `account_id` is NO_ACCOUNT for those who are bound to none: partners, operators. `key_id` names the
    credential in logs and when it is revoked (the id of a key, the jti of a session), "" where there is
    none; a key made for one strategy implies it. `role`: a partner's or operator's, or the scope of a
    terminal key in its door's word. `expires_at` [ns UTC]: when the credential ends by itself.
    """

    account_id: AccountId
    scopes: frozenset[str]
    kind: PrincipalKind
    key_id: str = ""
    strategy_id: str | None = None
    user_id: int = 0
    domain: str = ""
    role: str = ""
    name: str = ""
    session_type: int = 0
    expires_at: int | None = None

    def may(self, scope: str) -> bool:
        """Whether a route of that scope is open; every principal may what needs none."""
        return not scope or scope in self.scopes


class Denial(StrEnum):
    """Why nobody was recognised by a key."""

    MISSING_API_KEY = "MISSING_API_KEY"
    INVALID_API_KEY = "INVALID_API_KEY"


class AccessDenied(Exception):
    """A key was needed and missing, or wrong."""

    def __init__(self, denial: Denial) -> None:
        super().__init__(denial.value)
        self.denial = denial


class TokenFault(StrEnum):
    """Why a signed token does not open a door."""

    MISSING = "TOKEN_MISSING"
    INVALID = "TOKEN_INVALID"  # Malformed, forged, of nobody we know, or revoked.
    EXPIRED = "TOKEN_EXPIRED"
    TOO_LONG = "TOKEN_TOO_LONG"  # It would live longer than a partner's token may.
    USER_DISABLED = "USER_DISABLED"


class TokenRefused(Exception):
    """A token was needed and missing, or does not count."""

    def __init__(self, fault: TokenFault) -> None:
        super().__init__(fault.value)
        self.fault = fault
