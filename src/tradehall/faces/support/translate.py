"""Records and what is valued of them, in the support door's words."""

from typing import Any, Final

from tradehall.app.records.backtest_runs import BacktestRun
from tradehall.app.records.deployments import Deployment
from tradehall.app.records.listings import KIND as LISTING
from tradehall.app.records.resets import Reset
from tradehall.app.records.scanners import Scanner
from tradehall.app.records.strategies import Strategy
from tradehall.app.records.users import User
from tradehall.app.support.locking import LockEffects
from tradehall.app.support.trips import SeenTrip
from tradehall.domain.time import to_rfc3339
from tradehall.faces.shown.backtests import backtest_metrics
from tradehall.faces.shown.deployments import DeploymentShown, deployment_fields, happened, open_positions
from tradehall.faces.shown.scanners import ScannerShown, scanner_fields
from tradehall.faces.shown.strategies import StrategyShown, strategy_fields
from tradehall.faces.shown.texts import money, number, stamp
from tradehall.faces.support import schemas
from tradehall.faces.support.support import Support
from tradehall.ports.audit import AuditEntry
from tradehall.ports.records import AuditLine
from tradehall.ports.trips import TripStatus, TripTotals

# Where the records' words differ from the door's.
_ENTITIES: Final = {LISTING: "publication"}
KIND_OF_ENTITY: Final = {"publication": LISTING}


# People.


def user(support: Support, found: User) -> schemas.UserShown:
    """A person."""
    return schemas.UserShown(**_user_fields(support, found))


def user_with_effects(support: Support, effects: LockEffects) -> schemas.UserWithEffects:
    """A person after a change of status, and what that did."""
    told = schemas.StatusEffectsShown(
        effects.sessions_revoked, list(effects.deployments_changed), effects.orders_cancelled,
        effects.positions_closed, effects.keys_revoked,
    )  # fmt: skip
    return schemas.UserWithEffects(**_user_fields(support, effects.user), effects=told)


def _user_fields(support: Support, found: User) -> dict[str, Any]:
    book = support.room.book
    return {
        "id": found.user_id,
        "unique_key": found.unique_key,
        "email": found.email,
        "phone": found.phone or None,
        "first_name": found.first_name,
        "last_name": found.last_name,
        "country": found.contact.country or None,
        "status": found.status.value,
        "email_verified": found.email_verified,
        "phone_verified": found.phone_verified,
        "account_logins": list(found.logins),
        "strategy_count": sum(not each.is_deleted for each in book.strategies.of_owner(found.user_id)),
        "active_deployment_count": sum(each.is_active for each in book.deployments.of_owner(found.user_id)),
        "last_login_at": stamp(support.identity.users.signed_in_at(found.user_id)),
        "created_at": to_rfc3339(found.created_at),
        "updated_at": to_rfc3339(found.updated_at),
        "version": found.version,
    }


def reset(found: Reset, link: str | None) -> schemas.ResetShown:
    """A password reset."""
    return schemas.ResetShown(
        found.reset_id, found.user_id, found.status.value, found.delivery.value, found.sent_to,
        to_rfc3339(found.expires_at), link,
    )  # fmt: skip


# Strategies.


def strategy(support: Support, found: Strategy) -> StrategyShown:
    """A strategy as lists show it."""
    return StrategyShown(**strategy_fields(found, support.strategies.active_deployments(found)))


def whole_strategy(support: Support, found: Strategy, definition: dict[str, Any] | None) -> schemas.StrategyWhole:
    """A strategy with its newest definition and backtest."""
    shared = strategy_fields(found, support.strategies.active_deployments(found))
    latest = support.backtests.latest(found)
    return schemas.StrategyWhole(
        **shared, definition=definition, latest_backtest=None if latest is None else backtest(latest)
    )


def backtest(found: BacktestRun) -> schemas.BacktestShown:
    """A backtest."""
    return schemas.BacktestShown(
        id=found.run_id, state=found.state.value, symbols=list(found.symbols), timeframe=found.timeframe,
        since=stamp(found.since), until=stamp(found.until), initial_cash=money(found.initial_cash),
        metrics=backtest_metrics(found), created_at=to_rfc3339(found.created_at), ended_at=stamp(found.ended_at),
    )  # fmt: skip


# Deployments.


def deployment(support: Support, found: Deployment) -> DeploymentShown:
    """A deployment as lists show it."""
    return DeploymentShown(**deployment_fields(support.desk, support.runner, found))


def whole_deployment(support: Support, found: Deployment, lines: list[AuditLine]) -> schemas.DeploymentWhole:
    """A deployment with what it holds and what happened to it."""
    shared = deployment_fields(support.desk, support.runner, found)
    holds = open_positions(support.desk, support.runner, found)
    return schemas.DeploymentWhole(**shared, open_positions=holds, events=happened(lines))


# Scanners.


def scanner(found: Scanner, last_match_at: int | None, count: int) -> ScannerShown:
    """A scanner with what it found so far."""
    return ScannerShown(**scanner_fields(found, last_match_at, count))


# Audit.


def audit(entry: AuditEntry) -> schemas.AuditShown:
    """An entry of the audit."""
    line = entry.line
    return schemas.AuditShown(
        entry.entry_id, to_rfc3339(line.at), line.domain, line.actor, line.role, line.ip, line.request_id, line.action,
        _ENTITIES.get(line.kind, line.kind), line.key, line.user_id, line.reason, line.before, line.after,
        line.outcome, line.error_code or None,
    )  # fmt: skip


# Trades.


def trade(seen: SeenTrip) -> schemas.TradeShown:
    """A round trip."""
    trip, facts = seen.trip, seen.facts
    floating = seen.unrealized_pnl
    return schemas.TradeShown(
        id=trip.trip_id,
        user_id=seen.user_id,
        account_login=trip.account_id,
        deployment_id=trip.deployment_id,
        strategy_id=seen.strategy_id,
        symbol=trip.symbol,
        side=trip.side.value.lower(),
        quantity=number(trip.quantity) or "0",
        status=seen.status.value,
        decision=f"open_{trip.side.value.lower()}",
        order_price=number(trip.order_price),
        entry_price=number(trip.entry_price),
        strike=number(facts.strike),
        stop_loss=number(trip.stop_loss),
        target=number(trip.target),
        exit_price=number(trip.exit_price),
        exit_reason=_exit_reason(seen),
        taken_at=stamp(facts.taken_at),
        closed_at=stamp(facts.closed_at),
        result=facts.result,
        gross_pnl=money(trip.gross_pnl),
        fees=money(trip.fees),
        swaps=money(trip.swaps),
        net_pnl=money(trip.net_pnl),
        unrealized_pnl=None if floating is None else money(floating),
        current_price=number(seen.current_price),
        currency=trip.currency,
        tickets=[trip.position_id] if trip.position_id else [],
        order_ids=[f"ord_{each}" for each in trip.order_ids],
        adjusted=seen.is_adjusted,
        original=_original(seen),
        created_at=to_rfc3339(trip.created_at),
        updated_at=to_rfc3339(max(trip.updated_at, seen.adjustment.updated_at if seen.adjustment else 0)),
        version=seen.version,
    )


def _exit_reason(seen: SeenTrip) -> str | None:
    """Of a trade that ended by a word alone: who said it."""
    if seen.status is not TripStatus.CLOSED:
        return None
    return seen.trip.exit_reason if seen.trip.status is TripStatus.CLOSED else "admin"


def _original(seen: SeenTrip) -> schemas.OriginalShown | None:
    if seen.adjustment is None or seen.adjustment.is_reverted:
        return None
    was = seen.adjustment.original
    return schemas.OriginalShown(stamp(was.taken_at), stamp(was.closed_at), number(was.strike), was.result)


def totals(found: TripTotals) -> schemas.TotalsShown:
    """What a filter's trades come to."""
    nets = {currency: money(amount) for currency, amount in sorted(found.net_pnl.items())}
    return schemas.TotalsShown(found.count, found.wins, found.losses, found.breakevens, nets, found.adjusted)


# Execution quality.
