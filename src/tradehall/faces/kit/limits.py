"""Rate limits: one token bucket per door, class of request and caller."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from math import ceil
from typing import TypeAlias

from tradehall.faces.kit.errors import RateLimited

MAX_BUCKETS = 50_000

Key: TypeAlias = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Limit:
    """A token bucket: `burst` requests at once, `per_second` on average."""

    per_second: float
    burst: int


class RateLimiter:
    """The buckets of all callers, at most `max_buckets`; the longest untouched go first.

    `clock` counts seconds from anywhere. Evicting a bucket forgives its caller, so the table
    is far larger than the number of callers who can be busy within one refill.
    """

    def __init__(
        self,
        *,
        enabled: bool = True,
        max_buckets: int = MAX_BUCKETS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._enabled = enabled
        self._max_buckets = max_buckets
        self._clock = clock
        self._buckets: dict[Key, tuple[float, float]] = {}  # Tokens left, and when that was so.

    def take(self, key: Key, limit: Limit) -> float:
        """Take one token and return how many are left; RateLimited if there was none."""
        if not self._enabled:
            return limit.burst
        now = self._clock()
        tokens, at = self._buckets.pop(key, (limit.burst, now))
        tokens = min(limit.burst, tokens + (now - at) * limit.per_second)
        allowed = tokens >= 1
        # Written again at the end: the dict's order is the order of last use.
        self._buckets[key] = (tokens - allowed, now)
        if len(self._buckets) > self._max_buckets:
            del self._buckets[next(iter(self._buckets))]
        if not allowed:
            raise RateLimited(max(1, ceil((1 - tokens) / limit.per_second)))
        return tokens - 1
