"""Wishes under a name: each is done once, whatever happens in between."""

import asyncio

from tests.faces.terminal.opened import OTTO, a_trade, journey
from tradehall.adapters.sqlite.answers import SqliteAnswers
from tradehall.adapters.sqlite.records import SqliteRecords
from tradehall.domain.time import NS_PER_DAY
from tradehall.faces.terminal.memory import Memory


def test_a_repeated_trade_gets_the_first_answer(tmp_path):
    async def steps(door):
        body = a_trade(client_order_id="once", deviation=5)
        first = await door.call("POST", "/trade", body)
        door.quote("EURUSD", "1.08500", "1.08508")
        again = await door.call("POST", "/trade", body)
        assert again.json() == first.json()
        assert len(await door.get("/positions")) == 1
        for other in (a_trade(client_order_id="once", volume=0.2), a_trade(client_order_id="once", deviation=6)):
            assert await door.refused("POST", "/trade", other) == (400, "IDEMPOTENCY_MISMATCH")
        header = {"Idempotency-Key": "by-header"}
        tickets = [(await door.ok("POST", "/trade", a_trade(), headers=header))["ticket"] for _ in range(2)]
        assert tickets[0] == tickets[1]
        assert await door.refused("POST", "/trade", a_trade(), headers={"Idempotency-Key": "x" * 65}) == (
            400,
            "INVALID_PARAMETER",
        )
        refusals = [await door.refused("POST", "/trade", a_trade(volume=100, client_order_id="no")) for _ in range(2)]
        assert refusals == [(400, "INSUFFICIENT_MARGIN")] * 2

    journey(tmp_path, steps)


def test_a_repeated_pending_order_gets_the_first_answer_whatever_became_of_it(tmp_path):
    async def steps(door):
        body = {"symbol": "EURUSD", "type": 2, "volume": 0.1, "price": 1.08, "client_order_id": "p"}
        first = await door.ok("POST", "/orders", body)
        door.quote("EURUSD", "1.07990", "1.08000")
        assert await door.ok("POST", "/orders", body) == first
        assert len(await door.get("/positions")) == 1

    journey(tmp_path, steps)


def test_a_repeated_close_closes_nothing_more(tmp_path):
    async def steps(door):
        ticket = await door.buy(0.1)
        body = {"ticket": ticket, "volume": 0.04, "client_order_id": "c"}
        first = await door.ok("POST", "/trade/close", body)
        assert await door.ok("POST", "/trade/close", body) == first
        assert await door.refused("POST", "/trade/close", body | {"volume": 0.05}) == (400, "IDEMPOTENCY_MISMATCH")
        await door.ok("POST", "/trade/close", {"ticket": ticket})
        assert await door.ok("POST", "/trade/close", body) == first, "also when the position is gone"

    journey(tmp_path, steps)


def test_closing_everything_is_repeated_by_its_first_answer_alone(tmp_path):
    async def steps(door):
        await door.buy(0.1)
        header = {"Idempotency-Key": "all"}
        first = await door.ok("POST", "/trade/close-all", headers=header)
        assert len(first["closed"]) == 1
        await door.buy(0.1)
        assert await door.ok("POST", "/trade/close-all", {}, headers=header) == first
        assert len(await door.get("/positions")) == 1
        assert await door.refused("POST", "/trade/close-all", {"side": "buy"}, headers=header) == (
            400,
            "IDEMPOTENCY_MISMATCH",
        )

    journey(tmp_path, steps)


def test_closing_everything_is_remembered_for_a_day_and_over_a_restart(tmp_path):
    async def steps(door):
        await door.buy(0.1)
        body = {"client_order_id": "all"}
        first = await door.ok("POST", "/trade/close-all", body)
        records = SqliteRecords(tmp_path / "records.db")
        door.terminal.memory = Memory(SqliteAnswers(records), door.clock)  # As the next process has it.
        await door.buy(0.1)
        assert await door.ok("POST", "/trade/close-all", body) == first
        assert await door.refused("POST", "/trade/close-all", body | {"side": "buy"}) == (400, "IDEMPOTENCY_MISMATCH")
        assert len(await door.get("/positions")) == 1
        other = await door.ok("POST", "/trade/close-all", body, login=OTTO)
        assert other == {"closed": [], "cancelled": [], "failed": []}, "another person's key is another key"
        door.clock.at += NS_PER_DAY
        door.freshen()
        assert len((await door.ok("POST", "/trade/close-all", body))["closed"]) == 1
        records.close()

    journey(tmp_path, steps)


def test_the_name_of_an_order_is_not_one_for_closing_everything(tmp_path):
    async def steps(door):
        ticket = await door.buy(0.1, client_order_id="filled")
        await door.pend(client_order_id="pending")
        await door.ok("POST", "/trade/close", {"ticket": ticket, "volume": 0.04, "client_order_id": "close"})
        for name in ("filled", "pending", "close"):
            body = {"client_order_id": name}
            assert await door.refused("POST", "/trade/close-all", body) == (400, "IDEMPOTENCY_MISMATCH"), name
        assert len(await door.get("/positions")) == 1
        done = await door.ok("POST", "/trade/close-all", {"client_order_id": "filled"}, login=OTTO)
        assert done["failed"] == [], "another person's name"

    journey(tmp_path, steps)


def test_a_wish_to_close_everything_and_its_repeat_wait_together(tmp_path):
    async def steps(door):
        for _ in range(3):
            await door.buy(0.1)
        body = {"client_order_id": "all"}
        calls = [door.call("POST", "/trade/close-all", each) for each in (body, body, body | {"side": "sell"})]
        first, again, other = await asyncio.gather(*calls)
        assert first.json() == again.json() and len(first.json()["data"]["closed"]) == 3
        assert (other.status_code, other.json()["code"]) == (400, "IDEMPOTENCY_MISMATCH")

    journey(tmp_path, steps)
