"""A user's status across the whole house: people, deployments, orders and positions follow one wish."""

import asyncio
from collections.abc import Awaitable, Callable
from enum import StrEnum
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from tradehall.app.audit import AuditTrail
from tradehall.app.deployments.ledgers import Ledgers
from tradehall.app.deployments.transitions import moved
from tradehall.app.desk import Desk
from tradehall.app.identity.identity import Identity
from tradehall.app.identity.status import Besides, StatusEffects
from tradehall.app.outcome import ShardUnavailable
from tradehall.app.records import users
from tradehall.app.records.audit import Actor, audit_line
from tradehall.app.records.deployments import KIND, Deployment, DeploymentState, StopPolicy
from tradehall.app.records.users import User
from tradehall.app.studio.book import StudioBook
from tradehall.app.studio.room import StudioRoom, StudioWrite
from tradehall.domain.order import OrderRole
from tradehall.engine.commands import CancelOrder
from tradehall.ports.records import AuditLine

CLOSING_WITHIN_S: Final = 1.0
REASON: Final = "the user was deactivated"
LOOK_EVERY_S: Final = 0.01


class Fate(StrEnum):
    """What becomes of a locked user's deployments."""

    PAUSE = "pause"
    STOP = "stop"
    STOP_AND_CLOSE = "stop_and_close"


class LockEffects(Struct, frozen=True):
    """What a change of status did, in numbers; `deployments_changed` names them."""

    user: User
    sessions_revoked: int = 0
    keys_revoked: int = 0
    deployments_changed: tuple[int, ...] = ()
    orders_cancelled: int = 0
    positions_closed: int = 0
    is_changed: bool = False


class Locking:
    """Locks and unlocks users. `look` lets the supervisor of deployments do at once what was asked of it."""

    def __init__(
        self, identity: Identity, room: StudioRoom, desk: Desk, ledgers: Ledgers, trail: AuditTrail,
        look: Callable[[], Awaitable[None]],
    ) -> None:  # fmt: skip
        self._identity = identity
        self._room = room
        self._desk = desk
        self._ledgers = ledgers
        self._trail = trail
        self._look = look
        identity.steps.is_closing = self._is_closing

    async def lock(
        self, user_id: int, fate: Fate, *, cancel_orders: bool, by: Actor, expected: int | None = None
    ) -> LockEffects:
        """Sign-in, keys, sockets and deployments end in one transaction; then orders and positions, as was asked.

        IdentityRefused as `UserStatusDesk.deactivate`. ShardUnavailable: all but the engine's part is done.
        """

        async def write(wish: StudioWrite) -> tuple[bool, StatusEffects]:
            told = {"deployments_changed": _named(wish)} if wish.changes else {}
            besides = Besides(wish.changes, wish.audit, told)
            done = await self._identity.status.deactivate(user_id, by=by, expected_version=expected, besides=besides)
            return done.is_changed, done

        changed: list[int] = []

        def decide(book: StudioBook, now: int) -> StudioWrite:
            wish, changed[:] = _fates(book, user_id, fate, now, by)
            return wish

        done = await self._room.change_with(decide, write)
        if not done.is_changed:
            return LockEffects(done.user)
        held = self._held(changed) if fate is Fate.STOP_AND_CLOSE else 0
        cancelled = await self._cancelled(done.user) if cancel_orders else 0
        await self._look()
        closed = await self._closed(changed, held)
        await self._identity.steps.do(*done.user.logins)
        effects = LockEffects(
            done.user, done.sessions_revoked, done.keys_revoked, tuple(changed), cancelled, closed, is_changed=True
        )
        if cancelled or closed:
            await self._trail.note(_effects_line(effects, self._desk.clock.now(), by))
        return effects

    async def unlock(self, user_id: int, *, by: Actor, expected: int | None = None) -> LockEffects:
        """The user may sign in again; deployments stay as they are."""
        done = await self._identity.status.reactivate(user_id, by=by, expected_version=expected)
        return LockEffects(done.user, is_changed=done.is_changed)

    async def look(self) -> None:
        """Let deployments do at once what was asked of them, instead of in a moment."""
        await self._look()

    def _is_closing(self, account_id: int) -> bool:
        return any(
            each.account_id == account_id
            and each.state is DeploymentState.STOPPING
            and each.stop_policy is StopPolicy.FLATTEN
            for each in self._room.book.deployments
        )

    async def _cancelled(self, user: User) -> int:
        """Entry orders that worked; the exits of what stays open go on protecting it."""
        count = 0
        for login in user.logins:
            account = self._desk.state.accounts.get(login)
            working = [] if account is None else [each for each in account.orders.values() if _is_entry(each.role)]
            for order in working:
                outcome = await self._desk.submit(CancelOrder(login, order.order_id, REASON))
                count += outcome.rejection is None
        return count

    async def _closed(self, deployments: list[int], held: int) -> int:
        """How many positions are closed by now; closings that take longer go on by themselves."""
        if not held:
            return 0
        left = held
        try:
            async with asyncio.timeout(CLOSING_WITHIN_S):
                while left := self._held(deployments):
                    await asyncio.sleep(LOOK_EVERY_S)
                    await self._look()
        except (TimeoutError, ShardUnavailable):
            pass
        return max(0, held - left)

    def _held(self, deployments: list[int]) -> int:
        found = (self._ledgers.get(number) for number in deployments)
        return sum(len(ledger.holdings) for ledger in found if ledger is not None)


def _fates(book: StudioBook, user_id: int, fate: Fate, now: int, by: Actor) -> tuple[StudioWrite, list[int]]:
    """What becomes of the user's deployments, and which ones it concerns."""
    moves = [
        (old, after) for old in book.deployments.of_owner(user_id) if (after := _after(old, fate, now)) is not None
    ]
    changes = [book.deployments.change(after) for _, after in moves]
    lines = [
        audit_line(by, now, f"deployment.{fate}", (KIND, old.deployment_id), before=old, after=after)
        for old, after in moves
    ]
    return StudioWrite(changes, lines), [old.deployment_id for old, _ in moves]


def _after(old: Deployment, fate: Fate, now: int) -> Deployment | None:
    """The deployment as it is to be; None: it stays. One that is only starting has nothing to pause: it stops."""
    if not old.is_active:
        return None
    if fate is Fate.PAUSE:
        if old.state is DeploymentState.RUNNING:
            return moved(old, now, DeploymentState.PAUSED, state_reason=REASON)
        if old.state is not DeploymentState.STARTING:
            return None
    policy = StopPolicy.FLATTEN if fate is Fate.STOP_AND_CLOSE else StopPolicy.CANCEL
    if old.state is DeploymentState.STOPPING and old.stop_policy in (policy, StopPolicy.FLATTEN):
        return None
    return moved(old, now, DeploymentState.STOPPING, state_reason=REASON, stop_policy=policy)


def _is_entry(role: OrderRole) -> bool:
    return role is OrderRole.ENTRY


def _named(wish: StudioWrite) -> list[str]:
    return [change.key for change in wish.changes if change.kind == KIND]


def _effects_line(effects: LockEffects, at: int, by: Actor) -> AuditLine:
    told = {"orders_cancelled": effects.orders_cancelled, "positions_closed": effects.positions_closed}
    line = audit_line(by, at, "user.status_effects", (users.KIND, effects.user.user_id), user=effects.user)
    return replace(line, after=told)
