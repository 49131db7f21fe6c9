"""Slow hashes of passwords."""

from typing import Protocol


class PasswordHasher(Protocol):
    """Hashes that cost so much that guessing does not pay. Calls block for milliseconds and may run in threads."""

    def hash(self, password: str) -> str:
        """A salted hash of `password`, with its parameters in it."""
        ...

    def verify(self, hashed: str, password: str) -> bool:
        """Whether `hashed` was made of `password`; False for what is no hash."""
        ...

    def is_outdated(self, hashed: str) -> bool:
        """Whether a hash was made with other parameters than one of today would be."""
        ...
