"""Queries over the views of the whole house → SQL. Which index serves which question is decided here, not guessed."""

from collections.abc import Sequence
from typing import Any, Final

from tradehall.adapters.sqlite.query import Sql
from tradehall.domain.order import Side
from tradehall.ports.house_views import (
    STRATEGIES_MAX,
    ClosedQuery,
    HouseFillQuery,
    HouseOrderQuery,
    NumberSpan,
    OrderEnd,
)
from tradehall.ports.views import PAGE_MAX

# SQLite merges 500 at most.
RANGES_MAX: Final = 400
_NOTHING: Final[Sql] = ("SELECT 0, 0 WHERE 0", [])

Terms = list[tuple[str, Any]]


class Part:
    """One range of an index, sorted by time; a query is a union of them. Without an index: of the table, by key."""

    def __init__(self, table: str, index: str, terms: Terms) -> None:
        self.is_indexed = bool(index)
        self.source = table if not index else f"{table} INDEXED BY {index}"
        self.where = " AND ".join(text for text, _ in terms) or "1"
        self.values = [value for _, values in terms for value in (values if isinstance(values, tuple) else (values,))]

    def within(self, key: str, span: NumberSpan) -> "Part":
        """The same, of these numbers only."""
        self.where += f" AND {key} >= ? AND {key} < ?"
        self.values += span
        return self

    def keys(self, stamp: str, key: str) -> str:
        """What it finds."""
        return f"SELECT {stamp}, {key} FROM {self.source} WHERE {self.where}"

    def count(self) -> str:
        """How much it finds."""
        return f"SELECT count(*) FROM {self.source} WHERE {self.where}"


def order_parts(query: HouseOrderQuery, symbols: Sequence[str]) -> list[Part]:
    """Ranges of ended orders, each in the order of time; `symbols`: all that orders have."""
    times = _times("created_at", query.since, query.until)
    side = _side(query.side)
    if query.strategy_ids is not None:
        ends = _in("ended_as", sorted(query.ends) if query.ends is not None else None)
        more = [*side, *ends, *_is("symbol", query.symbol), *_is("account_id", query.account_id)]
        return [
            Part("orders", "orders_by_strategy", [("strategy_id = ?", strategy_id), *times, *more])
            for strategy_id in query.strategy_ids[:STRATEGIES_MAX]
        ]
    if query.account_id is not None:
        more = [*times, *_statuses(query), *side, *_is("symbol", query.symbol), *_ends(query)]
        return [Part("orders", "orders_by_creation", [("account_id = ?", query.account_id), *more])]
    wanted = [query.symbol] if query.symbol is not None else symbols
    ends_asked = sorted(query.ends if query.ends is not None else OrderEnd)
    if len(wanted) * len(ends_asked) > RANGES_MAX:
        return [Part("orders", "", [*times, *side, *_in("ended_as", ends_asked)])]
    return [
        Part("orders", "orders_by_symbol", [("symbol = ?", symbol), ("ended_as = ?", end.value), *times, *side])
        for symbol in wanted
        for end in ends_asked
    ]


def order_count_parts(query: HouseOrderQuery, symbols: Sequence[str]) -> list[Part]:
    """The same rows for counting: of an account, those of one status lie together in another index."""
    if query.strategy_ids is not None or query.account_id is None or query.ends is None or _needs_end(query):
        return order_parts(query, symbols)
    more = [*_times("created_at", query.since, query.until), *_side(query.side), *_is("symbol", query.symbol)]
    statuses = sorted({_STATUS.get(end, end.value) for end in query.ends})
    return [
        Part("orders", "orders_by_update", [("account_id = ?", query.account_id), ("status = ?", status), *more])
        for status in statuses
    ]


def is_plain(query: HouseOrderQuery) -> bool:
    """Whether the key alone is the order of the answer, and most rows that are passed belong to it."""
    return is_open(query) and query.since is None and query.until is None


def is_open(query: HouseOrderQuery) -> bool:
    """The same where times are no question, because numbers are given."""
    fields = (query.account_id, query.strategy_ids, query.symbol, query.ends)
    return all(field is None for field in fields)


def plain_orders(query: HouseOrderQuery) -> list[Part]:
    """The table itself, by key."""
    return [Part("orders", "", [*_times("created_at", query.since, query.until), *_side(query.side)])]


def _statuses(query: HouseOrderQuery) -> Terms:
    """What a status says of the ends that are asked for."""
    if query.ends is None:
        return []
    return _in("status", sorted({_STATUS.get(end, end.value) for end in query.ends}))


def _ends(query: HouseOrderQuery) -> Terms:
    return _in("ended_as", sorted(query.ends or ())) if _needs_end(query) else []


_STATUS: Final = {OrderEnd.DENIED: "REJECTED"}


def _needs_end(query: HouseOrderQuery) -> bool:
    """Whether the status does not say it: what we denied and what the venue rejected have the same."""
    return query.ends is not None and len(query.ends & {OrderEnd.DENIED, OrderEnd.REJECTED}) == 1


def fill_parts(query: HouseFillQuery) -> list[Part]:
    """As `order_parts`, for fills."""
    times = _times("at", query.since, query.until)
    rest = _side(query.side)
    if query.strategy_ids is not None:
        more = [*_is("symbol", query.symbol), *_is("account_id", query.account_id)]
        return [
            Part("fills", "fills_by_strategy", [("strategy_id = ?", strategy_id), *times, *rest, *more])
            for strategy_id in query.strategy_ids[:STRATEGIES_MAX]
        ]
    if query.account_id is not None:
        terms = [("account_id = ?", query.account_id), *times, *_is("symbol", query.symbol), *rest]
        return [Part("fills", "fills_by_account", terms)]
    if query.symbol is not None:
        return [Part("fills", "fills_by_symbol", [("symbol = ?", query.symbol), *times, *rest])]
    return [Part("fills", "", [*times, *rest])]


def keys_of(parts: Sequence[Part], stamp: str, key: str, *, limit: int, offset: int, oldest_first: bool = False) -> Sql:
    """Keys of a page, newest first: ranges of indexes, merged by SQLite without sorting."""
    if not parts:
        return _NOTHING
    union = " UNION ALL ".join(part.keys(stamp, key) for part in parts)
    values = [value for part in parts for value in part.values]
    way = "ASC" if oldest_first else "DESC"
    return f"{union} ORDER BY 1 {way}, 2 {way} LIMIT ? OFFSET ?", [*values, min(limit, PAGE_MAX), offset]


def count_of(parts: Sequence[Part]) -> Sql:
    """One row: how many there are."""
    if not parts:
        return "SELECT 0", []
    counts = " + ".join(f"({part.count()})" for part in parts)
    return f"SELECT {counts}", [value for part in parts for value in part.values]


def closed_part(query: ClosedQuery, *, since: int | None = None, until: int | None = None) -> Part:
    """Last closings, all in one index; `since` <= closed_at < `until`."""
    terms: Terms = [("is_last = 1", ()), *_times("closed_at", since, until)]
    terms += [
        *_is("strategy_id", query.strategy_id), *_is("symbol", query.symbol), *_is("account_id", query.account_id),
    ]  # fmt: skip
    return Part("closings", "closings_last", terms)


def _times(column: str, since: int | None, until: int | None) -> Terms:
    return [*_from(f"{column} >= ?", since), *_from(f"{column} < ?", until)]


def _from(text: str, bound: int | None) -> Terms:
    return [] if bound is None else [(text, bound)]


def _is(column: str, value: object) -> Terms:
    return [] if value is None else [(f"{column} = ?", value)]


def _side(side: Side | None) -> Terms:
    return [] if side is None else [("side = ?", side.value)]


def _in(column: str, words: Sequence[str] | None) -> Terms:
    if words is None:
        return []
    return [(f"{column} IN ({','.join('?' * len(words))})", tuple(str(word) for word in words))]
