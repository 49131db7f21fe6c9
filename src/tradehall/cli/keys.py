"""`tradehall keys`: make, list, revoke and rotate the keys of accounts, also while a server runs."""

import argparse
import getpass
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from tradehall.adapters.clock import SystemClock
from tradehall.adapters.sqlite.records import SqliteRecords
from tradehall.app.principal import NO_ACCOUNT
from tradehall.app.records.api_keys import (
    ALL_SCOPES,
    DASHBOARD,
    FULL,
    GATEWAY,
    PREFIXES,
    SCOPES,
    TERMINAL,
    VIEWER,
    ApiKey,
    ApiKeys,
)
from tradehall.cli.commands import summary_of
from tradehall.cli.options import Commands, add_command, add_group, add_json, add_settings, existing_folder
from tradehall.cli.output import WrongUsage, say, say_json, say_table
from tradehall.domain.time import NS_PER_DAY, NS_PER_HOUR, NS_PER_MINUTE, NS_PER_SECOND, to_rfc3339

DEFAULT_SCOPES: Final = {GATEWAY: ALL_SCOPES, TERMINAL: (FULL,), DASHBOARD: (VIEWER,)}
_SPANS: Final = {"s": NS_PER_SECOND, "m": NS_PER_MINUTE, "h": NS_PER_HOUR, "d": NS_PER_DAY}


def add_to(commands: Commands) -> None:
    """Add the command and its four."""
    actions = add_group(
        commands, "keys", summary=summary_of("keys"), more="A running server notices within a second.",
        example="tradehall keys create --account 700001 --name robot",
    )  # fmt: skip
    _add_create(actions)
    _add_list(actions)
    _add_revoke(actions)
    _add_rotate(actions)


def _add_create(actions: Commands) -> None:
    parser = _add_action(
        actions, "create", create,
        summary="make a key for an account; its secret is shown this once",
        example="tradehall keys create --account 700001 --name robot --expires 30d",
    )  # fmt: skip
    parser.add_argument("--account", type=_account, help="number of the account the key opens; none for a dashboard")
    parser.add_argument("--door", choices=sorted(PREFIXES), default="gateway", help="which door (default: gateway)")
    parser.add_argument("--name", default="", help="what to remember it by")
    parser.add_argument(
        "--scopes", type=_scopes, metavar="SCOPES",
        help="gateway: read or read,trade (default); terminal: read, trade or full (default);"
        " dashboard: viewer (default) or operator",
    )  # fmt: skip
    parser.add_argument("--live", action="store_true", help="a terminal key of a real account, tk_live_")
    parser.add_argument("--allow", action="append", default=[], metavar="NETWORK", help="only from there; repeatable")
    parser.add_argument("--expires", type=_span, metavar="SPAN", help="when: 90m, 12h, 30d from now")


def _add_list(actions: Commands) -> None:
    parser = _add_action(
        actions, "list", list_keys, summary="list keys, oldest first", example="tradehall keys list --account 700001"
    )
    parser.add_argument("--account", type=_account, help="of this account only")


def _add_revoke(actions: Commands) -> None:
    parser = _add_action(
        actions, "revoke", revoke, summary="close a key for good", example="tradehall keys revoke key_1f0c53c4a9b2d7e8"
    )
    parser.add_argument("key", help="its id or its shown prefix")


def _add_rotate(actions: Commands) -> None:
    parser = _add_action(
        actions, "rotate", rotate,
        summary="give a key a new secret",
        example="tradehall keys rotate key_1f0c53c4a9b2d7e8 --grace 1h",
    )  # fmt: skip
    parser.add_argument("key", help="its id or its shown prefix")
    parser.add_argument("--grace", type=_span, default=0, metavar="SPAN", help="how long the old one still works: 1h")


def _add_action(actions: Commands, name: str, run: Any, *, summary: str, example: str) -> argparse.ArgumentParser:
    parser = add_command(actions, name, run, summary=summary, example=example)
    add_json(parser)
    add_settings(parser, ["data"])
    return parser


def create(options: argparse.Namespace) -> None:
    """Make a key."""
    door = options.door
    if (options.account is None) != (door == DASHBOARD):
        needed = "may not be given" if door == DASHBOARD else "is required"
        raise WrongUsage(f"--account {needed} for a key of the {door} door")
    with _keys(options) as keys:
        key, secret = keys.create(
            options.account or NO_ACCOUNT, door=door, name=options.name, scopes=options.scopes or DEFAULT_SCOPES[door],
            lifetime_ns=options.expires, ip_allow=tuple(options.allow), is_live=options.live,
        )  # fmt: skip
    _say_secret(options, key, secret)


def list_keys(options: argparse.Namespace) -> None:
    """List keys, revoked and expired ones too."""
    with _keys(options) as keys:
        found = [key for key in keys.all() if options.account in (None, key.account_id)]
        uses = keys.last_uses()
    now = SystemClock().now()
    if options.json:
        say_json([_described(key, now, uses.get(key.key_id)) for key in found])
        return
    heads = ("id", "begins", "account", "scopes", "status", "last used", "expires", "name")
    say_table(heads, [_row(key, now, uses.get(key.key_id)) for key in found])


def revoke(options: argparse.Namespace) -> None:
    """Close a key."""
    with _keys(options) as keys:
        key = keys.revoke(options.key)
    if options.json:
        say_json(_described(key, SystemClock().now(), None))
    else:
        say(f"{key.key_id} ({key.prefix}…) opens nothing any more")


def rotate(options: argparse.Namespace) -> None:
    """Give a key a new secret."""
    with _keys(options) as keys:
        key, secret = keys.rotate(options.key, grace_ns=options.grace)
    _say_secret(options, key, secret)


def _say_secret(options: argparse.Namespace, key: ApiKey, secret: str) -> None:
    if options.json:
        say_json({**_described(key, key.created_at, None), "secret": secret})
        return
    what = f"account {key.account_id} at " if key.account_id else ""
    say(f"{key.key_id} opens {what}the {key.door} door ({', '.join(key.scopes)}).")
    say("Its secret, which is shown this once:")
    say(secret)


@contextmanager
def _keys(options: argparse.Namespace) -> Iterator[ApiKeys]:
    store = SqliteRecords(existing_folder(options).records)
    try:
        yield ApiKeys(store, SystemClock(), actor=f"command line, {person()}")
    finally:
        store.close()


def person() -> str:
    """Who is at the command line, for the audit."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # A user id without a name, as containers have.
        return "unknown"


def _row(key: ApiKey, now: int, used_at: int | None) -> tuple[str, ...]:
    return (
        key.key_id, key.prefix + "…", str(key.account_id or "none"), ",".join(key.scopes), key.status(now),
        stamp(used_at) or "never", stamp(key.expires_at) or "never", key.name,
    )  # fmt: skip


def _described(key: ApiKey, now: int, used_at: int | None) -> dict[str, Any]:
    return {
        "id": key.key_id,
        "door": key.door,
        "prefix": key.prefix,
        "account": key.account_id or None,
        "scopes": key.scopes,
        "name": key.name,
        "ip_allow": key.ip_allow,
        "status": key.status(now),
        "created_at": stamp(key.created_at),
        "last_used_at": stamp(used_at),
        "expires_at": stamp(key.expires_at),
        "revoked_at": stamp(key.revoked_at),
    }


def stamp(at: int | None) -> str | None:
    """An instant [ns UTC] for people, to the second."""
    return None if at is None else to_rfc3339(at - at % NS_PER_SECOND)


def _account(text: str) -> int:
    if re.fullmatch(r"[1-9]\d{0,17}", text, re.ASCII):
        return int(text)
    raise argparse.ArgumentTypeError(f"{text} is no account number such as 700001")


def _scopes(text: str) -> tuple[str, ...]:
    words = text.split(",")
    scopes = tuple(dict.fromkeys(word for known in SCOPES.values() for word in known if word in words))
    if len(scopes) == len(words):
        return scopes
    raise argparse.ArgumentTypeError(f"{text} was given, expected read or read,trade; full; viewer or operator")


def _span(text: str) -> int:
    if re.fullmatch(r"\d{1,6}[smhd]", text, re.ASCII):
        return int(text[:-1]) * _SPANS[text[-1]]
    raise argparse.ArgumentTypeError(f"{text} is no span such as 90m, 12h or 30d")
