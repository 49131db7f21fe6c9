"""Alerts from the wish to the news: fired, written, told; over restarts, full disks and strangers."""

import asyncio
from decimal import Decimal

import pytest

from tests.app.alert_house import MIRA, OTTO, a_house, an_alert, wish
from tests.app.market_fakes import NOON, FakeClock, a_quote
from tests.app.shard import run
from tradehall.app.records.alerts import ACTIVE_ALERTS_MAX, AlertFields, AlertRefusal, AlertRefusalCode
from tradehall.domain.market import Quote
from tradehall.domain.time import NS_PER_SECOND
from tradehall.ports.alerts import AlertQuery, LogQuery, NotificationQuery
from tradehall.ports.records import RecordsFault
from tradehall.watch.alert import AlertStatus
from tradehall.watch.conditions import Condition


def quote(bid: str, *, second: float = 0) -> Quote:
    return a_quote(bid, at=in_s(second))


def in_s(seconds: float) -> int:
    return NOON + round(seconds * NS_PER_SECOND)


def test_a_firing_is_written_with_its_log_line_and_notification_and_then_told(tmp_path):
    async def story():
        async with a_house(tmp_path) as house:
            alert = await an_alert(house, wish(message="Sell now", comment="mine"))
            assert await house.quote("149") == []
            [news] = await house.quote("151.5", second=1)
            [kept] = await house.alerts.list(AlertQuery(MIRA))
            assert news.alert == kept
            assert (kept.alert_id, kept.status) == (alert.alert_id, AlertStatus.TRIGGERED)
            assert (kept.triggered_price, kept.triggered_at) == (Decimal("151.5"), in_s(1))
            assert [news.line] == await house.alerts.log_lines(LogQuery(MIRA))
            assert (news.line.triggered_price, news.line.message, news.line.log_id > 0) == (
                Decimal("151.5"),
                "Sell now",
                True,
            )
            assert [news.notification] == await house.alerts.notifications(NotificationQuery(MIRA))
            assert news.notification.description == "AAPL bid 151.5: crossing up 150"
            # It fired once: it is over.
            assert await house.quote("140", second=3) == await house.quote("160", second=5) == []

    run(story())


def test_an_alert_does_not_fire_when_it_is_created_beyond_its_target(tmp_path):
    async def story():
        async with a_house(tmp_path) as house:
            await house.quote("155")
            await an_alert(house)
            fired = [len(await house.quote(bid, second=n)) for n, bid in enumerate(["156", "149", "150", "149", "151"])]
            assert fired == [0, 0, 1, 0, 0]

    run(story())


def test_a_repeating_alert_stays_active_and_writes_a_line_each_time(tmp_path):
    async def story():
        async with a_house(tmp_path) as house:
            await an_alert(house, wish(Condition.CROSSING, repeats=True))
            fired = [len(await house.quote(bid, second=2 * n)) for n, bid in enumerate(["149", "151", "149", "151"])]
            assert fired == [0, 1, 1, 1]
            [alert] = await house.alerts.list(AlertQuery(MIRA))
            assert (alert.status, alert.triggered_at) == (AlertStatus.ACTIVE, in_s(6))
            assert [line.triggered_at for line in await house.alerts.log_lines(LogQuery(MIRA))] == [
                in_s(6),
                in_s(4),
                in_s(2),
            ]

    run(story())


def test_after_a_stop_it_goes_on_where_it_was(tmp_path):
    async def story():
        async with a_house(tmp_path) as house:
            await an_alert(house)
            await an_alert(house, wish(Condition.CROSSING, "145", repeats=True))
            await house.quote("149")
        async with a_house(tmp_path) as house:
            # Both bounds of the way down are still known, the crossing of 150 happened while nobody watched.
            [news] = await house.quote("152", second=60)
            assert news.alert.trigger.target == 150
            [news] = await house.quote("144", second=62)
            assert news.alert.trigger.target == 145
        async with a_house(tmp_path) as house:
            assert await house.quote("144", second=70) == []
            assert len(await house.alerts.log_lines(LogQuery(MIRA))) == 2

    run(story())


def test_what_was_told_before_a_crash_is_not_told_again(tmp_path):
    async def story():
        async with a_house(tmp_path) as house:
            await an_alert(house, wish(Condition.CROSSING_UP, repeats=True))
            await house.quote("149")
            assert len(await house.quote("151", second=2)) == 1
            house.die()
        async with a_house(tmp_path) as house:
            assert await house.quote("152", second=9) == []
            assert await house.quote("149", second=11) == []
            assert len(await house.quote("150", second=13)) == 1

    run(story())


def test_what_fires_nothing_but_changes_what_will_fire_is_written_without_waiting_for_the_next_flush(tmp_path):
    async def story():
        async with a_house(tmp_path, flush_every_s=3600) as house:
            await an_alert(house)
            house.alerts.on_quote(quote("151"))  # A first price, above.
            await house.written()
            house.alerts.on_quote(quote("149", second=1))  # Below: nothing fires, but the next rise will.
            await house.written()
            house.alerts.on_quote(quote("149.5", second=2))
            house.alerts.on_quote(quote("148", second=3))
            house.die()
        assert not house.store.writes.acquire(blocking=False)
        async with a_house(tmp_path) as house:
            assert len(await house.quote("152", second=9)) == 1

    run(story())


def test_a_price_that_dances_on_a_bound_is_not_written_at_every_step(tmp_path):
    async def story():
        async with a_house(tmp_path, flush_every_s=3600) as house:
            await an_alert(house, wish(Condition.CROSSING_UP, repeats=True))
            for step in range(2_000):
                house.alerts.on_quote(quote("149" if step % 2 else "151"))
                if step % 10 == 0:
                    await asyncio.sleep(0)
        assert not all(house.store.writes.acquire(blocking=False) for _ in range(200))

    run(story())


def test_a_firing_that_could_not_be_written_is_not_told_but_happens_after_the_restart(tmp_path):
    async def story():
        async with a_house(tmp_path) as house:
            await an_alert(house)
            await house.quote("149")
            await house.settled()
            house.die()
            house.alerts.on_quote(quote("151", second=1))
            with pytest.raises(RecordsFault):
                await house.settled()
        assert house.news == []
        async with a_house(tmp_path) as house:
            assert len(await house.quote("151", second=5)) == 1

    run(story())


def test_firings_wait_for_a_full_disk_and_are_told_in_order(tmp_path):
    async def story():
        async with a_house(tmp_path) as house:
            await an_alert(house, wish(Condition.CROSSING, repeats=True))
            await house.quote("149")
            house.store.is_full = True
            for number, bid in enumerate(["151", "149", "151"]):
                house.alerts.on_quote(quote(bid, second=2 + 2 * number))
            with pytest.raises(RecordsFault):
                await house.settled()
            assert house.news == []
            house.store.is_full = False
            await house.settled()
            assert [news.line.triggered_at for news in house.news] == [in_s(2), in_s(4), in_s(6)]

    run(story())


def test_a_wish_that_cannot_be_written_changes_nothing(tmp_path):
    async def story():
        async with a_house(tmp_path) as house:
            alert = await an_alert(house)
            await house.quote("149")
            house.store.is_full = True
            with pytest.raises(RecordsFault):
                await house.alerts.delete(MIRA, alert.alert_id, actor="tester")
            house.store.is_full = False
            assert len(await house.quote("151", second=2)) == 1

    run(story())


def test_an_alert_expires_on_time_and_its_owner_is_told(tmp_path):
    async def story():
        async with a_house(tmp_path) as house:
            await an_alert(house, wish(expires_at=in_s(5)))
            await house.quote("149")
            assert await house.quote("151", second=5) == []
            house.alerts.expire()
            await house.settled()
            [news] = house.news
            assert (news.alert.status, news.line) == (AlertStatus.EXPIRED, None)
            [kept] = await house.alerts.list(AlertQuery(MIRA, status=AlertStatus.EXPIRED))
            assert kept == news.alert

    run(story())


def test_an_alert_whose_time_was_over_during_a_stop_is_expired_at_the_start(tmp_path):
    async def story():
        async with a_house(tmp_path) as house:
            await an_alert(house, wish(expires_at=in_s(5)))
        async with a_house(tmp_path, FakeClock(in_s(6))) as house:
            await house.settled()
            assert [news.alert.status for news in house.news] == [AlertStatus.EXPIRED]

    run(story())


def test_one_field_changes_and_the_alert_stays_as_watchful_as_it_was(tmp_path):
    async def story():
        async with a_house(tmp_path) as house:
            alert = await an_alert(house, wish(message="old"))
            await house.quote("149")
            changed = await house.alerts.update(MIRA, alert.alert_id, AlertFields(message="new"), actor="tester")
            assert (changed.message, changed.trigger) == ("new", alert.trigger)
            [news] = await house.quote("151", second=2)
            assert news.line.message == "new"

    run(story())


def test_another_target_waits_for_a_first_price(tmp_path):
    async def story():
        async with a_house(tmp_path) as house:
            alert = await an_alert(house)
            await house.quote("149")
            await house.alerts.update(MIRA, alert.alert_id, AlertFields(target=Decimal(155)), actor="tester")
            fired = [len(await house.quote(bid, second=n)) for n, bid in enumerate(["156", "154", "156"])]
            assert fired == [0, 0, 1]

    run(story())


def test_replacing_returns_what_is_left_out_to_its_default_and_activates(tmp_path):
    async def story():
        async with a_house(tmp_path) as house:
            alert = await an_alert(house, wish(message="old", expires_at=in_s(60)))
            await house.quote("149")
            await house.quote("151", second=1)
            again = await house.alerts.replace(MIRA, alert.alert_id, wish(), actor="tester")
            assert (again.alert_id, again.created_at, again.status) == (
                alert.alert_id,
                alert.created_at,
                AlertStatus.ACTIVE,
            )
            assert (again.message, again.expires_at, again.triggered_at) == ("", None, None)
            fired = [len(await house.quote(bid, second=2 + n)) for n, bid in enumerate(["152", "149", "151"])]
            assert fired == [0, 0, 1]

    run(story())


def test_disabling_and_activating_again_forgets_the_last_firing(tmp_path):
    async def story():
        async with a_house(tmp_path) as house:
            alert = await an_alert(house, wish(Condition.GREATER, repeats=True))
            assert len(await house.quote("151")) == 1
            off = await house.alerts.update(
                MIRA, alert.alert_id, AlertFields(status=AlertStatus.DISABLED), actor="tester"
            )
            assert off.triggered_price == 151
            assert await house.quote("140", second=2) == await house.quote("151", second=4) == []
            on = await house.alerts.update(MIRA, alert.alert_id, AlertFields(status=AlertStatus.ACTIVE), actor="tester")
            assert on.triggered_price is None
            assert len(await house.quote("151", second=6)) == 1

    run(story())


def test_a_deleted_alert_is_gone_but_for_those_who_ask_for_deleted_ones(tmp_path):
    async def story():
        async with a_house(tmp_path) as house:
            alert = await an_alert(house)
            await house.quote("149")
            deleted = await house.alerts.delete(MIRA, alert.alert_id, actor="tester")
            assert await house.quote("151", second=2) == []
            assert await house.alerts.list(AlertQuery(MIRA)) == []
            assert await house.alerts.list(AlertQuery(MIRA, status=AlertStatus.DELETED)) == [deleted]
            again = await house.alerts.delete(MIRA, alert.alert_id, actor="tester")
            assert isinstance(again, AlertRefusal)
            assert again.code is AlertRefusalCode.NOT_FOUND
            assert [line.action for line in house.records.audit_lines("alert", str(alert.alert_id))] == [
                "delete",
                "create",
            ]

    run(story())


def test_the_alerts_of_another_login_do_not_exist(tmp_path):
    async def story():
        async with a_house(tmp_path) as house:
            alert = await an_alert(house, wish(Condition.GREATER))
            for change in (
                house.alerts.update(OTTO, alert.alert_id, AlertFields(message="x"), actor="otto"),
                house.alerts.replace(OTTO, alert.alert_id, wish(), actor="otto"),
                house.alerts.delete(OTTO, alert.alert_id, actor="otto"),
            ):
                refusal = await change
                assert isinstance(refusal, AlertRefusal)
                assert refusal.code is AlertRefusalCode.NOT_FOUND
            [news] = await house.quote("151")
            assert await house.alerts.list(AlertQuery(OTTO)) == []
            assert await house.alerts.log_lines(LogQuery(OTTO)) == []
            assert await house.alerts.remove_log_lines(OTTO, None, actor="otto") == 0
            assert await house.alerts.remove_log_lines(OTTO, news.line.log_id, actor="otto") == 0
            assert await house.alerts.mark_read(OTTO, news.notification.notification_id) == 0
            assert await house.alerts.remove_log_lines(MIRA, news.line.log_id, actor="mira") == 1
            assert await house.alerts.mark_read(MIRA, None) == 1

    run(story())


def test_a_login_has_a_limit_of_active_alerts(tmp_path):
    async def story():
        async with a_house(tmp_path) as house:
            first = await an_alert(house)
            for _ in range(ACTIVE_ALERTS_MAX - 1):
                await an_alert(house)
            refusal = await house.alerts.create(MIRA, wish(), actor="tester")
            assert isinstance(refusal, AlertRefusal)
            assert refusal.code is AlertRefusalCode.TOO_MANY_ALERTS
            await an_alert(house, login=OTTO)
            off = AlertFields(status=AlertStatus.DISABLED)
            await house.alerts.update(MIRA, first.alert_id, off, actor="tester")
            await an_alert(house)
            refusal = await house.alerts.update(
                MIRA, first.alert_id, AlertFields(status=AlertStatus.ACTIVE), actor="tester"
            )
            assert isinstance(refusal, AlertRefusal)
            assert refusal.code is AlertRefusalCode.TOO_MANY_ALERTS

    run(story())


def test_who_asked_may_go_away_and_the_change_is_made_all_the_same(tmp_path):
    async def story():
        async with a_house(tmp_path) as house:
            alert = await an_alert(house)
            asking = asyncio.create_task(house.alerts.delete(MIRA, alert.alert_id, actor="tester"))
            await asyncio.sleep(0)
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)
            await house.settled()
            assert await house.alerts.list(AlertQuery(MIRA)) == []

    run(story())


@pytest.mark.parametrize("wished", [
    AlertFields(message="new"), AlertFields(target=Decimal(160)), AlertFields(status=AlertStatus.DISABLED),
])  # fmt: skip
def test_what_happens_while_a_wish_waits_in_vain_for_a_full_disk_is_not_lost(tmp_path, wished):
    async def story():
        async with a_house(tmp_path) as house:
            alert = await an_alert(house, wish(message="old"))
            await house.quote("149")
            house.store.is_full = True
            wishing = asyncio.ensure_future(house.alerts.update(MIRA, alert.alert_id, wished, actor="tester"))
            await asyncio.sleep(0)
            house.alerts.on_quote(quote("151", second=2))
            with pytest.raises(RecordsFault):
                await wishing
            house.store.is_full = False
            [news] = await house.quote("152", second=3)
            assert (news.line.message, news.line.triggered_price) == ("old", Decimal(152))
            assert await house.quote("152", second=5) == []

    run(story())
