"""Scanners, what they find, and the indicators there are."""

import asyncio

from msgspec import UNSET

from tradehall.app.records.scanners import Scanner, ScannerState
from tradehall.app.scanners.scanners import ScannerFields
from tradehall.domain.time import to_rfc3339
from tradehall.faces.kit import Request, Response, decode, decode_query, json_response
from tradehall.faces.kit.pages import in_order, page_of
from tradehall.faces.kit.writes import expected_version
from tradehall.faces.shown.asked import check_words, instant, number_in_path
from tradehall.faces.studio import requests, schemas, translate
from tradehall.faces.studio.auth import actor_of, owner_of, reach_of
from tradehall.faces.studio.studio import Studio
from tradehall.ports.deployments import MatchQuery
from tradehall.strategies.indicators import INDICATORS

_SORTED_BY = {
    "created_at": lambda each: each.created_at,
    "updated_at": lambda each: each.updated_at,
    "name": lambda each: each.name.lower(),
}
_STATES = [state.value for state in ScannerState]


async def get_scanners(studio: Studio, request: Request) -> Response:
    """A page of one's scanners, newest first; deleted ones only where they are asked for."""
    query = decode_query(request, requests.ScannersQuery)
    check_words("state", query.state, _STATES)
    found = [each for each in studio.scanners.visible(reach_of(request.principal)) if _is_asked_for(each, query)]
    ordered = in_order(found, query.sort, _SORTED_BY, "scanner_id")
    cut = ordered[query.offset : query.offset + query.size]
    return json_response(page_of([await _shown(studio, each) for each in cut], len(ordered), query))


async def post_scanner(studio: Studio, request: Request) -> Response:
    """Make a scanner; it looks whenever a bar of its universe closes."""
    body = decode(request, requests.ScannerRequest)
    fields = ScannerFields(
        name=body.name, pattern_type=body.pattern_type, pattern=body.pattern, universe=tuple(body.universe),
        timeframe=body.timeframe, condition=body.condition,
    )  # fmt: skip
    made = await studio.scanners.create(fields, owner_of(request.principal), by=actor_of(request))
    studio.watch.wake()
    return json_response(await _shown(studio, made), 201)


async def get_scanner(studio: Studio, request: Request) -> Response:
    """One scanner."""
    return json_response(await _shown(studio, _named(studio, request)))


async def put_scanner(studio: Studio, request: Request) -> Response:
    """Change what a scanner looks for, where, or whether it runs."""
    body = decode(request, requests.ScannerPatch)
    fields = ScannerFields(
        name=body.name, pattern_type=body.pattern_type, pattern=body.pattern,
        universe=None if body.universe is None else tuple(body.universe), timeframe=body.timeframe,
        condition=UNSET if body.condition is UNSET else body.condition, state=body.state,
    )  # fmt: skip
    changed = await studio.scanners.update(
        reach_of(request.principal), _number(request), fields, by=actor_of(request), expected=expected_version(request)
    )
    studio.watch.wake()
    return json_response(await _shown(studio, changed))


async def delete_scanner(studio: Studio, request: Request) -> Response:
    """Stop a scanner and hide it; it can be restored."""
    deleted = await studio.scanners.delete(
        reach_of(request.principal), _number(request), by=actor_of(request), expected=expected_version(request)
    )
    studio.watch.wake()
    return json_response(await _shown(studio, deleted))


async def post_run(studio: Studio, request: Request) -> Response:
    """Look now, at the last closed bars of the universe."""
    scanner = _named(studio, request)
    matches, scanned = await studio.watch.scan_now(scanner)
    shown = [translate.match(each) for each in matches]
    return json_response(schemas.ScanRun(scanner.scanner_id, to_rfc3339(studio.desk.clock.now()), scanned, shown))


async def get_matches(studio: Studio, request: Request) -> Response:
    """A page of what a scanner found, newest first."""
    query = decode_query(request, requests.PeriodQuery)
    wanted = MatchQuery(
        scanner_id=_named(studio, request).scanner_id, symbol=query.symbol or None,
        since=instant("from", query.since, place="query"), until=instant("to", query.until, place="query"),
        limit=query.size, offset=query.offset,
    )  # fmt: skip
    found, total = await asyncio.to_thread(studio.store.matches, wanted)
    return json_response(page_of([translate.match(each) for each in found], total, query))


async def get_indicators(studio: Studio, request: Request) -> Response:
    """All indicators that a definition may use: inputs, parameters with defaults and bounds, outputs."""
    shown = [translate.indicator(each) for each in INDICATORS.values()]
    return json_response(schemas.Indicators(shown, len(shown)))


def _number(request: Request) -> int:
    return number_in_path(request.params["id"])


def _named(studio: Studio, request: Request) -> Scanner:
    return studio.scanners.get(reach_of(request.principal), _number(request))


def _is_asked_for(found: Scanner, query: requests.ScannersQuery) -> bool:
    has_state = found.state.value in query.state if query.state else not found.is_deleted
    has_type = not query.pattern_type or found.pattern_type in query.pattern_type
    return has_state and has_type and query.q.lower() in found.name.lower()


async def _shown(studio: Studio, scanner: Scanner) -> schemas.ScannerShown:
    newest, count = await asyncio.to_thread(studio.store.matches, MatchQuery(scanner_id=scanner.scanner_id, limit=1))
    return translate.scanner(scanner, newest[0] if newest else None, count)
