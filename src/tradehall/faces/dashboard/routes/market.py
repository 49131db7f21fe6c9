"""What the page needs besides: the server, instruments, bars, quotes, accounts and their equity."""

import asyncio
import math

import tradehall
from tradehall.domain.catalogue import resolve_symbol
from tradehall.domain.market import Bar
from tradehall.domain.time import to_rfc3339
from tradehall.faces.dashboard import requests, schemas
from tradehall.faces.dashboard.dashboard import Dashboard, listed, read_instant
from tradehall.faces.dashboard.rows import to_account, to_bar, to_instrument, to_quote
from tradehall.faces.kit import BadRequest, Request, Response, decode_query, json_response
from tradehall.ports.history import BARS_PER_READ_MAX, BarWindow
from tradehall.strategies.definition import DefinitionError
from tradehall.strategies.plan import Clock
from tradehall.strategies.studies import Study, StudyLine, read_study, study_lines


async def get_system(dashboard: Dashboard, request: Request) -> Response:
    """What this server is, and who asks."""
    settings = dashboard.settings
    return json_response(
        schemas.System(
            mode=settings.mode,
            version=tradehall.__version__,
            started_at=to_rfc3339(settings.started_at),
            feed=settings.feed,
            auth="open" if settings.is_open else "token",
            role=request.principal.role,
        )
    )


async def get_instruments(dashboard: Dashboard, request: Request) -> Response:
    """List what can be traded."""
    rows = [to_instrument(each) for _, each in sorted(dashboard.instruments.items())]
    return listed(rows, len(rows))


async def get_bars(dashboard: Dashboard, request: Request) -> Response:
    """The last bars of a symbol, oldest first; the newest may be in the making."""
    query = decode_query(request, requests.BarsQuery)
    bars = await _bars(dashboard, query, query.limit)
    return listed([to_bar(bar) for bar in bars], len(bars))


async def get_studies(dashboard: Dashboard, request: Request) -> Response:
    """An indicator over the last bars of a symbol, as strategies and scanners see it; a line of points per output."""
    query = decode_query(request, requests.StudyQuery)
    clock = Clock(dashboard.instrument(query.symbol).symbol, query.timeframe)
    try:
        study = read_study(query.study, clock)
    except DefinitionError as error:
        raise BadRequest("study", error.problems[0].problem, place="query") from None
    bars = await _bars(dashboard, query, min(requests.BARS_MAX, query.limit + study.bars_needed))
    lines = await asyncio.to_thread(study_lines, study, clock, bars)
    starts = [to_rfc3339(bar.at) for bar in bars[-query.limit :]]
    return listed([_line(query.study, study, line, starts) for line in lines], len(lines))


def _line(name: str, study: Study, line: StudyLine, starts: list[str]) -> schemas.StudyLine:
    pairs = zip(starts, line.values[-len(starts) :] if starts else [], strict=True)
    points = [schemas.StudyPoint(ts=ts, value=value) for ts, value in pairs if not math.isnan(value)]
    return schemas.StudyLine(study=name, output=line.output, is_price=study.is_price, points=points)


async def _bars(dashboard: Dashboard, query: requests.BarsQuery, limit: int) -> list[Bar]:
    symbol = dashboard.instrument(query.symbol).symbol
    until = read_instant(query.until, "until")
    bars = await dashboard.market.bars(
        BarWindow(symbol, query.timeframe, end=until, limit=min(limit, BARS_PER_READ_MAX))
    )
    if limit > len(bars) >= BARS_PER_READ_MAX:
        older = BarWindow(symbol, query.timeframe, end=bars[0].at - 1, limit=limit - len(bars))
        bars = [*await dashboard.market.bars(older), *bars]
    return bars


async def get_quotes(dashboard: Dashboard, request: Request) -> Response:
    """The latest quotes, of all symbols or of some."""
    texts = decode_query(request, requests.QuotesQuery).symbols
    wanted = [part.strip() for text in texts for part in text.split(",") if part.strip()]
    symbols = [resolve_symbol(part.rpartition(".")[0] or part, dashboard.instruments) for part in wanted]
    quotes = dashboard.market.quotes
    rows = [
        to_quote(quotes[symbol]) for symbol in (symbols or sorted(quotes)) if symbol is not None and symbol in quotes
    ]
    return listed(rows, len(rows))


async def get_accounts(dashboard: Dashboard, request: Request) -> Response:
    """List accounts by number, with what each is worth now."""
    query = decode_query(request, requests.AccountsQuery)
    state = dashboard.desk.state
    if query.account_id is not None:
        accounts = [dashboard.account(query.account_id)]
    else:
        accounts = [state.accounts[login] for login in sorted(state.accounts)]
    page = accounts[query.offset : query.offset + query.limit]
    days = [await dashboard.equity.day_pnl(account) for account in page]
    state, quotes = dashboard.desk.state, dashboard.desk.quotes
    logins = [account.terms.account_id for account in page]
    rows = [to_account(state, state.accounts[login], quotes, day) for login, day in zip(logins, days, strict=True)]
    await dashboard.settled()
    return listed(rows, len(accounts))


async def get_equity(dashboard: Dashboard, request: Request) -> Response:
    """What an account was worth, oldest first: samples since the server started, balances of the time before."""
    since = read_instant(decode_query(request, requests.EquityQuery).since, "since")
    account = dashboard.account(request.params["account_id"])
    await dashboard.settled()
    points = await dashboard.equity.points(account.terms.account_id, since)
    rows = [schemas.EquityPoint(at=to_rfc3339(each.at), equity=each.equity) for each in points]
    return listed(rows, len(rows))
