"""Records: what can neither move nor limit money. Kept by kind and key, each change with its audit line."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from msgspec import UNSET, Struct, UnsetType


class AuditLine(Struct, frozen=True, gc=False, omit_defaults=True):
    """Who did what to which record, at `at` [ns UTC]. `note` is one sentence without secrets.

    `domain`: the tenant it concerns; `user_id`: the person it is about; `role`, `ip`, `request_id` and
    `reason` tell more of the actor. `before` and `after` hold the changed fields only, and no secrets.
    `outcome` is ok, noop or refused, the latter with the door's `error_code`. `severity` is INFO, WARNING, ERROR
    or CRITICAL. New fields go to the end: entries are chained by their JSON.
    """

    at: int
    actor: str
    action: str
    kind: str
    key: str
    note: str = ""
    domain: str = ""
    user_id: int | None = None
    role: str = ""
    ip: str = ""
    request_id: str = ""
    reason: str = ""
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}
    outcome: str = "ok"
    error_code: str = ""
    severity: str = "INFO"


class RecordChange(Struct, frozen=True, gc=False):
    """A record's new `body` (JSON), or None to remove it.

    `expects`: the body that must be there before, None: there must be none; left out, anything may be.
    """

    kind: str
    key: str
    body: bytes | None
    expects: bytes | UnsetType | None = UNSET


class RecordConflict(Exception):
    """A change did not find what it expected: somebody else was faster. Nothing was written."""


class RecordsFault(Exception):
    """The store cannot be read or written; the text is a sentence that says why."""


class RecordStore(Protocol):
    """Records of all kinds. Calls are synchronous and short; several processes may share a store."""

    def all(self, kind: str) -> dict[str, bytes]:
        """Every record of `kind` by key, in the order of the keys."""
        ...

    def get(self, kind: str, key: str) -> bytes | None:
        """One record, None if there is none."""
        ...

    def write(self, changes: Sequence[RecordChange], audit: AuditLine, *more: AuditLine) -> None:
        """Make all changes and note the audit lines, in one transaction, durable on return. Or RecordConflict."""
        ...

    def mark(self, kind: str, marks: Mapping[str, bytes | None]) -> None:
        """Note what nobody decided (a key was used), or remove it (None): no audit line."""
        ...

    def audit_lines(self, kind: str, key: str, *, limit: int = 100) -> list[AuditLine]:
        """The newest audit lines of a record, newest first."""
        ...

    def changed_elsewhere(self) -> bool:
        """Whether another process wrote since the last call; cheap enough to ask twice a second."""
        ...

    def close(self) -> None:
        """Let go of the store."""
        ...
