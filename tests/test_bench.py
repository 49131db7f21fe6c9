"""The worlds that workloads run on: what they measure must be what they say."""

from bench.worlds import START, World, market
from tradehall.domain.time import NS_PER_SECOND
from tradehall.engine.events import OrderFilled
from tradehall.engine.record import Record


def test_a_market_order_fills_however_late_it_is_in_a_workload():
    records: list[Record] = []
    world = World(records.append)
    world.account(1)
    for minutes in (2, 60):
        world.now = START + minutes * 60 * NS_PER_SECOND
        world.submit(market(1, minutes))
        assert isinstance(records[-1].events[0], OrderFilled)
