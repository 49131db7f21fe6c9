"""The audit trail: every change and every refused one, append-only, each entry's checksum over the one before.

A tenant's entries are chained once more among themselves: so a tenant can be shown that all of them are there, and
learns nothing of anybody else's, not even how many there are between two of its own.
"""

import uuid
from collections.abc import Iterator, Sequence
from enum import StrEnum
from hashlib import sha256
from typing import Any, Final, NamedTuple, Protocol

from msgspec import Struct

from tradehall.ports.records import AuditLine

AUDIT_GENESIS: Final = sha256(b"tradehall audit 1").digest()
AUDIT_PAGE_MAX: Final = 10_000


class AuditField(StrEnum):
    """What entries can be looked for by: the fields of an AuditLine that are columns too."""

    KIND = "kind"
    KEY = "key"
    USER_ID = "user_id"
    DOMAIN = "domain"
    ACTOR = "actor"
    ACTION = "action"
    OUTCOME = "outcome"
    SEVERITY = "severity"


class AuditEntry(NamedTuple):
    """Entry `seq` of the trail; `body` is the JSON of its AuditLine, exactly as it was chained."""

    seq: int
    line: AuditLine
    body: bytes
    checksum: bytes

    @property
    def entry_id(self) -> str:
        """A UUID text, made of the checksum: whoever has it can tell that the entry was not changed."""
        return str(uuid.UUID(bytes=self.checksum[:16]))


class ChainedBody(NamedTuple):
    """Link `seq` of a chain: of the house's, or of a tenant's own, which counts for itself."""

    seq: int
    body: bytes
    checksum: bytes


class AuditSpan(NamedTuple):
    """Links `first` to `last` of a chain; both 0: none."""

    first: int
    last: int

    @property
    def size(self) -> int:
        """How many they are."""
        return self.last - self.first + 1 if self.last else 0


class AuditQuery(Struct, frozen=True, kw_only=True):
    """Entries whose fields have these values, newest first; `since` <= at < `until` [ns UTC].

    A tuple of values stands for any of them.
    """

    wanted: dict[AuditField, Any] = {}
    since: int | None = None
    until: int | None = None
    limit: int = 100
    offset: int = 0


class AuditStore(Protocol):
    """The trail, beside the records and written in their transactions. Calls are synchronous."""

    def append(self, lines: Sequence[AuditLine], *, cursor: int | None = None) -> None:
        """Note lines that no record changes with, durably; with `cursor`, how far the journal was looked through."""
        ...

    def cursor(self) -> int | None:
        """The last record of the journal that `append` was told of; None: never."""
        ...

    def page(self, query: AuditQuery) -> tuple[list[AuditEntry], int]:
        """A page, and how many entries match in all."""
        ...

    def entries(self, after: int = 0) -> Iterator[AuditEntry]:
        """Entries beyond `after`, oldest first; read a little at a time, from any thread."""
        ...

    def last_seq(self, domain: str = "") -> int:
        """Number of the newest link of a chain, 0 for none; of the house's that is the newest entry."""
        ...

    def span(self, domain: str, since: int | None, until: int | None) -> AuditSpan:
        """From the first link with `since` <= at to the last one with at < `until` [ns UTC]; None: from an end.

        `domain`: whose chain, "" the house's own. What was noted in between is within, whenever it happened.
        """
        ...

    def links(self, domain: str, after: int = 0) -> Iterator[ChainedBody]:
        """Links of a chain beyond number `after`, oldest first; read a little at a time, from any thread."""
        ...

    def checksum(self, domain: str, seq: int) -> bytes:
        """Checksum of link `seq` of a chain, which is there; of link 0: what the chain begins with."""
        ...


def audit_genesis(domain: str) -> bytes:
    """What a chain begins with: a tenant's, or with "" the house's."""
    return sha256(b"tradehall audit 1 of " + domain.encode()).digest() if domain else AUDIT_GENESIS


def audit_checksum(previous: bytes, seq: int, body: bytes) -> bytes:
    """Checksum of entry `seq`, whose predecessor's is `previous`."""
    return sha256(previous + seq.to_bytes(8, "big") + body).digest()
