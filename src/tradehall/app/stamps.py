"""Stamps that no decision holds: when a strategy spoke and when a request came, told to whoever hears the decision."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

# [ns UTC] of the request that is being served, set by whoever received it; 0: nobody did.
received_at: Final[ContextVar[int]] = ContextVar("received_at", default=0)
_signalled_at: Final[ContextVar[int]] = ContextVar("signalled_at", default=0)


@contextmanager
def signalled(at: int) -> Iterator[None]:
    """What is submitted to the desk within was decided by a strategy at `at` [ns UTC]."""
    token = _signalled_at.set(at)
    try:
        yield
    finally:
        _signalled_at.reset(token)


def stamps_before(now: int) -> tuple[int, int]:
    """When it was decided to ask, and when the request was here; `now` where nobody said, or a clock runs ahead."""
    received = received_at.get()
    if not 0 < received <= now:
        received = now
    signal = _signalled_at.get()
    return (signal if 0 < signal <= now else received), received
