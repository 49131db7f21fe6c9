"""When nothing fills: old quotes, closed markets, orders on their way; and what a restart changes."""

from decimal import Decimal

import pytest

from tests.venue.floor import (
    ABSOLUTE,
    BUY,
    FOK,
    IOC,
    LIMIT,
    PERCENT,
    SELL,
    START,
    STOP,
    TRAILING,
    TradingFloor,
    an_instrument,
    order_terms,
    wish,
)
from tradehall.domain.account import AccountTerms
from tradehall.domain.fill import VenueCancelled, VenueFilled
from tradehall.domain.instrument import Instrument
from tradehall.domain.market import Quote
from tradehall.domain.order import TimeInForce
from tradehall.domain.time import NS_PER_MS, NS_PER_SECOND
from tradehall.engine import events as ev
from tradehall.engine.commands import AmendOrder, CancelOrder, PlaceOrder
from tradehall.engine.state import State
from tradehall.engine.state_evolve import begin_record, evolve
from tradehall.venue.settings import VenueSettings
from tradehall.venue.simulated import SimulatedVenue

AGE = 10 * NS_PER_SECOND


def a_bare_venue(instrument: Instrument, quote: Quote | None, *terms, **settings) -> tuple[SimulatedVenue, State]:
    """A venue over a state that accepted these orders at START, without an engine before it."""
    state = State()
    facts: list[ev.AnyEvent] = [ev.InstrumentListed(instrument), ev.AccountOpened(AccountTerms(1))]
    facts += [ev.OrderAccepted(number, term) for number, term in enumerate(terms, start=1)]
    begin_record(state, START)
    for fact in facts:
        evolve(state, fact, START)
    return SimulatedVenue(VenueSettings(**settings), state, {} if quote is None else {instrument.symbol: quote}), state


def a_quote(at: int, bid="100.00", ask="100.02") -> Quote:
    return Quote("XYZ", Decimal(bid), Decimal(ask), at, at)


@pytest.mark.parametrize(("what", "terms", "answer"), [
    ("a market order waits",   wish(),                                                           None),
    ("a limit waits",          wish(type=LIMIT, limit_price="101"),                              None),
    ("IOC goes",               wish(time_in_force=IOC),                                          VenueCancelled),
    ("FOK goes",               wish(type=LIMIT, limit_price="101", time_in_force=FOK),           VenueCancelled),
])  # fmt: skip
@pytest.mark.parametrize("quote", [None, a_quote(START - AGE - 1)], ids=["none yet", "too old"])
def test_nothing_fills_on_a_quote_that_is_too_old(what, terms, answer, quote):
    venue, state = a_bare_venue(an_instrument(quote_age_ns_max=AGE), quote, order_terms(**terms))
    reports = list(venue.react(ev.OrderAccepted(1, state.orders[1].terms), START))
    assert [type(report) for report in reports] == ([] if answer is None else [answer])
    if answer is None:
        fills = list(venue.on_quote(a_quote(START + 1), START + 1))
        assert [str(fill.price) for fill in fills if isinstance(fill, VenueFilled)] == ["100.02"]


def test_the_smaller_of_both_ages_counts():
    quote = a_quote(START - 5)
    for settings_age, instrument_age, fills in ((4, 9, 0), (9, 4, 0), (9, 9, 1), (5, 5, 1)):
        venue, state = a_bare_venue(
            an_instrument(quote_age_ns_max=instrument_age), quote, order_terms(), max_quote_age_ns=settings_age
        )
        assert len(list(venue.react(ev.OrderAccepted(1, state.orders[1].terms), START))) == fills


def test_an_old_quote_triggers_nothing_and_moves_no_peak():
    floor = TradingFloor(max_quote_age_ns=AGE)
    floor.quote("100.00", "100.02")
    floor.place(SELL, STOP, stop_price="99")
    trailing = floor.place(SELL, TRAILING, trailing_distance="1", trailing_type=ABSOLUTE)
    floor.quote("98.00", "98.02", age_ns=AGE + 1)
    floor.quote("200.00", "200.02", age_ns=AGE + 1)
    assert floor.fills() == []
    assert floor.state.trailing_peak(floor.order(trailing)) == 100


def test_a_closed_market_fills_nothing():
    minute = 60 * NS_PER_SECOND
    opening = START - START % minute + 2 * minute
    first = (opening // minute - 4 * 24 * 60) % (7 * 24 * 60)
    venue, state = a_bare_venue(
        an_instrument(sessions=((first, first + 60),)),
        a_quote(START),
        order_terms(),
        order_terms(type=STOP, stop_price="100"),
    )
    for number in (1, 2):
        assert list(venue.react(ev.OrderAccepted(number, state.orders[number].terms), START)) == []
    assert list(venue.on_quote(a_quote(opening - 1), opening - 1)) == []
    reports = list(venue.on_quote(a_quote(opening, "105.00", "105.02"), opening))
    assert {report.order_id for report in reports if isinstance(report, VenueFilled)} == {1, 2}


# On its way.


def test_latency_lets_the_market_move_first():
    floor = TradingFloor(latency_ns=50 * NS_PER_MS)
    floor.quote("100.00", "100.02")
    order_id = floor.place()
    assert floor.loop.next_deadline() == floor.now + 50 * NS_PER_MS
    floor.quote("101.00", "101.02", after_ns=10 * NS_PER_MS)
    assert floor.fills() == []
    floor.wait(40 * NS_PER_MS)
    assert floor.fills() == ["10@101.02"]
    assert [type(e) for e in floor.events if getattr(e, "order_id", 0) == order_id][:2] == [
        ev.OrderAccepted,
        ev.OrderOpened,
    ]


def test_an_order_due_before_a_quote_meets_the_one_before_it():
    floor = TradingFloor(latency_ns=50 * NS_PER_MS)
    floor.quote("100.00", "100.02")
    floor.place()
    floor.quote("101.00", "101.02", after_ns=60 * NS_PER_MS)
    assert floor.fills() == ["10@100.02"]


def test_a_post_only_order_that_the_market_overtook_is_cancelled():
    floor = TradingFloor(latency_ns=50 * NS_PER_MS)
    floor.quote("100.00", "100.02")
    order_id = floor.place(type=LIMIT, limit_price="100.01", post_only=True)
    floor.quote("99.98", "100.00")
    floor.wait(60 * NS_PER_MS)
    assert floor.fills() == []
    assert "post-only" in (floor.cancel_reason(order_id) or "")


def test_an_order_cancelled_or_amended_on_its_way_arrives_as_it_is_then():
    floor = TradingFloor(latency_ns=50 * NS_PER_MS)
    floor.quote("100.00", "100.02")
    gone = floor.place()
    changed = floor.place(type=LIMIT, limit_price="99")
    floor.submit(CancelOrder(1, gone))
    floor.submit(AmendOrder(1, changed, limit_price=Decimal("100.02")))
    assert floor.fills() == []
    floor.wait(60 * NS_PER_MS)
    assert floor.filled_orders() == [changed]


def test_an_expired_order_does_not_fill_on_a_late_quote():
    floor = TradingFloor()
    floor.quote("100.00", "100.02")
    order_id = floor.place(
        type=LIMIT, limit_price="99", time_in_force=TimeInForce.GTD, expires_at=START + NS_PER_SECOND
    )
    floor.quote("98.00", "98.02", after_ns=2 * NS_PER_SECOND)
    assert floor.fills() == []
    assert not floor.order(order_id).is_working


# Restart.


def test_a_restart_keeps_limits_stops_and_peaks():
    floor = TradingFloor()
    floor.quote("100.00", "100.02")
    limit = floor.place(BUY, LIMIT, limit_price="99")
    stop = floor.place(SELL, STOP, stop_price="98")
    trailing = floor.place(SELL, TRAILING, trailing_distance="10", trailing_type=PERCENT)
    floor.quote("120.00", "120.02")
    floor.restart()
    floor.quote("108.01", "108.03")
    assert floor.fills() == []
    floor.quote("108.00", "108.02")
    floor.quote("97.00", "97.02")
    assert floor.filled_orders() == [trailing, stop, limit]
    assert floor.fills() == ["10@108", "10@97", "10@99*"]


def test_a_market_order_still_working_executes_on_the_first_quote_after_a_restart():
    floor = TradingFloor(liquidity="displayed")
    floor.quote("100.00", "100.02", "4")
    floor.place()
    floor.restart()
    assert floor.fills() == ["4@100.02"]
    floor.quote("100.00", "100.02", "4")
    assert floor.fills() == ["4@100.02", "4@100.02"]


def test_an_order_on_its_way_is_still_on_its_way_after_a_restart():
    floor = TradingFloor(latency_ns=50 * NS_PER_MS)
    floor.quote("100.00", "100.02")
    floor.place()
    floor.restart()
    floor.quote("101.00", "101.02")
    assert floor.fills() == []
    floor.wait(60 * NS_PER_MS)
    assert floor.fills() == ["10@101.02"]


# Repeated, late and foreign events.


def test_repeated_and_late_events_change_nothing():
    floor = TradingFloor()
    floor.quote("100.00", "100.02")
    resting = floor.place(BUY, LIMIT, limit_price="99")
    gone = floor.place(BUY, LIMIT, limit_price="99")
    accepted = [e for e in floor.events if isinstance(e, ev.OrderAccepted)]
    floor.submit(CancelOrder(1, gone))
    late: list[ev.AnyEvent] = [*accepted, *accepted, ev.OrderCancelled(1, gone), ev.OrderCancelled(1, resting)]
    for event in [*late, ev.OrderExpired(1, 12345)]:
        assert list(floor.venue.react(event, floor.now)) == []
    floor.quote("98.00", "98.02")
    assert floor.filled_orders() == [resting]


def test_instruments_of_other_providers_are_none_of_its_business():
    floor = TradingFloor(instrument=an_instrument(provider="another"))
    floor.quote("100.00", "100.02")
    floor.place()
    floor.restart()
    floor.quote("100.00", "100.02")
    assert floor.fills() == []


def test_recorded_instruments_fill_as_simulated_ones_do():
    floor = TradingFloor(instrument=an_instrument(provider="replay"))
    floor.quote("100.00", "100.02")
    floor.place()
    assert floor.fills() == ["10@100.02"]


def test_nobody_amends_what_has_expired_because_a_timer_is_late():
    floor = TradingFloor()
    floor.quote("100.00", "100.02")
    gtd = wish(time_in_force=TimeInForce.GTD, expires_at=START + NS_PER_SECOND)
    order_id = floor.place(type=LIMIT, limit_price="99", **gtd)
    floor.now += 2 * NS_PER_SECOND
    floor.submit(AmendOrder(1, order_id, expires_at=START + 9 * NS_PER_SECOND))
    assert not floor.order(order_id).is_working


def test_a_command_that_changes_nothing_has_no_record():
    floor = TradingFloor()
    floor.quote("100.00", "100.02")
    command = PlaceOrder(order_terms(client_order_id="a"), digest="d")
    assert floor.submit(command) is not None
    before = len(floor.records)
    assert floor.submit(command) is None
    assert len(floor.records) == before


def test_instants_are_strictly_increasing_even_if_the_clock_goes_back():
    floor = TradingFloor()
    floor.quote("100.00", "100.02")
    floor.now -= 5 * NS_PER_SECOND
    floor.place()
    instants = [record.now for record in floor.records]
    assert instants == sorted(set(instants))
    assert [record.seq for record in floor.records] == list(range(1, len(floor.records) + 1))


@pytest.mark.parametrize("settings", [
    {"latency_ns": -1}, {"slippage_ticks": -1}, {"slippage_bps": Decimal(10_000)}, {"partial_fill_ratio": Decimal(1)},
    {"max_quote_age_ns": -1}, {"queueing": True},
])  # fmt: skip
def test_settings_without_sense_are_refused_with_a_sentence(settings):
    with pytest.raises(ValueError, match=r"must|needs"):
        VenueSettings(**settings)
