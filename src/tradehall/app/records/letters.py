"""Letters: what the house still has to write to somebody. Their words, and the secrets in them, are kept nowhere."""

from typing import Final

import msgspec
from msgspec import Struct

from tradehall.ports.records import RecordChange

KIND: Final = "letter"


class Letter(Struct, frozen=True, omit_defaults=True):
    """A letter to a user, due since `at` [ns UTC], until it is sent or given up.

    `reset_id`: it brings the link of that reset. Without one it tells `old_email` that another address took its place.
    """

    letter_id: str
    user_id: int
    at: int
    reset_id: str = ""
    old_email: str = ""


def letter_change(letter: Letter) -> RecordChange:
    """What keeps a letter."""
    return RecordChange(KIND, letter.letter_id, msgspec.json.encode(letter))
