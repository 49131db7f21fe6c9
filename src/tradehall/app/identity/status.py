"""A user's status: the inactive lose sessions, keys and sockets at every door, in one transaction."""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from tradehall.app.identity.account_steps import AccountSteps, status_steps
from tradehall.app.identity.book import Book
from tradehall.app.identity.resets import cancelled_resets
from tradehall.app.identity.room import IdentityRoom, Write
from tradehall.app.identity.sessions import endings
from tradehall.app.identity.user_rules import at_version, changed, user_change
from tradehall.app.records.api_keys import KIND as KEY_KIND
from tradehall.app.records.api_keys import key_change
from tradehall.app.records.audit import Actor, audit_line
from tradehall.app.records.users import KIND, User, UserStatus
from tradehall.ports.records import AuditLine, RecordChange


class StatusEffects(Struct, frozen=True):
    """What a change of status did. `is_changed`: it was another one before."""

    user: User
    sessions_revoked: int = 0
    keys_revoked: int = 0
    is_changed: bool = False


class Besides(Struct, frozen=True):
    """What another room changes in the same transaction; `told`: what the user's audit line says of it."""

    changes: Sequence[RecordChange] = ()
    audit: Sequence[AuditLine] = ()
    told: Mapping[str, Any] = {}


class UserStatusDesk:
    """Deactivates and reactivates."""

    def __init__(self, room: IdentityRoom, steps: AccountSteps) -> None:
        self._room = room
        self._steps = steps

    async def deactivate(
        self, user_id: int, *, by: Actor, expected_version: int | None = None, cancel_orders: bool = True,
        besides: Besides | None = None,
    ) -> StatusEffects:  # fmt: skip
        """Nothing the user had opens a door when this returns, and the engine takes no order of theirs.

        A second time changes nothing. ShardUnavailable: all but the engine's part is done, which follows.
        An account on which the house still closes positions for the user is disabled when that is done.
        Who changes something `besides` has the account steps done, when it is time for them.
        """

        def decide(book: Book, now: int) -> tuple[Write | None, StatusEffects]:
            user = at_version(book, user_id, expected_version)
            if not user.is_active:
                return None, StatusEffects(user)
            return _deactivated(book, now, user, by, besides or Besides(), cancel_orders=cancel_orders)

        effects = await self._room.change(decide)
        if besides is None:
            await self._steps.do(*effects.user.logins)
        return effects

    async def reactivate(self, user_id: int, *, by: Actor, expected_version: int | None = None) -> StatusEffects:
        """The user may sign in again and make new keys; the old ones stay revoked."""

        def decide(book: Book, now: int) -> tuple[Write | None, StatusEffects]:
            user = at_version(book, user_id, expected_version)
            return (None, StatusEffects(user)) if user.is_active else _reactivated(book, now, user, by)

        effects = await self._room.change(decide)
        await self._steps.do(*effects.user.logins)
        return effects


def _deactivated(
    book: Book, now: int, user: User, by: Actor, besides: Besides, *, cancel_orders: bool
) -> tuple[Write, StatusEffects]:
    after = changed(user, now, status=UserStatus.INACTIVE)
    ended = endings(book, user.user_id)
    keys = [
        replace(key, revoked_at=now) for key in book.keys_of(user) if key.revoked_at is None or key.revoked_at > now
    ]
    effects = StatusEffects(after, len(ended), len(keys), is_changed=True)
    changes = [
        user_change(after), *ended, *map(key_change, keys), *cancelled_resets(book, user.user_id),
        *status_steps(book, user, is_enabled=False, cancels_entries=cancel_orders),
    ]  # fmt: skip
    told = {"sessions_revoked": effects.sessions_revoked, "keys_revoked": effects.keys_revoked, **besides.told}
    lines = [_line(by, now, user, after, told)]
    lines += [
        audit_line(by, now, "key.revoke", (KEY_KIND, key.key_id), user=user, note=f"key {key.prefix}…") for key in keys
    ]
    return Write(changes, [*lines, *besides.audit], besides.changes), effects


def _reactivated(book: Book, now: int, user: User, by: Actor) -> tuple[Write, StatusEffects]:
    after = changed(user, now, status=UserStatus.ACTIVE)
    changes = [user_change(after), *status_steps(book, user, is_enabled=True)]
    return Write(changes, [_line(by, now, user, after, {})]), StatusEffects(after, is_changed=True)


def _line(by: Actor, now: int, user: User, after: User, effects: dict[str, Any]) -> AuditLine:
    line = audit_line(by, now, "user.status", (KIND, user.user_id), user=user, before=user, after=after)
    return replace(line, after={**line.after, **effects})
