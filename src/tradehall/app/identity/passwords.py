"""Passwords: their rules, and checking them in threads of their own, in equal time for everybody."""

import asyncio
import os
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

import msgspec
from msgspec import Struct

from tradehall.app.identity.refusals import IdentityCode, IdentityRefused, invalid
from tradehall.app.records.users import PASSWORD_KIND, PasswordRecord
from tradehall.ports.passwords import PasswordHasher
from tradehall.ports.records import RecordChange, RecordStore

LENGTH_MIN: Final = 6
LENGTH_MAX: Final = 64
# A new password by a reset has to be a little longer.
RESET_LENGTH_MIN: Final = 8
# Beyond this many who wait for a thread, callers are told to come later: each waits some 20 ms a place.
WAITING_MAX: Final = 200
BUSY_RETRY_S: Final = 2

T = TypeVar("T")


class Checked(Struct, frozen=True):
    """What a check found: `version` is that of the password looked at, 0 where there is none."""

    is_right: bool
    version: int = 0
    is_outdated: bool = False


class Passwords:
    """Makes and checks hashes. Each check does the same work, whether the user exists or not."""

    def __init__(self, store: RecordStore, hasher: PasswordHasher) -> None:
        self._store = store
        self._hasher = hasher
        # Half of the cores: a storm of sign-ins must leave room for orders.
        self._threads = ThreadPoolExecutor(max(1, (os.cpu_count() or 1) // 2), "passwords")
        self._waiting = 0
        self._decoy: str | None = None

    async def check(self, user_id: int, password: str) -> Checked:
        """Whether that is the password of the user; `user_id` 0 is nobody. IdentityRefused when too busy."""
        return await self._in_thread(lambda: self._check(user_id, password))

    async def hash(self, password: str) -> str:
        """The hash of a new password. IdentityRefused when too busy."""
        return await self._in_thread(lambda: self._hasher.hash(password))

    def close(self) -> None:
        """Let go of the threads."""
        self._threads.shutdown(wait=True, cancel_futures=True)

    async def _in_thread(self, work: Callable[[], T]) -> T:
        if self._waiting >= WAITING_MAX:
            raise IdentityRefused(
                IdentityCode.BUSY, "too many are signing in, try again in a moment", retry_after_s=BUSY_RETRY_S
            )
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        finally:
            self._waiting -= 1

    def _check(self, user_id: int, password: str) -> Checked:
        body = self._store.get(PASSWORD_KIND, str(user_id))
        record = None if body is None else msgspec.json.decode(body, type=PasswordRecord)
        hashed = self._decoy_hash() if record is None else record.hash
        is_right = self._hasher.verify(hashed, password)
        if record is None:
            return Checked(is_right=False)
        return Checked(is_right, record.version, is_right and self._hasher.is_outdated(record.hash))

    def _decoy_hash(self) -> str:
        """The hash of something nobody can type."""
        if self._decoy is None:
            self._decoy = self._hasher.hash(secrets.token_urlsafe(32))
        return self._decoy

    def warm(self) -> None:
        """Make the decoy, so that not even the first unknown login takes longer."""
        self._decoy_hash()


def password_change(user_id: int, hashed: str, version: int, now: int) -> RecordChange:
    """What keeps a new password."""
    record = PasswordRecord(hashed, version, now)
    return RecordChange(PASSWORD_KIND, str(user_id), msgspec.json.encode(record))


def checked_password(password: str, *, field: str = "password", length_min: int = LENGTH_MIN) -> str:
    """`password` where it may be one; IdentityRefused otherwise."""
    if length_min <= len(password) <= LENGTH_MAX:
        return password
    raise invalid(field, f"must have {length_min} to {LENGTH_MAX} characters")
