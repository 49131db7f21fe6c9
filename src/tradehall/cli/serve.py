"""`tradehall serve`: the server, in the foreground, until SIGTERM or Ctrl-C."""

import argparse

from tradehall.cli.options import Commands, add_command, add_settings, configured, settings_with_flags
from tradehall.config import check_server


def add_to(commands: Commands) -> None:
    """Add the command."""
    parser = add_command(
        commands, "serve", run,
        summary="start the server, in the foreground",
        example="tradehall serve --demo --port 8080",
    )  # fmt: skip
    parser.add_argument("--demo", action="store_true", help="make accounts to try every door with; loopback only")
    add_settings(parser, settings_with_flags())


def run(options: argparse.Namespace) -> None:
    """Serve."""
    config = configured(options).config
    check_server(config, demo=options.demo)
