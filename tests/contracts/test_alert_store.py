"""What every store of alerts keeps: one suite for all implementations."""

from decimal import Decimal

import pytest
from msgspec.structs import replace

from tradehall.adapters.sqlite.alerts import SqliteAlerts
from tradehall.adapters.sqlite.records import SqliteRecords
from tradehall.ports.alerts import (
    ALERTS_KEPT_MAX,
    LOG_LINES_KEPT_MAX,
    NOTIFICATIONS_KEPT_MAX,
    Alert,
    AlertBatch,
    AlertFiring,
    AlertLogLine,
    AlertQuery,
    LogQuery,
    Notification,
    NotificationQuery,
)
from tradehall.ports.records import AuditLine, RecordsFault
from tradehall.watch.alert import AlertState, AlertStatus, QuoteSide, SeenPrice
from tradehall.watch.conditions import Condition, Trigger

MIRA, OTTO = 700_001, 700_002


@pytest.fixture()
def records(tmp_path):
    store = SqliteRecords(tmp_path / "records.db")
    yield store
    store.close()


@pytest.fixture(params=[SqliteAlerts])
def store(request, records):
    return request.param(records)


def audit(action="create"):
    return AuditLine(1, "tester", action, "alert", "")


def an_alert(login=MIRA, symbol="EURUSD", **more):
    trigger = Trigger(Condition.MOVING_UP, threshold=Decimal("0.50"))
    return Alert(0, symbol, QuoteSide.ASK, trigger, repeats=True, login=login, created_at=1, updated_at=1, **more)


def added(store, alert):
    return replace(alert, alert_id=store.add(alert, audit()))


def a_firing(alert, at):
    line = AlertLogLine(
        alert.alert_id, alert.login, alert.symbol, alert.side, alert.trigger.condition, Decimal(0), Decimal("1.10"), at
    )
    return AlertFiring(alert, line, Notification(alert.login, f"alert-{at}", "words", "more words", at, "price_alert"))


def test_all_of_an_alert_comes_back_to_the_last_digit(store):
    state = AlertState(has_seen=True, reference=Decimal("1.100"), fired_at=7, is_owed=True)
    alert = added(
        store,
        an_alert(
            expires_at=9,
            state=state,
            reference_price=Decimal("1.1000"),
            reference_at=3,
            triggered_at=7,
            triggered_price=Decimal("1.2"),
            indicator_name="RSI",
            message="a",
            comment="b",
        ),
    )
    assert store.get(alert.alert_id) == alert
    assert str(store.get(alert.alert_id).reference_price) == "1.1000"
    assert store.get(alert.alert_id + 1) is None


def test_only_active_alerts_are_loaded_with_the_prices_seen(store):
    active, over = added(store, an_alert()), added(store, an_alert())
    seen = SeenPrice("EURUSD", QuoteSide.ASK, Decimal("1.10"), 5)
    over = replace(over, status=AlertStatus.TRIGGERED)
    store.write(AlertBatch(alerts={over.alert_id: over}, seen={("EURUSD", QuoteSide.ASK): seen}))
    later = SeenPrice("EURUSD", QuoteSide.ASK, Decimal("1.20"), 6)
    store.write(AlertBatch(seen={("EURUSD", QuoteSide.ASK): later}))
    assert store.load() == ([active], [later])


def test_alerts_are_listed_by_login_status_and_symbol(store):
    one, two = added(store, an_alert()), added(store, an_alert(symbol="XAUUSD"))
    added(store, an_alert(login=OTTO))
    gone = replace(added(store, an_alert()), status=AlertStatus.DELETED)
    store.write(AlertBatch(alerts={gone.alert_id: gone}))
    assert store.alerts(AlertQuery(MIRA)) == [one, two]
    assert store.alerts(AlertQuery(MIRA, symbol="XAUUSD")) == [two]
    assert store.alerts(AlertQuery(MIRA, status=AlertStatus.DELETED)) == [gone]


def test_the_log_is_read_in_pages_newest_first_and_by_what_is_asked(store):
    one, two = added(store, an_alert()), added(store, an_alert(symbol="XAUUSD"))
    numbers = store.write(AlertBatch(firings=[a_firing(alert, at) for at, alert in enumerate([one, two, one, two], 1)]))
    lines = store.log_lines(LogQuery(MIRA))
    assert [line.triggered_at for line in lines] == [4, 3, 2, 1]
    assert [line.log_id for line in lines] == [log_id for log_id, _ in reversed(numbers)]

    def found(**query):
        return [line.triggered_at for line in store.log_lines(LogQuery(MIRA, **query))]

    assert found(alert_id=one.alert_id) == [3, 1]
    assert found(symbol="XAUUSD", limit=1) == [4]
    assert found(since=2, until=3) == [3, 2]
    assert found(limit=2, offset=1) == [3, 2]
    assert found(limit=0) == []


def test_log_lines_are_removed_by_their_owner_alone(store, records):
    mine, other = added(store, an_alert()), added(store, an_alert(login=OTTO))
    numbers = store.write(AlertBatch(firings=[a_firing(mine, 1), a_firing(other, 2), a_firing(mine, 3)]))
    assert store.remove_log_lines(OTTO, numbers[0][0], audit("delete")) == 0
    assert store.remove_log_lines(MIRA, numbers[0][0], audit("delete")) == 1
    assert store.remove_log_lines(MIRA, None, audit("delete")) == 1
    assert len(store.log_lines(LogQuery(OTTO))) == 1
    assert [line.action for line in records.audit_lines("alert", "")] == ["delete", "delete"]


def test_a_notification_is_read_once_and_by_its_owner_alone(store):
    alert = added(store, an_alert())
    [(_, first), (_, second)] = store.write(AlertBatch(firings=[a_firing(alert, 1), a_firing(alert, 2)]))
    assert store.mark_read(OTTO, first, 5) == 0
    assert store.mark_read(MIRA, first, 5) == 1
    assert store.mark_read(MIRA, None, 9) == 2
    assert [(n.notification_id, n.opened_at) for n in store.notifications(NotificationQuery(MIRA))] == [
        (second, 9),
        (first, 5),
    ]
    assert store.notifications(NotificationQuery(MIRA, is_read=False)) == []
    assert store.notifications(NotificationQuery(MIRA, is_read=True, level=20)) == []
    assert len(store.notifications(NotificationQuery(MIRA, level=10, limit=1, offset=1))) == 1


def test_the_oldest_go_when_there_are_too_many(store):
    alert = added(store, an_alert())
    store.write(AlertBatch(firings=[a_firing(alert, at) for at in range(LOG_LINES_KEPT_MAX + 5)]))
    assert store.remove_log_lines(MIRA, None, audit("delete")) == LOG_LINES_KEPT_MAX
    assert store.mark_read(MIRA, None, 1) == NOTIFICATIONS_KEPT_MAX


def test_alerts_that_are_over_make_room_for_new_ones(store):
    active = added(store, an_alert())
    over = [added(store, an_alert(status=AlertStatus.TRIGGERED)) for _ in range(ALERTS_KEPT_MAX)]
    newest = added(store, an_alert())
    kept = store.alerts(AlertQuery(MIRA))
    assert len(kept) == ALERTS_KEPT_MAX
    assert (kept[0], kept[-1]) == (active, newest)
    # A number is never given twice, not even that of one that went.
    assert newest.alert_id > over[-1].alert_id


def test_a_batch_is_written_whole_or_not_at_all(store, records):
    alert = added(store, an_alert())
    broken = replace(alert, login="not a number", status=AlertStatus.TRIGGERED)
    batch = AlertBatch(alerts={alert.alert_id: broken}, firings=[a_firing(broken, 1)])
    with pytest.raises(RecordsFault):
        store.write(batch)
    assert store.get(alert.alert_id) == alert
    records.close()
    with pytest.raises(RecordsFault):
        store.get(alert.alert_id)
