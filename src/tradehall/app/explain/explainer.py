"""Explain: the life of one order, read from the journal, decided again, and told."""

import asyncio
from collections.abc import Sequence
from copy import copy
from typing import Protocol

from tradehall.app.audit_lines import shown_order
from tradehall.app.desk import Desk
from tradehall.app.explain.history import History, history_of, terms_made
from tradehall.app.explain.scene import Scene
from tradehall.app.explain.sentences import summary
from tradehall.app.explain.shapes import Explanation, Otherwise, Redecided, Step
from tradehall.app.explain.telling import Streams, readable, steps_of
from tradehall.app.explain.walk import Walk
from tradehall.app.past import Past
from tradehall.app.snapshots import Snapshots
from tradehall.domain.fill import Fill
from tradehall.domain.order import Order, OrderStatus
from tradehall.engine import events as ev
from tradehall.engine.record import Record
from tradehall.engine.replay import Difference
from tradehall.ports.audit import AuditEntry, AuditField, AuditQuery

AUDIT_MAX = 100


class AuditPages(Protocol):
    """Where lines about an order are read; AuditTrail is one."""

    async def page(self, query: AuditQuery) -> tuple[list[AuditEntry], int]:
        """A page, newest first, and how many entries match."""
        ...


class Explainer:
    """Explains orders of a house. Belongs to the thread of the running loop.

    `past`: explanations and looks into the past come one at a time, for each takes up to a second of a core.
    `audit` None: no lines are told. `streams`: what each door's stream says of an event.
    """

    def __init__(
        self,
        desk: Desk,
        past: Past,
        snapshots: Snapshots,
        audit: AuditPages | None = None,
        streams: Streams | None = None,
    ) -> None:
        self._desk = desk
        self._past = past
        self._snapshots = snapshots
        self._audit = audit
        self._streams: Streams = streams or {}

    async def explain(self, order: Order, *, for_owner: bool = False) -> Explanation:
        """The life of an order that is durable. TooManyTravellers.

        `for_owner`: of lines of the audit trail, who asked from where is left out.
        """
        order = copy(order)
        lines = await self._lines(order, for_owner=for_owner)
        async with self._past.turn():
            told = await asyncio.to_thread(self._told, order, self._desk.views.fills_of(order.order_id))
        steps = sorted([*told.steps, *lines], key=lambda step: step.at)
        return Explanation(told.order_id, told.account_id, told.outcome, told.text, steps, told.redecided)

    def _told(self, order: Order, fills: Sequence[Fill]) -> Explanation:
        """In a thread of its own: nothing of the desk is read here but what never changes."""
        history = history_of(self._desk.writer.journal, order, fills)
        telling = _Telling(self._desk, order, Walk(self._desk.writer.journal, self._snapshots), self._streams)
        for record in history.records:
            telling.add(record)
        return telling.done(history)

    async def _lines(self, order: Order, *, for_owner: bool) -> list[Step]:
        if self._audit is None:
            return []
        wanted = {AuditField.KIND: "order", AuditField.KEY: shown_order(order.order_id)}
        entries, _ = await self._audit.page(AuditQuery(wanted=wanted, limit=AUDIT_MAX))
        return [_audited(entry, for_owner=for_owner) for entry in reversed(entries)]


class _Telling:
    """One explanation being made."""

    def __init__(self, desk: Desk, order: Order, walk: Walk, streams: Streams) -> None:
        self._order = order
        self._instrument = desk.state.instruments[order.terms.symbol]
        self._currency = desk.state.accounts[order.terms.account_id].terms.currency
        self._walk = walk
        self._streams = streams
        self._terms = order.terms
        self._steps: list[Step] = []
        self._differences: list[Otherwise] = []
        self._decided = 0
        self._left_out: list[int] = []

    def add(self, record: Record) -> None:
        """Tell a record, and decide it again."""
        self._terms = terms_made(record, self._order.order_id) or self._terms
        scene = Scene(record, self._order.order_id, self._terms, self._instrument, self._currency)
        state = self._walk.before(record.seq)
        self._steps += steps_of(scene, state, self._streams)
        for event in record.events:
            if isinstance(event, ev.OrderAmended) and event.order_id == self._order.order_id:
                self._terms = event.terms
        if state is None:
            self._left_out.append(record.seq)
            return
        self._decided += 1
        if (difference := self._walk.decide_again(record)) is not None:
            self._differences.append(_otherwise(difference))

    def done(self, history: History) -> Explanation:
        """All that was found."""
        order = self._order
        if history.unsearched is not None:
            self._steps.append(_gap(history, history.unsearched))
        refusals = [step.text for step in self._steps if step.kind == "refused"]
        is_refused = order.status is OrderStatus.REJECTED and bool(refusals)
        return Explanation(
            order.order_id,
            order.terms.account_id,
            order.status.value,
            refusals[0] if is_refused else summary(order, self._instrument),
            self._steps,
            Redecided(not self._differences, self._differences, self._decided, self._left_out),
        )


def _gap(history: History, unsearched: int) -> Step:
    last = [record for record in history.records if record.seq < unsearched][-1]
    text = (
        f"Too much has happened since: from record {unsearched} on only its fills and its last change were looked for"
    )
    return Step(last.now, last.seq, "gap", text, {"from_seq": unsearched})


def _otherwise(difference: Difference) -> Otherwise:
    expected, found = readable(difference.expected), readable(difference.found)
    return Otherwise(difference.seq, expected, found, difference.error)


def _audited(entry: AuditEntry, *, for_owner: bool) -> Step:
    line = entry.line
    said = f"In the audit trail: {line.action}, {line.outcome}" + (f": {line.note}" if line.note else "")
    data = {"entry_id": entry.entry_id, "action": line.action, "outcome": line.outcome, "severity": line.severity}
    if not for_owner:
        data |= {"actor": line.actor, "role": line.role, "reason": line.reason, "request_id": line.request_id}
        said = f"{said} (by {line.actor})"
    return Step(line.at, 0, "audit", said, data)
