"""Symbols, quotes and candles."""

from tradehall.faces.kit import BadRequest, Request, Response, decode_query
from tradehall.faces.terminal import requests, wishes
from tradehall.faces.terminal.errors import TerminalProblem
from tradehall.faces.terminal.schemas import answer, listed
from tradehall.faces.terminal.terminal import Terminal, respond
from tradehall.faces.terminal.translate import (
    GROUP,
    TIMEFRAMES,
    to_candle,
    to_listed_symbol,
    to_quote,
    to_symbol,
)
from tradehall.ports.history import BarWindow


async def get_symbols(terminal: Terminal, request: Request) -> Response:
    """All instruments, with their quotes; also while the market is away."""
    query = decode_query(request, requests.SymbolsQuery)
    search, group = (query.search or "").lower(), (query.group or "").lower()
    quotes, now = terminal.market.quotes, terminal.desk.clock.now()
    found = [
        to_listed_symbol(instrument, quotes.get(instrument.symbol), now)
        for instrument in terminal.instruments.values()
        if (not group or GROUP[instrument.asset_class].lower() == group)
        and (search in instrument.symbol.lower() or search in instrument.description.lower())
    ]
    return respond(request, listed(found))


async def get_symbol(terminal: Terminal, request: Request) -> Response:
    """One instrument, with its sessions."""
    instrument = terminal.instrument(request.params["symbol"])
    terminal.check_connected()
    quote = terminal.market.quotes.get(instrument.symbol)
    return respond(request, answer(to_symbol(instrument, quote, terminal.desk.clock.now())))


async def get_quote(terminal: Terminal, request: Request) -> Response:
    """The latest quote of a symbol."""
    instrument = terminal.instrument(request.params["symbol"])
    terminal.check_connected()
    quote = terminal.market.quotes.get(instrument.symbol)
    if quote is None:
        raise TerminalProblem("NO_QUOTE", f"No quote of {instrument.symbol} yet")
    return respond(request, answer(to_quote(quote, instrument)))


async def get_candles(terminal: Terminal, request: Request) -> Response:
    """Candles, oldest first; the running one is last. Also while the market is away."""
    query = decode_query(request, requests.CandlesQuery)
    timeframe = TIMEFRAMES.get(query.timeframe.upper())
    if timeframe is None:
        message = f"timeframe was {query.timeframe[:40]!r}, must be M1, M5, M15, M30, H1, H4, D1 or W1"
        raise BadRequest("timeframe", message, found=query.timeframe[:40], place="query")
    start, end = wishes.instant(query.from_, "from"), wishes.instant(query.to, "to")
    instrument = terminal.instrument(request.params["symbol"])
    bars = await terminal.market.bars(BarWindow(instrument.symbol, timeframe, start, end, query.limit))
    now = terminal.desk.clock.now()
    return respond(request, listed([to_candle(bar, now) for bar in bars]))
