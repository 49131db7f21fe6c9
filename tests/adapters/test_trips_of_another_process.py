"""Who reads sees what another process has written, all of it or nothing; who takes over goes on behind it."""

import fcntl
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import closing
from decimal import Decimal
from typing import Any
from unittest.mock import Mock

import pytest

from tests.adapters.test_execution_rows import an_execution, written
from tradehall.adapters.executions import FileTrips
from tradehall.adapters.executions.columns import CHUNK
from tradehall.adapters.executions.store import LOCK_NAME
from tradehall.domain.position import PositionSide
from tradehall.ports.records import RecordsFault
from tradehall.ports.trips import ExecutionQuery, Overlay, Trip, TripQuery, TripStatus, TripWrite

OURS = TripQuery(deployments=(7,))
ALL = ExecutionQuery(accounts=(0,), since=0, until=2**62, fields=frozenset({"order_id", "symbol"}))


def a_trip(number: int, **more) -> Trip:
    is_over: dict[str, Any] = {"status": TripStatus.CLOSED, "closed_at": number, "net_pnl": Decimal(number)}
    return Trip(
        trip_id=number, account_id=1, symbol="EURUSD", side=PositionSide.LONG, quantity=Decimal(1), currency="EUR",
        deployment_id=7, taken_at=number, created_at=number, updated_at=number, **is_over | more,
    )  # fmt: skip


def keep(store: FileTrips, seq: int, *trips: Trip) -> None:
    store.write(seq, [store.lines(TripWrite({each.trip_id: each for each in trips}), {})])


@pytest.fixture
def stores(tmp_path) -> Iterator[tuple[FileTrips, FileTrips]]:
    """Of who reads, and of who writes; both were opened when there was nothing."""
    with closing(FileTrips(tmp_path)) as ours, closing(FileTrips(tmp_path)) as other:
        ours.load(1)
        other.load(1)
        yield ours, other


def nets(store: FileTrips) -> list[int]:
    return [*map(int, store.sums(OURS, "EUR").net_pnl)]


def test_columns_that_another_has_added_are_read_at_once(stores):
    ours, other = stores
    assert len(ours.executions(ALL)) == 0
    for first, count in ((0, 3), (3, CHUNK + 1)):
        written(other, count, *(an_execution(number, decided=number, symbol="X") for number in range(first, count)))
        found = ours.executions(ALL)
        assert found.columns["order_id"].tolist() == [*range(count)]
        assert {found.names[name] for name in found.columns["symbol"].tolist()} == {"X"}


def test_sums_that_another_has_added_are_read_at_once(stores):
    ours, other = stores
    assert (ours.currencies(OURS), nets(ours)) == ([], [])
    keep(other, 2, a_trip(1), a_trip(2))
    assert (ours.currencies(OURS), nets(ours)) == (["EUR"], [100, 200])
    keep(other, 3, a_trip(3), a_trip(1, net_pnl=Decimal(9)))
    assert nets(ours) == [900, 200, 300]


def test_what_was_read_stays_what_it_was_whatever_is_written_later(stores):
    ours, other = stores
    keep(other, 1, a_trip(1), a_trip(2))
    written(other, 2, an_execution(1, decided=1), remembered=[1])
    sums, orders = ours.sums(OURS, "EUR"), ours.executions(ALL)
    keep(other, 3, a_trip(1, net_pnl=Decimal(9)))
    written(other, 4, an_execution(1, decided=1, symbol="X"))
    assert [*map(int, sums.net_pnl)] == [100, 200]
    assert [orders.names[name] for name in orders.columns["symbol"].tolist()] == ["EURUSD"]


def test_what_is_laid_over_a_trip_leaves_what_another_wrote(stores):
    ours, other = stores
    keep(other, 3, a_trip(1), a_trip(2), a_trip(3, status=TripStatus.OPEN, closed_at=None))
    ours.lay_over([Overlay(trip_id=3, closed_at=3, result="win", is_adjusted=True)])
    assert nets(ours) == [100, 200, 300]
    other.load(1)
    keep(other, 4, a_trip(4))
    assert nets(ours) == [100, 200, 300, 400]


def test_who_takes_over_begins_where_the_other_was_who_is_refused_from_then_on(stores):
    ours, other = stores
    written(other, 1, an_execution(1, decided=1), an_execution(2, decided=2), remembered=[2])
    seq, items = ours.load(1)
    assert (seq, [*items]) == (1, ["x2"])
    with pytest.raises(RecordsFault, match="somebody else"):
        written(other, 2, an_execution(4, decided=4))
    written(ours, 2, an_execution(2, decided=2), an_execution(3, decided=3), gone=[2])
    with pytest.raises(RecordsFault, match="somebody else"):
        written(other, 3, an_execution(4, decided=4))
    assert ours.executions(ALL).columns["order_id"].tolist() == [1, 2, 3]
    assert other.load(1)[0] == 2


def test_a_name_of_a_write_that_failed_is_no_name(stores, monkeypatch):
    ours, other = stores
    ours.load(1)
    with monkeypatch.context() as failing, pytest.raises(RecordsFault, match="full"):
        failing.setattr(ours._columns, "put", Mock(side_effect=OSError("full")))
        written(ours, 1, an_execution(1, decided=1, symbol="LOST"))
    other.load(1)
    written(other, 1, an_execution(1, decided=1, symbol="FIRST"))
    written(other, 2, an_execution(2, decided=2, symbol="SECOND"))
    for store in stores:  # Ours has never begun anew.
        found = store.executions(ALL)
        assert [found.names[name] for name in found.columns["symbol"].tolist()] == ["FIRST", "SECOND"]


@pytest.mark.parametrize("read", [nets, lambda store: store.executions(ALL), lambda store: store.currencies(OURS)])
def test_nobody_reads_columns_while_another_writes_them(stores, tmp_path, read):
    ours, other = stores
    keep(other, 1, a_trip(1))
    with ThreadPoolExecutor() as pool, (tmp_path / LOCK_NAME).open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        reading = pool.submit(read, ours)
        assert wait([reading], timeout=0.05).not_done
        fcntl.flock(file, fcntl.LOCK_UN)
        reading.result(10)


def test_nobody_writes_columns_while_another_reads_them_and_many_read_at_once(stores, tmp_path):
    ours, other = stores
    with ThreadPoolExecutor() as pool, (tmp_path / LOCK_NAME).open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_SH)
        assert pool.submit(nets, ours).result(10) == []
        writing = pool.submit(keep, other, 1, a_trip(1))
        assert wait([writing], timeout=0.05).not_done
        fcntl.flock(file, fcntl.LOCK_UN)
        writing.result(10)
    assert nets(ours) == [100]
