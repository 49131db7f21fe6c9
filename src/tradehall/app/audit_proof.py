"""Holding an export of the audit against itself, without the house: what was altered, moved or left out is named.

Every byte counts: a line that is not written exactly as the house writes it is refused, whatever it means.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec
from msgspec import Raw, Struct
from msgspec.structs import replace

from tradehall.app.audit_export import Header, Statement, header_line, link_line
from tradehall.domain.time import from_rfc3339
from tradehall.ports.audit import ChainedBody, audit_checksum, audit_genesis
from tradehall.ports.signing import CheckSignature


class AuditProof(Struct, frozen=True, kw_only=True):
    """What came of a look at one file: `fault` is the first thing wrong with it, "" if nothing is.

    `statement` and `key` [hex] as the file has them, None and "" where they cannot be read. `began_at` and `ended_at`
    [ns UTC] are the instants of the first and the last entry.
    """

    fault: str = ""
    statement: Statement | None = None
    key: str = ""
    began_at: int | None = None
    ended_at: int | None = None

    @property
    def is_sound(self) -> bool:
        """Whether nothing was altered, moved or left out, and who has the key signed that."""
        return not self.fault


class Expected(Struct, frozen=True, kw_only=True):
    """What a reader knows besides the file. `key` [hex] is the house's, None: not known; `challenge`, None: none made.

    `before`: the files that this one must continue, oldest first, all of them sound.
    """

    key: str | None = None
    challenge: str | None = None
    before: tuple[AuditProof, ...] = ()


class _Fault(Exception):
    """The first thing that is wrong."""


class _Link(Struct, frozen=True, forbid_unknown_fields=True):
    number: int
    checksum: str
    entry: Raw


class _Instant(Struct, frozen=True):
    at: int


def prove(file: Iterable[bytes], is_signed: CheckSignature, expected: Expected) -> AuditProof:
    """Look through a file, given as its lines with their ends."""
    lines = iter(file)
    proof = AuditProof()
    try:
        header, statement = _signed_header(next(lines, b""))
        proof = AuditProof(statement=statement, key=header.key)
        _check_signature(header, is_signed, expected.key)
        _check_statement(statement, expected)
        began_at, ended_at = _walk(lines, statement, _known(expected.before))
    except _Fault as fault:
        return replace(proof, fault=str(fault))
    return replace(proof, began_at=began_at, ended_at=ended_at)


# The first line.


def _signed_header(line: bytes) -> tuple[Header, Statement]:
    try:
        header = msgspec.json.decode(line, type=Header)
        statement = msgspec.json.decode(header.statement, type=Statement)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise _Fault("the first line is no statement of an audit export") from None
    if header_line(header) != line:
        raise _Fault("the first line is not as the house wrote it")
    return header, statement


def _check_signature(header: Header, is_signed: CheckSignature, house_key: str | None) -> None:
    if house_key is not None and header.key != house_key:
        raise _Fault(f"it is signed with the key {header.key}, which is not the house's, {house_key}")
    key, signature = _bytes(header.key), _bytes(header.signature)
    if not is_signed(key, bytes(header.statement), signature):
        raise _Fault(f"the signature is none of the key {header.key}: the statement was altered, or another made it")


def _check_statement(statement: Statement, expected: Expected) -> None:
    if expected.challenge is not None and statement.challenge != expected.challenge:
        raise _Fault("it does not answer the challenge: it was made for somebody else, or earlier")
    if expected.before and (last := expected.before[-1].statement) is not None:
        _check_continues(statement, last)


def _check_continues(statement: Statement, before: Statement) -> None:
    if statement.domain != before.domain:
        raise _Fault(f"it is of {told_domain(statement)}, the file before it of {told_domain(before)}")
    if statement.head < before.head or _instant(statement.signed_at) < _instant(before.signed_at):
        raise _Fault(
            f"its head, entry {statement.head} of {statement.signed_at}, is older than that of the file before it,"
            f" entry {before.head} of {before.signed_at}"
        )
    if statement.count and before.count and statement.first > before.last + 1:
        raise _Fault(f"{_numbers(before.last + 1, statement.first - 1)} in neither of it and the file before it")
    if statement.count and statement.last < before.last:
        raise _Fault(f"it ends at entry {statement.last}, the file before it at {before.last}: give them in order")


def _known(before: Sequence[AuditProof]) -> Mapping[int, str]:
    """Checksums by number that the files before have shown."""
    known = {}
    for told in (proof.statement for proof in before if proof.statement is not None):
        known[told.head] = told.head_checksum
        if told.count:
            known |= {told.first - 1: told.before, told.last: told.after}
    return known


# The links.


def _walk(lines: Iterator[bytes], statement: Statement, known: Mapping[int, str]) -> tuple[int | None, int | None]:
    """Hold the links against the statement; the instants of the first and the last."""
    number, checksum = max(statement.first - 1, 0), statement.before
    bodies: list[Raw | None] = [None, None]
    _check_begin(statement)
    _check_known(number if statement.count else statement.head, checksum, known)
    for place, line in enumerate(lines, start=2):
        link = _link(line, place)
        number += 1
        checksum = _check_link(link, number, checksum, statement)
        _check_known(number, checksum, known)
        bodies = [bodies[0] or link.entry, link.entry]
    _check_end(statement, number, checksum)
    _check_known(statement.head, statement.head_checksum, known)
    began, ended = [None if body is None else msgspec.json.decode(body, type=_Instant).at for body in bodies]
    return began, ended


def _link(line: bytes, place: int) -> _Link:
    try:
        link = msgspec.json.decode(line, type=_Link)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise _Fault(f"line {place} of the file is no entry of the audit") from None
    if link_line(ChainedBody(link.number, bytes(link.entry), _bytes(link.checksum))) != line:
        raise _Fault(f"line {place} of the file is not as the house wrote it")
    return link


def _check_link(link: _Link, number: int, previous: str, statement: Statement) -> str:
    if number > statement.last:
        raise _Fault(
            f"entry {link.number} stands behind the last one, {statement.last}, that the statement of"
            f" {statement.signed_at} tells of: the statement is older than the entries, or they were added"
        )
    if link.number != number:
        raise _Fault(f"entry {number} is missing or out of its place: entry {link.number} stands there")
    checksum = audit_checksum(_bytes(previous), number, bytes(link.entry)).hex()
    if link.checksum != checksum:
        raise _Fault(f"entry {number} was altered: its checksum does not follow from it and the one before")
    return checksum


def _check_begin(statement: Statement) -> None:
    if statement.first == 1 and _bytes(statement.before) != audit_genesis(statement.domain):
        raise _Fault(f"entry 1 does not begin the chain of {told_domain(statement)}")


def _check_end(statement: Statement, number: int, checksum: str) -> None:
    if statement.count and number < statement.last:
        raise _Fault(f"{_numbers(number + 1, statement.last)} missing at the end")
    if checksum != statement.after:
        raise _Fault("the entries do not come to the checksum that was signed: they were altered and chained anew")


def _check_known(number: int, checksum: str, known: Mapping[int, str]) -> None:
    if known.get(number, checksum) != checksum:
        raise _Fault(f"entry {number} is another than the file before it has: one of the two pasts was made up")


def told_domain(statement: Statement) -> str:
    """Whose entries they are, for people."""
    return statement.domain or "the whole house"


def _numbers(first: int, last: int) -> str:
    return f"entry {first} is" if first == last else f"entries {first} to {last} are"


def _instant(text: str) -> int:
    try:
        return from_rfc3339(text)
    except ValueError:
        raise _Fault(f"{text!r} is no time that it could have been signed at") from None


def _bytes(text: str) -> bytes:
    """Of hex as the house writes it, in small letters; what is none is no key, no signature and no checksum."""
    try:
        found = bytes.fromhex(text)
    except ValueError:
        return b""
    return found if found.hex() == text else b""
