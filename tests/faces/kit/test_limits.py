"""The table of token buckets."""

from __future__ import annotations

import pytest

from tradehall.faces.kit import Limit, RateLimited, RateLimiter

SLOW = Limit(per_second=0.1, burst=1)


def test_the_wait_is_named_in_whole_seconds():
    limiter = RateLimiter(clock=lambda: 0.0)
    limiter.take(("door", "write", "me"), SLOW)
    with pytest.raises(RateLimited) as refused:
        limiter.take(("door", "write", "me"), SLOW)
    assert refused.value.retry_after_s == 10


def test_a_bucket_never_holds_more_than_its_burst():
    now = 0.0
    limiter = RateLimiter(clock=lambda: now)
    limit = Limit(per_second=10, burst=5)
    assert limiter.take(("door", "read", "me"), limit) == 4
    now += 3600
    assert limiter.take(("door", "read", "me"), limit) == 4


def test_the_table_forgets_whoever_was_quiet_longest():
    limiter = RateLimiter(max_buckets=2, clock=lambda: 0.0)
    for caller in ("first", "second", "third"):
        limiter.take(("door", "write", caller), SLOW)
    limiter.take(("door", "write", "first"), SLOW)  # Forgotten, so full again.
    with pytest.raises(RateLimited):
        limiter.take(("door", "write", "third"), SLOW)
