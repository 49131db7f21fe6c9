"""Deployments: what they are, what they hold, what happened to them."""

from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from tradehall.app.deployments.facts import reserved_of, value_of
from tradehall.app.deployments.ledger import Holding, Ledger
from tradehall.app.deployments.runner import Runner
from tradehall.app.desk import Desk
from tradehall.app.records.deployments import Deployment
from tradehall.domain.money import ZERO, round_money
from tradehall.domain.time import to_rfc3339
from tradehall.faces.kit import plain
from tradehall.faces.shown.texts import instants_told, money, stamp
from tradehall.ports.records import AuditLine

DETAIL_MAX = 300
# Of a deployment that changed: every change changes these.
_NOT_TOLD = ("version", "updated_at")


class BudgetShown(Struct, frozen=True):
    """Its share, and how much of it is tied up."""

    currency: str
    allocated: str
    reserved: str


class LimitsShown(Struct, frozen=True):
    """None: no such limit."""

    max_open_positions: int | None
    max_daily_loss: str | None


class DeploymentShown(Struct, frozen=True, kw_only=True):
    """A deployment as lists show it."""

    id: int
    user_id: int | None
    strategy_id: int
    strategy_keygen: str
    account_login: int
    mode: str
    symbols: list[str]
    size: str
    size_type: str
    leverage: int
    strict_sl: bool
    state: str
    active: bool
    state_reason: str | None
    budget: BudgetShown | None
    limits: LimitsShown
    expires_at: str | None
    open_trade_count: int
    closed_trade_count: int
    last_signal_at: str | None
    created_at: str
    updated_at: str
    stopped_at: str | None
    version: int


class OpenPositionShown(Struct, frozen=True):
    """What it has open: `ticket` is the position's number, None where several share it."""

    ticket: int | None
    symbol: str
    side: str
    quantity: str
    entry_price: str
    unrealized_pnl: str


class HappenedShown(Struct, frozen=True):
    """Something that was asked of a deployment, or happened to it."""

    at: str
    type: str
    detail: str


def deployment_fields(desk: Desk, runner: Runner, found: Deployment) -> dict[str, Any]:
    """The fields of DeploymentShown."""
    ledger = runner.ledgers.get(found.deployment_id)
    loss = found.limits.max_daily_loss
    return {
        "id": found.deployment_id,
        "user_id": found.user_id,
        "strategy_id": found.strategy_id,
        "strategy_keygen": found.keygen,
        "account_login": found.account_id,
        "mode": found.mode.value,
        "symbols": list(found.symbols),
        "size": plain(found.size),
        "size_type": found.size_type.value,
        "leverage": found.leverage,
        "strict_sl": found.strict_sl,
        "state": found.state.value,
        "active": found.is_active,
        "state_reason": found.state_reason,
        "budget": _budget(desk, found, ledger),
        "limits": LimitsShown(found.limits.max_open_positions, None if loss is None else money(loss)),
        "expires_at": stamp(found.expires_at),
        "open_trade_count": 0 if ledger is None else len(ledger.holdings),
        "closed_trade_count": 0 if ledger is None else ledger.tally.count,
        "last_signal_at": stamp(runner.last_signal_at(found.deployment_id)),
        "created_at": to_rfc3339(found.created_at),
        "updated_at": to_rfc3339(found.updated_at),
        "stopped_at": stamp(found.stopped_at),
        "version": found.version,
    }


def _budget(desk: Desk, found: Deployment, ledger: Ledger | None) -> BudgetShown | None:
    share = found.budget
    if share is None:
        return None
    reserved = ZERO if ledger is None else reserved_of(ledger, desk.state, share.currency)
    return BudgetShown(share.currency, money(share.allocated), money(reserved))


def open_positions(desk: Desk, runner: Runner, found: Deployment) -> list[OpenPositionShown]:
    """What a deployment holds, valued at the latest quotes; nothing where it is not at work."""
    ledger = runner.ledgers.get(found.deployment_id)
    return [] if ledger is None else [_holding(desk, ledger, each) for each in ledger.holdings]


def _holding(desk: Desk, ledger: Ledger, holding: Holding) -> OpenPositionShown:
    account = desk.state.accounts.get(ledger.account_id)
    currency = None if account is None else account.terms.currency
    pnl = value_of(holding, currency, desk.quotes.get)
    return OpenPositionShown(
        holding.position_id, holding.symbol, holding.side.value.lower(), plain(holding.quantity),
        plain(holding.entry_price), money(round_money(pnl, currency or "USD")),
    )  # fmt: skip


def happened(lines: Sequence[AuditLine]) -> list[HappenedShown]:
    """What the audit has of a deployment, but for what was refused or changed nothing."""
    return [_happened(line) for line in lines if line.outcome == "ok"]


def _happened(line: AuditLine) -> HappenedShown:
    after = instants_told(line.after, "started_at", "stopped_at", "resumed_at", "expires_at", "created_at")
    told = (f"{name}: {value}" for name, value in after.items() if name not in _NOT_TOLD and value is not None)
    detail = ", ".join(told)
    return HappenedShown(to_rfc3339(line.at), line.action, (line.note or detail)[:DETAIL_MAX])
