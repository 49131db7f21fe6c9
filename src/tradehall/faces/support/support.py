"""What the support door's handlers work with, and the few steps that several of them share."""

from dataclasses import dataclass
from typing import Any, Final

from tradehall.app.access import Access
from tradehall.app.audit import AuditTrail
from tradehall.app.backtesting.runs import Backtests
from tradehall.app.deployments.deleting import StrategyDeletion
from tradehall.app.deployments.deployments import Deployments
from tradehall.app.deployments.runner import Runner
from tradehall.app.desk import Desk
from tradehall.app.explain import Explainer
from tradehall.app.identity.identity import Identity
from tradehall.app.market import MarketBoard
from tradehall.app.marketplace import Marketplace
from tradehall.app.records.users import User
from tradehall.app.scanners.scanners import Scanners
from tradehall.app.scanners.watching import ScannerWatch
from tradehall.app.strategies.strategies import Strategies
from tradehall.app.studio.room import StudioRoom
from tradehall.app.support.adjusting import Adjusting
from tradehall.app.support.figures import ExecutionFigures, PerformanceFigures
from tradehall.app.support.locking import Locking
from tradehall.app.support.trips import Trips
from tradehall.domain.time import from_rfc3339
from tradehall.faces.kit import BadRequest, Limit, Request
from tradehall.faces.support.auth import domain_of
from tradehall.ports.answers import AnswerStore
from tradehall.ports.deployments import DeploymentStore

READS: Final = "read"
WRITES: Final = "write"
ANALYTICS: Final = "analytics"
LIMITS: Final = {
    READS: Limit(per_second=20, burst=40),
    WRITES: Limit(per_second=5, burst=10),
    ANALYTICS: Limit(per_second=5, burst=10),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Support:
    """The rooms behind the door."""

    access: Access
    identity: Identity
    desk: Desk
    market: MarketBoard
    room: StudioRoom
    strategies: Strategies
    deletion: StrategyDeletion
    marketplace: Marketplace
    deployments: Deployments
    runner: Runner
    backtests: Backtests
    scanners: Scanners
    watch: ScannerWatch
    store: DeploymentStore
    locking: Locking
    trips: Trips
    adjusting: Adjusting
    executions: ExecutionFigures
    performance: PerformanceFigures
    trail: AuditTrail
    explainer: Explainer
    answers: AnswerStore


def user_of(support: Support, request: Request, name: str | None = None) -> User:
    """The user that the path (or `name`) means, in the caller's tenant; IdentityRefused otherwise."""
    return support.identity.users.find(request.params["user"] if name is None else name, domain=domain_of(request))


def instant(field: str, text: str | None, *, place: str = "body") -> int | None:
    """An RFC 3339 text as ns UTC; None and "" are none."""
    if not text:
        return None
    try:
        return from_rfc3339(text)
    except ValueError:
        raise BadRequest(
            field, "must be an RFC 3339 time such as 2026-01-15T10:30:00Z", found=text[:40], place=place
        ) from None


def is_within(at: int | None, since: int | None, until: int | None) -> bool:
    """Whether an instant lies in a period; one that is not there lies in none but the whole of time."""
    if since is None and until is None:
        return True
    return at is not None and (since is None or at >= since) and (until is None or at < until)


def number_in_path(text: str) -> int:
    """A number as paths have it; what is none is nobody's: 0."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0


def check_words(field: str, said: list[str], known: list[str]) -> None:
    """BadRequest for a filter that can never match."""
    for word in said:
        if word not in known:
            raise BadRequest(field, f"must be one of {', '.join(known)}", found=word[:40], place="query")


def is_chosen(said: list[Any], *values: object) -> bool:
    """Whether a filter lets one of these through; without words it lets all."""
    return not said or any(value in said for value in values)
