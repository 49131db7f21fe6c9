"""Trips and executions on disk: rows in SQLite, columns in a file beside it. Made again from the journal when lost."""

from tradehall.adapters.executions.store import FileTrips

__all__ = ["FileTrips"]
