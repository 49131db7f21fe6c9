"""The account, quotes and bars."""

from collections.abc import Iterator

from tradehall.domain.market import Bar, bar_start
from tradehall.engine.valuation import value_account
from tradehall.faces.gateway import requests, wishes
from tradehall.faces.gateway.errors import GatewayProblem
from tradehall.faces.gateway.gateway import Gateway
from tradehall.faces.gateway.translate import to_account, to_bar, to_quote
from tradehall.faces.kit import Request, Response, decode_query, json_list, json_response
from tradehall.ports.history import BarWindow


async def get_account(gateway: Gateway, request: Request) -> Response:
    """What the account is worth, or was worth at `as_of`: balance, equity, margin."""
    moment = await gateway.moment(decode_query(request, requests.AsOfQuery).as_of)
    account = gateway.account(request, moment.state)
    value = value_account(moment.state, account, moment.quotes.get)
    answer = json_response(to_account(value))
    await gateway.durable(account.terms.account_id)
    return answer


async def get_quote(gateway: Gateway, request: Request) -> Response:
    """The latest quote of a symbol, under the spelling that was asked for."""
    symbol = request.params["symbol"]
    instrument = gateway.instrument(symbol)
    quote = gateway.market.quotes.get(instrument.symbol)
    last = gateway.market.last(instrument.symbol)
    if quote is None or last is None:
        raise GatewayProblem("PROVIDER_UNAVAILABLE", f"There is no quote of {symbol} yet")
    return json_response(to_quote(quote, symbol=symbol, provider=instrument.provider, last=last))


async def get_bars(gateway: Gateway, request: Request) -> Response:
    """Bars of a symbol, oldest first; the last may still be forming.

    `start` and `end` are inclusive. With `start` the first `limit` bars from there, without it the last;
    100 where there is no `limit`, 10,000 at most.
    """
    query = decode_query(request, requests.BarsQuery)
    symbol = request.params["symbol"]
    instrument = gateway.instrument(symbol)
    limit = requests.BARS_DEFAULT if query.limit is None else min(query.limit, requests.BARS_MAX)
    window = BarWindow(
        instrument.symbol,
        query.timeframe,
        start=wishes.instant(query.start, "start"),
        end=wishes.instant(query.end, "end"),
        limit=limit,
    )
    market, provider = gateway.market, instrument.provider
    bars = await market.bars(window)
    assert all(bar_start(bar.at, bar.timeframe) == bar.at for bar in bars[:1]), "bars start on their grid"
    return await market.slices.run(json_list(to_bar(bar, symbol=symbol, provider=provider) for bar in _drawn(bars)))


def _drawn(bars: list[Bar]) -> Iterator[Bar]:
    """Each of `bars`, and none is kept: to let go of ten thousand together would take as long as to make some."""
    bars.reverse()
    while bars:
        yield bars.pop()
