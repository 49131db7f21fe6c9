"""Passwords by Argon2id."""

from typing import Final
from unicodedata import normalize

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError

# About 20 ms of one core and 19 MiB for each guess: the smallest that OWASP's table recommends.
TIME_COST: Final = 2
MEMORY_KIB: Final = 19_456
PARALLELISM: Final = 1


class Argon2Passwords:
    """See the port. Other costs than the constants are for tests."""

    def __init__(self, *, time_cost: int = TIME_COST, memory_kib: int = MEMORY_KIB) -> None:
        self._hasher = PasswordHasher(
            time_cost=time_cost, memory_cost=memory_kib, parallelism=PARALLELISM, type=Type.ID
        )

    def hash(self, password: str) -> str:
        """See the port."""
        return self._hasher.hash(_as_typed(password))

    def verify(self, hashed: str, password: str) -> bool:
        """See the port."""
        try:
            return self._hasher.verify(hashed, _as_typed(password))
        except (InvalidHashError, VerificationError):
            return False

    def is_outdated(self, hashed: str) -> bool:
        """See the port."""
        return self._hasher.check_needs_rehash(hashed)


def _as_typed(password: str) -> bytes:
    # One keyboard sends é as one character, another as two; a lone surrogate must not be an error of ours.
    return normalize("NFC", password).encode("utf-8", "surrogatepass")
