"""The demo's people: made once, found again at every later start."""

import secrets
from typing import Final

from msgspec import UNSET, Struct

from tradehall.app.demo import CLIENT_ACCOUNT, OTHER_CLIENT_ACCOUNT, ClientSheet, DemoSheet, SupportSheet, TerminalSheet
from tradehall.app.identity.identity import Identity
from tradehall.app.identity.partner_tokens import ADMIN, AGENT, VIEWER
from tradehall.app.identity.terminal_keys import NewTerminalKey
from tradehall.app.identity.users import NewUser
from tradehall.app.records.api_keys import FULL, READ, TERMINAL, TRADE
from tradehall.app.records.audit import Actor
from tradehall.app.records.partners import Partner
from tradehall.app.records.users import DEFAULT_DOMAIN
from tradehall.domain.ids import AccountId

OTHER_DOMAIN: Final = "other.example"
DEMO: Final = Actor("demo", domain=DEFAULT_DOMAIN)
CLIENT: Final = NewUser(
    email="client@demo.example", first_name="Demo", last_name="Client", login=CLIENT_ACCOUNT, email_verified=True
)
OTHER_CLIENT: Final = NewUser(
    email="client2@demo.example", first_name="Second", last_name="Client", login=OTHER_CLIENT_ACCOUNT,
    email_verified=True,
)  # fmt: skip


class DemoPeople(Struct, frozen=True):
    """Their parts of the demo sheet."""

    client: ClientSheet
    client2: ClientSheet
    terminal: TerminalSheet
    support: SupportSheet
    support2: SupportSheet


async def demo_people(identity: Identity, sheet: DemoSheet | None) -> DemoPeople:
    """Make what is missing. What stands on the sheet stays there, unless it opens nothing any more.

    A password that its user has changed since is not changed back: the sheet goes on showing the first one.
    """
    before = sheet or DemoSheet("", UNSET)  # type: ignore[arg-type]
    await _admit(identity, DEFAULT_DOMAIN)
    await _admit(identity, OTHER_DOMAIN)
    return DemoPeople(
        client=await _client(identity, CLIENT, CLIENT_ACCOUNT, before.client or None),
        client2=await _client(identity, OTHER_CLIENT, OTHER_CLIENT_ACCOUNT, before.client2 or None),
        terminal=await _terminal(identity, before.terminal or None),
        support=support_sheet(identity, DEFAULT_DOMAIN),
        support2=other_support_sheet(identity),
    )


def support_sheet(identity: Identity, domain: str) -> SupportSheet:
    """A domain with a fresh token of each role."""
    secret = identity.partners.secret(domain)
    admin, agent, viewer = (
        identity.partner_tokens.mint(domain, role=role, name=f"{role}@{domain}") for role in (ADMIN, AGENT, VIEWER)
    )
    return SupportSheet(domain, secret, admin, agent, viewer)


def other_support_sheet(identity: Identity) -> SupportSheet:
    """The other domain, with a fresh token of an admin."""
    token = identity.partner_tokens.mint(OTHER_DOMAIN, role=ADMIN, name=f"admin@{OTHER_DOMAIN}")
    return SupportSheet(OTHER_DOMAIN, identity.partners.secret(OTHER_DOMAIN), token)


async def _client(identity: Identity, wish: NewUser, login: AccountId, before: ClientSheet | None) -> ClientSheet:
    user = identity.users.of_login(login)
    if user is not None and before is not None:
        return before
    password = secrets.token_urlsafe(12)
    if user is None:
        user = (await identity.users.create(wish, by=DEMO, password=password)).user
    else:
        await identity.signing_in.set_password(user.user_id, password, by=DEMO)
    return ClientSheet(login, password, user.email)


async def _terminal(identity: Identity, before: TerminalSheet | None) -> TerminalSheet:
    return TerminalSheet(
        read=await _terminal_key(identity, READ, before.read if before else ""),
        trade=await _terminal_key(identity, TRADE, before.trade if before else ""),
        full=await _terminal_key(identity, FULL, before.full if before else ""),
    )


async def _terminal_key(identity: Identity, scope: str, secret: str) -> str:
    """The secret on the sheet while it works, else that of a new key."""
    held = identity.book.ring.find(secret)
    if held is not None and held.key.door == TERMINAL and held.key.is_valid(identity.room.clock.now()):
        return secret
    owner = identity.users.of_login(CLIENT_ACCOUNT)
    if owner is not None and not owner.is_active:
        return secret  # A start of the demo does not let in again who was deactivated.
    wish = NewTerminalKey(name=f"demo {scope}", scope=scope)
    _, secret = await identity.keys.create(CLIENT_ACCOUNT, wish, by=DEMO)
    return secret


async def _admit(identity: Identity, domain: str) -> Partner:
    known = identity.book.partners.get(domain)
    return known if known is not None else await identity.partners.create(domain, by=DEMO)
