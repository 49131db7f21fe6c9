"""The audit as a file that proves itself: links of a chain under a statement that the house signed.

Line 1 is a Header, each further one a link, all of them JSON. What the statement says, and how a reader holds the
links against it, is in docs/audit.md; `audit_proof` does it.
"""

import asyncio
from collections.abc import Iterator
from itertools import islice
from typing import Final, Literal

import msgspec
from msgspec import Raw, Struct

from tradehall.app.audit import AuditTrail
from tradehall.domain.time import to_rfc3339
from tradehall.ports.audit import AuditSpan, AuditStore, ChainedBody
from tradehall.ports.clock import Clock
from tradehall.ports.signing import Signer

FORMAT: Final = "tradehall audit 1"
# What a door gives in one piece; more comes in several files, which are proved together.
EXPORT_LINES_MAX: Final = 20_000
CHALLENGE_CHARACTERS_MAX: Final = 64
ENTRY_NUMBER_MAX: Final = 10**15


class ExportAsk(Struct, frozen=True, kw_only=True):
    """Whose entries, and which: `since` <= at < `until` [ns UTC], and numbers `first` to `last` of the chain.

    `domain` "": all of the house. `challenge`: what the reader made up, to see that the file was made for them.
    """

    domain: str
    since: int | None = None
    until: int | None = None
    first: int = 1
    last: int | None = None
    challenge: str = ""


class Statement(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename={"since": "from", "until": "to"}):
    """What the house signs, word for word as it stands in the file.

    Links `first` to `last` of the chain of `domain` ("": the house's) are all there is between `from` and `to`; both 0:
    there is none. `before` and `after` are checksums: of the link before the first, and of the last. When it was signed
    the chain had `head` links and the last one's checksum was `head_checksum`.
    """

    format: Literal["tradehall audit 1"] = FORMAT
    domain: str
    signed_at: str
    since: str | None
    until: str | None
    first: int
    last: int
    before: str
    after: str
    head: int
    head_checksum: str
    challenge: str

    @property
    def count(self) -> int:
        """How many links it tells of."""
        return AuditSpan(self.first, self.last).size


class Header(Struct, frozen=True, forbid_unknown_fields=True):
    """The first line: the statement as it was signed, the house's public key and the signature, in hex."""

    statement: Raw
    key: str
    signature: str


class ExportTooLong(Exception):
    """More entries than fit into one file: `span`."""

    def __init__(self, span: AuditSpan) -> None:
        super().__init__(f"{span.size} entries, numbers {span.first} to {span.last}")
        self.span = span


class AuditExports:
    """Exports of a running house."""

    def __init__(self, trail: AuditTrail, store: AuditStore, signer: Signer, clock: Clock) -> None:
        self._trail = trail
        self._store = store
        self._signer = signer
        self._clock = clock

    @property
    def public_key(self) -> bytes:
        """With which readers check. SigningUnavailable."""
        return self._signer.public_key

    async def export(self, ask: ExportAsk) -> bytes:
        """The file; what was decided before is in it. ExportTooLong, RecordsFault, SigningUnavailable."""
        await self._trail.flush()
        return await asyncio.to_thread(self._whole, ask)

    def _whole(self, ask: ExportAsk) -> bytes:
        return b"".join(written(self._store, self._signer, ask, self._clock.now(), lines_max=EXPORT_LINES_MAX))


def written(
    store: AuditStore, signer: Signer, ask: ExportAsk, now: int, *, lines_max: int | None = None
) -> Iterator[bytes]:
    """The lines of the file, each with its end. ExportTooLong before the first where they are more than `lines_max`."""
    head = store.last_seq(ask.domain)
    span = _asked(store, ask, head)
    if lines_max is not None and span.size > lines_max:
        raise ExportTooLong(span)
    statement = msgspec.json.encode(_statement(store, ask, span, head, now))
    header = Header(Raw(statement), signer.public_key.hex(), signer.sign(statement).hex())
    yield header_line(header)
    if span.size:
        yield from map(link_line, islice(store.links(ask.domain, span.first - 1), span.size))


def _asked(store: AuditStore, ask: ExportAsk, head: int) -> AuditSpan:
    is_whole = ask.since is None and ask.until is None
    found = AuditSpan(1, head) if is_whole else store.span(ask.domain, ask.since, ask.until)
    first, last = max(found.first, ask.first), min(found.last, head if ask.last is None else ask.last, head)
    return AuditSpan(first, last) if first <= last else AuditSpan(0, 0)


def _statement(store: AuditStore, ask: ExportAsk, span: AuditSpan, head: int, now: int) -> Statement:
    head_checksum = store.checksum(ask.domain, head)
    return Statement(
        domain=ask.domain,
        signed_at=to_rfc3339(now),
        since=None if ask.since is None else to_rfc3339(ask.since),
        until=None if ask.until is None else to_rfc3339(ask.until),
        first=span.first,
        last=span.last,
        before=(store.checksum(ask.domain, span.first - 1) if span.size else head_checksum).hex(),
        after=(store.checksum(ask.domain, span.last) if span.size else head_checksum).hex(),
        head=head,
        head_checksum=head_checksum.hex(),
        challenge=ask.challenge,
    )


def header_line(header: Header) -> bytes:
    """The first line, its end included."""
    return msgspec.json.encode(header) + b"\n"


def link_line(link: ChainedBody) -> bytes:
    """A link's line, its end included: the body stands in it as it was chained."""
    return b'{"number":%d,"checksum":"%s","entry":%s}\n' % (link.seq, link.checksum.hex().encode(), link.body)
