"""The audit trail in SQLite, beside the records: what writes an entry, in the transaction of what it tells of."""

import sqlite3
from typing import Any, Final

import msgspec

from tradehall.ports.audit import AUDIT_GENESIS, AuditField, audit_checksum
from tradehall.ports.records import AuditLine

_COLUMNS: Final = ("seq", "at", *AuditField, "body", "checksum")
_ADD: Final = f"INSERT INTO audit_trail ({', '.join(_COLUMNS)}) VALUES (?{', ?' * (len(_COLUMNS) - 1)})"
# Whoever wants to change the past has to break the chain as well.
_APPEND_ONLY: Final = (
    "CREATE TRIGGER IF NOT EXISTS audit_is_never_{past} BEFORE {verb} ON audit_trail"
    " BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END"
)
_OLD_COLUMNS: Final = ("at", "actor", "action", "kind", "key", "note", "domain", "user_id", "outcome")

_encode: Final = msgspec.json.Encoder().encode
read_line: Final = msgspec.json.Decoder(AuditLine).decode


def add_audit_line(db: sqlite3.Connection, line: AuditLine) -> None:
    """Note who did what, in the transaction that does it: no other process can be faster between the two steps."""
    row = db.execute("SELECT seq, checksum FROM audit_trail ORDER BY seq DESC LIMIT 1").fetchone()
    seq, previous = row or (0, AUDIT_GENESIS)
    body = _encode(line)
    values = [getattr(line, field) for field in AuditField]
    db.execute(_ADD, (seq + 1, line.at, *values, body, audit_checksum(previous, seq + 1, body)))


def chain_old_lines(db: sqlite3.Connection) -> None:
    """Move lines of the time before the chain into it, and let nothing be changed from now on."""
    for verb, past in (("UPDATE", "updated"), ("DELETE", "deleted")):
        db.execute(_APPEND_ONLY.format(verb=verb, past=past))
    if db.execute("SELECT 1 FROM sqlite_schema WHERE name = 'audit'").fetchone() is None:
        return
    for row in db.execute(f"SELECT {', '.join(_OLD_COLUMNS)}, detail FROM audit ORDER BY seq").fetchall():
        more: dict[str, Any] = msgspec.json.decode(row[-1])
        add_audit_line(db, AuditLine(**dict(zip(_OLD_COLUMNS, row, strict=False)), **more))
    db.execute("DROP TABLE audit")
