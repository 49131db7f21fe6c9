"""Instruments, quotes, the watch list and candles."""

from typing import Any, Final

from tradehall.app.asset_info import GROUPS, about, group_of
from tradehall.app.records.watchlists import SYMBOLS_MAX, WatchlistFull
from tradehall.domain.account import Account
from tradehall.domain.calendar import is_open
from tradehall.domain.instrument import AssetClass, Instrument
from tradehall.domain.money import HUNDRED, ONE
from tradehall.domain.time import NS_PER_SECOND
from tradehall.faces.client import requests, schemas
from tradehall.faces.client.client import Client
from tradehall.faces.client.errors import ClientProblem, invalid_data
from tradehall.faces.client.requests import SECOND_MAX, body_of, needed, parameters_of
from tradehall.faces.client.translate import price, second, volume
from tradehall.faces.client.words import FRAMES
from tradehall.faces.kit import Request, Response, json_response
from tradehall.ports.history import BarWindow
from tradehall.ports.records import RecordsFault

ALL_GROUPS: Final = "ALL"
DEFAULT_FRAME: Final = "1H"
CANDLES: Final = 500
CANDLE_COLUMNS: Final = ("open", "high", "low", "close", "volume", "time")
DAY_MINUTES: Final = 24 * 60

SHORT_COLUMNS: Final = (
    "symbol", "description", "currency", "margin_currency", "quote_currency", "group", "digits", "trade", "spread",
    "spread_balance", "swap_enable", "margin_divider", "margin_mode", "stops_level", "contract_size", "long_only",
    "ask", "bid", "point", "tick_value", "tick_size", "market_state", "market_reason", "lot_min", "lot_max",
    "lot_step", "comm_base", "comm_type", "exchange", "category", "industry", "sector", "shareholders",
    "market_cap", "price1d", "icon",
)  # fmt: skip
_INFO: Final = (
    "symbol", "description", "currency", "margin_currency", "quote_currency", "group", "digits", "trade", "spread",
    "swap_enable", "margin_divider", "contract_size", "ask", "bid", "market_state", "market_reason", "lot_min",
    "lot_max", "lot_step",
)  # fmt: skip

TRADE_FULL: Final = 2
PERCENT_COMMISSION, MONEY_COMMISSION = 1, 0


async def get_market(client: Client, request: Request) -> Response:
    """All that can be traded, by symbol."""
    account = client.account(request, parameters_of(request, requests.OfLogin).login)
    assets = {each.symbol: _info(client, account, each) for each in client.instruments.values()}
    return json_response(schemas.Assets(assets, _groups(client)))


async def get_symbol(client: Client, request: Request) -> Response:
    """All there is to say about one symbol."""
    query = parameters_of(request, requests.OfSymbol)
    account = client.account(request, query.login)
    instrument = client.instrument(needed(query.symbol, "symbol"))
    info = _facts(client, account, instrument) | {
        "sessions": _sessions(instrument),
        "performance": await client.assets.performance(instrument.symbol),
        "seasons": [],
    }
    return json_response(info)


async def get_short_list(client: Client, request: Request) -> Response:
    """All that can be traded, as a table."""
    account = client.account(request, parameters_of(request, requests.OfLogin).login)
    rows = []
    for instrument in client.instruments.values():
        facts = _facts(client, account, instrument)
        facts["price1d"] = price((await client.assets.day(instrument.symbol)).price_before)
        rows.append([facts[name] for name in SHORT_COLUMNS])
    return json_response(schemas.ShortList(schemas.Table(SHORT_COLUMNS, rows), [ALL_GROUPS, *_groups(client)]))


async def get_watch_list(client: Client, request: Request) -> Response:
    """The watched symbols with their last 24 hours."""
    query = parameters_of(request, requests.WatchList)
    symbols = await client.watchlists.read(client.login(request, query.login))
    prefix = (query.prefix or "").upper()
    assets = {
        symbol: {"symbol": symbol, "sort_index": index, "color": "", **await _day(client, symbol)}
        for index, symbol in enumerate(symbols)
        if symbol.startswith(prefix)
    }
    return json_response(schemas.WatchedAssets(assets))


async def watch(client: Client, request: Request) -> Response:
    """Watch a symbol; once more is harmless."""
    body = body_of(request, requests.OfSymbol)
    login = client.login(request, body.login)
    symbol = client.instrument(needed(body.symbol, "symbol")).symbol
    try:
        await client.watchlists.add(login, symbol, actor=client.actor(request))
    except WatchlistFull:
        raise invalid_data(f"a watch list has {SYMBOLS_MAX} symbols at most") from None
    except RecordsFault as fault:
        raise ClientProblem("INVALID_ADD_SYMBOL_TO_MARKET_WATCH", str(fault)) from None
    return json_response({symbol: {"symbol": symbol, **await _day(client, symbol)}})


async def unwatch(client: Client, request: Request) -> Response:
    """Watch a symbol no longer; one that is not watched is fine, too."""
    query = parameters_of(request, requests.OfSymbol)
    login = client.login(request, query.login)
    symbol = client.instrument(needed(query.symbol, "symbol")).symbol
    await client.watchlists.remove(login, symbol, actor=client.actor(request))
    return json_response(schemas.Done())


async def get_candles(client: Client, request: Request) -> Response:
    """Bars of a symbol, oldest first; `from` and `to` are inclusive, and the last bar may still be forming."""
    query = parameters_of(request, requests.Candles)
    if query.login is not None:  # Bars belong to nobody; but who names a login names their own.
        client.login(request, query.login)
    instrument = client.instrument(needed(query.symbol, "symbol"))
    frame = FRAMES.get((query.frame or DEFAULT_FRAME).upper())
    if frame is None:
        raise invalid_data(f"frame must be one of {', '.join(FRAMES)}")
    window = BarWindow(
        instrument.symbol,
        frame,
        start=_instant(query.since),
        end=_instant(query.until),
        limit=query.count or CANDLES,
    )
    rows = [
        [float(bar.open), float(bar.high), float(bar.low), float(bar.close), float(bar.volume), second(bar.at)]
        for bar in await client.market.bars(window)
    ]
    return json_response(schemas.CandleTable(CANDLE_COLUMNS, rows, rows))


# ------------------------------------------------------------------ steps of the above


def _instant(at: int | None) -> int | None:
    return None if at is None else max(-SECOND_MAX, min(SECOND_MAX, at)) * NS_PER_SECOND


def _groups(client: Client) -> list[str]:
    classes = {instrument.asset_class for instrument in client.instruments.values()}
    return [GROUPS[each] for each in AssetClass if each in classes]


async def _day(client: Client, symbol: str) -> dict[str, Any]:
    day = await client.assets.day(symbol)
    return {
        "price1d": price(day.price_before),
        "high": price(day.high),
        "low": price(day.low),
        "prices": [float(close) for close in day.closes],
    }


def _info(client: Client, account: Account, instrument: Instrument) -> dict[str, Any]:
    facts = _facts(client, account, instrument)
    return {name: facts[name] for name in _INFO} | {"sessions": _sessions(instrument)}


def _facts(client: Client, account: Account, instrument: Instrument) -> dict[str, Any]:
    """All columns of the short list but the price of a day ago."""
    quote = client.market.quotes.get(instrument.symbol)
    is_trading = is_open(instrument.sessions, client.desk.clock.now())
    lot_min = max(instrument.lot_step, instrument.quantity_min / instrument.contract_size)
    subject, commission = about(instrument), instrument.commission
    is_coin_or_pair = instrument.asset_class in (AssetClass.FOREX, AssetClass.CRYPTO)
    currency = instrument.base_currency if is_coin_or_pair else instrument.quote_currency
    return {
        "symbol": instrument.symbol,
        "description": instrument.description,
        "currency": currency,
        "margin_currency": currency,
        "quote_currency": instrument.quote_currency,
        "group": group_of(instrument),
        "digits": instrument.digits,
        "trade": TRADE_FULL,
        "spread": 0 if quote is None else round((quote.ask - quote.bid) / instrument.tick_size),
        "spread_balance": 0,
        "swap_enable": int(bool(instrument.swap_long or instrument.swap_short)),
        # By how much more margin a lot needs than the account's leverage says.
        "margin_divider": float(max(ONE, account.terms.leverage / instrument.leverage_max)),
        "margin_mode": int(instrument.asset_class is not AssetClass.FOREX),
        "stops_level": instrument.stops_level,
        "contract_size": float(instrument.contract_size),
        "long_only": 0,
        "ask": 0.0 if quote is None else float(quote.ask),
        "bid": 0.0 if quote is None else float(quote.bid),
        "point": float(instrument.tick_size),
        "tick_value": float(instrument.tick_size * instrument.contract_size),
        "tick_size": float(instrument.tick_size),
        "market_state": int(is_trading and quote is not None),
        "market_reason": "" if is_trading and quote is not None else "no quotes" if is_trading else "closed",
        "lot_min": volume(lot_min),
        "lot_max": volume(instrument.quantity_max / instrument.contract_size),
        "lot_step": volume(instrument.lot_step),
        "comm_base": float(commission.taker_rate * HUNDRED or commission.per_unit * instrument.contract_size),
        "comm_type": PERCENT_COMMISSION if commission.taker_rate else MONEY_COMMISSION,
        "exchange": subject.exchange or instrument.venue,
        "category": subject.category,
        "industry": subject.industry,
        "sector": subject.sector,
        "shareholders": subject.shareholders,
        "market_cap": subject.market_cap,
        "icon": "",
    }


def _sessions(instrument: Instrument) -> list[list[list[int]]]:
    """Seven days from Monday, each with the minutes [start, end) in which the market is open, UTC."""
    spans = instrument.sessions or ((0, 7 * DAY_MINUTES),)
    return [_of_day(spans, day * DAY_MINUTES) for day in range(7)]


def _of_day(spans: tuple[tuple[int, int], ...], start: int) -> list[list[int]]:
    cut = ((max(first - start, 0), min(last - start, DAY_MINUTES)) for first, last in spans)
    return [[first, last] for first, last in cut if first < last]
