"""Trips against the ledger: whatever is traded, by whomever, they add up to what the accounts realised."""

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.app.studio.world import run
from tests.faces.support.opened import MIRA, OTTO, MakeBookkeeper, Opened, nobody, opened
from tradehall.adapters.data_folder import DataFolder
from tradehall.adapters.sqlite.store import SqliteStore
from tradehall.app.identity.users import NewUser
from tradehall.app.records.audit import HOUSE
from tradehall.app.support import keeping
from tradehall.domain.money import ZERO
from tradehall.domain.order import OrderTerms, OrderType, Side
from tradehall.engine import events as ev
from tradehall.engine.commands import ClosePosition, PlaceOrder, RegisterStrategy, SetBudget
from tradehall.engine.record import decode_record
from tradehall.ports.bookkeeping import BookkeepingTask
from tradehall.ports.trips import TripQuery
from tradehall.wiring.bookkeeping_job import Bookkeeping

FIRST, SECOND = "11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"
HEDGER = 700_050
FUNDS = frozenset({ev.EntryKind.DEPOSIT, ev.EntryKind.WITHDRAWAL})

Step = tuple[str, int, int, str, int]
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["order", "order", "order", "close", "quote"]),
        st.sampled_from([MIRA, HEDGER]),
        st.integers(1, 5),
        st.sampled_from(["BUY", "SELL"]),
        st.integers(0, 2),
    ),
    min_size=4,
    max_size=24,
)


async def furnish(desk: Opened) -> None:
    world = desk.world
    await world.quote("1.1000")
    await world.identity.users.create(NewUser(email="h@example.test", first_name="H", login=HEDGER), by=HOUSE)
    for keygen in (FIRST, SECOND):
        for login in (MIRA, HEDGER):
            await world.rooms.desk.submit(RegisterStrategy(login, keygen))
            await world.rooms.desk.submit(SetBudget(login, keygen, "USD", Decimal(50_000)))


async def act(desk: Opened, step: Step, number: int) -> None:
    """One step of somebody: an order by hand or of a strategy, a close, another price."""
    what, login, size, side, owner = step
    shard = desk.world.rooms.desk
    if what == "quote":
        await desk.world.quote(str(Decimal("1.1000") + Decimal(size * (1 if side == "BUY" else -1)) / 1000))
        return
    if what == "close":
        positions = list(shard.state.accounts[login].positions.values())
        if positions:
            chosen = positions[number % len(positions)]
            units = None if size > 3 else min(chosen.quantity, Decimal(size * 300))
            await shard.submit(ClosePosition(login, chosen.position_id, units))
        return
    terms = OrderTerms(
        account_id=login, symbol="EURUSD", side=Side(side), type=OrderType.MARKET, quantity=Decimal(size * 1000),
        strategy_id=(None, FIRST, SECOND)[owner],
    )  # fmt: skip
    await shard.submit(PlaceOrder(terms))


def realised(desk: Opened, login: int) -> Decimal:
    """All that the ledger booked but funds that came and went."""
    total = ZERO
    for entry in desk.world.store.journal.entries():
        for event in decode_record(entry.payload).events:
            if type(event) is ev.BalanceChanged and event.account_id == login and event.entry not in FUNDS:
                total += event.amount
    return total


async def told(desk: Opened, login: int) -> tuple[Decimal, Mapping[str, int]]:
    """What all trips of an account come to, booked so far, and how many there are of each state."""
    trips: list[Any] = []
    while True:
        found, totals = await desk.rooms.trips.page(TripQuery(accounts=(login,), limit=100, offset=len(trips)))
        trips += found
        if not found:
            break
    counts: dict[str, int] = {}
    for each in trips:
        counts[each.trip.status.value] = counts.get(each.trip.status.value, 0) + 1
    assert totals.count == len(trips)
    closed = [each for each in trips if each.trip.status == "closed"]
    assert sum(totals.net_pnl.values(), ZERO) == sum((each.trip.net_pnl for each in closed), ZERO)
    assert len({each.trip.trip_id for each in trips}) == len(trips)
    return sum((each.trip.net_pnl for each in trips), ZERO), counts


class Inside:
    """A bookkeeper that is no process; it is told in messages all the same."""

    def __init__(self, store: SqliteStore) -> None:
        self._folder = DataFolder(store.path.parent)
        self._job: Bookkeeping | None = None

    def hire(self) -> None:
        self._job = Bookkeeping(self._folder)

    def carry_out(self, task: BookkeepingTask) -> int:
        assert self._job is not None
        told = msgspec.msgpack.decode(msgspec.msgpack.encode(task), type=BookkeepingTask)
        report = self._job.carry_out(told)
        assert report.fault is None
        return report.seq

    def dismiss(self) -> None:
        assert self._job is not None
        self._job.close()


@pytest.fixture(params=[nobody, Inside])
def bookkeeper(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Who does the bookkeeping from the first decision on."""
    monkeypatch.setattr(keeping, "HIRE_AT", 1)
    return request.param


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_trips_add_up_to_the_ledger_whoever_trades_and_whoever_keeps_them(
    tmp_path_factory: pytest.TempPathFactory, bookkeeper: MakeBookkeeper, steps: list[Step]
):
    async def story() -> None:
        async with opened(tmp_path_factory.mktemp("trips"), bookkeeper=bookkeeper) as desk:
            await furnish(desk)
            for number, step in enumerate(steps):
                await act(desk, step, number)
            for login in (MIRA, HEDGER, OTTO):
                total, counts = await told(desk, login)
                assert total == realised(desk, login), (login, counts)
            hedged = desk.world.rooms.desk.state.accounts[HEDGER].positions
            assert (await told(desk, HEDGER))[1].get("open", 0) == len(hedged)

    run(story())


def test_the_fold_of_a_restart_is_the_fold_that_never_stopped(tmp_path: Path, bookkeeper: MakeBookkeeper):
    steps: list[Step] = [
        ("order", MIRA, 3, "BUY", 1), ("order", MIRA, 2, "SELL", 2), ("order", HEDGER, 2, "BUY", 0),
        ("quote", MIRA, 4, "BUY", 0), ("order", MIRA, 5, "SELL", 0), ("close", HEDGER, 1, "BUY", 0),
        ("order", MIRA, 4, "BUY", 1), ("close", MIRA, 5, "BUY", 0), ("order", HEDGER, 1, "SELL", 2),
    ]  # fmt: skip

    async def story() -> None:
        kept: list[Any] = []
        for number, step in enumerate(steps):
            async with opened(tmp_path, bookkeeper=bookkeeper if number % 3 else nobody) as desk:
                if not number:
                    await furnish(desk)
                await desk.world.quote("1.1000")
                await act(desk, step, number)
                kept = [await told(desk, login) for login in (MIRA, HEDGER)]
        async with opened(tmp_path) as desk:
            assert [await told(desk, login) for login in (MIRA, HEDGER)] == kept
            ids = [each.trip for each in (await desk.rooms.trips.page(TripQuery(limit=100)))[0]]
        for file in (tmp_path / "support").iterdir():
            file.unlink()
        async with opened(tmp_path, bookkeeper=bookkeeper) as desk:
            assert [each.trip for each in (await desk.rooms.trips.page(TripQuery(limit=100)))[0]] == ids

    run(story())
