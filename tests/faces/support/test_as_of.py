"""Accounts, positions, orders and budgets at the support door: as they stand, and as they stood at any instant."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.app.studio.world import run
from tests.faces.support.opened import MIRA, OTHER_DOMAIN, OTTO, VIEWER, Opened, opened
from tradehall.domain.strategy import TradingState
from tradehall.domain.time import to_rfc3339
from tradehall.engine.commands import CancelOrder, RegisterStrategy, SetBudget, SetTradingState

KEYGEN = "11111111-1111-4111-8111-111111111111"
KINDS = ("accounts", "positions", "orders", "budgets")


async def seen(desk: Opened, as_of: int | None = None, **more: Any) -> dict[str, list[dict[str, Any]]]:
    """All four lists of Mira's, at an instant."""
    params = {} if as_of is None else {"as_of": to_rfc3339(as_of)}
    own = f"/users/{desk.user().user_id}"
    found = {}
    for kind in KINDS:
        page = await desk.ok("GET", f"{own}/{kind}", params=params | (more if kind == "orders" else {}))
        assert page["total"] == len(page["items"])
        found[kind] = page["items"]
    return found


async def furnished(desk: Opened) -> None:
    await desk.world.quote("1.1000")
    await desk.world.rooms.desk.submit(RegisterStrategy(MIRA, KEYGEN))
    await desk.world.rooms.desk.submit(SetBudget(MIRA, KEYGEN, "USD", Decimal(5_000)))


def test_every_instant_shows_what_the_present_showed_then(tmp_path: Path):
    every: dict[str, Any] = {"status": ["open", "pending", "partially_filled", "filled", "cancelled", "rejected"]}

    async def story() -> None:
        async with opened(tmp_path) as desk:
            shard = desk.world.rooms.desk
            await furnished(desk)
            then: list[tuple[int, Any]] = []

            async def note() -> None:
                then.append((shard.state.now, await seen(desk, **every)))

            await note()
            bought = await desk.order("3000")
            assert bought.order is not None
            await note()
            resting = await desk.order("1000", limit_price=Decimal("1.05"), strategy_id=KEYGEN)
            assert resting.order is not None
            await note()
            await desk.world.quote("1.1050")
            await desk.order("1000", "SELL")
            await note()
            await desk.order("90000000")
            await shard.submit(CancelOrder(MIRA, resting.order.order_id))
            await shard.submit(SetBudget(MIRA, KEYGEN, "USD", Decimal(7_000)))
            await shard.submit(SetTradingState(MIRA, None, TradingState.HALTED, reason="look", actor="anna"))
            await note()
            await desk.world.quote("1.1000", after_s=3600)
            for at, expected in then:
                assert await seen(desk, at, **every) == expected, to_rfc3339(at)
            first, _, working, _, last = (expected for _, expected in then)
            assert [len(working[kind]) for kind in KINDS] == [1, 1, 2, 1]
            assert first["positions"] == first["orders"] == []
            assert first["budgets"][0] | {"allocated": "7000.00", "available": "7000.00"} == last["budgets"][0]
            reserved = [Decimal(each["budgets"][0]["reserved"]) for each in (working, last)]
            assert reserved[0] > 0 == reserved[1]
            assert [order["status"] for order in last["orders"]] == ["rejected", "filled", "cancelled", "filled"]
            assert (last["accounts"][0]["trading_state"], working["accounts"][0]["trading_state"]) == (
                "halted",
                "normal",
            )
            # Without a word about states: those that worked.
            assert [order["id"] for order in (await seen(desk, then[2][0]))["orders"]] == [
                f"ord_{resting.order.order_id}"
            ]
            assert (await seen(desk))["orders"] == []

    run(story())


def test_before_an_account_was_opened_there_is_none_and_the_future_is_refused(tmp_path: Path):
    async def story() -> None:
        async with opened(tmp_path) as desk:
            await furnished(desk)
            assert await seen(desk, 1) == {kind: [] for kind in KINDS}
            for kind in KINDS:
                path = f"/users/{desk.user().user_id}/{kind}"
                ahead = desk.world.clock.now() + 10**9
                for text in (to_rfc3339(ahead), "yesterday", "2026-13-01T00:00:00Z"):
                    assert await desk.refused("GET", path, params={"as_of": text}) == (422, "VALIDATION_FAILED"), text
                answer = await desk.call("GET", path, params={"as_of": to_rfc3339(ahead)})
                assert answer.json()["error"]["details"]["fields"][0]["field"] == "as_of"

    run(story())


@pytest.mark.parametrize("kind", KINDS)
def test_another_tenants_people_have_no_past_either(tmp_path: Path, kind: str):
    async def story() -> None:
        async with opened(tmp_path) as desk:
            await furnished(desk)
            at = {"as_of": to_rfc3339(desk.world.rooms.desk.state.now)}
            for name in (str(desk.user().user_id), desk.user().email, "424242"):
                refused = await desk.refused("GET", f"/users/{name}/{kind}", params=at, domain=OTHER_DOMAIN)
                assert refused == (404, "USER_NOT_FOUND")
            eva = await desk.ok("GET", f"/users/eva@example.test/{kind}", domain=OTHER_DOMAIN, role=VIEWER)
            assert eva["total"] == (1 if kind == "accounts" else 0)

    run(story())


def test_lists_are_filtered_and_cut_into_pages(tmp_path: Path):
    async def story() -> None:
        async with opened(tmp_path) as desk:
            await furnished(desk)
            for number in range(5):
                await desk.order("1000", limit_price=Decimal("1.05"), client_order_id=f"mine-{number}")
            own = f"/users/{desk.user().user_id}"
            page = await desk.ok("GET", f"{own}/orders", params={"size": 2, "page": 2})
            assert (page["total"], page["pages"], len(page["items"])) == (5, 3, 2)
            assert [order["client_order_id"] for order in page["items"]] == ["mine-2", "mine-1"]
            for kind in ("orders", "positions"):
                assert (await desk.ok("GET", f"{own}/{kind}", params={"symbol": "USDJPY"}))["total"] == 0
            for login, count in ((MIRA, 1), (OTTO, 0)):
                assert (await desk.ok("GET", f"{own}/accounts", params={"account_login": login}))["total"] == count
            asked = {"status": "asleep"}
            assert await desk.refused("GET", f"{own}/orders", params=asked) == (422, "VALIDATION_FAILED")

    run(story())
