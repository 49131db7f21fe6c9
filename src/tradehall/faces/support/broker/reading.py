"""The broker layer's lists and figures."""

from typing import Any

from tradehall.app.studio.reach import Reach
from tradehall.app.support.measuring import LATENCY_FIELDS, SLIPPAGE_FIELDS, Against
from tradehall.domain.time import to_rfc3339
from tradehall.faces.kit import Request, Response, decode_query, json_response
from tradehall.faces.kit.pages import PageQuery, in_order
from tradehall.faces.support import translate as words
from tradehall.faces.support.auth import domain_of, reach_of
from tradehall.faces.support.broker import requests, schemas, translate
from tradehall.faces.support.broker.errors import not_found
from tradehall.faces.support.figures import translate as measured
from tradehall.faces.support.support import Support, user_of
from tradehall.ports.trips import ExecutionQuery, TripQuery

_NEWEST = {"created_at": lambda each: each.created_at}
_NOBODY = -1


async def get_registered_users(support: Support, request: Request) -> Response:
    """A page of the domain's users, the newest first."""
    query = decode_query(request, PageQuery)
    found = in_order(support.identity.users.all(domain=domain_of(request)), "-created_at", _NEWEST, "user_id")
    return _page("users", [translate.user(each) for each in _cut(found, query)], len(found), query)


async def get_user_strategies(support: Support, request: Request) -> Response:
    """A page of a user's strategies, deleted ones too."""
    query = decode_query(request, requests.UserQuery)
    reach = Reach(user_id=user_of(support, request, query.user_email).user_id)
    found = in_order(support.strategies.visible(reach), "-created_at", _NEWEST, "strategy_id")
    return _page("strategies", [translate.strategy(each) for each in _cut(found, query)], len(found), query)


async def get_all_user_deployments(support: Support, request: Request) -> Response:
    """A page of a user's deployments."""
    query = decode_query(request, requests.UserQuery)
    reach = Reach(user_id=user_of(support, request, query.user_email).user_id)
    found = in_order(support.deployments.visible(reach), "-created_at", _NEWEST, "deployment_id")
    return _page("deployments", [translate.deployment(support, each) for each in _cut(found, query)], len(found), query)


async def get_all_user_scanners(support: Support, request: Request) -> Response:
    """A page of a user's scanners, deleted ones too."""
    query = decode_query(request, requests.UserQuery)
    reach = Reach(user_id=user_of(support, request, query.user_email).user_id)
    found = in_order(support.scanners.visible(reach), "-created_at", _NEWEST, "scanner_id")
    return _page("scanners", [translate.scanner(support, each) for each in _cut(found, query)], len(found), query)


async def get_trades_by_deployments(support: Support, request: Request) -> Response:
    """A page of the trades that a user's deployments made."""
    query = decode_query(request, requests.UserQuery)
    user_id = user_of(support, request, query.user_email).user_id
    numbers = tuple(each.deployment_id for each in support.room.book.deployments.of_owner(user_id))
    return await _trades(support, query, TripQuery(deployments=numbers or (_NOBODY,)))


async def get_trades_by_strategy(support: Support, request: Request) -> Response:
    """A page of the trades that a strategy made."""
    query = decode_query(request, requests.StrategyTradesQuery)
    strategy = support.strategies.get(reach_of(request), query.strategy_keygen)
    numbers = tuple(each.deployment_id for each in support.room.book.deployments.of_strategy(strategy.strategy_id))
    return await _trades(support, query, TripQuery(deployments=numbers or (_NOBODY,)))


async def get_latency_by_email(support: Support, request: Request) -> Response:
    """How long a user's newest orders took."""
    query = decode_query(request, requests.RecordsQuery)
    wanted = _executions(support, request, query, LATENCY_FIELDS)
    found = await support.executions.latency(wanted, limit=query.limit, grouping=None)
    rows = [
        {"trade_id": row.trip_id or None, "latency_ms": measured.ms(row.latency_ns), "timestamp": to_rfc3339(row.at)}
        for row in found.rows
    ]
    return json_response(schemas.Records(rows, found.total))


async def get_slippage_by_email(support: Support, request: Request) -> Response:
    """What a user's newest fills were worse than the price that was wanted [bps]."""
    query = decode_query(request, requests.RecordsQuery)
    wanted = _executions(support, request, query, SLIPPAGE_FIELDS, is_filled=True)
    found = await support.executions.slippage(wanted, Against.DECISION, limit=query.limit, grouping=None)
    rows = [
        {
            "trade_id": row.trip_id or None,
            "slippage": None if row.bps is None else round(row.bps, 4),
            "timestamp": to_rfc3339(row.at),
        }
        for row in found.rows
    ]
    return json_response(schemas.Records(rows, found.total))


async def get_performance(support: Support, request: Request) -> Response:
    """What a deployment of a strategy brought."""
    query = decode_query(request, requests.PerformanceQuery)
    strategy = support.strategies.get(reach_of(request), str(query.strategy_id))
    deployment = support.deployments.get(reach_of(request), query.deployment_id)
    if deployment.strategy_id != strategy.strategy_id:
        raise not_found("deployment")
    found = await support.performance.of([deployment], since=None, until=None, is_adjusted=True)
    shown = measured.metrics(found.metrics, found.open_count)
    short = schemas.ShortMetrics(shown.total_return, shown.sharpe_ratio, shown.max_drawdown, shown.win_rate, shown.pnl)
    return json_response(schemas.ShortPerformance(query.strategy_id, query.deployment_id, short))


async def get_recent_backtest(support: Support, request: Request) -> Response:
    """The newest backtest of a strategy."""
    query = decode_query(request, requests.BacktestQuery)
    latest = support.backtests.latest(support.strategies.get(reach_of(request), query.strategy_keygen))
    if latest is None:
        raise not_found("backtest")
    return json_response(words.backtest(latest))


# Steps of the above.


def _cut(found: list[Any], query: PageQuery) -> list[Any]:
    return found[query.offset : query.offset + query.size]


def _page(name: str, rows: list[translate.Row], total: int, query: PageQuery) -> Response:
    return json_response(translate.paged(name, rows, total, query))


async def _trades(support: Support, query: PageQuery, wanted: TripQuery) -> Response:
    page = TripQuery(deployments=wanted.deployments, limit=query.size, offset=query.offset)
    found, totals = await support.trips.page(page)
    return _page("trades", [translate.trade(each) for each in found], totals.count, query)


def _executions(
    support: Support, request: Request, query: requests.RecordsQuery, fields: frozenset[str], *, is_filled: bool = False
) -> ExecutionQuery:
    logins = user_of(support, request, query.user_email).logins
    now = max(support.desk.clock.now(), support.desk.state.now)
    return ExecutionQuery(
        accounts=logins, since=0, until=now + 1, fields=fields, is_filled=is_filled, has_exits=is_filled
    )
