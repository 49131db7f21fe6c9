"""Where executions stand is remembered for orders that may still be filled, and for no others."""

from concurrent.futures import ThreadPoolExecutor, wait
from math import nan
from threading import Event
from typing import Any

import pytest

from tradehall.adapters.executions import FileTrips
from tradehall.ports.trips import FLOATS, Execution, ExecutionQuery, FoldItem, TripWrite


def an_execution(order_id, **figures):
    blank: dict[str, Any] = {name: nan if name in FLOATS else 0 for name in Execution._fields}
    return Execution(**blank | {"order_id": order_id, "symbol": "EURUSD"} | figures)


def written(store, seq, *executions, remembered=(), gone=()):
    items = [*(FoldItem(f"x{each}", b"{}") for each in remembered), *(FoldItem(f"x{each}", None) for each in gone)]
    store.write(seq, [store.lines(TripWrite({}, items, executions), {})])


@pytest.fixture
def store(tmp_path):
    found = FileTrips(tmp_path)
    found.load(1)
    yield found
    found.close()


def test_orders_that_come_and_end_within_one_write_are_not_remembered(store):
    for seq in range(1, 50):
        written(store, seq, an_execution(seq, decided=seq))
    assert len(store._rows) == 0


def test_an_order_is_remembered_until_it_ends_and_has_one_row(tmp_path, store):
    written(store, 1, an_execution(7, decided=1), an_execution(8, decided=1), remembered=[7])
    assert list(store._rows) == [7]
    store.close()
    again = FileTrips(tmp_path)
    again.load(1)
    assert list(again._rows) == [7]
    written(again, 2, an_execution(7, decided=1, first_fill=5), gone=[7])
    assert len(again._rows) == 0
    query = ExecutionQuery(
        accounts=(0,), since=0, until=10, fields=frozenset({"order_id", "first_fill"}), has_exits=True
    )
    columns = again.executions(query).columns
    assert columns["order_id"].tolist() == [7, 8]
    assert columns["first_fill"].tolist() == [5, 0]
    again.close()


def test_a_write_that_is_under_way_ends_before_the_store_is_closed(tmp_path):
    store = FileTrips(tmp_path)
    store.load(1)
    entered, may_end = Event(), Event()

    class Slow(list):
        def __iter__(self):
            entered.set()
            may_end.wait(10)
            return super().__iter__()

    with ThreadPoolExecutor() as pool:
        writing = pool.submit(store.write, 1, Slow([store.lines(TripWrite({}, (), [an_execution(7, decided=1)]), {})]))
        assert entered.wait(10)
        closing = pool.submit(store.close)
        assert wait([closing], timeout=0.05).not_done
        may_end.set()
        writing.result(10)
        closing.result(10)
    again = FileTrips(tmp_path)
    assert again.load(1)[0] == 1
    again.close()


def test_what_could_not_be_laid_over_keeps_nothing_else_from_being_written(store):
    with pytest.raises(ZeroDivisionError):
        store.lay_over(1 // 0 for _ in range(1))
    written(store, 1, an_execution(7, decided=1))
    assert store.load(1)[0] == 1
