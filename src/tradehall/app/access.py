"""Access: credentials → Principal. A dict lookup on the request path; the store is written beside it."""

import hmac
from collections.abc import Iterable, Mapping
from typing import Final

from tradehall.app.identity.book import Book
from tradehall.app.identity.key_ring import KINDS, HeldKey, KeyRing
from tradehall.app.identity.partner_tokens import PartnerTokens
from tradehall.app.identity.sessions import Sessions
from tradehall.app.principal import (
    NO_ACCOUNT,
    AccessDenied,
    Denial,
    Principal,
    PrincipalKind,
    TokenFault,
    TokenRefused,
)
from tradehall.app.records.api_keys import (
    ALL_SCOPES,
    DASHBOARD,
    GATEWAY,
    PREFIXES,
    TERMINAL,
    ApiKey,
    digest_of,
)
from tradehall.app.records.users import SessionType
from tradehall.domain.ids import AccountId
from tradehall.ports.clock import Clock

__all__ = [
    "NO_ACCOUNT", "Access", "AccessDenied", "Denial", "Principal", "PrincipalKind", "TokenFault", "TokenRefused",
]  # fmt: skip

KEY_KINDS: Final = frozenset(KINDS.values())
# Staff act for the people of their domain.
STAFF: Final = frozenset({SessionType.MANAGER, SessionType.DEALER, SessionType.ADMIN, SessionType.SYSTEM})


class Access:
    """The doors' one way to recognise a caller.

    `master_key`: GATEWAY_API_KEY, opens `house_account`; where there is none, that account is open to
    every caller without a key of an account. `ring` holds the keys; `replace_keys` takes those of the
    store, where nobody else keeps the ring. `admit_people` adds those who come with tokens.
    """

    def __init__(
        self, clock: Clock, *, house_account: AccountId, master_key: str | None, ring: KeyRing | None = None
    ) -> None:
        self._clock = clock
        self._master_digest = None if master_key is None else digest_of(master_key)
        scopes = frozenset(ALL_SCOPES)
        self._open = Principal(house_account, scopes, PrincipalKind.OPEN)
        self._master = Principal(house_account, scopes, PrincipalKind.MASTER, key_id="master")
        self._ring = KeyRing() if ring is None else ring
        self._book: Book | None = None
        self._sessions: Sessions | None = None
        self._partners: PartnerTokens | None = None
        self._uses: dict[str, int] = {}
        self._written_uses: dict[str, int] = {}

    @property
    def needs_key(self) -> bool:
        """Whether callers without a key are refused."""
        return self._master_digest is not None

    def admit_people(self, book: Book, sessions: Sessions, partners: PartnerTokens) -> None:
        """Recognise sessions and partners from now on."""
        self._book, self._sessions, self._partners = book, sessions, partners

    # Recognising.

    def gateway(self, credential: str, address: str = "") -> Principal:
        """Who `credential` ("": none was sent) is at the gateway door, called from `address`; AccessDenied otherwise.

        A key of an account that is unknown, revoked, expired or used from elsewhere than it may be never falls back
        to the open account. Here as below: without an address, a key that has networks opens nothing.
        """
        if credential.startswith(PREFIXES[GATEWAY]):
            found = self._valid(credential, GATEWAY, address)
            if found is not None:
                return found.principal
            if self._is_master(credential):
                return self._master
            raise AccessDenied(Denial.INVALID_API_KEY)
        if self._master_digest is None:
            return self._open
        if not credential:
            raise AccessDenied(Denial.MISSING_API_KEY)
        if self._is_master(credential):
            return self._master
        raise AccessDenied(Denial.INVALID_API_KEY)

    def terminal(self, credential: str, address: str) -> Principal:
        """Who `credential` is at the terminal door, called from `address`; AccessDenied otherwise.

        `principal.role` is the key's scope in that door's word. A key that may not be used from there is
        INVALID_API_KEY like an unknown one: who found it learns nothing.
        """
        if not credential:
            raise AccessDenied(Denial.MISSING_API_KEY)
        found = self._valid(credential, TERMINAL, address)
        if found is None:
            raise AccessDenied(Denial.INVALID_API_KEY)
        return found.principal

    def client(self, token: str) -> Principal:
        """Who signed in with `token`, without "Bearer"; TokenRefused otherwise."""
        if self._sessions is None:
            raise TokenRefused(TokenFault.INVALID)
        return self._sessions.principal(token)

    def partner(self, token: str) -> Principal:
        """For which domain a partner signed `token`; TokenRefused otherwise. `role`: viewer, agent, admin."""
        if self._partners is None:
            raise TokenRefused(TokenFault.INVALID)
        return self._partners.principal(token)

    def operator(self, credential: str, address: str = "") -> Principal:
        """Who `credential` is at the dashboard, called from `address`; AccessDenied otherwise.

        `role`: viewer, operator.
        """
        if not credential:
            raise AccessDenied(Denial.MISSING_API_KEY)
        found = self._valid(credential, DASHBOARD, address)
        if found is None:
            raise AccessDenied(Denial.INVALID_API_KEY)
        return found.principal

    def key_owner(self, credential: str, address: str = "") -> Principal:
        """Who may manage terminal keys: somebody signed in, or an operator at `address`. TokenRefused otherwise."""
        if not credential.startswith(PREFIXES[DASHBOARD]):
            return self.client(credential)
        try:
            return self.operator(credential, address)
        except AccessDenied:
            raise TokenRefused(TokenFault.INVALID) from None

    # What somebody recognised may do, and for how long.

    def may_act_on(self, principal: Principal, account_id: AccountId) -> bool:
        """Whether an account is the principal's own, or of those it answers for."""
        if principal.account_id == account_id:
            return True
        if principal.kind is PrincipalKind.OPERATOR:
            return True
        answers_for_domain = principal.kind is PrincipalKind.PARTNER or principal.session_type in STAFF
        if not answers_for_domain or self._book is None:
            return False
        owner = self._book.user_of_login(account_id)
        return owner is not None and owner.domain == principal.domain

    def is_still_valid(self, principal: Principal, now: int) -> bool:
        """Whether a stream that was opened by `principal` may go on at `now` [ns UTC]."""
        if principal.kind in KEY_KINDS:
            held = self._ring.held(principal.key_id)
            # A key whose rights were changed is another principal.
            return held is not None and held.key.is_valid(now) and held.principal.scopes == principal.scopes
        if principal.kind is PrincipalKind.SESSION:
            return self._sessions is not None and self._sessions.is_live(principal, now)
        if principal.kind is PrincipalKind.PARTNER:
            return self._partners is not None and self._partners.is_live(principal, now)
        return True

    # Keys.

    def replace_keys(self, keys: Iterable[ApiKey]) -> None:
        """These are all the keys there are now."""
        self._ring.replace(keys)

    def take_uses(self) -> dict[str, int]:
        """When keys were last used [ns UTC], since the last call: to be written beside the request path."""
        uses, self._uses = self._uses, {}
        self._written_uses |= uses
        return uses

    def remember_uses(self, uses: Mapping[str, int]) -> None:
        """When keys were last used [ns UTC] before this start."""
        self._written_uses = dict(uses)

    def last_used_at(self, key_id: str) -> int | None:
        """When a key was last used [ns UTC]; None: never."""
        return self._uses.get(key_id) or self._written_uses.get(key_id)

    def _valid(self, credential: str, door: str, address: str) -> HeldKey | None:
        found = self._ring.find(credential)
        now = self._clock.now()
        if found is None or found.key.door != door or not found.key.is_valid(now):
            return None
        if found.networks and not found.may_come_from(address):
            return None  # Nor is that a use: who looks there shall not be misled by who found the key.
        self._uses[found.key.key_id] = now
        return found

    def _is_master(self, credential: str) -> bool:
        # Digests, so that not even the length of the key can be measured.
        return self._master_digest is not None and hmac.compare_digest(digest_of(credential), self._master_digest)
