"""Records and what is valued of them, in the support door's words."""

from decimal import Decimal
from typing import Any, Final

from tradehall.analytics.latency import LatencySummary
from tradehall.analytics.metrics import Metrics
from tradehall.analytics.slippage import SlippageSummary
from tradehall.app.deployments.facts import reserved_of, value_of
from tradehall.app.deployments.ledger import Holding, Ledger
from tradehall.app.records.backtest_runs import BacktestRun
from tradehall.app.records.deployments import Deployment
from tradehall.app.records.listings import KIND as LISTING
from tradehall.app.records.listings import Listing
from tradehall.app.records.resets import Reset
from tradehall.app.records.scanners import Scanner
from tradehall.app.records.strategies import CATEGORIES, OTHER, Strategy
from tradehall.app.records.users import User
from tradehall.app.support.locking import LockEffects
from tradehall.app.support.measuring import (
    Against,
    LatencyFigures,
    LatencyRow,
    Performance,
    SlippageFigures,
    SlippageRow,
)
from tradehall.app.support.trips import SeenTrip
from tradehall.domain.money import ZERO, round_money, trimmed
from tradehall.domain.time import NS_PER_MS, NS_PER_SECOND, to_rfc3339
from tradehall.faces.kit import plain
from tradehall.faces.support import schemas
from tradehall.faces.support.support import Support
from tradehall.ports.audit import AuditEntry
from tradehall.ports.records import AuditLine
from tradehall.ports.trips import ExecutionQuery, TripStatus, TripTotals

_CENT: Final = Decimal("0.01")
# Where the records' words differ from the door's.
_ENTITIES: Final = {LISTING: "publication"}
KIND_OF_ENTITY: Final = {"publication": LISTING}


def stamp(at: int | None) -> str | None:
    """An instant as text."""
    return None if at is None else to_rfc3339(at)


def money(amount: Decimal) -> str:
    """An amount as text, without zeros at the end beyond cents."""
    short = trimmed(amount)
    exponent = short.as_tuple().exponent
    return plain(short.quantize(_CENT) if isinstance(exponent, int) and exponent > -2 else short)


def number(value: Decimal | None) -> str | None:
    """A price or a size as text."""
    return None if value is None else plain(value)


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


def category(category_id: int) -> schemas.CategoryShown:
    """A category by its number."""
    found = CATEGORIES.get(category_id, CATEGORIES[OTHER])
    return schemas.CategoryShown(found.category_id, found.label, found.description)


def strategy(support: Support, found: Strategy) -> schemas.StrategyShown:
    """A strategy as lists show it."""
    return schemas.StrategyShown(**_strategy_fields(support, found))


def whole_strategy(support: Support, found: Strategy, definition: dict[str, Any] | None) -> schemas.StrategyWhole:
    """A strategy with its newest definition and backtest."""
    latest = support.backtests.latest(found)
    return schemas.StrategyWhole(
        **_strategy_fields(support, found), definition=definition,
        latest_backtest=None if latest is None else backtest(latest),
    )  # fmt: skip


def _strategy_fields(support: Support, found: Strategy) -> dict[str, Any]:
    return {
        "id": found.strategy_id,
        "keygen": found.keygen,
        "user_id": found.user_id,
        "name": found.name,
        "symbol": found.symbol,
        "timeframe": found.timeframe,
        "category": category(found.category_id),
        "status": found.status.value,
        "is_copied": found.is_copied,
        "is_published": found.is_published,
        "notifications": found.notifications,
        "add_ons": found.add_ons,
        "active_deployment_count": support.strategies.active_deployments(found),
        "copier_count": found.copier_count,
        "created_at": to_rfc3339(found.created_at),
        "updated_at": to_rfc3339(found.updated_at),
        "deleted_at": stamp(found.deleted_at),
        "version": found.version,
    }


def backtest(found: BacktestRun) -> schemas.BacktestShown:
    """A backtest."""
    return schemas.BacktestShown(
        id=found.run_id, state=found.state.value, symbols=list(found.symbols), timeframe=found.timeframe,
        since=stamp(found.since), until=stamp(found.until), initial_cash=money(found.initial_cash),
        metrics=found.metrics, created_at=to_rfc3339(found.created_at), ended_at=stamp(found.ended_at),
    )  # fmt: skip


def publication(found: Strategy, listing: Listing | None) -> schemas.PublicationShown:
    """What the marketplace says of a strategy."""
    said = listing or Listing(found.strategy_id, False, found.name, category_id=found.category_id)
    return schemas.PublicationShown(
        said.strategy_id, said.published, said.title, said.summary, said.category_id, said.visibility.value,
        found.copier_count, stamp(said.published_at), stamp(said.unpublished_at), said.version,
    )  # fmt: skip


# Deployments.


def deployment(support: Support, found: Deployment) -> schemas.DeploymentShown:
    """A deployment as lists show it."""
    return schemas.DeploymentShown(**_deployment_fields(support, found))


def whole_deployment(support: Support, found: Deployment, lines: list[AuditLine]) -> schemas.DeploymentWhole:
    """A deployment with what it holds, and what happened to it."""
    ledger = support.runner.ledgers.get(found.deployment_id)
    holdings = [] if ledger is None else [_holding(support, ledger, each) for each in ledger.holdings]
    happened = [_happened(line) for line in lines if line.outcome == "ok"]
    return schemas.DeploymentWhole(**_deployment_fields(support, found), open_positions=holdings, events=happened)


def _deployment_fields(support: Support, found: Deployment) -> dict[str, Any]:
    ledger = support.runner.ledgers.get(found.deployment_id)
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
        "budget": _budget(support, found, ledger),
        "limits": schemas.LimitsShown(found.limits.max_open_positions, None if loss is None else money(loss)),
        "expires_at": stamp(found.expires_at),
        "open_trade_count": 0 if ledger is None else len(ledger.holdings),
        "closed_trade_count": 0 if ledger is None else ledger.tally.count,
        "last_signal_at": stamp(support.runner.last_signal_at(found.deployment_id)),
        "created_at": to_rfc3339(found.created_at),
        "updated_at": to_rfc3339(found.updated_at),
        "stopped_at": stamp(found.stopped_at),
        "version": found.version,
    }


def _budget(support: Support, found: Deployment, ledger: Ledger | None) -> schemas.BudgetShown | None:
    share = found.budget
    if share is None:
        return None
    reserved = ZERO if ledger is None else reserved_of(ledger, support.desk.state, share.currency)
    return schemas.BudgetShown(share.currency, money(share.allocated), money(reserved))


def _holding(support: Support, ledger: Ledger, holding: Holding) -> schemas.OpenPositionShown:
    account = support.desk.state.accounts.get(ledger.account_id)
    currency = None if account is None else account.terms.currency
    pnl = value_of(holding, currency, support.desk.quotes.get)
    return schemas.OpenPositionShown(
        holding.position_id, holding.symbol, holding.side.value.lower(), plain(holding.quantity),
        plain(holding.entry_price), money(round_money(pnl, currency or "USD")),
    )  # fmt: skip


def _happened(line: AuditLine) -> schemas.HappenedShown:
    after = {name: value for name, value in line.after.items() if name not in ("version", "updated_at")}
    detail = ", ".join(f"{name}: {value}" for name, value in after.items() if value is not None)
    return schemas.HappenedShown(to_rfc3339(line.at), line.action, (line.note or detail)[:300])


# Scanners.


def scanner(found: Scanner, last_match_at: int | None, count: int) -> schemas.ScannerShown:
    """A scanner with what it found so far."""
    return schemas.ScannerShown(
        id=found.scanner_id, keygen=found.keygen, user_id=found.user_id, name=found.name,
        pattern_type=found.pattern_type, universe=list(found.universe), timeframe=found.timeframe,
        state=found.state.value, last_match_at=stamp(last_match_at), match_count=count,
        created_at=to_rfc3339(found.created_at), updated_at=to_rfc3339(found.updated_at),
        deleted_at=stamp(found.deleted_at), version=found.version,
    )  # fmt: skip


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


def ms(span_ns: float | None) -> float | None:
    """A span in milliseconds, to the nanosecond: stages add up."""
    return None if span_ns is None else round(span_ns / NS_PER_MS, 6)


def latency(user_id: int, query: ExecutionQuery, found: LatencyFigures) -> schemas.LatencyShown:
    """Latency of a user's orders."""
    return schemas.LatencyShown(
        user_id, _window(query), found.total, latency_summary(found.summary),
        [latency_record(row) for row in found.rows],
        {name: latency_summary(each) for name, each in sorted(found.groups.items())},
    )  # fmt: skip


def latency_record(row: LatencyRow) -> schemas.LatencyRecord:
    """One order's latency."""
    stages = schemas.StagesShown(ms(row.decision_ns), ms(row.ack_ns), ms(row.fill_ns))
    return schemas.LatencyRecord(
        row.trip_id or None, f"ord_{row.order_id}", row.symbol, ms(row.latency_ns), stages, to_rfc3339(row.at)
    )


def latency_summary(found: LatencySummary | None) -> schemas.LatencySummaryShown:
    """Figures of latencies; of none, a count of none."""
    if found is None:
        return schemas.LatencySummaryShown(0, None, None, None, None, None)
    return schemas.LatencySummaryShown(
        found.count, ms(found.mean_ns), ms(found.p50_ns), ms(found.p95_ns), ms(found.p99_ns), ms(found.max_ns)
    )


def slippage(user_id: int, query: ExecutionQuery, against: Against, found: SlippageFigures) -> schemas.SlippageShown:
    """Slippage of a user's orders."""
    return schemas.SlippageShown(
        user_id, _window(query), against.value, found.total, slippage_summary(found.summary),
        [slippage_record(row) for row in found.rows],
        {name: slippage_summary(each) for name, each in sorted(found.groups.items())},
    )  # fmt: skip


def slippage_record(row: SlippageRow) -> schemas.SlippageRecord:
    """One order's slippage."""
    return schemas.SlippageRecord(
        row.trip_id or None, f"ord_{row.order_id}", row.symbol, "buy" if row.is_buy else "sell",
        number(row.reference), plain(row.fill_price), plain(row.quantity), number(row.price), number(row.ticks),
        None if row.bps is None else round(row.bps, 4), None if row.cost is None else money(row.cost), row.currency,
        to_rfc3339(row.at),
    )  # fmt: skip


def slippage_summary(found: SlippageSummary | None) -> schemas.SlippageSummaryShown:
    """Figures of slippages; of none, a count of none."""
    if found is None:
        return schemas.SlippageSummaryShown(0, None, None, None, None, {})
    mean, median, p95, worst = (
        round(each, 4) for each in (found.mean_bps, found.median_bps, found.p95_bps, found.worst_bps)
    )
    costs = {currency: money(amount) for currency, amount in sorted(found.total_cost.items())}
    return schemas.SlippageSummaryShown(found.count, mean, median, p95, worst, costs)


def _window(query: ExecutionQuery) -> schemas.WindowShown:
    return schemas.WindowShown(to_rfc3339(query.since), to_rfc3339(query.until))


def performance(
    strategy_id: int, deployment_id: int | None, since: int | None, until: int | None, found: Performance
) -> schemas.PerformanceShown:
    """What a strategy's round trips brought."""
    curve = [schemas.EquityPointShown(to_rfc3339(at), money(equity)) for at, equity in found.curve]
    return schemas.PerformanceShown(
        strategy_id, deployment_id, found.currency, stamp(since), stamp(until), found.is_adjusted,
        metrics(found.metrics, found.open_count), curve,
    )  # fmt: skip


def metrics(found: Metrics, open_count: int) -> schemas.MetricsShown:
    """The figures of round trips."""
    tally = found.tally
    holding = tally.holding_ns_average
    return schemas.MetricsShown(
        trade_count=tally.ended,
        open_trade_count=open_count,
        win_rate=_ratio(tally.win_rate),
        pnl=money(tally.net_pnl),
        gross_profit=money(tally.gross_profit),
        gross_loss=money(tally.gross_loss),
        profit_factor=_ratio(tally.profit_factor),
        total_return=_ratio(found.total_return),
        max_drawdown=_ratio(found.max_drawdown) or 0.0,
        max_drawdown_amount=money(found.max_drawdown_amount),
        sharpe_ratio=_ratio(found.sharpe),
        expectancy=None if tally.expectancy is None else money(tally.expectancy),
        avg_win=None if tally.average_win is None else money(tally.average_win),
        avg_loss=None if tally.average_loss is None else money(tally.average_loss),
        avg_holding_seconds=None if holding is None else round(holding / NS_PER_SECOND),
        fees=money(tally.fees),
    )


def _ratio(value: float | None) -> float | None:
    return None if value is None else round(value, 6)
