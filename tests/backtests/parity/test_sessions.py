"""A recorded session, run again, is the session: every record, byte for byte."""

import asyncio
from collections import Counter

import pytest

from tests.backtests.parity.session_world import SYMBOLS, SessionWorld
from tradehall.adapters.feeds.simulated import SimulatedFeed
from tradehall.backtests.parity.report import parity
from tradehall.domain.catalogue import demo_instruments
from tradehall.venue.session import LoopMade
from tradehall.venue.settings import VenueSettings

STEPS = 500


def a_session(
    seed: int, steps: int = STEPS, *, faults: bool = False, settings: VenueSettings | None = None
) -> SessionWorld:
    """A session over the simulated market."""

    async def live() -> SessionWorld:
        world = SessionWorld(seed, {symbol: demo_instruments()[symbol] for symbol in SYMBOLS}, settings)
        feed = SimulatedFeed(world.clock, seed=seed)
        await world.open()
        await world.trade(steps, lambda: feed.step(world.board), faults=faults)
        world.end()
        return world

    return asyncio.run(live())


def parity_of(world: SessionWorld, rows=None, assumptions=None):
    told = world.rows if rows is None else rows
    return parity([lambda: told], world.payloads, world.store.journal.head.seq, assumptions)


@pytest.mark.parametrize("seed", range(6))
def test_a_session_comes_to_the_same_again(seed):
    world = a_session(seed)
    report = parity_of(world)
    assert report.divergences == []
    assert report.matched == world.store.journal.head.seq
    assert report.fills_matched == len(world.fills()) > 10


@pytest.mark.parametrize("seed", range(100, 103))
def test_a_session_with_a_full_disk_comes_to_the_same_again(seed):
    world = a_session(seed, faults=True)
    report = parity_of(world)
    assert sum(isinstance(row, LoopMade) for row in world.rows) > 1, "the shard never folded its state anew"
    assert report.divergences == []
    assert report.matched == world.store.journal.head.seq


def test_the_sessions_of_these_tests_hold_all_kinds_of_things():
    kinds: Counter[str] = Counter()
    for seed in range(6):
        for record in a_session(seed).records():
            kinds.update(type(event).__name__ for event in record.events)
    wanted = {
        "OrderAccepted", "OrderAmended", "OrderCancelled", "OrderExpired", "OrderFilled", "OrderOpened", "OrderRejected",
        "OrderTriggered", "MarginStateChanged", "PositionChanged", "PositionClosed", "PositionOpened", "RequestRefused",
        "RolloverBooked", "TrailingPeakMoved",
    }  # fmt: skip
    assert wanted <= kinds.keys(), wanted - kinds.keys()
