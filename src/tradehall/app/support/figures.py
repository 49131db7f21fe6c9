"""Figures of a support desk: latency and slippage of a user's orders, performance of a strategy's round trips."""

import asyncio
from collections.abc import Sequence
from decimal import Decimal

from tradehall.analytics.metrics import DAYS_OF_MARKETS_THAT_DO_NOT, DAYS_OF_MARKETS_THAT_REST, MetricSettings
from tradehall.app.deployments.ledgers import Ledgers
from tradehall.app.desk import Desk
from tradehall.app.records.deployments import Deployment
from tradehall.app.support.keeping import TripKeeper
from tradehall.app.support.measuring import (
    Against,
    Grouping,
    LatencyFigures,
    Performance,
    SlippageFigures,
    measured_latency,
    measured_performance,
    measured_slippage,
)
from tradehall.app.support.refusals import SupportCode, SupportRefused
from tradehall.domain.instrument import AssetClass
from tradehall.domain.money import ZERO
from tradehall.ports.trips import ExecutionQuery, TripQuery, TripStore


class ExecutionFigures:
    """Reads columns in a thread; a million orders take some tens of milliseconds."""

    def __init__(self, desk: Desk, keeper: TripKeeper, store: TripStore, provider: str) -> None:
        self._desk = desk
        self._keeper = keeper
        self._store = store
        self._provider = provider

    async def latency(self, query: ExecutionQuery, *, limit: int, grouping: Grouping | None) -> LatencyFigures:
        """Latency of the orders of a query."""
        await self._refresh()
        return await asyncio.to_thread(measured_latency, self._store, query, limit, grouping, self._provider)

    async def slippage(
        self, query: ExecutionQuery, against: Against, *, limit: int, grouping: Grouping | None
    ) -> SlippageFigures:
        """Slippage of the filled orders of a query."""
        await self._refresh()
        return await asyncio.to_thread(measured_slippage, self._store, query, against, limit, grouping, self._provider)

    async def _refresh(self) -> None:
        await self._desk.durable()
        await self._keeper.flush()


class PerformanceFigures:
    """Measures round trips with the very functions that a backtest's report is made with."""

    def __init__(self, desk: Desk, keeper: TripKeeper, store: TripStore, ledgers: Ledgers) -> None:
        self._desk = desk
        self._keeper = keeper
        self._store = store
        self._ledgers = ledgers

    async def of(
        self, deployments: Sequence[Deployment], *, since: int | None, until: int | None, is_adjusted: bool
    ) -> Performance:
        """Of all these deployments together; SupportRefused MIXED_CURRENCIES where they are not in one currency."""
        await self._desk.durable()
        await self._keeper.flush()
        numbers = tuple(each.deployment_id for each in deployments) or (-1,)
        query = TripQuery(deployments=numbers, closed_since=since, closed_until=until)
        currencies = await asyncio.to_thread(self._store.currencies, query)
        if len(currencies) > 1:
            message = f"the trades are in {', '.join(currencies)}: name one deployment"
            raise SupportRefused(SupportCode.MIXED_CURRENCIES, message, {"currencies": currencies})
        currency = currencies[0] if currencies else self._currency_of(deployments)
        return await asyncio.to_thread(self._measured, deployments, query, currency, is_adjusted)

    def _measured(
        self, deployments: Sequence[Deployment], query: TripQuery, currency: str, is_adjusted: bool
    ) -> Performance:
        started = min((each.created_at for each in deployments), default=self._desk.clock.now())
        start = query.closed_since if query.closed_since is not None else started
        end = query.closed_until if query.closed_until is not None else self._desk.clock.now()
        return measured_performance(
            self._store, query, currency, capital=self._capital(deployments), start=start, end=max(start, end),
            settings=MetricSettings(periods_per_year=self._days(deployments)), is_adjusted=is_adjusted,
        )  # fmt: skip

    def _capital(self, deployments: Sequence[Deployment]) -> Decimal:
        """What they began with: shares of budgets, or else the balance of each account when the first began there."""
        total, seen = ZERO, set[int]()
        for each in deployments:
            ledger = self._ledgers.get(each.deployment_id)
            if each.budget is not None:
                total += each.budget.allocated
            elif ledger is not None and each.account_id not in seen:
                seen.add(each.account_id)
                total += ledger.capital
        return total

    def _currency_of(self, deployments: Sequence[Deployment]) -> str:
        accounts = (self._desk.state.accounts.get(each.account_id) for each in deployments)
        return next((account.terms.currency for account in accounts if account is not None), "USD")

    def _days(self, deployments: Sequence[Deployment]) -> int:
        """Trading days of a year: markets in coins never rest."""
        instruments = self._desk.state.instruments
        symbols = {symbol for each in deployments for symbol in each.symbols}
        is_crypto = symbols and all(
            symbol in instruments and instruments[symbol].asset_class is AssetClass.CRYPTO for symbol in symbols
        )
        return DAYS_OF_MARKETS_THAT_DO_NOT if is_crypto else DAYS_OF_MARKETS_THAT_REST
