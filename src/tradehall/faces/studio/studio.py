"""What the studio's handlers work with, and how often they may be asked."""

from dataclasses import dataclass
from typing import Final

from tradehall.app.access import Access
from tradehall.app.backtests.runs import Backtests
from tradehall.app.deployments.deleting import StrategyDeletion
from tradehall.app.deployments.deployments import Deployments
from tradehall.app.deployments.keeping import LedgerKeeper
from tradehall.app.deployments.runner import Runner
from tradehall.app.desk import Desk
from tradehall.app.market import MarketBoard
from tradehall.app.marketplace import Marketplace
from tradehall.app.scanners.scanners import Scanners
from tradehall.app.scanners.watching import ScannerWatch
from tradehall.app.strategies.strategies import Strategies
from tradehall.app.studio.room import StudioRoom
from tradehall.faces.kit import Limit
from tradehall.ports.answers import AnswerStore
from tradehall.ports.deployments import DeploymentStore

READS: Final = "read"
WRITES: Final = "write"
LIMITS: Final = {READS: Limit(per_second=50, burst=100), WRITES: Limit(per_second=20, burst=100)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Studio:
    """The rooms behind the door. `is_open`: whoever is on this machine may say to be an operator."""

    access: Access
    desk: Desk
    market: MarketBoard
    room: StudioRoom
    strategies: Strategies
    deletion: StrategyDeletion
    marketplace: Marketplace
    deployments: Deployments
    runner: Runner
    keeper: LedgerKeeper
    backtests: Backtests
    scanners: Scanners
    watch: ScannerWatch
    store: DeploymentStore
    answers: AnswerStore
    is_open: bool = False
