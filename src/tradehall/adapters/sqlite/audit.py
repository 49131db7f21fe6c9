"""The audit trail in SQLite, beside the records: what writes an entry, in the transaction of what it tells of."""

import sqlite3
from collections.abc import Iterator
from typing import Any, Final

import msgspec

from tradehall.ports.audit import AuditField, audit_checksum, audit_genesis
from tradehall.ports.records import AuditLine

_COLUMNS: Final = ("seq", "at", *AuditField, "body", "checksum")
_ADD: Final = f"INSERT INTO audit_trail ({', '.join(_COLUMNS)}) VALUES (?{', ?' * (len(_COLUMNS) - 1)})"
# Whoever wants to change the past has to break the chain as well.
_APPEND_ONLY: Final = (
    "CREATE TRIGGER IF NOT EXISTS {name}_is_never_{past} BEFORE {verb} ON {table}"
    " BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END"
)
_TABLES: Final = {"audit": "audit_trail", "domain_chain": "audit_domain"}
_CHAINED_AT_ONCE: Final = 1_000
_OLD_COLUMNS: Final = ("at", "actor", "action", "kind", "key", "note", "domain", "user_id", "outcome")

_encode: Final = msgspec.json.Encoder().encode
read_line: Final = msgspec.json.Decoder(AuditLine).decode


def add_audit_line(db: sqlite3.Connection, line: AuditLine) -> None:
    """Note who did what, in the transaction that does it: no other process can be faster between the two steps."""
    row = db.execute("SELECT seq, checksum FROM audit_trail ORDER BY seq DESC LIMIT 1").fetchone()
    seq, previous = row or (0, audit_genesis(""))
    body = _encode(line)
    values = [getattr(line, field) for field in AuditField]
    db.execute(_ADD, (seq + 1, line.at, *values, body, audit_checksum(previous, seq + 1, body)))
    if line.domain:
        _chain_for_tenant(db, line.domain, seq + 1, body)


def _chain_for_tenant(db: sqlite3.Connection, domain: str, seq: int, body: bytes) -> None:
    """Entry `seq` of the house is the next one of its tenant."""
    newest = "SELECT number, checksum FROM audit_domain WHERE domain = ? ORDER BY number DESC LIMIT 1"
    number, previous = db.execute(newest, (domain,)).fetchone() or (0, audit_genesis(domain))
    checksum = audit_checksum(previous, number + 1, body)
    db.execute(
        "INSERT INTO audit_domain (domain, number, seq, checksum) VALUES (?, ?, ?, ?)",
        (domain, number + 1, seq, checksum),
    )


def chain_tenants(db: sqlite3.Connection) -> None:
    """Chain the entries of the time before tenants had a chain of their own."""
    for seq, domain, body in _unchained(db):
        _chain_for_tenant(db, domain, seq, body)


def _unchained(db: sqlite3.Connection) -> Iterator[tuple[int, str, bytes]]:
    (seq,) = db.execute("SELECT ifnull(max(seq), 0) FROM audit_domain").fetchone()
    while rows := db.execute(
        "SELECT seq, domain, body FROM audit_trail WHERE seq > ? AND domain <> '' ORDER BY seq LIMIT ?",
        (seq, _CHAINED_AT_ONCE),
    ).fetchall():
        yield from rows
        seq = rows[-1][0]


def chain_old_lines(db: sqlite3.Connection) -> None:
    """Move lines of the time before the chain into it, and let nothing be changed from now on."""
    for verb, past in (("UPDATE", "updated"), ("DELETE", "deleted")):
        for name, table in _TABLES.items():
            db.execute(_APPEND_ONLY.format(name=name, verb=verb, past=past, table=table))
    if db.execute("SELECT 1 FROM sqlite_schema WHERE name = 'audit'").fetchone() is None:
        return
    for row in db.execute(f"SELECT {', '.join(_OLD_COLUMNS)}, detail FROM audit ORDER BY seq").fetchall():
        more: dict[str, Any] = msgspec.json.decode(row[-1])
        add_audit_line(db, AuditLine(**dict(zip(_OLD_COLUMNS, row, strict=False)), **more))
    db.execute("DROP TABLE audit")
