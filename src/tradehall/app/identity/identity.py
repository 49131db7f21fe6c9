"""Identity, put together: what a server or a command needs of people and their credentials."""

import asyncio
import logging
from decimal import Decimal
from typing import Final

from msgspec import Struct

from tradehall.app.desk import Desk
from tradehall.app.identity.account_steps import AccountSteps
from tradehall.app.identity.book import Book
from tradehall.app.identity.correspondence import Correspondence
from tradehall.app.identity.mail_post import MailPost
from tradehall.app.identity.partner_tokens import PartnerTokens
from tradehall.app.identity.partners import Partners
from tradehall.app.identity.passwords import Passwords
from tradehall.app.identity.resets import Resets
from tradehall.app.identity.room import IdentityRoom, Write
from tradehall.app.identity.secrets import HouseSecrets
from tradehall.app.identity.sessions import Sessions
from tradehall.app.identity.sign_in_limits import SignInLimits
from tradehall.app.identity.signing_in import SigningIn
from tradehall.app.identity.status import UserStatusDesk
from tradehall.app.identity.terminal_keys import TerminalKeys
from tradehall.app.identity.users import Users
from tradehall.app.outcome import ShardUnavailable
from tradehall.app.records import sessions
from tradehall.app.records.audit import HOUSE, audit_line
from tradehall.ports.clock import Clock
from tradehall.ports.mail import Mailer
from tradehall.ports.passwords import PasswordHasher
from tradehall.ports.records import RecordChange, RecordsFault, RecordStore
from tradehall.ports.tokens import Tokens

# Steps that could not be done are tried again this often; deactivation must be complete within a second.
LOOK_EVERY_S: Final = 0.5
PRUNE_EVERY_S: Final = 600.0
PRUNED_AT_ONCE_MAX: Final = 10_000

log: Final = logging.getLogger("tradehall.identity")


class IdentitySettings(Struct, frozen=True, kw_only=True):
    """What can be set. `deposit`: of a demo account, in its currency; `link_base`: the page for resets."""

    deposit: Decimal = Decimal(0)
    sign_up_is_open: bool = False
    is_live: bool = False
    link_base: str = "http://127.0.0.1:8080/ui/reset"


class Tools(Struct, frozen=True):
    """What identity needs of the world."""

    store: RecordStore
    clock: Clock
    hasher: PasswordHasher
    tokens: Tokens
    mailer: Mailer
    house_key: bytes

    def __repr__(self) -> str:
        return "Tools(…)"


class Identity:
    """People, sessions, keys, partners. Reads the store when made; RecordsFault if that fails.

    Without `attach` (the command line) what the engine must do waits for a server.
    """

    def __init__(self, tools: Tools, settings: IdentitySettings) -> None:
        secrets = HouseSecrets(tools.house_key)
        self.answers_secret = secrets.answers
        self.room = IdentityRoom(tools.store, tools.clock)
        self.limits = SignInLimits(tools.clock, tools.store)
        self.passwords = Passwords(tools.store, tools.hasher)
        self.post = MailPost(tools.mailer)
        self.letters = Correspondence(self.room, self.post, link_base=settings.link_base)
        self.steps = AccountSteps(self.room)
        self.sessions = Sessions(self.room.book, tools.clock, tools.tokens, secrets.sessions)
        self.partner_tokens = PartnerTokens(self.room.book, tools.clock, tools.tokens, secrets)
        self.users = Users(
            self.room, self.steps, self.passwords, self.limits, self.letters,
            deposit=settings.deposit, sign_up_is_open=settings.sign_up_is_open,
        )  # fmt: skip
        self.signing_in = SigningIn(self.room, self.steps, self.passwords, self.limits, self.sessions)
        self.status = UserStatusDesk(self.room, self.steps)
        self.resets = Resets(self.room, self.passwords, self.letters)
        self.keys = TerminalKeys(self.room, is_live=settings.is_live)
        self.partners = Partners(self.room, secrets)

    @property
    def book(self) -> Book:
        """What is known; read it, never change it."""
        return self.room.book

    async def attach(self, desk: Desk) -> None:
        """The engine takes wishes: do what an earlier end of the server, or a command, left undone."""
        self.steps.attach(desk)
        await asyncio.to_thread(self.passwords.warm)
        await self.steps.do()
        await self.letters.resume()

    async def reload(self) -> None:
        """Another process changed the store: take it in, and do what it asks of the engine."""
        await self.room.reload()
        await self._do_steps()

    async def run(self) -> None:
        """Try again what could not be done, forget what has expired; until cancelled."""
        looks = 0
        while True:
            await self._do_steps()
            if looks % int(PRUNE_EVERY_S / LOOK_EVERY_S) == 0:
                await self._prune()
            looks += 1
            await asyncio.sleep(LOOK_EVERY_S)

    def close(self) -> None:
        """Let go of threads, and of mail that was not sent: it is sent after the next start."""
        self.post.close()
        self.passwords.close()

    async def _do_steps(self) -> None:
        try:
            await self.steps.do()
        except (ShardUnavailable, RecordsFault) as fault:
            log.warning("accounts do not follow their users yet, trying again: %s", fault)

    async def _prune(self) -> None:
        try:
            await self.limits.forget()
            await self.room.change(expired_sessions_forgotten)
        except RecordsFault as fault:
            log.warning("expired sessions could not be forgotten: %s", fault)


def expired_sessions_forgotten(book: Book, now: int) -> tuple[Write | None, None]:
    """Sessions that are over need no room."""
    over = [jti for jti, session in book.sessions.items() if session.expires_at <= now][:PRUNED_AT_ONCE_MAX]
    line = audit_line(HOUSE, now, "session.expire", (sessions.KIND, ""), note=f"{len(over)} sessions")
    return (Write([RecordChange(sessions.KIND, jti, None) for jti in over], [line]) if over else None), None
