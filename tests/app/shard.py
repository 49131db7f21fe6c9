"""A shard at work for tests: real engine, venue, desk; the journal is the caller's."""

import asyncio
from collections.abc import Callable, Mapping
from decimal import Decimal

from tradehall.app.desk import Desk
from tradehall.app.outcome import request_digest
from tradehall.app.recovery import recover
from tradehall.domain.account import AccountTerms
from tradehall.domain.catalogue import demo_instruments
from tradehall.domain.market import Quote
from tradehall.domain.order import OrderTerms, OrderType, Side
from tradehall.engine.commands import ListInstrument, OpenAccount, PlaceOrder
from tradehall.engine.engine import Engine
from tradehall.engine.record import Record
from tradehall.engine.state import State
from tradehall.venue.loop import TradingLoop
from tradehall.venue.settings import VenueSettings
from tradehall.venue.simulated import SimulatedVenue

ACCOUNT = 700100
START = 1_750_000_000_000_000_000


class OwnClock:
    """A clock that stands until it is told otherwise."""

    def __init__(self, at: int = START) -> None:
        self.at = at

    def now(self) -> int:
        return self.at


def a_quote(symbol: str = "BTCUSD", bid: str = "50000", ask: str = "50010", at: int = START) -> Quote:
    return Quote(symbol=symbol, bid=Decimal(bid), ask=Decimal(ask), at=at, received_at=at)


def loop_maker(quotes: Mapping[str, Quote]) -> Callable[[State, Callable[[Record], None]], TradingLoop]:
    def make_loop(state: State, on_record: Callable[[Record], None]) -> TradingLoop:
        loop = TradingLoop(Engine(state), SimulatedVenue(VenueSettings(), state, quotes), quotes, on_record)
        loop.rebuild()
        return loop

    return make_loop


def an_order(
    quantity: str = "0.1",
    side: str = "BUY",
    limit: str | None = None,
    client_id: str | None = None,
    account: int = ACCOUNT,
    symbol: str = "BTCUSD",
) -> PlaceOrder:
    terms = OrderTerms(
        account_id=account,
        symbol=symbol,
        side=Side(side),
        type=OrderType.MARKET if limit is None else OrderType.LIMIT,
        quantity=Decimal(quantity),
        limit_price=None if limit is None else Decimal(limit),
        client_order_id=client_id,
    )
    return PlaceOrder(terms, digest=None if client_id is None else request_digest(terms))


def unknown_is_a_failure(error: BaseException) -> None:
    raise AssertionError("the journal's outcome was unknown") from error


def a_desk(store, *, clock=None, quotes=None, on_unknown=unknown_is_a_failure, snapshots=None) -> Desk:
    """A desk on `store` (journal and views), its state recovered, not started."""
    quotes = {"BTCUSD": a_quote()} if quotes is None else quotes
    return Desk(
        state=recover(store.journal, snapshots, views=store.view_store),
        make_loop=loop_maker(quotes),
        restore=lambda: recover(store.journal, snapshots),
        store=store,
        quotes=quotes,
        clock=clock or OwnClock(),
        on_unknown=on_unknown,
    )


async def open_house(desk: Desk, accounts: int = 1) -> None:
    """List an instrument and open accounts, ACCOUNT first, with a million each."""
    await desk.submit(ListInstrument(demo_instruments()["BTCUSD"]))
    for number in range(accounts):
        await desk.submit(OpenAccount(AccountTerms(ACCOUNT + number), Decimal(1_000_000)))


def run(coroutine):
    """Run a test's coroutine, with a limit."""
    return asyncio.run(asyncio.wait_for(coroutine, 60))


async def until(claim, limit_s: float = 20.0) -> None:
    """Wait for something that another thread, or the loop's own timer, brings about."""
    deadline = asyncio.get_running_loop().time() + limit_s
    while not claim():
        assert asyncio.get_running_loop().time() < deadline, "it never came"
        await asyncio.sleep(0.001)
