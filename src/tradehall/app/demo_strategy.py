"""The demo's strategy: it opens and closes a small position every few seconds, under a budget, on its own account."""

from collections.abc import Collection
from decimal import Decimal
from typing import Final

from tradehall.app.demo import STRATEGY_ACCOUNT
from tradehall.app.demo_people import DEMO
from tradehall.app.deployments.deployments import Deployments
from tradehall.app.deployments.wishes import NewDeployment
from tradehall.app.records.deployments import BudgetShare, SizeType
from tradehall.app.records.strategies import Strategy
from tradehall.app.strategies.strategies import NewStrategy, Owner, Strategies
from tradehall.app.strategies.templates import HEARTBEAT
from tradehall.app.studio.reach import HOUSE

NAME: Final = "Demo heartbeat"
SYMBOL: Final = "EURUSD"
SIZE: Final = Decimal("0.01")
BUDGET: Final = BudgetShare("USD", Decimal(2_000))


async def demo_strategy(strategies: Strategies, deployments: Deployments, listed: Collection[str]) -> Strategy | None:
    """Made and deployed once; what became of it since is left as it is.

    None: its symbol is not `listed`, as in a replay of other markets.
    """
    known = [
        each
        for each in strategies.visible(HOUSE)
        if each.user_id is None and (each.account_id, each.name) == (STRATEGY_ACCOUNT, NAME)
    ]
    if known:
        return min(known, key=lambda each: each.strategy_id)
    if SYMBOL not in listed:
        return None
    wish = NewStrategy(name=NAME, symbol=SYMBOL, timeframe="1m", definition=dict(HEARTBEAT))
    made = await strategies.create(wish, Owner(account_id=STRATEGY_ACCOUNT), by=DEMO)
    await deployments.create(
        HOUSE,
        NewDeployment(strategy=made.keygen, size=SIZE, size_type=SizeType.LOTS, budget=BUDGET),
        by=DEMO,
    )
    return made
