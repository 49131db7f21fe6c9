"""Latency of orders: the stamps they collect on their way, and the time between two of them. docs/metrics.md#latency"""

from collections.abc import Sequence
from enum import IntEnum
from typing import Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from tradehall.analytics.ranks import by_group, nearest_rank

Nanoseconds = NDArray[np.int64]

NEVER: Final = -1


class Stage(IntEnum):
    """What happens to an order, in this order; the number is the stamp's row in LatencyColumns.

    SIGNAL: the strategy decided. RECEIVED: the request was here. DECIDED: the engine said yes. JOURNALED: it was
    durable. SENT: it left for the venue. ACKNOWLEDGED: the venue has it. FIRST_FILL, LAST_FILL: its fills.
    """

    SIGNAL = 0
    RECEIVED = 1
    DECIDED = 2
    JOURNALED = 3
    SENT = 4
    ACKNOWLEDGED = 5
    FIRST_FILL = 6
    LAST_FILL = 7


class LatencyColumns(Struct, frozen=True):
    """A row per Stage and a column per order: instants [ns UTC], NEVER (-1) where it has not happened.

    `rests`: limit and stop orders, which wait for a price; how long says nothing about us.
    """

    stamps: Nanoseconds
    rests: NDArray[np.bool_]

    @classmethod
    def of(cls, orders: Sequence[tuple[Sequence[int | None], bool]]) -> "LatencyColumns":
        """From orders: their stamps in the order of Stage (None: not yet), and whether they rest."""
        rows = [[NEVER if stamp is None else stamp for stamp in stamps] for stamps, _ in orders]
        stamps = np.array(rows, np.int64).reshape(len(rows), len(Stage)).T
        return cls(stamps, np.array([rests for _, rests in orders], np.bool_))


class LatencySummary(Struct, frozen=True, gc=False):
    """Of `count` latencies [ns]: mean, percentiles by nearest rank, and the longest."""

    count: int
    mean_ns: float
    p50_ns: int
    p95_ns: int
    p99_ns: int
    max_ns: int


def between(columns: LatencyColumns, first: Stage, last: Stage) -> Nanoseconds:
    """Time from one stage to a later one [ns], per order; NEVER where either has not happened.

    A stamp that lies before an earlier stage's, as clocks of two machines make it, counts as that one: no gap is
    negative, and the gaps of all stages add up to the whole.
    """
    assert first < last, f"{first.name} does not come before {last.name}"
    stamps = np.maximum.accumulate(columns.stamps[: last + 1], axis=0)
    happened = (columns.stamps[first] != NEVER) & (columns.stamps[last] != NEVER)
    return np.where(happened, stamps[last] - stamps[first], NEVER)


def whole(columns: LatencyColumns) -> Nanoseconds:
    """The latency of an order [ns]: from signal to first fill; of one that rests, to the venue's acknowledgement."""
    filled = between(columns, Stage.SIGNAL, Stage.FIRST_FILL)
    return np.where(columns.rests, between(columns, Stage.SIGNAL, Stage.ACKNOWLEDGED), filled)


def fill_stage(columns: LatencyColumns) -> Nanoseconds:
    """From acknowledgement to first fill [ns]; NEVER for orders that rest."""
    return np.where(columns.rests, NEVER, between(columns, Stage.ACKNOWLEDGED, Stage.FIRST_FILL))


def summary(latencies: Nanoseconds) -> LatencySummary | None:
    """What the latencies come to, unfinished ones left out; None of none."""
    known = latencies[latencies != NEVER]
    if not known.size:
        return None
    p50, p95, p99, longest = nearest_rank(known, (50, 95, 99, 100))
    return LatencySummary(known.size, known.mean().item(), p50.item(), p95.item(), p99.item(), longest.item())


def summaries(latencies: Nanoseconds, groups: Nanoseconds) -> dict[int, LatencySummary]:
    """A summary per group: user, strategy, symbol, provider, hour. Groups without a finished latency are left out."""
    parts = ((group, summary(part)) for group, part in by_group(latencies, groups))
    return {group: told for group, told in parts if told is not None}
