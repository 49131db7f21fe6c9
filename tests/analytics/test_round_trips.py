"""Round trips: from entry to flat, and their money is the ledger's to the cent."""

from collections import Counter
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from tests.builders import LOGIN, World, an_account, an_instrument, free
from tests.engine.chaos import Chaos
from tradehall.analytics.round_trips import ORDER_IDS_MAX, OpenTrip, RoundTrip, RoundTrips, round_trips_of
from tradehall.domain.position import PositionSide
from tradehall.engine import commands as cmd
from tradehall.engine import events as ev


def a_world(**account: Any) -> World:
    """EURUSD at 2 cents per 1,000 units, and a swap of a cent per 100 units and night."""
    eurusd = an_instrument(commission=free(per_unit="0.00002"), swap_long="-0.0001", swap_short="0.0001")
    return World(eurusd, account=an_account(**account), quotes={"EURUSD": ("1.10000", "1.10010")})


def events_of(world: World) -> list[ev.AnyEvent]:
    return [event for record in world.records for event in record.events]


def trips_of(world: World) -> list[RoundTrip]:
    return round_trips_of(events_of(world))


def deal(world: World, side: str, quantity: str, at: str, **terms: Any) -> int:
    """A market order, filled at `at`; its number."""
    order = world.place(side=side, quantity=quantity, **terms)
    world.fill(order, at=at)
    return order.order_id


def test_a_round_trip_goes_from_flat_to_flat():
    world = a_world()
    bought = deal(world, "BUY", "10000", "1.10000", comment="breakout")
    opened_at = world.now
    sold = deal(world, "SELL", "10000", "1.10500")
    assert trips_of(world) == [
        RoundTrip(
            round_trip_id=bought,
            account_id=LOGIN,
            symbol="EURUSD",
            side=PositionSide.LONG,
            quantity=Decimal(10_000),
            entry_price=Decimal("1.10000"),
            exit_price=Decimal("1.10500"),
            opened_at=opened_at,
            closed_at=world.now,
            gross_pnl=Decimal("50.00"),
            fees=Decimal("0.40"),
            net_pnl=Decimal("49.60"),
            traded_value=Decimal(22_050),
            currency="USD",
            order_ids=(bought, sold),
            entry_reason="breakout",
            exit_reason="order",
        )
    ]


def test_partial_closes_and_additions_stay_in_the_round_trip():
    world = a_world()
    deal(world, "SELL", "10000", "1.10000")
    deal(world, "BUY", "4000", "1.09000")
    deal(world, "SELL", "2000", "1.11000")
    deal(world, "BUY", "8000", "1.10000")
    (trip,) = trips_of(world)
    assert trip.side is PositionSide.SHORT
    assert trip.quantity == 10_000, "the most that was open at once"
    # Entered 10,000 at 1.10 and 2,000 at 1.11; left 4,000 at 1.09 and 8,000 at 1.10.
    assert trip.entry_price == Decimal("1.1016666667")
    assert trip.exit_price == Decimal("1.0966666667")
    assert trip.gross_pnl == Decimal("60.00")
    assert trip.fees == Decimal("0.48"), "2 cents for each of 24,000 ÷ 1,000"
    assert trip.traded_value == Decimal(11_000 + 2_220 + 4_360 + 8_800)
    assert len(trip.order_ids) == 4


def test_a_fill_that_turns_a_net_position_round_ends_one_and_begins_another():
    world = a_world()
    deal(world, "BUY", "1000", "1.10000")
    turned = deal(world, "SELL", "4000", "1.10100")
    turned_at = world.now
    deal(world, "BUY", "3000", "1.10000")
    first, second = trips_of(world)
    assert (first.side, first.quantity, first.gross_pnl) == (PositionSide.LONG, 1000, Decimal("1.00"))
    assert (second.side, second.quantity, second.gross_pnl) == (PositionSide.SHORT, 3000, Decimal("3.00"))
    assert first.fees == Decimal("0.04"), "0.02 to enter, and a quarter of the 0.08 of the fill that turned it"
    assert second.fees == Decimal("0.12")
    assert first.closed_at == turned_at == second.opened_at
    assert turned in first.order_ids
    assert turned == second.round_trip_id


def test_hedging_positions_are_round_trips_of_their_own():
    world = a_world(position_mode="HEDGING")
    long, short = deal(world, "BUY", "1000", "1.10000"), deal(world, "SELL", "1000", "1.10000")
    world.fill(world.close(world.account.positions[long]), at="1.10200")
    closed, still_open = trips_of(world)
    assert (closed.round_trip_id, closed.gross_pnl, closed.exit_reason) == (long, Decimal("2.00"), "close")
    assert (still_open.round_trip_id, still_open.closed_at, still_open.exit_price) == (short, None, None)
    assert still_open.net_pnl == Decimal("-0.02")
    assert still_open.holding_ns is None
    assert closed.holding_ns == world.now - closed.opened_at


def test_what_the_night_costs_belongs_to_the_round_trip():
    world = a_world()
    deal(world, "BUY", "10000", "1.10000")
    world.wait_until("2025-01-14T22:00:01Z")
    world.tick()
    deal(world, "SELL", "10000", "1.10000")
    (trip,) = trips_of(world)
    assert (trip.gross_pnl, trip.fees, trip.swaps, trip.net_pnl) == (
        Decimal("0.00"), Decimal("0.40"), Decimal("-1.00"), Decimal("-1.40"),
    )  # fmt: skip


def test_a_split_changes_units_and_prices_and_leaves_the_money():
    world = a_world()
    deal(world, "BUY", "1000", "1.20000")
    deal(world, "SELL", "400", "1.30000")
    world.do(cmd.BookCorporateAction(LOGIN, "EURUSD", split=Decimal(4), dividend=Decimal("0.01")))
    deal(world, "BUY", "600", "0.35000")
    deal(world, "SELL", "3000", "0.40000")
    (trip,) = trips_of(world)
    # As if all had been in new units: 4,000 at 0.30 and 600 at 0.35, out 1,600 at 0.325 and 3,000 at 0.40.
    assert trip.entry_price == Decimal("0.3065217391")
    assert trip.exit_price == Decimal("0.3739130435")
    assert trip.gross_pnl == Decimal("310.00")
    assert trip.swaps == Decimal("6.00"), "a dividend of 0.01 on the 600 old units"
    assert trip.quantity == 4000


def test_a_fold_can_be_kept_and_gone_on_with():
    world = a_world()
    deal(world, "BUY", "10000", "1.10000")
    fold = RoundTrips()
    before = events_of(world)
    for event in before:
        fold.apply(event)
    kept = msgspec.json.encode(list(fold.open_trips.values()))
    deal(world, "SELL", "10000", "1.10500")
    later = RoundTrips(msgspec.json.decode(kept, type=list[OpenTrip]))
    ended = [trip for event in events_of(world)[len(before) :] if (trip := later.apply(event))]
    assert ended == trips_of(world)
    assert later.unfinished() == []


def test_a_fold_that_began_too_late_says_so():
    world = a_world()
    deal(world, "BUY", "10000", "1.10000")
    deal(world, "SELL", "10000", "1.10500")
    fold = RoundTrips()
    with pytest.raises(AssertionError, match="opened before this fold began"):
        for event in world.events:
            fold.apply(event)


def test_of_the_orders_of_an_endless_position_the_first_are_named():
    trip = OpenTrip(
        round_trip_id=1, account_id=LOGIN, symbol="EURUSD", side=PositionSide.LONG, opened_at=0, currency="USD"
    )
    for number in range(ORDER_IDS_MAX + 50):
        trip.enter(Decimal(1), Decimal(1), fee=Decimal(0), order_id=number)
    assert trip.seen().order_ids == tuple(range(ORDER_IDS_MAX))


@pytest.mark.parametrize("mode", ["NETTING", "HEDGING"])
@pytest.mark.parametrize("seed", range(12))
def test_in_any_history_round_trips_are_the_ledger(seed: int, mode: str):
    chaos = Chaos(seed, mode)
    for _ in range(300):
        chaos.step()
    world, trips = chaos.world, trips_of(chaos.world)
    assert any(trip.closed_at is not None for trip in trips), "a history without an end proves nothing"
    booked: Counter[tuple[int, str]] = Counter()
    for entry in world.ledger():
        booked[entry.account_id, entry.entry] += entry.amount  # type: ignore[assignment]
    for account in world.state.accounts.values():
        number, own = account.terms.account_id, [t for t in trips if t.account_id == account.terms.account_id]
        assert sum(t.gross_pnl for t in own) == booked[number, "REALIZED_PNL"], f"{seed=} {mode=}"
        assert -sum(t.fees for t in own) == booked[number, "COMMISSION"], f"{seed=} {mode=}"
        assert sum(t.swaps for t in own) == booked[number, "SWAP"], f"{seed=} {mode=}"
        assert {t.round_trip_id for t in own if t.closed_at is None} == account.positions.keys()
        for trip in own:
            assert trip.net_pnl == trip.gross_pnl - trip.fees + trip.swaps
