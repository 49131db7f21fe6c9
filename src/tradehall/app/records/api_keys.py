"""API keys: opaque secrets of which only a digest is kept. Made, revoked and rotated here."""

import hashlib
import secrets
import string
from collections.abc import Mapping
from typing import Final

import msgspec
from msgspec import Struct

from tradehall.domain.ids import AccountId
from tradehall.ports.clock import Clock
from tradehall.ports.records import AuditLine, RecordChange, RecordStore

KIND: Final = "api_key"
USE_KIND: Final = "api_key_use"
GATEWAY: Final = "gateway"

# The first word of a secret says which door it opens.
PREFIXES: Final[dict[str, str]] = {GATEWAY: "gw_"}
ALPHABET: Final = string.ascii_letters + string.digits
SECRET_LENGTH: Final = 43  # 256 bits in base 62.
SHOWN_LENGTH: Final = 6
NAME_LENGTH_MAX: Final = 100
KEYS_MAX: Final = 100_000

READ: Final = "read"
TRADE: Final = "trade"
ALL_SCOPES: Final = (READ, TRADE)


class ApiKey(Struct, frozen=True, omit_defaults=True):
    """A key as it is kept; instants in ns UTC.

    `digest` is the SHA-256 of the secret in hex: the secret has 256 bits of chance, so a slow hash would
    only slow the door down. `prefix` is its beginning, for people to tell keys apart.
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

    def is_valid(self, now: int) -> bool:
        """Whether it opens its door at `now` [ns UTC]."""
        return (self.revoked_at is None or now < self.revoked_at) and (
            self.expires_at is None or now < self.expires_at
        )

    def status(self, now: int) -> str:
        """`active`, `revoked` or `expired`, for people."""
        if self.revoked_at is not None and self.revoked_at <= now:
            return "revoked"
        return "active" if self.is_valid(now) else "expired"


class KeyRefused(Exception):
    """A key cannot be made, found or changed; the text says why."""


def digest_of(secret: str) -> bytes:
    """What a secret is looked up by."""
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).digest()


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
    ) -> tuple[ApiKey, str]:
        """A new key and its secret, which cannot be had again. KeyRefused for a wish that makes no sense."""
        if not scopes or not set(scopes) <= set(ALL_SCOPES):
            raise KeyRefused(f"scopes were {', '.join(scopes) or 'none'}, expected some of: read, trade")
        if len(name) > NAME_LENGTH_MAX or not name.isprintable():
            raise KeyRefused(f"a key's name has at most {NAME_LENGTH_MAX} printable characters")
        if len(self._store.all(KIND)) >= KEYS_MAX:
            raise KeyRefused(f"there are {KEYS_MAX} keys already, revoked ones included")
        now = self._clock.now()
        secret = new_secret(door)
        key = ApiKey(
            key_id="key_" + secrets.token_hex(8),
            door=door,
            prefix=secret[: len(PREFIXES[door]) + SHOWN_LENGTH],
            digest=digest_of(secret).hex(),
            account_id=account_id,
            created_at=now,
            scopes=scopes,
            name=name,
            strategy_id=strategy_id,
            expires_at=None if lifetime_ns is None else now + lifetime_ns,
        )
        self._write([key], "create", key, f"key {key.prefix}… for account {account_id}")
        return key, secret

    def all(self) -> list[ApiKey]:
        """All keys ever made, oldest first."""
        keys = (msgspec.json.decode(body, type=ApiKey) for body in self._store.all(KIND).values())
        return sorted(keys, key=lambda key: (key.created_at, key.key_id))

    def find(self, name: str) -> ApiKey:
        """The key with this id or this shown prefix; KeyRefused where none or several have it."""
        found = [key for key in self.all() if name in (key.key_id, key.prefix)]
        if len(found) == 1:
            return found[0]
        raise KeyRefused(f"{len(found) or 'no'} keys are named {name}; `tradehall keys list` shows them all")

    def revoke(self, key_id: str) -> ApiKey:
        """Close a key for good; a second time changes nothing."""
        key = self.find(key_id)
        now = self._clock.now()
        if key.status(now) == "revoked":
            return key
        revoked = msgspec.structs.replace(key, revoked_at=now)
        self._write([revoked], "revoke", revoked, f"key {key.prefix}… of account {key.account_id}")
        return revoked

    def rotate(self, key_id: str, *, grace_ns: int = 0) -> tuple[ApiKey, str]:
        """A new secret for the same account and rights; the old one works for `grace_ns` more."""
        old = self.find(key_id)
        now = self._clock.now()
        if not old.is_valid(now) or old.revoked_at is not None:
            raise KeyRefused(f"key {old.key_id} is {old.status(now)} or rotated already: create a new one")
        secret = new_secret(old.door)
        new = msgspec.structs.replace(
            old,
            key_id="key_" + secrets.token_hex(8),
            prefix=secret[: len(PREFIXES[old.door]) + SHOWN_LENGTH],
            digest=digest_of(secret).hex(),
            created_at=now,
        )
        retired = msgspec.structs.replace(old, revoked_at=now + grace_ns)
        self._write([retired, new], "rotate", old, f"key {old.prefix}… became {new.prefix}…")
        return new, secret

    def last_uses(self) -> dict[str, int]:
        """When each key was last used [ns UTC], by key id; those never used are absent."""
        return {key_id: int(at) for key_id, at in self._store.all(USE_KIND).items()}

    def note_uses(self, uses: Mapping[str, int]) -> None:
        """Remember when keys were last used [ns UTC]."""
        self._store.mark(USE_KIND, {key_id: str(at).encode() for key_id, at in uses.items()})

    def _write(self, keys: list[ApiKey], action: str, subject: ApiKey, note: str) -> None:
        changes = [RecordChange(KIND, key.key_id, msgspec.json.encode(key)) for key in keys]
        self._store.write(
            changes, AuditLine(keys[-1].created_at, self._actor, action, KIND, subject.key_id, note)
        )


def new_secret(door: str) -> str:
    """A secret for `door`: its prefix and 43 letters and digits."""
    return PREFIXES[door] + "".join(secrets.choice(ALPHABET) for _ in range(SECRET_LENGTH))
