"""Password resets: how somebody who lost a password gets a new one, once and not for long."""

import hashlib
from enum import StrEnum
from typing import Final

import msgspec
from msgspec import Struct

from tradehall.ports.records import RecordChange

KIND: Final = "password_reset"


class ResetStatus(StrEnum):
    """What became of a reset; an expired one is told by the clock, not by its record."""

    PENDING = "pending"
    COMPLETED = "completed"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


class Delivery(StrEnum):
    """How the token reaches its user; a link is shown to who asked, once."""

    EMAIL = "email"
    SMS = "sms"
    LINK = "link"


class Reset(Struct, frozen=True, omit_defaults=True):
    """A reset; instants in ns UTC. `digest` is the SHA-256 of the token in hex, `sent_to` is masked."""

    reset_id: str
    user_id: int
    domain: str
    digest: str
    delivery: Delivery
    sent_to: str
    created_at: int
    expires_at: int
    status: ResetStatus = ResetStatus.PENDING

    def status_at(self, now: int) -> ResetStatus:
        """What it is at `now` [ns UTC]."""
        if self.status is ResetStatus.PENDING and now >= self.expires_at:
            return ResetStatus.EXPIRED
        return self.status


def reset_change(reset: Reset) -> RecordChange:
    """What keeps a reset."""
    return RecordChange(KIND, reset.reset_id, msgspec.json.encode(reset))


def digest_of(token: str) -> str:
    """What a token is kept as."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
