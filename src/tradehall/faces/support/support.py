"""What the support door's handlers work with, and whose records they are about."""

from dataclasses import dataclass
from typing import Final

from tradehall.app.access import Access
from tradehall.app.audit import AuditTrail
from tradehall.app.audit_export import AuditExports
from tradehall.app.backtests.runs import Backtests
from tradehall.app.deployments.deleting import StrategyDeletion
from tradehall.app.deployments.deployments import Deployments
from tradehall.app.deployments.runner import Runner
from tradehall.app.desk import Desk
from tradehall.app.explain import Explainer
from tradehall.app.identity.identity import Identity
from tradehall.app.market import MarketBoard
from tradehall.app.marketplace import Marketplace
from tradehall.app.past import Past
from tradehall.app.records.users import User
from tradehall.app.scanners.scanners import Scanners
from tradehall.app.scanners.watching import ScannerWatch
from tradehall.app.strategies.strategies import Strategies
from tradehall.app.studio.room import StudioRoom
from tradehall.app.support.adjusting import Adjusting
from tradehall.app.support.figures import ExecutionFigures, PerformanceFigures
from tradehall.app.support.locking import Locking
from tradehall.app.support.trips import Trips
from tradehall.faces.kit import Limit, Request
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
    exports: AuditExports
    explainer: Explainer
    past: Past
    answers: AnswerStore


def user_of(support: Support, request: Request, name: str | None = None) -> User:
    """The user that the path (or `name`) means, in the caller's tenant; IdentityRefused otherwise."""
    return support.identity.users.find(request.params["user"] if name is None else name, domain=domain_of(request))
