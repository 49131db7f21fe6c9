"""The terminal door on a real shard with real keys: engine, venue, journal, records, a hand-driven market and clock."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx

from tests.app.identity.people import KEY, PASSWORD, CountingHasher, KeptMail
from tests.app.shard import START, OwnClock, unknown_is_a_failure
from tests.faces.kit.asgi import WebSocketClient
from tradehall.adapters.sqlite.answers import SqliteAnswers
from tradehall.adapters.sqlite.records import SqliteRecords
from tradehall.adapters.sqlite.store import SqliteStore
from tradehall.adapters.tokens import JwtTokens
from tradehall.app.access import Access
from tradehall.app.desk import Desk
from tradehall.app.identity.identity import Identity, IdentitySettings, Tools
from tradehall.app.identity.terminal_keys import NewTerminalKey
from tradehall.app.identity.users import NewUser
from tradehall.app.market import MarketBoard
from tradehall.app.records.audit import HOUSE
from tradehall.app.recovery import rebuild_views, recover
from tradehall.app.streams import AccountStreams
from tradehall.domain.account import AccountTerms, PositionMode
from tradehall.domain.catalogue import demo_instruments
from tradehall.domain.market import Quote
from tradehall.domain.time import NS_PER_MS, NS_PER_SECOND
from tradehall.engine.commands import ListInstrument, OpenAccount
from tradehall.engine.engine import Engine
from tradehall.faces.kit import WEBSOCKET, App, Door, FirstFrame, RateLimiter, Route
from tradehall.faces.terminal import Executions, Memory, Terminal, TerminalSettings, TerminalStream, make_door
from tradehall.ports.history import NoHistory
from tradehall.venue.loop import TradingLoop
from tradehall.venue.settings import VenueSettings
from tradehall.venue.simulated import SimulatedVenue

MIRA, OTTO, NETTING = 700_001, 700_002, 700_100

QUOTES = {
    "AAPL": ("150.00", "150.02"),
    "BTCUSD": ("50000", "50010"),
    "EURUSD": ("1.08420", "1.08428"),
    "USDJPY": ("150.000", "150.010"),
}


@dataclass
class Opened:
    """An open door, and the things behind it that a test moves. Calls are Mira's with all rights unless said otherwise."""

    app: App
    terminal: Terminal
    stream: TerminalStream
    identity: Identity
    first_frame: FirstFrame
    clock: OwnClock
    http: httpx.AsyncClient
    keys: dict[tuple[int, str], str] = field(default_factory=dict)

    @property
    def desk(self) -> Desk:
        return self.terminal.desk

    async def key(self, login: int = MIRA, scope: str = "full") -> str:
        """A key of the login, made once."""
        if (login, scope) not in self.keys:
            wish = NewTerminalKey(name=f"{login} {scope}", scope=scope)
            _, self.keys[login, scope] = await self.identity.keys.create(login, wish, by=HOUSE)
        return self.keys[login, scope]

    async def call(
        self, method: str, path: str, json: Any = None, *, login: int | None = MIRA, scope: str = "full", **more: Any
    ) -> httpx.Response:
        """One request below /v1/api, or to an absolute path; `login` None: without a key."""
        headers = dict(more.pop("headers", {}))
        if login is not None and "authorization" not in headers:
            headers["authorization"] = f"Bearer {await self.key(login, scope)}"
        if json is not None:
            more["json"] = json
        url = path if path.startswith("/v1") else f"/v1/api{path}"
        return await self.http.request(method, url, headers=headers, **more)

    async def ok(self, method: str, path: str, json: Any = None, **more: Any) -> Any:
        """A request that must succeed; its data."""
        answer = await self.call(method, path, json, **more)
        assert answer.status_code == 200, (method, path, answer.status_code, answer.text)
        body = answer.json()
        assert body["success"] is True
        return body["data"]

    async def get(self, path: str, **more: Any) -> Any:
        return await self.ok("GET", path, **more)

    async def refused(self, method: str, path: str, json: Any = None, **more: Any) -> tuple[int, str]:
        """A request that must be refused; status and code. The body has the door's shape."""
        answer = await self.call(method, path, json, **more)
        assert answer.status_code >= 400, (method, path, answer.text)
        body = answer.json()
        assert body["success"] is False and body["error"], body
        assert body.keys() <= {"success", "error", "code", "detail"}, body
        return answer.status_code, body["code"]

    async def buy(self, volume: float = 0.1, symbol: str = "EURUSD", **more: Any) -> int:
        """Buy at market; the ticket."""
        login = more.pop("login", MIRA)
        data = await self.ok("POST", "/trade", a_trade(volume=volume, symbol=symbol, **more), login=login)
        ticket: int = data["ticket"]
        return ticket

    async def pend(self, **fields: Any) -> int:
        """Place a pending order: buy 0.10 EURUSD at 1.08 or lower; the ticket."""
        login = fields.pop("login", MIRA)
        body = {"symbol": "EURUSD", "type": 2, "volume": 0.1, "price": 1.08} | fields
        data = await self.ok("POST", "/orders", body, login=login)
        assert data["state"] == "placed"
        ticket: int = data["ticket"]
        return ticket

    def quote(self, symbol: str, bid: str, ask: str) -> None:
        """The market says something, a millisecond later."""
        self.clock.at += NS_PER_MS
        self.terminal.market.on_quote(Quote(symbol, Decimal(bid), Decimal(ask), self.clock.at, self.clock.at))

    def freshen(self) -> None:
        """All quotes are said again."""
        for symbol, quote in list(self.terminal.market.quotes.items()):
            self.quote(symbol, str(quote.bid), str(quote.ask))

    def pass_s(self, seconds: float) -> None:
        self.clock.at += round(seconds * NS_PER_SECOND)

    async def session(self, login: int = MIRA) -> dict[str, str]:
        """Headers of somebody who signed in."""
        signed = await self.identity.signing_in.sign_in(login, PASSWORD, address="10.0.0.1")
        return {"authorization": signed.token}

    def socket(self, path: str = "/v1/api/ws") -> WebSocketClient:
        return WebSocketClient(self.app, path)


def a_trade(**fields: Any) -> dict[str, Any]:
    """A body of POST /trade: buy 0.10 EURUSD, unless said otherwise; None leaves a field out."""
    body = {"symbol": "EURUSD", "action": "buy", "volume": 0.1} | fields
    return {name: value for name, value in body.items() if value is not None}


@asynccontextmanager
async def opened(
    folder: Path,
    *,
    limits: bool = False,
    limiter: RateLimiter | None = None,
    venue: VenueSettings | None = None,
    settings: TerminalSettings | None = None,
    within_s: float = 5.0,
) -> AsyncIterator[Opened]:
    clock = OwnClock(START)
    store = SqliteStore(folder, unknown_is_a_failure)
    records = SqliteRecords(folder / "records.db")
    instruments = demo_instruments()
    market = MarketBoard(instruments, NoHistory(), clock, 30 * NS_PER_SECOND)
    rebuild_views(store.journal, store.view_store)
    venue_settings = venue or VenueSettings()

    def make_loop(state, on_record):
        loop = TradingLoop(
            Engine(state), SimulatedVenue(venue_settings, state, market.quotes), market.quotes, on_record
        )
        loop.rebuild()
        return loop

    desk = Desk(
        state=recover(store.journal, None), make_loop=make_loop, restore=lambda: recover(store.journal, None), store=store,
        quotes=market.quotes, clock=clock, on_unknown=unknown_is_a_failure,
    )  # fmt: skip
    await desk.start()
    for instrument in instruments.values():
        await desk.submit(ListInstrument(instrument))
    for login, mode in ((MIRA, PositionMode.HEDGING), (OTTO, PositionMode.HEDGING), (NETTING, PositionMode.NETTING)):
        terms = AccountTerms(login, position_mode=mode, leverage=Decimal(50), name=f"Person {login}")
        await desk.submit(OpenAccount(terms, Decimal(100_000)))
    identity = Identity(
        Tools(records, clock, CountingHasher(), JwtTokens(), KeptMail(), KEY), IdentitySettings(sign_up_is_open=True)
    )
    for login, email in ((MIRA, "mira@example.test"), (OTTO, "otto@example.test")):
        await identity.users.create(
            NewUser(email=email, first_name="A", last_name="B", login=login), by=HOUSE, password=PASSWORD
        )
    access = Access(clock, house_account=NETTING, master_key=None, ring=identity.book.ring)
    access.admit_people(identity.book, identity.sessions, identity.partner_tokens)
    executions = Executions(desk, within_s)
    terminal = Terminal(
        desk=desk, market=market, access=access, keys=identity.keys, streams=AccountStreams(),
        executions=executions, memory=Memory(SqliteAnswers(records), clock), settings=settings or TerminalSettings(),
    )  # fmt: skip
    stream = TerminalStream(terminal)
    for listener in (terminal.streams, executions):
        desk.listen(listener)
    market.subscribe(desk)
    market.subscribe(stream)
    identity.room.listen(stream)
    first_frame = FirstFrame(stream.speaker)
    door = make_door(terminal, stream)
    root = Door(
        name="root", title="", prefixes=("",), errors=door.errors,
        routes=(Route(WEBSOCKET, "/", first_frame.connect, public=True),),
    )  # fmt: skip
    app = App([door, root], limiter=limiter or RateLimiter(enabled=limits))
    transport = httpx.ASGITransport(app)
    try:
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as http:
            world = Opened(app, terminal, stream, identity, first_frame, clock, http)
            for symbol, (bid, ask) in QUOTES.items():
                world.quote(symbol, bid, ask)
            yield world
    finally:
        await stream.stop()
        await desk.stop()
        identity.close()
        store.close()
        records.close()


def journey(folder: Path, steps: Callable[[Opened], Awaitable[None]], **options: Any) -> None:
    """Open the door, take the steps, close it; the steps have 20 seconds."""

    async def run() -> None:
        async with opened(folder, **options) as door:
            await asyncio.wait_for(steps(door), 20)

    asyncio.run(run())
