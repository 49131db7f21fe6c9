"""Alerts: quotes fire them, one task writes down what happened, and then their owners are told.

What is stored is always a cut: prices seen, states and firings of one moment, in one transaction. A restart
goes on from the last cut, as if the quotes after it had never come: what was told is never told again, and
a step across a bound while nobody watched fires at the first quote. A firing is written at once, and so is
what changes without one (a first price, something owed, a price beyond some bound), which is not written more
often than every MEMORY_EVERY_S.
"""

import asyncio
import logging
from asyncio import Future
from collections.abc import Callable, Container, Sequence
from decimal import Decimal
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from tradehall.app.market import MarketListener
from tradehall.app.records.alerts import (
    ACTIVE_ALERTS_MAX,
    AlertFields,
    AlertRefusal,
    AlertRefusalCode,
    created,
    deleted,
    expired,
    fired,
    replaced,
    updated,
)
from tradehall.app.waking import Pace, rest
from tradehall.domain.ids import AccountId
from tradehall.domain.market import Quote
from tradehall.domain.time import NS_PER_SECOND
from tradehall.ports.alerts import (
    Alert,
    AlertBatch,
    AlertLogLine,
    AlertQuery,
    AlertStore,
    LogQuery,
    Notification,
    NotificationQuery,
)
from tradehall.ports.clock import Clock
from tradehall.ports.records import AuditLine, RecordsFault
from tradehall.watch.alert import AlertStatus
from tradehall.watch.armed import ArmedAlerts

FLUSH_EVERY_S: Final = 1.0
# A price that walks up and down across bounds must not have the disk for itself.
MEMORY_EVERY_S: Final = 0.05
# Firings that could not be written yet; at this number quotes are not looked at until they are.
UNWRITTEN_FIRINGS_MAX: Final = 20_000

_KIND: Final = "alert"
_log: Final = logging.getLogger("tradehall.alerts")


class AlertNews(Struct, frozen=True):
    """An alert fired (`line` and `notification` say how), or its time was over (both None). It is durable."""

    alert: Alert
    line: AlertLogLine | None = None
    notification: Notification | None = None


class _Waiter(Struct):
    """Somebody who wished a change: what it was before, at which price, and whom to tell that it is durable."""

    old: Alert
    seen: Decimal | None
    audit: AuditLine
    written: "Future[None]"


class Alerts(MarketListener):
    """All price alerts of the house. All calls belong to the loop's thread.

    `symbols`: those that can be watched. A wish returns when it is durable; RecordsFault if it cannot be
    written, and then nothing changed. An alert of another login is not found, as if there were none.
    """

    def __init__(
        self, store: AlertStore, clock: Clock, symbols: Container[str], *, flush_every_s: float = FLUSH_EVERY_S
    ) -> None:
        self._store = store
        self._clock = clock
        self._symbols = symbols
        self._flush_every_s = flush_every_s
        self._armed = ArmedAlerts()
        self._active: dict[int, Alert] = {}
        self._active_count: dict[AccountId, int] = {}
        self._unwritten = AlertBatch()
        self._writing = AlertBatch()
        self._expired: list[Alert] = []
        self._waiters: list[_Waiter] = []
        self._wishes = asyncio.Lock()
        self._flushing = asyncio.Lock()
        self._wake = asyncio.Event()
        self._pace = Pace(self._wake, every_s=MEMORY_EVERY_S)
        self._task: asyncio.Task[None] | None = None
        self._is_stopping = False
        self._tell: tuple[Callable[[AlertNews], None], ...] = ()

    def listen(self, tell: Callable[[AlertNews], None]) -> None:
        """Call `tell` with all news once they are durable, in order; it must be quick and must not raise."""
        self._tell += (tell,)

    async def start(self) -> None:
        """Arm what is active, and begin to write. Quotes count from now on."""
        alerts, seen = await asyncio.to_thread(self._store.load)
        self._armed = ArmedAlerts(seen)
        for alert in alerts:
            self._put(alert)
        self.expire()
        self._task = asyncio.create_task(self._run(), name="alerts")

    async def stop(self) -> None:
        """Write what is left and end. Quotes must not come any more."""
        self._is_stopping = True
        self._wake.set()
        if self._task is not None:
            await self._task

    def on_quote(self, quote: Quote) -> None:
        """Look at a quote; firings are told when they are written."""
        if len(self._unwritten.firings) >= UNWRITTEN_FIRINGS_MAX:
            return
        for firing in self._armed.on_quote(quote):
            happened = fired(self._active[firing.alert_id], firing)
            self._keep(happened.alert)
            self._unwritten.firings.append(happened)
            self._wake.set()
        if self._armed.is_behind:
            self._pace.ask()

    def expire(self) -> None:
        """Let go of the alerts whose time is over."""
        for expiry in self._armed.on_time(self._clock.now()):
            alert = expired(self._active[expiry.alert_id], expiry.at)
            self._keep(alert)
            self._expired.append(alert)
            self._wake.set()

    # ------------------------------------------------------------ wishes

    async def create(self, login: AccountId, fields: AlertFields, *, actor: str) -> Alert | AlertRefusal:
        """A new active alert; it waits for the next quote."""
        async with self._wishes:
            alert = created(fields, login, self._symbols, self._clock.now())
            if isinstance(alert, AlertRefusal):
                return alert
            if (refusal := self._refused_by_count(alert)) is not None:
                return refusal
            audit = AuditLine(alert.created_at, actor, "create", _KIND, "")
            # Shielded: who asked may go away, but an alert that is kept has to be armed.
            return await asyncio.shield(asyncio.ensure_future(self._add(alert, audit)))

    async def replace(
        self, login: AccountId, alert_id: int, fields: AlertFields, *, actor: str
    ) -> Alert | AlertRefusal:
        """The alert with these fields and defaults for all others, active from now on (or disabled)."""
        return await self._change(
            login, alert_id, actor, "replace", lambda old, now: replaced(old, fields, self._symbols, now)
        )

    async def update(self, login: AccountId, alert_id: int, fields: AlertFields, *, actor: str) -> Alert | AlertRefusal:
        """The alert with these fields changed; see `records.alerts.updated` for what it remembers."""
        return await self._change(
            login, alert_id, actor, "update", lambda old, now: updated(old, fields, self._symbols, now)
        )

    async def delete(self, login: AccountId, alert_id: int, *, actor: str) -> Alert | AlertRefusal:
        """The alert, deleted: it is listed only to those who ask for deleted ones."""
        return await self._change(login, alert_id, actor, "delete", deleted)

    async def remove_log_lines(self, login: AccountId, log_id: int | None, *, actor: str) -> int:
        """Remove one line of a login's log, or all (None); how many there were."""
        key = str(login if log_id is None else log_id)
        audit = AuditLine(self._clock.now(), actor, "delete", "alert_log", key)
        return await asyncio.to_thread(self._store.remove_log_lines, login, log_id, audit)

    async def mark_read(self, login: AccountId, notification_id: int | None) -> int:
        """Mark one notification of a login as read, or all (None); how many have that number."""
        return await asyncio.to_thread(self._store.mark_read, login, notification_id, self._clock.now())

    # ------------------------------------------------------------- reads

    async def list(self, query: AlertQuery) -> Sequence[Alert]:
        """Alerts of a login by number, as they were written last."""
        return await asyncio.to_thread(self._store.alerts, query)

    async def log_lines(self, query: LogQuery) -> Sequence[AlertLogLine]:
        """A page of a login's firings, newest first."""
        return await asyncio.to_thread(self._store.log_lines, query)

    async def notifications(self, query: NotificationQuery) -> Sequence[Notification]:
        """A page of a login's notifications, newest first."""
        return await asyncio.to_thread(self._store.notifications, query)

    # ------------------------------------------------------------ inside

    async def _add(self, alert: Alert, audit: AuditLine) -> Alert:
        alert = replace(alert, alert_id=await asyncio.to_thread(self._store.add, alert, audit))
        self._put(alert)
        return alert

    async def _change(
        self,
        login: AccountId,
        alert_id: int,
        actor: str,
        action: str,
        become: Callable[[Alert, int], Alert | AlertRefusal],
    ) -> Alert | AlertRefusal:
        async with self._wishes:
            if self._is_stopping:
                raise RecordsFault("alerts are not written any more: the house is closing")
            old = await self._find(alert_id)
            if old is None or old.login != login or old.status is AlertStatus.DELETED:
                return AlertRefusal(AlertRefusalCode.NOT_FOUND, f"there is no alert {alert_id}")
            now = self._clock.now()
            alert = become(old, now)
            if isinstance(alert, AlertRefusal):
                return alert
            if old.status is not AlertStatus.ACTIVE and (refusal := self._refused_by_count(alert)) is not None:
                return refusal
            seen = self._armed.seen(old.symbol, old.side)
            waiter = _Waiter(old, seen, AuditLine(now, actor, action, _KIND, str(alert_id)), Future())
            self._put(alert)
            self._unwritten.alerts[alert_id] = alert
            self._unwritten.audits.append(waiter.audit)
            self._waiters.append(waiter)
            self._wake.set()
        # Shielded: who asked may go away, the change is made all the same.
        await asyncio.shield(waiter.written)
        return alert

    async def _find(self, alert_id: int) -> Alert | None:
        """The alert as it is now, which the store may not know yet."""
        state = self._armed.state_of(alert_id)
        if state is not None:
            return replace(self._active[alert_id], state=state)
        for batch in (self._unwritten, self._writing):
            if alert_id in batch.alerts:
                return batch.alerts[alert_id]
        return await asyncio.to_thread(self._store.get, alert_id)

    def _refused_by_count(self, alert: Alert) -> AlertRefusal | None:
        if alert.status is not AlertStatus.ACTIVE or self._active_count.get(alert.login, 0) < ACTIVE_ALERTS_MAX:
            return None
        message = f"there are {ACTIVE_ALERTS_MAX} active alerts, which is the most one login may have"
        return AlertRefusal(AlertRefusalCode.TOO_MANY_ALERTS, message)

    def _put(self, alert: Alert, *, seen: Decimal | None = None) -> None:
        """Watch the alert as it is now, or not any more."""
        if alert.status is AlertStatus.ACTIVE:
            self._armed.arm(alert, seen=seen)
        else:
            self._armed.disarm(alert.alert_id)
        self._note(alert)

    def _keep(self, alert: Alert) -> None:
        """Take over what the watch did to an alert."""
        self._note(alert)
        self._unwritten.alerts[alert.alert_id] = alert

    def _note(self, alert: Alert) -> None:
        was_active = self._active.pop(alert.alert_id, None) is not None
        is_active = alert.status is AlertStatus.ACTIVE
        if is_active:
            self._active[alert.alert_id] = alert
        count = self._active_count.get(alert.login, 0) + is_active - was_active
        if count:
            self._active_count[alert.login] = count
        else:
            self._active_count.pop(alert.login, None)

    # ----------------------------------------------------------- writing

    async def _run(self) -> None:
        try:
            await self._write_until_stopped()
        except Exception as error:
            _log.critical("alerts have stopped: %r", error, exc_info=error)
            self._is_stopping = True
            self._undo(self._waiters, RecordsFault("alerts have stopped"))
            raise

    async def _write_until_stopped(self) -> None:
        while not self._is_stopping:
            await self._rest()
            self.expire()
            try:
                await self.flush()
            except RecordsFault as fault:
                _log.error("alerts could not be written, trying again: %s", fault)
                if not self._is_stopping:
                    await asyncio.sleep(self._flush_every_s)
        await self._flush_the_last()

    async def _rest(self) -> None:
        """Until something happens, the next alert's time is over, or a second has passed."""
        deadline = self._armed.next_deadline()
        rest_s = self._flush_every_s
        if deadline is not None:
            rest_s = max(0.0, min(rest_s, (deadline - self._clock.now()) / NS_PER_SECOND))
        await rest(self._wake, within_s=rest_s)

    async def flush(self) -> None:
        """Write all there is and tell it. RecordsFault if it cannot be: firings are kept, wishes undone."""
        async with self._flushing:
            self._pace.begin()
            self._take_changes()
            batch, self._unwritten = self._unwritten, AlertBatch()
            over, self._expired = self._expired, []
            waiters, self._waiters = self._waiters, []
            if not batch:
                return
            self._writing = batch
            try:
                numbers = await asyncio.to_thread(self._store.write, batch)
            except RecordsFault as fault:
                self._unwritten = batch.followed_by(self._unwritten)
                self._expired = over + self._expired
                # Those who came meanwhile built on what is undone now.
                self._undo(waiters + self._waiters, fault)
                raise
            finally:
                self._writing = AlertBatch()
            for waiter in waiters:
                _resolve(waiter.written)
            self._tell_all(batch, numbers, over)

    async def _flush_the_last(self) -> None:
        try:
            await self.flush()
        except RecordsFault as fault:
            _log.error("alerts stop with firings that could not be written: %s", fault)

    def _take_changes(self) -> None:
        seen, states = self._armed.take_changes()
        self._unwritten.seen.update({(price.symbol, price.side): price for price in seen})
        for alert_id, state in states.items():
            self._keep(replace(self._active[alert_id], state=state))

    def _undo(self, waiters: Sequence[_Waiter], fault: RecordsFault) -> None:
        """Alerts become again what they were before the wishes, and go on from the price of that moment.

        What they did since has not been: it happens with the next quote, if it is still true then.
        """
        self._waiters = []
        for waiter in reversed(waiters):
            old, since = waiter.old, waiter.audit.at
            self._put(old, seen=waiter.seen)
            unwritten = self._unwritten
            unwritten.alerts[old.alert_id] = old
            unwritten.audits.remove(waiter.audit)
            unwritten.firings = [
                each
                for each in unwritten.firings
                if each.alert.alert_id != old.alert_id or each.line.triggered_at < since
            ]
            self._expired = [alert for alert in self._expired if alert.alert_id != old.alert_id]
            _resolve(waiter.written, fault)

    def _tell_all(self, batch: AlertBatch, numbers: Sequence[tuple[int, int]], over: Sequence[Alert]) -> None:
        news = [AlertNews(alert) for alert in over]
        for happened, (log_id, notification_id) in zip(batch.firings, numbers, strict=True):
            line = replace(happened.line, log_id=log_id)
            news.append(
                AlertNews(happened.alert, line, replace(happened.notification, notification_id=notification_id))
            )
        for tell in self._tell:
            for item in news:
                tell(item)


def _resolve(future: "Future[None]", fault: RecordsFault | None = None) -> None:
    if fault is None:
        future.set_result(None)
    else:
        future.set_exception(fault)
        future.exception()  # Whoever waited may be gone.
