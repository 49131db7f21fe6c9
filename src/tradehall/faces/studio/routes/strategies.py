"""Strategies: made, judged, changed, copied, deleted and restored."""

from typing import Any

from tradehall.app.deployments.deleting import OfDeployments
from tradehall.app.records.strategies import CATEGORIES, OTHER, Strategy, StrategyStatus
from tradehall.app.strategies.definitions import problems_of
from tradehall.app.strategies.strategies import NewStrategy, StrategyPatch
from tradehall.app.strategies.templates import TEMPLATES
from tradehall.faces.kit import BadRequest, Request, Response, decode, decode_query, json_response
from tradehall.faces.kit.pages import PageQuery, cut_page, in_order, page_of
from tradehall.faces.kit.writes import expected_version
from tradehall.faces.shown.asked import check_words, number_in_path
from tradehall.faces.shown.strategies import DeletionEffects
from tradehall.faces.studio import requests, schemas, translate
from tradehall.faces.studio.auth import actor_of, owner_of, reach_of
from tradehall.faces.studio.studio import Studio

_SORTED_BY = {
    "created_at": lambda each: each.created_at,
    "updated_at": lambda each: each.updated_at,
    "name": lambda each: each.name.lower(),
}
_KNOWN_STATUSES = [status.value for status in StrategyStatus]


async def get_strategies(studio: Studio, request: Request) -> Response:
    """A page of one's strategies, newest first; deleted ones only where they are asked for."""
    query = decode_query(request, requests.StrategiesQuery)
    check_words("status", query.status, _KNOWN_STATUSES)
    found = [each for each in studio.strategies.visible(reach_of(request.principal)) if _is_asked_for(each, query)]
    ordered = in_order(found, query.sort, _SORTED_BY, "strategy_id")
    return json_response(cut_page(ordered, query, lambda each: translate.strategy(studio, each)))


async def post_strategy(studio: Studio, request: Request) -> Response:
    """Make a strategy of a definition or a template; a draft may do without."""
    body = decode(request, requests.NewStrategyRequest)
    wish = NewStrategy(
        name=body.name, symbol=body.symbol, timeframe=body.timeframe, definition=_definition(body),
        is_draft=body.draft, category_id=category_of(body.category, OTHER),
    )  # fmt: skip
    made = await studio.strategies.create(wish, owner_of(request.principal), by=actor_of(request))
    return json_response(await _whole(studio, made), 201)


async def post_validation(studio: Studio, request: Request) -> Response:
    """Judge a definition: all its problems with their paths, or what it says in plain language."""
    body = decode(request, requests.DefinitionRequest)
    problems = problems_of(body.definition, studio.desk.state.instruments)
    shown = [schemas.ProblemShown(each.path, each.problem) for each in problems]
    text = "" if problems else translate.text_of(body.definition)
    return json_response(schemas.Validation(not problems, shown, text))


async def get_strategy(studio: Studio, request: Request) -> Response:
    """One strategy, by number or keygen, with its newest definition."""
    found = studio.strategies.get(reach_of(request.principal), request.params["id"])
    return json_response(await _whole(studio, found))


async def put_strategy(studio: Studio, request: Request) -> Response:
    """Change a strategy; every definition becomes a version of its own."""
    body = decode(request, requests.StrategyRequest)
    patch = StrategyPatch(
        name=body.name, symbol=body.symbol, timeframe=body.timeframe, definition=body.definition,
        category_id=None if body.category is None else category_of(body.category, OTHER),
        notifications=body.notifications, is_draft=body.draft,
    )  # fmt: skip
    changed = await studio.strategies.update(
        reach_of(request.principal), request.params["id"], patch, by=actor_of(request),
        expected=expected_version(request),
    )  # fmt: skip
    return json_response(await _whole(studio, changed))


async def delete_strategy(studio: Studio, request: Request) -> Response:
    """Delete a strategy; it can be restored. Running deployments refuse it, unless they are to stop."""
    said = decode_query(request, requests.DeleteQuery).deployments
    if said not in tuple(OfDeployments):
        raise BadRequest("deployments", "must be refuse, stop or stop_and_close", found=said, place="query")
    deleted = await studio.deletion.delete(
        reach_of(request.principal), request.params["id"], OfDeployments(said), by=actor_of(request),
        expected=expected_version(request),
    )  # fmt: skip
    effects = DeletionEffects(deleted.unpublished, list(deleted.deployments_stopped))
    return json_response(schemas.DeletionShown(translate.strategy(studio, deleted.strategy), effects))


async def post_restoration(studio: Studio, request: Request) -> Response:
    """Restore a deleted strategy: active, never published."""
    restored = await studio.strategies.restore(
        reach_of(request.principal), request.params["id"], by=actor_of(request), expected=expected_version(request)
    )
    return json_response(await _whole(studio, restored))


async def post_copy(studio: Studio, request: Request) -> Response:
    """A new strategy with the newest definition of this one."""
    body = decode(request, requests.CopyRequest)
    principal = request.principal
    made = await studio.strategies.copy(
        reach_of(principal), request.params["id"], owner_of(principal), by=actor_of(request), title=body.name
    )
    return json_response(await _whole(studio, made), 201)


async def get_versions(studio: Studio, request: Request) -> Response:
    """A page of the versions of a definition, newest first."""
    query = decode_query(request, PageQuery)
    found = studio.strategies.get(reach_of(request.principal), request.params["id"])
    newest = found.definition_version - query.offset
    versions = await studio.strategies.versions(found, first=newest - query.size + 1, last=newest)
    shown = [translate.version(each) for each in versions] if newest > 0 else []
    return json_response(page_of(shown, found.definition_version, query))


async def get_version(studio: Studio, request: Request) -> Response:
    """One version of a definition."""
    found = studio.strategies.get(reach_of(request.principal), request.params["id"])
    version = await studio.strategies.version(found, number_in_path(request.params["n"]))
    if version is None:
        raise translate.not_found(f"there is no version {request.params['n'][:20]}")
    return json_response(translate.version(version))


# Steps of the above.


def _is_asked_for(found: Strategy, query: requests.StrategiesQuery) -> bool:
    has_status = found.status.value in query.status if query.status else not found.is_deleted
    return (
        has_status
        and (not query.symbol or found.symbol in query.symbol)
        and (not query.timeframe or found.timeframe in query.timeframe)
        and query.is_published in (None, found.is_published)
        and query.q.lower() in found.name.lower()
    )


def _definition(body: requests.NewStrategyRequest) -> dict[str, Any] | None:
    """The one that was given, or the template's."""
    if body.definition is not None and body.template is not None:
        raise BadRequest("template", "is given beside a definition: exactly one of them is wanted")
    if body.template is not None:
        if body.template not in TEMPLATES:
            raise BadRequest("template", f"must be one of {', '.join(TEMPLATES)}", found=body.template[:40])
        return dict(TEMPLATES[body.template])
    if body.definition is None and not body.draft:
        raise BadRequest("definition", "is missing: give a definition or a template, or make a draft")
    return body.definition


def category_of(said: int | str | None, default: int) -> int:
    """A category by number or label; an unknown one is left to the service to refuse."""
    if said is None:
        return default
    if isinstance(said, str):
        found = [each.category_id for each in CATEGORIES.values() if each.label.lower() == said.lower()]
        if not found:
            labels = ", ".join(each.label for each in CATEGORIES.values())
            raise BadRequest("category", f"must be one of {labels}, or its number", found=said[:40])
        return found[0]
    return said


async def _whole(studio: Studio, found: Strategy) -> schemas.StrategyWhole:
    return translate.whole_strategy(studio, found, await studio.strategies.version(found))
