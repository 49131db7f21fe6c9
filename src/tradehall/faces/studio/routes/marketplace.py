"""The marketplace: what others published, and publishing what is one's own."""

from tradehall.app.marketplace import Listed, ListingFields
from tradehall.faces.kit import Request, Response, decode, decode_query, json_response
from tradehall.faces.kit.pages import in_order, page_of
from tradehall.faces.kit.writes import expected_version
from tradehall.faces.shown.strategies import publication
from tradehall.faces.studio import requests, schemas, translate
from tradehall.faces.studio.auth import actor_of, domain_of, owner_of, reach_of
from tradehall.faces.studio.studio import Studio

_SORTED_BY = {
    "published_at": lambda each: each.listing.published_at,
    "title": lambda each: each.listing.title.lower(),
    "copier_count": lambda each: each.strategy.copier_count,
    "round_trips": lambda each: each.performance.round_trips,
    "win_rate": lambda each: each.performance.win_rate,
}


async def get_marketplace(studio: Studio, request: Request) -> Response:
    """A page of listings; figures are those of real round trips, and say how many."""
    query = decode_query(request, requests.MarketplaceQuery)
    found = [each for each in studio.marketplace.listings(domain_of(request.principal)) if _is_asked_for(each, query)]
    by_number = sorted(found, key=lambda each: each.listing.strategy_id)
    ordered = in_order([_Numbered(each) for each in by_number], query.sort, _SORTED_BY, "number")
    cut = ordered[query.offset : query.offset + query.size]
    return json_response(page_of([await _shown(studio, each.found) for each in cut], len(ordered), query))


async def get_listing(studio: Studio, request: Request) -> Response:
    """One listing, by the strategy's number or keygen."""
    found = studio.marketplace.listing(request.params["id"], domain_of(request.principal))
    return json_response(await _shown(studio, found))


async def post_marketplace_copy(studio: Studio, request: Request) -> Response:
    """A strategy of one's own like the listed one."""
    body = decode(request, requests.CopyRequest)
    principal = request.principal
    made = await studio.marketplace.copy(
        request.params["id"], domain_of(principal), owner_of(principal), by=actor_of(request), title=body.name
    )
    return json_response(translate.whole_strategy(studio, made, await studio.strategies.version(made)), 201)


async def post_publication(studio: Studio, request: Request) -> Response:
    """Publish a strategy, or change what its listing says."""
    body = decode(request, requests.PublishRequest)
    fields = ListingFields(
        title=body.title, summary=body.summary, category_id=body.category_id, visibility=body.visibility
    )
    strategy, listing = await studio.marketplace.publish(
        reach_of(request.principal), request.params["id"], fields, by=actor_of(request),
        expected=expected_version(request),
    )  # fmt: skip
    return json_response(publication(strategy, listing))


async def post_unpublication(studio: Studio, request: Request) -> Response:
    """Take a strategy out of the marketplace; copies stay."""
    strategy, listing = await studio.marketplace.unpublish(
        reach_of(request.principal), request.params["id"], by=actor_of(request), expected=expected_version(request)
    )
    return json_response(publication(strategy, listing))


class _Numbered:
    """A listing as lists are sorted."""

    def __init__(self, found: Listed) -> None:
        self.found = found
        self.listing, self.strategy, self.performance = found.listing, found.strategy, found.performance
        self.number = found.listing.strategy_id


def _is_asked_for(found: Listed, query: requests.MarketplaceQuery) -> bool:
    return (
        query.q.lower() in found.listing.title.lower()
        and (not query.symbol or found.strategy.symbol in query.symbol)
        and (not query.category_id or found.listing.category_id in query.category_id)
    )


async def _shown(studio: Studio, found: Listed) -> schemas.ListingShown:
    version = await studio.strategies.version(found.strategy)
    return translate.listed(found, None if version is None else version.definition)
