"""What the gateway can wish, an operator can: through the dashboard it comes to the same events, and reads the same."""

import asyncio
from decimal import Decimal
from typing import Any

import httpx
import pytest

from tests.contracts.asks import Ask
from tests.contracts.one_house import CLIENT, GATEWAY, GROUPS, LOGIN_OF_DOOR, House, opened
from tests.contracts.test_one_wish_every_door import Names, entries_of, filled_in, kinds_of, send, stage, story_of
from tests.contracts.wishes import BY_NAME, WISHES
from tradehall.adapters.sqlite.audit_store import SqliteAudit
from tradehall.adapters.sqlite.deployments import SqliteDeployments
from tradehall.adapters.sqlite.equity import SqliteEquity
from tradehall.adapters.sqlite.records import SqliteRecords
from tradehall.app.audit import AuditTrail
from tradehall.app.equity import EquityHistory
from tradehall.app.fill_sums import FillSums
from tradehall.app.house_counts import HouseCounts
from tradehall.app.house_orders import HouseOrders
from tradehall.app.records.groups import HEDGING_GROUP
from tradehall.app.strategies.registering import Registry
from tradehall.app.studio.room import StudioRoom
from tradehall.faces.dashboard import Dashboard, DashboardSettings, DashboardStream, make_door
from tradehall.faces.kit import App, RateLimiter

# Equal to the gateway's account.
LOGIN = LOGIN_OF_DOOR[CLIENT]
FIELDS = {"limit_price": "price", "stop_price": "trigger_price"}
# Lists of wishes, and fields, that this door does not have.
ABSENT = {"trailing_type", "oco_group_id", "hidden", "display_quantity", "leverage", "margin_mode"}


def translated(ask: Ask) -> Ask | None:
    """The gateway's request as this door has it; None where it has none."""
    body = {FIELDS.get(name, name): value for name, value in (ask.body or {}).items()}
    if ask.method == "POST" and ask.path == "/orders" and ask.body is not None:
        if body.pop("trailing_type", "ABSOLUTE") != "ABSOLUTE" or ABSENT & body.keys():
            return None
        body["instrument_id"] = body.pop("symbol")
        return Ask("POST", "/trading/orders", body | {"account_id": str(LOGIN)}, ask.headers)
    if ask.path.startswith("/orders/ord_"):
        return Ask(ask.method, f"/trading{ask.path}", body or None, ask.headers)
    if ask.method == "DELETE" and ask.path.startswith("/positions/pos_") and body.keys() <= {"quantity"}:
        path = f"/trading{ask.path}/close"
        return Ask("POST", path, body | {"account_id": str(LOGIN)}, ask.headers)
    return None


def of_both(wish) -> bool:
    """Whether both doors have a wish, and those before it."""
    asks = [getattr(BY_NAME[name], GATEWAY) for name in (*wish.after, wish.name)]
    return all(isinstance(ask, Ask) and translated(ask) is not None for ask in asks)


SHARED = [wish for wish in WISHES if of_both(wish)]


class World:
    """The house, and the dashboard beside its other doors."""

    def __init__(self, house: House, records: SqliteRecords) -> None:
        desk, room = house.desk, StudioRoom(records, house.client.clock)
        self.house = house
        counts = HouseCounts(desk)
        self.dashboard = Dashboard(
            desk=desk, market=house.client.client.market, past=house.past, access=house.access,
            trail=AuditTrail(SqliteAudit(records), desk.writer.journal, house.client.clock), book=room.book,
            registry=Registry(room), signals=SqliteDeployments(records), sums=FillSums(desk.views),
            equity=EquityHistory(desk, SqliteEquity(records)), orders=HouseOrders(desk, counts), counts=counts, settings=DashboardSettings(is_open=True),
        )  # fmt: skip
        door = make_door(self.dashboard, DashboardStream(self.dashboard))
        self.app = App([door], limiter=RateLimiter(enabled=False))

    async def call(self, method: str, path: str, body: Any = None) -> Any:
        """One request at the dashboard."""
        async with httpx.AsyncClient(transport=httpx.ASGITransport(self.app), base_url="http://localhost") as http:
            return await http.request(method, f"/api{path}", json=body)

    async def read(self, path: str) -> Any:
        """A GET that must succeed; its JSON."""
        answer = await self.call("GET", path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def send(self, ask: Ask) -> int:
        """Send the gateway's wish here; its status."""
        here = translated(ask)
        assert here is not None
        numbers = entries_of(self.house, LOGIN)
        answer = await self.call(here.method, filled_in(here.path, numbers), filled_in(here.body, numbers))
        assert answer.status_code < 500, answer.text
        status: int = answer.status_code
        return status


def journey(folder, steps, group=HEDGING_GROUP) -> None:
    """Open house and door, take the steps, close them."""

    async def run() -> None:
        records = SqliteRecords(folder / "dashboard.db")
        async with opened(folder, group) as house:
            await asyncio.wait_for(steps(World(house, records)), 30)
        records.close()

    asyncio.run(run())


def test_most_of_what_the_gateway_can_wish_can_be_wished_here():
    assert len(SHARED) >= 20


@pytest.mark.parametrize("group", GROUPS)
@pytest.mark.parametrize("wish", SHARED, ids=[wish.name for wish in SHARED])
def test_an_operators_wish_comes_to_the_events_of_the_gateways(tmp_path, wish, group):
    async def steps(world):
        house = world.house
        await stage(house)
        for name in wish.after:
            ask = getattr(BY_NAME[name], GATEWAY)
            assert await send(house, GATEWAY, ask) < 300, name
            assert await world.send(ask) < 300, name
        before = house.desk.state.seq
        await send(house, GATEWAY, wish.gateway)
        await world.send(wish.gateway)
        for quote in wish.then:
            house.quote("EURUSD", quote.bid, quote.ask)
        await house.desk.settled()
        told = {}
        for login in (LOGIN_OF_DOOR[GATEWAY], LOGIN):
            names = Names()
            whole = [names.told(event) for event in story_of(house, login, 0)]
            told[login] = whole[len(whole) - len(story_of(house, login, before)) :]
        assert kinds_of(told[LOGIN]) == wish.events_of(group)
        assert told[LOGIN] == told[LOGIN_OF_DOOR[GATEWAY]]

    journey(tmp_path, steps, group)


def test_what_the_gateway_reads_this_door_reads_with_equal_numbers(tmp_path):
    async def steps(world):
        house, login = world.house, LOGIN_OF_DOOR[GATEWAY]
        for name in (
            "buy with stop loss and take profit",
            "buy limit",
            "sell at market",
            "close a part",
            "cancel what filled",
        ):
            await send(house, GATEWAY, BY_NAME[name].gateway)
        house.quote("EURUSD", "1.08813", "1.08827")
        here = await world.read(f"/trading/orders?account_id={login}&limit=1000")
        working = await house.read(GATEWAY, "/orders", login=login)
        ended = await house.read(GATEWAY, "/orders/history", login=login)
        there = {order["id"]: order for order in [*working, *ended]}
        assert {row["order_id"] for row in here} == there.keys()
        words = {"OPEN": "ACCEPTED", "CANCELLED": "CANCELED"}
        for row in here:
            order = there[row["order_id"]]
            assert row["status"] == words.get(order["status"], order["status"])
            for mine, theirs in (("quantity", "quantity"), ("filled_qty", "filled_quantity"), ("price", "limit_price")):
                assert same(row[mine], order[theirs]), (mine, row, order)
            assert same(row["avg_px"], order["average_fill_price"])
        fills = await world.read(f"/trading/fills?account_id={login}")
        trades = await house.read(GATEWAY, "/trades", login=login)
        assert [row["trade_id"] for row in fills] == [trade["id"] for trade in trades]
        for row, trade in zip(fills, trades, strict=True):
            assert same(row["fill_qty"], trade["quantity"]) and same(row["fill_px"], trade["price"])
            assert same(row["fee"], trade["commission"])
        positions = {row["position_id"]: row for row in await world.read(f"/trading/positions?account_id={login}")}
        for position in await house.read(GATEWAY, "/positions", login=login):
            row = positions.pop(position["id"])
            assert same(row["quantity"], position["quantity"]) and row["side"] == position["side"]
            assert same(row["unrealized_pnl"], position["unrealized_pnl"])
        assert positions == {}
        (account,) = await world.read(f"/trading/accounts?account_id={login}")
        seen = await house.read(GATEWAY, "/account", login=login)
        for mine, theirs in (("equity", "equity"), ("balance", "balance"), ("margin_free", "margin_available")):
            assert same(account[mine], seen[theirs])

    journey(tmp_path, steps)


def same(mine: float | None, theirs: str | None) -> bool:
    """Whether a JSON number and a decimal text mean one number."""
    if mine is None or theirs is None:
        return mine is None and theirs is None
    return mine == float(Decimal(theirs))
