"""Records and what is valued of them, in the studio's words."""

from decimal import Decimal
from typing import Any

from tradehall.app.marketplace import Listed, Performance
from tradehall.app.records.backtest_runs import BacktestRun
from tradehall.app.records.deployments import Deployment
from tradehall.app.records.scanners import Scanner
from tradehall.app.records.strategies import Strategy, StrategyVersion
from tradehall.app.scanners.scanners import scan_of
from tradehall.domain.money import ZERO, trimmed
from tradehall.domain.time import to_rfc3339
from tradehall.faces.kit import Problem, ProblemKind, plain
from tradehall.faces.shown.backtests import backtest_metrics
from tradehall.faces.shown.deployments import deployment_fields, happened, open_positions
from tradehall.faces.shown.scanners import scanner_fields
from tradehall.faces.shown.strategies import category, strategy_fields
from tradehall.faces.shown.texts import money, number, stamp
from tradehall.faces.studio import schemas
from tradehall.faces.studio.studio import Studio
from tradehall.ports.deployments import EquityPoint, Match, Signal
from tradehall.ports.records import AuditLine
from tradehall.strategies.definition import DefinitionError
from tradehall.strategies.indicators import Indicator, ParameterRule
from tradehall.strategies.reading import parse
from tradehall.strategies.scanners import scan_text
from tradehall.strategies.text import definition_text


def text_of(definition: dict[str, Any] | None) -> str:
    """A definition in plain words; "" where it cannot be run."""
    if definition is None:
        return ""
    try:
        return definition_text(parse(definition))
    except DefinitionError:
        return ""


def strategy(studio: Studio, found: Strategy) -> schemas.StrategyShown:
    """A strategy as lists show it."""
    return schemas.StrategyShown(**_strategy_fields(studio, found))


def whole_strategy(studio: Studio, found: Strategy, version: StrategyVersion | None) -> schemas.StrategyWhole:
    """A strategy with its newest definition."""
    definition = None if version is None else version.definition
    latest = studio.backtests.latest(found)
    return schemas.StrategyWhole(
        **_strategy_fields(studio, found), definition=definition, text=text_of(definition),
        latest_backtest=None if latest is None else backtest(latest),
    )  # fmt: skip


def _strategy_fields(studio: Studio, found: Strategy) -> dict[str, Any]:
    shared = strategy_fields(found, studio.strategies.active_deployments(found))
    return {**shared, "program": found.program.value, "definition_version": found.definition_version}


def version(found: StrategyVersion) -> schemas.VersionShown:
    """One version of a definition."""
    return schemas.VersionShown(
        found.number, found.symbol, found.timeframe, found.definition, text_of(found.definition),
        to_rfc3339(found.created_at), found.actor,
    )  # fmt: skip


def listed(found: Listed, definition: dict[str, Any] | None) -> schemas.ListingShown:
    """A listing as others see it."""
    listing, of = found.listing, found.strategy
    return schemas.ListingShown(
        strategy_id=listing.strategy_id, keygen=of.keygen, title=listing.title, summary=listing.summary,
        category=category(listing.category_id), visibility=listing.visibility.value, symbol=of.symbol,
        timeframe=of.timeframe, text=text_of(definition), copier_count=of.copier_count,
        published_at=stamp(listing.published_at), performance=performance(found.performance),
    )  # fmt: skip


def performance(found: Performance) -> schemas.PerformanceShown:
    """What deployments really did."""
    return schemas.PerformanceShown(
        found.round_trips, found.wins, found.losses, found.open_positions, found.currency,
        None if found.net_pnl is None else money(found.net_pnl), found.win_rate, found.profit_factor,
    )  # fmt: skip


# Deployments.


def deployment(studio: Studio, found: Deployment) -> schemas.DeploymentShown:
    """A deployment as lists show it."""
    return schemas.DeploymentShown(**_deployment_fields(studio, found))


def whole_deployment(studio: Studio, found: Deployment, lines: list[AuditLine]) -> schemas.DeploymentWhole:
    """A deployment with what it holds, and what happened to it."""
    holds = open_positions(studio.desk, studio.runner, found)
    return schemas.DeploymentWhole(**_deployment_fields(studio, found), open_positions=holds, events=happened(lines))


def _deployment_fields(studio: Studio, found: Deployment) -> dict[str, Any]:
    ledger = studio.runner.ledgers.get(found.deployment_id)
    return {
        **deployment_fields(studio.desk, studio.runner, found),
        "program": found.program.value,
        "definition_version": found.definition_version,
        "net_pnl": money(ZERO if ledger is None else ledger.net_pnl),
        "started_at": stamp(found.started_at),
    }


def signal(found: Signal) -> schemas.SignalShown:
    """A signal."""
    return schemas.SignalShown(
        id=found.signal_id, deployment_id=found.deployment_id, strategy_id=found.keygen,
        account_login=found.account_id, symbol=found.symbol, at=to_rfc3339(found.at),
        bar_at=to_rfc3339(found.bar_at), rule=found.rule, action=found.action, price=plain(found.price),
        quantity=number(found.quantity), stop_loss=number(found.stop_loss), take_profit=number(found.take_profit),
        outcome=found.outcome.value, reason=found.reason, order_ids=[f"ord_{each}" for each in found.order_ids],
        client_order_id=found.client_order_id,
    )  # fmt: skip


def equity(found: EquityPoint) -> schemas.EquityShown:
    """A point of an equity curve."""
    return schemas.EquityShown(
        to_rfc3339(found.at), money(found.equity), money(found.realized_pnl), money(found.unrealized_pnl)
    )


# Backtests, scanners, indicators.


def backtest(found: BacktestRun) -> schemas.BacktestShown:
    """A backtest."""
    return schemas.BacktestShown(
        id=found.run_id, strategy_id=found.strategy_id, strategy_keygen=found.keygen,
        definition_version=found.definition_version, symbols=list(found.symbols), timeframe=found.timeframe,
        from_=stamp(found.since), to=stamp(found.until), initial_cash=money(found.initial_cash), costs=found.costs,
        state=found.state.value, progress=round(found.progress, 4), reason=found.reason,
        metrics=backtest_metrics(found), created_at=to_rfc3339(found.created_at), started_at=stamp(found.started_at),
        ended_at=stamp(found.ended_at), version=found.version,
    )  # fmt: skip


def scanner(found: Scanner, newest: Match | None, count: int) -> schemas.ScannerShown:
    """A scanner with what it found so far."""
    try:
        text = scan_text(scan_of(found))
    except DefinitionError:
        text = ""
    shared = scanner_fields(found, None if newest is None else newest.at, count)
    return schemas.ScannerShown(**shared, pattern=found.pattern, condition=found.condition, text=text)


def match(found: Match) -> schemas.MatchShown:
    """A match."""
    return schemas.MatchShown(
        found.match_id or None, found.scanner_id, found.symbol, found.timeframe, found.pattern,
        to_rfc3339(found.bar_at), to_rfc3339(found.at), plain(found.price),
        {1: "up", -1: "down"}.get(found.direction),
    )  # fmt: skip


def indicator(found: Indicator) -> schemas.IndicatorShown:
    """An indicator."""
    return schemas.IndicatorShown(
        found.name, found.title, found.group, [field.value for field in found.of],
        [field.value for field in found.fields], [_parameter(rule) for rule in found.parameters],
        [each or "value" for each in found.outputs], found.is_pattern,
    )  # fmt: skip


def _parameter(rule: ParameterRule) -> schemas.ParameterShown:
    def shown(value: object) -> object:
        return plain(value) if isinstance(value, Decimal) else value

    return schemas.ParameterShown(
        rule.name, shown(rule.default), shown(rule.minimum), shown(rule.maximum), list(rule.choices)
    )


def not_found(message: str) -> Problem:
    """There is no such thing."""
    return Problem(ProblemKind.NOT_FOUND, message)


def round_trip(found: dict[str, Any]) -> schemas.RoundTripShown:
    """A round trip of a backtest, as it is kept."""
    net = Decimal(found["net_pnl"]) if "net_pnl" in found else ZERO
    closed_at = found.get("closed_at")
    result = None if closed_at is None else "win" if net > 0 else "loss" if net < 0 else "breakeven"
    exit_price = found.get("exit_price")
    return schemas.RoundTripShown(
        id=found["round_trip_id"], symbol=found["symbol"], side=found["side"].lower(),
        quantity=_trimmed(found["quantity"]), entry_price=_trimmed(found["entry_price"]),
        exit_price=None if exit_price is None else _trimmed(exit_price), opened_at=to_rfc3339(found["opened_at"]),
        closed_at=stamp(closed_at), gross_pnl=found.get("gross_pnl", "0"), fees=found.get("fees", "0"),
        net_pnl=plain(net), currency=found["currency"], exit_reason=found.get("exit_reason", ""), result=result,
    )  # fmt: skip


def _trimmed(text: str) -> str:
    """A number as text, without zeros at its end."""
    return plain(trimmed(Decimal(text)))
