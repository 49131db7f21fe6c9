"""What the studio's handlers work with, and the few steps that several of them share."""

from dataclasses import dataclass
from typing import Final

from tradehall.app.access import Access
from tradehall.app.backtesting.runs import Backtests
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
from tradehall.domain.time import from_rfc3339
from tradehall.faces.kit import BadRequest, Limit
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


def instant(field: str, text: str | None, *, place: str = "body") -> int | None:
    """An RFC 3339 text as ns UTC; None and "" are none."""
    if not text:
        return None
    try:
        return from_rfc3339(text)
    except ValueError:
        raise BadRequest(
            field, "must be an RFC 3339 time such as 2025-01-15T10:30:00Z", found=text[:40], place=place
        ) from None


def number_in_path(text: str) -> int:
    """A number as paths have it; what is none is nobody's: 0."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0
