"""The dashboard door on a real shard: engine, venue, journal, records and trail; a market and a clock moved by hand."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx

from tests.app.shard import START, OwnClock, a_desk, unknown_is_a_failure
from tests.faces.kit.asgi import WebSocketClient
from tradehall.adapters.sqlite.audit_store import SqliteAudit
from tradehall.adapters.sqlite.deployments import SqliteDeployments
from tradehall.adapters.sqlite.equity import SqliteEquity
from tradehall.adapters.sqlite.records import SqliteRecords
from tradehall.adapters.sqlite.store import SqliteStore
from tradehall.app.access import Access
from tradehall.app.audit import AuditTrail
from tradehall.app.desk import Desk
from tradehall.app.equity import EquityHistory
from tradehall.app.fill_sums import FillSums
from tradehall.app.house_counts import HouseCounts
from tradehall.app.house_orders import HouseOrders
from tradehall.app.market import MarketBoard
from tradehall.app.outcome import request_digest
from tradehall.app.past import Past
from tradehall.app.principal import NO_ACCOUNT
from tradehall.app.records.api_keys import DASHBOARD, OPERATOR, VIEWER, ApiKeys
from tradehall.app.recovery import rebuild_views
from tradehall.app.snapshots import Snapshots
from tradehall.app.strategies.registering import Registry
from tradehall.app.studio.room import StudioRoom
from tradehall.domain.account import AccountTerms, PositionMode
from tradehall.domain.catalogue import demo_instruments
from tradehall.domain.market import Quote
from tradehall.domain.order import OrderTerms, OrderType, Side
from tradehall.domain.time import NS_PER_MS, NS_PER_SECOND
from tradehall.engine.commands import ListInstrument, OpenAccount, PlaceOrder
from tradehall.faces.dashboard import Dashboard, DashboardSettings, DashboardStream, Figures, make_door
from tradehall.faces.kit import App, Metrics, RateLimiter
from tradehall.ports.history import NoHistory

ACCOUNT = 700_100
HEDGING_ACCOUNT = 700_001
OTHER_ACCOUNT = 700_200

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
    dashboard: Dashboard
    stream: DashboardStream
    desk: Desk
    market: MarketBoard
    clock: OwnClock
    client: httpx.AsyncClient
    viewer: str
    operator: str

    async def call(
        self, method: str, path: str, body: Any = None, token: str | None = "", **more: Any
    ) -> httpx.Response:
        """One request; `token` "": the operator's, None: none."""
        headers = dict(more.pop("headers", {}))
        if token is not None:
            headers.setdefault("authorization", f"Bearer {token or self.operator}")
        if body is not None:
            more["content"] = body if isinstance(body, str | bytes) else json.dumps(body)
            headers.setdefault("content-type", "application/json")
        return await self.client.request(method, f"/api{path}", headers=headers, **more)

    async def get(self, path: str, **params: Any) -> Any:
        """A GET that must succeed; its JSON."""
        answer = await self.call("GET", path, params=params)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def page(self, path: str, **params: Any) -> tuple[list[dict[str, Any]], int]:
        """A list that must succeed, and its X-Total-Count."""
        answer = await self.call("GET", path, params=params)
        assert answer.status_code == 200, answer.text
        return answer.json(), int(answer.headers["x-total-count"])

    async def strategy(self, name: str = "mean_reversion", **fields: Any) -> str:
        """The UUID of a strategy that is registered now."""
        body = {
            "name": name, "strategy_id": f"{name}-001", "account_id": str(ACCOUNT), "instrument_id": "BTCUSD.SIM",
        }  # fmt: skip
        answer = await self.call("POST", "/trading/strategies", body | fields)
        assert answer.status_code == 201, answer.text
        keygen: str = answer.json()["id"]
        return keygen

    async def order(self, **fields: Any) -> dict[str, Any]:
        """An order placed at this door; its row, whatever became of it."""
        body = {
            "account_id": str(ACCOUNT), "instrument_id": "BTCUSD.SIM", "side": "BUY", "order_type": "MARKET", "quantity": 0.1,
        }  # fmt: skip
        body |= fields
        answer = await self.call("POST", "/trading/orders", {k: v for k, v in body.items() if v is not None})
        assert answer.status_code == 201, answer.text
        row: dict[str, Any] = answer.json()
        return row

    async def wish(
        self, *, quantity: str, strategy_id: str | None = None, limit: str | None = None, **more: Any
    ) -> Any:
        """An order that came in through another door."""
        fields: dict[str, Any] = {
            "account_id": ACCOUNT, "symbol": "BTCUSD", "side": Side.BUY, "quantity": Decimal(quantity),
            "type": OrderType.MARKET if limit is None else OrderType.LIMIT, "strategy_id": strategy_id,
            "limit_price": None if limit is None else Decimal(limit),
        } | more  # fmt: skip
        terms = OrderTerms(**fields)
        digest = None if terms.client_order_id is None else request_digest(terms)
        return await self.desk.submit(PlaceOrder(terms, digest))

    def quote(self, symbol: str, bid: str, ask: str, **more: Any) -> None:
        """The market says something, a millisecond later."""
        self.clock.at += NS_PER_MS
        self.market.on_quote(Quote(symbol, Decimal(bid), Decimal(ask), self.clock.at, self.clock.at, **more))

    def pass_s(self, seconds: float) -> None:
        self.clock.at += round(seconds * NS_PER_SECOND)

    def socket(self) -> WebSocketClient:
        return WebSocketClient(self.app, "/api/trading/ws")


@asynccontextmanager
async def opened(folder: Path, *, is_open: bool = False, limits: bool = False) -> AsyncIterator[Opened]:
    clock = OwnClock(START)
    store = SqliteStore(folder, unknown_is_a_failure)
    records = SqliteRecords(folder / "records.db")
    market = MarketBoard(demo_instruments(), NoHistory(), clock, 30 * NS_PER_SECOND)
    rebuild_views(store.journal, store.view_store)
    desk = a_desk(store, clock=clock, quotes=market.quotes)
    trail = AuditTrail(SqliteAudit(records), store.journal, clock)
    desk.listen(trail)
    desk.writer.hear_durable(trail.on_durable)
    room = StudioRoom(records, clock)
    keys = ApiKeys(records, clock, actor="test")
    tokens = {
        role: keys.create(NO_ACCOUNT, door=DASHBOARD, name=f"ann {role}", scopes=(role,))[1]
        for role in (VIEWER, OPERATOR)
    }
    access = Access(clock, house_account=ACCOUNT, master_key=None)
    access.replace_keys(keys.all())
    equity = EquityHistory(desk, SqliteEquity(records))
    desk.listen(equity)
    counts = HouseCounts(desk)
    past = Past(store.journal, Snapshots(folder / "snapshots"), market, clock)
    dashboard = Dashboard(
        desk=desk, market=market, past=past, access=access, trail=trail, book=room.book, registry=Registry(room),
        signals=SqliteDeployments(records), sums=FillSums(desk.views), equity=equity,
        orders=HouseOrders(desk, counts), counts=counts,
        settings=DashboardSettings(is_open=is_open, mode="SIMULATED", started_at=START),
    )  # fmt: skip
    stream = DashboardStream(dashboard)
    metrics = Metrics()
    desk.listen(stream)
    desk.writer.hear_records(Figures(metrics, desk.clock, dashboard.name_of).measure)
    market.subscribe(desk)
    market.subscribe(stream)
    app = App([make_door(dashboard, stream)], metrics=metrics, limiter=RateLimiter(enabled=limits))
    await trail.start()
    await desk.start()
    await counts.begin()
    await stream.start()
    for instrument in demo_instruments().values():
        await desk.submit(ListInstrument(instrument))
    modes = {ACCOUNT: PositionMode.NETTING, HEDGING_ACCOUNT: PositionMode.HEDGING, OTHER_ACCOUNT: PositionMode.NETTING}
    for account, mode in modes.items():
        await desk.submit(OpenAccount(AccountTerms(account, position_mode=mode), Decimal(100_000)))
    transport = httpx.ASGITransport(app)
    try:
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            door = Opened(
                app, dashboard, stream, desk, market, clock, client, tokens[VIEWER], tokens[OPERATOR]
            )  # fmt: skip
            for symbol, (bid, ask) in QUOTES.items():
                door.quote(symbol, bid, ask)
            yield door
    finally:
        await stream.stop()
        await desk.stop()
        await trail.stop()
        store.close()
        records.close()


def journey(folder: Path, steps: Callable[[Opened], Awaitable[None]], **options: Any) -> None:
    """Open the door, take the steps, close it; the steps have 20 seconds."""

    async def run() -> None:
        async with opened(folder, **options) as door:
            await asyncio.wait_for(steps(door), 20)

    asyncio.run(run())
