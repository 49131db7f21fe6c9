"""Evaluations: what a deployment's program saw at its last looks, and what came of it."""

from collections import deque
from typing import Final

from msgspec import Struct

from tradehall.strategies.intents import Outcome
from tradehall.strategies.verdicts import Verdict

KEPT_MAX: Final = 50  # Of one program.
# Deployments that are over, of which it can still be told what they saw last; of older ones that is forgotten.
ENDED_KEPT_MAX: Final = 100


class Evaluation(Struct, frozen=True):
    """One look of a deployment's program on `symbol`; instants in ns UTC.

    `at`: the close of the bar, or the beat; `looked_at`: when it was looked at. `bar_number`: the track's
    number of that bar, by which its values are found again; None: a beat. `verdicts`: one of each rule, None:
    it did not look. `blocks`: why nothing could be opened. `quote_age_ns` None: there was no quote.
    """

    symbol: str
    at: int
    looked_at: int
    bar_number: int | None
    verdicts: tuple[Verdict | None, ...]
    outcomes: tuple[Outcome, ...] = ()
    blocks: tuple[str, ...] = ()
    quote_age_ns: int | None = None


class Evaluations:
    """The newest evaluations of each program, by deployment."""

    def __init__(self) -> None:
        self._kept: dict[int, dict[str, deque[Evaluation]]] = {}
        self._ended: dict[int, None] = {}

    def add(self, deployment_id: int, evaluation: Evaluation) -> None:
        """Keep one; the oldest of more than KEPT_MAX goes."""
        programs = self._kept.setdefault(deployment_id, {})
        line = programs.get(evaluation.symbol)
        if line is None:
            line = programs[evaluation.symbol] = deque(maxlen=KEPT_MAX)
        line.append(evaluation)

    def of(self, deployment_id: int, limit: int) -> list[Evaluation]:
        """The newest of a deployment, of all its programs, newest first."""
        lines = self._kept.get(deployment_id, {}).values()
        found = [evaluation for line in lines for evaluation in line]
        return sorted(found, key=lambda each: (each.looked_at, each.at), reverse=True)[:limit]

    def begin(self, deployment_id: int) -> None:
        """It runs, perhaps again."""
        self._ended.pop(deployment_id, None)

    def end(self, deployment_id: int) -> None:
        """It is over; what the one that ended longest ago saw is dropped, where there are too many."""
        self._ended[deployment_id] = None
        if len(self._ended) > ENDED_KEPT_MAX:
            oldest = next(iter(self._ended))
            del self._ended[oldest]
            self._kept.pop(oldest, None)
