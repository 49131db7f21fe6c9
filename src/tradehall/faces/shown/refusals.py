"""How the rooms of strategies say no at the doors that speak in pages: a status for each code."""

from collections.abc import Mapping
from typing import Final

from tradehall.app.outcome import ShardUnavailable
from tradehall.app.studio.refusals import StudioCode, StudioRefused
from tradehall.faces.kit import Problem, ProblemKind
from tradehall.faces.kit.envelope import EnvelopeProblem

STATUS_OF_STUDIO: Final[Mapping[StudioCode, int]] = {
    StudioCode.STRATEGY_NOT_FOUND: 404,
    StudioCode.DEPLOYMENT_NOT_FOUND: 404,
    StudioCode.SCANNER_NOT_FOUND: 404,
    StudioCode.BACKTEST_NOT_FOUND: 404,
    StudioCode.NOT_FOUND: 404,
    StudioCode.VALIDATION_FAILED: 422,
    StudioCode.VERSION_MISMATCH: 412,
    StudioCode.STRATEGY_TAKEN: 409,
    StudioCode.STRATEGY_HAS_LIVE_DEPLOYMENTS: 409,
    StudioCode.STRATEGY_NOT_DELETED: 409,
    StudioCode.STRATEGY_DELETED: 409,
    StudioCode.NOT_PUBLISHABLE: 409,
    StudioCode.NOT_DEPLOYABLE: 409,
    StudioCode.NOT_BACKTESTABLE: 409,
    StudioCode.LIVE_UNAVAILABLE: 409,
    StudioCode.BUDGET_EXCEEDED: 409,
    StudioCode.BUDGET_REFUSED: 409,
    StudioCode.INVALID_TRANSITION: 409,
    StudioCode.PRECONDITION_FAILED: 409,
    StudioCode.DEPLOYMENT_ACTIVE: 409,
    StudioCode.SCANNER_NOT_DELETED: 409,
    StudioCode.BACKTEST_NOT_READY: 409,
    StudioCode.LIMIT_REACHED: 409,
    StudioCode.QUEUE_FULL: 409,
}
assert STATUS_OF_STUDIO.keys() == set(StudioCode)

REFUSED: Final = (StudioRefused, ShardUnavailable)


def studio_problem(error: StudioRefused | ShardUnavailable) -> Problem:
    """What those rooms raised, or the house beneath them."""
    if isinstance(error, StudioRefused):
        return EnvelopeProblem(error.code.value, STATUS_OF_STUDIO[error.code], error.message, error.details)
    return Problem(ProblemKind.UNAVAILABLE, f"Nothing was changed: {error}")
