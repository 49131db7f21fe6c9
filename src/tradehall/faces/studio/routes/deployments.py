"""Deployments: made, paused, resumed, stopped, started again; what they do, and why not."""

import asyncio

from tradehall.app.deployments.transitions import Action
from tradehall.app.deployments.wishes import NewDeployment
from tradehall.app.records.deployments import KIND, BudgetShare, Deployment, DeploymentLimits, DeploymentState, Mode
from tradehall.faces.kit import BadRequest, Request, Response, decode, decode_query, json_response
from tradehall.faces.kit.pages import cut_page, in_order, page_of
from tradehall.faces.kit.writes import expected_version
from tradehall.faces.shown.asked import check_words, instant, number_in_path
from tradehall.faces.studio import requests, translate
from tradehall.faces.studio.auth import actor_of, reach_of
from tradehall.faces.studio.studio import Studio
from tradehall.faces.studio.why import why
from tradehall.ports.deployments import EquityQuery, SignalQuery

EVENTS_SHOWN = 20
_SORTED_BY = {
    "created_at": lambda each: each.created_at,
    "updated_at": lambda each: each.updated_at,
}
_STATES = [state.value for state in DeploymentState]
_MODES = [mode.value for mode in Mode]


async def get_deployments(studio: Studio, request: Request) -> Response:
    """A page of one's deployments, newest first."""
    query = decode_query(request, requests.DeploymentsQuery)
    check_words("state", query.state, _STATES)
    check_words("mode", query.mode, _MODES)
    found = [each for each in studio.deployments.visible(reach_of(request.principal)) if _is_asked_for(each, query)]
    last_at = studio.runner.last_signal_at
    fields = {**_SORTED_BY, "last_signal_at": lambda each: last_at(each.deployment_id)}
    ordered = in_order(found, query.sort, fields, "deployment_id")
    return json_response(cut_page(ordered, query, lambda each: translate.deployment(studio, each)))


async def post_deployment(studio: Studio, request: Request) -> Response:
    """Deploy a strategy: it starts at once, and looks at the bars that close from then on."""
    body = decode(request, requests.NewDeploymentRequest)
    if body.size is None:
        raise BadRequest("size", "is missing: how much is an entry?")
    limits = body.limits or requests.LimitsRequest()
    wish = NewDeployment(
        strategy=str(body.strategy_id), mode=body.mode, symbols=tuple(body.symbols or ()), size=body.size,
        size_type=body.size_type, account_id=body.account_login,
        budget=None if body.budget is None else BudgetShare(body.budget.currency.upper(), body.budget.allocated),
        limits=DeploymentLimits(limits.max_open_positions, limits.max_daily_loss), leverage=body.leverage,
        strict_sl=body.strict_sl, expires_at=instant("expires_at", body.expires_at),
    )  # fmt: skip
    made = await studio.deployments.create(reach_of(request.principal), wish, by=actor_of(request))
    return json_response(translate.deployment(studio, made), 201)


async def get_deployment(studio: Studio, request: Request) -> Response:
    """One deployment with what it holds, and what happened to it lately."""
    found = _named(studio, request)
    lines = await asyncio.to_thread(studio.room.store.audit_lines, KIND, str(found.deployment_id), limit=EVENTS_SHOWN)
    return json_response(translate.whole_deployment(studio, found, lines))


async def post_pause(studio: Studio, request: Request) -> Response:
    """Pause: it opens and closes nothing; exits that rest at the market stay."""
    return await _act(studio, request, Action.PAUSE)


async def post_resume(studio: Studio, request: Request) -> Response:
    """Go on; what closed in between is not its business."""
    return await _act(studio, request, Action.RESUME)


async def post_stop(studio: Studio, request: Request) -> Response:
    """Stop, and leave what is there, cancel entry orders, or close all that it opened."""
    policy = decode(request, requests.StopRequest).policy
    stopped = await studio.deployments.act(
        reach_of(request.principal), _number(request), Action.STOP, by=actor_of(request), policy=policy,
        expected=expected_version(request),
    )  # fmt: skip
    return json_response(translate.deployment(studio, stopped))


async def post_restart(studio: Studio, request: Request) -> Response:
    """Start again what has stopped or failed; what it still holds is its own as before."""
    return await _act(studio, request, Action.RESTART)


async def get_why(studio: Studio, request: Request) -> Response:
    """Why has it not traded? Its last looks, what blocks it, and when it looks next."""
    limit = decode_query(request, requests.WhyQuery).limit
    return json_response(why(studio, _named(studio, request), limit))


async def get_signals(studio: Studio, request: Request) -> Response:
    """A page of its signals and what became of them, newest first."""
    query = decode_query(request, requests.PeriodQuery)
    wanted = SignalQuery(
        deployment_id=_named(studio, request).deployment_id, symbol=query.symbol or None,
        since=instant("from", query.since, place="query"), until=instant("to", query.until, place="query"),
        limit=query.size, offset=query.offset,
    )  # fmt: skip
    found, total = await asyncio.to_thread(studio.store.signals, wanted)
    return json_response(page_of([translate.signal(each) for each in found], total, query))


async def get_equity(studio: Studio, request: Request) -> Response:
    """A page of what it was worth, newest first: the share it began with, and all it brought."""
    query = decode_query(request, requests.PeriodQuery)
    deployment = _named(studio, request)
    wanted = EquityQuery(
        deployment_id=deployment.deployment_id, since=instant("from", query.since, place="query"),
        until=instant("to", query.until, place="query"), limit=query.size, offset=query.offset,
    )  # fmt: skip
    found, total = await asyncio.to_thread(studio.store.equity, wanted)
    return json_response(page_of([translate.equity(each) for each in found], total, query))


# Steps of the above.


async def _act(studio: Studio, request: Request, action: Action) -> Response:
    acted = await studio.deployments.act(
        reach_of(request.principal), _number(request), action, by=actor_of(request), expected=expected_version(request)
    )
    return json_response(translate.deployment(studio, acted))


def _number(request: Request) -> int:
    return number_in_path(request.params["id"])


def _named(studio: Studio, request: Request) -> Deployment:
    return studio.deployments.get(reach_of(request.principal), _number(request))


def _is_asked_for(found: Deployment, query: requests.DeploymentsQuery) -> bool:
    return (
        query.active in (None, found.is_active)
        and (not query.state or found.state.value in query.state)
        and (not query.mode or found.mode.value in query.mode)
        and query.strategy_id in ("", str(found.strategy_id), found.keygen)
        and (not query.symbol or any(symbol in found.symbols for symbol in query.symbol))
        and query.account_login in (None, found.account_id)
    )
