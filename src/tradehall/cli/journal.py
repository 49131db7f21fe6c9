"""`tradehall verify` and `tradehall replay`: is what is kept sound, and would we decide the same again?"""

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Final

import msgspec

from tradehall.adapters.data_folder import DataFolder
from tradehall.adapters.sqlite.inspection import SqliteInspection, scratch_views
from tradehall.app.snapshots import Snapshots
from tradehall.app.verification import replay, verify
from tradehall.cli.options import Commands, add_command, add_json, add_settings, existing_folder
from tradehall.cli.output import Refused, progress_bar, say, say_json
from tradehall.engine.replay import Difference

DIFFERENCES_SHOWN_MAX: Final = 20
EVENT_CHARACTERS_MAX: Final = 300


def add_to(commands: Commands) -> None:
    """Add both commands."""
    check = add_command(
        commands, "verify", run_verify,
        summary="check the journal's chain, and that balances, positions and views follow from it",
        example="tradehall verify --data /srv/tradehall  (a server may be running)",
    )  # fmt: skip
    again = add_command(
        commands, "replay", run_replay,
        summary="decide all of history again under today's rules, and compare",
        example="tradehall replay --json",
    )  # fmt: skip
    for parser in (check, again):
        add_json(parser)
        add_settings(parser, ["data"])


def run_verify(options: argparse.Namespace) -> None:
    """Verify. Refused if anything is wrong."""
    folder = existing_folder(options)
    with _inspected(folder) as files, progress_bar("verifying") as progress:
        result = verify(files, scratch_views(), Snapshots(folder.snapshots), progress)
    if options.json:
        say_json({"is_sound": result.is_sound, **msgspec.to_builtins(result)})
    else:
        rows = ", ".join(f"{count} {view}" for view, count in result.view_rows.items())
        say(f"{result.records} records, {result.accounts} accounts, {result.snapshots} snapshots; {rows or 'no views'}")
        for finding in result.findings:
            say(f"  {finding}")
    if not result.is_sound:
        raise Refused(f"{folder.path} is not sound: {len(result.findings)} findings")
    if not options.json:
        say("All of it follows from the journal.")


def run_replay(options: argparse.Namespace) -> None:
    """Decide again. Refused if anything would be decided differently."""
    folder = existing_folder(options)
    with _inspected(folder) as files, progress_bar("deciding again") as progress:
        records = files.head.seq
        differences = replay(files, progress)
        shown = list(islice(differences, DIFFERENCES_SHOWN_MAX))
        count = len(shown) + sum(1 for _ in differences)
    if options.json:
        say_json({"records": records, "difference_count": count, "differences": shown})
    else:
        for difference in shown:
            _tell(difference)
    if count:
        raise Refused(f"{count} of {records} records would be decided differently today")
    if not options.json:
        say(f"{records} records would be decided the same again.")


def _tell(difference: Difference) -> None:
    say(f"record {difference.seq}")
    say(f"  then: {_short(difference.expected)}")
    say(f"  now:  {difference.error or _short(difference.found)}")


def _short(events: object) -> str:
    text = msgspec.json.encode(events).decode()
    return text if len(text) <= EVENT_CHARACTERS_MAX else text[:EVENT_CHARACTERS_MAX] + "…"


@contextmanager
def _inspected(folder: DataFolder) -> Iterator[SqliteInspection]:
    files = SqliteInspection(folder.path)
    try:
        yield files
    finally:
        files.close()
