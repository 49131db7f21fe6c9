"""Lists of tickets."""

from tradehall.app.outcome import ShardUnavailable
from tradehall.app.tickets import list_tickets
from tradehall.domain.time import NS_PER_SECOND
from tradehall.faces.client import requests, schemas
from tradehall.faces.client.client import Client, unavailable
from tradehall.faces.client.errors import invalid_data
from tradehall.faces.client.filters import clauses_of
from tradehall.faces.client.requests import SECOND_MAX, needed, parameters_of
from tradehall.faces.client.translate import (
    HISTORY_COLUMNS,
    TICKET_COLUMNS,
    history_row,
    ticket_row,
    totals_of,
)
from tradehall.faces.client.words import ENDED, FINANCE, STATES_OF_TYPE
from tradehall.faces.kit import Request, Response, json_response
from tradehall.ports.tickets import Ticket, TicketQuery, TicketTotals

PAGE: int = 100
HISTORY_PAGE: int = 10_000
YEARS_MAX: int = 10
_SPAN_MAX = YEARS_MAX * 366 * 86_400


async def get_trades(client: Client, request: Request) -> Response:
    """Tickets, the newest opened first: all, open, closed, pending or finance (`tradeType` 0 to 4).

    `where` and its siblings are lists of `[field, value]`, in a query as JSON text. `count` and totals cover
    the whole filter, not the page.
    """
    query = parameters_of(request, requests.Trades)
    account = client.account(request, query.login)
    wanted = TicketQuery(
        account_id=account.terms.account_id,
        states=STATES_OF_TYPE[query.tradeType or 0],
        clauses=clauses_of(query, client.instruments),
        limit=query.limit or PAGE,
        offset=query.offset or 0,
    )
    tickets, totals = await _listed(client, wanted)
    rows = [ticket_row(ticket) for ticket in tickets]
    return json_response(schemas.TradeTable(structure=TICKET_COLUMNS, rows=rows, **totals_of(totals)))


async def get_history(client: Client, request: Request) -> Response:
    """Tickets that ended between `from` and `to` (both inclusive), and movements of funds.

    10,000 at most; `limit` and `offset` give the rest.
    """
    query = parameters_of(request, requests.History)
    since, until = needed(query.since, "from"), needed(query.until, "to")
    if until < since or until - since > _SPAN_MAX:
        raise invalid_data(f"to must not be before from, nor more than {YEARS_MAX} years after it")
    account = client.account(request, query.login)
    wanted = TicketQuery(
        account_id=account.terms.account_id,
        states=ENDED | FINANCE,
        closed_since=_clamped(since) * NS_PER_SECOND,
        closed_until=_clamped(until) * NS_PER_SECOND + NS_PER_SECOND - 1,
        limit=query.limit or HISTORY_PAGE,
        offset=query.offset or 0,
    )
    tickets, totals = await _listed(client, wanted)
    rows = [history_row(ticket) for ticket in tickets]
    return json_response(schemas.TradeTable(structure=HISTORY_COLUMNS, rows=rows, **totals_of(totals)))


def _clamped(second: int) -> int:
    return max(-SECOND_MAX, min(SECOND_MAX, second))


async def _listed(client: Client, query: TicketQuery) -> tuple[list[Ticket], TicketTotals]:
    try:
        return await list_tickets(client.desk, query)
    except ShardUnavailable as shut:
        raise unavailable(shut.reason) from None
