"""Words of a command line → one of our commands → exit code: 0 done, 1 refused or failed, 2 wrong usage."""

import argparse
import logging
import os
import sys
from collections.abc import Sequence
from typing import Final

from tradehall import __version__
from tradehall.adapters.data_folder import DataFolderRefused
from tradehall.adapters.house_key import HouseKeyRefused
from tradehall.adapters.sessions.writer import RecordingRefused
from tradehall.app.identity.refusals import IdentityRefused
from tradehall.app.outcome import ShardUnavailable
from tradehall.app.records.api_keys import KeyRefused
from tradehall.cli import backtest, bench, demo, deploy, importing, journal, keys, openapi, parity, serve, show, users
from tradehall.cli.logs import log_to_stderr
from tradehall.cli.output import Refused, WrongUsage, complain
from tradehall.config import ConfigMalformed, ConfigRefused
from tradehall.ports.feed import FeedError
from tradehall.ports.journal import JournalDamaged, JournalRefused
from tradehall.ports.records import RecordsFault
from tradehall.wiring.house import StartRefused

DONE: Final = 0
FAILED: Final = 1
WRONG_USAGE: Final = 2

# What a person can mend: one sentence, no traceback.
EXPECTED: Final = (
    ConfigRefused, DataFolderRefused, FeedError, HouseKeyRefused, IdentityRefused, JournalDamaged, JournalRefused,
    KeyRefused, RecordingRefused, RecordsFault, Refused, ShardUnavailable, StartRefused,
)  # fmt: skip

_log = logging.getLogger("tradehall.cli")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    options = make_parser().parse_args(arguments)
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


def make_parser() -> argparse.ArgumentParser:
    """All commands with their options; each command's parser holds the function that runs it."""
    parser = argparse.ArgumentParser(
        prog="tradehall",
        description="A self-hosted trading-platform server.",
        epilog="example: tradehall serve --demo",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"tradehall {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="command", required=True)
    for module in (serve, demo, keys, users, importing, backtest, parity, deploy, journal, bench, show, openapi):
        module.add_to(commands)
    return parser
