"""Sessions: signed tokens for those who signed in, and who somebody with a token is."""

import secrets
from typing import Final

import msgspec

from tradehall.app.identity.book import Book
from tradehall.app.principal import Principal, PrincipalKind, TokenFault, TokenRefused
from tradehall.app.records.sessions import KIND, Session
from tradehall.app.records.users import User
from tradehall.domain.ids import AccountId
from tradehall.domain.time import NS_PER_HOUR, NS_PER_SECOND
from tradehall.ports.clock import Clock
from tradehall.ports.records import RecordChange
from tradehall.ports.tokens import TokenMalformed, Tokens

LIFETIME_NS: Final = 24 * NS_PER_HOUR
# With one more, the oldest of a user ends.
SESSIONS_PER_USER_MAX: Final = 1_000
TOKENS_CACHED_MAX: Final = 100_000
# What somebody who signed in may do with the account.
SESSION_SCOPES: Final = frozenset({"read", "trade"})


class Sessions:
    """Makes tokens, and reads them: the first time by their signature, then by heart."""

    def __init__(self, book: Book, clock: Clock, tokens: Tokens, secret: bytes) -> None:
        self._book = book
        self._clock = clock
        self._tokens = tokens
        self._secret = secret
        self._known: dict[str, Principal] = {}

    def token_of(self, session: Session) -> str:
        """The token of a session; the same each time."""
        return self._tokens.sign(
            {
                "sub": str(session.login),
                "st": session.session_type,
                "jti": session.jti,
                "iat": session.created_at // NS_PER_SECOND,
                "exp": session.expires_at // NS_PER_SECOND,
            },
            self._secret,
        )

    def principal(self, token: str) -> Principal:
        """Who `token` is, without any word before it. TokenRefused for everything that does not count now."""
        principal = self._known.get(token)
        if principal is None:
            principal = self._verified(token)
        # A session that ended is gone from the book, so its token is dead at once.
        if principal.key_id in self._book.sessions and self._clock.now() < principal.expires_at:  # type: ignore[operator]
            return principal
        self._known.pop(token, None)
        raise self._refusal(principal)

    def is_live(self, principal: Principal, now: int) -> bool:
        """Whether the session of `principal` goes on at `now` [ns UTC]."""
        session = self._book.sessions.get(principal.key_id)
        return session is not None and now < session.expires_at

    def _verified(self, token: str) -> Principal:
        if not token:
            raise TokenRefused(TokenFault.MISSING)
        try:
            claims = self._tokens.peek(token).claims
        except TokenMalformed:
            raise TokenRefused(TokenFault.INVALID) from None
        if not self._tokens.is_signed(token, self._secret):
            raise TokenRefused(TokenFault.INVALID)
        # From here on it is one that we signed: its claims have the shape that we gave them.
        session = self._book.sessions.get(str(claims.get("jti")))
        if session is None or str(session.login) != claims.get("sub"):
            raise self._stranger(claims)
        principal = principal_of(session, self._book.users[session.user_id])
        if len(self._known) >= TOKENS_CACHED_MAX:
            del self._known[next(iter(self._known))]
        self._known[token] = principal
        return principal

    def _refusal(self, principal: Principal) -> TokenRefused:
        user = self._book.users.get(principal.user_id)
        if user is not None and not user.is_active:
            return TokenRefused(TokenFault.USER_DISABLED)
        is_over = principal.expires_at is not None and self._clock.now() >= principal.expires_at
        return TokenRefused(TokenFault.EXPIRED if is_over else TokenFault.INVALID)

    def _stranger(self, claims: dict[str, object]) -> TokenRefused:
        """A token of ours whose session is over: was it time, or is the user no longer welcome?"""
        sub, expiry = claims.get("sub"), claims.get("exp")
        user = self._book.user_of_login(int(sub)) if isinstance(sub, str) and sub.isdecimal() else None
        if user is not None and not user.is_active:
            return TokenRefused(TokenFault.USER_DISABLED)
        is_over = isinstance(expiry, int) and self._clock.now() >= expiry * NS_PER_SECOND
        return TokenRefused(TokenFault.EXPIRED if is_over else TokenFault.INVALID)


def principal_of(session: Session, user: User) -> Principal:
    """Who somebody in that session is."""
    return Principal(
        session.login, SESSION_SCOPES, PrincipalKind.SESSION, session.jti, user_id=user.user_id,
        domain=user.domain, name=user.email, session_type=session.session_type, expires_at=session.expires_at,
    )  # fmt: skip


def new_session(user: User, login: AccountId, now: int) -> Session:
    """A session that begins now; its instants are whole seconds, as its token says them."""
    start = now - now % NS_PER_SECOND
    return Session(secrets.token_urlsafe(16), user.user_id, login, start, start + LIFETIME_NS, int(user.session_type))


def session_change(session: Session) -> RecordChange:
    """What keeps a session."""
    return RecordChange(KIND, session.jti, msgspec.json.encode(session))


def endings(book: Book, user_id: int, *, but: str = "") -> list[RecordChange]:
    """What ends all sessions of a user, but one."""
    return [RecordChange(KIND, jti, None) for jti in book.sessions_of.get(user_id, ()) if jti != but]


def room_for_one(book: Book, user_id: int, now: int) -> list[RecordChange]:
    """What ends a user's expired sessions, and the oldest where there are too many for one more."""
    jtis = list(book.sessions_of.get(user_id, ()))
    expired = [jti for jti in jtis if book.sessions[jti].expires_at <= now]
    left = [jti for jti in jtis if book.sessions[jti].expires_at > now]
    left.sort(key=lambda jti: book.sessions[jti].created_at)
    surplus = left[: max(0, len(left) - SESSIONS_PER_USER_MAX + 1)]
    return [RecordChange(KIND, jti, None) for jti in (*expired, *surplus)]
