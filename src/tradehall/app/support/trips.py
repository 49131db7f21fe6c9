"""Trips as a support desk sees them: those of its tenant, with what was laid over them, and what floats."""

import asyncio
from decimal import Decimal

from msgspec import Struct
from msgspec.structs import replace

from tradehall.app.desk import Desk
from tradehall.app.identity.book import Book
from tradehall.app.records.adjustments import Adjustment, TripFacts
from tradehall.app.records.users import User
from tradehall.app.studio.book import StudioBook
from tradehall.app.support.keeping import TripKeeper
from tradehall.app.support.overlays import Overlays
from tradehall.app.support.refusals import SupportCode, SupportRefused
from tradehall.domain.money import ONE, ZERO, round_money
from tradehall.domain.position import Position, PositionSide, floating_pnl
from tradehall.engine.conversion import conversion_rate
from tradehall.ports.trips import Trip, TripQuery, TripStatus, TripStore, TripTotals, result_of


class SeenTrip(Struct, frozen=True):
    """A trip with all that is known of it. `facts`: as it is shown; `unrealized_pnl` [its currency]: while open."""

    trip: Trip
    facts: TripFacts
    adjustment: Adjustment | None
    user_id: int | None
    strategy_id: int | None
    current_price: Decimal | None = None
    unrealized_pnl: Decimal | None = None

    @property
    def is_adjusted(self) -> bool:
        """Whether what is shown differs from what is."""
        return self.adjustment is not None and not self.adjustment.is_reverted

    @property
    def status(self) -> TripStatus:
        """A trip that is open for want of a word of its end is closed when somebody gives it."""
        return TripStatus.CLOSED if self.facts.result is not None else self.trip.status

    @property
    def version(self) -> int:
        """Grows with each step of its life and with each adjustment."""
        life = {TripStatus.PENDING: 1, TripStatus.OPEN: 2}.get(self.trip.status, 3)
        return life if self.adjustment is None else life + self.adjustment.version


class Trips:
    """Reads; what was decided before the call is in it."""

    def __init__(
        self, desk: Desk, people: Book, studio: StudioBook, keeper: TripKeeper, store: TripStore, overlays: Overlays
    ) -> None:
        self._desk = desk
        self._people = people
        self._studio = studio
        self._keeper = keeper
        self._store = store
        self._overlays = overlays

    async def get(self, domain: str, trip_id: int) -> SeenTrip:
        """A trip of the tenant; SupportRefused otherwise."""
        await self._refresh()
        trip = await asyncio.to_thread(self._store.trip, trip_id)
        if trip is None or not self._is_of(domain, trip):
            raise SupportRefused(SupportCode.TRADE_NOT_FOUND, "there is no such trade")
        return self.seen(trip)

    async def page(self, query: TripQuery) -> tuple[list[SeenTrip], TripTotals]:
        """A page, and what all pages come to."""
        await self._refresh()
        trips, totals = await asyncio.gather(
            asyncio.to_thread(self._store.page, query), asyncio.to_thread(self._store.totals, query)
        )
        return [self.seen(trip) for trip in trips], totals

    async def _refresh(self) -> None:
        await self._desk.durable()
        await self._keeper.flush()

    def seen(self, trip: Trip) -> SeenTrip:
        """A trip with what was laid over it, and what floats."""
        adjustment = self._overlays.get(trip.trip_id)
        is_on = adjustment is not None and not adjustment.is_reverted
        facts = laid_over(facts_of(trip), adjustment.said) if adjustment is not None and is_on else facts_of(trip)
        owner = self._people.user_of_login(trip.account_id)
        strategy = None if trip.keygen is None else self._studio.strategy(trip.keygen)
        price, floating = self._floating(trip) if trip.status is TripStatus.OPEN else (None, None)
        return SeenTrip(
            trip, facts, adjustment, self._owner_id(trip, owner),
            None if strategy is None else strategy.strategy_id, price, floating,
        )  # fmt: skip

    def holds(self, trip: Trip) -> bool:
        """Whether the engine has a position for it."""
        return bool(self._parts(trip))

    def _owner_id(self, trip: Trip, owner: User | None) -> int | None:
        if owner is not None:
            return owner.user_id
        deployment = self._studio.deployments.get(trip.deployment_id or 0)
        return None if deployment is None else deployment.user_id

    def _is_of(self, domain: str, trip: Trip) -> bool:
        owner = self._people.user_of_login(trip.account_id)
        if owner is not None:
            return owner.domain == domain
        deployment = self._studio.deployments.get(trip.deployment_id or 0)
        return deployment is not None and deployment.domain == domain

    def _floating(self, trip: Trip) -> tuple[Decimal | None, Decimal | None]:
        quote = self._desk.quotes.get(trip.symbol)
        if quote is None:
            return None, None
        price = quote.bid if trip.side is PositionSide.LONG else quote.ask
        pnl = sum(
            (
                sign
                * floating_pnl(side=part.side, quantity=part.quantity, cost=part.cost, bid=quote.bid, ask=quote.ask)
                for sign, part in self._parts(trip)
            ),
            ZERO,
        )
        currency = self._desk.state.instruments[trip.symbol].quote_currency
        rate = ONE if currency == trip.currency else conversion_rate(currency, trip.currency, self._desk.quotes.get)
        return price, None if rate is None else round_money(pnl * rate, trip.currency)

    def _parts(self, trip: Trip) -> list[tuple[int, Position]]:
        """What the engine holds for a trip; of what is beside the books: the position less their parts."""
        account = self._desk.state.accounts.get(trip.account_id)
        if account is None:
            return []
        if trip.keygen is not None and trip.keygen in account.books:
            part = account.books[trip.keygen].parts.get(trip.position_id)
            return [] if part is None else [(1, part)]
        position = account.positions.get(trip.position_id)
        if position is None:
            return []
        if not trip.is_beside:
            return [(1, position)]
        books = [part for book in account.books.values() for part in book.parts.values()]
        return [(1, position), *((-1, part) for part in books if part.symbol == trip.symbol)]


def facts_of(trip: Trip) -> TripFacts:
    """What a trip is by itself."""
    taken_at = None if trip.entry_price is None else trip.taken_at
    return TripFacts(taken_at, trip.closed_at, trip.order_price, result_of(trip))


def laid_over(facts: TripFacts, said: TripFacts) -> TripFacts:
    """Facts with what somebody said in their place."""
    fields = {name: value for name in said.__struct_fields__ if (value := getattr(said, name)) is not None}
    return replace(facts, **fields)
