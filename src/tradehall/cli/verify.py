"""`tradehall verify`: is what is kept sound, and what was exported?"""

import argparse
from contextlib import closing

import msgspec
from msgspec.structs import replace

from tradehall.adapters.data_folder import DataFolder
from tradehall.adapters.sqlite.audit_store import SqliteAudit
from tradehall.adapters.sqlite.inspection import SqliteInspection, scratch_views
from tradehall.adapters.sqlite.records import SqliteRecords
from tradehall.app.audit_check import TrailCheck, check_trail
from tradehall.app.snapshots import Snapshots
from tradehall.app.verification import verify
from tradehall.cli.audit import add_proving, refuse_without_files, run_proving
from tradehall.cli.commands import summary_of
from tradehall.cli.options import Commands, add_command, add_json, add_settings, existing_folder
from tradehall.cli.output import Refused, say, say_json
from tradehall.cli.progress import progress_bar


def add_to(commands: Commands) -> None:
    """Add the command."""
    parser = add_command(
        commands, "verify", run, summary=summary_of("verify"),
        example="tradehall verify --data /srv/tradehall  (a server may be running), tradehall verify --audit FILE",
    )  # fmt: skip
    add_json(parser)
    add_proving(parser)
    add_settings(parser, ["data"])


def run(options: argparse.Namespace) -> None:
    """Verify. Refused if anything is wrong."""
    if options.audit:
        run_proving(options)
        return
    refuse_without_files(options)
    folder = existing_folder(options)
    with closing(SqliteInspection(folder.path)) as files, progress_bar("verifying") as progress:
        result = verify(files, scratch_views(), Snapshots(folder.snapshots), progress)
    trail = _trail(folder)
    if trail.fault:
        result = replace(result, findings=[*result.findings, f"the audit: {trail.fault}"])
    if options.json:
        say_json({"is_sound": result.is_sound, **msgspec.to_builtins(result), "audit_entries": trail.entries})
    else:
        rows = ", ".join(f"{count} {view}" for view, count in result.view_rows.items())
        say(f"{result.records} records, {result.accounts} accounts, {result.snapshots} snapshots; {rows or 'no views'}")
        say(f"{trail.entries} entries of the audit, of {trail.tenants} tenants and the house")
        for finding in result.findings:
            say(f"  {finding}")
    if not result.is_sound:
        raise Refused(f"{folder.path} is not sound: {len(result.findings)} findings")
    if not options.json:
        say("All of it follows from the journal.")


def _trail(folder: DataFolder) -> TrailCheck:
    """A house that only ever decided has a journal, and no records yet."""
    if not folder.records.exists():
        return TrailCheck(0, 0)
    with closing(SqliteRecords(folder.records)) as records:
        return check_trail(SqliteAudit(records))
