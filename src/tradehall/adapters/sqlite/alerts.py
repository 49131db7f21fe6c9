"""Alerts in SQLite: tables beside the records, in the same file and with the same care."""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from tradehall.adapters.sqlite.audit import add_audit_line
from tradehall.adapters.sqlite.records import SqliteRecords
from tradehall.domain.ids import AccountId
from tradehall.ports.alerts import (
    ALERTS_KEPT_MAX,
    LOG_LINES_KEPT_MAX,
    NOTIFICATIONS_KEPT_MAX,
    PAGE_MAX,
    Alert,
    AlertBatch,
    AlertLogLine,
    AlertQuery,
    LogQuery,
    Notification,
    NotificationQuery,
)
from tradehall.ports.records import AuditLine
from tradehall.watch.alert import AlertStatus, QuoteSide, SeenPrice

_encode: Final = msgspec.json.Encoder().encode
_decode_alert: Final = msgspec.json.Decoder(Alert).decode
_decode_line: Final = msgspec.json.Decoder(AlertLogLine).decode
_decode_notification: Final = msgspec.json.Decoder(Notification).decode

_KEEP: Final = (
    "DELETE FROM {table} WHERE login = ? AND id <="
    " (SELECT id FROM {table} WHERE login = ? ORDER BY id DESC LIMIT 1 OFFSET {kept})"
)
_KEEP_LOG: Final = _KEEP.format(table="alert_log", kept=LOG_LINES_KEPT_MAX)
_KEEP_NOTIFICATIONS: Final = _KEEP.format(table="notification", kept=NOTIFICATIONS_KEPT_MAX)


class SqliteAlerts:
    """See the port. Lives in the file of `records` and closes with it."""

    def __init__(self, records: SqliteRecords) -> None:
        self._records = records

    def load(self) -> tuple[Sequence[Alert], Sequence[SeenPrice]]:
        """See the port."""
        alerts = self._records.rows("SELECT id, body FROM alert WHERE status = 0 ORDER BY id")
        seen = self._records.rows("SELECT symbol, side, price, at FROM seen_price")
        return (
            [_alert(*row) for row in alerts],
            [SeenPrice(symbol, QuoteSide(side), Decimal(price), at) for symbol, side, price, at in seen],
        )

    def add(self, alert: Alert, audit: AuditLine) -> int:
        """See the port."""
        with self._records.transaction() as db:
            added = db.execute(
                "INSERT INTO alert (login, symbol, status, body) VALUES (?, ?, ?, ?)",
                (alert.login, alert.symbol, alert.status, _encode(alert)),
            )
            alert_id = added.lastrowid
            assert alert_id is not None, "SQLite numbers every row"
            _drop_old_alerts(db, alert.login)
            add_audit_line(db, replace(audit, key=str(alert_id)))
        return alert_id

    def write(self, batch: AlertBatch) -> Sequence[tuple[int, int]]:
        """See the port."""
        with self._records.transaction() as db:
            db.executemany(
                "UPDATE alert SET symbol = ?, status = ?, body = ? WHERE id = ?",
                [(alert.symbol, alert.status, _encode(alert), alert.alert_id) for alert in batch.alerts.values()],
            )
            db.executemany(
                "INSERT INTO seen_price (symbol, side, price, at) VALUES (?, ?, ?, ?)"
                " ON CONFLICT (symbol, side) DO UPDATE SET price = excluded.price, at = excluded.at",
                [(seen.symbol, seen.side, str(seen.price), seen.at) for seen in batch.seen.values()],
            )
            numbers = [(_add_line(db, each.line), _add_notification(db, each.notification)) for each in batch.firings]
            _keep_newest(db, {each.line.login for each in batch.firings})
            for audit in batch.audits:
                add_audit_line(db, audit)
        return numbers

    def get(self, alert_id: int) -> Alert | None:
        """See the port."""
        rows = self._records.rows("SELECT id, body FROM alert WHERE id = ?", (alert_id,))
        return _alert(*rows[0]) if rows else None

    def alerts(self, query: AlertQuery) -> Sequence[Alert]:
        """See the port."""
        clauses, values = ["login = ?"], [query.login]
        if query.status is None:
            clauses.append(f"status <> {AlertStatus.DELETED.value}")
        filters = {"status = ?": query.status, "symbol = ?": query.symbol}
        return [_alert(*row) for row in self._page("alert", clauses, values, filters, "id")]

    def log_lines(self, query: LogQuery) -> Sequence[AlertLogLine]:
        """See the port."""
        filters = {
            "alert_id = ?": query.alert_id,
            "symbol = ?": query.symbol,
            "at >= ?": query.since,
            "at <= ?": query.until,
        }
        rows = self._page("alert_log", ["login = ?"], [query.login], filters, _newest(query.limit, query.offset))
        return [replace(_decode_line(body), log_id=log_id) for log_id, body in rows]

    def remove_log_lines(self, login: AccountId, log_id: int | None, audit: AuditLine) -> int:
        """See the port."""
        with self._records.transaction() as db:
            removed = db.execute("DELETE FROM alert_log WHERE login = ?1 AND id = ifnull(?2, id)", (login, log_id))
            if removed.rowcount:
                add_audit_line(db, audit)
        return removed.rowcount

    def notifications(self, query: NotificationQuery) -> Sequence[Notification]:
        """See the port."""
        clauses = ["login = ?"]
        if query.is_read is not None:
            clauses.append("opened_at IS NOT NULL" if query.is_read else "opened_at IS NULL")
        order = _newest(query.limit, query.offset)
        rows = self._page("notification", clauses, [query.login], {"level = ?": query.level}, order, more=", opened_at")
        return [
            replace(_decode_notification(body), notification_id=number, opened_at=opened_at)
            for number, body, opened_at in rows
        ]

    def mark_read(self, login: AccountId, notification_id: int | None, at: int) -> int:
        """See the port."""
        with self._records.transaction() as db:
            found = db.execute(
                "UPDATE notification SET opened_at = ifnull(opened_at, ?3) WHERE login = ?1 AND id = ifnull(?2, id)",
                (login, notification_id, at),
            )
        return found.rowcount

    def _page(
        self,
        table: str,
        clauses: Sequence[str],
        values: Sequence[object],
        filters: Mapping[str, object],
        order: str,
        *,
        more: str = "",
    ) -> list[Any]:
        """Rows that meet all clauses and those filters that have a value. Only `values` come from outside."""
        asked = {clause: value for clause, value in filters.items() if value is not None}
        where = " AND ".join([*clauses, *asked])
        query = f"SELECT id, body{more} FROM {table} WHERE {where} ORDER BY {order}"
        return self._records.rows(query, (*values, *asked.values()))


def _alert(alert_id: int, body: bytes) -> Alert:
    return replace(_decode_alert(body), alert_id=alert_id)


def _newest(limit: int, offset: int) -> str:
    return f"id DESC LIMIT {max(0, min(int(limit), PAGE_MAX))} OFFSET {max(0, int(offset))}"


def _add_line(db: sqlite3.Connection, line: AlertLogLine) -> int:
    added = db.execute(
        "INSERT INTO alert_log (login, alert_id, symbol, at, body) VALUES (?, ?, ?, ?, ?)",
        (line.login, line.alert_id, line.symbol, line.triggered_at, _encode(line)),
    )
    return added.lastrowid or 0


def _add_notification(db: sqlite3.Connection, told: Notification) -> int:
    added = db.execute(
        "INSERT INTO notification (login, level, body) VALUES (?, ?, ?)", (told.login, told.level, _encode(told))
    )
    return added.lastrowid or 0


def _keep_newest(db: sqlite3.Connection, logins: Iterable[AccountId]) -> None:
    for login in logins:
        db.execute(_KEEP_LOG, (login, login))
        db.execute(_KEEP_NOTIFICATIONS, (login, login))


def _drop_old_alerts(db: sqlite3.Connection, login: AccountId) -> None:
    """Active alerts have a limit of their own that is far lower: there is always another to drop."""
    count = db.execute("SELECT count(*) FROM alert WHERE login = ?", (login,)).fetchone()[0]
    if count > ALERTS_KEPT_MAX:
        db.execute(
            "DELETE FROM alert WHERE id IN (SELECT id FROM alert WHERE login = ? AND status <> 0 ORDER BY id LIMIT ?)",
            (login, count - ALERTS_KEPT_MAX),
        )
