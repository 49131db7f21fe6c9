"""Backtests: started, followed, read, cancelled."""

from decimal import Decimal

from tradehall.app.backtests.runs import NewRun
from tradehall.app.records.backtest_runs import BacktestRun, RunState
from tradehall.faces.kit import Request, Response, decode, decode_query, json_response
from tradehall.faces.kit.pages import PageQuery, cut_page, in_order
from tradehall.faces.shown.asked import check_words, instant, number_in_path
from tradehall.faces.studio import requests, schemas, translate
from tradehall.faces.studio.auth import actor_of, reach_of
from tradehall.faces.studio.studio import Studio

DEFAULT_CASH = Decimal(100_000)
_SORTED_BY = {
    "created_at": lambda each: each.created_at,
    "ended_at": lambda each: each.ended_at,
}
_STATES = [state.value for state in RunState]


async def post_backtest(studio: Studio, request: Request) -> Response:
    """Queue a backtest of the newest definition over the house's own history."""
    body = decode(request, requests.BacktestRequest)
    wish = NewRun(
        since=instant("from", body.since), until=instant("to", body.until), symbols=tuple(body.symbols or ()),
        initial_cash=body.initial_cash or DEFAULT_CASH, costs=body.costs or {},
    )  # fmt: skip
    run = await studio.backtests.create(reach_of(request.principal), request.params["id"], wish, by=actor_of(request))
    return json_response(schemas.BacktestQueued(run.run_id, run.state.value), 202)


async def get_backtests(studio: Studio, request: Request) -> Response:
    """A page of one's backtests, newest first."""
    query = decode_query(request, requests.BacktestsQuery)
    check_words("state", query.state, _STATES)
    found = [each for each in studio.backtests.visible(reach_of(request.principal)) if _is_asked_for(each, query)]
    ordered = in_order(found, query.sort, _SORTED_BY, "run_id")
    return json_response(cut_page(ordered, query, translate.backtest))


async def get_backtest(studio: Studio, request: Request) -> Response:
    """One backtest: its state, how far it is, and its figures when it is completed."""
    return json_response(translate.backtest(_named(studio, request)))


async def get_report(studio: Studio, request: Request) -> Response:
    """The report of a completed backtest, a page that needs nothing else."""
    page = await studio.backtests.report(reach_of(request.principal), _number(request))
    return Response(200, page, content_type=b"text/html; charset=utf-8")


async def get_trades(studio: Studio, request: Request) -> Response:
    """A page of the round trips of a completed backtest, in the order of their ends."""
    query = decode_query(request, PageQuery)
    found = await studio.backtests.round_trips(reach_of(request.principal), _number(request))
    return json_response(cut_page(found, query, translate.round_trip))


async def delete_backtest(studio: Studio, request: Request) -> Response:
    """Cancel a backtest; one that is over stays as it is."""
    run = await studio.backtests.cancel(reach_of(request.principal), _number(request), by=actor_of(request))
    return json_response(translate.backtest(run))


def _number(request: Request) -> int:
    return number_in_path(request.params["id"])


def _named(studio: Studio, request: Request) -> BacktestRun:
    return studio.backtests.get(reach_of(request.principal), _number(request))


def _is_asked_for(found: BacktestRun, query: requests.BacktestsQuery) -> bool:
    has_state = not query.state or found.state.value in query.state
    return has_state and query.strategy_id in ("", str(found.strategy_id), found.keygen)
