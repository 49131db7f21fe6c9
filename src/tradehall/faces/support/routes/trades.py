"""Trades: round trips of the domain's people, and what is laid over them."""

from tradehall.app.records.adjustments import TripFacts
from tradehall.app.studio.refusals import StudioRefused
from tradehall.app.support.adjusting import RESULTS
from tradehall.app.support.trips import SeenTrip
from tradehall.faces.kit import BadRequest, Request, Response, decode, decode_query, json_response
from tradehall.faces.kit.writes import expected_version
from tradehall.faces.shown.asked import check_words, instant, number_in_path
from tradehall.faces.support import requests, schemas, translate
from tradehall.faces.support.auth import actor_of, domain_of, reach_of
from tradehall.faces.support.manners import changed_nothing
from tradehall.faces.support.support import Support, user_of
from tradehall.ports.trips import TripQuery, TripStatus

_SORTS = ("taken_at", "closed_at", "net_pnl")
_STATUSES = [status.value for status in TripStatus]
# An account that nobody has: of a user without any, nothing is found.
_NOBODY = -1
NOTHING = "-"


async def get_trades(support: Support, request: Request) -> Response:
    """A page of a user's trades, the newest first; totals are those of all pages."""
    query = decode_query(request, requests.TradesQuery)
    check_words("side", query.side, ["long", "short"])
    check_words("status", query.status, _STATUSES)
    check_words("result", query.result, list(RESULTS))
    name = query.sort.removeprefix("-")
    if name not in _SORTS:
        raise BadRequest("sort", f"must be one of {', '.join(_SORTS)}, with - for descending", place="query")
    wanted = TripQuery(
        accounts=user_of(support, request).logins or (_NOBODY,), deployments=tuple(query.deployment_id),
        keygens=keygens_of(support, request, query.strategy_id), symbols=tuple(query.symbol), sides=tuple(query.side),
        statuses=tuple(query.status), results=tuple(query.result), adjusted=query.adjusted,
        taken_since=instant("from", query.since, place="query"), taken_until=instant("to", query.until, place="query"),
        closed_since=instant("closed_from", query.closed_from, place="query"),
        closed_until=instant("closed_to", query.closed_to, place="query"), sort=name,
        is_descending=query.sort.startswith("-"), limit=query.size, offset=query.offset,
    )  # fmt: skip
    found, totals = await support.trips.page(wanted)
    page = schemas.TradePage(
        [translate.trade(each) for each in found], totals.count, query.page, query.size, -(-totals.count // query.size),
        translate.totals(totals),
    )  # fmt: skip
    return json_response(page)


async def get_trade(support: Support, request: Request) -> Response:
    """One trade."""
    found = await support.trips.get(domain_of(request), number_in_path(request.params["id"]))
    return json_response(translate.trade(found))


async def patch_trade(support: Support, request: Request) -> Response:
    """Lay other times, another strike or result over a trade, or revert; orders and money stay as they are."""
    body = decode(request, requests.TradeRequest)
    said = None if body.revert else _said(body)
    if body.revert and _said(body) != TripFacts():
        raise BadRequest("revert", "stands alone")
    if said == TripFacts():
        raise BadRequest("result", "or taken_at, closed_at, strike or revert must be given")
    seen, is_changed = await adjusted(support, request, said, body.reason)
    if not is_changed:
        changed_nothing(request)
    return json_response(translate.trade(seen))


async def adjusted(
    support: Support, request: Request, said: TripFacts | None, reason: str, trip_id: int | None = None
) -> tuple[SeenTrip, bool]:
    """Adjust the trade that the path (or `trip_id`) means."""
    number = number_in_path(request.params["id"]) if trip_id is None else trip_id
    return await support.adjusting.adjust(
        domain_of(request), number, said, by=actor_of(request, reason), expected=expected_version(request)
    )


def keygens_of(support: Support, request: Request, names: list[str]) -> tuple[str, ...]:
    """Strategies by number or keygen; what is not the tenant's matches nothing."""
    found = []
    for name in names:
        try:
            found.append(support.strategies.get(reach_of(request), name).keygen)
        except StudioRefused:
            found.append(NOTHING)
    return tuple(found)


def _said(body: requests.TradeRequest) -> TripFacts:
    return TripFacts(instant("taken_at", body.taken_at), instant("closed_at", body.closed_at), body.strike, body.result)
