"""Options that several commands share, and the configuration that comes of them."""

import argparse
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from tradehall.adapters.data_folder import DataFolder
from tradehall.config import SETTINGS, Configured, Setting, read_config

Commands = Any  # argparse keeps the type of its sub-parsers to itself.
Run = Callable[[argparse.Namespace], None]


def add_command(commands: Commands, name: str, run: Run, *, summary: str, example: str) -> argparse.ArgumentParser:
    """A command with its help, an example in it, and the option that names the file of settings."""
    parser: argparse.ArgumentParser = commands.add_parser(
        name,
        help=summary,
        description=_sentence(summary),
        epilog=f"example: {example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--config", metavar="FILE", type=Path, help="settings to read instead of tradehall.toml")
    parser.set_defaults(run=run)
    return parser


def add_group(commands: Commands, name: str, *, summary: str, more: str, example: str) -> Commands:
    """A command that has commands of its own, to be added to what is returned."""
    group = commands.add_parser(
        name,
        help=summary,
        description=f"{_sentence(summary)} {more}",
        epilog=f"example: {example}",
        allow_abbrev=False,
    )
    return group.add_subparsers(dest="action", metavar="action", required=True)


def _sentence(summary: str) -> str:
    return summary[0].upper() + summary[1:] + "."


def add_settings(parser: argparse.ArgumentParser, keys: Iterable[str]) -> None:
    """A flag for each of these settings."""
    group = parser.add_argument_group("settings, also in the environment and in tradehall.toml")
    for key in keys:
        setting = SETTINGS[key]
        group.add_argument(setting.flag, dest=f"set_{key}", metavar=_metavar(setting), help=_help(setting))


def add_json(parser: argparse.ArgumentParser) -> None:
    """The flag for programs."""
    parser.add_argument("--json", action="store_true", help="print JSON")


def settings_with_flags() -> list[str]:
    """All settings that a command line may hold: not secrets, which others could read in the list of processes."""
    return [key for key, setting in SETTINGS.items() if not setting.is_secret and not setting.idle]


def configured(options: argparse.Namespace) -> Configured:
    """The configuration with this command's flags. ConfigMalformed for what cannot be read."""
    given = {key: getattr(options, f"set_{key}", None) for key in SETTINGS}
    return read_config({key: text for key, text in given.items() if text is not None}, file=options.config)


def existing_folder(options: argparse.Namespace) -> DataFolder:
    """The data folder a command is about. DataFolderRefused if there is none."""
    folder = DataFolder(configured(options).config.data)
    folder.require()
    return folder


def _metavar(setting: Setting) -> str:
    return setting.key.rsplit("_", 1)[-1].upper()


def _help(setting: Setting) -> str:
    default = "" if setting.default in (None, (), frozenset()) else f" (default: {shown(setting.default)})"
    return (setting.meaning + default).replace("%", "%%")


def shown(value: Any) -> str:
    """A setting's value as a person would write it."""
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, frozenset):
        return ",".join(sorted(value))
    return "" if value is None or value == () else str(value)
