"""What the dashboard's handlers work with, and the few steps that several of them share."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

from tradehall.app.access import Access
from tradehall.app.audit import AuditTrail, acting
from tradehall.app.audit_lines import noop, refusal
from tradehall.app.desk import Desk
from tradehall.app.equity import EquityHistory
from tradehall.app.fill_sums import FillSums
from tradehall.app.house_counts import HouseCounts
from tradehall.app.house_orders import HouseOrders
from tradehall.app.house_positions import loose_units
from tradehall.app.market import MarketBoard
from tradehall.app.outcome import Outcome, ShardUnavailable
from tradehall.app.past import Moment, Past
from tradehall.app.records.audit import Actor
from tradehall.app.records.strategies import Strategy
from tradehall.app.strategies.registering import Registry
from tradehall.app.studio.book import StudioBook
from tradehall.domain.account import Account
from tradehall.domain.catalogue import resolve_symbol
from tradehall.domain.ids import AccountId
from tradehall.domain.instrument import Instrument
from tradehall.domain.order import Order
from tradehall.domain.position import Position
from tradehall.domain.strategy import StrategyBook
from tradehall.engine.commands import AnyCommand
from tradehall.engine.state import State
from tradehall.faces.dashboard.errors import not_found, refusal_of
from tradehall.faces.kit import BadRequest, Limit, Problem, ProblemKind, Response, json_response, moment_at
from tradehall.faces.kit.instants import wire_instant
from tradehall.ports.deployments import DeploymentStore

READS: Final = "read"
WRITES: Final = "write"
LIMITS: Final = {READS: Limit(per_second=50, burst=100), WRITES: Limit(per_second=5, burst=20)}
_NUMBERED: Final = re.compile(r"ord_([1-9][0-9]{0,18})\Z", re.ASCII)
_ORDER_ID_MAX: Final = 2**63 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class DashboardSettings:
    """What can be set about this door. `mode` is said wherever prices are seen; `feed` names where they come from."""

    is_open: bool = True
    mode: str = "PAPER"
    feed: str = "simulated"
    started_at: int = 0


@dataclass(slots=True, kw_only=True)
class Dashboard:
    """The rooms behind the door."""

    desk: Desk
    market: MarketBoard
    past: Past
    access: Access
    trail: AuditTrail
    book: StudioBook
    registry: Registry
    signals: DeploymentStore
    sums: FillSums
    equity: EquityHistory
    orders: HouseOrders
    counts: HouseCounts
    settings: DashboardSettings = field(default_factory=DashboardSettings)
    is_stopping: bool = False

    @property
    def instruments(self) -> dict[str, Instrument]:
        """All that is listed, by symbol."""
        return self.desk.state.instruments

    # Strategies.

    def name_of(self, strategy_id: str | None) -> str | None:
        """A strategy's name, as long as anybody knows it."""
        strategy = None if strategy_id is None else self.book.strategy(strategy_id)
        return None if strategy is None else strategy.name

    def strategy(self, name: str) -> Strategy:
        """The strategy of a UUID, or of its name for people; 404 for none."""
        found = None if name.isdigit() else self.book.strategy(name)
        if found is None:
            found = next((each for each in self.book.strategies if each.shown_id == name), None)
        if found is None:
            raise not_found("Strategy")
        return found

    def strategy_ids(self, strategy_id: str | None, part_of_name: str | None) -> tuple[str, ...] | None:
        """The strategies that two filters leave; None: they filter nothing."""
        if part_of_name is None:
            return None if strategy_id is None else (strategy_id.lower(),)
        part = part_of_name.lower()
        named = (each.keygen for each in self.book.strategies if part in each.name.lower())
        return tuple(keygen for keygen in named if strategy_id is None or keygen == strategy_id.lower())

    async def moment(self, as_of: str | None) -> Moment:
        """What a reader is shown: the present, or what the text `as_of` names."""
        return await moment_at(self.desk, self.past, read_instant(as_of, "as_of"))

    def books(self, strategy_id: str, state: State | None = None) -> dict[AccountId, StrategyBook]:
        """A strategy's books as they stand, or as they were in `state`, by account."""
        found = {}
        for login in self._logins(strategy_id):
            book = (state or self.desk.state).book(login, strategy_id)
            if book is not None:
                found[login] = book
        return found

    def _logins(self, strategy_id: str) -> Iterable[AccountId]:
        """Accounts that a strategy may trade; of one that nobody knows any more, all."""
        strategy = self.book.strategy(strategy_id)
        if strategy is None:
            return self.desk.state.accounts
        deployments = self.book.deployments.of_strategy(strategy.strategy_id)
        return dict.fromkeys((strategy.account_id, *(each.account_id for each in deployments)))

    def account_of(self, strategy: Strategy) -> AccountId | None:
        """The account that a strategy trades: its own, else that of its newest deployment; None: none yet."""
        if strategy.account_id:
            return strategy.account_id
        deployments = self.book.deployments.of_strategy(strategy.strategy_id)
        return deployments[-1].account_id if deployments else None

    # Accounts, instruments, orders.

    def account(self, login: str) -> Account:
        """An account; 404 for none."""
        account = self.desk.state.accounts.get(int(login)) if login.isascii() and login.isdigit() else None
        if account is None:
            raise not_found("Account")
        return account

    def symbol_of(self, instrument_id: str | None) -> str | None:
        """The symbol of an exact `EURUSD.SIM`; what names no instrument of ours finds nothing. None stays None."""
        if instrument_id is None:
            return None
        symbol, _, venue = instrument_id.rpartition(".")
        instrument = self.instruments.get(symbol)
        return symbol if instrument is not None and instrument.venue == venue else f"?{instrument_id}"

    def instrument(self, text: str) -> Instrument:
        """The instrument that `EURUSD.SIM`, or any spelling of its symbol, means; 404 for none."""
        exact = self.symbol_of(text)
        found = exact if exact in self.instruments else resolve_symbol(text, self.instruments)
        if found is None:
            raise not_found("Instrument")
        return self.instruments[found]

    def find_order(self, name: str, login: str | None) -> Order:
        """The newest order of a client order id or `ord_{n}`, on one account or on any; 404 for none."""
        found = [order for account in self._accounts(login) if (order := self._named(account, name)) is not None]
        if found:
            return max(found, key=lambda order: order.order_id)
        match = _NUMBERED.match(name)
        order_id = int(match[1]) if match is not None and int(match[1]) <= _ORDER_ID_MAX else 0
        order = self.desk.order(order_id)
        if order is None or login not in {None, str(order.terms.account_id)}:
            raise not_found("Order")
        return order

    def _named(self, account: Account, name: str) -> Order | None:
        working = self.desk.state.order_by_client_id(account, name)
        return working or self.desk.ended_order(account.terms.account_id, name)

    def _accounts(self, login: str | None) -> list[Account]:
        return list(self.desk.state.accounts.values()) if login is None else [self.account(login)]

    async def order_names(self, order_ids: Sequence[int]) -> dict[int, str | None]:
        """The client order ids of orders."""
        state = self.desk.state
        found = {number: order for number in set(order_ids) if (order := state.order(number)) is not None}
        ended = await self.desk.views.orders_of([number for number in set(order_ids) if number not in found])
        found |= {order.order_id: order for order in ended}
        return {number: order.terms.client_order_id for number, order in found.items()}

    def currency_of(self, symbol: str) -> str:
        """The currency of a symbol's prices."""
        return self.instruments[symbol].quote_currency

    def loose_units(self, account: Account, position: Position) -> Decimal:
        """Units of a position that are in no strategy's book."""
        return loose_units(account, position)

    # Wishes.

    async def submit(self, command: AnyCommand, actor: Actor) -> Outcome:
        """Put an operator's wish to the desk; a refusal of the wish itself is raised, and in the trail."""
        if self.is_stopping:
            raise unavailable("the server is shutting down")
        try:
            with acting(actor):
                return await self.desk.submit(command)
        except ShardUnavailable as reason:
            raise unavailable(reason.reason) from None

    async def carry_out(self, command: AnyCommand, actor: Actor, action: str, entity: tuple[str, object]) -> Outcome:
        """As `submit`; what changed nothing is in the trail too, and refusals are raised."""
        outcome = await self.submit(command, actor)
        if outcome.rejection is not None:
            raise refusal_of(outcome.rejection)
        if not outcome.events:
            await self.trail.note(noop(actor, self._now(), action, entity))
        return outcome

    async def refuse(self, problem: Problem, actor: Actor, action: str, entity: tuple[str, object]) -> Problem:
        """Note a wish that came to nothing before anybody decided about it; what is to be raised."""
        code = problem.code or problem.kind.value
        await self.trail.note(refusal(actor, self._now(), action, entity, code=code, message=problem.message))
        return problem

    def _now(self) -> int:
        """Decisions may be a few ns ahead of the clock."""
        return max(self.desk.clock.now(), self.desk.state.now)

    async def settled(self) -> None:
        """What was read before is durable from here on; 503 if it cannot be."""
        try:
            await self.desk.settled()
        except ShardUnavailable as reason:
            raise unavailable(reason.reason) from None


def unavailable(reason: str) -> Problem:
    """The refusal of a door that cannot work now."""
    return Problem(ProblemKind.UNAVAILABLE, f"Not available now: {reason}", headers=[(b"retry-after", b"1")])


def listed(rows: Sequence[Any], total: int) -> Response:
    """A bare list, and how many rows match in all."""
    return json_response(list(rows), headers=((b"x-total-count", b"%d" % total),))


def read_instant(text: str | None, name: str, place: str = "query") -> int | None:
    """An instant [ns UTC]; BadRequest for anything that is none."""
    if text is None:
        return None
    try:
        return wire_instant(text)
    except ValueError as error:
        raise BadRequest(name, str(error), found=text[:40], place=place) from None
