"""The audit trail in SQLite, as it is read, and noted where no record changes with it."""

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from typing import Any, Final

from tradehall.adapters.sqlite.audit import add_audit_line, read_line
from tradehall.adapters.sqlite.records import SqliteRecords
from tradehall.ports.audit import (
    AUDIT_PAGE_MAX,
    AuditEntry,
    AuditField,
    AuditQuery,
    AuditSpan,
    ChainedBody,
    audit_genesis,
)
from tradehall.ports.records import AuditLine

ENTRIES_PER_READ: Final = 1_000
COUNTS_KEPT_MAX: Final = 256
_CURSOR: Final = ("audit_cursor", "journal")
_READ: Final = "SELECT seq, body, checksum FROM audit_trail"
_HOUSES_LINKS: Final = f"{_READ} WHERE seq > ? ORDER BY seq LIMIT ?"
_TENANTS_LINKS: Final = (
    "SELECT own.number, body, own.checksum FROM audit_domain AS own JOIN audit_trail USING (seq)"
    " WHERE own.domain = ? AND own.number > ? ORDER BY own.number LIMIT ?"
)
# Which index serves a field, the most telling field first. The partial ones hold what is not as usual.
_INDEXES: Final = {
    AuditField.USER_ID: "trail_by_user",
    AuditField.SEVERITY: "trail_grave",
    AuditField.OUTCOME: "trail_not_ok",
    AuditField.ACTION: "trail_by_action",
    AuditField.ACTOR: "trail_by_actor",
    AuditField.KIND: "trail_by_kind",
    AuditField.DOMAIN: "trail_by_domain",
}
_USUAL: Final = {AuditField.SEVERITY: "INFO", AuditField.OUTCOME: "ok"}


class SqliteAudit:
    """See the port. Lives in the file of `records` and closes with it."""

    def __init__(self, records: SqliteRecords) -> None:
        self._records = records
        # Entries are never changed or removed: what was counted once is only counted on.
        self._counts: OrderedDict[tuple[Any, ...], tuple[int, int]] = OrderedDict()

    def append(self, lines: Sequence[AuditLine], *, cursor: int | None = None) -> None:
        """See the port."""
        with self._records.transaction() as db:
            for line in lines:
                add_audit_line(db, line)
            if cursor is not None:
                db.execute(
                    "INSERT INTO record (kind, key, body) VALUES (?, ?, ?)"
                    " ON CONFLICT (kind, key) DO UPDATE SET body = excluded.body",
                    (*_CURSOR, str(cursor).encode()),
                )

    def cursor(self) -> int | None:
        """See the port."""
        body = self._records.get(*_CURSOR)
        return None if body is None else int(body)

    def page(self, query: AuditQuery) -> tuple[list[AuditEntry], int]:
        """See the port."""
        where, values = _where(query)
        index = _index(query)
        total = self._count(where, values, index)
        if query.offset >= total:
            return [], total  # Not looked for once more.
        sql = f"{_READ} INDEXED BY {index} WHERE {where} ORDER BY at DESC, seq DESC LIMIT ? OFFSET ?"
        rows = self._records.rows(sql, (*values, min(query.limit, AUDIT_PAGE_MAX), query.offset))
        return [_entry(row) for row in rows], total

    def entries(self, after: int = 0) -> Iterator[AuditEntry]:
        """See the port."""
        while rows := self._records.rows(_HOUSES_LINKS, (after, ENTRIES_PER_READ)):
            yield from map(_entry, rows)
            after = rows[-1][0]

    def last_seq(self, domain: str = "") -> int:
        """See the port."""
        tenants, houses = ("SELECT max(number) FROM audit_domain WHERE domain = ?", "SELECT max(seq) FROM audit_trail")
        seq: int = self._records.rows(tenants if domain else houses, (domain,) if domain else ())[0][0] or 0
        return seq

    def span(self, domain: str, since: int | None, until: int | None) -> AuditSpan:
        """See the port."""
        wanted = {AuditField.DOMAIN: domain} if domain else {}
        query = AuditQuery(wanted=wanted, since=since, until=until)
        where, values = _where(query)
        sql = f"SELECT ifnull(min(seq), 0), ifnull(max(seq), 0) FROM audit_trail INDEXED BY {_index(query)}"
        first, last = self._records.rows(f"{sql} WHERE {where}", values)[0]
        if domain and last:
            numbers = "SELECT number FROM audit_domain WHERE seq IN (?, ?) ORDER BY number"
            found = [number for (number,) in self._records.rows(numbers, (first, last))]
            first, last = found[0], found[-1]
        return AuditSpan(first, last)

    def links(self, domain: str, after: int = 0) -> Iterator[ChainedBody]:
        """See the port."""
        sql, values = (_TENANTS_LINKS, (domain,)) if domain else (_HOUSES_LINKS, ())
        while rows := self._records.rows(sql, (*values, after, ENTRIES_PER_READ)):
            yield from map(ChainedBody._make, rows)
            after = rows[-1][0]

    def checksum(self, domain: str, seq: int) -> bytes:
        """See the port."""
        return next(link.checksum for link in self.links(domain, seq - 1)) if seq else audit_genesis(domain)

    def _count(self, where: str, values: tuple[Any, ...], index: str) -> int:
        key = (where, values)
        last = self.last_seq()
        seq, count = self._counts.pop(key, (0, 0))
        if not seq and where == _ALL:
            count = last  # Entries are numbered without gaps.
        elif seq < last:
            # The first count goes through the index; the next ones look at what came since.
            source = f"INDEXED BY {index} WHERE {where}" if not seq else f"NOT INDEXED WHERE seq > {seq} AND {where}"
            sql = f"SELECT count(*) FROM audit_trail {source} AND seq <= {last}"
            count += self._records.rows(sql, values)[0][0]
        self._counts[key] = (last if where != _ALL else 0, count)
        if len(self._counts) > COUNTS_KEPT_MAX:
            self._counts.popitem(last=False)
        return count


_ALL: Final = "at IS NOT NULL"


def _where(query: AuditQuery) -> tuple[str, tuple[Any, ...]]:
    texts: list[str] = []
    values: list[Any] = []
    for field, value in query.wanted.items():
        any_of = value if isinstance(value, tuple) else (value,)
        texts.append(f"{field.value} IN ({', '.join('?' * len(any_of))})" if len(any_of) > 1 else f"{field.value} = ?")
        values += any_of
        if field in _USUAL and _USUAL[field] not in any_of:
            texts.append(f"{field.value} <> '{_USUAL[field]}'")  # So that the partial index may be used.
    if AuditField.USER_ID in query.wanted:
        texts.append("user_id IS NOT NULL")
    for text, bound in (("at >= ?", query.since), ("at < ?", query.until)):
        if bound is not None:
            texts.append(text)
            values.append(bound)
    return " AND ".join(texts) or _ALL, tuple(values)


def _index(query: AuditQuery) -> str:
    wanted = query.wanted
    if AuditField.KIND in wanted and AuditField.KEY in wanted:
        return "trail_by_key"
    for field, index in _INDEXES.items():
        if field in wanted and _is_telling(wanted[field], _USUAL.get(field)):
            return index
    return "trail_by_time"


def _is_telling(value: Any, usual: str | None) -> bool:
    return usual not in value if isinstance(value, tuple) else value != usual


def _entry(row: tuple[int, bytes, bytes]) -> AuditEntry:
    seq, body, checksum = row
    return AuditEntry(seq, read_line(body), body, checksum)
