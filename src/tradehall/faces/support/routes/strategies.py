"""Strategies of the domain's people: looked at, deleted, restored, published; what they brought."""

from tradehall.app.deployments.deleting import OfDeployments
from tradehall.app.marketplace import ListingFields
from tradehall.app.records.strategies import Strategy, StrategyStatus
from tradehall.app.studio.reach import Reach
from tradehall.faces.kit import BadRequest, Request, Response, decode, decode_query, json_response
from tradehall.faces.kit.pages import cut_page, in_order
from tradehall.faces.kit.writes import expected_version
from tradehall.faces.shown.asked import check_words, instant, is_chosen, is_within
from tradehall.faces.shown.strategies import DeletionEffects, publication
from tradehall.faces.support import requests, schemas, translate
from tradehall.faces.support.auth import actor_of, reach_of
from tradehall.faces.support.manners import changed_nothing
from tradehall.faces.support.support import Support, user_of

_SORTED_BY = {
    "created_at": lambda each: each.created_at,
    "updated_at": lambda each: each.updated_at,
    "name": lambda each: each.name.lower(),
}
_STATUSES = [status.value for status in StrategyStatus]


async def get_strategies(support: Support, request: Request) -> Response:
    """A page of a user's strategies, newest first; deleted ones only where they are asked for."""
    query = decode_query(request, requests.StrategiesQuery)
    check_words("status", query.status, _STATUSES)
    since, until = instant("from", query.since, place="query"), instant("to", query.until, place="query")
    reach = Reach(user_id=user_of(support, request).user_id)
    found = [
        each
        for each in support.strategies.visible(reach)
        if _is_asked_for(each, query) and is_within(each.created_at, since, until)
    ]
    ordered = in_order(found, query.sort, _SORTED_BY, "strategy_id")
    return json_response(cut_page(ordered, query, lambda each: translate.strategy(support, each)))


async def get_strategy(support: Support, request: Request) -> Response:
    """One strategy, by number or keygen, with its newest definition and backtest."""
    found = strategy_of(support, request)
    version = await support.strategies.version(found)
    return json_response(translate.whole_strategy(support, found, None if version is None else version.definition))


async def delete_strategy(support: Support, request: Request) -> Response:
    """Delete a strategy; it can be restored. Running deployments refuse it, unless they are to stop."""
    query = decode_query(request, requests.DeleteStrategyQuery)
    if query.deployments not in tuple(OfDeployments):
        raise BadRequest(
            "deployments", "must be refuse, stop or stop_and_close", found=query.deployments[:40], place="query"
        )
    was_deleted = strategy_of(support, request).is_deleted
    deleted = await support.deletion.delete(
        reach_of(request), request.params["id"], OfDeployments(query.deployments), by=actor_of(request, query.reason),
        expected=expected_version(request),
    )  # fmt: skip
    if was_deleted:
        changed_nothing(request)
    if deleted.deployments_stopped:
        await support.locking.look()
    effects = DeletionEffects(deleted.unpublished, list(deleted.deployments_stopped))
    return json_response(schemas.DeletionShown(translate.strategy(support, deleted.strategy), effects))


async def post_restoration(support: Support, request: Request) -> Response:
    """Restore a deleted strategy: active, never published."""
    body = decode(request, requests.Wish)
    restored = await support.strategies.restore(
        reach_of(request), request.params["id"], by=actor_of(request, body.reason), expected=expected_version(request)
    )
    return json_response(translate.strategy(support, restored))


async def put_publication(support: Support, request: Request) -> Response:
    """Publish a strategy, change what its listing says, or take it out; copies stay."""
    body = decode(request, requests.PublicationRequest)
    before = strategy_of(support, request)
    listed = support.marketplace.listing_of(before)
    by, name, expected = actor_of(request, body.reason), request.params["id"], expected_version(request)
    if body.published:
        fields = ListingFields(
            title=body.title, summary=body.summary, category_id=body.category_id, visibility=body.visibility
        )
        after, listing = await support.marketplace.publish(reach_of(request), name, fields, by=by, expected=expected)
        is_idle = after == before and listing == listed
        shown = publication(after, listing)
    else:
        after, taken_out = await support.marketplace.unpublish(reach_of(request), name, by=by, expected=expected)
        is_idle = after == before and taken_out == listed
        shown = publication(after, taken_out)
    if is_idle:
        changed_nothing(request)
    return json_response(shown)


def strategy_of(support: Support, request: Request) -> Strategy:
    """The strategy that the path means, by number or keygen, in the caller's tenant."""
    return support.strategies.get(reach_of(request), request.params["id"])


def _is_asked_for(found: Strategy, query: requests.StrategiesQuery) -> bool:
    has_status = found.status.value in query.status if query.status else not found.is_deleted
    return (
        has_status
        and is_chosen(query.symbol, found.symbol)
        and is_chosen(query.timeframe, found.timeframe)
        and query.is_published in (None, found.is_published)
        and query.q.lower() in found.name.lower()
    )
