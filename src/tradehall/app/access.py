"""Access: credentials → Principal. A dict lookup on the request path; the store is read beside it."""

import hmac
from collections.abc import Sequence
from enum import StrEnum
from typing import Final

from msgspec import Struct

from tradehall.app.records.api_keys import ALL_SCOPES, GATEWAY, PREFIXES, ApiKey, digest_of
from tradehall.domain.ids import AccountId
from tradehall.ports.clock import Clock

SECRET_LENGTH_MAX: Final = 512


class PrincipalKind(StrEnum):
    """How somebody proved who they are."""

    OPEN = "open"  # Nothing is configured and the server is bound to loopback.
    MASTER = "master"  # GATEWAY_API_KEY.
    API_KEY = "api_key"


class Principal(Struct, frozen=True):
    """Who asks: the account acted on, and what is allowed there (`read`, `trade`).

    `key_id` names the key in logs, "" where there is none; a key made for one strategy implies it.
    """

    account_id: AccountId
    scopes: frozenset[str]
    kind: PrincipalKind
    key_id: str = ""
    strategy_id: str | None = None

    def may(self, scope: str) -> bool:
        """Whether a route of that scope is open; every principal may what needs none."""
        return not scope or scope in self.scopes


class Denial(StrEnum):
    """Why nobody was recognised."""

    MISSING_API_KEY = "MISSING_API_KEY"
    INVALID_API_KEY = "INVALID_API_KEY"


class AccessDenied(Exception):
    """A credential was needed and missing, or wrong."""

    def __init__(self, denial: Denial) -> None:
        super().__init__(denial.value)
        self.denial = denial


class Access:
    """The doors' one way to recognise a caller.

    `master_key`: GATEWAY_API_KEY, opens `house_account`; where there is none, that account is open to
    every caller without a key of an account. `replace_keys` takes the keys of the store, at the start and
    whenever they changed.
    """

    def __init__(self, clock: Clock, *, house_account: AccountId, master_key: str | None) -> None:
        self._clock = clock
        self._master_digest = None if master_key is None else digest_of(master_key)
        scopes = frozenset(ALL_SCOPES)
        self._open = Principal(house_account, scopes, PrincipalKind.OPEN)
        self._master = Principal(house_account, scopes, PrincipalKind.MASTER, key_id="master")
        self._keys: dict[bytes, tuple[ApiKey, Principal]] = {}
        self._by_id: dict[str, ApiKey] = {}
        self._uses: dict[str, int] = {}

    @property
    def needs_key(self) -> bool:
        """Whether callers without a key are refused."""
        return self._master_digest is not None

    def gateway(self, credential: str) -> Principal:
        """Who `credential` ("": none was sent) is at the gateway door; AccessDenied otherwise.

        A key of an account that is unknown, revoked or expired never falls back to the open account.
        """
        if credential.startswith(PREFIXES[GATEWAY]):
            return self._by_key(credential)
        if self._master_digest is None:
            return self._open
        if not credential:
            raise AccessDenied(Denial.MISSING_API_KEY)
        if self._is_master(credential):
            return self._master
        raise AccessDenied(Denial.INVALID_API_KEY)

    def is_still_valid(self, principal: Principal, now: int) -> bool:
        """Whether a stream that was opened by `principal` may go on at `now` [ns UTC]."""
        if principal.kind is not PrincipalKind.API_KEY:
            return True
        key = self._by_id.get(principal.key_id)
        return key is not None and key.is_valid(now)

    def replace_keys(self, keys: Sequence[ApiKey]) -> None:
        """These are all the keys there are now."""
        self._keys = {bytes.fromhex(key.digest): (key, _principal(key)) for key in keys}
        self._by_id = {key.key_id: key for key in keys}

    def take_uses(self) -> dict[str, int]:
        """When keys were last used [ns UTC], since the last call: to be written beside the request path."""
        uses, self._uses = self._uses, {}
        return uses

    def _by_key(self, credential: str) -> Principal:
        # Looked up by digest: how long that takes tells nothing about any secret.
        found = self._keys.get(digest_of(credential)) if len(credential) <= SECRET_LENGTH_MAX else None
        now = self._clock.now()
        if found is not None and found[0].is_valid(now):
            self._uses[found[0].key_id] = now
            return found[1]
        if self._is_master(credential):
            return self._master
        raise AccessDenied(Denial.INVALID_API_KEY)

    def _is_master(self, credential: str) -> bool:
        # Digests, so that not even the length of the key can be measured.
        return self._master_digest is not None and hmac.compare_digest(
            digest_of(credential), self._master_digest
        )


def _principal(key: ApiKey) -> Principal:
    return Principal(
        key.account_id, frozenset(key.scopes), PrincipalKind.API_KEY, key.key_id, key.strategy_id
    )
