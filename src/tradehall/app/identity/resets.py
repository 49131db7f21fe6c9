"""Password resets: a token by mail or as a link, good for one new password and not for long."""

import secrets
from collections.abc import Container
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from tradehall.app.identity.book import Book
from tradehall.app.identity.correspondence import TOKEN_BYTES, Correspondence, new_letter
from tradehall.app.identity.letters import masked
from tradehall.app.identity.passwords import RESET_LENGTH_MIN, Passwords, checked_password, password_change
from tradehall.app.identity.refusals import IdentityCode, IdentityRefused, invalid, user_not_found
from tradehall.app.identity.room import IdentityRoom, Write
from tradehall.app.identity.sessions import endings
from tradehall.app.records.audit import Actor, audit_line
from tradehall.app.records.letters import Letter
from tradehall.app.records.resets import KIND, Delivery, Reset, ResetStatus, digest_of, reset_change
from tradehall.app.records.users import User
from tradehall.domain.time import NS_PER_DAY, NS_PER_HOUR, NS_PER_MINUTE, NS_PER_SECOND
from tradehall.ports.records import RecordChange

MINUTES_MIN: Final = 5
MINUTES_MAX: Final = 1_440
MINUTES: Final = 60
TOKEN_LENGTH_MAX: Final = 128
# In any hour.
RESETS_OF_USER_MAX: Final = 3
RESETS_OF_DOMAIN_MAX: Final = 60
KEPT_NS: Final = 30 * NS_PER_DAY


class ResetWish(Struct, frozen=True, kw_only=True):
    """How a reset is to be."""

    delivery: Delivery = Delivery.EMAIL
    minutes: int = MINUTES
    revoke_sessions: bool = True


class Started(Struct, frozen=True):
    """A reset that waits, and its link where it was asked for: it cannot be had again."""

    reset: Reset
    link: str | None

    def __repr__(self) -> str:
        return f"Started(reset_id={self.reset.reset_id!r})"


class Resets:
    """Starts and completes resets."""

    def __init__(self, room: IdentityRoom, passwords: Passwords, letters: Correspondence) -> None:
        self._room = room
        self._passwords = passwords
        self._letters = letters

    def get(self, reset_id: str, *, domain: str | None = None) -> Reset:
        """A reset with its status of now. IdentityRefused where there is none in `domain` (None: anywhere)."""
        reset = self._room.book.resets.get(reset_id)
        if reset is None or domain not in (None, reset.domain):
            raise reset_not_found()
        return replace(reset, status=reset.status_at(self._room.clock.now()))

    async def start(self, user_id: int, wish: ResetWish, *, by: Actor) -> Started:
        """Begin a reset; older ones of the user are cancelled. IdentityRefused: inactive, too many, no phone."""
        if not MINUTES_MIN <= wish.minutes <= MINUTES_MAX:
            raise invalid("expires_in_minutes", f"must be from {MINUTES_MIN} to {MINUTES_MAX}")
        if wish.delivery is Delivery.EMAIL and self._letters.is_full:
            raise IdentityRefused(IdentityCode.BUSY, "too many mails wait to be sent", retry_after_s=60)
        token = secrets.token_urlsafe(TOKEN_BYTES)

        def decide(book: Book, now: int) -> tuple[Write, tuple[Reset, User, Letter]]:
            user = self._required(book, user_id, wish, now)
            reset = Reset(
                "rst_" + secrets.token_hex(8), user_id, user.domain, digest_of(token), wish.delivery,
                masked(user.email if wish.delivery is not Delivery.SMS else user.phone),
                now, now + wish.minutes * NS_PER_MINUTE,
            )  # fmt: skip
            line = audit_line(by, now, "user.password_reset", ("user", user_id), user=user, after=reset)
            ended = endings(book, user_id) if wish.revoke_sessions else []
            letter, kept = new_letter(user, now, reset_id=reset.reset_id)
            changes = [reset_change(reset), *cancelled_resets(book, user_id), *_forgotten(book, user_id, now), *ended]
            changes += [kept] if wish.delivery is Delivery.EMAIL else []
            return Write(changes, [line]), (reset, user, letter)

        reset, user, letter = await self._room.change(decide)
        if wish.delivery is Delivery.EMAIL:
            self._letters.send_link(letter, user, reset, token)
        return Started(reset, self._letters.link(token) if wish.delivery is Delivery.LINK else None)

    def _required(self, book: Book, user_id: int, wish: ResetWish, now: int) -> User:
        user = book.users.get(user_id)
        if user is None:
            raise user_not_found()
        if not user.is_active:
            raise IdentityRefused(IdentityCode.USER_INACTIVE, "the user is inactive")
        if wish.delivery is Delivery.SMS:
            if not user.phone_verified:
                raise IdentityRefused(IdentityCode.PHONE_NOT_VERIFIED, "the user has no verified phone")
            raise IdentityRefused(IdentityCode.DELIVERY_UNAVAILABLE, "this server sends no text messages")
        _require_rate(book, user, now)
        return user

    async def complete(self, token: str, new_password: str, *, address: str) -> User:
        """Give the user of `token` a new password, once; all sessions are ended.

        RESET_NOT_FOUND for a token that is unknown, used, expired or of an inactive user; INVALID_FIELD for
        a password that cannot be: the token stays good then.
        """
        reset = self._pending(self._room.book, token, self._room.clock.now())
        user = self._room.book.users[reset.user_id]
        checked_password(new_password, field="new_password", length_min=RESET_LENGTH_MIN)
        if new_password.lower() == user.email:
            raise invalid("new_password", "is the e-mail address")
        if (await self._passwords.check(user.user_id, new_password)).is_right:
            raise invalid("new_password", "is the last password")
        hashed = await self._passwords.hash(new_password)

        def decide(book: Book, now: int) -> tuple[Write, User]:
            reset = self._pending(book, token, now)
            user = book.users[reset.user_id]
            done = replace(reset, status=ResetStatus.COMPLETED)
            version = book.password_versions.get(user.user_id, 0) + 1
            actor = Actor(user.email, ip=address, domain=user.domain)
            line = audit_line(
                actor, now, "user.password_reset_complete", ("user", user.user_id), user=user, note=reset.reset_id
            )
            changes = [reset_change(done), password_change(user.user_id, hashed, version, now)]
            return Write([*changes, *endings(book, user.user_id)], [line]), user

        return await self._room.change(decide)

    def _pending(self, book: Book, token: str, now: int) -> Reset:
        if len(token) > TOKEN_LENGTH_MAX:
            raise reset_not_found()
        # By digest: how long the search takes tells nothing about any token.
        reset_id = book.pending_resets.get(digest_of(token))
        reset = None if reset_id is None else book.resets[reset_id]
        if reset is None or reset.status_at(now) is not ResetStatus.PENDING:
            raise reset_not_found()
        if not book.users[reset.user_id].is_active:
            raise reset_not_found()
        return reset


def _require_rate(book: Book, user: User, now: int) -> None:
    recent = [reset for reset in book.resets.values() if reset.created_at > now - NS_PER_HOUR]
    own = [reset.created_at for reset in recent if reset.user_id == user.user_id]
    _require_below(own, RESETS_OF_USER_MAX, now)
    theirs = [reset.created_at for reset in recent if reset.domain == user.domain]
    _require_below(theirs, RESETS_OF_DOMAIN_MAX, now)


def _require_below(instants: list[int], most: int, now: int) -> None:
    if len(instants) < most:
        return
    wait_s = -(-(sorted(instants)[-most] + NS_PER_HOUR - now) // NS_PER_SECOND)
    raise IdentityRefused(
        IdentityCode.RATE_LIMITED, f"{most} password resets an hour are possible", retry_after_s=max(1, wait_s)
    )


def cancelled_resets(
    book: Book, user_id: int, deliveries: Container[Delivery] = frozenset(Delivery)
) -> list[RecordChange]:
    """What cancels the resets of a user that wait, of these ways of delivery."""
    older = (book.resets[reset_id] for reset_id in book.resets_of.get(user_id, ()))
    return [
        reset_change(replace(reset, status=ResetStatus.CANCELLED))
        for reset in older
        if reset.status is ResetStatus.PENDING and reset.delivery in deliveries
    ]


def _forgotten(book: Book, user_id: int, now: int) -> list[RecordChange]:
    older = (book.resets[reset_id] for reset_id in book.resets_of.get(user_id, ()))
    return [RecordChange(KIND, reset.reset_id, None) for reset in older if reset.created_at < now - KEPT_NS]


def reset_not_found() -> IdentityRefused:
    """One answer for unknown, used and expired."""
    return IdentityRefused(IdentityCode.RESET_NOT_FOUND, "this reset is unknown, used or expired")
