"""`tradehall replay`: would we decide the same again?"""

import argparse
from contextlib import closing
from itertools import islice
from typing import Final

import msgspec

from tradehall.adapters.sqlite.inspection import SqliteInspection
from tradehall.app.verification import replay
from tradehall.cli.commands import summary_of
from tradehall.cli.options import Commands, add_command, add_json, add_settings, existing_folder
from tradehall.cli.output import Refused, say, say_json
from tradehall.cli.progress import progress_bar
from tradehall.engine.replay import Difference

DIFFERENCES_SHOWN_MAX: Final = 20
EVENT_CHARACTERS_MAX: Final = 300


def add_to(commands: Commands) -> None:
    """Add the command."""
    parser = add_command(commands, "replay", run, summary=summary_of("replay"), example="tradehall replay --json")
    add_json(parser)
    add_settings(parser, ["data"])


def run(options: argparse.Namespace) -> None:
    """Decide again. Refused if anything would be decided differently."""
    folder = existing_folder(options)
    with closing(SqliteInspection(folder.path)) as files, progress_bar("deciding again") as progress:
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
