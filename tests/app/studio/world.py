"""The studio's rooms on a real shard with real people: a clock and a market that the test moves, and restarts."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from tests.app.identity.people import KEY, PASSWORD, CountingHasher, KeptMail
from tests.app.shard import START, OwnClock, a_desk, unknown_is_a_failure
from tradehall.adapters.sqlite.records import SqliteRecords
from tradehall.adapters.sqlite.store import SqliteStore
from tradehall.adapters.tokens import JwtTokens
from tradehall.app.access import Access
from tradehall.app.deployments.ledger import Ledger
from tradehall.app.deployments.wishes import NewDeployment
from tradehall.app.identity.identity import Identity, IdentitySettings, Tools
from tradehall.app.identity.users import NewUser
from tradehall.app.market import MarketBoard
from tradehall.app.records.api_keys import ApiKeys
from tradehall.app.records.audit import HOUSE, Actor
from tradehall.app.records.deployments import Deployment, SizeType
from tradehall.app.records.strategies import Strategy
from tradehall.app.recovery import rebuild_views
from tradehall.app.strategies.strategies import NewStrategy, Owner
from tradehall.app.studio.reach import Reach
from tradehall.domain.catalogue import demo_instruments
from tradehall.domain.instrument import Instrument
from tradehall.domain.market import TIMEFRAME_NS, Bar, Quote, Timeframe
from tradehall.domain.order import Order
from tradehall.domain.time import NS_PER_MINUTE, NS_PER_SECOND
from tradehall.engine.commands import ListInstrument
from tradehall.ports.deployments import Signal, SignalQuery
from tradehall.ports.history import BarWindow, Steps
from tradehall.wiring.studio import StudioRooms

MIRA, OTTO = 700_001, 700_002
NOON = START - START % NS_PER_MINUTE
BY = Actor("test")
UP, DOWN = {"above": ["close", "open"]}, {"below": ["close", "open"]}


def opens_on(condition: dict[str, Any], **exits: Any) -> dict[str, Any]:
    """A definition that buys when a condition is met and sells on a falling bar."""
    return {
        "rules": [{"when": condition, "do": [{"open": "long", **exits}]}, {"when": DOWN, "do": [{"close": "long"}]}]
    }


class Past:
    """What a feed remembers: bars that the test wrote down, up to where the live quotes begin."""

    reaches_now = False

    def __init__(self) -> None:
        self.bars: list[Bar] = []

    def add(self, *closes: str, symbol: str = "EURUSD", first_at: int) -> None:
        """Minutes, one after the other, each opening where the one before closed."""
        opened = Decimal(closes[0])
        for number, text in enumerate(closes):
            close = Decimal(text)
            prices = (opened, max(opened, close), min(opened, close), close)
            self.bars.append(Bar(symbol, Timeframe.M1, first_at + number * NS_PER_MINUTE, *prices, Decimal(1)))
            opened = close

    def read(self, window: BarWindow, *, before: int) -> Steps[list[Bar]]:
        """See the port."""
        yield from ()
        span = TIMEFRAME_NS[window.timeframe]
        found = [
            bar
            for bar in self.bars
            if (bar.symbol, bar.timeframe) == (window.symbol, window.timeframe)
            and window.holds(bar.at)
            and bar.at + span <= before
        ]
        return found[-window.limit :] if window.start is None else found[: window.limit]


@dataclass
class World:
    """One run of the house."""

    rooms: StudioRooms
    clock: OwnClock
    past: Past
    store: SqliteStore
    records: SqliteRecords
    identity: Identity
    access: Access

    async def quote(self, bid: str, *, symbol: str = "EURUSD", after_s: float = 0.001) -> None:
        """The market says something; all that follows is done when this returns."""
        self.clock.at += round(after_s * NS_PER_SECOND)
        price = Decimal(bid)
        at = self.clock.at
        self.rooms.market.on_quote(Quote(symbol, price, price + Decimal("0.0001"), at, at))
        await self.settle()

    async def minute(self, opened: str, close: str, *, symbol: str = "EURUSD") -> None:
        """A whole minute of two quotes, and the quote after it, which closes it."""
        self.clock.at += -self.clock.at % NS_PER_MINUTE
        await self.quote(opened, symbol=symbol)
        await self.quote(close, symbol=symbol, after_s=30)
        self.clock.at += -self.clock.at % NS_PER_MINUTE
        await self.quote(close, symbol=symbol)

    async def wait(self, seconds: float) -> None:
        """Time passes, and nobody says anything."""
        self.clock.at += round(seconds * NS_PER_SECOND)
        self.rooms.market.close_bars(self.clock.at)
        await self.settle()

    async def settle(self) -> None:
        """Until nobody has anything to do."""
        for _ in range(3):
            await self.rooms.supervisor.look()
            await self.rooms.runner.turn()

    async def strategy(self, definition: dict[str, Any], *, login: int = MIRA, **more: Any) -> Strategy:
        """A strategy on minutes of EURUSD."""
        wish = NewStrategy(**{"name": "test", "symbol": "EURUSD", "timeframe": "1m", "definition": definition, **more})
        return await self.rooms.strategies.create(wish, self.owner(login), by=BY)

    async def deploy(self, strategy: Strategy, *, login: int = MIRA, **more: Any) -> Deployment:
        """A deployment of 1,000 units that is running."""
        wish = NewDeployment(
            **{"strategy": strategy.keygen, "size": Decimal(1_000), "size_type": SizeType.UNITS, **more}
        )
        made = await self.rooms.deployments.create(self.reach(login), wish, by=BY)
        await self.settle()
        return self.deployment(made)

    def deployment(self, of: Deployment) -> Deployment:
        """As it is now."""
        found = self.rooms.room.book.deployments.get(of.deployment_id)
        assert found is not None
        return found

    def reach(self, login: int) -> Reach:
        user = self.identity.book.user_of_login(login)
        assert user is not None
        return Reach(user_id=user.user_id)

    def owner(self, login: int) -> Owner:
        user = self.identity.book.user_of_login(login)
        assert user is not None
        return Owner(user.user_id, user.domain, login)

    def signals(self, of: Deployment) -> Sequence[Signal]:
        """Oldest first."""
        return self.rooms.store.signals(SignalQuery(deployment_id=of.deployment_id))[0][::-1]

    def held(self, of: Deployment) -> dict[str, Decimal]:
        """What it holds by symbol, long positive."""
        signs = {"LONG": 1, "SHORT": -1}
        return {each.symbol: each.quantity * signs[each.side.value] for each in self.ledger(of).holdings}

    def ledger(self, of: Deployment) -> Ledger:
        found = self.rooms.ledgers.get(of.deployment_id)
        assert found is not None
        return found

    def allocated(self, strategy: Strategy) -> Decimal:
        """Mira's budget of a strategy in dollars."""
        found = self.rooms.shares.budget(MIRA, strategy.keygen, "USD")
        assert found is not None
        return found.allocated

    async def orders(self, login: int = MIRA) -> list[Order]:
        """All orders of an account that ever were, by number."""
        await self.rooms.desk.settled()
        account = self.rooms.desk.state.accounts[login]
        ended = {number for (owner, name) in self.store.views.client_order_ids() if owner == login
                 if (number := self._number(login, name)) is not None}  # fmt: skip
        found = [
            self.rooms.desk.state.order(each) or self.store.views.order(each) for each in ended | set(account.orders)
        ]
        return sorted((each for each in found if each is not None), key=lambda each: each.order_id)

    def _number(self, login: int, name: str) -> int | None:
        order = self.store.views.order_by_client_id(login, name)
        return None if order is None else order.order_id

    def units(self, login: int = MIRA, symbol: str = "EURUSD") -> Decimal:
        """What the account has open in a symbol, long positive."""
        signs = {"LONG": 1, "SHORT": -1}
        positions = self.rooms.desk.state.accounts[login].positions.values()
        return sum((each.quantity * signs[each.side.value] for each in positions if each.symbol == symbol), Decimal(0))


@asynccontextmanager
async def opened(
    folder: Path, *, clock: OwnClock | None = None, past: Past | None = None,
    instruments: dict[str, Instrument] | None = None,
) -> AsyncIterator[World]:  # fmt: skip
    """The house; a second time on the same folder it is the next start. What is not kept is lost, as by kill -9."""
    clock, past = clock or OwnClock(NOON), past or Past()
    store, records = SqliteStore(folder, unknown_is_a_failure), SqliteRecords(folder / "records.db")
    instruments = instruments or demo_instruments()
    market = MarketBoard(instruments, past, clock, 30 * NS_PER_SECOND)
    rebuild_views(store.journal, store.view_store)
    desk = a_desk(store, clock=clock, quotes=market.quotes)
    tools = Tools(records, clock, CountingHasher(), JwtTokens(), KeptMail(), KEY)
    identity = Identity(tools, IdentitySettings(deposit=Decimal(100_000), sign_up_is_open=True))
    rooms = StudioRooms(records, store.journal, desk, market, identity, ApiKeys(records, clock), instruments)
    access = Access(clock, house_account=MIRA, master_key=None, ring=identity.book.ring)
    access.admit_people(identity.book, identity.sessions, identity.partner_tokens)
    await desk.start()
    await _furnish(rooms, identity, instruments)
    market.subscribe(desk)
    rooms.runner.load(*rooms.left)
    market.subscribe(rooms.runner)
    market.subscribe(rooms.watch)
    world = World(rooms, clock, past, store, records, identity, access)
    try:
        yield world
    finally:
        await desk.stop()
        identity.close()
        store.close()
        records.close()


async def _furnish(rooms: StudioRooms, identity: Identity, instruments: dict[str, Instrument]) -> None:
    for symbol, instrument in instruments.items():
        if symbol not in rooms.desk.state.instruments:
            await rooms.desk.submit(ListInstrument(instrument))
    await identity.attach(rooms.desk)
    for login, name in ((MIRA, "mira"), (OTTO, "otto")):
        if identity.users.of_login(login) is None:
            wish = NewUser(email=f"{name}@example.test", first_name=name, login=login, group="demo-usd-netting")
            await identity.users.create(wish, by=HOUSE, password=PASSWORD)


def run(coroutine: Any) -> Any:
    """Run a test's coroutine, with a limit."""
    return asyncio.run(asyncio.wait_for(coroutine, 60))
