"""Budgets at this door: set, read, exceeded, taken away; why an order was refused, and what would have passed."""

import asyncio
from itertools import product
from typing import Any

import pytest

from tests.faces.dashboard.opened import ACCOUNT, Opened, journey
from tradehall.adapters.sqlite.store import SqliteStore
from tradehall.app.recovery import recover
from tradehall.domain.order import Side
from tradehall.domain.time import to_rfc3339
from tradehall.engine.commands import CancelOrder

NOBODY = "00000000-0000-4000-8000-000000000000"


async def capped(door: Opened, allocated: float = 1000.0) -> str:
    keygen = await door.strategy(instrument_id="AAPL.SIM")
    answer = await door.call("PUT", f"/budget/{keygen}/USD", {"allocated": allocated})
    assert answer.status_code == 201, answer.text
    return keygen


async def limit(door: Opened, keygen: str, quantity: float, **more: Any) -> dict[str, Any]:
    """A strategy's order to buy AAPL at 100; its row."""
    wish = {"instrument_id": "AAPL.SIM", "order_type": "LIMIT", "price": 100, "quantity": quantity}
    return await door.order(**wish, strategy_id=keygen, **more)


def test_a_budget_is_created_changed_and_read(tmp_path):
    async def steps(door):
        keygen = await door.strategy(instrument_id="AAPL.SIM")
        nothing = await door.call("GET", f"/budget/{keygen}")
        assert (nothing.status_code, nothing.json()) == (404, {"detail": "No budget for strategy"})
        made = await door.call("PUT", f"/budget/{keygen}/usd", {"allocated": "1000.00"})
        expected = {
            "strategy_id": keygen, "currency": "USD", "allocated": 1000.0, "reserved": 0.0, "available": 1000.0,
            "realized_pnl": 0.0, "total_fees": 0.0,
        }  # fmt: skip
        assert (made.status_code, made.json()) == (201, expected)
        again = await door.call("PUT", f"/budget/{keygen}/USD", {"allocated": 1000.0, "reason": "the same"})
        assert (again.status_code, again.json()) == (200, expected)
        changed = await door.call("PUT", "/budget/mean_reversion-001/USD", {"allocated": 500})
        assert (changed.status_code, changed.json()["allocated"]) == (200, 500.0)
        await door.call("PUT", f"/budget/{keygen}/EUR", {"allocated": 10})
        read = await door.get(f"/budget/{keygen}")
        assert (read["currency"], read["allocated"]) == ("USD", 500.0)
        assert [entry["currency"] for entry in read["entries"]] == ["EUR", "USD"]
        assert (await door.get(f"/budget/{keygen}", currency="eur"))["allocated"] == 10.0
        assert (await door.call("GET", f"/budget/{keygen}", params={"currency": "JPY"})).status_code == 404
        assert await door.get("/budget/registry") == {
            keygen: {
                "EUR": {"allocated": 10.0, "reserved": 0.0, "available": 10.0},
                "USD": {"allocated": 500.0, "reserved": 0.0, "available": 500.0},
            }
        }

    journey(tmp_path, steps)


def test_the_registry_is_no_strategy_and_empty_without_budgets(tmp_path):
    async def steps(door):
        assert await door.get("/budget/registry") == {}

    journey(tmp_path, steps)


def test_an_order_beyond_the_budget_is_denied_with_the_numbers_and_what_would_pass(tmp_path):
    async def steps(door):
        keygen = await capped(door)
        first = await limit(door, keygen, 164, client_order_id="a")
        assert first["status"] == "ACCEPTED"
        reserved = (await door.get("/budget/registry"))[keygen]["USD"]["reserved"]
        assert 820 <= reserved < 840  # 164 x 100 / leverage 20 is 820; the fee comes on top.
        before = await door.get("/budget/registry")
        second = await limit(door, keygen, 48, client_order_id="b")
        assert second["status"] == "DENIED"
        reason = await door.get("/trading/orders/b/deny-reason")
        context = reason["context"]
        assert (reason["source"], reason["code"], reason["status"]) == ("BUDGET", "BUDGET_EXCEEDED", "DENIED")
        assert (context["currency"], context["allocated"]) == ("USD", 1000.0)
        assert context["reserved"] == reserved and context["available"] == pytest.approx(1000 - reserved)
        assert 240 <= context["required"] < 245 and 0 < context["would_pass"] < 48
        assert reason["reason"] == (
            f"BUDGET_EXCEEDED: required={context['required']} USD, available={context['available']} USD"
        )
        assert await door.get("/budget/registry") == before
        passing = await limit(door, keygen, context["would_pass"])
        assert passing["status"] == "ACCEPTED"
        exceeded, count = await door.page("/trading/audit", action="budget.exceeded")
        assert (count, exceeded[0]["severity"], exceeded[0]["entity_id"]) == (1, "WARNING", f"{keygen}:USD")
        none = await door.call("GET", "/trading/orders/a/deny-reason")
        assert (none.status_code, none.json()) == (404, {"detail": "No deny reason for this order"})

    journey(tmp_path, steps)


def test_fifty_orders_at_once_pass_as_long_as_the_budget_lasts(tmp_path):
    async def steps(door):
        keygen = await capped(door)
        probe = await limit(door, keygen, 5, client_order_id="probe")
        each = (await door.get("/budget/registry"))[keygen]["USD"]["reserved"]
        await door.call("DELETE", f"/trading/orders/{probe['client_order_id']}")
        wanted = [limit(door, keygen, 5) for _ in range(50)]
        rows = await asyncio.gather(*wanted)
        passed = sum(row["status"] == "ACCEPTED" for row in rows)
        assert passed == min(50, int(1000 // each))
        assert {row["status"] for row in rows} == {"ACCEPTED", "DENIED"}
        entry = (await door.get("/budget/registry"))[keygen]["USD"]
        assert entry["reserved"] == pytest.approx(passed * each) and entry["available"] >= 0

    journey(tmp_path, steps)


def test_a_cancel_frees_the_reservation_and_a_restart_finds_the_same_registry(tmp_path):
    async def steps(door):
        keygen = await capped(door)
        await limit(door, keygen, 10, client_order_id="a")
        await limit(door, keygen, 20, client_order_id="b")
        both = (await door.get("/budget/registry"))[keygen]["USD"]["reserved"]
        assert (await door.call("DELETE", "/trading/orders/a")).json()["status"] == "CANCELED"
        await door.wish(quantity="1", symbol="AAPL", strategy_id=keygen)
        entry = (await door.get("/budget/registry"))[keygen]["USD"]
        assert 0 < entry["reserved"] < both
        return entry, keygen

    kept: list[tuple[dict[str, float], str]] = []

    async def remembered(door):
        kept.append(await steps(door))

    journey(tmp_path, remembered)
    store = SqliteStore(tmp_path, lambda error: None)
    state = recover(store.journal, None)
    store.close()
    (entry, keygen), book = kept[0], state.accounts[ACCOUNT].books[kept[0][1]]
    budget = book.budget("USD")
    assert budget is not None and keygen == book.strategy_id
    assert {name: float(getattr(budget, name)) for name in entry} == entry


def test_a_budget_in_use_is_taken_away_by_force_alone(tmp_path):
    async def steps(door):
        keygen = await capped(door)
        order = {"instrument_id": "AAPL.SIM", "order_type": "LIMIT", "price": 100, "strategy_id": keygen}
        await door.order(**order, quantity=40, client_order_id="a")
        refused = await door.call("DELETE", f"/budget/{keygen}/USD")
        assert refused.status_code == 409
        assert refused.json()["detail"].startswith("Budget in use: reserved=20") and refused.json()["detail"].endswith(
            " USD"
        )
        assert (await door.call("DELETE", f"/budget/{keygen}/USD", params={"force": "true"})).status_code == 204
        assert (await door.call("DELETE", f"/budget/{keygen}/USD")).status_code == 404
        assert await door.get("/budget/registry") == {}

    journey(tmp_path, steps)


def test_less_than_is_reserved_is_negative_and_denies_what_would_open(tmp_path):
    async def steps(door):
        keygen = await capped(door)
        order = {"instrument_id": "AAPL.SIM", "order_type": "LIMIT", "price": 100, "strategy_id": keygen}
        await door.order(**order, quantity=40, client_order_id="a")
        lowered = await door.call("PUT", f"/budget/{keygen}/USD", {"allocated": 100})
        assert lowered.json()["available"] < 0
        assert (await door.order(**order, quantity=1))["status"] == "DENIED"
        assert (await door.get("/trading/orders/a"))["status"] == "ACCEPTED"

    journey(tmp_path, steps)


def test_realised_pnl_is_computed_from_fills_also_without_a_budget(tmp_path):
    async def steps(door):
        keygen = await door.strategy()
        assert await door.get(f"/budget/{keygen}/pnl/realized") == {"strategy_id": keygen, "currencies": {}}
        await door.wish(quantity="0.1", strategy_id=keygen)
        door.quote("BTCUSD", "50100", "50110")
        await door.wish(quantity="0.1", strategy_id=keygen, side=Side.SELL)
        found = (await door.get(f"/budget/{keygen}/pnl/realized"))["currencies"]["USD"]
        assert (found["realized_pnl"], found["fill_count"]) == (9.0, 2)
        assert found["net_pnl"] == pytest.approx(9 - found["total_fees"])
        span = await door.get(f"/budget/{keygen}/pnl/realized", since="2025-01-01T00:00:00Z")
        assert span["currencies"]["USD"] == found
        assert (await door.get(f"/budget/{keygen}/pnl/realized", until="2025-01-01T00:00:00Z"))["currencies"] == {}
        summary = await door.get("/trading/fills/summary", strategy_id=keygen)
        assert summary["by_currency"]["USD"]["realized_pnl"] == found["realized_pnl"]

    journey(tmp_path, steps)


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("PUT",    "/budget/{keygen}/USD",          {"allocated": -1},              422),
        ("PUT",    "/budget/{keygen}/USD",          {"allocated": 1e16},            422),
        ("PUT",    "/budget/{keygen}/USD",          {"allocated": "NaN"},           422),
        ("PUT",    "/budget/{keygen}/USD",          {"allocated": None},            422),
        ("PUT",    "/budget/{keygen}/USD",          {},                             422),
        ("PUT",    "/budget/{keygen}/USD",          {"allocated": 1, "more": 2},    422),
        ("PUT",    "/budget/{keygen}/USD",          "not json",                     422),
        ("PUT",    "/budget/{keygen}/U",            {"allocated": 1},               422),
        ("PUT",    "/budget/{keygen}/DOLLARS-OF-US", {"allocated": 1},              422),
        ("PUT",    f"/budget/{NOBODY}/USD",         {"allocated": 1},               404),
        ("PUT",    "/budget/registry/USD",          {"allocated": 1},               404),
        ("GET",    f"/budget/{NOBODY}",             None,                           404),
        ("GET",    f"/budget/{NOBODY}/pnl/realized", None,                          404),
        ("DELETE", f"/budget/{NOBODY}/USD",         None,                           404),
        ("DELETE", "/budget/{keygen}/USD",          None,                           404),
    ],
)  # fmt: skip
def test_a_wish_about_budgets_that_makes_no_sense_is_refused(tmp_path, method, path, body, status):
    async def steps(door):
        keygen = await door.strategy()
        answer = await door.call(method, path.format(keygen=keygen), body)
        assert answer.status_code == status, answer.text
        assert answer.json().keys() == {"detail"}

    journey(tmp_path, steps)


def test_a_change_of_a_budget_is_one_audit_row_with_before_and_after(tmp_path):
    async def steps(door):
        keygen = await capped(door, 500)
        await door.call("PUT", f"/budget/{keygen}/USD", {"allocated": 1000, "reason": "it went well"})
        await door.call("PUT", f"/budget/{keygen}/USD", {"allocated": 1000})
        rows, total = await door.page("/trading/audit", entity_type="budget", entity_id=f"{keygen}:USD")
        assert total == 3
        same, changed, made = rows
        assert (made["action"], made["before"], made["after"]) == ("budget.created", None, {"allocated": 500.0})
        assert (changed["action"], changed["severity"]) == ("budget.updated", "INFO")
        assert (changed["before"], changed["after"]) == ({"allocated": 500.0}, {"allocated": 1000.0})
        assert (changed["actor"], changed["role"], changed["reason"]) == (
            "operator:ann operator", "operator", "it went well",
        )  # fmt: skip
        assert (same["action"], same["outcome"], same["before"]) == ("budget.updated", "noop", None)

    journey(tmp_path, steps)


def test_budgets_are_told_as_they_were(tmp_path):
    async def steps(door):
        strategy = await door.strategy()
        before = to_rfc3339(door.clock.at)
        door.pass_s(1)
        await door.call("PUT", f"/budget/{strategy}/USD", {"allocated": 5000})
        resting = await door.wish(quantity="0.1", strategy_id=strategy, limit="40000")
        door.pass_s(1)
        then, registry = to_rfc3339(door.clock.at), await door.get("/budget/registry")
        budget = await door.get(f"/budget/{strategy}")
        assert budget["reserved"] > 0
        door.pass_s(1)
        await door.call("PUT", f"/budget/{strategy}/USD", {"allocated": 100})
        await door.desk.submit(CancelOrder(ACCOUNT, resting.order.order_id))
        assert (await door.get(f"/budget/{strategy}"))["reserved"] == 0
        assert await door.get(f"/budget/{strategy}", as_of=then) == budget
        assert await door.get("/budget/registry", as_of=then) == registry
        assert await door.get("/budget/registry", as_of=before) == {}
        assert (await door.call("GET", f"/budget/{strategy}?as_of={before}")).status_code == 404
        for path, text in product(("/budget/registry", f"/budget/{strategy}"), ("2099-01-01T00:00:00Z", "yesterday")):
            assert (await door.call("GET", f"{path}?as_of={text}")).status_code == 422, (path, text)

    journey(tmp_path, steps)
