"""The route table of the client door, and the door made of it."""

from collections.abc import Awaitable, Callable, Iterator
from functools import wraps
from typing import Any, Final

from tradehall.faces.client import requests, schemas
from tradehall.faces.client.auth import authenticator, is_for_this_door
from tradehall.faces.client.client import LIMITS, READS, WRITES, Client, unavailable
from tradehall.faces.client.errors import ClientErrors
from tradehall.faces.client.routes import account, alerts, market, scripts, settings, signing, trades, trading
from tradehall.faces.client.stream import ClientStream
from tradehall.faces.kit import WEBSOCKET, Door, Request, Response, Route
from tradehall.faces.kit.body_rules import needs, needs_one_of, where
from tradehall.ports.records import RecordsFault
from tradehall.watch.conditions import MOVES, NEEDS_CHANNEL, NEEDS_TARGET

TITLE: Final = "Broker Client API"
DESCRIPTION: Final = (
    "Accounts, tickets, market, alerts and settings for broker terminals. Every path exists at the root and under "
    "`/client`. Numbers are JSON numbers; volume is hundredths of a lot; times are unix seconds. Sign in for a "
    "token, and send it as `Authorization`, raw or after `Bearer`."
)
SECURITY: Final = {
    "raw": {"type": "apiKey", "in": "header", "name": "Authorization"},
    "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
    "cookie": {"type": "apiKey", "in": "cookie", "name": "token"},
}

EXAMPLE_SIGN_IN: Final = {"login": 700001, "password": "correct horse"}
EXAMPLE_OPEN: Final = {"cmd": 0, "symbol": "EURUSD", "volume": 10, "sl": 0, "tp": 0}
EXAMPLE_PENDING: Final = {"cmd": 2, "symbol": "EURUSD", "volume": 10, "open_price": 1.05, "sl": 0, "tp": 0}
EXAMPLE_ALERT: Final = {
    "symbol": "EURUSD", "side": 0, "condition": 0, "repeat_mode": 0, "target_price": 1.2, "message": "up",
}  # fmt: skip
EXAMPLE_SCRIPT: Final = {"name": "MA bot", "script": "plot(sma(close, 20))"}

Handler = Callable[[Client, Request], Awaitable[Response]]

# Of what can be changed of a ticket, something.
ONE_EXIT: Final = needs_one_of(["sl"], ["tp"])
ONE_PRICE: Final = needs_one_of(["open_price"], ["sl"], ["tp"], ["expiration"])
# What makes a new one, and what names an old one.
ID_OR_SCRIPT: Final = needs_one_of(["id"], ["name", "script"])
AN_ALERT: Final = {
    "allOf": [
        needs("symbol", "side", "condition", "repeat_mode"),
        where("condition", sorted(NEEDS_TARGET), needs("target_price")),
        where("condition", sorted(NEEDS_CHANNEL), needs("channel_high")),
        where("condition", sorted(MOVES), needs("move_threshold")),
    ]
}
ID_OR_ALERT: Final = {"anyOf": [needs("id"), AN_ALERT]}
ID_OR_ALL: Final = {"anyOf": [needs("id"), {"required": ["all"], "properties": {"all": {"const": True}}}]}
# A value may be null, which removes its key.
SOME_SETTINGS: Final = {"anyOf": [needs("settings"), {"allOf": [needs("key"), {"required": ["value"]}]}]}

BY_ID: Final = {"query": requests.ById, "query_needs": ("id",)}

# Refusals by the rules of trading.
RULES: Final = (402, 404, 409)


def make_door(client: Client, stream: ClientStream) -> Door:
    """The client's door."""
    tables = (_signing, _account, _trading, _market, _scripts, _settings, _alerts)
    return Door(
        name="client",
        title=TITLE,
        description=DESCRIPTION,
        prefixes=("", "/client"),
        routes=(*(route for table in tables for route in table(client)), *_stream(stream)),
        errors=ClientErrors(),
        authenticate=authenticator(client.identity),
        limits=LIMITS,
        slash_optional=True,
        security=SECURITY,
    )


def _bound(handler: Handler, client: Client) -> Callable[[Request], Awaitable[Response]]:
    """The handler with what it works with; a store that fails is 503, where the handler has no word of its own."""

    @wraps(handler)
    async def bound(request: Request) -> Response:
        try:
            return await handler(client, request)
        except RecordsFault as fault:
            raise unavailable(str(fault)) from None

    return bound


def _read(client: Client, path: str, handler: Handler, answer: Any, **more: Any) -> Route:
    errors = {"errors": (402,)}
    return Route("GET", path, _bound(handler, client), answers={200: answer}, limit=READS, **(errors | more))


def _write(client: Client, method: str, path: str, handler: Handler, answer: Any, **more: Any) -> Route:
    errors = {"errors": (402, 404)}
    return Route(method, path, _bound(handler, client), answers={200: answer}, limit=WRITES, **(errors | more))


def _both(client: Client, path: str, handler: Handler, answer: Any, **more: Any) -> Iterator[Route]:
    """PUT and POST mean the same here."""
    for method in ("POST", "PUT"):
        yield _write(client, method, path, handler, answer, **more)


def _signing(client: Client) -> Iterator[Route]:
    def public(method: str, path: str, handler: Handler, answer: Any, **more: Any) -> Route:
        return Route(method, path, _bound(handler, client), answers={200: answer}, public=True, tag="auth", **more)

    yield public("POST", "/sign/in", signing.sign_in, schemas.Profile, body=requests.SignIn,
                 example=EXAMPLE_SIGN_IN, rules=(needs("login", "password"),), errors=(402, 403, 404, 429))  # fmt: skip
    for method in ("PUT", "POST"):
        yield public(method, "/sign/up", signing.sign_up, schemas.Profile, body=requests.SignUp,
                     rules=(needs("name", "email", "password"),), errors=(403, 404, 409, 429))  # fmt: skip
    yield _read(client, "/sign/check", signing.sign_check, schemas.SessionCheck, tag="auth")
    yield from _both(client, "/sign/password", signing.change_password, schemas.Done,
                     body=requests.ChangePassword, rules=(needs("password", "new_password"),),
                     tag="auth")  # fmt: skip
    for method in ("DELETE", "POST"):
        yield _write(client, method, "/sign/out", signing.sign_out, schemas.Done, tag="auth")


def _account(client: Client) -> Iterator[Route]:
    of_login = requests.OfLogin
    yield _read(client, "/account/me", account.get_me, schemas.Me, query=of_login, tag="account")
    yield _read(client, "/account/balance", account.get_balance, schemas.Balance, query=of_login, tag="account")


def _trading(client: Client) -> Iterator[Route]:
    ack, refusals = schemas.Ack, {"errors": RULES, "tag": "trading"}
    of_ticket = {"rules": (needs("order"),), **refusals}
    yield from _both(client, "/trade/open", trading.open_market, ack, body=requests.OpenTrade,
                     example=EXAMPLE_OPEN, rules=(needs("cmd", "symbol", "volume"),), **refusals)  # fmt: skip
    yield from _both(client, "/trade/open/pending", trading.open_pending, ack, body=requests.OpenTrade,
                     example=EXAMPLE_PENDING, rules=(needs("cmd", "symbol", "volume", "open_price"),),
                     **refusals)  # fmt: skip
    for method in ("DELETE", "POST"):
        yield _write(client, method, "/trade/close", trading.close, ack, body=requests.CloseTrade, **of_ticket)
        yield _write(client, method, "/trade/cancel", trading.cancel, ack, body=requests.CancelTrade, **of_ticket)
    exits, prices = ({"body": requests.ModifyTrade, "rules": (needs("order"), one)} for one in (ONE_EXIT, ONE_PRICE))
    yield from _both(client, "/trade/modify", trading.modify, ack, **prices, **refusals)
    yield from _both(client, "/trade/modify/open", trading.modify_open, ack, **exits, **refusals)
    yield from _both(client, "/trade/modify/pending", trading.modify_pending, ack, **prices, **refusals)
    yield _read(client, "/trades", trades.get_trades, schemas.TradeTable, query=requests.Trades,
                when=is_for_this_door, tag="trading")  # fmt: skip
    yield _read(client, "/trades/history/login", trades.get_history, schemas.TradeTable,
                query=requests.History, query_needs=("from", "to"), tag="trading")  # fmt: skip


def _market(client: Client) -> Iterator[Route]:
    of_login, of_symbol, tag = requests.OfLogin, requests.OfSymbol, {"tag": "market"}
    yield _read(client, "/market", market.get_market, schemas.Assets, query=of_login, **tag)
    yield _read(client, "/market/symbol", market.get_symbol, dict[str, Any], query=of_symbol, errors=(402, 404),
                query_needs=("symbol",), **tag)  # fmt: skip
    yield _read(client, "/market/short/list", market.get_short_list, schemas.ShortList, query=of_login, **tag)
    yield _read(client, "/market/watch/list", market.get_watch_list, schemas.WatchedAssets,
                query=requests.WatchList, **tag)  # fmt: skip
    yield from _both(client, "/market/watch", market.watch, dict[str, Any], body=of_symbol,
                     rules=(needs("symbol"),), **tag)  # fmt: skip
    yield _write(client, "DELETE", "/market/watch", market.unwatch, schemas.Done, query=of_symbol,
                 query_needs=("symbol",), **tag)  # fmt: skip
    yield _read(client, "/quotes/candles", market.get_candles, schemas.CandleTable, query=requests.Candles,
                query_needs=("symbol",), errors=(402, 404), **tag)  # fmt: skip


def _scripts(client: Client) -> Iterator[Route]:
    done, tag = schemas.Done, {"tag": "scripts"}
    body = {"body": requests.Script, "example": EXAMPLE_SCRIPT}
    by_number = {"params": {"id": int}}
    yield _read(client, "/scripts", scripts.get_scripts, schemas.Scripts, query=requests.Scripts, **tag)
    yield _read(client, "/script/{id}", scripts.get_script, schemas.Script, errors=(402, 404), **by_number, **tag)
    yield _write(client, "PUT", "/script", scripts.put_script, done, rules=(needs("name", "script"),), **body, **tag)
    yield _write(client, "POST", "/script", scripts.post_script, done, rules=(ID_OR_SCRIPT,), **body, **tag)
    yield _write(client, "DELETE", "/script", scripts.delete_script, done, **BY_ID, **tag)
    yield _write(client, "DELETE", "/script/{id}", scripts.delete_script, done, **by_number, **tag)


def _settings(client: Client) -> Iterator[Route]:
    done, tag = schemas.Done, {"tag": "settings"}
    body = {"body": requests.WriteSettings, "rules": (SOME_SETTINGS,)}
    yield _read(client, "/settings", settings.get_settings, schemas.Table, query=requests.ReadSettings, **tag)
    yield _write(client, "PUT", "/settings", settings.put_settings, done, **body, **tag)
    yield _write(client, "POST", "/settings", settings.post_settings, done, **body, **tag)
    yield _write(client, "DELETE", "/settings", settings.delete_settings, done, query=requests.ReadSettings,
                 query_needs=("key",), **tag)  # fmt: skip


def _alerts(client: Client) -> Iterator[Route]:
    done, table, tag = schemas.Done, schemas.Table, {"tag": "alerts"}
    body = {"body": requests.PriceAlert, "example": EXAMPLE_ALERT}
    by_number = {"params": {"id": int}}
    yield _read(client, "/price_alert/list", alerts.get_alerts, table, query=requests.PriceAlerts, **tag)
    yield _write(client, "PUT", "/price_alert", alerts.put_alert, table, rules=(AN_ALERT,), **body, **tag)
    yield _write(client, "POST", "/price_alert", alerts.post_alert, table, rules=(ID_OR_ALERT,), **body, **tag)
    yield _write(client, "DELETE", "/price_alert", alerts.delete_alert, table, **BY_ID, **tag)
    yield _write(client, "DELETE", "/price_alert/{id}", alerts.delete_alert, table, **by_number, **tag)
    yield _read(client, "/price_alert/logs", alerts.get_logs, table, query=requests.AlertLogs, **tag)
    yield _write(client, "DELETE", "/price_alert/logs", alerts.delete_log, done, query=requests.ById, **tag)
    yield _write(client, "DELETE", "/price_alert/logs/{id}", alerts.delete_log, done, **by_number, **tag)
    yield _read(client, "/notify/list", alerts.get_notifications, table, query=requests.Notifications, **tag)
    yield _write(client, "POST", "/notify/read", alerts.read_notification, done, body=requests.ReadNotification,
                 rules=(ID_OR_ALL,), **tag)  # fmt: skip


def _stream(stream: ClientStream) -> tuple[Route, ...]:
    # The token comes in the first frame, not with the upgrade.
    return (Route(WEBSOCKET, "/ws/client", stream.connect, answers={101: None}, public=True, root=True, tag="stream"),)
