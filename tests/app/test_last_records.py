"""Whom a decision concerns: nothing that is read of anybody else's account changes by it."""

from decimal import Decimal

import msgspec
import pytest

from tests.engine.chaos_of_strategies import StrategyChaos
from tradehall.app.last_records import LastRecords, concerns
from tradehall.domain.fill import TrailMoved
from tradehall.domain.order import Side
from tradehall.engine.commands import ReportExecution
from tradehall.engine.state import State

STEPS = 400


def readable(state: State) -> dict[int | None, bytes]:
    """What may be read of each account, with the prices that its trailing stops follow, and under None what of all."""
    encode = msgspec.json.encode
    found: dict[int | None, bytes] = {None: encode([state.instruments, state.rollover_at])}
    for login, account in state.accounts.items():
        trails = [state.trailing_peak(order) for order in account.orders.values()]
        found[login] = encode(account) + encode(trails)
    return found


@pytest.mark.parametrize("mode", ["NETTING", "HEDGING"])
@pytest.mark.parametrize("seed", range(8))
def test_a_decision_changes_what_it_concerns_and_nothing_else(seed, mode):
    chaos = StrategyChaos(seed, mode)
    world = chaos.world
    last, expected = LastRecords(), dict.fromkeys(world.state.accounts, 0)
    found, of_one = readable(world.state), 0
    for _ in range(STEPS):
        noted = len(world.records)
        chaos.step()
        before, found = found, readable(world.state)
        named = set()
        for record in world.records[noted:]:
            last.note(world.state, record)
            named.add(login := concerns(world.state, record.command))
            expected |= dict.fromkeys(expected if login is None else [login], record.seq)
        if None not in named:
            assert {login for login in found if found[login] != before[login]} <= named
            of_one += len(named)
        assert {login: last.of(login) for login in expected} == expected
    assert of_one > STEPS / 4, "a history in which nothing happens proves nothing"
    assert len(set(expected.values())) == 2


def test_a_trail_that_moves_concerns_whoever_follows_it():
    state = StrategyChaos(1, "HEDGING").world.state
    assert concerns(state, ReportExecution(TrailMoved("EURUSD", Side.SELL, Decimal(1)))) is None
