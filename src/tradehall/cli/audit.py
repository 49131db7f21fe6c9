"""`tradehall audit`: the audit as a file that proves itself, and the key that checks it; `verify --audit` does."""

import argparse
import os
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import IO, Any, Final

from tradehall.adapters.clock import SystemClock
from tradehall.adapters.data_folder import DataFolder
from tradehall.adapters.signatures import is_signed, public_pem
from tradehall.adapters.sqlite.audit_store import SqliteAudit
from tradehall.adapters.sqlite.records import SqliteRecords
from tradehall.app.audit_export import ExportAsk, written
from tradehall.app.audit_proof import AuditProof, Expected, prove, told_domain
from tradehall.cli.commands import summary_of
from tradehall.cli.options import Commands, add_command, add_json, add_settings, configured, existing_folder
from tradehall.cli.output import Refused, WrongUsage, say, say_json
from tradehall.domain.time import from_rfc3339, to_rfc3339
from tradehall.ports.signing import KEY_BYTES
from tradehall.wiring.auditing import make_signer

EPILOG: Final = "example: tradehall audit export --domain demo.example --out audit.ndjson"


def add_to(commands: Commands) -> None:
    """Add the command and its two."""
    group = commands.add_parser(
        "audit", help=summary_of("audit"), description="The audit as a file that proves itself.", epilog=EPILOG,
        allow_abbrev=False,
    )  # fmt: skip
    actions = group.add_subparsers(dest="action", metavar="action", required=True)
    _add_export(actions)
    key = add_command(
        actions, "key", show_key, summary="print the public key that checks exports", example="tradehall audit key"
    )
    add_json(key)
    add_settings(key, ["data"])


def _add_export(actions: Commands) -> None:
    parser = add_command(
        actions, "export", export,
        summary="write entries and a signed statement; a server may be running",
        example="tradehall audit export --domain demo.example --from 2026-11-01T00:00:00Z --out audit.ndjson",
    )  # fmt: skip
    parser.add_argument("--domain", default="", help="of this tenant only (default: all of the house)")
    parser.add_argument("--from", dest="since", type=_instant, metavar="TIME", help="from this RFC 3339 time on")
    parser.add_argument("--to", dest="until", type=_instant, metavar="TIME", help="before this RFC 3339 time")
    parser.add_argument("--first", type=_number, default=1, metavar="NUMBER", help="from this entry on")
    parser.add_argument("--last", type=_number, metavar="NUMBER", help="up to this entry")
    parser.add_argument("--challenge", default="", metavar="TEXT", help="what the reader made up, to be signed too")
    parser.add_argument("--out", type=Path, metavar="FILE", help="where to (default: standard output)")
    add_settings(parser, ["data"])


def export(options: argparse.Namespace) -> None:
    """Write the file."""
    folder = existing_folder(options)
    ask = ExportAsk(
        domain=options.domain, since=options.since, until=options.until, first=options.first, last=options.last,
        challenge=options.challenge,
    )  # fmt: skip
    signer = make_signer(folder)
    with closing(SqliteRecords(folder.records)) as records, _opened(options.out) as file:
        for line in written(SqliteAudit(records), signer, ask, SystemClock().now()):
            file.write(line)


@contextmanager
def _opened(path: Path | None) -> Iterator[IO[bytes]]:
    """Where the file goes: names and addresses are for its owner alone."""
    if path is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    except OSError as error:
        raise Refused(f"{path} cannot be written: {error.strerror}") from None
    with os.fdopen(descriptor, "wb") as file:
        yield file


def show_key(options: argparse.Namespace) -> None:
    """Print the key."""
    key = make_signer(existing_folder(options)).public_key
    if options.json:
        say_json({"algorithm": "Ed25519", "public_key": key.hex(), "pem": public_pem(key)})
    else:
        say(key.hex())


# Verifying.


def add_proving(parser: argparse.ArgumentParser) -> None:
    """The options of `tradehall verify` that are about exports."""
    group = parser.add_argument_group("exports of the audit, which need no server and no data folder")
    group.add_argument("--audit", nargs="+", type=Path, metavar="FILE", help="check these instead, oldest first")
    group.add_argument("--key", type=_key, help="the house's public key (default: that of the data folder, if any)")
    group.add_argument("--challenge", metavar="TEXT", help="what the file must answer to")


def run_proving(options: argparse.Namespace) -> None:
    """Check exports. Refused for the first that is not sound."""
    house_key = options.key or _own_key(options)
    proofs: list[AuditProof] = []
    for path in options.audit:
        signed_with = house_key or (proofs[0].key if proofs else None)
        expected = Expected(key=signed_with, challenge=options.challenge, before=tuple(proofs))
        proof = _proved(path, expected)
        proofs.append(proof)
        if not proof.is_sound:
            break
    if options.json:
        shown = [_builtins(path, proof) for path, proof in zip(options.audit, proofs, strict=False)]
        say_json({"is_sound": proofs[-1].is_sound, "key_is_known": house_key is not None, "files": shown})
    else:
        for path, proof in zip(options.audit, proofs, strict=False):
            if proof.is_sound:
                _tell(path, proof, is_known=house_key is not None)
    if not proofs[-1].is_sound:
        raise Refused(f"{options.audit[len(proofs) - 1]} is no proof: {proofs[-1].fault}")


def _proved(path: Path, expected: Expected) -> AuditProof:
    try:
        with path.open("rb") as file:
            return prove(file, is_signed, expected)
    except OSError as error:
        raise Refused(f"{path} cannot be read: {error.strerror}") from None


def _own_key(options: argparse.Namespace) -> str | None:
    folder = DataFolder(configured(options).config.data)
    return make_signer(folder).public_key.hex() if folder.house_key.exists() else None


def _tell(path: Path, proof: AuditProof, *, is_known: bool) -> None:
    told = proof.statement
    assert told is not None, "what is sound has a statement"
    asked = f"from {told.since or 'the beginning'} to {told.until or told.signed_at}"
    numbers = f"numbers {told.first} to {told.last} of {told.head}" if told.count else f"none of {told.head}"
    say(f"{path}: {told.count} entries of {told_domain(told)} {asked}, {numbers}")
    say("  none was altered, moved or left out")
    if proof.began_at is not None and proof.ended_at is not None:
        say(f"  the first is of {to_rfc3339(proof.began_at)}, the last of {to_rfc3339(proof.ended_at)}")
    whose = "the house's key" if is_known else "the key"
    say(f"  signed at {told.signed_at} with {whose} {proof.key}")
    if not is_known:
        say("  Whether that is the house's, `tradehall audit key` says there; name it here with --key.")


def _builtins(path: Path, proof: AuditProof) -> dict[str, Any]:
    instants = [None if at is None else to_rfc3339(at) for at in (proof.began_at, proof.ended_at)]
    return {
        "file": str(path), "is_sound": proof.is_sound, "fault": proof.fault, "key": proof.key,
        "entries": None if proof.statement is None else proof.statement.count,
        "first_entry_at": instants[0], "last_entry_at": instants[1], "statement": proof.statement,
    }  # fmt: skip


def refuse_without_files(options: argparse.Namespace) -> None:
    """WrongUsage where something is said of exports and none is named."""
    if options.key or options.challenge is not None:
        raise WrongUsage("--key and --challenge are about exports: name them with --audit")


def _instant(text: str) -> int:
    try:
        return from_rfc3339(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text} is no RFC 3339 time such as 2026-11-01T00:00:00Z") from None


def _number(text: str) -> int:
    if text.isascii() and text.isdigit() and 0 < len(text) < 19 and int(text):
        return int(text)
    raise argparse.ArgumentTypeError(f"{text} is no number of an entry")


def _key(text: str) -> str:
    try:
        key = bytes.fromhex(text)
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise argparse.ArgumentTypeError(f"{text} is no public key: {2 * KEY_BYTES} hexadecimal digits")
    return key.hex()
