"""A user's status across the whole house: people, deployments, orders and positions follow one wish."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from enum import StrEnum
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from tradehall.app.audit import AuditTrail
from tradehall.app.deployments.ledgers import Ledgers
from tradehall.app.deployments.transitions import moved
from tradehall.app.desk import Desk
from tradehall.app.identity.account_steps import REASON
from tradehall.app.identity.identity import Identity
from tradehall.app.identity.status import Besides, StatusEffects
from tradehall.app.outcome import ShardUnavailable
from tradehall.app.records import users
from tradehall.app.records.audit import Actor, audit_line
from tradehall.app.records.deployments import KIND, Deployment, DeploymentState, StopPolicy
from tradehall.app.records.users import User
from tradehall.app.studio.book import StudioBook
from tradehall.app.studio.room import StudioRoom, StudioWrite
from tradehall.ports.records import AuditLine

CLOSING_WITHIN_S: Final = 1.0
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

        steps, user = self._identity.steps, self._identity.book.users.get(user_id)
        logins = () if user is None else user.logins
        # Nobody else does them meanwhile: what is counted here is all there was.
        steps.in_hand.update(logins)
        try:
            done, changed = await locked_at_once(
                self._identity, self._room, user_id, fate, cancel_orders=cancel_orders, by=by, expected=expected
            )
            if not done.is_changed:
                return LockEffects(done.user)
            held = self._held(changed) if fate is Fate.STOP_AND_CLOSE else 0
            cancelled = sum([await steps.cancel_entries(login) for login in logins]) if cancel_orders else 0
            await self._look()
            closed = await self._closed(changed, held)
            await steps.do(*logins)
        finally:
            steps.in_hand.difference_update(logins)
        effects = LockEffects(
            done.user, done.sessions_revoked, done.keys_revoked, changed, cancelled, closed, is_changed=True
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

    async def _closed(self, deployments: Sequence[int], held: int) -> int:
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

    def _held(self, deployments: Sequence[int]) -> int:
        found = (self._ledgers.get(number) for number in deployments)
        return sum(len(ledger.holdings) for ledger in found if ledger is not None)


async def locked_at_once(
    identity: Identity, room: StudioRoom, user_id: int, fate: Fate, *, cancel_orders: bool, by: Actor,
    expected: int | None = None,
) -> tuple[StatusEffects, tuple[int, ...]]:  # fmt: skip
    """One transaction: credentials end, and it is written what is to become of deployments and orders.

    What it did, and which deployments it concerns. The engine's part follows: account steps, and the supervisor.
    """
    concerned: list[int] = []

    async def write(wish: StudioWrite) -> tuple[bool, StatusEffects]:
        told = {"deployments_changed": _named(wish)} if wish.changes else {}
        done = await identity.status.deactivate(
            user_id, by=by, expected_version=expected, cancel_orders=cancel_orders,
            besides=Besides(wish.changes, wish.audit, told),
        )  # fmt: skip
        return done.is_changed, done

    def decide(book: StudioBook, now: int) -> StudioWrite:
        wish, concerned[:] = _fates(book, user_id, fate, now, by)
        return wish

    return await room.change_with(decide, write), tuple(concerned)


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


def _named(wish: StudioWrite) -> list[str]:
    return [change.key for change in wish.changes if change.kind == KIND]


def _effects_line(effects: LockEffects, at: int, by: Actor) -> AuditLine:
    told = {"orders_cancelled": effects.orders_cancelled, "positions_closed": effects.positions_closed}
    line = audit_line(by, at, "user.status_effects", (users.KIND, effects.user.user_id), user=effects.user)
    return replace(line, after=told)
