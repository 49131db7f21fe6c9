"""API keys: opaque secrets of which only a digest is kept. Made, revoked and rotated here."""

import hashlib
import ipaddress
import secrets
import string
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Final, TypeVar

import msgspec
from msgspec import Struct

from tradehall.app.records.room import ATTEMPTS_MAX
from tradehall.app.records.users import KIND as USER_KIND
from tradehall.app.records.users import User
from tradehall.domain.ids import AccountId
from tradehall.ports.clock import Clock
from tradehall.ports.records import AuditLine, RecordChange, RecordConflict, RecordsFault, RecordStore

KIND: Final = "api_key"
USE_KIND: Final = "api_key_use"
# Its body changes with every change of keys and of who may do what: see app/identity/room.py.
EPOCH_KIND: Final = "identity_epoch"
GATEWAY: Final = "gateway"
TERMINAL: Final = "terminal"
DASHBOARD: Final = "dashboard"

# The first word of a secret says which door it opens.
PREFIXES: Final[dict[str, str]] = {GATEWAY: "gw_", TERMINAL: "tk_test_", DASHBOARD: "op_"}
LIVE_TERMINAL_PREFIX: Final = "tk_live_"
ALPHABET: Final = string.ascii_letters + string.digits
# In base 62: 256 bits; the terminal door's contract says 32 characters, 190 bits.
SECRET_LENGTHS: Final = {GATEWAY: 43, TERMINAL: 32, DASHBOARD: 43}
SHOWN_LENGTHS: Final = {GATEWAY: 6, TERMINAL: 4, DASHBOARD: 6}
NAME_LENGTH_MAX: Final = 100
KEYS_MAX: Final = 100_000
NETWORKS_MAX: Final = 50

READ: Final = "read"
TRADE: Final = "trade"
ALL_SCOPES: Final = (READ, TRADE)
FULL: Final = "full"
VIEWER: Final = "viewer"
OPERATOR: Final = "operator"
# What the keys of a door may be good for. At the gateway scopes add up, elsewhere a key has one.
SCOPES: Final = {GATEWAY: ALL_SCOPES, TERMINAL: (READ, TRADE, FULL), DASHBOARD: (VIEWER, OPERATOR)}


class ApiKey(Struct, frozen=True, omit_defaults=True):
    """A key as it is kept; instants in ns UTC.

    `digest` is the SHA-256 of the secret in hex: the secret has so many bits of chance that a slow hash
    would only slow the door down. `prefix` is its beginning, for people to tell keys apart. `lineage` is
    the id of the first key of which this one is the successor, "" for a first one. `ip_allow`: networks it
    may be used from, none: from anywhere.
    """

    key_id: str
    door: str
    prefix: str
    digest: str
    account_id: AccountId
    created_at: int
    scopes: tuple[str, ...] = ALL_SCOPES
    name: str = ""
    strategy_id: str | None = None
    expires_at: int | None = None
    revoked_at: int | None = None
    lineage: str = ""
    ip_allow: tuple[str, ...] = ()

    @property
    def line(self) -> str:
        """The name that stays through rotations."""
        return self.lineage or self.key_id

    def is_valid(self, now: int) -> bool:
        """Whether it opens its door at `now` [ns UTC]."""
        return (self.revoked_at is None or now < self.revoked_at) and (self.expires_at is None or now < self.expires_at)

    def status(self, now: int) -> str:
        """`active`, `revoked` or `expired`, for people."""
        if self.revoked_at is not None and self.revoked_at <= now:
            return "revoked"
        return "active" if self.is_valid(now) else "expired"


_decode_key: Final = msgspec.json.Decoder(ApiKey).decode
_decode_user: Final = msgspec.json.Decoder(User).decode

T = TypeVar("T")


class KeyRefused(Exception):
    """A key cannot be made, found or changed; the text says why."""


def digest_of(secret: str) -> bytes:
    """What a secret is looked up by."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


class ApiKeys:
    """The keys of a store. Every change is audited under `actor`."""

    def __init__(self, store: RecordStore, clock: Clock, *, actor: str = "house") -> None:
        self._store = store
        self._clock = clock
        self._actor = actor

    def create(
        self,
        account_id: AccountId,
        *,
        door: str = GATEWAY,
        name: str = "",
        scopes: tuple[str, ...] = ALL_SCOPES,
        lifetime_ns: int | None = None,
        strategy_id: str | None = None,
        ip_allow: tuple[str, ...] = (),
        is_live: bool = False,
    ) -> tuple[ApiKey, str]:
        """A new key and its secret, which cannot be had again. KeyRefused for a wish that makes no sense."""

        def decide() -> tuple[_Change, tuple[ApiKey, str]]:
            if len(self._store.all(KIND)) >= KEYS_MAX:
                raise KeyRefused(f"there are {KEYS_MAX} keys already, revoked ones included")
            self.require_active_owner(account_id)
            now = self._clock.now()
            expires_at = None if lifetime_ns is None else now + lifetime_ns
            key, secret = made_key(
                account_id, now, door=door, name=name, scopes=scopes, ip_allow=ip_allow, expires_at=expires_at,
                is_live=is_live,
            )  # fmt: skip
            key = msgspec.structs.replace(key, strategy_id=strategy_id)
            return _Change([key], "create", key, f"key {key.prefix}… for account {account_id}"), (key, secret)

        return self._decided(decide)

    def all(self) -> list[ApiKey]:
        """All keys ever made, oldest first."""
        keys = (_decode_key(body) for body in self._store.all(KIND).values())
        return sorted(keys, key=lambda key: (key.created_at, key.key_id))

    def find(self, name: str) -> ApiKey:
        """The key with this id or this shown prefix; KeyRefused where none or several have it."""
        found = [key for key in self.all() if name in (key.key_id, key.prefix)]
        if len(found) == 1:
            return found[0]
        raise KeyRefused(f"{len(found) or 'no'} keys are named {name}; `tradehall keys list` shows them all")

    def revoke(self, key_id: str) -> ApiKey:
        """Close a key for good; a second time changes nothing."""

        def decide() -> tuple[_Change | None, ApiKey]:
            key = self.find(key_id)
            now = self._clock.now()
            if key.status(now) == "revoked":
                return None, key
            revoked = msgspec.structs.replace(key, revoked_at=now)
            return _Change([revoked], "revoke", revoked, f"key {key.prefix}… of account {key.account_id}"), revoked

        return self._decided(decide)

    def rotate(self, key_id: str, *, grace_ns: int = 0) -> tuple[ApiKey, str]:
        """A new secret for the same account and rights; the old one works for `grace_ns` more."""

        def decide() -> tuple[_Change, tuple[ApiKey, str]]:
            old = self.find(key_id)
            new, retired, secret = rotated_key(old, self._clock.now(), grace_ns=grace_ns)
            return _Change([retired, new], "rotate", old, f"key {old.prefix}… became {new.prefix}…"), (new, secret)

        return self._decided(decide)

    def last_uses(self) -> dict[str, int]:
        """When each key was last used [ns UTC], by key id; those never used are absent."""
        return {key_id: int(at) for key_id, at in self._store.all(USE_KIND).items()}

    def note_uses(self, uses: Mapping[str, int]) -> None:
        """Remember when keys were last used [ns UTC]."""
        self._store.mark(USE_KIND, {key_id: str(at).encode() for key_id, at in uses.items()})

    def _decided(self, decide: Callable[[], tuple["_Change | None", T]]) -> T:
        """What `decide` comes to, written only where nobody else wrote meanwhile: else it is asked again."""
        for _ in range(ATTEMPTS_MAX):
            epoch = self._store.get(EPOCH_KIND, "")
            change, result = decide()
            with suppress(RecordConflict):
                if change is not None:
                    self._write(change, epoch)
                return result
        raise RecordsFault(f"keys could not be written: others were faster {ATTEMPTS_MAX} times")

    def _write(self, change: "_Change", epoch: bytes | None) -> None:
        changes = [key_change(key) for key in change.keys]
        changes.append(RecordChange(EPOCH_KIND, "", secrets.token_bytes(16), expects=epoch))
        line = AuditLine(
            self._clock.now(), self._actor, change.action, KIND, change.subject.key_id, change.note
        )  # fmt: skip
        self._store.write(changes, line)

    def require_active_owner(self, account_id: AccountId) -> None:
        """KeyRefused for an account of somebody who was deactivated."""
        users = (_decode_user(body) for body in self._store.all(USER_KIND).values())
        if account_id and any(account_id in user.logins and not user.is_active for user in users):
            raise KeyRefused(f"account {account_id} belongs to somebody who is inactive: nothing may open it")


class _Change(Struct, frozen=True):
    """Keys as they are to be, and what the audit says: what was done to which of them."""

    keys: list[ApiKey]
    action: str
    subject: ApiKey
    note: str


def key_change(key: ApiKey) -> RecordChange:
    """What keeps a key."""
    return RecordChange(KIND, key.key_id, msgspec.json.encode(key))


def read_key(change: RecordChange) -> ApiKey:
    """The key that a change keeps."""
    assert change.body is not None
    return _decode_key(change.body)


def made_key(
    account_id: AccountId,
    now: int,
    *,
    door: str,
    name: str = "",
    scopes: tuple[str, ...] = ALL_SCOPES,
    expires_at: int | None = None,
    ip_allow: tuple[str, ...] = (),
    is_live: bool = False,
) -> tuple[ApiKey, str]:
    """A new key and its secret. KeyRefused for a wish that makes no sense."""
    secret = new_secret(door, is_live=is_live)
    return ApiKey(
        key_id="key_" + secrets.token_hex(8),
        door=door,
        prefix=shown_prefix(door, secret),
        digest=digest_of(secret).hex(),
        account_id=account_id,
        created_at=now,
        scopes=checked_scopes(door, scopes),
        name=checked_name(name),
        expires_at=expires_at,
        ip_allow=checked_networks(ip_allow),
    ), secret


def rotated_key(old: ApiKey, now: int, *, grace_ns: int = 0) -> tuple[ApiKey, ApiKey, str]:
    """The successor of `old`, `old` as it is from now on, and the new secret. KeyRefused for a closed key."""
    if not old.is_valid(now) or old.revoked_at is not None:
        raise KeyRefused(f"key {old.key_id} is {old.status(now)} or rotated already: create a new one")
    secret = new_secret(old.door, is_live=old.prefix.startswith(LIVE_TERMINAL_PREFIX))
    new = msgspec.structs.replace(
        old,
        key_id="key_" + secrets.token_hex(8),
        prefix=shown_prefix(old.door, secret),
        digest=digest_of(secret).hex(),
        created_at=now,
        lineage=old.line,
    )
    return new, msgspec.structs.replace(old, revoked_at=now + grace_ns), secret


def checked_scopes(door: str, scopes: tuple[str, ...]) -> tuple[str, ...]:
    """`scopes` where a key of that door may have them; KeyRefused otherwise."""
    known = SCOPES[door]
    if not scopes or not set(scopes) <= set(known):
        raise KeyRefused(f"scopes were {', '.join(scopes) or 'none'}, expected some of: {', '.join(known)}")
    if door != GATEWAY and len(scopes) > 1:
        raise KeyRefused(f"scopes were {', '.join(scopes)}, a key of the {door} door has one")
    return scopes


def checked_name(name: str) -> str:
    """`name` where it can be shown; KeyRefused otherwise."""
    if len(name) > NAME_LENGTH_MAX or not name.isprintable():
        raise KeyRefused(f"a key's name has at most {NAME_LENGTH_MAX} printable characters")
    return name


def checked_networks(networks: tuple[str, ...]) -> tuple[str, ...]:
    """Addresses and networks in their usual spelling; KeyRefused for what is neither."""
    if len(networks) > NETWORKS_MAX:
        raise KeyRefused(f"{len(networks)} networks were given, a key has at most {NETWORKS_MAX}")
    try:
        return tuple(str(ipaddress.ip_network(network, strict=False)) for network in networks)
    except ValueError:
        raise KeyRefused(f"{', '.join(networks)}: expected networks such as 10.0.0.0/8 or 2001:db8::1") from None


def shown_prefix(door: str, secret: str) -> str:
    """As much of a secret as people may see."""
    return secret[: len(PREFIXES[door]) + SHOWN_LENGTHS[door]]


def new_secret(door: str, *, is_live: bool = False) -> str:
    """A secret for `door`: its prefix, then letters and digits by chance."""
    prefix = LIVE_TERMINAL_PREFIX if is_live and door == TERMINAL else PREFIXES[door]
    return prefix + "".join(secrets.choice(ALPHABET) for _ in range(SECRET_LENGTHS[door]))
