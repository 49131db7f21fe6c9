"""`tradehall config`: what is in force, where it comes from, and whether a server may start with it."""

import argparse
import re
from typing import Any

import msgspec

from tradehall.cli.commands import summary_of
from tradehall.cli.options import Commands, add_command, add_json, add_settings, configured, settings_with_flags, shown
from tradehall.cli.output import say_json, say_table
from tradehall.config import SETTINGS, Configured, Setting, check_server

MASK = "********"


def add_to(commands: Commands) -> None:
    """Add the command."""
    parser = add_command(
        commands, "config", run, summary=summary_of("config"),
        example="TRADEHALL_PORT=9000 tradehall config",
    )  # fmt: skip
    add_json(parser)
    add_settings(parser, settings_with_flags())


def run(options: argparse.Namespace) -> None:
    """Print, then refuse what `serve` would refuse."""
    found = configured(options)
    if options.json:
        say_json({key: _described(found, setting) for key, setting in SETTINGS.items()})
    else:
        rows = [_row(found, setting) for setting in SETTINGS.values()]
        say_table(("setting", "value", "from", "meaning"), rows)
    check_server(found.config, demo=False)


def _row(found: Configured, setting: Setting) -> tuple[str, str, str, str]:
    meaning = f"no effect: {setting.idle}" if setting.idle else setting.meaning
    return setting.key, _value(found, setting) or "-", found.sources[setting.key], meaning


def _described(found: Configured, setting: Setting) -> dict[str, Any]:
    described = {
        "value": _value(found, setting),
        "source": found.sources[setting.key],
        "variable": setting.variable,
        "meaning": setting.meaning,
    }
    if setting.twin:
        described["twin"] = setting.twin
    if setting.idle:
        described["no_effect"] = setting.idle
    return described


def _value(found: Configured, setting: Setting) -> str:
    value = getattr(found.config, setting.field)
    if setting.is_secret:
        return "" if value is None else MASK
    if setting.key == "subscriptions" and value:
        return msgspec.json.encode(value).decode()
    return re.sub(r"(?<=://)[^/@]*@", MASK + "@", shown(value))  # As in the address of a database.
