"""The account, and its deals."""

from typing import Final

from tradehall.domain.time import NS_PER_DAY, NS_PER_MS
from tradehall.engine.valuation import value_account
from tradehall.faces.kit import BadRequest, Request, Response, decode_query, json_response
from tradehall.faces.terminal import requests, wishes
from tradehall.faces.terminal.schemas import HealthStatus, answer, listed
from tradehall.faces.terminal.terminal import Terminal, respond
from tradehall.faces.terminal.translate import to_account, to_deal
from tradehall.ports.deals import DealQuery

HISTORY_NS: Final = 30 * NS_PER_DAY
KINDS: Final = {"trade": False, "balance": True, "all": None}


async def get_account(terminal: Terminal, request: Request) -> Response:
    """The account at the latest quotes."""
    terminal.check_connected()
    account = terminal.account(request)
    value = value_account(terminal.desk.state, account, terminal.market.quotes.get)
    settings, now = terminal.settings, terminal.desk.clock.now()
    shown = to_account(account, value, server=settings.server, is_connected=True, now=now)
    response = respond(request, answer(shown))
    await terminal.durable(account.terms.account_id)
    return response


async def get_history(terminal: Terminal, request: Request) -> Response:
    """Deals, newest first: what opened and closed positions, and movements of funds.

    `from` and `to` are milliseconds or RFC 3339, both inclusive; without `from` the last 30 days.
    """
    query = decode_query(request, requests.HistoryQuery)
    kind = "all" if query.kind is None else query.kind.lower()
    if kind not in KINDS:
        raise BadRequest("kind", f"kind was {kind[:40]!r}, must be trade, balance or all", place="query")
    since, until = wishes.instant(query.from_, "from"), wishes.instant(query.to, "to")
    symbol = None if query.symbol is None else terminal.instrument(query.symbol).symbol
    terminal.check_connected()
    wanted = DealQuery(
        account_id=terminal.account(request).terms.account_id,
        ticket=query.ticket,
        symbol=symbol,
        is_funds=KINDS[kind],
        since=terminal.desk.clock.now() - HISTORY_NS if since is None else since,
        until=None if until is None else (until // NS_PER_MS + 1) * NS_PER_MS,  # All of that millisecond.
        limit=query.limit,
        offset=query.offset,
    )
    await terminal.settled(wanted.account_id)
    deals, count = await terminal.desk.views.deals(wanted)
    return respond(request, listed([to_deal(deal) for deal in deals], count))


async def get_health(terminal: Terminal, request: Request) -> Response:
    """Whether the server runs and is connected; needs no key."""
    return json_response(answer(HealthStatus("ok", terminal.is_connected)))
