"""The index fires what looking at every alert would fire, over walks, restarts and changes of mind."""

from collections.abc import Callable, Iterable
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.watch.alerts import NOON, SlowWatch, Store, a_quote, an_alert, at_s, told
from tests.watch.dice import Dice
from tradehall.domain.market import Quote
from tradehall.domain.time import NS_PER_MS
from tradehall.watch.alert import AlertState, AlertStatus, PriceAlert, QuoteSide
from tradehall.watch.armed import ArmedAlerts
from tradehall.watch.conditions import Condition, Trigger

# Few prices, so that bounds are hit exactly, jumped over, shared and turned on; some are finer than the grid.
FINE = [Decimal(f"{whole}.{'0' * digits}{last}") for whole in (99, 100) for digits in (17, 18, 21) for last in (1, 2)]
PRICES = st.integers(90, 110).map(Decimal) | st.sampled_from(FINE)
SPREADS = st.integers(1, 3).map(Decimal)
PAUSES_MS = st.sampled_from([0, 1, 300, 700, 1000, 1500])


@st.composite
def alerts(draw: Callable, alert_id: int) -> PriceAlert:
    low = draw(PRICES)
    trigger = Trigger(
        draw(st.sampled_from(Condition)),
        target=draw(PRICES),
        low=low,
        high=low + draw(st.integers(1, 8)),
        threshold=draw(st.sampled_from([Decimal(1), Decimal("2.5"), Decimal(4)])),
    )
    return PriceAlert(
        alert_id,
        draw(st.sampled_from(["EURUSD", "XAUUSD"])),
        draw(st.sampled_from(QuoteSide)),
        trigger,
        draw(st.booleans()),
        draw(st.none() | st.integers(1, 20).map(at_s)),
        AlertState(reference=draw(st.none() | PRICES)),
    )


@st.composite
def walks(draw: Callable) -> list:
    at, quotes = NOON, []
    for bid, spread, pause in draw(st.lists(st.tuples(PRICES, SPREADS, PAUSES_MS), min_size=1, max_size=40)):
        at += pause * NS_PER_MS
        quotes.append(a_quote(bid, ask=bid + spread, at=at, symbol=draw(st.sampled_from(["EURUSD", "XAUUSD"]))))
    return quotes


ALERTS = st.integers(1, 25).flatmap(lambda count: st.tuples(*(alerts(alert_id) for alert_id in range(count))))


@given(ALERTS, walks())
def test_the_index_fires_what_looking_at_every_alert_would_fire(some, walk):
    slow, armed = SlowWatch(some), ArmedAlerts()
    for alert in some:
        armed.arm(alert)
    for quote in walk:
        assert told(armed.on_quote(quote)) == slow.on_quote(quote), quote


def fires_as_if_it_never_ended(some: Iterable[PriceAlert], walk: list[Quote], ends: set[int], is_written: Callable):
    """Walk with a watch that begins again from its store after some of the quotes.

    `is_written(armed, firings)`: whether a quote is written, so that a beginning has to know of it.
    """
    slow, armed, store = SlowWatch(some), ArmedAlerts(), Store()
    for alert in some:
        store.alerts[alert.alert_id] = alert
        armed.arm(alert)
    for number, quote in enumerate(walk):
        firings = armed.on_quote(quote)
        assert told(firings) == slow.on_quote(quote), quote
        if is_written(armed, firings):
            store.write(armed, firings)
        if number in ends:
            armed = store.restart()


@given(ALERTS, walks(), st.sets(st.integers(0, 40)))
def test_a_restart_at_any_quote_changes_no_firing(some, walk, restarts):
    fires_as_if_it_never_ended(some, walk, restarts, lambda armed, firings: True)


@given(ALERTS, walks(), st.sets(st.integers(0, 40)))
def test_who_writes_whenever_it_is_behind_loses_nothing_in_a_crash(some, walk, crashes):
    def is_written(armed, firings):
        assert armed.is_behind or not firings
        return armed.is_behind

    fires_as_if_it_never_ended(some, walk, crashes, is_written)


@given(ALERTS, walks(), st.sets(st.integers(0, 40)), st.integers(0, 40))
def test_after_a_crash_it_is_as_if_the_quotes_since_the_last_write_had_never_come(some, walk, written, crash):
    armed, store, slow = ArmedAlerts(), Store(), SlowWatch(some)
    for alert in some:
        store.alerts[alert.alert_id] = alert
        armed.arm(alert)
    unwritten = 0
    for number, quote in enumerate(walk):
        if number == crash:
            armed, slow = store.restart(), SlowWatch(some)
            for seen in walk[: crash - unwritten]:
                slow.on_quote(seen)
        firings = armed.on_quote(quote)
        assert told(firings) == slow.on_quote(quote)
        unwritten += 1
        if number in written or firings:
            store.write(armed, firings)
            unwritten = 0


@given(ALERTS, walks(), st.lists(st.tuples(st.integers(0, 24), st.booleans()), max_size=40))
def test_alerts_come_and_go_between_quotes(some, walk, wishes):
    slow, armed = SlowWatch(), ArmedAlerts()
    for quote, (number, arms) in zip(walk, wishes, strict=False):
        alert = some[number % len(some)]
        if arms:
            slow.arm(alert)
            armed.arm(alert)
        else:
            slow.disarm(alert.alert_id)
            armed.disarm(alert.alert_id)
        assert told(armed.on_quote(quote)) == slow.on_quote(quote)


@given(ALERTS, walks(), st.integers(0, 40), st.integers(1, 10))
def test_alerts_go_on_from_the_price_they_saw_last(some, walk, start, length):
    slow, armed = SlowWatch(some), ArmedAlerts()
    for alert in some:
        armed.arm(alert)
    blind, sees_again = list[tuple[PriceAlert, Decimal | None]](), None
    for number, quote in enumerate(walk):
        if number == start:
            sees_again = slow.blindfold()
            states = [(alert, armed.state_of(alert.alert_id)) for alert in some]
            blind = [
                (replace(alert, state=state), armed.seen(alert.symbol, alert.side)) for alert, state in states if state
            ]
            for alert, _ in blind:
                armed.disarm(alert.alert_id)
        if number == start + length and sees_again is not None:
            sees_again()
            for alert, seen in blind:
                armed.arm(alert, seen=seen)
        assert told(armed.on_quote(quote)) == slow.on_quote(quote), quote


def rolled_alert(dice: Dice, alert_id: int, prices: int) -> PriceAlert:
    """Any alert whose bounds lie among the tenths below `prices`."""
    low = Decimal(dice.roll(10 * prices) + 1) / 10
    return PriceAlert(
        alert_id,
        "EURUSD",
        QuoteSide(dice.roll(2)),
        Trigger(
            Condition(dice.roll(13)),
            target=low,
            low=low,
            high=low + Decimal(dice.roll(30) + 1) / 10,
            threshold=Decimal(dice.roll(40) + 1) / 10,
        ),
        repeats=dice.roll(4) > 0,
    )


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_over_thousands_of_quotes_and_many_restarts(seed):
    """Prices that turn around in a narrow room, several in a second: every alert is left, met and owed often."""
    dice, store = Dice(seed), Store()
    for alert_id in range(150):
        store.alerts[alert_id] = rolled_alert(dice, alert_id, prices=8)
    slow, armed, at = SlowWatch(store.alerts.values()), store.restart(), NOON
    for _ in range(1500):
        at += dice.roll(900) * NS_PER_MS
        bid = Decimal(dice.roll(80) + 1) / 10
        quote = a_quote(bid, ask=bid + Decimal(dice.roll(3) + 1) / 10, at=at)
        firings = armed.on_quote(quote)
        assert told(firings) == slow.on_quote(quote)
        store.write(armed, firings)
        if dice.roll(5) == 0:
            armed = store.restart()


@pytest.mark.slow
def test_ten_thousand_alerts_over_a_long_walk():
    """Enough for blocks to split, empty and be skipped."""
    dice, slow, armed = Dice(1), SlowWatch(), ArmedAlerts()
    for alert_id in range(10_000):
        alert = rolled_alert(dice, alert_id, prices=200)
        slow.arm(alert)
        armed.arm(alert)
    price = Decimal(100)
    for number in range(80):
        price = max(Decimal(1), price + Decimal(dice.roll(81) - 40) / 10 * (10 if dice.roll(23) == 0 else 1))
        quote = a_quote(price, ask=price + Decimal("0.3"), at=at_s(number * 0.4))
        assert told(armed.on_quote(quote)) == slow.on_quote(quote)


def test_an_alert_that_is_owed_fires_at_the_end_of_the_quiet_second():
    armed = ArmedAlerts()
    armed.arm(an_alert(Condition.GREATER, target="100", repeats=True))
    fired = [
        bool(armed.on_quote(a_quote(price, at=at_s(second))))
        for second, price in [(0, "101"), (0.2, "100"), (0.4, "101"), (0.9, "101"), (1.0, "101"), (2.5, "102")]
    ]
    assert fired == [True, False, False, False, True, False]


def test_an_owed_alert_that_is_passed_again_at_the_end_of_the_quiet_second_fires_once():
    armed = ArmedAlerts()
    armed.arm(an_alert(Condition.GREATER, target="100", repeats=True))
    fired = [
        len(armed.on_quote(a_quote(price, at=at_s(second))))
        for second, price in [(0, "101"), (0.2, "100"), (0.4, "101"), (0.9, "99"), (1.1, "101")]
    ]
    assert fired == [1, 0, 0, 0, 1]


def test_what_is_owed_is_still_owed_after_a_restart():
    armed, store = ArmedAlerts(), Store()
    store.alerts[1] = an_alert(Condition.GREATER, target="100", repeats=True)
    armed.arm(store.alerts[1])
    for second, price in [(0, "101"), (0.2, "100"), (0.4, "101")]:
        store.write(armed, armed.on_quote(a_quote(price, at=at_s(second))))
    armed = store.restart()
    fired = [len(armed.on_quote(a_quote("102", at=at_s(second)))) for second in (0.8, 1.5, 3)]
    assert fired == [0, 1, 0]


def test_a_crossing_in_the_quiet_second_is_gone():
    armed = ArmedAlerts()
    armed.arm(an_alert(Condition.CROSSING, target="100", repeats=True))
    fired = [
        bool(armed.on_quote(a_quote(price, at=at_s(second))))
        for second, price in [(0, "99"), (0.1, "101"), (0.5, "99"), (1.2, "99"), (1.3, "101")]
    ]
    assert fired == [False, True, False, False, True]


def test_a_crossing_while_nobody_watched_fires_at_the_first_quote():
    armed, store = ArmedAlerts(), Store()
    store.alerts[1] = an_alert(target="100")
    armed.arm(store.alerts[1])
    armed.on_quote(a_quote("99"))
    store.write(armed)
    assert [firing.alert_id for firing in store.restart().on_quote(a_quote("103", at=at_s(60)))] == [1]


def test_a_restart_before_the_first_price_waits_for_it():
    store = Store()
    store.alerts[1] = an_alert(target="100")
    armed = store.restart()
    assert armed.on_quote(a_quote("103")) == []
    assert armed.state_of(1) == AlertState(has_seen=True)


def test_an_alert_whose_time_is_over_does_not_fire_even_before_it_was_told():
    armed = ArmedAlerts()
    armed.arm(an_alert(Condition.GREATER, target="100", expires_at=at_s(5)))
    assert armed.next_deadline() == at_s(5)
    assert armed.on_time(at_s(4.9)) == []
    assert armed.on_quote(a_quote("101", at=at_s(5))) == []
    assert [expiry.alert_id for expiry in armed.on_time(at_s(5))] == [1]
    assert (len(armed), armed.next_deadline(), armed.state_of(1)) == (0, None, None)


def test_each_side_looks_at_its_own_price():
    armed = ArmedAlerts()
    armed.arm(an_alert(Condition.GREATER, alert_id=1, target="100", side=QuoteSide.BID))
    armed.arm(an_alert(Condition.GREATER, alert_id=2, target="100", side=QuoteSide.ASK))
    assert [(f.alert_id, f.price) for f in armed.on_quote(a_quote("100", ask="100.2"))] == [(2, Decimal("100.2"))]
    assert [(f.alert_id, f.price) for f in armed.on_quote(a_quote("100.1"))] == [(1, Decimal("100.1"))]


def test_a_clock_that_goes_back_keeps_nobody_quiet_for_longer_and_fires_nothing_twice():
    armed = ArmedAlerts()
    armed.arm(an_alert(Condition.CROSSING, target="100", repeats=True))
    quotes = [("99", 0), ("101", 0), ("99", -3600), ("101", 1), ("99", 2)]
    firings = [armed.on_quote(a_quote(price, at=at_s(second))) for price, second in quotes]
    assert [[f.at for f in some] for some in firings] == [[], [at_s(0)], [], [at_s(1)], [at_s(2)]]


def test_a_clock_that_was_set_back_is_followed_also_after_a_restart():
    armed, store = ArmedAlerts(), Store()
    store.alerts = {
        number: an_alert(condition, alert_id=number, target="100", repeats=True)
        for number, condition in enumerate([Condition.CROSSING_UP, Condition.GREATER])
    }
    for alert in store.alerts.values():
        armed.arm(alert)
    quotes = [("99", 0), ("101", 0.1), ("99", 0.2), ("101", 0.3), ("101", -60), ("101", -59), ("99", -58), ("101", -57)]
    fired = []
    for price, second in quotes:
        firings = armed.on_quote(a_quote(price, at=at_s(second)))
        fired.append([(firing.alert_id, firing.at) for firing in firings])
        store.write(armed, firings)
        armed = store.restart()
    both = [[(number, at_s(second)) for number in (0, 1)] for second in (0.1, -57)]
    # The level was owed a firing when the clock was set back.
    assert fired == [[], both[0], [], [], [], [(1, at_s(-59))], [], both[1]]


def test_a_price_is_stored_only_when_a_bound_lies_between():
    armed = ArmedAlerts()
    armed.arm(an_alert(target="100"))
    stored = []
    for price in ["95", "96", "99", "97"]:
        armed.on_quote(a_quote(price))
        stored += [seen.price for seen in armed.take_changes()[0]]
    assert stored == [Decimal(95)]
    armed.arm(an_alert(alert_id=2, target="98"))
    armed.disarm(1)
    armed.on_quote(a_quote("97"))
    armed.take_changes()
    armed.on_quote(a_quote("99"))
    # It fired (98 was passed), so the price goes with it.
    assert [seen.price for seen in armed.take_changes()[0]] == [Decimal(99)]


def test_it_is_behind_only_when_a_bound_was_passed_or_an_alert_changed():
    armed = ArmedAlerts()
    armed.arm(an_alert(target="100", repeats=True))
    behind = []
    for price in ["95", "96", "99", "101", "102", "99", "98", "103"]:
        armed.on_quote(a_quote(price))
        behind.append(armed.is_behind)
        armed.take_changes()
        assert not armed.is_behind
    # A first price, the rise past the bound, the fall back, and the rise that comes in the quiet second.
    assert behind == [True, False, False, True, False, True, False, True]


def test_what_a_firing_says_is_what_has_to_be_stored():
    armed = ArmedAlerts()
    armed.arm(an_alert(Condition.MOVING_UP, threshold="2", reference="100", repeats=True))
    armed.arm(an_alert(Condition.MOVING_UP, alert_id=2, threshold="2", reference="100"))
    repeating, once = armed.on_quote(a_quote("103"))
    moved = AlertState(has_seen=True, reference=Decimal(103), fired_at=NOON)
    assert (repeating.status, repeating.state) == (AlertStatus.ACTIVE, moved)
    assert (once.status, once.state) == (AlertStatus.TRIGGERED, moved)
    assert armed.state_of(1) == moved
    assert armed.state_of(2) is None
    assert armed.take_changes()[1] == {1: moved}


def test_arming_a_number_again_replaces_it():
    armed = ArmedAlerts()
    alert = an_alert(Condition.GREATER, target="100", expires_at=at_s(9))
    armed.arm(alert)
    armed.arm(replace(alert, trigger=replace(alert.trigger, target=Decimal(200)), expires_at=None))
    assert (len(armed), armed.on_quote(a_quote("101")), armed.next_deadline()) == (1, [], None)


def test_a_symbol_that_nobody_watches_costs_nothing():
    assert ArmedAlerts().on_quote(a_quote("1")) == []


def test_a_bound_that_comes_to_stand_where_none_was_is_not_overlooked():
    armed = ArmedAlerts()
    armed.arm(an_alert(Condition.MOVING_UP, threshold="50", repeats=True))
    for price in ["95", "96", "99", "97"]:
        armed.on_quote(a_quote(price))
    armed.arm(an_alert(alert_id=2, target="98"))
    assert [len(armed.on_quote(a_quote(price))) for price in ["97", "96", "99"]] == [0, 0, 1]


@pytest.mark.parametrize(("what", "before", "after", "fires"), [
    # what                             seen before                              seen after            fires
    ("false before, true now",         [(0, "99")],                             [(4, "103")],         [1]),
    ("true before, it has fired",      [(0, "101")],                            [(4, "103")],         [0]),
    ("true in the quiet second, too",  [(0, "101")],                            [(0.9, "103"), (4, "104")], [0, 0]),
    ("owed before",                    [(0, "101"), (0.2, "100"), (0.4, "101")], [(4, "103")],        [1]),
    ("owed before, and not true",      [(0, "101"), (0.2, "100"), (0.4, "101")], [(4, "98"), (6, "103")], [0, 1]),
    ("owed before, and still quiet",   [(0, "101"), (0.2, "100"), (0.4, "101")], [(0.9, "103"), (4, "104")], [0, 1]),
])  # fmt: skip
def test_an_alert_goes_on_from_the_price_it_saw_last(what, before, after, fires):
    armed = ArmedAlerts()
    alert = an_alert(Condition.GREATER, target="100", repeats=True)
    armed.arm(alert)
    for second, price in before:
        armed.on_quote(a_quote(price, at=at_s(second)))
    state, seen = armed.state_of(1), armed.seen("EURUSD", QuoteSide.BID)
    armed.disarm(1)
    armed.on_quote(a_quote("102", at=at_s(0.5)))
    armed.arm(replace(alert, state=state), seen=seen)
    assert [len(armed.on_quote(a_quote(price, at=at_s(second)))) for second, price in after] == fires, what
