"""Waiting exits live as long as their entry, unless somebody set a shorter life."""

import pytest

from tests.builders import World, a_limit
from tradehall.domain.time import NS_PER_HOUR
from tradehall.engine import commands as cmd

DAY = 24 * NS_PER_HOUR


@pytest.mark.parametrize(("exits_live_ns", "waited_ns", "legs"), [
    (None,   30 * DAY,  2),
    (DAY,    DAY // 2,  2),
    (DAY,    DAY,       0),
])  # fmt: skip
def test_an_entry_that_fills_late_places_the_exits_that_still_live(exits_live_ns, waited_ns, legs):
    world = World()
    terms = a_limit("BUY", "10000", "1.09", stop_loss="1.08", take_profit="1.12", exits_live_ns=exits_live_ns)
    world.do(cmd.PlaceOrder(terms))
    (entry,) = world.orders
    world.now += waited_ns
    world.fill(entry, "10000", at="1.09")
    assert len(world.orders) == legs
