"""Key ring: all API keys in memory, found by the digest of their secret in one step."""

from collections.abc import Iterable, Iterator
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Final

from tradehall.app.principal import Principal, PrincipalKind
from tradehall.app.records.api_keys import (
    DASHBOARD,
    FULL,
    GATEWAY,
    OPERATOR,
    READ,
    TERMINAL,
    TRADE,
    VIEWER,
    ApiKey,
    digest_of,
)
from tradehall.domain.ids import AccountId

SECRET_LENGTH_MAX: Final = 512

# A single open position or order, which a key that trades must be able to look at.
TICKET: Final = "ticket"
# What the one scope of a terminal key opens; market data needs none.
TERMINAL_SCOPES: Final = {
    READ: frozenset({READ, TICKET}),
    TRADE: frozenset({TRADE, TICKET}),
    FULL: frozenset({READ, TRADE, TICKET, FULL}),
}
DASHBOARD_SCOPES: Final = {VIEWER: frozenset({READ}), OPERATOR: frozenset({READ, TRADE})}
KINDS: Final = {
    GATEWAY: PrincipalKind.API_KEY,
    TERMINAL: PrincipalKind.TERMINAL_KEY,
    DASHBOARD: PrincipalKind.OPERATOR,
}


class HeldKey:
    """A key with what it means."""

    __slots__ = ("key", "networks", "principal")

    def __init__(self, key: ApiKey) -> None:
        self.key = key
        self.principal = principal_of(key)
        self.networks: tuple[IPv4Network | IPv6Network, ...] = tuple(ip_network(each) for each in key.ip_allow)

    def may_come_from(self, address: str) -> bool:
        """Whether the key may be used from `address`, in any spelling; "" is nowhere."""
        if not self.networks:
            return True
        try:
            caller = ip_address(address)
        except ValueError:
            return False
        mapped = getattr(caller, "ipv4_mapped", None) or caller
        return any(mapped in network for network in self.networks)


class KeyRing:
    """Keys by digest and by id."""

    def __init__(self, keys: Iterable[ApiKey] = ()) -> None:
        self._by_digest: dict[bytes, HeldKey] = {}
        self._by_id: dict[str, HeldKey] = {}
        self._of_account: dict[AccountId, dict[str, ApiKey]] = {}
        for key in keys:
            self.put(key)

    def put(self, key: ApiKey) -> None:
        """Hold a key, or its new state."""
        held = HeldKey(key)
        self._by_digest[bytes.fromhex(key.digest)] = held
        self._by_id[key.key_id] = held
        self._of_account.setdefault(key.account_id, {})[key.key_id] = key

    def replace(self, keys: Iterable[ApiKey]) -> None:
        """Hold these and no others."""
        fresh = KeyRing(keys)
        self._by_digest, self._by_id, self._of_account = fresh._by_digest, fresh._by_id, fresh._of_account

    def find(self, secret: str) -> HeldKey | None:
        """The key of a secret, whatever its state."""
        # Looked up by digest: how long that takes tells nothing about any secret.
        return self._by_digest.get(digest_of(secret)) if len(secret) <= SECRET_LENGTH_MAX else None

    def get(self, key_id: str) -> ApiKey | None:
        """The key of an id."""
        held = self._by_id.get(key_id)
        return None if held is None else held.key

    def held(self, key_id: str) -> HeldKey | None:
        """The key of an id, with what it means."""
        return self._by_id.get(key_id)

    def of_account(self, account_id: AccountId) -> list[ApiKey]:
        """All keys of an account ever made, oldest first."""
        return sorted(self._of_account.get(account_id, {}).values(), key=lambda key: (key.created_at, key.key_id))

    def __iter__(self) -> Iterator[ApiKey]:
        return (held.key for held in self._by_id.values())

    def __len__(self) -> int:
        return len(self._by_id)


def principal_of(key: ApiKey) -> Principal:
    """Who somebody with that key is."""
    scopes, role = frozenset(key.scopes), ""
    if key.door == TERMINAL:
        scopes, role = TERMINAL_SCOPES[key.scopes[0]], key.scopes[0]
    elif key.door == DASHBOARD:
        scopes, role = DASHBOARD_SCOPES[key.scopes[0]], key.scopes[0]
    return Principal(
        key.account_id, scopes, KINDS[key.door], key.key_id, key.strategy_id,
        role=role, name=key.name, expires_at=key.expires_at,
    )  # fmt: skip
