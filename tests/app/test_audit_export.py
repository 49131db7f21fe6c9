"""The audit as a file: whatever is done to it is named, and a tenant's file tells of nobody else."""

import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.app.shard import START
from tradehall.adapters.signatures import Ed25519Signer, is_signed
from tradehall.adapters.sqlite.audit_store import SqliteAudit
from tradehall.adapters.sqlite.records import MIGRATIONS, SqliteRecords
from tradehall.app.audit_check import check_trail
from tradehall.app.audit_export import ExportAsk, ExportTooLong, written
from tradehall.app.audit_proof import AuditProof, Expected, prove
from tradehall.domain.time import NS_PER_SECOND, to_rfc3339
from tradehall.ports.audit import ChainedBody, audit_checksum, audit_genesis
from tradehall.ports.records import AuditLine

OURS, THEIRS = "demo.example", "other.example"
SIGNER, FORGER = Ed25519Signer(b"s" * 32), Ed25519Signer(b"f" * 32)
KEY = SIGNER.public_key.hex()


@pytest.fixture
def records(tmp_path):
    records = SqliteRecords(tmp_path / "records.db")
    yield records
    records.close()


@pytest.fixture
def store(records):
    store = SqliteAudit(records)
    # Ours are 1 to 8 of our chain; between them are a tenant's and the house's.
    for number in range(1, 9):
        store.append([line(number, THEIRS), line(number, OURS), line(number, "")])
    return store


def line(number: int, domain: str) -> AuditLine:
    """Line `number` of a tenant, a second after the one before."""
    at = START + number * NS_PER_SECOND
    return AuditLine(at, f"desk@{domain or 'house'}", "user.status", "user", str(number), domain=domain, reason="why")


def exported(store, *, now: int = START + 100 * NS_PER_SECOND, signer=SIGNER, **ask) -> list[bytes]:
    return list(written(store, signer, ExportAsk(**{"domain": OURS} | ask), now))


def proved(file: Sequence[bytes], *before: AuditProof, **expected) -> AuditProof:
    return prove(file, is_signed, Expected(**{"key": KEY, "before": before} | expected))


def at(number: int) -> int:
    return START + number * NS_PER_SECOND


RANGES = [
    # what is asked                                    first, last
    (dict(),                                           (1, 8)),
    (dict(since=at(3)),                                (3, 8)),
    (dict(until=at(3)),                                (1, 2)),
    (dict(since=at(3), until=at(6)),                   (3, 5)),
    (dict(since=at(4), until=at(5)),                   (4, 4)),
    (dict(first=3),                                    (3, 8)),
    (dict(last=5),                                     (1, 5)),
    (dict(first=2, last=7, since=at(3), until=at(6)),  (3, 5)),
    (dict(last=99),                                    (1, 8)),
    (dict(since=at(9)),                                (0, 0)),
    (dict(first=9),                                    (0, 0)),
]  # fmt: skip


@pytest.mark.parametrize(("ask", "span"), RANGES)
def test_a_range_is_all_there_is_between_its_ends_and_proves_it(store, ask, span):
    file = exported(store, **ask)
    proof = proved(file)
    assert proof.fault == ""
    told = proof.statement
    assert told is not None
    assert (told.first, told.last, told.head, told.count) == (*span, 8, len(file) - 1)
    entries = [msgspec.json.decode(each)["entry"] for each in file[1:]]
    assert [entry["key"] for entry in entries] == [str(number) for number in range(span[0], span[1] + 1) if number]
    assert (proof.began_at, proof.ended_at) == ((at(span[0]), at(span[1])) if span[0] else (None, None))


def test_a_tenants_file_says_nothing_of_anybody_else_and_a_strangers_lines_change_nothing_in_it(tmp_path):
    alone, shared = SqliteRecords(tmp_path / "alone.db"), SqliteRecords(tmp_path / "shared.db")
    for number in range(1, 6):
        SqliteAudit(alone).append([line(number, OURS)])
        SqliteAudit(shared).append([line(number, THEIRS)] * number + [line(number, ""), line(number, OURS)])
    files = [b"".join(exported(SqliteAudit(each))) for each in (alone, shared)]
    assert files[0] == files[1], "whether there are others, and how many lines they have, is nowhere in it"
    assert THEIRS.encode() not in files[1] and proved(exported(SqliteAudit(shared))).is_sound
    alone.close()
    shared.close()


def test_the_houses_own_file_has_all_of_them(store):
    file = exported(store, domain="")
    assert len(file) == 25 and proved(file).is_sound
    part = exported(store, domain="", since=at(2), until=at(4))
    assert len(part) == 7 and proved(part).is_sound


Spoil = Callable[[list[bytes]], list[bytes]]


def swapped(file: list[bytes], one: int, other: int) -> list[bytes]:
    file[one], file[other] = file[other], file[one]
    return file


def rechained(file: list[bytes], left_out: int, *, signer=None) -> list[bytes]:
    """A forger's best: an entry is gone, the rest numbered and chained anew; with a key, signed anew as well."""
    links = [msgspec.json.decode(each, type=dict[str, msgspec.Raw]) for each in file[1:]]
    del links[left_out]
    header = msgspec.json.decode(file[0])
    told = header["statement"]
    checksum, number, made = bytes.fromhex(told["before"]), told["first"] - 1, []
    for link in links:
        number += 1
        checksum = audit_checksum(checksum, number, bytes(link["entry"]))
        made.append(b'{"number":%d,"checksum":"%s","entry":%s}\n' % (number, checksum.hex().encode(), link["entry"]))
    if signer is not None:
        told |= {"last": number, "after": checksum.hex(), "head": number, "head_checksum": checksum.hex()}
        signature = signer.sign(msgspec.json.encode(told)).hex()
        header |= {"statement": told, "key": signer.public_key.hex(), "signature": signature}
    return [msgspec.json.encode(header) + b"\n", *made]


SPOILED: list[tuple[str, Spoil, str]] = [
    ("the first is gone",         lambda file: [file[0], *file[2:]],             "entry 2 is missing or out of its place: entry 3 stands there"),
    ("the last is gone",          lambda file: file[:-1],                        "entry 7 is missing at the end"),
    ("the last two are gone",     lambda file: file[:-2],                        "entries 6 to 7 are missing at the end"),
    ("all are gone",              lambda file: file[:1],                         "entries 2 to 7 are missing at the end"),
    ("one in the middle is gone", lambda file: [*file[:3], *file[4:]],           "entry 4 is missing or out of its place: entry 5"),
    ("two changed places",        lambda file: swapped(file, 3, 4),              "entry 4 is missing or out of its place: entry 5"),
    ("one is there twice",        lambda file: [*file[:4], *file[3:]],           "entry 5 is missing or out of its place: entry 4"),
    ("one more",                  lambda file: [*file, file[-1]],                "entry 7 stands behind the last one, 7,"),
    ("another text",              lambda file: [*file[:3], file[3].replace(b'"why"', b'"lie"'), *file[4:]], "entry 4 was altered"),
    ("other spaces",              lambda file: [*file[:3], file[3].replace(b'":', b'": ', 1), *file[4:]], "line 4 of the file is not as"),
    ("no end of the line",        lambda file: [*file[:-1], file[-1][:-1]],      "line 7 of the file is not as the house wrote it"),
    ("an empty line",             lambda file: [*file, b"\n"],                   "line 8 of the file is no entry"),
    ("chained anew",              lambda file: rechained(file, 2),               "entry 7 is missing at the end"),
    ("another range",             lambda file: [file[0].replace(b'"first":2', b'"first":3'), *file[2:]], "the signature is none of the key"),
    ("signed by a stranger",      lambda file: rechained(file, 2, signer=FORGER), "it is signed with the key"),
    ("no statement",              lambda file: file[1:],                         "the first line is no statement"),
    ("nothing",                   lambda file: [],                               "the first line is no statement"),
    ("binary",                    lambda file: [b"\xff\xfe\n"],                  "the first line is no statement"),
    ("nested without end",        lambda file: [b"[" * 100_000 + b"\n"],         "the first line is no statement"),
]  # fmt: skip


@pytest.mark.parametrize(("what", "spoil", "fault"), SPOILED, ids=[row[0] for row in SPOILED])
def test_whatever_is_done_to_a_file_is_named(store, what, spoil, fault):
    file = exported(store, since=at(2), until=at(8))
    assert proved(file).is_sound
    proof = proved(spoil(list(file)))
    assert not proof.is_sound, what
    assert proof.fault.startswith(fault), proof.fault


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.integers(0), byte=st.integers(0, 255))
def test_no_byte_can_be_another(store, place, byte):
    whole = bytearray(b"".join(exported(store)))
    place %= len(whole)
    if whole[place] == byte:
        return
    whole[place] = byte
    assert not proved(bytes(whole).splitlines(keepends=True)).is_sound
    # Without knowing the house's key a stranger's would do, and nothing else.
    found = proved(bytes(whole).splitlines(keepends=True), key=None)
    assert not found.is_sound


def test_the_same_key_in_other_letters_is_another_writing_and_no_proof(store):
    head, *links = exported(store)
    key = SIGNER.public_key.hex().encode()
    assert key.upper() != key
    found = proved([head.replace(key, key.upper()), *links], key=None)
    assert found.fault.startswith("the signature is none of the key")


def test_who_made_up_a_challenge_sees_that_the_file_is_new(store):
    file = exported(store, challenge="4711-b")
    assert proved(file, challenge="4711-b").is_sound
    assert proved(exported(store), challenge="4711-b").fault.startswith("it does not answer the challenge")
    assert proved([file[0].replace(b"4711-b", b"4711-c"), *file[1:]], challenge="4711-c").fault.startswith("the sign")


def test_an_older_head_does_not_pass_for_a_newer_one(store):
    older = exported(store)
    store.append([line(9, OURS)])
    newer = exported(store, now=START + 101 * NS_PER_SECOND)
    assert proved([older[0], *newer[1:]]).fault.startswith("entry 9 stands behind the last one, 8,")
    assert proved(newer, proved(older)).is_sound
    assert proved(older, proved(newer)).fault.startswith("its head, entry 8 of")


def test_files_that_continue_each_other_are_one_and_a_gap_is_named(store):
    parts = [exported(store, first=first, last=last) for first, last in ((1, 3), (4, 6), (7, 8))]
    proofs = [proved(parts[0])]
    for part in parts[1:]:
        proofs.append(proved(part, *proofs))
    assert all(proof.is_sound for proof in proofs)
    assert proved(parts[2], proofs[0]).fault.startswith("entries 4 to 6 are in neither")
    assert proved(parts[0], proofs[2]).fault.startswith("it ends at entry 3, the file before it at 8")
    assert proved(exported(store, domain=THEIRS), proofs[0]).fault.startswith(f"it is of {THEIRS}, the file")


def test_a_house_that_made_up_another_past_is_found_out_by_who_kept_a_file(store, tmp_path):
    kept = proved(exported(store, last=5))
    other = SqliteRecords(tmp_path / "made-up.db")
    made_up = SqliteAudit(other)
    made_up.append([line(number, OURS) for number in (1, 2, 4, 5, 6, 7, 8, 9)])
    for ask, entry in ((dict(), 5), (dict(first=6), 5), (dict(first=4, last=8), 5)):
        file = exported(made_up, now=START + 101 * NS_PER_SECOND, **ask)
        assert proved(file).is_sound
        assert proved(file, kept).fault.startswith(f"entry {entry} is another than the file before it has")
    other.close()


def test_more_than_fits_is_refused_and_not_cut(store):
    with pytest.raises(ExportTooLong) as refused:
        list(written(store, SIGNER, ExportAsk(domain=OURS), START, lines_max=7))
    assert refused.value.span == (1, 8)
    assert len(list(written(store, SIGNER, ExportAsk(domain=OURS), START, lines_max=8))) == 9


def test_a_chain_without_entries_has_a_statement_too(records):
    empty = SqliteAudit(records)
    file = list(written(empty, SIGNER, ExportAsk(domain="nobody.example"), START))
    proof = proved(file)
    assert proof.is_sound and proof.statement is not None
    assert (proof.statement.head, proof.statement.head_checksum) == (0, audit_genesis("nobody.example").hex())
    assert proof.statement.signed_at == to_rfc3339(START)


# The store itself.

SPOILED_STORES = [
    # what was done                                       the fault
    ("UPDATE audit_trail SET body = x'7b7d' WHERE seq = 5",         "an entry is no line of an audit at all"),
    ("UPDATE audit_trail SET body = CAST(replace(body, 'why', 'lie') AS BLOB) WHERE seq = 5", "entry 5 was altered"),
    ("DELETE FROM audit_trail WHERE seq = 4",                       "entry 4 is missing: the next one found is 5"),
    ("DELETE FROM audit_domain WHERE seq = 2",                      "entry 2 is not link 1 of the chain of demo.example"),
    ("UPDATE audit_domain SET checksum = x'00' WHERE seq = 8",      "entry 8 is not link 3 of the chain of demo.example"),
    ("INSERT INTO audit_domain VALUES ('demo.example', 9, 3, x'')", "link 9 of the chain of demo.example is no entry"),
]  # fmt: skip


@pytest.mark.parametrize(("what", "fault"), SPOILED_STORES)
def test_a_spoiled_store_is_named_whichever_chain_was_spoiled(store, tmp_path, what, fault):
    sound = check_trail(store)
    assert (sound.entries, sound.tenants, sound.fault) == (24, 2, "")
    db = sqlite3.connect(tmp_path / "records.db", isolation_level=None)
    for (name,) in db.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'").fetchall():
        db.execute(f"DROP TRIGGER {name}")
    db.execute(what)
    db.close()
    assert check_trail(store).fault.startswith(fault)


# Stores of the time before tenants had chains.


def _a_store_of(path: Path, version: int) -> None:
    """A trail written by a Tradehall that knew `version` steps: mixed tenants, chained for the house alone."""
    db = sqlite3.connect(path, isolation_level=None)
    for step in MIGRATIONS[:version]:
        db.executescript(step)
    checksum = audit_genesis("")
    db.execute("BEGIN")
    for seq in range(1, 2_501):
        told = line(seq, (OURS, THEIRS, "")[seq % 3])
        body = msgspec.json.encode(told)
        checksum = audit_checksum(checksum, seq, body)
        db.execute(
            "INSERT INTO audit_trail (seq, at, kind, key, domain, actor, action, outcome, severity, body, checksum)"
            " VALUES (?, ?, 'user', ?, ?, ?, 'user.status', 'ok', 'INFO', ?, ?)",
            (seq, told.at, told.key, told.domain, told.actor, body, checksum),
        )
    db.execute(f"PRAGMA user_version = {version}")
    db.execute("COMMIT")
    db.close()


def test_a_trail_of_the_time_before_tenants_had_chains_is_chained_when_it_is_opened(tmp_path):
    path = tmp_path / "records.db"
    _a_store_of(path, next(number for number, step in enumerate(MIGRATIONS) if "audit_domain" in step))
    records = SqliteRecords(path)
    store = SqliteAudit(records)
    assert [store.last_seq(domain) for domain in ("", OURS, THEIRS)] == [2_500, 833, 834]
    before = {domain: list(store.links(domain)) for domain in (OURS, THEIRS)}
    store.append([line(2_501, OURS)])
    records.close()
    again = SqliteRecords(path)
    kept = SqliteAudit(again)
    for domain, links in before.items():
        assert proved(exported(kept, domain=domain)).is_sound
        assert list(kept.links(domain))[: len(links)] == links
    assert isinstance(next(kept.links(OURS, 833)), ChainedBody) and kept.last_seq(OURS) == 834
    again.close()
