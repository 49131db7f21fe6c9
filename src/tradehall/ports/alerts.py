"""Price alerts as they are kept: the alerts, the log of their firings, and what their owners are told."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Final, Protocol

from msgspec import Struct, field

from tradehall.domain.ids import AccountId
from tradehall.ports.records import AuditLine
from tradehall.watch.alert import AlertStatus, PriceAlert, QuoteSide, SeenPrice
from tradehall.watch.conditions import Condition

# Kept for each login; beyond it the oldest that are no longer active, or simply the oldest, go.
ALERTS_KEPT_MAX: Final = 2_000
LOG_LINES_KEPT_MAX: Final = 10_000
NOTIFICATIONS_KEPT_MAX: Final = 1_000
PAGE_MAX: Final = 1_000

INFO: Final = 10  # The level of a notification that an alert fired.


class Alert(PriceAlert, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A price alert with its owner and its history; instants in ns UTC.

    `reference_price` [at `reference_at`]: given by the owner, None: the first price counts; what a move is
    measured from at present is `state.reference`. `triggered_*`: the last firing.
    """

    login: AccountId
    created_at: int
    updated_at: int
    status: AlertStatus = AlertStatus.ACTIVE
    reference_price: Decimal | None = None
    reference_at: int | None = None
    triggered_at: int | None = None
    triggered_price: Decimal | None = None
    indicator_name: str = ""
    message: str = ""
    comment: str = ""


class AlertLogLine(Struct, frozen=True, omit_defaults=True, gc=False):
    """One firing, as the alert was then. `log_id` 0: not written yet."""

    alert_id: int
    login: AccountId
    symbol: str
    side: QuoteSide
    condition: Condition
    target_price: Decimal
    triggered_price: Decimal
    triggered_at: int
    indicator_name: str = ""
    message: str = ""
    comment: str = ""
    log_id: int = 0


class Notification(Struct, frozen=True, omit_defaults=True, gc=False):
    """Something its owner should know. `token` names it for ever, `data` is JSON text for programs.

    `opened_at` [ns UTC] None: not read yet. `notification_id` 0: not written yet.
    """

    login: AccountId
    token: str
    message: str
    description: str
    created_at: int
    topic: str
    level: int = INFO
    data: str = ""
    opened_at: int | None = None
    notification_id: int = 0


class AlertFiring(Struct, frozen=True, gc=False):
    """One firing: the alert as it was right after, its line in the log, and what its owner is told."""

    alert: Alert
    line: AlertLogLine
    notification: Notification


class AlertQuery(Struct, frozen=True):
    """Alerts of a login; `status` None: all but the deleted ones."""

    login: AccountId
    status: AlertStatus | None = None
    symbol: str | None = None


class LogQuery(Struct, frozen=True):
    """Log lines of a login, newest first; `since` ≤ triggered_at ≤ `until` [ns UTC]."""

    login: AccountId
    alert_id: int | None = None
    symbol: str | None = None
    since: int | None = None
    until: int | None = None
    limit: int = 100
    offset: int = 0


class NotificationQuery(Struct, frozen=True):
    """Notifications of a login, newest first."""

    login: AccountId
    is_read: bool | None = None
    level: int | None = None
    limit: int = 100
    offset: int = 0


class AlertBatch(Struct):
    """What is written together: alerts as they are now, prices seen, firings told, and who asked for it."""

    alerts: dict[int, Alert] = field(default_factory=dict)
    seen: dict[tuple[str, QuoteSide], SeenPrice] = field(default_factory=dict)
    firings: list[AlertFiring] = field(default_factory=list)
    audits: list[AuditLine] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.alerts or self.seen or self.firings or self.audits)

    def followed_by(self, later: "AlertBatch") -> "AlertBatch":
        """This batch and a later one as one."""
        return AlertBatch(
            self.alerts | later.alerts,
            self.seen | later.seen,
            self.firings + later.firings,
            self.audits + later.audits,
        )


class AlertStore(Protocol):
    """Where alerts are kept. Calls are synchronous and may come from any thread; RecordsFault if one fails."""

    def load(self) -> tuple[Sequence[Alert], Sequence[SeenPrice]]:
        """All active alerts, and the prices seen last."""
        ...

    def add(self, alert: Alert, audit: AuditLine) -> int:
        """Keep a new alert and note the audit line; the alert's number, which is never given twice."""
        ...

    def write(self, batch: AlertBatch) -> Sequence[tuple[int, int]]:
        """Write all of it in one transaction, durable on return; numbers of the log lines and notifications."""
        ...

    def get(self, alert_id: int) -> Alert | None:
        """One alert, deleted or not."""
        ...

    def alerts(self, query: AlertQuery) -> Sequence[Alert]:
        """Alerts by number."""
        ...

    def log_lines(self, query: LogQuery) -> Sequence[AlertLogLine]:
        """A page of the log."""
        ...

    def remove_log_lines(self, login: AccountId, log_id: int | None, audit: AuditLine) -> int:
        """Remove one line of a login's log, or all (None); how many there were."""
        ...

    def notifications(self, query: NotificationQuery) -> Sequence[Notification]:
        """A page of the notifications."""
        ...

    def mark_read(self, login: AccountId, notification_id: int | None, at: int) -> int:
        """Mark one notification of a login as read at `at` [ns UTC], or all (None); how many have that number."""
        ...
