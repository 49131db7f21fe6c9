"""`tradehall users`: people, operators and partner domains, also while a server runs."""

import argparse
import asyncio
import secrets
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final, TypeVar

from tradehall.adapters.clock import SystemClock
from tradehall.adapters.sqlite.records import SqliteRecords
from tradehall.app.identity.identity import Identity
from tradehall.app.identity.resets import ResetWish
from tradehall.app.identity.status import StatusEffects
from tradehall.app.identity.users import NewUser, split_name
from tradehall.app.principal import NO_ACCOUNT
from tradehall.app.records.api_keys import DASHBOARD, SCOPES, ApiKey, ApiKeys
from tradehall.app.records.audit import Actor
from tradehall.app.records.resets import Delivery
from tradehall.app.records.users import DEFAULT_DOMAIN, SessionType, User
from tradehall.app.studio.room import StudioRoom
from tradehall.app.support.locking import Fate, locked_at_once
from tradehall.cli.commands import summary_of
from tradehall.cli.keys import person, stamp
from tradehall.cli.options import Commands, add_command, add_group, add_json, add_settings, configured, existing_folder
from tradehall.cli.output import say, say_json, say_table
from tradehall.wiring.people import make_identity

ROLES: Final = tuple(each.name.lower() for each in SessionType)

T = TypeVar("T")


def add_to(commands: Commands) -> None:
    """Add the command and its actions."""
    actions = add_group(
        commands, "users", summary=summary_of("users"), more="A running server notices within a second.",
        example="tradehall users create --email mira@example.test --name 'Mira Vogel'",
    )  # fmt: skip
    _add_people(actions)
    _add_domains(actions)
    _add_operators(actions)


def _add_people(actions: Commands) -> None:
    create_ = _action(
        actions, "create", create,
        summary="make a user with an account; a running server opens it",
        example="tradehall users create --email mira@example.test --name 'Mira Vogel'",
    )  # fmt: skip
    create_.add_argument("--email", required=True, help="address, one of a kind in its domain")
    create_.add_argument("--name", required=True, help="first and last name")
    create_.add_argument("--domain", default=DEFAULT_DOMAIN, help=f"tenant (default: {DEFAULT_DOMAIN})")
    create_.add_argument("--group", default="", help="group of the account (default: the first one in USD)")
    create_.add_argument("--leverage", type=int, help="of the account (default: the group's)")
    create_.add_argument("--role", choices=ROLES, default="user", help="what they sign in as (default: user)")
    create_.add_argument("--demo", action="store_true", help="begin with the demo deposit")
    list_ = _action(actions, "list", list_people, summary="list users", example="tradehall users list")
    list_.add_argument("--domain", help="of this tenant only")
    for name, run, summary in (
        ("deactivate", deactivate, "take all sessions, keys and entry orders from a user; deployments pause"),
        ("activate", activate, "let an inactive user sign in again"),
    ):
        parser = _action(actions, name, run, summary=summary, example=f"tradehall users {name} mira@example.test")
        _add_who(parser)
        if run is deactivate:
            fates = [fate.value for fate in Fate]
            parser.add_argument("--deployments", choices=fates, default=Fate.PAUSE.value, help="default: pause")
    reset = _action(
        actions, "reset-password", reset_password,
        summary="make a link with which a user chooses a new password",
        example="tradehall users reset-password mira@example.test",
    )  # fmt: skip
    _add_who(reset)
    reset.add_argument("--minutes", type=int, default=60, help="how long it is good for (default: 60)")
    set_ = _action(
        actions, "set-password", set_password,
        summary="give a user a password: made by chance, or read from standard input",
        example="tradehall users set-password mira@example.test",
    )  # fmt: skip
    _add_who(set_)
    set_.add_argument("--stdin", action="store_true", help="read it from standard input instead")


def _add_domains(actions: Commands) -> None:
    parser = _action(
        actions, "domains", domains,
        summary="list partner domains and their secrets, or change one",
        example="tradehall users domains --create broker.example",
    )  # fmt: skip
    change = parser.add_mutually_exclusive_group()
    change.add_argument("--create", metavar="DOMAIN", help="admit a domain")
    change.add_argument("--renew", metavar="DOMAIN", help="give a domain a new secret; its tokens end")
    change.add_argument("--revoke", metavar="DOMAIN", help="close the door to a domain")


def _add_operators(actions: Commands) -> None:
    parser = _action(
        actions, "operators", operators,
        summary="list operators of the dashboard, or change one",
        example="tradehall users operators --create Olaf --role operator",
    )  # fmt: skip
    change = parser.add_mutually_exclusive_group()
    change.add_argument("--create", metavar="NAME", help="make a token; it is shown this once")
    change.add_argument("--revoke", metavar="TOKEN", help="its id or its shown prefix")
    parser.add_argument("--role", choices=SCOPES[DASHBOARD], default="viewer", help="default: viewer")


def _action(actions: Commands, name: str, run: Any, *, summary: str, example: str) -> argparse.ArgumentParser:
    parser = add_command(actions, name, run, summary=summary, example=example)
    add_json(parser)
    add_settings(parser, ["data", "public_url"])
    return parser


def _add_who(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("user", help="number or e-mail address")
    parser.add_argument("--domain", default=DEFAULT_DOMAIN, help=f"tenant (default: {DEFAULT_DOMAIN})")
    parser.add_argument("--reason", default="", help="for the audit")


# People.


def create(options: argparse.Namespace) -> None:
    """Make a user with a password by chance."""
    first, last = split_name(options.name)
    wish = NewUser(
        email=options.email, first_name=first, last_name=last, domain=options.domain, group=options.group,
        leverage=options.leverage, session_type=SessionType(ROLES.index(options.role)), is_demo=options.demo,
    )  # fmt: skip
    password = secrets.token_urlsafe(12)
    made = _with_identity(options, lambda people: people.users.create(wish, by=_actor(options), password=password))
    if options.json:
        say_json({**described(made.user), "login": made.login, "password": password})
        return
    say(f"{made.user.name} is user {made.user.user_id} and signs in as {made.login}.")
    say("The password, which is shown this once:")
    say(password)


def list_people(options: argparse.Namespace) -> None:
    """List users."""
    with opened_identity(options) as people:
        users = people.users.all(domain=options.domain)
        seen = {user.user_id: people.users.signed_in_at(user.user_id) for user in users}
    if options.json:
        say_json([{**described(user), "last_login_at": stamp(seen[user.user_id])} for user in users])
        return
    heads = ("id", "domain", "email", "status", "logins", "last sign-in", "name")
    say_table(heads, [_row(user, seen[user.user_id]) for user in users])


def deactivate(options: argparse.Namespace) -> None:
    """Take everything from a user."""

    async def lock(people: Identity, user: User) -> tuple[StatusEffects, tuple[int, ...]]:
        room = StudioRoom(people.room.store, people.room.clock)
        fate = Fate(options.deployments)
        return await locked_at_once(people, room, user.user_id, fate, cancel_orders=True, by=_actor(options))

    user, (effects, deployments) = _with_user(options, lock)
    if options.json:
        told = {
            "sessions_revoked": effects.sessions_revoked, "keys_revoked": effects.keys_revoked,
            "deployments_changed": deployments if effects.is_changed else (),
        }  # fmt: skip
        say_json({**described(effects.user), "effects": told})
    elif not user.is_active:
        say(f"{user.name} is inactive already")
    else:
        say(f"{user.name} is inactive: {effects.sessions_revoked} sessions and {effects.keys_revoked} keys are revoked")


def activate(options: argparse.Namespace) -> None:
    """Let a user sign in again."""
    _, effects = _with_user(options, lambda people, user: people.status.reactivate(user.user_id, by=_actor(options)))
    if options.json:
        say_json(described(effects.user))
    else:
        say(f"{effects.user.name} may sign in; keys have to be made anew")


def reset_password(options: argparse.Namespace) -> None:
    """Make a link for a new password."""
    wish = ResetWish(delivery=Delivery.LINK, minutes=options.minutes)
    user, started = _with_user(
        options, lambda people, user: people.resets.start(user.user_id, wish, by=_actor(options))
    )
    if options.json:
        say_json({
            "reset_id": started.reset.reset_id, "user_id": user.user_id, "link": started.link,
            "expires_at": stamp(started.reset.expires_at),
        })  # fmt: skip
        return
    say(f"With this link {user.name} chooses a new password, once, until {stamp(started.reset.expires_at)}:")
    say(str(started.link))


def set_password(options: argparse.Namespace) -> None:
    """Give a user a password; sessions end."""
    password = sys.stdin.readline().rstrip("\r\n") if options.stdin else secrets.token_urlsafe(12)
    user, _ = _with_user(
        options, lambda people, user: people.signing_in.set_password(user.user_id, password, by=_actor(options))
    )
    if options.json:
        say_json({**described(user), **({} if options.stdin else {"password": password})})
        return
    say(f"{user.name} has a new password" + ("" if options.stdin else ", which is shown this once:"))
    if not options.stdin:
        say(password)


# Partner domains and operators.


def domains(options: argparse.Namespace) -> None:
    """List partner domains with their secrets, after a change if one was asked for."""
    with opened_identity(options) as people:
        asyncio.run(_change_domain(people, options))
        found = [
            (partner, "" if partner.revoked_at else people.partners.secret(partner.domain))
            for partner in people.partners.all()
        ]
    if options.json:
        say_json([
            {"domain": each.domain, "secret": secret or None, "status": "closed" if each.revoked_at else "open",
             "created_at": stamp(each.created_at)}
            for each, secret in found
        ])  # fmt: skip
        return
    rows = [(each.domain, "closed" if each.revoked_at else "open", secret) for each, secret in found]
    say_table(("domain", "status", "secret"), rows)


async def _change_domain(people: Identity, options: argparse.Namespace) -> None:
    actor = _actor(options)
    if options.create:
        await people.partners.create(options.create, by=actor)
    elif options.renew:
        await people.partners.renew_secret(options.renew, by=actor)
    elif options.revoke:
        await people.partners.revoke(options.revoke, by=actor)


def operators(options: argparse.Namespace) -> None:
    """List operators, make one, or take a token back."""
    store = SqliteRecords(existing_folder(options).records)
    try:
        keys = ApiKeys(store, SystemClock(), actor=_actor(options).name)
        if options.create:
            key, secret = keys.create(NO_ACCOUNT, door=DASHBOARD, name=options.create, scopes=(options.role,))
            _say_operators(options, [key], secret)
            return
        if options.revoke:
            keys.revoke(options.revoke)
        _say_operators(options, [key for key in keys.all() if key.door == DASHBOARD])
    finally:
        store.close()


def _say_operators(options: argparse.Namespace, keys: list[ApiKey], secret: str = "") -> None:
    now = SystemClock().now()
    told = [
        {"id": key.key_id, "name": key.name, "role": key.scopes[0], "prefix": key.prefix, "status": key.status(now)}
        for key in keys
    ]
    if options.json:
        say_json({**told[0], "token": secret} if secret else told)
        return
    say_table(("id", "begins", "role", "status", "name"), [
        (each["id"], each["prefix"] + "…", each["role"], each["status"], each["name"]) for each in told
    ])  # fmt: skip
    if secret:
        say("The token, which is shown this once:")
        say(secret)


# Shared.


@contextmanager
def opened_identity(options: argparse.Namespace) -> Iterator[Identity]:
    """Identity on a data folder, beside a server that may be running."""
    folder, config = existing_folder(options), configured(options).config
    store = SqliteRecords(folder.records)
    try:
        identity = make_identity(config, folder, store, SystemClock(), demo=True)
        try:
            yield identity
        finally:
            identity.close()
    finally:
        store.close()


def _with_identity(options: argparse.Namespace, do: Callable[[Identity], Awaitable[T]]) -> T:
    async def story(people: Identity) -> T:
        return await do(people)

    with opened_identity(options) as people:
        return asyncio.run(story(people))


def _with_user(options: argparse.Namespace, do: Callable[[Identity, User], Awaitable[T]]) -> tuple[User, T]:
    async def story(people: Identity) -> tuple[User, T]:
        user = people.users.find(options.user, domain=options.domain)
        return user, await do(people, user)

    return _with_identity(options, story)


def _actor(options: argparse.Namespace) -> Actor:
    return Actor(f"command line, {person()}", role="admin", reason=getattr(options, "reason", ""))


def described(user: User) -> dict[str, Any]:
    """A user for programs."""
    return {
        "id": user.user_id,
        "domain": user.domain,
        "email": user.email,
        "name": user.name,
        "status": user.status.value,
        "role": user.session_type.name.lower(),
        "logins": user.logins,
        "created_at": stamp(user.created_at),
        "version": user.version,
    }


def _row(user: User, seen_at: int | None) -> tuple[str, ...]:
    logins = ",".join(map(str, user.logins))
    return (
        str(user.user_id), user.domain, user.email, user.status.value, logins, stamp(seen_at) or "never", user.name,
    )  # fmt: skip
