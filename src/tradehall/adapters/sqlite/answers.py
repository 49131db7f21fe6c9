"""Answers that are given again, in SQLite: a table beside the records."""

from tradehall.adapters.sqlite.records import SqliteRecords
from tradehall.ports.answers import ANSWERS_KEPT_MAX, KeptAnswer


class SqliteAnswers:
    """See the port. Lives in the file of `records` and closes with it."""

    def __init__(self, records: SqliteRecords) -> None:
        self._records = records

    def answer(self, space: str, key: str, *, since: int) -> KeptAnswer | None:
        """See the port."""
        rows = self._records.rows(
            "SELECT at, fingerprint, status, content_type, body FROM kept_answer"
            " WHERE space = ? AND key = ? AND at >= ?",
            (space, key, since),
        )
        return KeptAnswer(*rows[0]) if rows else None

    def keep_answer(self, space: str, key: str, answer: KeptAnswer, *, since: int) -> None:
        """See the port."""
        with self._records.transaction() as db:
            db.execute("DELETE FROM kept_answer WHERE at < ?", (since,))
            db.execute(
                "DELETE FROM kept_answer WHERE at <= (SELECT at FROM kept_answer ORDER BY at DESC LIMIT 1 OFFSET ?)",
                (ANSWERS_KEPT_MAX - 1,),
            )
            db.execute(
                "INSERT OR REPLACE INTO kept_answer (space, key, at, fingerprint, status, content_type, body)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                (space, key, answer.at, answer.fingerprint, answer.status, answer.content_type, answer.body),
            )
