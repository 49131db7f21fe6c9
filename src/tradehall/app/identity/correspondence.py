"""Correspondence: letters are decided with what they tell of, and sent though the server may die before."""

import logging
import secrets
from typing import Final

from msgspec.structs import replace

from tradehall.app.identity.book import Book
from tradehall.app.identity.letters import reset_mail, told_old_address
from tradehall.app.identity.mail_post import MailPost
from tradehall.app.identity.room import IdentityRoom, Write
from tradehall.app.records.audit import HOUSE, audit_line
from tradehall.app.records.letters import KIND, Letter, letter_change
from tradehall.app.records.resets import KIND as RESET_KIND
from tradehall.app.records.resets import Reset, ResetStatus, digest_of, reset_change
from tradehall.app.records.users import User
from tradehall.ports.mail import Mail
from tradehall.ports.records import RecordChange, RecordsFault

TOKEN_BYTES: Final = 32

_log: Final = logging.getLogger("tradehall.mail")


class Correspondence:
    """Sends letters that are kept until the post is done with them. `link_base`: the page that takes reset tokens."""

    def __init__(self, room: IdentityRoom, post: MailPost, *, link_base: str) -> None:
        self._room = room
        self._post = post
        self._link_base = link_base

    @property
    def is_full(self) -> bool:
        """Whether no more letters are taken now."""
        return self._post.is_full

    def link(self, token: str) -> str:
        """Where the user of a reset chooses a new password."""
        return f"{self._link_base}?token={token}"

    def send_link(self, letter: Letter, user: User, reset: Reset, token: str) -> None:
        """Send what lets the user choose a new password; ask `is_full` first."""
        self._send(letter, reset_mail(user, self.link(token), reset.expires_at))

    def tell_old_address(self, letter: Letter, user: User) -> None:
        """Tell an address that it is the user's no longer; ask `is_full` first."""
        self._send(letter, told_old_address(user, letter.old_email))

    async def resume(self) -> None:
        """Send what an earlier end of the server left unsent.

        Nobody knows the token of a reset any more, so it gets another one: should its mail have gone out in the last
        moment, the newer one counts.
        """
        for letter in list(self._room.book.letters.values()):
            if self.is_full:
                return
            if letter.reset_id:
                await self._send_new_link(letter)
            else:
                self.tell_old_address(letter, self._room.book.users[letter.user_id])

    async def _send_new_link(self, letter: Letter) -> None:
        token = secrets.token_urlsafe(TOKEN_BYTES)

        def decide(book: Book, now: int) -> tuple[Write | None, tuple[User, Reset] | None]:
            return _renewed(book, now, letter, token)

        found = await self._room.change(decide)
        if found is not None:
            self.send_link(letter, *found, token)

    def _send(self, letter: Letter, mail: Mail) -> None:
        self._post.post(mail, lambda: self._over(letter))

    async def _over(self, letter: Letter) -> None:
        try:
            await self._room.change(lambda book, now: (_over(book, now, letter), None))
        except RecordsFault as fault:
            _log.warning("a letter is done with, but will be sent again after a restart: %s", fault)


def _renewed(book: Book, now: int, letter: Letter, token: str) -> tuple[Write | None, tuple[User, Reset] | None]:
    reset = book.resets.get(letter.reset_id)
    if reset is None or reset.status_at(now) is not ResetStatus.PENDING:
        return _over(book, now, letter), None
    fresh = replace(reset, digest=digest_of(token))
    user = book.users[reset.user_id]
    line = audit_line(HOUSE, now, "mail.again", (RESET_KIND, reset.reset_id), user=user)
    return Write([reset_change(fresh)], [line]), (user, fresh)


def _over(book: Book, now: int, letter: Letter) -> Write | None:
    if letter.letter_id not in book.letters:
        return None
    line = audit_line(HOUSE, now, "mail.over", (KIND, letter.letter_id))
    return Write([RecordChange(KIND, letter.letter_id, None)], [line])


def new_letter(user: User, now: int, *, reset_id: str = "", old_email: str = "") -> tuple[Letter, RecordChange]:
    """A letter that is due now, and what keeps it."""
    letter = Letter("ltr_" + secrets.token_hex(8), user.user_id, now, reset_id, old_email)
    return letter, letter_change(letter)
