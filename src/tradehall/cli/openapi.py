"""`tradehall openapi`: the OpenAPI documents as the doors serve them."""

import argparse

from tradehall.cli.commands import summary_of
from tradehall.cli.options import Commands, add_command, configured
from tradehall.cli.output import say_json
from tradehall.wiring.serving import openapi_document


def add_to(commands: Commands) -> None:
    """Add the command."""
    parser = add_command(
        commands, "openapi", run, summary=summary_of("openapi"),
        example="tradehall openapi --door gateway > gateway.json",
    )  # fmt: skip
    parser.add_argument("--door", help="name of the door (default: all in one document)")


def run(options: argparse.Namespace) -> None:
    """Print."""
    say_json(openapi_document(configured(options).config, options.door))
