"""The client door on a real shard with real people: engine, venue, journal, records, identity, alerts."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx

from tests.app.identity.people import KEY, PASSWORD, CountingHasher, KeptMail
from tests.app.shard import START, OwnClock, a_desk, unknown_is_a_failure
from tests.faces.kit.asgi import WebSocketClient
from tradehall.adapters.sqlite.alerts import SqliteAlerts
from tradehall.adapters.sqlite.answers import SqliteAnswers
from tradehall.adapters.sqlite.records import SqliteRecords
from tradehall.adapters.sqlite.store import SqliteStore
from tradehall.adapters.tokens import JwtTokens
from tradehall.app.alerts import Alerts
from tradehall.app.asset_info import AssetInfo
from tradehall.app.identity.identity import Identity, IdentitySettings, Tools
from tradehall.app.identity.users import NewUser
from tradehall.app.market import MarketBoard
from tradehall.app.records.audit import HOUSE
from tradehall.app.records.scripts import Scripts
from tradehall.app.records.settings import Settings
from tradehall.app.records.users import SessionType
from tradehall.app.records.watchlists import Watchlists
from tradehall.app.recovery import rebuild_views
from tradehall.app.streams import AccountStreams
from tradehall.domain.catalogue import demo_instruments
from tradehall.domain.market import Quote
from tradehall.domain.time import NS_PER_MS, NS_PER_SECOND
from tradehall.engine.commands import ListInstrument
from tradehall.faces.client import Client, ClientSettings, ClientStream, make_door
from tradehall.faces.kit import App, Metrics, RateLimiter
from tradehall.ports.history import NoHistory

MIRA, OTTO, STAFF = 700_001, 700_002, 700_900

QUOTES = {
    "AAPL": ("150.00", "150.02"),
    "BTCUSD": ("50000", "50010"),
    "EURUSD": ("1.08700", "1.08710"),
    "GBPUSD": ("1.25000", "1.25010"),
    "USDJPY": ("150.000", "150.010"),
}


@dataclass
class Opened:
    """An open door, and the things behind it that a test moves. Calls are Mira's unless said otherwise."""

    app: App
    client: Client
    stream: ClientStream
    clock: OwnClock
    http: httpx.AsyncClient
    folder: Path
    tokens: dict[int, str] = field(default_factory=dict)

    async def call(
        self, method: str, path: str, json: Any = None, *, login: int | None = MIRA, **more: Any
    ) -> httpx.Response:
        """One request, as `login` (None: as nobody)."""
        headers = dict(more.pop("headers", {}))
        if login is not None and "authorization" not in headers:
            headers["authorization"] = await self.token(login)
        if json is not None:
            more["json"] = json
        return await self.http.request(method, path, headers=headers, **more)

    async def get(self, path: str, **more: Any) -> Any:
        """GET that must succeed; its JSON."""
        return await self.ok("GET", path, **more)

    async def ok(self, method: str, path: str, json: Any = None, **more: Any) -> Any:
        """A request that must succeed; its JSON."""
        answer = await self.call(method, path, json, **more)
        assert answer.status_code == 200, (method, path, answer.status_code, answer.text)
        return answer.json()

    async def refused(self, method: str, path: str, json: Any = None, **more: Any) -> tuple[int, str]:
        """A request that must be refused; status and error."""
        answer = await self.call(method, path, json, **more)
        assert answer.status_code >= 400, (method, path, answer.text)
        return answer.status_code, answer.json()["error"]

    async def token(self, login: int) -> str:
        """A token of `login`, from one sign-in."""
        if login not in self.tokens:
            signed = await self.client.identity.signing_in.sign_in(login, PASSWORD, address="10.0.0.1")
            self.tokens[login] = signed.token
        return self.tokens[login]

    async def trade(self, **fields: Any) -> int:
        """Open a ticket; its number."""
        login = fields.pop("as_login", MIRA)
        ack = await self.ok("POST", "/trade/open", a_trade(**fields), login=login)
        number: int = ack["order"]
        return number

    async def pending(self, **fields: Any) -> int:
        """Place a pending ticket; its number."""
        body = a_trade(cmd=2, open_price=1.05) | fields
        ack = await self.ok("POST", "/trade/open/pending", body)
        number: int = ack["order"]
        return number

    async def trades(self, **query: Any) -> list[dict[str, Any]]:
        """Tickets as objects, the table checked on the way."""
        return rows_of(await self.get("/trades", params=query))

    def quote(self, symbol: str, bid: str, ask: str) -> None:
        """The market says something, a millisecond later."""
        self.clock.at += NS_PER_MS
        self.client.market.on_quote(Quote(symbol, Decimal(bid), Decimal(ask), self.clock.at, self.clock.at))

    def pass_s(self, seconds: float) -> None:
        self.clock.at += round(seconds * NS_PER_SECOND)

    def socket(self, path: str = "/ws/client") -> WebSocketClient:
        return WebSocketClient(self.app, path)


def a_trade(**fields: Any) -> dict[str, Any]:
    """A market buy of 0.10 lots EURUSD, unless said otherwise; None leaves a field out."""
    body = {"cmd": 0, "symbol": "EURUSD", "volume": 10, "sl": 0, "tp": 0} | fields
    return {name: value for name, value in body.items() if value is not None}


def rows_of(table: dict[str, Any]) -> list[dict[str, Any]]:
    """Rows as objects; a row that is not as long as the structure is a failure."""
    structure = table["structure"]
    assert all(len(row) == len(structure) for row in table["rows"])
    return [dict(zip(structure, row, strict=True)) for row in table["rows"]]


@asynccontextmanager
async def opened(
    folder: Path, *, options: ClientSettings | None = None, limiter: RateLimiter | None = None
) -> AsyncIterator[Opened]:
    clock = OwnClock(START)
    store = SqliteStore(folder, unknown_is_a_failure)
    records = SqliteRecords(folder / "records.db")
    instruments = demo_instruments()
    market = MarketBoard(instruments, NoHistory(), clock, 30 * NS_PER_SECOND)
    rebuild_views(store.journal, store.view_store)
    desk = a_desk(store, clock=clock, quotes=market.quotes)
    await desk.start()
    for instrument in instruments.values():
        await desk.submit(ListInstrument(instrument))
    tools = Tools(records, clock, CountingHasher(), JwtTokens(), KeptMail(), KEY)
    identity = Identity(tools, IdentitySettings(deposit=Decimal(100_000), sign_up_is_open=True))
    await identity.attach(desk)
    await _people(identity)
    alerts = Alerts(SqliteAlerts(records), clock, instruments)
    streams = AccountStreams()
    desk.listen(streams)
    client = Client(
        desk=desk,
        market=market,
        identity=identity,
        alerts=alerts,
        scripts=Scripts(records, clock),
        settings=Settings(records, clock),
        watchlists=Watchlists(records, clock, instruments),
        assets=AssetInfo(market, clock),
        streams=streams,
        metrics=Metrics(),
        answers=SqliteAnswers(records),
        options=options or ClientSettings(),
    )
    stream = ClientStream(client)
    market.subscribe(desk)
    await alerts.start()
    market.subscribe(alerts)
    market.subscribe(stream)
    app = App([make_door(client, stream)], metrics=client.metrics, limiter=limiter or RateLimiter(enabled=False))
    try:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost") as http:
            door = Opened(app, client, stream, clock, http, folder)
            for symbol, (bid, ask) in QUOTES.items():
                door.quote(symbol, bid, ask)
            yield door
    finally:
        await alerts.stop()
        identity.close()
        await desk.stop()
        store.close()
        records.close()


async def _people(identity: Identity) -> None:
    for login, name, kind in (
        (MIRA, "mira", SessionType.USER),
        (OTTO, "otto", SessionType.USER),
        (STAFF, "staff", SessionType.MANAGER),
    ):
        if identity.users.of_login(login) is None:
            wish = NewUser(email=f"{name}@example.test", first_name=name.title(), login=login, session_type=kind)
            await identity.users.create(wish, by=HOUSE, password=PASSWORD)


def journey(folder: Path, steps: Callable[[Opened], Awaitable[None]], **options: Any) -> None:
    """Open the door, take the steps, close it; the steps have 30 seconds."""

    async def run() -> None:
        async with opened(folder, **options) as door:
            await asyncio.wait_for(steps(door), 30)

    asyncio.run(run())
