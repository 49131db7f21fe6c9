"""Signatures that anybody can check who knows the house's public key, and nobody can make who knows it alone."""

from collections.abc import Callable
from typing import Final, Protocol, TypeAlias

KEY_BYTES: Final = 32
SIGNATURE_BYTES: Final = 64

# public key, message, signature → whether the signature is the key's. SigningUnavailable.
CheckSignature: TypeAlias = Callable[[bytes, bytes, bytes], bool]


class SigningUnavailable(Exception):
    """This machine can neither sign nor check; the text says why, and what would help."""


class Signer(Protocol):
    """Holds a private key and shows it to nobody. Ed25519 (RFC 8032): equal messages have equal signatures."""

    @property
    def public_key(self) -> bytes:
        """32 bytes that may be told to all. SigningUnavailable."""
        ...

    def sign(self, message: bytes) -> bytes:
        """64 bytes. SigningUnavailable."""
        ...
