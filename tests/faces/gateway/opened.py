"""The gateway door on a real shard: real engine, venue and journal, a hand-driven market and clock."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx

from tests.app.shard import ACCOUNT, START, OwnClock, a_desk, unknown_is_a_failure
from tests.faces.kit.asgi import WebSocketClient
from tradehall.adapters.sqlite.store import SqliteStore
from tradehall.app.access import Access
from tradehall.app.breakers import Breakers
from tradehall.app.desk import Desk
from tradehall.app.explain import Explainer
from tradehall.app.market import MarketBoard
from tradehall.app.past import Past
from tradehall.app.records.api_keys import ALL_SCOPES, ApiKey, digest_of
from tradehall.app.recovery import rebuild_views
from tradehall.app.snapshots import Snapshots
from tradehall.app.streams import AccountStreams
from tradehall.domain.account import AccountTerms, PositionMode
from tradehall.domain.catalogue import demo_instruments
from tradehall.domain.market import Quote
from tradehall.domain.time import NS_PER_MS, NS_PER_SECOND
from tradehall.engine.commands import ListInstrument, OpenAccount
from tradehall.faces.gateway import Counters, Gateway, GatewaySettings, GatewayStream, make_door
from tradehall.faces.kit import App, Metrics, RateLimiter
from tradehall.ports.history import NoHistory
from tradehall.wiring.explaining import STREAMS

HEDGING_ACCOUNT = 700001
OTHER_ACCOUNT = 700002
HEDGING_KEY = "gw_hedging_key_of_the_tests_0000001"
OTHER_KEY = "gw_other_key_of_the_tests_000000001"
READER_KEY = "gw_reader_key_of_the_tests_00000001"
MASTER_KEY = "master-key-of-the-tests-0123456789abcdef"

QUOTES = {
    "AAPL": ("150.00", "150.02"),
    "BTCUSD": ("50000", "50010"),
    "EURUSD": ("1.08700", "1.08710"),
    "USDJPY": ("150.000", "150.010"),
}


@dataclass
class Opened:
    """An open door, and the things behind it that a test moves."""

    app: App
    gateway: Gateway
    stream: GatewayStream
    desk: Desk
    market: MarketBoard
    clock: OwnClock
    client: httpx.AsyncClient

    async def call(self, method: str, path: str, json: Any = None, **more: Any) -> httpx.Response:
        if json is not None:
            more["json"] = json
        answer = await self.client.request(method, path, **more)
        await asyncio.sleep(0)  # Over a network nobody asks again in the step in which he was answered.
        return answer

    async def get(self, path: str, **more: Any) -> Any:
        answer = await self.call("GET", path, **more)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def place(self, **fields: Any) -> dict[str, Any]:
        """Place an order that must be accepted; the handle."""
        answer = await self.call("POST", "/orders", an_order(**fields))
        assert answer.status_code == 201, answer.text
        handle: dict[str, Any] = answer.json()
        return handle

    def quote(self, symbol: str, bid: str, ask: str, **more: Any) -> None:
        """The market says something, a millisecond later."""
        self.clock.at += NS_PER_MS
        self.market.on_quote(Quote(symbol, Decimal(bid), Decimal(ask), self.clock.at, self.clock.at, **more))

    def pass_s(self, seconds: float) -> None:
        self.clock.at += round(seconds * NS_PER_SECOND)

    def socket(self, key: str | None = None, path: str = "/v1/ws") -> WebSocketClient:
        headers = {} if key is None else {"X-API-Key": key}
        return WebSocketClient(self.app, path, headers=headers)


def an_order(**fields: Any) -> dict[str, Any]:
    """A body of POST /orders: a market buy of one share, unless said otherwise; None leaves a field out."""
    body = {"symbol": "AAPL", "side": "BUY", "quantity": "1", "order_type": "MARKET"} | fields
    return {name: value for name, value in body.items() if value is not None}


@asynccontextmanager
async def opened(
    folder: Path,
    *,
    settings: GatewaySettings | None = None,
    master_key: str | None = None,
    limits: bool = False,
    limiter: RateLimiter | None = None,
) -> AsyncIterator[Opened]:
    clock = OwnClock(START)
    store = SqliteStore(folder, unknown_is_a_failure)
    market = MarketBoard(demo_instruments(), NoHistory(), clock, 30 * NS_PER_SECOND)
    rebuild_views(store.journal, store.view_store)
    desk = a_desk(store, clock=clock, quotes=market.quotes)
    await desk.start()
    for instrument in demo_instruments().values():
        await desk.submit(ListInstrument(instrument))
    for account, mode in ((ACCOUNT, PositionMode.NETTING), (HEDGING_ACCOUNT, PositionMode.HEDGING)):
        terms = AccountTerms(account, position_mode=mode)
        await desk.submit(OpenAccount(terms, Decimal(100_000)))
    await desk.submit(OpenAccount(AccountTerms(OTHER_ACCOUNT), Decimal(1_000)))
    access = Access(clock, house_account=ACCOUNT, master_key=master_key)
    access.replace_keys(
        [
            a_key(HEDGING_KEY, HEDGING_ACCOUNT),
            a_key(OTHER_KEY, OTHER_ACCOUNT),
            a_key(READER_KEY, ACCOUNT, scopes=("read",)),
        ]
    )
    metrics = Metrics()
    settings = settings or GatewaySettings()
    snapshots = Snapshots(folder / "snapshots")
    past = Past(store.journal, snapshots, market, clock)
    gateway = Gateway(
        desk=desk,
        market=market,
        past=past,
        explainer=Explainer(desk, past, snapshots, streams=STREAMS),
        access=access,
        breakers=Breakers(desk),
        streams=AccountStreams(),
        metrics=metrics,
        counters=Counters(metrics, settings.platform, desk),
        settings=settings,
    )
    stream = GatewayStream(gateway)
    for listener in (gateway.streams, gateway.breakers, gateway.counters):
        desk.listen(listener)
    desk.writer.hear_records(gateway.counters.count)
    market.subscribe(desk)
    market.subscribe(stream)
    limiter = limiter or RateLimiter(enabled=limits)
    app = App([make_door(gateway, stream)], metrics=metrics, limiter=limiter)
    transport = httpx.ASGITransport(app)
    try:
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            door = Opened(app, gateway, stream, desk, market, clock, client)
            for symbol, (bid, ask) in QUOTES.items():
                door.quote(symbol, bid, ask)
            yield door
    finally:
        await desk.stop()
        store.close()


def a_key(secret: str, account: int, scopes: tuple[str, ...] = tuple(ALL_SCOPES)) -> ApiKey:
    return ApiKey(
        key_id=f"key_{secret[3:9]}", door="gateway", prefix=secret[:9], digest=digest_of(secret).hex(),
        account_id=account, created_at=START, scopes=scopes,
    )  # fmt: skip


def journey(folder: Path, steps: Callable[[Opened], Awaitable[None]], **options: Any) -> None:
    """Open the door, take the steps, close it; the steps have 20 seconds."""

    async def run() -> None:
        async with opened(folder, **options) as door:
            await asyncio.wait_for(steps(door), 20)

    asyncio.run(run())
