"""Signed tokens."""

from collections.abc import Mapping
from typing import Any, Protocol

from msgspec import Struct


class Peek(Struct, frozen=True):
    """What an unverified token says of itself. Believe nothing of it but which secret to try."""

    algorithm: str
    claims: dict[str, Any]


class TokenMalformed(Exception):
    """What was sent is no token of three parts."""


class Tokens(Protocol):
    """JSON Web Tokens signed with HMAC-SHA256. Claims are judged by whoever asks."""

    def sign(self, claims: Mapping[str, Any], secret: bytes) -> str:
        """A token."""
        ...

    def peek(self, token: str) -> Peek:
        """What it says, unverified. TokenMalformed where it says nothing."""
        ...

    def is_signed(self, token: str, secret: bytes) -> bool:
        """Whether it was signed with `secret`, compared in constant time."""
        ...
