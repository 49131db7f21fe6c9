"""`tradehall serve`: the server, in the foreground, until SIGTERM or Ctrl-C."""

import argparse
import signal

from tradehall.cli.commands import summary_of
from tradehall.cli.logs import log_to_stderr
from tradehall.cli.options import Commands, add_command, add_settings, configured, settings_with_flags
from tradehall.cli.output import say
from tradehall.cli.progress import progress_bar
from tradehall.config import check_server
from tradehall.wiring.serving import run_server


def add_to(commands: Commands) -> None:
    """Add the command."""
    parser = add_command(
        commands, "serve", run, summary=summary_of("serve"),
        example="tradehall serve --demo --port 8080",
    )  # fmt: skip
    parser.add_argument("--demo", action="store_true", help="make accounts to try every door with; loopback only")
    add_settings(parser, settings_with_flags())


def run(options: argparse.Namespace) -> None:
    """Serve."""
    config = configured(options).config
    check_server(config, demo=options.demo)
    log_to_stderr(config.log_level, in_background=True)
    # Until the server listens for it: a start that is told to stop has nothing to save.
    signal.signal(signal.SIGTERM, _leave)
    with progress_bar("reading the journal") as progress:
        run_server(config, demo=options.demo, say=say, progress=progress)


def _leave(number: int, frame: object) -> None:
    raise SystemExit(0)
