"""Ledgers part a strategy's book among its deployments: whatever happens, the parts add up to the book."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.app.studio.world import BY, MIRA, UP, World, opened, opens_on, run
from tradehall.app.deployments.ledgers import Ledgers
from tradehall.app.identity.users import NewUser
from tradehall.app.outcome import request_digest
from tradehall.app.records.deployments import Deployment
from tradehall.domain.order import OrderTerms, OrderType, Side
from tradehall.engine.commands import ClosePosition, PlaceOrder

HEDGER = 700_003
# Who acts (two deployments, a hand), on which side, how many thousand units.
STEPS = st.lists(st.tuples(st.sampled_from("abh"), st.sampled_from(list(Side)), st.integers(1, 5)), max_size=12)


async def stepped(world: World, login: int, steps: list[Any]) -> tuple[str, list[Deployment]]:
    """Let two deployments of one strategy, and a hand, do as they like; the strategy and the deployments."""
    strategy = await world.strategy(opens_on(UP), login=login)
    both = [await world.deploy(strategy, login=login) for _ in range(2)]
    await world.quote("1.0800")
    desk = world.rooms.desk
    for number, (who, side, thousands) in enumerate(steps):
        if who == "h":
            book = desk.state.book(login, strategy.keygen)
            for part in list(book.parts.values())[:1] if book is not None else ():
                by_hand = ClosePosition(login, part.position_id, Decimal(thousands * 700), strategy_id=strategy.keygen)
                await desk.submit(by_hand)
            continue
        name = f"dep{both['ab'.index(who)].deployment_id}-EURUSD-{number}"
        terms = OrderTerms(
            login, "EURUSD", side, OrderType.MARKET, Decimal(thousands * 1_000), client_order_id=name,
            strategy_id=strategy.keygen,
        )  # fmt: skip
        await desk.submit(PlaceOrder(terms, digest=request_digest(terms)))
    return strategy.keygen, both


def units(world: World, login: int, keygen: str) -> Decimal:
    """What the strategy's book has open, long positive."""
    parts = world.rooms.desk.state.accounts[login].books[keygen].parts.values()
    return sum((part.quantity if part.side == "LONG" else -part.quantity for part in parts), Decimal(0))


def claimed(world: World, both: list[Deployment]) -> Decimal:
    """What the deployments' ledgers have open, long positive."""
    holdings = [holding for each in both for holding in world.ledger(each).holdings]
    return sum((each.quantity if each.side == "LONG" else -each.quantity for each in holdings), Decimal(0))


@pytest.mark.parametrize("login", [MIRA, HEDGER], ids=["netting", "hedging"])
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_what_deployments_claim_adds_up_to_the_strategys_book(tmp_path_factory, login, steps):
    async def journey():
        async with opened(tmp_path_factory.mktemp("house")) as world:
            if login == HEDGER:
                wish = NewUser(email="hedger@example.test", first_name="hedger", login=login)
                await world.identity.users.create(wish, by=BY, password="a long passw0rd")
            keygen, both = await stepped(world, login, steps)
            assert claimed(world, both) == units(world, login, keygen)
            await world.rooms.desk.settled()
            again = Ledgers(lambda: world.rooms.desk.state, world.store.journal, {}, None)
            for each in both:
                again.open(each.deployment_id, each.account_id, each.keygen)
            again.catch_up()
            for each in both:
                refolded, kept = again.get(each.deployment_id), world.ledger(each)
                assert refolded is not None
                assert (refolded.holdings, refolded.tally, refolded.net_pnl) == (
                    kept.holdings,
                    kept.tally,
                    kept.net_pnl,
                )

    run(journey())
