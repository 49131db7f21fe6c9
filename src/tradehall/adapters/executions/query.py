"""Queries over trips as SQL."""

from typing import Any, Final

from tradehall.ports.trips import TripQuery

Sql = tuple[str, list[Any]]
_SORTED_BY: Final = {"taken_at": "taken_at", "closed_at": "closed_at", "net_pnl": "net"}


def page_of(query: TripQuery) -> Sql:
    """Bodies of a page, in order; what has not closed comes as the least."""
    where, values = where_of(query)
    way = "DESC" if query.is_descending else "ASC"
    order = f"{_SORTED_BY[query.sort]} {way}, trip_id DESC"
    return f"SELECT body FROM trip WHERE {where} ORDER BY {order} LIMIT ? OFFSET ?", [
        *values,
        query.limit,
        query.offset,
    ]


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
