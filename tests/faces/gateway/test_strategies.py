"""Orders of strategies through the door: whose they are, what their budget says, what a strategy's key may touch."""

import asyncio
from decimal import Decimal

import msgspec
import pytest

from tests.app.shard import ACCOUNT
from tests.faces.gateway.opened import HEDGING_ACCOUNT, HEDGING_KEY, OTHER_ACCOUNT, a_key, an_order, journey
from tradehall.domain.strategy import TradingState
from tradehall.engine.commands import RegisterStrategy, SetBudget, SetTradingState

MINE = "3f0c7f5e-52a1-4f0e-9d5b-8b8a8f4f7c11"
OTHER = "5f6e1c0a-2b0d-4c55-b7c4-5b1b3b9b7f02"
FOREIGN = "9c4a1d7e-0b0d-4c55-b7c4-5b1b3b9b7f03"
SECRET = "gw_strategy_key_of_the_tests_00001"

# At a leverage of 20, AAPL at 150 ties 7.50 USD a share.
LIMIT = {"order_type": "LIMIT", "limit_price": "150", "strategy_id": MINE}


async def register(door, budget: str | None = None, account: int = ACCOUNT) -> None:
    for strategy_id in (MINE, OTHER):
        await door.desk.submit(RegisterStrategy(account, strategy_id))
    await door.desk.submit(RegisterStrategy(OTHER_ACCOUNT, FOREIGN))
    if budget is not None:
        await door.desk.submit(SetBudget(account, MINE, "USD", Decimal(budget)))


def with_key(door, strategy_id: str = MINE, account: int = ACCOUNT) -> dict[str, dict[str, str]]:
    key = msgspec.structs.replace(a_key(SECRET, account), strategy_id=strategy_id)
    door.gateway.access.replace_keys([key])
    return {"headers": {"X-API-Key": SECRET}}


@pytest.mark.parametrize("path", ["/orders", "/orders/preview"])
@pytest.mark.parametrize("strategy_id", ["s-1", FOREIGN])
def test_an_unknown_strategy_and_a_foreign_one_are_not_found(tmp_path, path, strategy_id):
    async def steps(door):
        await register(door)
        answer = await door.call("POST", path, an_order(strategy_id=strategy_id))
        assert (answer.status_code, answer.json()["code"]) == (404, "STRATEGY_NOT_FOUND")
        assert answer.json()["details"] == {"resource": "strategy", "id": strategy_id}

    journey(tmp_path, steps)


def test_an_order_says_whose_it_is(tmp_path):
    async def steps(door):
        await register(door)
        handle = await door.place(strategy_id=MINE)
        assert (await door.get(f"/orders/{handle['id']}"))["strategy_id"] == MINE
        assert (await door.get(f"/orders/{(await door.place())['id']}"))["strategy_id"] is None
        book = door.desk.state.book(ACCOUNT, MINE)
        assert book is not None and [part.quantity for part in book.parts.values()] == [1]

    journey(tmp_path, steps)


def test_a_budget_says_no_with_its_numbers_and_a_cancel_gives_back(tmp_path):
    async def steps(door):
        await register(door, "75")
        first = await door.place(**LIMIT | {"quantity": "8", "limit_price": "140"})  # 56 USD.
        answer = await door.call("POST", "/orders", an_order(**LIMIT | {"quantity": "4"}))
        assert (answer.status_code, answer.json()["code"]) == (422, "ORDER_REJECTED")
        details = answer.json()["details"]
        assert details["reject_code"] == "BUDGET_EXCEEDED"
        told = {
            name: Decimal(details[name]) for name in ("required", "allocated", "reserved", "available", "would_pass")
        }
        assert told == {
            "required": 30,
            "allocated": 75,
            "reserved": 56,
            "available": 19,
            "would_pass": Decimal("2.53333333"),
        }
        assert details["currency"] == "USD"
        assert (await door.call("DELETE", f"/orders/{first['id']}")).status_code == 200
        await door.place(**LIMIT | {"quantity": "4"})

    journey(tmp_path, steps)


def test_a_preview_tells_what_is_left_and_the_refusal(tmp_path):
    async def steps(door):
        await register(door, "75")
        found = {}
        for quantity, is_fine in (("10", True), ("11", False)):
            answer = await door.call("POST", "/orders/preview", an_order(**LIMIT | {"quantity": quantity}))
            found = answer.json()
            assert (found["accepted"], found["budget_available"]) == (is_fine, "75")
        assert found["rejection"]["reject_code"] == "BUDGET_EXCEEDED"
        assert Decimal(found["rejection"]["details"]["would_pass"]) == 10
        answer = await door.call("POST", "/orders/preview", an_order())
        assert answer.json()["budget_available"] is None

    journey(tmp_path, steps)


def test_of_fifty_orders_of_thirty_at_once_a_thousand_pay_for_thirty_three(tmp_path):
    async def steps(door):
        await register(door, "1000")
        wish = an_order(**LIMIT | {"quantity": "4", "limit_price": "150"})
        answers = await asyncio.gather(*(door.call("POST", "/orders", wish) for _ in range(50)))
        assert sorted(answer.status_code for answer in answers) == [201] * 33 + [422] * 17
        budget = door.desk.state.book(ACCOUNT, MINE).budget("USD")
        assert (budget.reserved, budget.available) == (990, 10)

    journey(tmp_path, steps)


def test_a_strategys_key_implies_the_strategy_and_no_other(tmp_path):
    async def steps(door):
        await register(door)
        key = with_key(door)
        handle = (await door.call("POST", "/orders", an_order(), **key)).json()
        assert (await door.get(f"/orders/{handle['id']}", **key))["strategy_id"] == MINE
        answer = await door.call("POST", "/orders", an_order(strategy_id=OTHER), **key)
        assert (answer.status_code, answer.json()["code"]) == (404, "STRATEGY_NOT_FOUND")
        answer = await door.call("POST", "/orders", an_order(), **with_key(door, "never registered"))
        assert (answer.status_code, answer.json()["code"]) == (404, "STRATEGY_NOT_FOUND")

    journey(tmp_path, steps)


def test_a_strategys_key_changes_nothing_of_anybody_else(tmp_path):
    async def steps(door):
        await register(door)
        resting = {"order_type": "LIMIT", "limit_price": "100"}
        by_hand = await door.place(**resting)
        key = with_key(door)
        own = (await door.call("POST", "/orders", an_order(**resting), **key)).json()
        for method, body in (("PATCH", {"limit_price": "99"}), ("DELETE", None)):
            answer = await door.call(method, f"/orders/{by_hand['id']}", body, **key)
            assert (answer.status_code, answer.json()["code"]) == (404, "ORDER_NOT_FOUND")
        assert (await door.call("PATCH", f"/orders/{own['id']}", {"limit_price": "99"}, **key)).status_code == 200
        assert (await door.call("DELETE", "/orders", **key)).json()["cancelled_count"] == 1
        assert [order.order_id for order in door.desk.state.orders.values()] == [int(by_hand["id"][4:])]

    journey(tmp_path, steps)


def test_a_strategys_key_closes_its_own_part_of_a_position(tmp_path):
    async def steps(door):
        await register(door)
        await door.place(quantity="5")
        [position] = await door.get("/positions")
        key = with_key(door)
        answer = await door.call("DELETE", f"/positions/{position['id']}", **key)
        assert (answer.status_code, answer.json()["code"]) == (404, "POSITION_NOT_FOUND")
        await door.call("POST", "/orders", an_order(quantity="3", stop_loss="140"), **key)
        moved = await door.call("PATCH", f"/positions/{position['id']}", {"stop_loss": "141"}, **key)
        assert len(moved.json()["stop_loss"]["order_ids"]) == 1
        assert (await door.call("DELETE", f"/positions/{position['id']}", **key)).status_code == 200
        [after] = await door.get("/positions", **key)
        assert after["quantity"] == "5"
        assert door.desk.state.orders == {}

    journey(tmp_path, steps)


def test_on_a_hedging_account_it_closes_its_own_positions(tmp_path):
    async def steps(door):
        await register(door, account=HEDGING_ACCOUNT)
        people = {"headers": {"X-API-Key": HEDGING_KEY}}
        by_hand = (await door.call("POST", "/orders", an_order(), **people)).json()
        key = with_key(door, account=HEDGING_ACCOUNT)
        await door.call("POST", "/orders", an_order(), **key)
        answer = await door.call("DELETE", f"/positions/pos_{by_hand['id'][4:]}", **key)
        assert (answer.status_code, answer.json()["code"]) == (404, "POSITION_NOT_FOUND")
        assert len((await door.call("DELETE", "/positions", **key)).json()) == 1
        [left] = door.desk.state.accounts[HEDGING_ACCOUNT].positions.values()
        assert left.position_id == int(by_hand["id"][4:])

    journey(tmp_path, steps)


def test_a_halt_is_told(tmp_path):
    async def steps(door):
        await register(door)
        await door.desk.submit(SetTradingState(ACCOUNT, MINE, TradingState.HALTED, "lunch"))
        answer = await door.call("POST", "/orders", an_order(strategy_id=MINE))
        assert answer.status_code == 422
        assert answer.json()["details"]["reject_code"] == "TRADING_HALTED"
        assert answer.json()["message"] == f"strategy {MINE} is halted: lunch"
        await door.place()

    journey(tmp_path, steps)
