"""Words of a command line → one of our commands → exit code: 0 done, 1 refused or failed, 2 wrong usage."""

import argparse
import logging
import os
import sys
from collections.abc import Collection, Sequence
from typing import Final

from tradehall import __version__
from tradehall.adapters.data_folder import DataFolderRefused
from tradehall.adapters.heap import keep_heaps_small
from tradehall.adapters.house_key import HouseKeyRefused
from tradehall.adapters.sessions.refusals import RecordingRefused
from tradehall.app.identity.refusals import IdentityRefused
from tradehall.app.outcome import ShardUnavailable
from tradehall.app.records.api_keys import KeyRefused
from tradehall.cli.commands import COMMANDS, load
from tradehall.cli.logs import log_to_stderr
from tradehall.cli.output import Refused, WrongUsage, complain
from tradehall.config import ConfigMalformed, ConfigRefused
from tradehall.ports.feed import FeedError
from tradehall.ports.journal import JournalDamaged, JournalRefused
from tradehall.ports.records import RecordsFault
from tradehall.ports.signing import SigningUnavailable
from tradehall.wiring.refusals import StartRefused

DONE: Final = 0
FAILED: Final = 1
WRONG_USAGE: Final = 2

# What a person can mend: one sentence, no traceback.
EXPECTED: Final = (
    ConfigRefused, DataFolderRefused, FeedError, HouseKeyRefused, IdentityRefused, JournalDamaged, JournalRefused,
    KeyRefused, RecordingRefused, RecordsFault, Refused, ShardUnavailable, SigningUnavailable, StartRefused,
)  # fmt: skip

_log = logging.getLogger("tradehall.cli")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    words = sys.argv[1:] if arguments is None else arguments
    # No option before the command takes a value.
    asked = next((word for word in words if not word.startswith("-")), "")
    if asked == "serve":
        keep_heaps_small()  # Before its module is loaded: libraries start threads then.
    options = make_parser({asked}).parse_args(words)
    log_to_stderr("info")
    try:
        options.run(options)
        sys.stdout.flush()
        return DONE
    except (ConfigMalformed, WrongUsage) as malformed:
        complain(str(malformed))
        return WRONG_USAGE
    except EXPECTED as refusal:
        complain(str(refusal))
        return FAILED
    except KeyboardInterrupt:
        complain("interrupted")
        return FAILED
    except BrokenPipeError:
        # Whoever read our output has left; the interpreter must not complain about it at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except Exception:
        _log.exception("%s failed, which it should not: please report the lines below", options.command)
        return FAILED


def make_parser(wanted: Collection[str] = COMMANDS.keys()) -> argparse.ArgumentParser:
    """All commands; those that are `wanted` with their options and the function that runs them."""
    parser = argparse.ArgumentParser(
        prog="tradehall",
        description="A self-hosted trading-platform server.",
        epilog="example: tradehall serve --demo",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"tradehall {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="command", required=True)
    for name, command in COMMANDS.items():
        if name in wanted:
            load(name).add_to(commands)
        else:
            commands.add_parser(name, help=command.summary)
    return parser
