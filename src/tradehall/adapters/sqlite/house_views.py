"""The views of the whole house in SQLite. Everything here is read in the pool: a count may take some milliseconds."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, Protocol, TypeVar

import msgspec
from msgspec.structs import replace

from tradehall.adapters.sqlite.house_query import (
    Part,
    closed_part,
    count_of,
    fill_parts,
    is_open,
    is_plain,
    keys_of,
    order_count_parts,
    order_parts,
    plain_orders,
)
from tradehall.adapters.sqlite.lines import KEYS, Read, times_of
from tradehall.adapters.sqlite.query import Sql
from tradehall.domain.fill import Fill
from tradehall.domain.order import Order
from tradehall.ports.house_views import (
    ClosedQuery,
    Closing,
    CountedFill,
    HouseFillQuery,
    HouseOrderQuery,
    Line,
)
from tradehall.ports.views import PAGE_MAX

Q = TypeVar("Q", HouseOrderQuery, HouseFillQuery)

IDS_PER_READ: Final = 500
# Pages beyond are looked at from both ends.
FAR: Final = 50_000

_decode_order: Final = msgspec.json.Decoder(Order).decode
_decode_fill: Final = msgspec.json.Decoder(Fill).decode
_decode_closing: Final = msgspec.json.Decoder(Closing).decode


class InPool(Protocol):
    """Runs reads in a thread of the pool, all as of one moment each."""

    def __call__(self, work: Callable[[Read], Any], /) -> Awaitable[Any]:
        """What `work` makes of what it reads."""


class HouseViews:
    """See the port; a part of SqliteViews."""

    def __init__(self, in_pool: InPool, *, far: int = FAR) -> None:
        self._in_pool = in_pool
        self._far = far

    async def order_ids(self, query: HouseOrderQuery) -> list[int]:
        """See the port."""

        def work(read: Read) -> list[int]:
            if query.spans is not None:
                symbols = [] if is_open(query) else _symbols(read)
                return _in_spans(read, Line.ORDERS, query, lambda times: _orders_within(query, times, symbols))
            is_far = query.offset > self._far
            if is_plain(query) and query.side is None and is_far:
                return _far_page(read, query)
            parts = plain_orders(query) if is_plain(query) else order_parts(query, _symbols(read))
            return _page(read, parts, _stamp(Line.ORDERS, parts), query, _order_count(read, query) if is_far else None)

        found: list[int] = await self._in_pool(work)
        return found

    async def order_count(self, query: HouseOrderQuery) -> int:
        """See the port."""
        count: int = await self._in_pool(lambda read: _order_count(read, query))
        return count

    async def orders_of(self, order_ids: Sequence[int]) -> list[Order]:
        """See the port."""

        def work(read: Read) -> list[Order]:
            bodies = _by_ids(read, "orders", "order_id", order_ids)
            return [_decode_order(bodies[number]) for number in order_ids if number in bodies]

        found: list[Order] = await self._in_pool(work)
        return found

    async def fills(self, query: HouseFillQuery) -> tuple[list[Fill], int]:
        """See the port."""

        def work(read: Read) -> tuple[list[Fill], int]:
            if query.spans is not None:
                numbers = _in_spans(read, Line.FILLS, query, lambda times: fill_parts(_narrowed(query, times)))
            else:
                parts = fill_parts(query)
                keys = keys_of(parts, _stamp(Line.FILLS, parts), "fill_id", limit=query.limit, offset=query.offset)
                numbers = [key for _, key in read(keys)]
            bodies = _by_ids(read, "fills", "fill_id", numbers)
            total = query.known_total if query.known_total is not None else int(read(_fill_count(query))[0][0])
            return [_decode_fill(bodies[number]) for number in numbers], total

        found: tuple[list[Fill], int] = await self._in_pool(work)
        return found

    async def fills_after(self, fill_id: int, *, limit: int) -> list[CountedFill]:
        """See the port."""

        def work(read: Read) -> list[CountedFill]:
            sql = "SELECT body, is_first FROM fills WHERE fill_id > ? ORDER BY fill_id LIMIT ?"
            return [CountedFill(_decode_fill(body), bool(first)) for body, first in read((sql, [fill_id, limit]))]

        found: list[CountedFill] = await self._in_pool(work)
        return found

    async def closed(self, query: ClosedQuery) -> tuple[list[list[Closing]], int]:
        """See the port."""

        def work(read: Read) -> tuple[list[list[Closing]], int]:
            part = closed_part(query)
            if query.spans is not None:
                numbers = _in_spans(
                    read, Line.CLOSINGS, query,
                    lambda times: [closed_part(query, since=times[0], until=times[1] + 1)],
                )  # fmt: skip
            else:
                keys = keys_of([part], "closed_at", "closing_key", limit=query.limit, offset=query.offset)
                numbers = [key for _, key in read(keys)]
            bodies = _by_ids(read, "closings", "closing_key", numbers)
            closed = [_whole(read, key, _decode_closing(bodies[key])) for key in numbers]
            total = query.known_total if query.known_total is not None else int(read(count_of([part]))[0][0])
            return closed, total

        found: tuple[list[list[Closing]], int] = await self._in_pool(work)
        return found


def _whole(read: Read, key: int, last: Closing) -> list[Closing]:
    """All closings of a position that ended by `last`; a number may belong to a book's part and to a position."""
    sql = (
        "SELECT body FROM closings INDEXED BY closings_in_parts"
        " WHERE is_last = 0 AND position_id = ? AND closing_key < ? ORDER BY closing_key"
    )
    parts = [_decode_closing(body) for (body,) in read((sql, [last.position_id, key]))]
    return [*(part for part in parts if part.strategy_id == last.strategy_id), last]


Query = HouseOrderQuery | HouseFillQuery | ClosedQuery
Times = tuple[int, int]


def _in_spans(read: Read, line: Line, query: Query, parts_of: Callable[[Times], list[Part]]) -> list[int]:
    """Keys of a page, of which nothing is outside of the spans: instants of their ends are where indexes begin."""
    assert query.spans is not None, "asked for what is in spans"
    key = KEYS[line].key
    found: list[int] = []
    left, offset = min(query.limit, PAGE_MAX), query.offset
    for span in query.spans:
        times = times_of(read, line, span) if left else None
        if times is not None:
            parts = [part.within(key, span) for part in parts_of(times)]
            sql = keys_of(parts, _stamp(line, parts), key, limit=left, offset=offset)
            found += [number for _, number in read(sql)]
            left, offset = min(query.limit, PAGE_MAX) - len(found), 0
    return found


def _orders_within(query: HouseOrderQuery, times: Times, symbols: Sequence[str]) -> list[Part]:
    narrowed = _narrowed(query, times)
    return plain_orders(narrowed) if is_open(query) else order_parts(narrowed, symbols)


def _narrowed(query: Q, times: Times) -> Q:
    """The same within the instants of a first and a last row."""
    since, until = times[0], times[1] + 1
    if query.since is not None:
        since = max(since, query.since)
    if query.until is not None:
        until = min(until, query.until)
    return replace(query, since=since, until=until)


def _stamp(line: Line, parts: Sequence[Part]) -> str:
    """By what parts are merged: all by the instant, or by the key where one is the table itself."""
    _, key, stamp = KEYS[line]
    return stamp if all(part.is_indexed for part in parts) else key


def _page(read: Read, parts: list[Part], stamp: str, query: HouseOrderQuery, total: int | None) -> list[int]:
    """Keys of a page; one that is far out is read from the other end, where that is nearer."""
    limit, offset = query.limit, query.offset
    if total is None or offset <= total // 2:
        return [key for _, key in read(keys_of(parts, stamp, "order_id", limit=limit, offset=offset))]
    limit = min(limit, total - offset)
    if limit <= 0:
        return []
    sql = keys_of(parts, stamp, "order_id", limit=limit, offset=total - offset - limit, oldest_first=True)
    return [key for _, key in reversed(read(sql))]


def _far_page(read: Read, query: HouseOrderQuery) -> list[int]:
    """A page of all orders: hardly a number is missing, so its first is found by arithmetic and one count."""
    # Asked for one by one: of both together SQLite looks at every row.
    low, high = (read((f"SELECT ifnull({end}(order_id), 0) FROM orders", []))[0][0] for end in ("min", "max"))
    near = read(
        ("SELECT created_at FROM orders WHERE order_id >= ? ORDER BY order_id LIMIT 1", [max(low, high - query.offset)])
    )
    if not near:
        return []
    at = near[0][0]
    newer = _order_count(read, HouseOrderQuery(since=at + 1))
    # Later numbers have later instants; what shares this one has a number close by.
    sql = "SELECT order_id FROM orders WHERE order_id <= ? AND created_at <= ? ORDER BY order_id DESC LIMIT ? OFFSET ?"
    last = high - newer
    return [key for (key,) in read((sql, [last, at, query.limit, query.offset - newer]))]


def _order_count(read: Read, query: HouseOrderQuery) -> int:
    if query.known_total is not None:
        return query.known_total
    if is_plain(query) and query.side is None:
        return int(read(("SELECT count(*) FROM orders", []))[0][0])
    return int(read(count_of(order_count_parts(query, _symbols(read))))[0][0])


def _symbols(read: Read) -> list[str]:
    """All symbols that ended orders have: a seek each, no scan."""
    found: list[str] = []
    sql = "SELECT symbol FROM orders INDEXED BY orders_by_symbol WHERE symbol > ? ORDER BY symbol LIMIT 1"
    while rows := read((sql, [found[-1] if found else ""])):
        found.append(rows[0][0].decode())
    return found


def _fill_count(query: HouseFillQuery) -> Sql:
    wanted = HouseFillQuery(
        side=query.side, since=query.since, until=query.until, limit=query.limit, offset=query.offset
    )
    if query != wanted:
        return count_of(fill_parts(query))
    texts, values = [], []
    for text, value in (("side = ?", query.side), ("at >= ?", query.since), ("at < ?", query.until)):
        if value is not None:
            texts.append(text)
            values.append(str(value) if text == "side = ?" else value)
    if not texts:
        return "SELECT count(*) FROM fills", []
    # The rows themselves are wide: an index that holds these columns is quicker to go through.
    return f"SELECT count(*) FROM fills INDEXED BY fills_by_symbol WHERE {' AND '.join(texts)}", values


def _by_ids(read: Read, table: str, key: str, numbers: Sequence[int]) -> dict[int, bytes]:
    found: dict[int, bytes] = {}
    for start in range(0, len(numbers), IDS_PER_READ):
        some = list(numbers[start : start + IDS_PER_READ])
        places = ",".join("?" * len(some))
        found.update(read((f"SELECT {key}, body FROM {table} WHERE {key} IN ({places})", some)))
    return found
