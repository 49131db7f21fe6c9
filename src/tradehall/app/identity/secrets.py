"""Secrets that follow from the house's key: none of them is kept anywhere."""

import base64
import hashlib
import hmac


class HouseSecrets:
    """What the one key of the house is good for; its text shows nothing."""

    __slots__ = ("_key",)

    def __init__(self, key: bytes) -> None:
        assert len(key) >= 32, f"the house's key had {len(key)} bytes, must have at least 32"
        self._key = key

    @property
    def sessions(self) -> bytes:
        """What signs session tokens."""
        return self._derived("session")

    @property
    def audit(self) -> bytes:
        """From which the key that signs exports of the audit follows: 32 bytes."""
        return self._derived("audit")

    @property
    def answers(self) -> bytes:
        """What the fingerprints of requests are made with that have been answered."""
        return self._derived("answers")

    def partner(self, domain: str, generation: int) -> bytes:
        """What a partner domain signs its tokens with, as it is given to the partner."""
        return base64.urlsafe_b64encode(self._derived("partner", domain, str(generation))).rstrip(b"=")

    def _derived(self, *purpose: str) -> bytes:
        # A zero byte cannot be part of a domain: no two purposes can read alike.
        return hmac.digest(self._key, "\0".join(purpose).encode(), hashlib.sha256)

    def __repr__(self) -> str:
        return "HouseSecrets(…)"
