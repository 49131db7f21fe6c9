"""A chaos in which two strategies trade beside the people, under budgets, limits and halts that come and go."""

from decimal import Decimal
from typing import Any, Final

from tests.builders import MINE, OTHER
from tests.engine.chaos import OTHER_LOGIN, SYMBOLS, Chaos
from tradehall.domain.strategy import StrategyLimits, TradingState
from tradehall.engine import commands as cmd

STRATEGIES: Final = (MINE, OTHER)
# The second strategy has no budget: it is watched, and free.
CURRENCIES: Final = ("USD", "JPY", "USDT")
ALLOCATED: Final = {"USD": 400, "JPY": 40_000, "USDT": 400}


class StrategyChaos(Chaos):
    """Chaos, and two strategies on each of its accounts."""

    def __init__(self, seed: int, mode: str) -> None:
        super().__init__(seed, mode)
        for account_id in (self.world.account.terms.account_id, OTHER_LOGIN):
            for strategy_id in STRATEGIES:
                self.world.do(cmd.RegisterStrategy(account_id, strategy_id))
            for currency in CURRENCIES:
                self.set_budget(account_id, MINE, currency)

    @property
    def wishes(self) -> list[tuple[float, Any]]:
        return [
            *super().wishes, (1, self.set_budget), (0.2, self.remove_budget), (0.5, self.close_part), (1, self.let_go),
            (0.1, self.hold_back), (0.2, self.kill), (0.5, self.set_limits), (1, self.check_losses), (1, self.set_part_exits),
        ]  # fmt: skip

    def terms(self) -> dict[str, Any]:
        return super().terms() | {"strategy_id": self.random.choice([None, None, MINE, MINE, OTHER, "unknown"])}

    # What operators do.

    def set_budget(self, account_id: int | None = None, strategy_id: str = MINE, currency: str | None = None) -> None:
        currency = currency or self.random.choice(CURRENCIES)
        allocated = Decimal(ALLOCATED[currency]) * self.random.randint(0, 4)
        self.world.do(cmd.SetBudget(account_id or self.account_id(), strategy_id, currency, allocated))

    def remove_budget(self) -> None:
        currency, force = self.random.choice(CURRENCIES), self.maybe(0.3)
        self.world.do(cmd.RemoveBudget(self.account_id(), MINE, currency, force))

    def close_part(self) -> None:
        account_id, strategy_id = self.account_id(), self.random.choice(STRATEGIES)
        quantity = self.random.choice([None, self.quantity("EURUSD")])
        number = self.part_id(account_id, strategy_id)
        self.world.do(cmd.ClosePosition(account_id, number, quantity, strategy_id=strategy_id))

    def set_part_exits(self) -> None:
        account_id, strategy_id = self.account_id(), self.random.choice(STRATEGIES)
        price = Decimal(self.random.randint(1, 200)) / 100
        number = self.part_id(account_id, strategy_id)
        self.world.do(cmd.SetPositionExits(account_id, number, stop_loss=price, strategy_id=strategy_id))

    def part_id(self, account_id: int, strategy_id: str) -> int:
        book = self.world.book(strategy_id, account_id)
        return self.random.choice([*book.parts, 1])

    def hold_back(self) -> None:
        state = self.random.choice(list(TradingState))
        self.world.do(cmd.SetTradingState(self.account_id(), self.random.choice([None, *STRATEGIES]), state))

    def let_go(self) -> None:
        for subject in (None, *STRATEGIES):
            self.world.do(cmd.SetTradingState(self.account_id(), subject, TradingState.NORMAL))

    def kill(self) -> None:
        subject = self.random.choice([None, *STRATEGIES])
        self.world.do(cmd.KillSwitch(self.account_id(), subject, flatten=self.maybe(0.7)))

    def set_limits(self) -> None:
        limits = StrategyLimits(
            positions_max=self.random.choice([None, 1, 2]),
            daily_loss_max=self.random.choice([None, Decimal(20)]),
            loss_max=self.random.choice([None, Decimal(100)]),
            orders_max=self.random.choice([None, 2]),
            on_loss=self.random.choice([TradingState.HALTED, TradingState.REDUCE_ONLY]),
        )
        self.world.do(cmd.SetStrategyLimits(self.account_id(), self.random.choice(STRATEGIES), limits))

    def check_losses(self) -> None:
        self.world.do(cmd.CheckLosses(self.account_id(), self.random.choice(STRATEGIES)))


assert set(SYMBOLS) == {"EURUSD", "EURJPY", "BTCUSDT"}, "a currency of CURRENCIES for each"
