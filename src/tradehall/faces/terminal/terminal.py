"""What the terminal's handlers work with, and the few steps that several of them share."""

from dataclasses import dataclass
from typing import Any, Final

import msgspec

from tradehall.app.access import Access
from tradehall.app.desk import Desk
from tradehall.app.identity.terminal_keys import TerminalKeys
from tradehall.app.market import MarketBoard
from tradehall.app.outcome import Outcome, ShardUnavailable
from tradehall.app.streams import AccountStreams
from tradehall.domain.account import Account
from tradehall.domain.catalogue import resolve_symbol
from tradehall.domain.fill import Fill
from tradehall.domain.ids import AccountId
from tradehall.domain.instrument import Instrument
from tradehall.domain.order import Order, OrderRole
from tradehall.domain.position import Position
from tradehall.engine.commands import AnyCommand
from tradehall.engine.events import OrderFilled
from tradehall.faces.kit import Limit, Request, Response, decode_query, json_response
from tradehall.faces.terminal.errors import (
    NOT_CONNECTED,
    TerminalProblem,
    order_not_found,
    position_not_found,
    symbol_not_found,
)
from tradehall.faces.terminal.executions import Executions
from tradehall.faces.terminal.memory import Memory
from tradehall.faces.terminal.requests import Query
from tradehall.faces.terminal.translate import with_iso

KEY: Final = "key"
OWNER: Final = "owner"
LIMITS: Final = {KEY: Limit(per_second=100, burst=100), OWNER: Limit(per_second=10, burst=50)}


@dataclass(frozen=True, slots=True, kw_only=True)
class TerminalSettings:
    """What can be set about this door. `server`: the name under which the trading server goes."""

    server: str = "Tradehall-Demo"
    auth_within_s: float = 30.0


@dataclass(slots=True, kw_only=True)
class Terminal:
    """The rooms behind the door."""

    desk: Desk
    market: MarketBoard
    access: Access
    keys: TerminalKeys
    streams: AccountStreams
    executions: Executions
    memory: Memory
    settings: TerminalSettings
    is_stopping: bool = False

    @property
    def instruments(self) -> dict[str, Instrument]:
        """All that is listed, by symbol."""
        return self.desk.state.instruments

    @property
    def is_connected(self) -> bool:
        """Whether orders can be kept and at least one symbol's quotes come in."""
        market = self.market
        return (
            not self.is_stopping
            and self.desk.closed_because is None
            and bool(market.quotes)
            and len(market.stale_symbols()) < len(market.quotes)
        )

    def check_connected(self) -> None:
        """503 without a market, or where nothing can be kept."""
        if not self.is_connected:
            raise self.unavailable(self.desk.closed_because)

    def unavailable(self, reason: str | None) -> TerminalProblem:
        """The refusal of a door that cannot work now."""
        if self.is_stopping:
            reason = "the server is shutting down"
        return TerminalProblem("NOT_CONNECTED", NOT_CONNECTED, reason or "no quotes come in")

    def account(self, request: Request) -> Account:
        """The caller's account as it stands."""
        account = self.desk.state.accounts.get(request.principal.account_id)
        if account is None:
            raise TerminalProblem("NOT_FOUND", "Account not found")
        return account

    def instrument(self, symbol: str) -> Instrument:
        """The instrument that a spelling means; 404 for none."""
        found = resolve_symbol(symbol, self.instruments)
        if found is None:
            raise symbol_not_found(symbol[:64])
        return self.instruments[found]

    def position(self, request: Request, ticket: int) -> Position:
        """An open position of the caller's."""
        position = self.account(request).positions.get(ticket)
        if position is None:
            raise position_not_found(ticket)
        return position

    def find_order(self, request: Request, ticket: int) -> Order:
        """An order of the caller's that somebody asked for, working or ended: no exit leg, no close."""
        order = self.desk.order(ticket)
        if order is None or order.terms.account_id != request.principal.account_id:
            raise order_not_found(ticket)
        if order.role is not OrderRole.ENTRY:
            raise order_not_found(ticket)
        return order

    def has_order_named(self, account: Account, name: str) -> bool:
        """Whether an order or a close of the account, working or ended, has this client order id."""
        working = self.desk.state.order_by_client_id(account, name)
        return (working or self.desk.ended_order(account.terms.account_id, name)) is not None

    async def submit(self, command: AnyCommand) -> Outcome:
        """Put a wish to the desk."""
        try:
            return await self.desk.submit(command)
        except ShardUnavailable as unavailable:
            raise self.unavailable(unavailable.reason) from None

    async def end_of(self, order: Order) -> Order:
        """The order as it ended; see Executions."""
        try:
            return await self.executions.end_of(order)
        except ShardUnavailable as unavailable:
            raise self.unavailable(unavailable.reason) from None

    async def fills(self, order: Order, outcome: Outcome) -> list[Fill]:
        """All fills of an order that has ended, oldest first; mostly they came with its outcome."""
        at_once = [
            event.fill
            for event in outcome.events
            if type(event) is OrderFilled and event.fill.order_id == order.order_id
        ]
        if len(at_once) == order.fill_count:
            return at_once
        await self.settled(order.terms.account_id)
        return self.desk.views.fills_of(order.order_id)

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


def respond(request: Request, body: Any, status: int = 200) -> Response:
    """`body` in JSON, with ISO twins where the caller wants them."""
    if b"iso" in request.query_string and decode_query(request, Query).iso:
        body = with_iso(msgspec.to_builtins(body))
    return json_response(body, status)
