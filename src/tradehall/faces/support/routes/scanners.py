"""Scanners: looked at, deleted, restored."""

import asyncio

from tradehall.app.records.scanners import Scanner, ScannerState
from tradehall.app.studio.reach import Reach
from tradehall.faces.kit import Request, Response, decode, decode_query, json_response
from tradehall.faces.kit.pages import in_order, page_of
from tradehall.faces.kit.writes import expected_version
from tradehall.faces.shown.asked import check_words, is_chosen, number_in_path
from tradehall.faces.shown.scanners import ScannerShown
from tradehall.faces.support import requests, translate
from tradehall.faces.support.auth import actor_of, reach_of
from tradehall.faces.support.manners import changed_nothing
from tradehall.faces.support.support import Support, user_of
from tradehall.ports.deployments import MatchQuery
from tradehall.strategies.scanners import PatternType

_SORTED_BY = {
    "created_at": lambda each: each.created_at,
    "updated_at": lambda each: each.updated_at,
    "name": lambda each: each.name.lower(),
}
_STATES = [state.value for state in ScannerState]
_TYPES = [kind.value for kind in PatternType]


async def get_scanners(support: Support, request: Request) -> Response:
    """A page of a user's scanners, newest first; deleted ones only where they are asked for."""
    query = decode_query(request, requests.ScannersQuery)
    check_words("state", query.state, _STATES)
    check_words("pattern_type", query.pattern_type, _TYPES)
    reach = Reach(user_id=user_of(support, request).user_id)
    found = [each for each in support.scanners.visible(reach) if _is_asked_for(each, query)]
    ordered = in_order(found, query.sort, _SORTED_BY, "scanner_id")
    cut = ordered[query.offset : query.offset + query.size]
    return json_response(page_of([await shown(support, each) for each in cut], len(ordered), query))


async def delete_scanner(support: Support, request: Request) -> Response:
    """Stop a scanner and hide it; it can be restored."""
    reason = decode_query(request, requests.ReasonQuery).reason
    reach, number = reach_of(request), number_in_path(request.params["id"])
    before = support.scanners.get(reach, number)
    deleted = await support.scanners.delete(
        reach, number, by=actor_of(request, reason), expected=expected_version(request)
    )
    if deleted == before:
        changed_nothing(request)
    support.watch.wake()
    return json_response(await shown(support, deleted))


async def post_restoration(support: Support, request: Request) -> Response:
    """Restore a deleted scanner: idle."""
    body = decode(request, requests.Wish)
    restored = await support.scanners.restore(
        reach_of(request), number_in_path(request.params["id"]), by=actor_of(request, body.reason),
        expected=expected_version(request),
    )  # fmt: skip
    support.watch.wake()
    return json_response(await shown(support, restored))


async def shown(support: Support, scanner: Scanner) -> ScannerShown:
    """A scanner with what it found so far."""
    newest, count = await asyncio.to_thread(support.store.matches, MatchQuery(scanner_id=scanner.scanner_id, limit=1))
    return translate.scanner(scanner, newest[0].at if newest else None, count)


def _is_asked_for(found: Scanner, query: requests.ScannersQuery) -> bool:
    has_state = found.state.value in query.state if query.state else not found.is_deleted
    return has_state and is_chosen(query.pattern_type, found.pattern_type) and query.q.lower() in found.name.lower()
