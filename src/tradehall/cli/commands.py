"""The commands: what each is for, and which module has its options and runs it.

A command's module is loaded when the command is asked for: what a backtest needs takes a second to load, and
`tradehall --help` none of it.
"""

from collections.abc import Mapping
from importlib import import_module
from typing import Final, NamedTuple, Protocol, cast

from tradehall.cli.options import Commands


class Command(NamedTuple):
    """`module`: in this folder, with `add_to`."""

    module: str
    summary: str


COMMANDS: Final[Mapping[str, Command]] = {
    "serve": Command("serve", "start the server, in the foreground"),
    "demo": Command("demo", "print the demo's addresses, accounts and secrets"),
    "keys": Command("keys", "make, list, revoke and rotate keys"),
    "users": Command("users", "people, operators and partner domains"),
    "import": Command("importing", "check recorded market data and keep it in the data folder"),
    "backtest": Command("backtest", "run a strategy over recorded data"),
    "parity": Command("parity", "run a recorded session again, and tell every divergence with its cause"),
    "deploy": Command("deploy", "run a program as a strategy, and run it again when it ends, until it is stopped"),
    "verify": Command("verify", "check that all follows from the journal, or that an export of the audit is whole"),
    "audit": Command("audit", "write the audit to a file that proves itself, and print the key that checks it"),
    "replay": Command("replay", "decide all of history again under today's rules, and compare"),
    "bench": Command("bench", "measure the canonical workloads (needs the repository)"),
    "config": Command("show", "print the settings in force, secrets masked"),
    "openapi": Command("openapi", "print the OpenAPI document of one door or of all"),
}


class CommandModule(Protocol):
    """What a command's module has."""

    def add_to(self, commands: Commands) -> None:
        """Add the command with its options, and the function that runs it."""


def summary_of(name: str) -> str:
    """What a command is for."""
    return COMMANDS[name].summary


def load(name: str) -> CommandModule:
    """The module of a command."""
    return cast(CommandModule, import_module(f"tradehall.cli.{COMMANDS[name].module}"))
