"""Deployments: looked at, paused, resumed, stopped, started again, changed."""

import asyncio
from typing import Final

from msgspec import UNSET

from tradehall.app.deployments.transitions import Action
from tradehall.app.deployments.wishes import DeploymentPatch
from tradehall.app.records.deployments import KIND, Deployment, DeploymentState, Mode, StopPolicy
from tradehall.app.studio.reach import Reach
from tradehall.app.studio.refusals import StudioRefused
from tradehall.faces.kit import BadRequest, Request, Response, decode, decode_query, json_response
from tradehall.faces.kit.pages import cut_page, in_order
from tradehall.faces.kit.writes import expected_version
from tradehall.faces.shown.asked import check_words, instant, is_chosen, is_within, number_in_path
from tradehall.faces.support import requests, translate
from tradehall.faces.support.auth import actor_of, reach_of, require_role
from tradehall.faces.support.manners import ADMIN, changed_nothing
from tradehall.faces.support.support import Support, user_of

EVENTS_SHOWN: Final = 20
_SORTED_BY = {
    "created_at": lambda each: each.created_at,
    "updated_at": lambda each: each.updated_at,
}
_STATES: Final = [state.value for state in DeploymentState]
_MODES: Final = [mode.value for mode in Mode]
# What the desk calls what is asked of a deployment, and which of it an agent may ask.
_ACTIONS: Final = {
    "pause": (Action.PAUSE, StopPolicy.CANCEL),
    "resume": (Action.RESUME, StopPolicy.CANCEL),
    "stop": (Action.STOP, StopPolicy.CANCEL),
    "stop_and_close": (Action.STOP, StopPolicy.FLATTEN),
    "restart": (Action.RESTART, StopPolicy.CANCEL),
}
_OF_AGENTS: Final = frozenset({"pause", "stop", "stop_and_close"})


async def get_deployments(support: Support, request: Request) -> Response:
    """A page of a user's deployments, newest first."""
    query = decode_query(request, requests.DeploymentsQuery)
    check_words("state", query.state, _STATES)
    check_words("mode", query.mode, _MODES)
    since, until = instant("from", query.since, place="query"), instant("to", query.until, place="query")
    reach = Reach(user_id=user_of(support, request).user_id)
    found = [
        each
        for each in support.deployments.visible(reach)
        if _is_asked_for(each, query) and is_within(each.created_at, since, until)
    ]
    last_at = support.runner.last_signal_at
    fields = {**_SORTED_BY, "last_signal_at": lambda each: last_at(each.deployment_id)}
    ordered = in_order(found, query.sort, fields, "deployment_id")
    return json_response(cut_page(ordered, query, lambda each: translate.deployment(support, each)))


async def get_deployment(support: Support, request: Request) -> Response:
    """One deployment with what it holds, and what happened to it lately."""
    found = support.deployments.get(reach_of(request), number_in_path(request.params["id"]))
    number = str(found.deployment_id)
    lines = await asyncio.to_thread(support.room.store.audit_lines, KIND, number, limit=EVENTS_SHOWN)
    return json_response(translate.whole_deployment(support, found, lines))


async def patch_deployment(support: Support, request: Request) -> Response:
    """Pause, resume, stop, start again, or change parameters, which count from the next signal."""
    body = decode(request, requests.DeploymentRequest)
    if body.action is not None and body.action not in _ACTIONS:
        raise BadRequest("action", f"must be one of {', '.join(_ACTIONS)}", found=body.action[:40])
    patch = _patch(body)
    if patch.says_something or (body.action is not None and body.action not in _OF_AGENTS):
        require_role(request, ADMIN)
    if body.action is None and not patch.says_something:
        raise BadRequest("action", "or a parameter must be given")
    reach, number, by = reach_of(request), number_in_path(request.params["id"]), actor_of(request, body.reason)
    expected = expected_version(request)
    if body.action is None:
        before = support.deployments.get(reach, number)
        after = await support.deployments.update(reach, number, patch, by=by, expected=expected)
        if after == before:
            changed_nothing(request)
        return json_response(translate.deployment(support, after))
    action, policy = _ACTIONS[body.action]
    wanted = patch if patch.says_something else None
    try:
        acted = await support.deployments.act(
            reach, number, action, by=by, policy=policy, patch=wanted, expected=expected
        )
    except StudioRefused as refused:
        raise _in_words_of_the_door(refused, body.action) from None
    return json_response(translate.deployment(support, acted))


def _in_words_of_the_door(refused: StudioRefused, action: str) -> StudioRefused:
    """The same refusal; actions, where it names some, as this door calls them."""
    allowed = refused.details.get("allowed")
    if allowed is None:
        return refused
    words = [word for word, (each, _) in _ACTIONS.items() if each.value in allowed]
    return StudioRefused(refused.code, refused.message, refused.details | {"action": action, "allowed": words})


def _patch(body: requests.DeploymentRequest) -> DeploymentPatch:
    limits = body.limits or requests.LimitsRequest()
    count, loss = limits.max_open_positions, limits.max_daily_loss
    expiry = instant("expires_at", body.expires_at or None) if body.expires_at is not UNSET else None
    if body.expires_at == "":
        raise BadRequest("expires_at", "must be an RFC 3339 time, or null", found="")
    return DeploymentPatch(
        size=body.size,
        leverage=body.leverage,
        strict_sl=body.strict_sl,
        symbols=None if body.symbols is None else tuple(body.symbols),
        max_open_positions=None if count is UNSET else count,
        max_daily_loss=None if loss is UNSET else loss,
        expires_at=expiry,
        clear_max_daily_loss=loss is None,
        clear_expiry=body.expires_at is None,
    )


def _is_asked_for(found: Deployment, query: requests.DeploymentsQuery) -> bool:
    return (
        query.active in (None, found.is_active)
        and is_chosen(query.state, found.state.value)
        and is_chosen(query.mode, found.mode.value)
        and is_chosen(query.strategy_id, str(found.strategy_id), found.keygen)
        and is_chosen(query.symbol, *found.symbols)
        and is_chosen(query.account_login, found.account_id)
    )
