"""Queries over trips as SQL."""

from typing import Any, Final

from tradehall.ports.trips import TripQuery

Sql = tuple[str, list[Any]]
_SORTED_BY: Final = {"taken_at": "taken_at", "closed_at": "closed_at", "net_pnl": "net"}


def page_of(query: TripQuery, begun: tuple[int, int] | None = None) -> Sql:
    """Bodies of a page, in order; what has not closed comes as the least.

    `begun`: by an instant at which trips of the page were taken, those before the page of this instant and later.
    Only the page's own trips are looked at: what is passed over is passed over in an index.
    """
    where, values = where_of(query)
    offset = query.offset
    if begun is not None:
        at, offset = begun
        where, values = f"{where} AND taken_at {'<=' if query.is_descending else '>='} ?", [*values, at]
    way = "DESC" if query.is_descending else "ASC"
    stamp = _SORTED_BY[query.sort]
    sql = (
        f"WITH page (stamp, key) AS (SELECT {stamp}, trip_id FROM trip WHERE {where} ORDER BY 1 {way}, 2 DESC"
        f" LIMIT ? OFFSET ?) SELECT trip.body FROM page CROSS JOIN trip ON trip.trip_id = page.key"
        f" ORDER BY page.stamp {way}, page.key DESC"
    )
    return sql, [*values, query.limit, offset]


def taken_at_place(query: TripQuery, place: int, *, from_end: bool) -> Sql:
    """When the trip at a place of the list was taken, counted from its end or its beginning; one row, or none."""
    where, values = where_of(query)
    way = "DESC" if query.is_descending != from_end else "ASC"
    return f"SELECT taken_at FROM trip WHERE {where} ORDER BY taken_at {way} LIMIT 1 OFFSET ?", [*values, place]


def count_beside(query: TripQuery, at: int, *, from_end: bool) -> Sql:
    """How many trips come before those taken at an instant; `from_end`: how many are these and come after."""
    where, values = where_of(query)
    compared = ("<=" if from_end else ">") if query.is_descending else (">=" if from_end else "<")
    return f"SELECT count(*) FROM trip WHERE {where} AND taken_at {compared} ?", [*values, at]


def totals_of(query: TripQuery) -> Sql:
    """Counts and money by status, result and currency: from the sums where no time narrows the query."""
    where, values = where_of(query)
    group = "status, result, adjusted, currency"
    if _has_times(query):
        return f"SELECT {group}, count(*), sum(net) FROM trip WHERE {where} GROUP BY {group}", values
    return f"SELECT {group}, sum(count), sum(net) FROM sums WHERE {where} GROUP BY {group}", values


def where_of(query: TripQuery) -> Sql:
    """What a trip must be."""
    texts: list[str] = []
    values: list[Any] = []
    lists = (
        ("account_id", query.accounts), ("deployment_id", query.deployments), ("keygen", query.keygens),
        ("symbol", query.symbols), ("side", query.sides), ("status", query.statuses), ("result", query.results),
    )  # fmt: skip
    for name, wanted in lists:
        if wanted:
            texts.append(f"{name} IN ({', '.join('?' * len(wanted))})")
            values += wanted
    if query.statuses == ("open",):
        texts.append("status = 'open'")
    if query.deployments:
        texts.append("deployment_id <> 0")  # As the line before: so that a partial index may be used.
    if query.adjusted is not None:
        texts.append("adjusted = ?")
        values.append(int(query.adjusted))
    for text, bound in _times(query):
        if bound is not None:
            texts.append(text)
            values.append(bound)
    return " AND ".join(texts) or "1", values


def _has_times(query: TripQuery) -> bool:
    return any(bound is not None for _, bound in _times(query))


def _times(query: TripQuery) -> tuple[tuple[str, int | None], ...]:
    return (
        ("taken_at >= ?", query.taken_since),
        ("taken_at < ?", query.taken_until),
        ("closed_at >= ?", query.closed_since),
        ("closed_at < ?", query.closed_until),
    )
