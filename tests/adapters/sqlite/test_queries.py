"""Every query is answered from an index: no row is looked at that does not belong to the page."""

from itertools import product
from typing import Any

import pytest

from tests.app.shard import ACCOUNT
from tradehall.adapters.sqlite.inspection import scratch_views
from tradehall.adapters.sqlite.query import deal_count, deals_page, fills_page, ledger_page, orders_page, tickets_page
from tradehall.domain.order import OrderStatus, Side
from tradehall.ports.deals import DealQuery
from tradehall.ports.tickets import Clause, Comparison, TicketQuery, TicketState
from tradehall.ports.views import HistoryQuery, OrderQuery


@pytest.fixture(scope="module")
def db():
    views = scratch_views()
    views.complete(1)
    yield views._db
    views._db.close()


def plan_of(db, sql, values):
    return [bytes(row[3]).decode() for row in db.execute(f"EXPLAIN QUERY PLAN {sql}", values)]


WISHES: list[dict[str, Any]] = [
    {"symbol": symbol, "statuses": statuses, "side": side, **bounds, **ids}
    for symbol, statuses, side, bounds, ids in product(
        (None, "BTCUSD"),
        (None, frozenset({OrderStatus.FILLED}), frozenset({OrderStatus.FILLED, OrderStatus.REJECTED})),
        (None, Side.BUY),
        ({}, {"since": 1}, {"since": 1, "until": 2}, {"until": 2, "ended_by": 1}),
        ({}, {"client_order_id": "a"}, {"oco_group_id": "a"}),
    )
]


@pytest.mark.parametrize("by_creation", [False, True])
def test_no_order_query_scans_a_table_or_sorts_what_it_reads(db, by_creation):
    for wish in WISHES:
        plan = plan_of(db, *orders_page(OrderQuery(ACCOUNT, **wish, by_creation=by_creation)))
        searches = [line for line in plan if line.startswith(("SEARCH orders", "SCAN orders"))]
        assert searches and all(line.startswith("SEARCH orders USING") for line in searches), (wish, plan)
        # The page itself is sorted once more, at most a page long; few orders share a client id or a group.
        sorts = [line for line in plan if "TEMP B-TREE FOR ORDER BY" in line]
        assert len(sorts) <= 1 + ("client_order_id" in wish or "oco_group_id" in wish), (wish, plan)


@pytest.mark.parametrize("page", [fills_page, ledger_page])
@pytest.mark.parametrize("wish", [{}, {"symbol": "BTCUSD"}, {"since": 1, "until": 2}, {"order_id": 1}])
def test_no_history_query_scans_a_table(db, page, wish):
    plan = plan_of(db, *page(HistoryQuery(ACCOUNT, **wish)))
    # Only those of one instant are sorted, and the few of one order.
    assert plan.pop(0).startswith("SEARCH"), plan
    assert plan in ([], ["USE TEMP B-TREE FOR RIGHT PART OF ORDER BY"]) or "order_id" in wish, plan


@pytest.mark.parametrize(
    "wish", [{}, {"symbol": "BTCUSD"}, {"since": 1, "until": 2}, {"ticket": 1}, {"is_funds": True}]
)
def test_deals_are_counted_and_paged_by_an_index(db, wish):
    query = DealQuery(ACCOUNT, **wish, offset=90)
    for total in (100, 1_000):
        plan = plan_of(db, *deals_page(query, total))
        assert not any("SCAN deals" in line for line in plan), plan
        assert any("SEARCH deals USING COVERING INDEX" in line for line in plan), plan
    plan = plan_of(db, *deal_count(query))
    assert plan[0].startswith("SEARCH") and "COVERING" in plan[0], plan


@pytest.mark.parametrize(("asked", "sought"), [
    ({},                                                                    "account_id=?"),
    ({"states": frozenset({TicketState.CLOSED})},                           "account_id=?"),
    ({"closed_since": 1, "closed_until": 2},                                "account_id=? AND <expr><?"),
    ({"clauses": (Clause("opened_at", Comparison.BETWEEN, (1, 2)),)},       "account_id=? AND <expr>>? AND <expr><?"),
])  # fmt: skip
def test_a_page_of_tickets_is_read_in_its_order_from_the_index_of_openings(db, asked, sought):
    [step] = plan_of(db, *tickets_page(TicketQuery(ACCOUNT, **asked)))
    assert step == f"SEARCH tickets USING INDEX tickets_by_opening ({sought})"
