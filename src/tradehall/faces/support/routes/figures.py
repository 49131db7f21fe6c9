"""Execution quality: latency and slippage of a user's orders, performance of a strategy."""

from typing import Final

from tradehall.app.records.deployments import Mode
from tradehall.app.studio.refusals import StudioCode, StudioRefused
from tradehall.app.support.measuring import LATENCY_FIELDS, SLIPPAGE_FIELDS, Against, Grouping
from tradehall.domain.catalogue import resolve_symbol
from tradehall.domain.time import NS_PER_DAY, NS_PER_HOUR, NS_PER_MINUTE
from tradehall.faces.kit import BadRequest, Request, Response, decode_query, json_response
from tradehall.faces.shown.asked import check_words, instant
from tradehall.faces.support import requests
from tradehall.faces.support.auth import reach_of
from tradehall.faces.support.figures import translate
from tradehall.faces.support.routes.strategies import strategy_of
from tradehall.faces.support.support import Support, user_of
from tradehall.ports.trips import ExecutionQuery

WINDOWS: Final = {
    "5m": 5 * NS_PER_MINUTE, "1h": NS_PER_HOUR, "24h": NS_PER_DAY, "7d": 7 * NS_PER_DAY, "30d": 30 * NS_PER_DAY,
}  # fmt: skip
_MODES: Final = [mode.value for mode in Mode]


async def get_latency(support: Support, request: Request) -> Response:
    """How long a user's orders took, stage by stage: the newest, and figures of all in the window."""
    query = decode_query(request, requests.AnalyticsQuery)
    user = user_of(support, request)
    wanted = execution_query(support, query, user.logins, LATENCY_FIELDS)
    found = await support.executions.latency(wanted, limit=query.limit, grouping=_grouping(query))
    return json_response(translate.latency(user.user_id, wanted, found))


async def get_slippage(support: Support, request: Request) -> Response:
    """What a user's fills were worse than a reference price, signed by side: the newest, and figures of all."""
    query = decode_query(request, requests.SlippageQuery)
    if query.against not in tuple(Against):
        raise BadRequest("against", f"must be one of {', '.join(Against)}", found=query.against[:40], place="query")
    user = user_of(support, request)
    wanted = execution_query(support, query, user.logins, SLIPPAGE_FIELDS, is_filled=True)
    against = Against(query.against)
    found = await support.executions.slippage(wanted, against, limit=query.limit, grouping=_grouping(query))
    return json_response(translate.slippage(user.user_id, wanted, against, found))


async def get_performance(support: Support, request: Request) -> Response:
    """What a strategy's round trips brought, by the figures of a backtest's report."""
    query = decode_query(request, requests.PerformanceQuery)
    check_words("mode", query.mode, _MODES)
    strategy = strategy_of(support, request)
    chosen = [
        each
        for each in support.room.book.deployments.of_strategy(strategy.strategy_id)
        if reach_of(request).covers(each) and (not query.mode or each.mode.value in query.mode)
    ]
    if query.deployment_id is not None:
        chosen = [each for each in chosen if each.deployment_id == query.deployment_id]
        if not chosen:
            raise StudioRefused(StudioCode.DEPLOYMENT_NOT_FOUND, "the strategy has no such deployment")
    since, until = instant("from", query.since, place="query"), instant("to", query.until, place="query")
    found = await support.performance.of(chosen, since=since, until=until, is_adjusted=query.adjusted)
    return json_response(translate.performance(strategy.strategy_id, query.deployment_id, since, until, found))


def execution_query(
    support: Support, query: requests.AnalyticsQuery, logins: tuple[int, ...], fields: frozenset[str], *,
    is_filled: bool = False,
) -> ExecutionQuery:  # fmt: skip
    """Which orders are meant. BadRequest for a window that is none."""
    check_words("mode", query.mode, _MODES)
    # The engine's instants may be some ns ahead of the clock: each decision has its own.
    since, until = _window(query, max(support.desk.clock.now(), support.desk.state.now))
    instruments = support.desk.state.instruments
    is_none = bool(query.mode) and Mode.PAPER.value not in query.mode  # Every order of this house is on paper.
    return ExecutionQuery(
        accounts=() if is_none else logins, since=since, until=until, fields=fields,
        deployments=tuple(query.deployment_id),
        symbols=tuple(resolve_symbol(each, instruments) or each for each in query.symbol),
        is_filled=is_filled, has_exits=is_filled,
    )  # fmt: skip


def _window(query: requests.AnalyticsQuery, now: int) -> tuple[int, int]:
    since, until = instant("from", query.since, place="query"), instant("to", query.until, place="query")
    if query.window and (since is not None or until is not None):
        raise BadRequest("window", "stands alone: give it, or from and to", place="query")
    if query.window and query.window not in WINDOWS:
        raise BadRequest("window", f"must be one of {', '.join(WINDOWS)}", found=query.window[:40], place="query")
    if since is None and until is None:
        return now - WINDOWS[query.window or "24h"], now + 1
    end = now + 1 if until is None else until
    return (max(0, end - WINDOWS["24h"]) if since is None else since), end


def _grouping(query: requests.AnalyticsQuery) -> Grouping | None:
    if not query.group_by:
        return None
    if query.group_by not in tuple(Grouping):
        raise BadRequest("group_by", f"must be one of {', '.join(Grouping)}", found=query.group_by[:40], place="query")
    return Grouping(query.group_by)
