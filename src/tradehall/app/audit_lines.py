"""What the journal's decisions are in the audit trail: who limited, halted, moved or was refused what.

The life of orders that went well is not told twice: the journal, chained itself, has it. A wish of an operator is
told whatever came of it.
"""

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any, Final

from msgspec.structs import replace

from tradehall.app.records.audit import HOUSE, Actor
from tradehall.domain.account import MarginState
from tradehall.domain.rejection import RejectCode, Rejection
from tradehall.domain.strategy import TradingState
from tradehall.engine import commands as cmd
from tradehall.engine import events as ev
from tradehall.engine.record import Record
from tradehall.ports.records import AuditLine

INFO: Final = "INFO"
WARNING: Final = "WARNING"
CRITICAL: Final = "CRITICAL"

Entity = tuple[str, object]


def lines_of(record: Record, actor: Actor | None) -> list[AuditLine]:
    """The lines of a decision, oldest first; `actor` asked for it, None: nobody whom a door of operators knows."""
    who = actor or HOUSE
    if actor is not None and actor.name and type(record.command) in _WISHES:
        wish = _of_wish(record, who)
        return [wish, *_of_events(record, who)] if wish is not None else list(_of_events(record, who))
    return list(_of_events(record, who))


def concerns_audit(record: Record) -> bool:
    """Whether a decision has lines even if no operator asked for it; quick, for it is asked of every decision."""
    return not _TOLD.isdisjoint(map(type, record.events))


def _of_events(record: Record, who: Actor) -> Iterator[AuditLine]:
    for event in record.events:
        teller = _TELLERS.get(type(event))
        if teller is not None:
            yield from teller(event, _Page(record, who))


class _Page:
    """Where lines of one decision are written."""

    def __init__(self, record: Record, who: Actor) -> None:
        self.record = record
        self._who = who

    def line(self, action: str, entity: Entity, account_id: int, **more: Any) -> AuditLine:
        """A line; `actor` and `reason` of the event count where no door said who it was."""
        who, actor, reason = self._who, more.pop("actor", ""), more.pop("reason", "")
        return AuditLine(
            self.record.now, actor if who is HOUSE and actor else who.name, action, entity[0], str(entity[1]),
            more.pop("note", ""), domain=who.domain, role=who.role, ip=who.ip, request_id=who.request_id,
            reason=reason or who.reason, **more,
        )  # fmt: skip


def refused(rejection: Rejection) -> dict[str, Any]:
    """What a line keeps of a refusal."""
    numbers = {name: str(value) for name, value in rejection.numbers.items()}
    return {
        "note": rejection.message,
        "outcome": "refused",
        "error_code": rejection.code.value,
        "severity": WARNING,
    } | ({"after": numbers} if numbers else {})


def _allocated(amount: Decimal | None) -> dict[str, Any]:
    return {} if amount is None else {"allocated": str(amount)}


def _budget_set(event: ev.BudgetSet, page: _Page) -> Iterator[AuditLine]:
    yield page.line(
        "budget.created" if event.before is None else "budget.updated",
        ("budget", f"{event.strategy_id}:{event.currency}"), event.account_id,
        before=_allocated(event.before), after=_allocated(event.allocated), actor=event.actor, reason=event.reason,
    )  # fmt: skip


def _budget_removed(event: ev.BudgetRemoved, page: _Page) -> Iterator[AuditLine]:
    yield page.line(
        "budget.deleted", ("budget", f"{event.strategy_id}:{event.currency}"), event.account_id,
        before=_allocated(event.before), actor=event.actor, reason=event.reason,
    )  # fmt: skip


def _limits_set(event: ev.StrategyLimitsSet, page: _Page) -> Iterator[AuditLine]:
    limits = {name: getattr(event.limits, name) for name in event.limits.__struct_fields__}
    told = {name: str(value) for name, value in limits.items() if value is not None}
    yield page.line(
        "strategy.limits", ("strategy", event.strategy_id), event.account_id,
        after=told, actor=event.actor, reason=event.reason,
    )  # fmt: skip


def _state_set(event: ev.TradingStateSet, page: _Page) -> Iterator[AuditLine]:
    kind, key = ("account", event.account_id) if event.strategy_id is None else ("strategy", event.strategy_id)
    yield page.line(
        f"{kind}.state", (kind, key), event.account_id, actor=event.actor, reason=event.reason,
        before={"trading_state": event.before.value}, after={"trading_state": event.trading_state.value},
        severity=INFO if event.trading_state is TradingState.NORMAL else WARNING,
    )  # fmt: skip


def _strategy_registered(event: ev.StrategyRegistered, page: _Page) -> Iterator[AuditLine]:
    after = {"account_id": str(event.account_id)}
    yield page.line("strategy.book_opened", ("strategy", event.strategy_id), event.account_id, after=after)


def _order_rejected(event: ev.OrderRejected, page: _Page) -> Iterator[AuditLine]:
    terms, rejection = event.terms, event.rejection
    yield page.line("order.denied", ("order", shown_order(event.order_id)), terms.account_id, **refused(rejection))
    if rejection.code is RejectCode.BUDGET_EXCEEDED and terms.strategy_id is not None:
        entity = ("budget", f"{terms.strategy_id}:{rejection.currency or ''}")
        yield page.line("budget.exceeded", entity, terms.account_id, **refused(rejection))


def _order_failed(event: ev.OrderFailed, page: _Page) -> Iterator[AuditLine]:
    entity = ("order", shown_order(event.order_id))
    yield page.line("order.rejected", entity, event.account_id, **refused(event.rejection))


def _request_refused(event: ev.RequestRefused, page: _Page) -> Iterator[AuditLine]:
    action, entity = _WISHES.get(type(page.record.command), _NO_WISH)(page.record.command)
    if event.order_id is not None:
        entity = ("order", shown_order(event.order_id))
    yield page.line(action, entity, event.account_id, **refused(event.rejection))


def _account_opened(event: ev.AccountOpened, page: _Page) -> Iterator[AuditLine]:
    terms = event.terms
    after = {"currency": terms.currency, "position_mode": terms.position_mode.value, "leverage": str(terms.leverage)}
    yield page.line("account.opened", ("account", terms.account_id), terms.account_id, after=after)


def _account_updated(event: ev.AccountUpdated, page: _Page) -> Iterator[AuditLine]:
    terms = event.terms
    after = {"status": terms.status.value, "leverage": str(terms.leverage), "budget_required": terms.budget_required}
    yield page.line("account.updated", ("account", terms.account_id), terms.account_id, after=after)


FUNDS: Final = frozenset({ev.EntryKind.DEPOSIT, ev.EntryKind.WITHDRAWAL, ev.EntryKind.ADJUSTMENT})


def _balance_changed(event: ev.BalanceChanged, page: _Page) -> Iterator[AuditLine]:
    if event.entry in FUNDS:
        before, after = {"balance": str(event.balance - event.amount)}, {"balance": str(event.balance)}
        yield page.line(
            "account.funds", ("account", event.account_id), event.account_id,
            before=before, after=after, note=event.comment,
        )  # fmt: skip


_MARGIN_SEVERITY: Final = {MarginState.NORMAL: INFO, MarginState.CALLED: WARNING, MarginState.STOPPED_OUT: CRITICAL}
assert _MARGIN_SEVERITY.keys() == set(MarginState)


def _margin_changed(event: ev.MarginStateChanged, page: _Page) -> Iterator[AuditLine]:
    after = {"margin_state": event.state.value, "equity": str(event.equity), "margin_used": str(event.margin_used)}
    entity, severity = ("account", event.account_id), _MARGIN_SEVERITY[event.state]
    yield page.line("account.margin", entity, event.account_id, after=after, severity=severity)


_TELLERS: Final[dict[type, Callable[[Any, _Page], Iterator[AuditLine]]]] = {
    ev.BudgetSet: _budget_set,
    ev.BudgetRemoved: _budget_removed,
    ev.StrategyLimitsSet: _limits_set,
    ev.TradingStateSet: _state_set,
    ev.StrategyRegistered: _strategy_registered,
    ev.OrderRejected: _order_rejected,
    ev.OrderFailed: _order_failed,
    ev.RequestRefused: _request_refused,
    ev.AccountOpened: _account_opened,
    ev.AccountUpdated: _account_updated,
    ev.BalanceChanged: _balance_changed,
    ev.MarginStateChanged: _margin_changed,
}
_TOLD: Final = frozenset(_TELLERS)


def _of_wish(record: Record, who: Actor) -> AuditLine | None:
    """An operator's wish that was carried out, where no event tells of it by itself."""
    if type(record.command) in _TOLD_BY_EVENTS or any(type(event) in _REFUSALS for event in record.events):
        return None
    action, entity = _WISHES[type(record.command)](record.command)
    accepted = next((event for event in record.events if type(event) is ev.OrderAccepted), None)
    if accepted is not None and entity[0] == "order":
        entity = ("order", shown_order(accepted.order_id))
    return _Page(record, who).line(action, entity, 0)


def shown_order(order_id: int) -> str:
    """An order as doors print it."""
    return f"ord_{order_id}"


_Wish = Callable[[Any], tuple[str, Entity]]

_WISHES: Final[dict[type, _Wish]] = {
    cmd.PlaceOrder: lambda wish: ("order.submitted", ("order", wish.terms.client_order_id or "")),
    cmd.AmendOrder: lambda wish: ("order.amended", ("order", shown_order(wish.order_id))),
    cmd.CancelOrder: lambda wish: ("order.canceled", ("order", shown_order(wish.order_id))),
    cmd.CancelAllOrders: lambda wish: ("account.orders_canceled", ("account", wish.account_id)),
    cmd.ClosePosition: lambda wish: ("position.closed", ("position", f"pos_{wish.position_id}")),
    cmd.CloseAllPositions: lambda wish: ("account.positions_closed", ("account", wish.account_id)),
    cmd.SetPositionExits: lambda wish: ("position.exits", ("position", f"pos_{wish.position_id}")),
    cmd.MoveFunds: lambda wish: ("account.funds", ("account", wish.account_id)),
    cmd.UpdateAccount: lambda wish: ("account.updated", ("account", wish.account_id)),
    cmd.OpenAccount: lambda wish: ("account.opened", ("account", wish.terms.account_id)),
    cmd.RegisterStrategy: lambda wish: ("strategy.book_opened", ("strategy", wish.strategy_id)),
    cmd.SetBudget: lambda wish: ("budget.updated", ("budget", f"{wish.strategy_id}:{wish.currency}")),
    cmd.RemoveBudget: lambda wish: ("budget.deleted", ("budget", f"{wish.strategy_id}:{wish.currency}")),
    cmd.SetStrategyLimits: lambda wish: ("strategy.limits", ("strategy", wish.strategy_id)),
    cmd.SetTradingState: lambda wish: ("account.state", ("account", wish.account_id)),
    cmd.KillSwitch: lambda wish: ("account.killed", ("account", wish.account_id)),
}
_NO_WISH: Final[_Wish] = lambda wish: ("request.refused", ("account", getattr(wish, "account_id", "")))
_REFUSALS: Final = frozenset({ev.RequestRefused, ev.OrderRejected})
_TOLD_BY_EVENTS: Final = frozenset(
    {cmd.MoveFunds, cmd.UpdateAccount, cmd.OpenAccount, cmd.RegisterStrategy, cmd.SetBudget, cmd.RemoveBudget,
     cmd.SetStrategyLimits, cmd.SetTradingState}
)  # fmt: skip


def noop(actor: Actor, at: int, action: str, entity: Entity) -> AuditLine:
    """A wish that changed nothing, because all was so already."""
    return replace(refusal(actor, at, action, entity, code="", message=""), outcome="noop", severity=INFO)


def refusal(actor: Actor, at: int, action: str, entity: Entity, *, code: str, message: str) -> AuditLine:
    """A wish that was refused before anybody decided about it."""
    return AuditLine(
        at, actor.name, action, entity[0], str(entity[1]), message, domain=actor.domain, role=actor.role,
        ip=actor.ip, request_id=actor.request_id, reason=actor.reason, outcome="refused", error_code=code,
        severity=WARNING,
    )  # fmt: skip
