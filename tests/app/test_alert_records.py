"""What an owner may wish of an alert, and which refusal comes first."""

from decimal import Decimal

import pytest
from msgspec.structs import replace

from tests.app.alert_house import MIRA, wish
from tests.app.market_fakes import NOON
from tradehall.app.records.alerts import AlertFields, AlertRefusal, created, described, updated
from tradehall.ports.alerts import Alert
from tradehall.watch.alert import AlertState, AlertStatus, QuoteSide
from tradehall.watch.conditions import Condition, Trigger

SYMBOLS = {"AAPL", "EURUSD"}
CHANNEL, MOVE, UP = Condition.INSIDE_CHANNEL, Condition.MOVING_UP, Condition.CROSSING_UP
D = Decimal


@pytest.mark.parametrize(("what", "fields", "code"), [
    # what                             fields                                             code
    ("nothing said",                   AlertFields(),                                     "INVALID_FIELD"),
    ("no condition",                   AlertFields(symbol="AAPL"),                        "INVALID_FIELD"),
    ("an unknown symbol",              wish(symbol="NOPE"),                               "UNKNOWN_SYMBOL"),
    ("no target",                      wish(target="0"),                                  "INVALID_TARGET_PRICE"),
    ("a negative target",              wish(target="-1"),                                 "INVALID_TARGET_PRICE"),
    ("a target that is no number",     wish(target="NaN"),                                "INVALID_TARGET_PRICE"),
    ("an infinite target",             wish(target="Infinity"),                           "INVALID_TARGET_PRICE"),
    ("too many decimals",              wish(target="1.0000000000001"),                    "INVALID_TARGET_PRICE"),
    ("too many digits",                wish(target="1E16"),                               "INVALID_TARGET_PRICE"),
    ("a target that nobody needs",     wish(MOVE, target="-1", threshold=D(1)),           "INVALID_TARGET_PRICE"),
    ("no channel",                     wish(CHANNEL),                                     "INVALID_CHANNEL"),
    ("a channel without width",        wish(CHANNEL, low=D(5), high=D(5)),                "INVALID_CHANNEL"),
    ("a channel upside down",          wish(CHANNEL, low=D(6), high=D(5)),                "INVALID_CHANNEL"),
    ("a channel below nothing",        wish(CHANNEL, low=D(-6), high=D(5)),               "INVALID_CHANNEL"),
    ("half a channel is no number",    wish(CHANNEL, low=D(1), high=D("sNaN")),           "INVALID_CHANNEL"),
    ("no threshold",                   wish(MOVE),                                        "INVALID_MOVE_THRESHOLD"),
    ("a negative threshold",           wish(MOVE, threshold=D(-1)),                       "INVALID_MOVE_THRESHOLD"),
    ("no reference is None, not 0",    wish(MOVE, threshold=D(1), reference_price=D(0)),  "INVALID_FIELD"),
    ("expired already",                wish(expires_at=NOON),                             "INVALID_EXPIRES_AT"),
    ("a long message",                 wish(message="x" * 257),                           "INVALID_FIELD"),
    ("both: the symbol comes first",   wish(symbol="NOPE", target="0"),                   "UNKNOWN_SYMBOL"),
    ("both: the target comes first",   wish(target="0", expires_at=1),                    "INVALID_TARGET_PRICE"),
])  # fmt: skip
def test_a_wish_is_refused(what, fields, code):
    refusal = created(fields, MIRA, SYMBOLS, NOON)
    assert isinstance(refusal, AlertRefusal), what
    assert refusal.code == code, what


def an_alert(**changes) -> Alert:
    alert = created(wish(), MIRA, SYMBOLS, NOON)
    assert isinstance(alert, Alert)
    return replace(alert, alert_id=7, **changes)


SEEN = AlertState(has_seen=True, fired_at=NOON)


@pytest.mark.parametrize(("what", "fields", "state"), [
    # what changes           fields                                    state after
    ("the message",          AlertFields(message="new"),               SEEN),
    ("the expiry",           AlertFields(expires_at=NOON + 9),         SEEN),
    ("once or repeat",       AlertFields(repeats=True),                SEEN),
    ("the same target",      AlertFields(target=D("150.0")),           SEEN),
    ("another target",       AlertFields(target=D(151)),               AlertState()),
    ("the side",             AlertFields(side=QuoteSide.ASK),        AlertState()),
    ("the symbol",           AlertFields(symbol="EURUSD"),             AlertState()),
    ("the reference",        AlertFields(reference_price=D(149)),      AlertState(reference=D(149))),
    ("active once more",     AlertFields(status=AlertStatus.ACTIVE),   AlertState()),
])  # fmt: skip
def test_an_update_keeps_the_past_unless_something_else_is_watched(what, fields, state):
    after = updated(an_alert(state=SEEN), fields, SYMBOLS, NOON + 1)
    assert isinstance(after, Alert)
    assert after.state == state, what


@pytest.mark.parametrize(("status", "fields", "code"), [
    (AlertStatus.EXPIRED,   AlertFields(message="new"),                      None),
    (AlertStatus.EXPIRED,   AlertFields(status=AlertStatus.ACTIVE),          "INVALID_EXPIRES_AT"),
    (AlertStatus.EXPIRED,   AlertFields(expires_at=NOON - 2),                "INVALID_EXPIRES_AT"),
    (AlertStatus.EXPIRED,   AlertFields(expires_at=None),                    None),
    (AlertStatus.TRIGGERED, AlertFields(status=AlertStatus.TRIGGERED),       "INVALID_FIELD"),
    (AlertStatus.ACTIVE,    AlertFields(status=AlertStatus.DELETED),         "INVALID_FIELD"),
    (AlertStatus.ACTIVE,    AlertFields(condition=CHANNEL),                  "INVALID_CHANNEL"),
])  # fmt: skip
def test_an_update_is_refused_by_what_the_alert_would_become(status, fields, code):
    old = an_alert(status=status, expires_at=NOON - 1 if status is AlertStatus.EXPIRED else None)
    after = updated(old, fields, SYMBOLS, NOON)
    assert (after.code if isinstance(after, AlertRefusal) else None) == code


@pytest.mark.parametrize(("trigger", "words"), [
    (Trigger(UP, target=D("1.1")),                                         "crossing up 1.1"),
    (Trigger(CHANNEL, low=D(1), high=D(2)),                                "inside channel 1 to 2"),
    (Trigger(MOVE, threshold=D("0.5")),                                    "moving up by 0.5"),
    (Trigger(Condition.MOVING_DOWN_PERCENT, threshold=D(2)),               "moving down by 2 percent"),
])  # fmt: skip
def test_a_trigger_in_words(trigger, words):
    assert described(trigger) == words
