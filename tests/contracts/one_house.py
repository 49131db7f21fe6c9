"""One house with three doors: gateway, client and terminal on one shard, a market moved by hand, people of its own."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from tests.app.identity.people import PASSWORD
from tests.faces.client.opened import Opened as ClientWorld
from tests.faces.client.opened import opened as client_opened
from tests.faces.gateway.opened import a_key
from tradehall.adapters.sqlite.answers import SqliteAnswers
from tradehall.adapters.sqlite.records import SqliteRecords
from tradehall.app.access import Access
from tradehall.app.breakers import Breakers
from tradehall.app.desk import Desk
from tradehall.app.explain import Explainer
from tradehall.app.identity.terminal_keys import NewTerminalKey
from tradehall.app.identity.users import NewUser
from tradehall.app.past import Past
from tradehall.app.records.audit import HOUSE
from tradehall.app.records.groups import HEDGING_GROUP, NETTING_GROUP
from tradehall.app.snapshots import Snapshots
from tradehall.domain.account import Account
from tradehall.engine.record import Record, decode_record
from tradehall.faces.client import make_door as make_client_door
from tradehall.faces.gateway import Counters, Gateway, GatewaySettings, GatewayStream
from tradehall.faces.gateway import make_door as make_gateway_door
from tradehall.faces.kit import App, Door, RateLimiter
from tradehall.faces.terminal import Executions, Memory, Terminal, TerminalSettings, TerminalStream
from tradehall.faces.terminal import make_door as make_terminal_door
from tradehall.ports.answers import AnswerStore

GATEWAY, CLIENT, TERMINAL = "gateway", "client", "terminal"
DOORS = (GATEWAY, CLIENT, TERMINAL)
# Equal accounts, one to each door, with the same deposit and leverage; hedging, unless a test asks for netting.
LOGIN_OF_DOOR = {GATEWAY: 700_011, CLIENT: 700_012, TERMINAL: 700_013}
GROUPS = (HEDGING_GROUP, NETTING_GROUP)
PREFIX = {GATEWAY: "/v1", CLIENT: "/client", TERMINAL: "/v1/api"}


@dataclass
class House:
    """Three doors, and what is behind them."""

    app: App
    doors: dict[str, Door]
    client: ClientWorld
    access: Access
    past: Past
    credentials: dict[tuple[str, int], dict[str, str]] = field(default_factory=dict)

    @property
    def desk(self) -> Desk:
        return self.client.client.desk

    @property
    def http(self) -> httpx.AsyncClient:
        return self.client.http

    def account(self, login: int) -> Account:
        """An account as it stands."""
        return self.desk.state.accounts[login]

    def records(self) -> list[Record]:
        """All that the journal holds."""
        return [decode_record(entry.payload) for entry in self.desk.writer.journal.entries()]

    def quote(self, symbol: str, bid: str, ask: str) -> None:
        """The market says something, a millisecond later."""
        self.client.quote(symbol, bid, ask)

    async def call(
        self, door: str, method: str, path: str, body: Any = None, *, login: int, **more: Any
    ) -> httpx.Response:
        """One request through a door, as the owner of an account. `path` stands below the door's prefix.

        The keys of the terminal are an exception: their path is whole, and who signed in at the client door manages them.
        """
        is_about_keys = path.startswith("/v1/keys")
        headers = await self.credential(CLIENT if is_about_keys else door, login) | more.pop("headers", {})
        if body is not None:
            more |= {"content": json.dumps(body)}
            headers["content-type"] = "application/json"
        url = path if is_about_keys else PREFIX[door] + path
        return await self.http.request(method, url, headers=headers, **more)

    async def read(self, door: str, path: str, *, login: int) -> Any:
        """A GET that must succeed; its JSON."""
        answer = await self.call(door, "GET", path, login=login)
        assert answer.status_code == 200, (door, path, answer.status_code, answer.text)
        return answer.json()

    async def credential(self, door: str, login: int) -> dict[str, str]:
        """What opens a door to the owner of an account."""
        if (door, login) not in self.credentials:
            self.credentials[door, login] = {"authorization": await self._made(door, login)}
        return self.credentials[door, login]

    async def _made(self, door: str, login: int) -> str:
        if door == CLIENT:
            return await self.client.token(login)
        if door == GATEWAY:
            secret = f"gw_key_of_{login}_in_these_tests_0000"
            self.client.client.identity.book.ring.put(a_key(secret, login))
            return f"Bearer {secret}"
        wish = NewTerminalKey(name=f"of {login}", scope="full")
        _, secret = await self.client.client.identity.keys.create(login, wish, by=HOUSE)
        return f"Bearer {secret}"


@asynccontextmanager
async def opened(folder: Path, group: str = HEDGING_GROUP) -> AsyncIterator[House]:
    """The house, its three equal accounts of `group` open; nothing has been asked yet."""
    async with client_opened(folder) as client:
        for door, login in LOGIN_OF_DOOR.items():
            wish = NewUser(email=f"{door}@example.test", first_name=door, login=login, group=group)
            await client.client.identity.users.create(wish, by=HOUSE, password=PASSWORD)
        records = SqliteRecords(folder / "records.db")
        house = _with_three_doors(client, folder, SqliteAnswers(records))
        transport = httpx.ASGITransport(house.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as http:
            client.http = http
            yield house
        records.close()


def _with_three_doors(client: ClientWorld, folder: Path, answers: AnswerStore) -> House:
    room, identity = client.client, client.client.identity
    access = Access(client.clock, house_account=999, master_key="nobody has this key", ring=identity.book.ring)
    access.admit_people(identity.book, identity.sessions, identity.partner_tokens)
    settings, executions = GatewaySettings(), Executions(room.desk)
    snapshots = Snapshots(folder / "snapshots")
    past = Past(room.desk.writer.journal, snapshots, room.market, client.clock)
    gateway = Gateway(
        desk=room.desk, market=room.market, past=past, explainer=Explainer(room.desk, past, snapshots), access=access, breakers=Breakers(room.desk),
        streams=room.streams, metrics=room.metrics, settings=settings,
        counters=Counters(room.metrics, settings.platform, room.desk),
    )  # fmt: skip
    terminal = Terminal(
        desk=room.desk, market=room.market, access=access, keys=identity.keys, streams=room.streams,
        executions=executions, memory=Memory(answers, client.clock), settings=TerminalSettings(),
    )  # fmt: skip
    for listener in (executions, gateway.breakers, gateway.counters):
        room.desk.listen(listener)
    room.desk.writer.hear_records(gateway.counters.count)
    doors = {
        GATEWAY: make_gateway_door(gateway, GatewayStream(gateway)),
        CLIENT: make_client_door(room, client.stream),
        TERMINAL: make_terminal_door(terminal, TerminalStream(terminal)),
    }
    app = App(list(doors.values()), metrics=room.metrics, limiter=RateLimiter(enabled=False))
    return House(app, doors, client, access, past)


def journey(folder: Path, steps: Callable[[House], Awaitable[None]], group: str = HEDGING_GROUP) -> None:
    """Open the house, take the steps, close it; the steps have 30 seconds."""

    async def run() -> None:
        async with opened(folder, group) as house:
            await asyncio.wait_for(steps(house), 30)

    asyncio.run(run())
