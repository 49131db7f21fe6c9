"""Queries over the views → SQL. Pure text, so that a test can ask SQLite how it would go about each."""

from typing import Any, Final

from msgspec.structs import replace

from tradehall.domain.order import WORKING, OrderStatus
from tradehall.domain.time import NS_PER_SECOND
from tradehall.ports.deals import DealQuery
from tradehall.ports.tickets import Clause, Comparison, TicketQuery
from tradehall.ports.views import PAGE_MAX, HistoryQuery, OrderQuery

Sql = tuple[str, list[Any]]

_ENDED: Final = [status for status in OrderStatus if status not in WORKING]


def orders_page(query: OrderQuery, *, is_narrow: bool = False) -> Sql:
    """Bodies of ended orders, newest first. `is_narrow`: few were created in the period that is asked for."""
    stamp = "created_at" if query.by_creation else "updated_at"
    if query.client_order_id is not None or query.oco_group_id is not None or query.by_creation or is_narrow:
        keys, values = _orders_by_scan(query, stamp)
    else:
        keys, values = _orders_by_ranges(query)
    sql = (
        f"WITH page (stamp, key) AS ({keys} ORDER BY 1 DESC, 2 DESC LIMIT ? OFFSET ?)"
        " SELECT orders.body FROM page CROSS JOIN orders ON orders.order_id = page.key"
        " ORDER BY page.stamp DESC, page.key DESC"
    )
    return sql, [*values, min(query.limit, PAGE_MAX), query.offset]


def _orders_by_ranges(query: OrderQuery) -> Sql:
    """One range of an index per status, merged by SQLite without sorting; the rest is filtered as it passes."""
    statuses = [status for status in _ENDED if query.statuses is None or status in query.statuses]
    parts: list[str] = []
    values: list[Any] = []
    for status in statuses:
        terms: list[tuple[str, Any]] = [("account_id = ?", query.account_id), ("status = ?", status.value)]
        terms += [*_symbol_and_side(query), *_within(query)]
        if query.since is not None:
            terms.append(("updated_at >= ?", query.since))  # No order changed before it was created.
        where, part_values = _where(terms)
        parts.append(f"SELECT updated_at, order_id FROM orders INDEXED BY orders_by_update WHERE {where}")
        values += part_values
    if not parts:
        return "SELECT 0, 0 WHERE 0", []
    return " UNION ALL ".join(parts), values


def _orders_by_scan(query: OrderQuery, stamp: str) -> Sql:
    """Few orders share a client id or an OCO group; by creation, the rest is filtered as it passes."""
    terms: list[tuple[str, Any]] = [("account_id = ?", query.account_id)]
    index = "orders_by_creation"
    if query.oco_group_id is not None:
        terms.append(("oco_group_id = ?", query.oco_group_id))
        index = "orders_by_oco_group"
    if query.client_order_id is not None:
        terms.append(("client_order_id = ?", query.client_order_id))
        index = "orders_by_client_id"
    terms += [*_symbol_and_side(query), *_within(query)]
    where, values = _where(terms)
    if query.statuses is not None:
        statuses = sorted(status.value for status in query.statuses)
        where += f" AND status IN ({','.join('?' * len(statuses))})"
        values += statuses
    return f"SELECT {stamp}, order_id FROM orders INDEXED BY {index} WHERE {where}", values


def _symbol_and_side(query: OrderQuery) -> list[tuple[str, Any]]:
    terms: list[tuple[str, Any]] = []
    if query.symbol is not None:
        terms.append(("symbol = ?", query.symbol))
    if query.side is not None:
        terms.append(("side = ?", query.side.value))
    return terms


def _within(query: OrderQuery) -> list[tuple[str, Any]]:
    terms: list[tuple[str, Any]] = []
    if query.since is not None:
        terms.append(("created_at >= ?", query.since))
    if query.until is not None:
        terms.append(("created_at < ?", query.until))
    if query.ended_by is not None:
        terms.append(("updated_at <= ?", query.ended_by))
    return terms


def fills_page(query: HistoryQuery) -> Sql:
    """Bodies of fills, newest first."""
    index = "fills_by_account"
    terms: list[tuple[str, Any]] = [("account_id = ?", query.account_id)]
    if query.order_id is not None:
        index = "fills_by_order"
        terms.append(("order_id = ?", query.order_id))
    if query.symbol is not None:
        terms.append(("symbol = ?", query.symbol))
    return _history_page(f"fills INDEXED BY {index}", "fill_id", terms, query)


def ledger_page(query: HistoryQuery) -> Sql:
    """Bodies of ledger entries, newest first."""
    return _history_page(
        "ledger INDEXED BY ledger_by_account", "entry_id", [("account_id = ?", query.account_id)], query
    )


def _history_page(source: str, key: str, terms: list[tuple[str, Any]], query: HistoryQuery) -> Sql:
    if query.since is not None:
        terms.append(("at >= ?", query.since))
    if query.until is not None:
        terms.append(("at < ?", query.until))
    where, values = _where(terms)
    sql = f"SELECT body FROM {source} WHERE {where} ORDER BY at DESC, {key} DESC LIMIT ? OFFSET ?"
    return sql, [*values, min(query.limit, PAGE_MAX), query.offset]


def tickets_page(query: TicketQuery, numbers: tuple[int, int] | None = None) -> Sql:
    """Bodies of ended tickets, newest first; with `numbers`, from and to before, those are looked through."""
    source, where, values = _tickets_source(query, numbers)
    sql = f"SELECT body FROM {source} WHERE {where} ORDER BY {_OPENED} DESC, ticket DESC LIMIT ? OFFSET ?"
    return sql, [*values, min(query.limit, PAGE_MAX), query.offset]


def ticket_sums(query: TicketQuery, numbers: tuple[int, int] | None = None) -> Sql:
    """One row: count and sums, in the order of TicketTotals; `numbers` as above."""
    source, where, values = _tickets_source(query, numbers)
    return f"SELECT {TICKET_SUMS} FROM {source} WHERE {where}", values


# The second of opening, by which the index has them. Whole numbers are divided without a rest.
_OPENED: Final = f"opened_at / {NS_PER_SECOND}"
TICKET_SUMS: Final = "count(*), sum(profit), sum(net_profit), sum(commission), sum(swap), sum(lots)"


def _tickets_source(query: TicketQuery, numbers: tuple[int, int] | None) -> tuple[str, str, list[Any]]:
    # The numbers are within the bound: of two bounds SQLite would seek by either.
    where, values = _tickets_where(query if numbers is None else replace(query, key_below=None))
    if numbers is not None:
        return "tickets NOT INDEXED", f"{where} AND ticket_key >= ? AND ticket_key < ?", [*values, *numbers]
    if query.closed_until is not None:
        # None is closed before it is opened: so the index, which knows only openings, is left where they end.
        where, values = f"{where} AND {_OPENED} <= ?", [*values, query.closed_until // NS_PER_SECOND]
    return "tickets INDEXED BY tickets_by_opening", where, values


def deals_page(query: DealQuery, total: int) -> Sql:
    """Bodies of deals, newest first, of so many; what is passed over, from the nearer end, is not looked at."""
    where, values = _deals_where(query)
    limit, offset, way = min(query.limit, PAGE_MAX), query.offset, "DESC"
    if offset > total // 2:
        limit = max(0, min(limit, total - offset))
        offset, way = max(0, total - offset - limit), "ASC"
    sql = (
        f"WITH page (stamp, key) AS (SELECT at, deal_key FROM deals {where} ORDER BY 1 {way}, 2 {way} LIMIT ? OFFSET ?)"
        " SELECT deals.body FROM page CROSS JOIN deals ON deals.deal_key = page.key"
        " ORDER BY page.stamp DESC, page.key DESC"
    )
    return sql, [*values, limit, offset]


def deal_count(query: DealQuery) -> Sql:
    """One row: how many there are."""
    where, values = _deals_where(query)
    return f"SELECT count(*) FROM deals {where}", values


def _deals_where(query: DealQuery) -> Sql:
    terms: list[tuple[str, Any]] = [("account_id = ?", query.account_id)]
    if query.ticket is not None:
        terms.append(("ticket = ?", query.ticket))
    if query.symbol is not None:
        terms.append(("symbol = ?", query.symbol))
    if query.is_funds is not None:
        terms.append(("is_funds = ?", int(query.is_funds)))
    if query.since is not None:
        terms.append(("at >= ?", query.since))
    if query.until is not None:
        terms.append(("at < ?", query.until))
    where, values = _where(terms)
    return f"INDEXED BY deals_by_account WHERE {where}", values


def _tickets_where(query: TicketQuery) -> Sql:
    texts = ["account_id = ?"]
    values: list[Any] = [query.account_id]
    if query.states is not None:
        texts.append(f"state IN ({','.join('?' * len(query.states))})")
        values += sorted(state.value for state in query.states)
    if query.key_below is not None:
        texts.append("ticket_key < ?")
        values.append(query.key_below)
    if query.closed_since is not None:
        texts.append("closed_at >= ?")
        values.append(query.closed_since)
    if query.closed_until is not None:
        texts.append("closed_at <= ?")
        values.append(query.closed_until)
    for clause in query.clauses:
        texts.append(_clause_text(clause))
        values += clause.values
        if clause.column == "opened_at" and clause.comparison is Comparison.BETWEEN:
            texts.append(f"{_OPENED} BETWEEN ? AND ?")
            values += [at // NS_PER_SECOND for at in clause.values]
    return " AND ".join(texts), values


def _clause_text(clause: Clause) -> str:
    places = ",".join("?" * len(clause.values))
    # The column is one of FILTER_COLUMNS: Clause asserts it.
    return f"{clause.column} {_CLAUSE_TEXTS[clause.comparison].format(places=places)}"


_CLAUSE_TEXTS: Final = {
    Comparison.IS: "= ?",
    Comparison.IS_NOT: "<> ?",
    Comparison.IN: "IN ({places})",
    Comparison.NOT_IN: "NOT IN ({places})",
    Comparison.BETWEEN: "BETWEEN ? AND ?",
    Comparison.NOT_BETWEEN: "NOT BETWEEN ? AND ?",
    Comparison.IN_SECONDS: f"/ {NS_PER_SECOND} IN ({{places}})",
    Comparison.NOT_IN_SECONDS: f"/ {NS_PER_SECOND} NOT IN ({{places}})",
}
assert _CLAUSE_TEXTS.keys() == set(Comparison)


def _where(terms: list[tuple[str, Any]]) -> Sql:
    return " AND ".join(text for text, _ in terms), [value for _, value in terms]
