"""A budget under many orders at once, over sockets; and what is left of it after a kill."""

import asyncio
from decimal import Decimal

import httpx
import msgspec

from tests.app.shard import ACCOUNT, a_desk, unknown_is_a_failure
from tests.faces.gateway.opened import a_key, an_order, journey
from tradehall.adapters.sqlite.store import SqliteStore
from tradehall.app.recovery import recover
from tradehall.domain.account import Account
from tradehall.engine.commands import RegisterStrategy, SetBudget
from tradehall.engine.state_strategies import reserved_by_currency
from tradehall.faces.kit.serve import Listening, bind, make_server

STRATEGY = "3f0c7f5e-52a1-4f0e-9d5b-8b8a8f4f7c11"
SECRET = "gw_strategy_key_of_the_tests_00001"
ORDERS, CALLERS = 150, 50


def test_orders_at_once_over_http_overdraw_no_cent_and_a_start_finds_the_same_registry(tmp_path):
    books: list[bytes] = []

    async def steps(door):
        await door.desk.submit(RegisterStrategy(ACCOUNT, STRATEGY))
        await door.desk.submit(SetBudget(ACCOUNT, STRATEGY, "USD", Decimal("1000.07")))
        door.gateway.access.replace_keys([msgspec.structs.replace(a_key(SECRET, ACCOUNT), strategy_id=STRATEGY)])
        listening = Listening(port=0)
        sockets = bind(listening)
        server = make_server(door.app, listening)
        serving = asyncio.create_task(server.serve(sockets=sockets))
        answers = await flood(sockets[0].getsockname()[1])
        server.stop()
        await serving
        for each in sockets:
            each.close()
        account: Account = door.desk.state.accounts[ACCOUNT]
        book = account.books[STRATEGY]
        budget = book.budget("USD")
        assert budget is not None
        assert {answer.status_code for answer in answers} == {201, 422}
        codes = {answer.json()["details"]["reject_code"] for answer in answers if answer.status_code == 422}
        assert codes == {"BUDGET_EXCEEDED"}
        assert sum(answer.status_code == 201 for answer in answers) == len(account.orders) + len(book.parts)
        held = reserved_by_currency(door.desk.state, account, book)["USD"]
        assert held == budget.reserved <= budget.allocated
        # One share at 149.99 needs 7.50: less than that is left.
        assert budget.available < Decimal("7.50")
        books.append(msgspec.json.encode(account.books))

    journey(tmp_path, steps)
    store = SqliteStore(tmp_path, unknown_is_a_failure)
    assert msgspec.json.encode(recover(store.journal, None).accounts[ACCOUNT].books) == books[0]
    desk = a_desk(store)
    assert msgspec.json.encode(desk.state.accounts[ACCOUNT].books) == books[0]
    store.close()


async def flood(port: int) -> list[httpx.Response]:
    """ORDERS limits of one to three shares at 150, from CALLERS connections."""
    async with httpx.AsyncClient(
        base_url=f"http://127.0.0.1:{port}",
        headers={"X-API-Key": SECRET},
        limits=httpx.Limits(max_connections=CALLERS),
        timeout=30,
    ) as client:
        wishes = [
            an_order(order_type="LIMIT", limit_price="149.99", quantity=str(1 + number % 3)) for number in range(ORDERS)
        ]
        return await asyncio.gather(*(client.post("/orders", json=wish) for wish in wishes))
