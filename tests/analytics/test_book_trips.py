"""Round trips of strategies that share a net position: each has its own, and together they are their books."""

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from tests.analytics.test_round_trips import a_world, deal, events_of, trips_of
from tests.builders import MINE, OTHER, World
from tests.engine.chaos_of_strategies import STRATEGIES, StrategyChaos
from tradehall.analytics.book_trips import BookTrips
from tradehall.analytics.round_trips import OpenTrip, RoundTrip
from tradehall.domain.position import PositionSide
from tradehall.engine import commands as cmd


def a_shared_world(**account: Any) -> World:
    world = a_world(**account)
    for strategy_id in STRATEGIES:
        world.do(cmd.RegisterStrategy(world.account.terms.account_id, strategy_id))
    return world


def book_trips_of(world: World) -> list[RoundTrip]:
    fold = BookTrips()
    ended = [trip for event in events_of(world) if (trip := fold.apply(event)) is not None]
    return ended + fold.unfinished()


def test_strategies_have_round_trips_where_the_account_is_flat():
    world = a_shared_world()
    deal(world, "BUY", "10000", "1.10000", strategy_id=MINE)
    deal(world, "SELL", "10000", "1.10100", strategy_id=OTHER)
    assert not world.account.positions, "the account is flat, its strategies are not"
    deal(world, "SELL", "10000", "1.10300", strategy_id=MINE)
    deal(world, "BUY", "10000", "1.10500", strategy_id=OTHER)
    mine, other = book_trips_of(world)
    assert (mine.strategy_id, mine.side, mine.gross_pnl, mine.fees) == (MINE, PositionSide.LONG, 30, Decimal("0.40"))
    assert (other.strategy_id, other.side, other.gross_pnl) == (OTHER, PositionSide.SHORT, Decimal("-40.00"))
    assert (other.entry_price, other.exit_price) == (Decimal("1.10100"), Decimal("1.10500"))
    # The account was long from 1.10000 to 1.10100, then short from 1.10300 to 1.10500: 10 and -20.
    assert [trip.gross_pnl for trip in trips_of(world)] == [10, -20]
    assert all(trip.strategy_id is None for trip in trips_of(world))


def test_a_strategy_that_turns_round_ends_one_and_begins_another():
    world = a_shared_world()
    deal(world, "BUY", "1000", "1.10000", strategy_id=MINE)
    deal(world, "SELL", "4000", "1.10100", strategy_id=MINE)
    first, second = book_trips_of(world)
    assert (first.quantity, first.fees, first.net_pnl) == (1000, Decimal("0.04"), Decimal("0.96"))
    assert (second.quantity, second.fees, second.closed_at) == (3000, Decimal("0.06"), None)


def test_a_fold_of_books_can_be_kept_and_gone_on_with():
    world = a_shared_world()
    deal(world, "BUY", "1000", "1.10000", strategy_id=MINE)
    fold, before = BookTrips(), events_of(world)
    for event in before:
        fold.apply(event)
    kept = msgspec.json.encode(list(fold.open_trips.values()))
    deal(world, "SELL", "1000", "1.10100", strategy_id=MINE)
    later = BookTrips(msgspec.json.decode(kept, type=list[OpenTrip]))
    ended = [trip for event in events_of(world)[len(before) :] if (trip := later.apply(event))]
    assert ended == book_trips_of(world)


def test_on_a_hedging_account_the_positions_themselves_are_the_strategys():
    world = a_shared_world(position_mode="HEDGING")
    deal(world, "BUY", "1000", "1.10000", strategy_id=MINE)
    assert book_trips_of(world) == []
    (trip,) = trips_of(world)
    assert trip.strategy_id == MINE


@pytest.mark.parametrize("mode", ["NETTING", "HEDGING"])
@pytest.mark.parametrize("seed", range(12))
def test_in_any_history_the_round_trips_of_a_book_are_its_result(seed: int, mode: str):
    chaos = StrategyChaos(seed, mode)
    for _ in range(300):
        chaos.step()
    world, trips = chaos.world, book_trips_of(chaos.world)
    trips += [trip for trip in trips_of(world) if mode == "HEDGING"]
    ended = 0
    for account in world.state.accounts.values():
        for strategy_id, book in account.books.items():
            own = [t for t in trips if (t.account_id, t.strategy_id) == (account.terms.account_id, strategy_id)]
            ended += sum(t.closed_at is not None for t in own)
            assert {t.round_trip_id for t in own if t.closed_at is None} == book.parts.keys()
            if mode == "NETTING":
                assert sum(t.net_pnl for t in own) == book.net_pnl, f"{seed=} {strategy_id=}"
    assert ended, "a history in which no strategy closes anything proves nothing"
