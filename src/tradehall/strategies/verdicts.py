"""What a condition says at a bar, and the arithmetic of three answers."""

from enum import IntEnum
from typing import Final

from msgspec import Struct

# The number of a bar that is before all others.
NEVER: Final = -(1 << 40)


class Verdict(IntEnum):
    """The order is that of truth: `all` is the least of its parts, `any` the greatest, `not` 2 minus."""

    UNMET = 0
    UNKNOWN = 1  # Warming up: an indicator, or the past, is not long enough.
    MET = 2


class Shown(Struct, frozen=True):
    """A value as it was looked at; `value` None: not known yet."""

    text: str
    value: float | None


class Explanation(Struct, frozen=True):
    """A condition at one bar: where it stands, in plain words, the values it saw, its verdict, its parts."""

    path: str
    text: str
    verdict: Verdict
    values: tuple[Shown, ...] = ()
    parts: "tuple[Explanation, ...]" = ()
