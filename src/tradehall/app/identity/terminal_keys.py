"""Keys of the terminal door, managed by the owner of the account while the server runs."""

from collections.abc import Callable
from typing import Any, Final, TypeVar

from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import replace

from tradehall.app.identity.book import Book
from tradehall.app.identity.refusals import IdentityCode, IdentityRefused, invalid
from tradehall.app.identity.room import IdentityRoom, Write
from tradehall.app.records.api_keys import (
    KEYS_MAX,
    KIND,
    TERMINAL,
    ApiKey,
    KeyRefused,
    checked_name,
    checked_networks,
    checked_scopes,
    key_change,
    made_key,
    rotated_key,
)
from tradehall.app.records.audit import Actor, audit_line
from tradehall.domain.ids import AccountId

# Of one account, those that are still good for something.
KEYS_PER_ACCOUNT_MAX: Final = 100

T = TypeVar("T")


class NewTerminalKey(Struct, frozen=True, kw_only=True):
    """A wish for a key; `scope` is read, trade or full, `expires_at` [ns UTC]."""

    name: str
    scope: str
    expires_at: int | None = None
    ip_allow: tuple[str, ...] = ()


class TerminalKeyPatch(Struct, frozen=True, kw_only=True):
    """What to change of a key; what is left out stays."""

    name: str | UnsetType = UNSET
    scope: str | UnsetType = UNSET
    expires_at: int | UnsetType | None = UNSET
    ip_allow: tuple[str, ...] | UnsetType = UNSET


class TerminalKeys:
    """Keys by the name of their line, which stays when a key is rotated: `ApiKey.line`.

    `account_id` None stands for somebody who may see the keys of all accounts. Another's key is
    KEY_NOT_FOUND, like one that does not exist. Changes are in effect on return, and sockets told.
    """

    def __init__(self, room: IdentityRoom, *, is_live: bool = False) -> None:
        self._room = room
        self._is_live = is_live

    def all(self, account_id: AccountId | None) -> list[ApiKey]:
        """The newest key of each line, revoked ones too, oldest line first."""
        ring = self._room.book.ring
        keys = ring if account_id is None else ring.of_account(account_id)
        newest: dict[str, ApiKey] = {}
        for key in sorted(keys, key=lambda key: (key.created_at, key.revoked_at is None)):
            if key.door == TERMINAL:
                newest[key.line] = key
        return list(newest.values())

    def get(self, account_id: AccountId | None, line: str) -> ApiKey:
        """The newest key of a line. IdentityRefused where there is none of that account."""
        return _newest(self._room.book, account_id, line)

    async def create(self, account_id: AccountId, wish: NewTerminalKey, *, by: Actor) -> tuple[ApiKey, str]:
        """A new key and its secret, which cannot be had again."""

        def decide(book: Book, now: int) -> tuple[Write, tuple[ApiKey, str]]:
            if wish.expires_at is not None and wish.expires_at <= now:
                raise invalid("expires_at", "is not in the future")
            # The owner who asks may have been deactivated since he was recognised.
            if (owner := book.user_of_login(account_id)) is not None and not owner.is_active:
                raise IdentityRefused(IdentityCode.USER_DISABLED, "the user is disabled")
            _require_room(book, account_id, now)
            key, secret = made_key(
                account_id, now, door=TERMINAL, name=wish.name, scopes=(wish.scope,),
                expires_at=wish.expires_at, ip_allow=wish.ip_allow, is_live=self._is_live,
            )  # fmt: skip
            return _write(book, now, by, "key.create", None, key), (key, secret)

        _check("name", lambda: checked_name(wish.name))
        _check("scope", lambda: checked_scopes(TERMINAL, (wish.scope,)))
        _check("ip_allow", lambda: checked_networks(wish.ip_allow))
        return await self._room.change(decide)

    async def rotate(self, account_id: AccountId | None, line: str, *, by: Actor) -> tuple[ApiKey, str]:
        """A new secret with the same rights; the old one is dead on return."""

        def decide(book: Book, now: int) -> tuple[Write, tuple[ApiKey, str]]:
            old = _newest(book, account_id, line)
            if not old.is_valid(now):
                raise IdentityRefused(IdentityCode.KEY_CLOSED, f"key {line} is {old.status(now)}: create a new one")
            key, retired, secret = rotated_key(old, now)
            changed = (key, retired, *_out_of_grace(book, old, now))
            return _write(book, now, by, "key.rotate", old, *changed), (key, secret)

        return await self._room.change(decide)

    async def change(self, account_id: AccountId | None, line: str, patch: TerminalKeyPatch, *, by: Actor) -> ApiKey:
        """Change what a key is called and may do; its sockets are told when it may do less."""
        fields = _fields(patch)

        def decide(book: Book, now: int) -> tuple[Write | None, ApiKey]:
            old = _newest(book, account_id, line)
            if not old.is_valid(now):
                raise IdentityRefused(IdentityCode.KEY_CLOSED, f"key {line} is {old.status(now)}: create a new one")
            if (expires_at := fields.get("expires_at")) is not None and expires_at <= now:
                raise invalid("expires_at", "is not in the future")
            key: ApiKey = replace(old, **fields)
            return (None if key == old else _write(book, now, by, "key.change", old, key)), key

        return await self._room.change(decide)

    async def revoke(self, account_id: AccountId | None, line: str, *, by: Actor) -> ApiKey:
        """Close a key for good; a second time changes nothing."""

        def decide(book: Book, now: int) -> tuple[Write | None, ApiKey]:
            old = _newest(book, account_id, line)
            others = _out_of_grace(book, old, now)
            if old.revoked_at is not None and not others:
                return None, old
            key: ApiKey = old if old.revoked_at is not None else replace(old, revoked_at=now)
            return _write(book, now, by, "key.revoke", old, key, *others), key

        return await self._room.change(decide)


def _out_of_grace(book: Book, newest: ApiKey, now: int) -> list[ApiKey]:
    """Earlier keys of the line that the command line gave some time more, closed: the owner ends all of it."""
    earlier = (key for key in book.ring.of_account(newest.account_id) if key.line == newest.line and key != newest)
    return [replace(key, revoked_at=now) for key in earlier if key.is_valid(now)]


def _newest(book: Book, account_id: AccountId | None, line: str) -> ApiKey:
    first = book.ring.get(line)
    if first is None or first.door != TERMINAL or account_id not in (None, first.account_id):
        raise IdentityRefused(IdentityCode.KEY_NOT_FOUND, "there is no such key")
    # The id of a successor is understood as well as the name of the line.
    keys = [key for key in book.ring.of_account(first.account_id) if key.line == first.line]
    return max(keys, key=lambda key: (key.created_at, key.revoked_at is None))


def _require_room(book: Book, account_id: AccountId, now: int) -> None:
    valid = sum(key.is_valid(now) and key.door == TERMINAL for key in book.ring.of_account(account_id))
    if valid >= KEYS_PER_ACCOUNT_MAX:
        raise IdentityRefused(
            IdentityCode.TOO_MANY_KEYS, f"an account has at most {KEYS_PER_ACCOUNT_MAX} keys: revoke one first"
        )
    if len(book.ring) >= KEYS_MAX:
        raise IdentityRefused(IdentityCode.TOO_MANY_KEYS, f"there are {KEYS_MAX} keys, revoked ones included")


def _fields(patch: TerminalKeyPatch) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    if patch.name is not UNSET:
        fields["name"] = _check("name", lambda: checked_name(str(patch.name)))
    if patch.scope is not UNSET:
        fields["scopes"] = _check("scope", lambda: checked_scopes(TERMINAL, (str(patch.scope),)))
    if patch.ip_allow is not UNSET:
        networks = patch.ip_allow
        fields["ip_allow"] = _check("ip_allow", lambda: checked_networks(networks))
    if patch.expires_at is not UNSET:
        fields["expires_at"] = patch.expires_at
    return fields


def _check(field: str, check: Callable[[], T]) -> T:
    try:
        return check()
    except KeyRefused as refused:
        raise invalid(field, f"is not possible: {refused}") from None


def _write(book: Book, now: int, by: Actor, action: str, old: ApiKey | None, key: ApiKey, *more: ApiKey) -> Write:
    owner = book.user_of_login(key.account_id)
    line = audit_line(by, now, action, (KIND, key.line), user=owner, note=f"key {key.prefix}…", before=old, after=key)
    return Write([key_change(each) for each in (key, *more)], [line])
