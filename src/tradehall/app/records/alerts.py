"""Price alerts as records: what an owner may wish, what is refused, and what an alert becomes by it."""

from collections.abc import Callable, Container
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final

from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import asdict, replace

from tradehall.domain.ids import AccountId
from tradehall.domain.money import ZERO
from tradehall.ports.alerts import Alert, AlertFiring, AlertLogLine, Notification
from tradehall.watch.alert import AlertState, AlertStatus, Firing, QuoteSide
from tradehall.watch.conditions import MOVES, NEEDS_CHANNEL, NEEDS_TARGET, Condition, Trigger

ACTIVE_ALERTS_MAX: Final = 500  # Of one login.
MESSAGE_LENGTH_MAX: Final = 256
NAME_LENGTH_MAX: Final = 64
# Numbers of an alert keep within 28 digits, so that its arithmetic is exact.
PRICE_MAX: Final = Decimal("1E15")
DECIMALS_MAX: Final = 12

TOPIC: Final = "price_alert"


class AlertRefusalCode(StrEnum):
    """Why a wish about alerts is refused; each door has its own words for them."""

    NOT_FOUND = "NOT_FOUND"
    INVALID_FIELD = "INVALID_FIELD"
    UNKNOWN_SYMBOL = "UNKNOWN_SYMBOL"
    INVALID_TARGET_PRICE = "INVALID_TARGET_PRICE"
    INVALID_CHANNEL = "INVALID_CHANNEL"
    INVALID_MOVE_THRESHOLD = "INVALID_MOVE_THRESHOLD"
    INVALID_EXPIRES_AT = "INVALID_EXPIRES_AT"
    TOO_MANY_ALERTS = "TOO_MANY_ALERTS"


class AlertRefusal(Struct, frozen=True):
    """A code for programs and a sentence for people."""

    code: AlertRefusalCode
    message: str


class AlertFields(Struct, frozen=True, kw_only=True):
    """What an owner may say about an alert; what is left out stays (update) or has its default.

    Prices in quote currency per unit, `threshold` in the same or percent, instants in ns UTC. None is "none"
    for `expires_at` and the reference. `status`: ACTIVE (which activates anew) or DISABLED.
    """

    symbol: str | UnsetType = UNSET
    side: QuoteSide | UnsetType = UNSET
    condition: Condition | UnsetType = UNSET
    repeats: bool | UnsetType = UNSET
    target: Decimal | UnsetType = UNSET
    low: Decimal | UnsetType = UNSET
    high: Decimal | UnsetType = UNSET
    threshold: Decimal | UnsetType = UNSET
    expires_at: int | UnsetType | None = UNSET
    reference_price: Decimal | UnsetType | None = UNSET
    reference_at: int | UnsetType | None = UNSET
    indicator_name: str | UnsetType = UNSET
    message: str | UnsetType = UNSET
    comment: str | UnsetType = UNSET
    status: AlertStatus | UnsetType = UNSET

    def given(self) -> dict[str, Any]:
        """The fields that were given, by name."""
        return {name: value for name, value in asdict(self).items() if value is not UNSET}


_REQUIRED: Final = ("symbol", "side", "condition", "repeats")
_TRIGGER: Final = ("condition", "target", "low", "high", "threshold")
_WISHED_STATUSES: Final = (AlertStatus.ACTIVE, AlertStatus.DISABLED)
# A change of these is another thing to watch: what was seen before does not count.
_WATCHED: Final = ("symbol", "side", "trigger", "reference_price")


def created(fields: AlertFields, login: AccountId, symbols: Container[str], now: int) -> Alert | AlertRefusal:
    """A new active alert of `login`, number 0; or why it cannot be."""
    given = fields.given() | {"status": AlertStatus.ACTIVE}
    return _from_given(given, login, symbols, now)


def replaced(old: Alert, fields: AlertFields, symbols: Container[str], now: int) -> Alert | AlertRefusal:
    """The alert of the same number and age with only these fields: activated anew, or disabled."""
    given = {"status": AlertStatus.ACTIVE} | fields.given()
    alert = _from_given(given, old.login, symbols, now)
    if isinstance(alert, AlertRefusal):
        return alert
    return replace(alert, alert_id=old.alert_id, created_at=old.created_at)


def updated(old: Alert, fields: AlertFields, symbols: Container[str], now: int) -> Alert | AlertRefusal:
    """The alert with these fields changed.

    With status ACTIVE it is activated anew and forgets its last firing; an active one whose symbol, side,
    condition or numbers change waits for a first price, too; any other change leaves it as watchful as it was.
    """
    given = fields.given()
    if (refusal := _refused_status(given)) is not None:
        return refusal
    trigger = replace(old.trigger, **{name: given.pop(name) for name in _TRIGGER if name in given})
    alert = replace(old, trigger=trigger, updated_at=now, **given)
    refusal = _first_refusal(alert, symbols, now, expiry_was_given="expires_at" in given)
    if refusal is not None:
        return refusal
    if given.get("status") is AlertStatus.ACTIVE:
        return replace(alert, state=_first_state(alert), triggered_at=None, triggered_price=None)
    if any(getattr(alert, name) != getattr(old, name) for name in _WATCHED):
        return replace(alert, state=_first_state(alert))
    return alert


def deleted(old: Alert, now: int) -> Alert:
    """The alert as it is kept after its owner deleted it."""
    return replace(old, status=AlertStatus.DELETED, updated_at=now)


def expired(old: Alert, at: int) -> Alert:
    """The alert after its time was over."""
    return replace(old, status=AlertStatus.EXPIRED, updated_at=at)


def fired(alert: Alert, firing: Firing) -> AlertFiring:
    """What a firing leaves behind: the alert as it is now, a line of the log, and a notification."""
    after = replace(
        alert,
        status=firing.status,
        state=firing.state,
        triggered_at=firing.at,
        triggered_price=firing.price,
        updated_at=firing.at,
    )
    return AlertFiring(after, _log_line(alert, firing), _notification(alert, firing))


def _log_line(alert: Alert, firing: Firing) -> AlertLogLine:
    return AlertLogLine(
        alert_id=alert.alert_id,
        login=alert.login,
        symbol=alert.symbol,
        side=alert.side,
        condition=alert.trigger.condition,
        target_price=alert.trigger.target,
        triggered_price=firing.price,
        triggered_at=firing.at,
        indicator_name=alert.indicator_name,
        message=alert.message,
        comment=alert.comment,
    )


def _notification(alert: Alert, firing: Firing) -> Notification:
    sentence = f"{alert.symbol} {alert.side.name.lower()} {firing.price}: {described(alert.trigger)}"
    return Notification(
        login=alert.login,
        token=f"{TOPIC}-{alert.alert_id}-{firing.at}",
        message=alert.message or sentence,
        description=sentence,
        created_at=firing.at,
        topic=TOPIC,
        data=f'{{"alert_id":{alert.alert_id}}}',
    )


def described(trigger: Trigger) -> str:
    """A trigger in words: `crossing up 1.1`, `inside channel 1.1 to 1.2`, `moving up by 2 percent`."""
    words = trigger.condition.name.lower().replace("_", " ")
    if trigger.condition in NEEDS_TARGET:
        return f"{words} {trigger.target}"
    if trigger.condition in NEEDS_CHANNEL:
        return f"{words} {trigger.low} to {trigger.high}"
    way = words.removesuffix(" percent")
    return f"{way} by {trigger.threshold}" + ("" if way == words else " percent")


def _from_given(given: dict[str, Any], login: AccountId, symbols: Container[str], now: int) -> Alert | AlertRefusal:
    if (refusal := _refused_status(given)) is not None:
        return refusal
    missing = [name for name in _REQUIRED if name not in given]
    if missing:
        return AlertRefusal(AlertRefusalCode.INVALID_FIELD, f"an alert needs {', '.join(missing)}")
    trigger = Trigger(**{name: given.pop(name) for name in _TRIGGER if name in given})
    alert = Alert(alert_id=0, trigger=trigger, login=login, created_at=now, updated_at=now, **given)
    refusal = _first_refusal(alert, symbols, now, expiry_was_given=True)
    return refusal or replace(alert, state=_first_state(alert))


def _first_state(alert: Alert) -> AlertState:
    return AlertState(reference=alert.reference_price)


def _refused_status(given: dict[str, Any]) -> AlertRefusal | None:
    if given.get("status", AlertStatus.ACTIVE) in _WISHED_STATUSES:
        return None
    return AlertRefusal(AlertRefusalCode.INVALID_FIELD, "an owner makes an alert active or disabled, nothing else")


def _first_refusal(alert: Alert, symbols: Container[str], now: int, *, expiry_was_given: bool) -> AlertRefusal | None:
    for check in _CHECKS:
        if (refusal := check(alert, symbols)) is not None:
            return refusal
    # An alert that is over may keep an old expiry while something else of it changes.
    expiry_counts = expiry_was_given or alert.status is AlertStatus.ACTIVE
    if expiry_counts and alert.expires_at is not None and alert.expires_at <= now:
        return AlertRefusal(AlertRefusalCode.INVALID_EXPIRES_AT, "expires_at has to be in the future")
    return None


def _symbol_is_known(alert: Alert, symbols: Container[str]) -> AlertRefusal | None:
    if alert.symbol in symbols:
        return None
    return AlertRefusal(AlertRefusalCode.UNKNOWN_SYMBOL, f"there is no symbol {alert.symbol}")


def _target_is_a_price(alert: Alert, _: Container[str]) -> AlertRefusal | None:
    trigger = alert.trigger
    if _is_exact(trigger.target) and (trigger.target > 0 or trigger.condition not in NEEDS_TARGET):
        return None
    return AlertRefusal(AlertRefusalCode.INVALID_TARGET_PRICE, f"target price was {trigger.target}, must be a price")


def _channel_has_a_width(alert: Alert, _: Container[str]) -> AlertRefusal | None:
    low, high = alert.trigger.low, alert.trigger.high
    if _is_exact(low) and _is_exact(high) and (low < high or alert.trigger.condition not in NEEDS_CHANNEL):
        return None
    return AlertRefusal(AlertRefusalCode.INVALID_CHANNEL, f"channel was {low} to {high}, low must be below high")


def _threshold_is_positive(alert: Alert, _: Container[str]) -> AlertRefusal | None:
    threshold = alert.trigger.threshold
    if _is_exact(threshold) and (threshold > 0 or alert.trigger.condition not in MOVES):
        return None
    return AlertRefusal(AlertRefusalCode.INVALID_MOVE_THRESHOLD, f"move threshold was {threshold}, must be positive")


def _reference_is_a_price(alert: Alert, _: Container[str]) -> AlertRefusal | None:
    reference = alert.reference_price
    if reference is None or (_is_exact(reference) and reference > 0):
        return None
    return AlertRefusal(AlertRefusalCode.INVALID_FIELD, f"reference price was {reference}, must be a price")


def _texts_are_short(alert: Alert, _: Container[str]) -> AlertRefusal | None:
    if (
        len(alert.message) <= MESSAGE_LENGTH_MAX
        and len(alert.comment) <= MESSAGE_LENGTH_MAX
        and len(alert.indicator_name) <= NAME_LENGTH_MAX
    ):
        return None
    sentence = f"message and comment have at most {MESSAGE_LENGTH_MAX} characters, a name {NAME_LENGTH_MAX}"
    return AlertRefusal(AlertRefusalCode.INVALID_FIELD, sentence)


def _is_exact(number: Decimal) -> bool:
    """Whether it is a number at all, not negative, and short enough. NaN must not be compared."""
    exponent = number.as_tuple().exponent
    return isinstance(exponent, int) and exponent >= -DECIMALS_MAX and ZERO <= number <= PRICE_MAX


# The order of this list is the precedence of the codes.
_CHECKS: Final[tuple[Callable[[Alert, Container[str]], AlertRefusal | None], ...]] = (
    _symbol_is_known,
    _target_is_a_price,
    _channel_has_a_width,
    _threshold_is_positive,
    _reference_is_a_price,
    _texts_are_short,
)
