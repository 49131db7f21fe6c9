"""Deleting a strategy: it is hidden, shown to nobody, and what runs of it ends first, if that was asked for."""

from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace

from tradehall.app.deployments.deployments import Deployments
from tradehall.app.deployments.transitions import Action
from tradehall.app.records import strategies
from tradehall.app.records.audit import Actor, audit_line
from tradehall.app.records.deployments import Deployment, DeploymentState, StopPolicy
from tradehall.app.records.strategies import Strategy, StrategyStatus
from tradehall.app.strategies.strategies import at_version, changed, find_strategy
from tradehall.app.studio.book import StudioBook
from tradehall.app.studio.reach import Reach
from tradehall.app.studio.refusals import StudioCode, StudioRefused
from tradehall.app.studio.room import StudioRoom, StudioWrite
from tradehall.ports.records import RecordChange


class OfDeployments(StrEnum):
    """What becomes of the strategy's deployments."""

    REFUSE = "refuse"  # There must be none.
    STOP = "stop"
    STOP_AND_CLOSE = "stop_and_close"


class Deleted(Struct, frozen=True):
    """A deleted strategy, and what that did."""

    strategy: Strategy
    unpublished: bool = False
    deployments_stopped: tuple[int, ...] = ()


class StrategyDeletion:
    """Deletes strategies; they can be restored."""

    def __init__(self, room: StudioRoom, deployments: Deployments) -> None:
        self._room = room
        self._deployments = deployments

    async def delete(
        self, reach: Reach, name: str, of_deployments: OfDeployments, *, by: Actor, expected: int | None = None
    ) -> Deleted:
        """Delete a strategy; a second time changes nothing. StudioRefused STRATEGY_HAS_LIVE_DEPLOYMENTS."""
        strategy = at_version(find_strategy(self._room.book, reach, name), expected)
        stopped = []
        if of_deployments is not OfDeployments.REFUSE and not strategy.is_deleted:
            policy = StopPolicy.CANCEL if of_deployments is OfDeployments.STOP else StopPolicy.FLATTEN
            stopped = [await self._stopped(reach, each, policy, by) for each in _live(self._room.book, strategy)]

        def decide(book: StudioBook, now: int) -> tuple[StudioWrite | None, Deleted]:
            old = at_version(find_strategy(book, reach, name), expected)
            if old.is_deleted:
                return None, Deleted(old)
            live = [each for each in _live(book, old) if each.state is not DeploymentState.STOPPING]
            if live or (of_deployments is OfDeployments.REFUSE and _live(book, old)):
                raise _has_live(old, _live(book, old))
            after = changed(old, now, status=StrategyStatus.DELETED, deleted_at=now)
            off_the_shelf = _unlisted(book, old, now)
            line = audit_line(by, now, "strategy.delete", (strategies.KIND, old.strategy_id), before=old, after=after)
            write = StudioWrite([book.strategies.change(after), *off_the_shelf], [line])
            return write, Deleted(after, bool(off_the_shelf), tuple(stopped))

        return await self._room.change(decide)

    async def _stopped(self, reach: Reach, deployment: Deployment, policy: StopPolicy, by: Actor) -> int:
        number = deployment.deployment_id
        await self._deployments.act(reach, number, Action.STOP, by=by, policy=policy)
        return number


def _live(book: StudioBook, strategy: Strategy) -> list[Deployment]:
    return [each for each in book.deployments.of_strategy(strategy.strategy_id) if each.is_active]


def _has_live(strategy: Strategy, live: list[Deployment]) -> StudioRefused:
    count = f"{len(live)} running deployment{'' if len(live) == 1 else 's'}"
    return StudioRefused(
        StudioCode.STRATEGY_HAS_LIVE_DEPLOYMENTS,
        f"Strategy {strategy.strategy_id} has {count}.",
        {"deployment_ids": [each.deployment_id for each in live]},
    )


def _unlisted(book: StudioBook, strategy: Strategy, now: int) -> list[RecordChange]:
    """What takes it out of the marketplace."""
    old = book.listings.get(strategy.strategy_id)
    if old is None or not old.published:
        return []
    return [book.listings.change(replace(old, published=False, unpublished_at=now, version=old.version + 1))]
