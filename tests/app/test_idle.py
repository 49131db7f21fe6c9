"""Work that may wait is done when nobody wants anything of the loop, or when it has waited long enough."""

import asyncio
import time
from types import SimpleNamespace

import pytest

from tests.app.shard import run
from tradehall.app import idle

TURN_NS = idle.IDLE_TURN_NS


@pytest.fixture
def turns(monkeypatch):
    """How long the next turns of the loop seem to take [ns], those after them nothing."""
    durations: list[int] = []
    now = [0]

    def perf_counter_ns():
        # Asked before a turn, and behind it.
        now.append(now[-1] + (durations.pop(0) if len(now) % 2 == 0 and durations else 0))
        return now[-1]

    monkeypatch.setattr(idle, "time", SimpleNamespace(perf_counter_ns=perf_counter_ns))
    monkeypatch.setattr(idle, "LOOK_AFTER_S", 0)
    return durations


def test_a_turn_in_which_somebody_was_served_is_not_idle(turns):
    turns += [3 * TURN_NS, TURN_NS, TURN_NS - 1, 5 * TURN_NS]
    run(idle.idle_turn())
    assert turns == [5 * TURN_NS]


def test_where_others_never_end_it_is_waited_so_long_and_no_longer(turns, monkeypatch):
    monkeypatch.setattr(idle, "PATIENCE_S", 0.02)
    turns += [TURN_NS] * 1_000_000

    async def waited():
        begun = time.monotonic()
        await asyncio.wait_for(idle.idle_turn(), 10)
        return time.monotonic() - begun

    assert run(waited()) >= 0.02
    assert turns
