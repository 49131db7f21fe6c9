"""What the gateway's handlers work with, and the few steps that several of them share."""

import time
from dataclasses import dataclass, field
from typing import Final, Literal

import tradehall
from tradehall.app.access import Access, Principal
from tradehall.app.breakers import Breakers
from tradehall.app.desk import Desk
from tradehall.app.explain import Explainer
from tradehall.app.market import MarketBoard
from tradehall.app.outcome import Outcome, ShardUnavailable
from tradehall.app.past import Moment, Past
from tradehall.app.streams import AccountStreams
from tradehall.app.subscriptions import Subscriptions
from tradehall.domain.account import Account
from tradehall.domain.catalogue import resolve_symbol
from tradehall.domain.ids import AccountId
from tradehall.domain.instrument import Instrument
from tradehall.domain.order import Order
from tradehall.domain.position import Position
from tradehall.engine.booking import own_part
from tradehall.engine.commands import AnyCommand
from tradehall.engine.state import State
from tradehall.faces.gateway import wishes
from tradehall.faces.gateway.counters import Counters
from tradehall.faces.gateway.errors import (
    GatewayProblem,
    order_not_found,
    position_not_found,
    strategy_not_found,
    symbol_not_found,
)
from tradehall.faces.gateway.translate import number_of
from tradehall.faces.kit import Limit, Metrics, Request, moment_at

READS: Final = "read"
ORDERS: Final = "orders"
LIMITS: Final = {READS: Limit(per_second=1_000, burst=2_000), ORDERS: Limit(per_second=1_000, burst=2_000)}


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewaySettings:
    """What can be set about this door.

    `platform` names the provider wherever one is named; `mode` is shown as it is. `exits_live_ns`: how long
    waiting exits live [ns]; None: as long as their entry.
    """

    platform: str = "simulated"
    mode: Literal["paper", "backtest"] = "paper"
    git_sha: str = "unknown"
    version: str = tradehall.__version__
    health_detail: bool = False
    enable_swagger: bool = False
    limits_are_on: bool = True
    exits_live_ns: int | None = None
    subscriptions: Subscriptions = field(default_factory=Subscriptions)


@dataclass(slots=True, kw_only=True)
class Gateway:
    """The rooms behind the door. `last_submit_ns`: how long the latest order took to become durable."""

    desk: Desk
    market: MarketBoard
    past: Past
    explainer: Explainer
    access: Access
    breakers: Breakers
    streams: AccountStreams
    metrics: Metrics
    counters: Counters
    settings: GatewaySettings = field(default_factory=GatewaySettings)
    is_stopping: bool = False
    last_submit_ns: int = 0

    @property
    def instruments(self) -> dict[str, Instrument]:
        """All that is listed, by symbol."""
        return self.desk.state.instruments

    async def moment(self, as_of: str | None) -> Moment:
        """What a reader is shown: the present, or what the text `as_of` names."""
        return await moment_at(self.desk, self.past, wishes.instant(as_of, "as_of"))

    def account(self, request: Request, state: State | None = None) -> Account:
        """The caller's account as it stands; as it was in `state`."""
        principal: Principal = request.principal
        account = (state or self.desk.state).accounts.get(principal.account_id)
        if account is None:
            raise GatewayProblem("FORBIDDEN", f"Account {principal.account_id} is not open")
        return account

    def instrument(self, symbol: str) -> Instrument:
        """The instrument that a spelling means; 404 for none."""
        instruments = self.desk.state.instruments
        found = resolve_symbol(symbol, instruments)
        if found is None:
            raise symbol_not_found(symbol)
        return instruments[found]

    async def submit(self, command: AnyCommand) -> Outcome:
        """Put a wish to the desk, unless the door is closing or its provider is known to be down."""
        self.check_open()
        started = time.perf_counter_ns()
        try:
            outcome = await self.desk.submit(command)
        except ShardUnavailable as unavailable:
            raise self.unavailable(unavailable.reason) from None
        self.last_submit_ns = time.perf_counter_ns() - started
        return outcome

    def check_open(self) -> None:
        """503 when nothing is taken any more, or the provider's breaker is open."""
        if self.is_stopping:
            raise self.unavailable("")
        if self.breakers.adapter.is_open:
            raise GatewayProblem("PROVIDER_UNAVAILABLE", "The provider's circuit breaker is open")

    async def durable(self, account_id: AccountId) -> None:
        """What was read of the account is durable from here on; 503 if it cannot be."""
        try:
            await self.desk.durable(account_id)
        except ShardUnavailable as unavailable:
            raise self.unavailable(unavailable.reason) from None

    async def settled(self, account_id: AccountId) -> None:
        """The same, and the views hold what came of it."""
        try:
            await self.desk.settled(account_id)
        except ShardUnavailable as unavailable:
            raise self.unavailable(unavailable.reason) from None

    def unavailable(self, reason: str) -> GatewayProblem:
        """The refusal of a door that cannot work now."""
        if self.is_stopping:
            return GatewayProblem("SHUTTING_DOWN", "The server is shutting down")
        return GatewayProblem("PROVIDER_UNAVAILABLE", f"Nothing can be made durable now: {reason}")

    def find_order(self, request: Request, text: str) -> Order:
        """An order of the caller's, working or ended, by its printed id; 404 for all others."""
        order_id = number_of(text, "ord")
        if order_id is None:
            raise order_not_found(text)
        order = self.desk.order(order_id)
        if order is None or order.terms.account_id != request.principal.account_id:
            raise order_not_found(text)
        return order

    def find_order_to_change(self, request: Request, text: str) -> Order:
        """The same, and with a key made for a strategy only that strategy's own."""
        order = self.find_order(request, text)
        if request.principal.strategy_id not in (None, order.terms.strategy_id):
            raise order_not_found(text)
        return order

    def strategy_id(self, request: Request, asked: str | None) -> str | None:
        """The strategy that an order is of: the one asked for, or the key's; 404 for unknown and foreign ones."""
        of_key: str | None = request.principal.strategy_id
        found = of_key if asked is None else asked
        if found is None:
            return None
        if of_key not in (None, found) or found not in self.account(request).books:
            raise strategy_not_found(found)
        return found

    def find_position_to_change(self, request: Request, text: str) -> Position:
        """An open position of the caller's, with a strategy's key that strategy's part of it; 404 for all others."""
        account = self.account(request)
        position_id = number_of(text, "pos")
        position = None if position_id is None else account.positions.get(position_id)
        strategy_id = self.strategy_id(request, None)
        if position is not None and strategy_id is not None:
            position = own_part(account, strategy_id, position)
        if position is None:
            raise position_not_found(text)
        return position
