"""One house with five doors: the three of `one_house`, and beside them the support desk's and the dashboard."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.contracts.one_house import GATEWAY, LOGIN_OF_DOOR, House
from tests.contracts.one_house import opened as three_doors_opened
from tradehall.adapters.signatures import Ed25519Signer
from tradehall.adapters.sqlite.audit_store import SqliteAudit
from tradehall.adapters.sqlite.equity import SqliteEquity
from tradehall.adapters.sqlite.records import SqliteRecords
from tradehall.app.audit import AuditTrail
from tradehall.app.audit_export import AuditExports
from tradehall.app.equity import EquityHistory
from tradehall.app.explain import Explainer
from tradehall.app.fill_sums import FillSums
from tradehall.app.house_counts import HouseCounts
from tradehall.app.house_orders import HouseOrders
from tradehall.app.records.api_keys import ApiKeys
from tradehall.app.records.audit import HOUSE
from tradehall.app.records.groups import HEDGING_GROUP
from tradehall.app.records.users import DEFAULT_DOMAIN, User
from tradehall.app.snapshots import Snapshots
from tradehall.faces.dashboard import Dashboard, DashboardSettings, DashboardStream
from tradehall.faces.dashboard import make_door as make_dashboard_door
from tradehall.faces.kit import App, RateLimiter
from tradehall.faces.support import make_door as make_support_door
from tradehall.wiring.studio import StudioRooms
from tradehall.wiring.support import SupportRooms

# Rows on a page of the dashboard: more than any of these tests makes.
PAGE = 1_000


@dataclass
class AllDoors:
    """Five doors. What is read is of the account that the gateway opens, unless said otherwise."""

    house: House
    rooms: SupportRooms
    http: httpx.AsyncClient
    token: str

    def user(self, login: int = LOGIN_OF_DOOR[GATEWAY]) -> User:
        """Whose account it is."""
        found = self.house.client.client.identity.book.user_of_login(login)
        assert found is not None
        return found

    async def support(self, path: str, method: str = "GET", body: Any = None, **params: Any) -> Any:
        """A request to the support door that must succeed; its JSON. `{user}` is the account's owner."""
        url = "/api/support/v1" + path.replace("{user}", str(self.user().user_id))
        headers = {"authorization": f"Bearer {self.token}"}
        answer = await self.http.request(method, url, json=body, params=params, headers=headers)
        assert answer.status_code == 200, (method, url, answer.status_code, answer.text)
        return answer.json()

    async def all_of(self, path: str, **params: Any) -> list[dict[str, Any]]:
        """All pages of a list of the support door, which are as many as they say."""
        found: list[dict[str, Any]] = []
        page = {"items": [None], "total": 0}
        number = 1
        while page["items"]:
            page = await self.support(path, page=number, size=100, **params)
            found += page["items"]
            number += 1
        assert len(found) == page["total"]
        return found

    async def dashboard(self, path: str, **params: Any) -> list[dict[str, Any]]:
        """A list of the dashboard, whole: its rows are as many as it says there are."""
        asked: dict[str, Any] = {"account_id": str(LOGIN_OF_DOOR[GATEWAY]), "limit": PAGE} | params
        answer = await self.http.get(f"/api/trading{path}", params=asked)
        assert answer.status_code == 200, (path, answer.text)
        rows: list[dict[str, Any]] = answer.json()
        assert len(rows) == int(answer.headers["x-total-count"])
        return rows


@asynccontextmanager
async def opened(folder: Path, group: str = HEDGING_GROUP) -> AsyncIterator[AllDoors]:
    """The five doors, open, their accounts of `group`; nothing has been asked yet."""
    async with three_doors_opened(folder, group) as house:
        records = SqliteRecords(folder / "records.db")
        identity = house.client.client.identity
        await identity.partners.create(DEFAULT_DOMAIN, by=HOUSE)
        rooms, app = await _with_two_more(house, records, folder)
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as http:
            yield AllDoors(house, rooms, http, identity.partner_tokens.mint(DEFAULT_DOMAIN, role="admin", name="desk"))
        rooms.close()
        records.close()


async def _with_two_more(house: House, records: SqliteRecords, folder: Path) -> tuple[SupportRooms, App]:
    desk, room, clock = house.desk, house.client.client, house.client.clock
    journal, store = desk.writer.journal, SqliteAudit(records)
    instruments = dict(desk.state.instruments)
    studio = StudioRooms(records, journal, desk, room.market, room.identity, ApiKeys(records, clock), instruments)
    trail = AuditTrail(store, journal, clock)
    rooms = SupportRooms(folder / "support", journal, studio, trail)
    rooms.store.lay_over(rooms.overlays.all())
    exports = AuditExports(trail, store, Ed25519Signer(b"a house in a test".ljust(32)), clock)
    explainer = Explainer(desk, house.past, Snapshots(folder / "snapshots"), trail)
    counts = HouseCounts(desk)
    dashboard = Dashboard(
        desk=desk, market=room.market, past=house.past, access=house.access, trail=trail, book=studio.room.book,
        registry=studio.registry, signals=studio.store, sums=FillSums(desk.views),
        equity=EquityHistory(desk, SqliteEquity(records)), orders=HouseOrders(desk, counts), counts=counts,
        settings=DashboardSettings(is_open=True),
    )  # fmt: skip
    await counts.begin()
    support = rooms.door(house.access, explainer, house.past, exports)
    doors = [make_support_door(support), make_dashboard_door(dashboard, DashboardStream(dashboard))]
    return rooms, App(doors, limiter=RateLimiter(enabled=False))


def journey(folder: Path, steps: Callable[[AllDoors], Awaitable[None]], group: str = HEDGING_GROUP) -> None:
    """Open the house, take the steps, close it; the steps have a minute."""

    async def run() -> None:
        async with opened(folder, group) as doors:
            await asyncio.wait_for(steps(doors), 60)

    asyncio.run(run())
