"""Whatever is done through whichever door, all five tell of as many things, and of the same money.

Orders, fills, positions and closed trades are counted and named at each door; what the support desk's trades come to is
what the ledger realised, whatever is laid over them.
"""

import random
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.contracts.all_doors import AllDoors, journey
from tests.contracts.asks import Ask, order, pending, resting
from tests.contracts.one_house import CLIENT, DOORS, GATEWAY, LOGIN_OF_DOOR, TERMINAL
from tests.contracts.test_cross_door_reading import UNITS, closing, opening
from tests.faces.client.opened import rows_of
from tradehall.app.records.audit import HOUSE
from tradehall.domain.money import ZERO
from tradehall.engine import events as ev
from tradehall.engine.commands import MoveFunds

LOGIN = LOGIN_OF_DOOR[GATEWAY]
SEEDS = range(8)
STEPS = 60
FILLS_MIN = 5
FIRST_PRICE = {"EURUSD": Decimal("1.08700"), "BTCUSD": Decimal(50_000)}
PLACES = {"EURUSD": 5, "BTCUSD": 1}
FUNDS = frozenset({ev.EntryKind.DEPOSIT, ev.EntryKind.WITHDRAWAL, ev.EntryKind.ADJUSTMENT})
EVERY_STATUS = ["pending", "open", "partially_filled", "filled", "cancelled", "rejected", "expired"]


class Crowd:
    """Somebody who does as chance says, through all doors."""

    def __init__(self, doors: AllDoors, seed: int) -> None:
        self.doors = doors
        self.chance = random.Random(seed)
        self.prices = dict(FIRST_PRICE)

    async def act(self) -> None:
        """One step."""
        kinds = {self.buy: 6, self.rest: 3, self.move: 6, self.close: 5, self.cancel: 2, self.refuse: 1,
                 self.fund: 1, self.adjust: 2}  # fmt: skip
        [step] = self.chance.choices(list(kinds), list(kinds.values()))
        await step()

    async def ask(self, door: str, ask: Ask) -> None:
        """A request that may be refused, and breaks nothing."""
        answer = await self.doors.house.call(door, ask.method, ask.path, ask.body, login=LOGIN)
        assert answer.status_code < 500, (door, ask, answer.text)

    async def buy(self) -> None:
        """At market, with exits or without; every door buys, the gateway sells too."""
        door, symbol = self.chance.choice(DOORS), self._symbol()
        lots = str(Decimal(self.chance.randint(1, 20)) / 100)
        stop, target = self._near(symbol, -self.chance.randint(1, 20)), self._near(symbol, self.chance.randint(1, 20))
        ask = opening(door, symbol, lots, str(stop), str(target))
        if door == GATEWAY and self.chance.random() < 0.5:
            ask = order(symbol=symbol, quantity=str(Decimal(lots) * UNITS[symbol]), side="SELL")
        await self.ask(door, ask)

    async def rest(self) -> None:
        """A limit below the market."""
        price, door = self._near("EURUSD", -self.chance.randint(5, 40)), self.chance.choice(DOORS)
        wishes = {
            GATEWAY: order(order_type="LIMIT", limit_price=str(price)),
            CLIENT: pending(2, float(price)),
            TERMINAL: resting(2, float(price)),
        }
        await self.ask(door, wishes[door])

    async def move(self) -> None:
        """The market goes somewhere, and may set off what waits."""
        symbol = self._symbol()
        self.prices[symbol] = self._near(symbol, self.chance.randint(-25, 25))
        tick = Decimal(1).scaleb(-PLACES[symbol])
        self.doors.house.quote(symbol, str(self.prices[symbol]), str(self.prices[symbol] + 10 * tick))

    async def close(self) -> None:
        """A position, or a part of it."""
        positions = list(self.doors.house.account(LOGIN).positions.values())
        if positions:
            chosen, door = self.chance.choice(positions), self.chance.choice(DOORS)
            lots = self.chance.choice([None, "0.01"])
            await self.ask(door, closing(door, chosen.position_id, chosen.symbol, lots))

    async def cancel(self) -> None:
        """What rests, exits left aside."""
        entries = [each for each in self.doors.house.account(LOGIN).orders.values() if not each.terms.reduce_only]
        if entries:
            await self.ask(GATEWAY, Ask("DELETE", f"/orders/ord_{self.chance.choice(entries).order_id}"))

    async def refuse(self) -> None:
        """More than anybody has."""
        await self.ask(GATEWAY, order(quantity="90000000"))

    async def fund(self) -> None:
        """Money comes and goes."""
        await self.doors.house.desk.submit(MoveFunds(LOGIN, Decimal(self.chance.randint(-500, 500) or 1)))

    async def adjust(self) -> None:
        """The desk says otherwise of a closed trade, or takes it back."""
        closed = await self.doors.all_of("/users/{user}/trades", status="closed")
        if closed:
            chosen = self.chance.choice(closed)
            said = {"revert": True} if chosen["adjusted"] else {"result": self.chance.choice(["win", "loss"])}
            await self.doors.support(f"/trades/{chosen['id']}", "PATCH", said | {"reason": "ticket 4711"})

    def _symbol(self) -> str:
        return self.chance.choice(list(self.prices))

    def _near(self, symbol: str, basis_points: int) -> Decimal:
        return round(self.prices[symbol] * (1 + Decimal(basis_points) / 10_000), PLACES[symbol])


def numbers(rows: list[dict[str, Any]], field: str, prefix: str = "") -> list[int]:
    """What rows are called, as one house numbers it; nothing twice."""
    found = sorted(int(str(row[field]).removeprefix(prefix)) for row in rows)
    assert len(set(found)) == len(found)
    return found


async def orders_agree(doors: AllDoors) -> None:
    """Every order has one number at the gateway, the dashboard and the desk; what rests is at all doors."""
    house = doors.house
    working = await house.read(GATEWAY, "/orders?limit=5000", login=LOGIN)
    ended = await house.read(GATEWAY, "/orders/history?limit=5000", login=LOGIN)
    every = numbers(working + ended, "id", "ord_")
    assert numbers(await doors.dashboard("/orders"), "order_id", "ord_") == every
    seen = await doors.all_of("/users/{user}/orders", status=EVERY_STATUS)
    assert numbers(seen, "id", "ord_") == every
    assert {row["id"]: row["status"].upper() for row in seen} == {row["id"]: row["status"] for row in working + ended}
    assert numbers(await doors.all_of("/users/{user}/orders"), "id", "ord_") == numbers(working, "id", "ord_")
    entries = numbers([row for row in working if not row["reduce_only"]], "id", "ord_")
    assert numbers(rows_of(await house.read(CLIENT, "/trades?tradeType=3", login=LOGIN)), "order") == entries
    assert numbers((await house.read(TERMINAL, "/orders", login=LOGIN))["data"], "ticket") == entries
    waiting = await doors.all_of("/users/{user}/trades", status="pending")
    assert sorted(int(name.removeprefix("ord_")) for row in waiting for name in row["order_ids"]) == entries


async def fills_agree(doors: AllDoors) -> None:
    """Every fill has one number; the orders that filled are those of the desk's trades."""
    house = doors.house
    fills = await house.read(GATEWAY, "/trades?limit=5000", login=LOGIN)
    every = numbers(fills, "id", "trd_")
    assert numbers(await doors.dashboard("/fills"), "trade_id", "trd_") == every
    deals = (await house.read(TERMINAL, "/account/history?kind=all", login=LOGIN))["data"]
    assert numbers([deal for deal in deals if deal["entry"] != "balance"], "deal") == every
    trips = await doors.all_of("/users/{user}/trades", status=["open", "closed"])
    assert {name for trip in trips for name in trip["order_ids"]} == {fill["order_id"] for fill in fills}


async def positions_agree(doors: AllDoors) -> None:
    """What is open, and what was closed, is so at every door."""
    house = doors.house
    is_open = numbers(await house.read(GATEWAY, "/positions", login=LOGIN), "id", "pos_")
    opened = rows_of(await house.read(CLIENT, "/trades?tradeType=1", login=LOGIN))
    assert numbers(opened, "order") == is_open
    assert numbers((await house.read(TERMINAL, "/positions", login=LOGIN))["data"], "ticket") == is_open
    assert numbers(await doors.dashboard("/positions"), "position_id", "pos_") == is_open
    assert numbers(await doors.all_of("/users/{user}/positions"), "ticket") == is_open
    trips = await doors.all_of("/users/{user}/trades")
    assert sorted(ticket for trip in trips if trip["status"] == "open" for ticket in trip["tickets"]) == is_open
    deals = (await house.read(TERMINAL, "/account/history?kind=all", login=LOGIN))["data"]
    closed = sorted({deal["ticket"] for deal in deals if deal["entry"] == "in"} - set(is_open))
    assert sorted(ticket for trip in trips if trip["status"] == "closed" for ticket in trip["tickets"]) == closed
    rows = rows_of(await house.read(CLIENT, "/trades?tradeType=2", login=LOGIN))
    assert numbers([row for row in rows if row["state"] == 3 and row["close_price"]], "order") == closed
    ended = await doors.dashboard("/positions", status="closed")
    assert numbers([row for row in ended if row["side"] == "FLAT"], "position_id", "pos_") == closed


async def money_agrees(doors: AllDoors) -> None:
    """The desk's trades come to what the ledger realised, and the account is worth as much at every door."""
    house = doors.house
    changes = [event for record in house.records() for event in record.events if type(event) is ev.BalanceChanged]
    own = [change for change in changes if change.account_id == LOGIN]
    realised = sum((change.amount for change in own if change.entry not in FUNDS), ZERO)
    trips = await doors.all_of("/users/{user}/trades")
    assert sum((Decimal(trip["net_pnl"]) for trip in trips), ZERO) == realised
    closed = [trip for trip in trips if trip["status"] == "closed"]
    totals = (await doors.support("/users/{user}/trades"))["totals"]
    assert Decimal(totals["net_pnl"].get("USD", "0")) == sum((Decimal(trip["net_pnl"]) for trip in closed), ZERO)
    assert totals["wins"] == sum(trip["result"] == "win" for trip in closed)
    assert totals["adjusted"] == sum(trip["adjusted"] for trip in trips)
    [seen] = await doors.all_of("/users/{user}/accounts")
    account = await house.read(GATEWAY, "/account", login=LOGIN)
    for field in ("balance", "equity", "unrealized_pnl", "margin_used", "margin_available"):
        assert Decimal(seen[field]) == Decimal(account[field]), field
    assert Decimal(account["balance"]) == realised + sum((each.amount for each in own if each.entry in FUNDS), ZERO)
    floating = [Decimal(trip["unrealized_pnl"]) for trip in trips if trip["status"] == "open"]
    # What floats is shown in cents, trade by trade.
    assert abs(sum(floating, ZERO) - Decimal(account["unrealized_pnl"])) <= len(floating) * Decimal("0.005")


@pytest.mark.parametrize("seed", SEEDS)
def test_all_doors_count_the_same_and_trades_add_up_to_the_ledger(tmp_path: Path, seed: int):
    async def steps(doors: AllDoors) -> None:
        crowd = Crowd(doors, seed)
        for number in range(STEPS):
            await crowd.act()
            if number in (STEPS // 2, STEPS - 1):
                await orders_agree(doors)
                await fills_agree(doors)
                await positions_agree(doors)
                await money_agrees(doors)
        fills = [event for record in doors.house.records() for event in record.events if type(event) is ev.OrderFilled]
        assert len(fills) >= FILLS_MIN, f"seed={seed} did nothing"

    journey(tmp_path, steps)


def test_another_tenants_desk_sees_nothing_of_it(tmp_path: Path):
    async def steps(doors: AllDoors) -> None:
        await Crowd(doors, 1).buy()
        identity = doors.house.client.client.identity
        await identity.partners.create("other.example", by=HOUSE)
        doors.token = identity.partner_tokens.mint("other.example", role="admin", name="desk")
        for kind in ("accounts", "positions", "orders", "budgets", "trades"):
            headers = {"authorization": f"Bearer {doors.token}"}
            answer = await doors.http.get(f"/api/support/v1/users/{doors.user().user_id}/{kind}", headers=headers)
            assert (answer.status_code, answer.json()["error"]["code"]) == (404, "USER_NOT_FOUND")

    journey(tmp_path, steps)
