"""Tokens that partner domains sign for their own support desks: verified in the order of the contract."""

from typing import Any, Final

from tradehall.app.identity.book import Book
from tradehall.app.identity.secrets import HouseSecrets
from tradehall.app.principal import NO_ACCOUNT, Principal, PrincipalKind, TokenFault, TokenRefused
from tradehall.domain.time import NS_PER_MINUTE, NS_PER_SECOND
from tradehall.ports.clock import Clock
from tradehall.ports.tokens import TokenMalformed, Tokens

LIFETIME_MAX_NS: Final = 180 * NS_PER_MINUTE
SKEW_NS: Final = 60 * NS_PER_SECOND
EXPIRY_MAX_S: Final = 1e12
NAME_LENGTH_MAX: Final = 254
TOKENS_CACHED_MAX: Final = 10_000

VIEWER: Final = "viewer"
AGENT: Final = "agent"
ADMIN: Final = "admin"
# Each role may what the one before it may.
SCOPES: Final = {
    VIEWER: frozenset({VIEWER}),
    AGENT: frozenset({VIEWER, AGENT}),
    ADMIN: frozenset({VIEWER, AGENT, ADMIN}),
}


class PartnerTokens:
    """Makes and reads them; what was read is remembered until it expires."""

    def __init__(self, book: Book, clock: Clock, tokens: Tokens, secrets: HouseSecrets) -> None:
        self._book = book
        self._clock = clock
        self._tokens = tokens
        self._secrets = secrets
        # With the generation of the secret that they were signed with: a new secret ends them.
        self._known: dict[str, tuple[Principal, int]] = {}

    def principal(self, token: str) -> Principal:
        """Who `token` is, without any word before it. TokenRefused otherwise."""
        known = self._known.get(token)
        if known is not None and self._is_current(*known):
            if self._clock.now() < (known[0].expires_at or 0):
                return known[0]
            raise TokenRefused(TokenFault.EXPIRED)
        principal, generation = self._verified(token)
        if len(self._known) >= TOKENS_CACHED_MAX:
            del self._known[next(iter(self._known))]
        self._known[token] = (principal, generation)
        return principal

    def is_live(self, principal: Principal, now: int) -> bool:
        """Whether what `principal` opened may go on at `now` [ns UTC]."""
        partner = self._book.partners.get(principal.domain)
        return partner is not None and partner.revoked_at is None and now < (principal.expires_at or 0)

    def mint(self, domain: str, *, role: str = ADMIN, name: str = "", lifetime_ns: int = LIFETIME_MAX_NS) -> str:
        """A token such as the partner would sign, from now on. KeyError for a domain that is none."""
        partner = self._book.partners[domain]
        expiry = (self._clock.now() + lifetime_ns) / NS_PER_SECOND
        claims: dict[str, Any] = {"domain": domain, "token_expiry": expiry, "role": role}
        if name:
            claims["sub"] = name
        return self._tokens.sign(claims, self._secrets.partner(domain, partner.generation))

    def _is_current(self, principal: Principal, generation: int) -> bool:
        partner = self._book.partners.get(principal.domain)
        return partner is not None and partner.revoked_at is None and partner.generation == generation

    def _verified(self, token: str) -> tuple[Principal, int]:
        if not token:
            raise TokenRefused(TokenFault.MISSING)
        try:
            peek = self._tokens.peek(token)
        except TokenMalformed:
            raise TokenRefused(TokenFault.INVALID) from None
        if peek.algorithm != "HS256":
            raise TokenRefused(TokenFault.INVALID)
        domain = peek.claims.get("domain")
        partner = self._book.partners.get(domain) if isinstance(domain, str) else None
        if partner is None or partner.revoked_at is not None:
            raise TokenRefused(TokenFault.INVALID)
        if not self._tokens.is_signed(token, self._secrets.partner(partner.domain, partner.generation)):
            raise TokenRefused(TokenFault.INVALID)
        return _principal(partner.domain, peek.claims, self._clock.now()), partner.generation


def _principal(domain: str, claims: dict[str, Any], now: int) -> Principal:
    """Who signed claims speak of. TokenRefused for a life that is over, too long or not told."""
    expires_at = _instant(claims.get("token_expiry"))
    if expires_at <= now:
        raise TokenRefused(TokenFault.EXPIRED)
    if expires_at > now + LIFETIME_MAX_NS + SKEW_NS:
        raise TokenRefused(TokenFault.TOO_LONG)
    role, name, jti = claims.get("role", ADMIN), claims.get("sub", f"partner:{domain}"), claims.get("jti", "")
    if not isinstance(role, str) or role not in SCOPES:
        raise TokenRefused(TokenFault.INVALID)
    if not isinstance(name, str) or not name.isprintable() or not 0 < len(name) <= NAME_LENGTH_MAX:
        raise TokenRefused(TokenFault.INVALID)
    if not isinstance(jti, str):
        raise TokenRefused(TokenFault.INVALID)
    return Principal(
        NO_ACCOUNT, SCOPES[role], PrincipalKind.PARTNER, domain=domain, role=role, name=name, expires_at=expires_at
    )


def _instant(expiry: object) -> int:
    """Seconds of a claim → ns UTC. TokenRefused where it is no number."""
    # True is an int in Python, and a number may have any length.
    if isinstance(expiry, bool) or not isinstance(expiry, int | float):
        raise TokenRefused(TokenFault.INVALID)
    if expiry <= 0:
        raise TokenRefused(TokenFault.EXPIRED)
    if not expiry < EXPIRY_MAX_S:
        raise TokenRefused(TokenFault.TOO_LONG)
    return int(expiry * NS_PER_SECOND)
