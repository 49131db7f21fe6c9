"""The fan-out behind the doors, and the breakers that listen beside it."""

from typing import Any

import pytest

from tests.app.shard import ACCOUNT, OwnClock
from tradehall.app.breakers import FAILURES_MAX, RESET_COOLDOWN_NS, WINDOW_NS, Breaker, Breakers, ResetTooSoon
from tradehall.app.streams import AccountStreams, events_by_account
from tradehall.domain.order import OrderRole
from tradehall.domain.rejection import RejectCode, Rejection
from tradehall.engine import events as ev
from tradehall.engine.commands import Tick
from tradehall.engine.record import Record


class Box:
    def __init__(self):
        self.got = []

    def post(self, frame):
        self.got.append(frame)


def a_record(*events, seq=1):
    return Record(seq=seq, now=1_000 + seq, command=Tick(), events=events)


def cancelled(order_id, account=ACCOUNT):
    return ev.OrderCancelled(account, order_id)


def names(account_id, events, now):
    return [f"{account_id}:{event.order_id}@{now}" for event in events]


def test_a_follower_is_told_when_the_decision_is_durable_and_not_before():
    streams, box = AccountStreams(), Box()
    streams.open(names).follow(ACCOUNT, box)
    payload = streams.capture(a_record(cancelled(1), cancelled(2)))
    assert box.got == []
    streams.release(payload)
    assert box.got == [f"{ACCOUNT}:1@1001", f"{ACCOUNT}:2@1001"]


def test_each_account_is_told_its_own_and_each_door_in_its_own_words():
    streams, mine, other, elsewhere = AccountStreams(), Box(), Box(), Box()
    door = streams.open(names)
    door.follow(ACCOUNT, mine)
    door.follow(2, other)
    streams.open(lambda account_id, events, now: [len(events)]).follow(ACCOUNT, elsewhere)
    streams.release(streams.capture(a_record(cancelled(1), cancelled(9, account=2), cancelled(3))))
    assert mine.got == [f"{ACCOUNT}:1@1001", f"{ACCOUNT}:3@1001"]
    assert other.got == ["2:9@1001"]
    assert elsewhere.got == [2]


def test_nothing_is_encoded_where_nobody_follows():
    def refuse(account_id, events, now):
        raise AssertionError("nobody asked")

    streams, box = AccountStreams(), Box()
    door = streams.open(refuse)
    assert streams.capture(a_record(cancelled(1))) is None
    door.follow(2, box)
    assert streams.capture(a_record(cancelled(1))) is None
    door.unfollow(2, box)
    door.unfollow(2, box)
    assert door.followers == {}


def test_who_leaves_between_decision_and_sync_is_told_nothing():
    streams, box = AccountStreams(), Box()
    door = streams.open(names)
    door.follow(ACCOUNT, box)
    payload = streams.capture(a_record(cancelled(1)))
    door.unfollow(ACCOUNT, box)
    streams.release(payload)
    assert box.got == []


def test_events_of_no_account_concern_nobody():
    record = a_record(ev.RolloverBooked(at=1), cancelled(1), ev.ReportUnmatched(5, "strange"))
    assert events_by_account(record) == {ACCOUNT: [cancelled(1)]}


# Circuit breakers.


def test_a_breaker_opens_after_enough_failures_within_its_window():
    breaker = Breaker()
    for at in (0, 1, WINDOW_NS + 10, WINDOW_NS + 11):
        breaker.fail(at)
    assert (breaker.is_open, breaker.failure_count(WINDOW_NS + 11)) == (False, 2), "old failures are forgotten"


def test_an_open_breaker_stays_open_until_it_is_reset():
    breaker = Breaker()
    for at in range(FAILURES_MAX):
        breaker.fail(at)
    assert (breaker.is_open, breaker.failure_count(10 * WINDOW_NS)) == (True, FAILURES_MAX)
    breaker.reset()
    assert (breaker.is_open, breaker.failure_count(0)) == (False, 0)


class DeskWith:
    """As much of a desk as the breakers look at."""

    clock: Any
    state: Any

    def __init__(self, roles):
        self.clock = OwnClock()
        self.state = self
        self._roles = roles

    def order(self, order_id):
        role = self._roles.get(order_id)
        return None if role is None else type("Order", (), {"role": role})()


def breakers_on(roles):
    desk: Any = DeskWith(roles)
    return Breakers(desk), desk


def test_refused_exit_legs_open_the_exit_breaker_and_nothing_else_does():
    breakers = breakers_on({1: OrderRole.STOP_LOSS, 2: OrderRole.ENTRY, 3: OrderRole.TAKE_PROFIT})[0]
    because = Rejection(RejectCode.VENUE_REJECTED, "because")
    failed = [ev.OrderFailed(ACCOUNT, number, because) for number in (1, 2, 3, 4)]
    breakers.capture(a_record(*failed, cancelled(1)))
    assert breakers.exit_order.failure_count(1_001) == 2
    breakers.capture(a_record(failed[0]))
    assert breakers.exit_order.is_open
    assert not breakers.adapter.is_open


def test_a_second_reset_must_wait():
    breakers, desk = breakers_on({})
    breakers.reset()
    desk.clock.at += RESET_COOLDOWN_NS - 1
    with pytest.raises(ResetTooSoon):
        breakers.reset()
    desk.clock.at += 1
    breakers.reset()
