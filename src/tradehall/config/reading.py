"""Reads the configuration: flags beat the environment, which beats tradehall.toml, which beats defaults.

This is the only module that looks at the environment.
"""

import difflib
import os
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec

from tradehall.config.settings import PREFIX, SETTINGS, Config, Setting

FILE_NAME: Final = "tradehall.toml"
FILE_VARIABLE: Final = PREFIX + "CONFIG"

LIVE_PROVIDERS: Final = ("alpaca", "binance_spot", "binance_futures", "oanda", "saxo", "tektii")


class ConfigMalformed(Exception):
    """Something that cannot be read; the text names it, and says what was expected."""


class ConfigRefused(Exception):
    """Readable, but not what this server may or can do; the text says why."""


@dataclass(frozen=True, slots=True)
class Configured:
    """A Config, and where each of its values came from: `flag`, `environment`, `file` or `default`."""

    config: Config
    sources: Mapping[str, str]


def read_config(
    flags: Mapping[str, str] | None = None,
    *,
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
    file: Path | None = None,
) -> Configured:
    """The configuration in force. ConfigMalformed for what cannot be read.

    `flags` by setting key; `file` instead of `tradehall.toml` in `folder` (the current one), which may be
    absent. An empty variable counts as unset.
    """
    environment = os.environ if environment is None else environment
    texts: dict[str, tuple[str, str, str]] = {}  # Key → its text, where from, and what to call it in a complaint.
    for key, text, name in _from_file(_path(environment, folder or Path(), file)):
        texts[key] = (text, "file", name)
    for key, text, name in _from_environment(environment):
        texts[key] = (text, "environment", name)
    for key, text in (flags or {}).items():
        texts[key] = (text, "flag", SETTINGS[key].flag)
    found = {SETTINGS[key].field: _read(SETTINGS[key], text, name) for key, (text, _, name) in texts.items()}
    sources = {key: texts[key][1] if key in texts else "default" for key in SETTINGS}
    return Configured(Config(**found), sources)


def check_server(config: Config, *, demo: bool) -> None:
    """Refuse what a server must not or cannot do: ConfigRefused with one sentence."""
    for refusal in _refusals(config, demo):
        raise ConfigRefused(refusal)


def _refusals(config: Config, demo: bool) -> Iterator[str]:
    if config.mode == "live":
        yield "mode live is not built in yet: this version trades on paper (mode paper) and through the past (backtest)"
    if config.mode == "backtest":
        yield from _backtest_refusals(config)
    if config.store.startswith(("postgres://", "postgresql://")):
        yield "the PostgreSQL store is not built in yet: use store sqlite"
    if config.store != "sqlite":
        yield f"store {config.store} is unknown: expected sqlite"
    yield from _provider_refusals(config)
    if config.account_stop_out_level > config.account_margin_call_level:
        yield (
            f"account_stop_out_level {config.account_stop_out_level} is above account_margin_call_level"
            f" {config.account_margin_call_level}: the call comes first"
        )
    try:
        config.venue_settings()
    except ValueError as error:
        yield f"the venue's settings contradict each other: {error}"
    if not config.is_on_loopback:
        yield from _refusals_off_loopback(config, demo)


def _backtest_refusals(config: Config) -> Iterator[str]:
    if config.record is not None:
        yield "mode backtest runs through what was recorded before: leave record unset"
    if not config.feed.startswith("replay:"):
        yield f"mode backtest runs through recorded prices, and feed is {config.feed}: set feed replay: and a path"
    if config.from_ is not None and config.to is not None and config.from_ >= config.to:
        yield "the period of the backtest is empty: `from` must be before `to`"


def _provider_refusals(config: Config) -> Iterator[str]:
    if config.provider in LIVE_PROVIDERS:
        yield f"provider {config.provider} is not built in yet: use simulated"
    if config.provider not in ("simulated", "mock"):
        yield f"provider {config.provider} is unknown: expected simulated or mock"
    if config.feed != "sim" and not config.feed.startswith("replay:"):
        yield f"feed {config.feed} is unknown: expected sim, or replay: and a path"


def _refusals_off_loopback(config: Config, demo: bool) -> Iterator[str]:
    if demo:
        yield f"--demo gives accounts away and runs on loopback only; host is {config.host}"
    if config.api_key is None:
        yield (
            f"host {config.host} can be reached from elsewhere, and the gateway door has no key:"
            " set GATEWAY_API_KEY (32 characters or more) or use host 127.0.0.1"
        )
    if config.dashboard_auth == "open":
        yield f"the dashboard is open to callers of this machine alone; host is {config.host}: set dashboard_auth token"
    if not config.rate_limits:
        yield f"rate limits can be off on loopback only; host is {config.host}"


def _path(environment: Mapping[str, str], folder: Path, file: Path | None) -> Path | None:
    named = file or (Path(environment[FILE_VARIABLE]) if environment.get(FILE_VARIABLE) else None)
    if named is not None:
        return folder / named
    usual = folder / FILE_NAME
    return usual if usual.exists() else None


def _from_file(path: Path | None) -> Iterator[tuple[str, str, str]]:
    if path is None:
        return
    try:
        with path.open("rb") as file:
            tables = tomllib.load(file)
    except OSError as error:
        raise ConfigMalformed(f"{path} cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigMalformed(f"{path} is not valid TOML: {error}") from None
    for name, value in _flattened(tables, ""):
        key = name.replace(".", "_")
        if key not in SETTINGS:
            raise ConfigMalformed(f"{name} in {path} is no setting{_perhaps(key, SETTINGS)}")
        yield key, _text(value, f"{name} in {path}"), f"{name} in {path}"


def _flattened(table: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    """`[account] deposit = 5` is `account.deposit`, another spelling of account_deposit."""
    for name, value in table.items():
        if isinstance(value, dict):
            yield from _flattened(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value


def _text(value: Any, name: str) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, str | int):
        return str(value)
    if isinstance(value, float):
        return format(value, "f") if value != value.__trunc__() else str(int(value))
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return ",".join(value)
    if isinstance(value, list) and all(isinstance(item, dict) for item in value):
        return msgspec.json.encode(value).decode()
    raise ConfigMalformed(f"{name} is neither text nor a number nor a switch nor a list of texts")


def _from_environment(environment: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    known = {name: key for key, setting in SETTINGS.items() for name in setting.variables}
    for name in environment:
        if name.startswith(PREFIX) and name not in known and name != FILE_VARIABLE:
            raise ConfigMalformed(f"{name} in the environment is no setting{_perhaps(name, known)}")
    for key, setting in SETTINGS.items():
        given = next((name for name in setting.variables if environment.get(name)), None)
        if given is not None:
            yield key, environment[given], given


def _perhaps(name: str, known: Mapping[str, object]) -> str:
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.7)
    return f"; did you mean {close[0]}?" if close else "; `tradehall config` prints all there are"


def _read(setting: Setting, text: str, name: str) -> Any:
    try:
        return setting.read(text.strip())
    except ValueError as error:
        shown = "" if setting.is_secret else f" was {text!r},"
        raise ConfigMalformed(f"{name}{shown or ':'} {error}") from None
