"""Price alerts, the log of their firings, and notifications."""

from typing import Any, Final

from tradehall.app.records.alerts import AlertFields, AlertRefusal
from tradehall.domain.catalogue import resolve_symbol
from tradehall.domain.time import NS_PER_SECOND
from tradehall.faces.client import requests, schemas
from tradehall.faces.client.client import Client
from tradehall.faces.client.errors import ClientProblem, invalid_data, refused_alert
from tradehall.faces.client.requests import SECOND_MAX, body_of, needed, parameters_of
from tradehall.faces.client.routes.scripts import path_id
from tradehall.faces.client.translate import price, second
from tradehall.faces.client.wishes import none_if_zero
from tradehall.faces.kit import Request, Response, json_response
from tradehall.ports.alerts import Alert, AlertLogLine, AlertQuery, LogQuery, Notification, NotificationQuery
from tradehall.watch.alert import AlertStatus, QuoteSide
from tradehall.watch.conditions import Condition

PAGE: Final = 100
ID_COLUMN: Final = ("id",)
ALERT_COLUMNS: Final = (
    "id", "login", "symbol", "indicator_name", "message", "side", "condition", "target_price", "channel_low",
    "channel_high", "move_threshold", "status", "repeat_mode", "created_at", "updated_at", "expires_at",
    "triggered_at", "triggered_price", "reference_price", "reference_time", "comment",
)  # fmt: skip
LOG_COLUMNS: Final = (
    "id", "alert_id", "login", "symbol", "indicator_name", "message", "side", "condition", "target_price",
    "triggered_price", "triggered_at", "comment",
)  # fmt: skip
NOTICE_COLUMNS: Final = (
    "id", "token", "message", "create_time", "open_time", "type", "status", "level", "description", "data",
)  # fmt: skip


async def get_alerts(client: Client, request: Request) -> Response:
    """Alerts of the login; deleted ones only with `status=3`."""
    query = parameters_of(request, requests.PriceAlerts)
    status = None if query.status is None else AlertStatus(query.status)
    symbol = None if query.symbol is None else spelled(client, query.symbol)
    wanted = AlertQuery(client.login(request, query.login), status, symbol)
    rows = [alert_row(alert) for alert in await client.alerts.list(wanted)]
    return json_response(schemas.Table(ALERT_COLUMNS, rows))


async def put_alert(client: Client, request: Request) -> Response:
    """Make an alert; with `id`, replace one, which activates it anew."""
    body = body_of(request, requests.PriceAlert)
    login, fields, actor = client.login(request, body.login), _fields(client, body), client.actor(request)
    _check_whole(body)
    if body.id is None:
        return _numbered(await client.alerts.create(login, fields, actor=actor))
    return _numbered(await client.alerts.replace(login, body.id, fields, actor=actor))


async def post_alert(client: Client, request: Request) -> Response:
    """Make an alert; with `id`, change the given fields of one. `status` 0 activates it anew, 2 disables it."""
    body = body_of(request, requests.PriceAlert)
    login, fields, actor = client.login(request, body.login), _fields(client, body), client.actor(request)
    if body.id is None:
        _check_whole(body)
        return _numbered(await client.alerts.create(login, fields, actor=actor))
    return _numbered(await client.alerts.update(login, body.id, fields, actor=actor))


async def delete_alert(client: Client, request: Request) -> Response:
    """Delete an alert; its log lines stay."""
    query = parameters_of(request, requests.ById)
    number = path_id(request, "NOT_FOUND") if request.params else needed(query.id, "id")
    login = client.login(request, query.login)
    return _numbered(await client.alerts.delete(login, number, actor=client.actor(request)))


async def get_logs(client: Client, request: Request) -> Response:
    """Firings of the login's alerts, the newest first."""
    query = parameters_of(request, requests.AlertLogs)
    wanted = LogQuery(
        client.login(request, query.login),
        alert_id=query.alert_id,
        symbol=None if query.symbol is None else spelled(client, query.symbol),
        since=None if query.since is None else _clamped(query.since) * NS_PER_SECOND,
        until=None if query.until is None else _clamped(query.until) * NS_PER_SECOND + NS_PER_SECOND - 1,
        limit=query.limit or PAGE,
        offset=query.offset or 0,
    )
    rows = [_log_row(line) for line in await client.alerts.log_lines(wanted)]
    return json_response(schemas.Table(LOG_COLUMNS, rows))


async def delete_log(client: Client, request: Request) -> Response:
    """Remove one line of the log; without a number, all of them."""
    query = parameters_of(request, requests.ById)
    login = client.login(request, query.login)
    number = path_id(request, "NOT_FOUND") if request.params else query.id
    if number is None:
        count = await client.alerts.remove_log_lines(login, None, actor=client.actor(request))
        return json_response(schemas.Done(count=count))
    if not await client.alerts.remove_log_lines(login, number, actor=client.actor(request)):
        raise ClientProblem("NOT_FOUND", f"there is no log line {number}")
    return json_response(schemas.Done())


async def get_notifications(client: Client, request: Request) -> Response:
    """Notifications of the login, the newest first; `filter` is `read`, `unread` or a level."""
    query = parameters_of(request, requests.Notifications)
    is_read, level = _filter(query.filter)
    wanted = NotificationQuery(
        client.login(request, query.login),
        is_read=is_read,
        level=level,
        limit=query.limit or PAGE,
        offset=query.offset or 0,
    )
    rows = [_notice_row(each) for each in await client.alerts.notifications(wanted)]
    return json_response(schemas.Table(NOTICE_COLUMNS, rows))


async def read_notification(client: Client, request: Request) -> Response:
    """Mark one notification as read, or all."""
    body = body_of(request, requests.ReadNotification)
    login = client.login(request, body.login)
    if body.id is None and not body.all:
        raise invalid_data("id, or all: true, is required")
    found = await client.alerts.mark_read(login, None if body.all else body.id)
    if not body.all and not found:
        raise ClientProblem("NOT_FOUND", f"there is no notification {body.id}")
    return json_response(schemas.Done())


# ------------------------------------------------------------------ steps of the above


def _check_whole(body: requests.PriceAlert) -> None:
    """What a new alert must say."""
    for name in ("symbol", "side", "condition", "repeat_mode"):
        needed(getattr(body, name), name)


def _numbered(alert: Alert | AlertRefusal) -> Response:
    if isinstance(alert, AlertRefusal):
        raise refused_alert(alert)
    return json_response(schemas.Table(ID_COLUMN, [[alert.alert_id]]))


def spelled(client: Client, symbol: str) -> str:
    """The symbol that a spelling means; one that is none stays as it is."""
    return resolve_symbol(symbol, client.instruments) or symbol


def _fields(client: Client, body: requests.PriceAlert) -> AlertFields:
    given: dict[str, Any] = {
        "symbol": None if body.symbol is None else spelled(client, body.symbol),
        "side": None if body.side is None else QuoteSide(body.side),
        "condition": None if body.condition is None else Condition(body.condition),
        "repeats": None if body.repeat_mode is None else bool(body.repeat_mode),
        "target": body.target_price,
        "low": body.channel_low,
        "high": body.channel_high,
        "threshold": body.move_threshold,
        "indicator_name": body.indicator_name,
        "message": body.message,
        "comment": body.comment,
        "status": None if body.status is None else _status(body.status),
    }
    fields = {name: value for name, value in given.items() if value is not None}
    if body.expires_at is not None:
        fields["expires_at"] = _clamped(body.expires_at) * NS_PER_SECOND or None
    if body.reference_price is not None:
        fields["reference_price"] = none_if_zero(body.reference_price)
    if body.reference_time is not None:
        fields["reference_at"] = _clamped(body.reference_time) * NS_PER_SECOND or None
    return AlertFields(**fields)


def _status(number: int) -> AlertStatus:
    if number not in (AlertStatus.ACTIVE, AlertStatus.DISABLED):
        raise invalid_data("status can be set to 0 (active) or 2 (disabled)")
    return AlertStatus(number)


def _clamped(at: int) -> int:
    return max(-SECOND_MAX, min(SECOND_MAX, at))


def _filter(given: str | int | None) -> tuple[bool | None, int | None]:
    if given is None or given in ("", "all"):
        return None, None
    if given in ("read", "unread"):
        return given == "read", None
    text = str(given)
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise invalid_data("filter must be all, read, unread or a level")
    return None, int(text)


def alert_row(alert: Alert) -> list[Any]:
    """An alert under ALERT_COLUMNS."""
    trigger = alert.trigger
    return [
        alert.alert_id, alert.login, alert.symbol, alert.indicator_name, alert.message, int(alert.side),
        int(trigger.condition), float(trigger.target), float(trigger.low), float(trigger.high),
        float(trigger.threshold), int(alert.status), int(alert.repeats), second(alert.created_at),
        second(alert.updated_at), second(alert.expires_at or 0), second(alert.triggered_at or 0),
        price(alert.triggered_price), price(alert.reference_price), second(alert.reference_at or 0), alert.comment,
    ]  # fmt: skip


def _log_row(line: AlertLogLine) -> list[Any]:
    return [
        line.log_id, line.alert_id, line.login, line.symbol, line.indicator_name, line.message, int(line.side),
        int(line.condition), float(line.target_price), float(line.triggered_price), second(line.triggered_at),
        line.comment,
    ]  # fmt: skip


def _notice_row(notice: Notification) -> list[Any]:
    return [
        notice.notification_id, notice.token, notice.message, second(notice.created_at),
        second(notice.opened_at or 0), notice.topic, int(notice.opened_at is not None), notice.level,
        notice.description, notice.data,
    ]  # fmt: skip
