"""A place in the JSON of a definition: its value, its path, and what can be said against it."""

import re
from collections.abc import Collection, Iterable, Iterator
from decimal import Decimal, InvalidOperation
from difflib import get_close_matches
from enum import StrEnum
from typing import Any, Final, TypeVar

from tradehall.strategies.definition import DIGITS_MAX, PROBLEMS_MAX, Problem

NUMBER: Final = re.compile(r"-?\d{1,15}(\.\d{1,28})?", re.ASCII)
_SIMPLE_KEY: Final = re.compile(r"[A-Za-z_]\w{0,63}", re.ASCII)
_QUOTED_MAX: Final = 40

Choice = TypeVar("Choice", bound=StrEnum)


class Spot:
    """A value and where it stands; complaints of all places of one definition go to one list."""

    __slots__ = ("path", "problems", "value")

    def __init__(self, value: Any, path: str = "", problems: list[Problem] | None = None) -> None:
        self.value = value
        self.path = path
        self.problems: list[Problem] = [] if problems is None else problems

    def complain(self, problem: str) -> None:
        """Note what is wrong here; beyond `PROBLEMS_MAX` nobody reads on."""
        if len(self.problems) < PROBLEMS_MAX:
            self.problems.append(Problem(self.path, problem))

    def key(self, name: str) -> "Spot":
        """The value under a key of an object."""
        shown = name if _SIMPLE_KEY.fullmatch(name) else f"[{quoted(name)}]"
        dot = "." if self.path and shown is name else ""
        return Spot(self.value[name], f"{self.path}{dot}{shown}", self.problems)

    def items(self) -> Iterator["Spot"]:
        """The values of a list."""
        for number, value in enumerate(self.value):
            yield Spot(value, f"{self.path}[{number}]", self.problems)

    def has(self, name: str) -> bool:
        """Whether an object says something under a key: null is nothing."""
        return self.value.get(name) is not None

    def is_object(self, keys: Iterable[str], *, needs: Iterable[str] = ()) -> bool:
        """Whether it is an object of known keys, the needed ones among them; what is not is noted."""
        if not isinstance(self.value, dict):
            self.complain(f"must be an object, was {quoted(self.value)}")
            return False
        keys, is_fine = tuple(keys), True
        for name in self.value:
            if name not in keys:
                self.complain(unknown("key", name, keys))
                is_fine = False
        for name in needs:
            if not self.has(name):
                self.complain(f"{name!r} is missing")
                is_fine = False
        return is_fine

    def is_list(self, at_least: int, at_most: int) -> bool:
        """Whether it is a list of a length in bounds; what is not is noted."""
        if not isinstance(self.value, list | tuple):
            self.complain(f"must be a list, was {quoted(self.value)}")
            return False
        if at_least <= len(self.value) <= at_most:
            return True
        bounds = f"{at_least}" if at_least == at_most else f"{at_least} to {at_most}"
        self.complain(f"must have {bounds} elements, had {len(self.value)}")
        return False

    def number(self, minimum: Decimal | int | None = None, maximum: Decimal | int | None = None) -> Decimal | None:
        """The number in a text such as "1.5" (or a JSON number) within bounds, both inclusive."""
        number = as_number(self.value)
        if number is None:
            self.complain(f'must be a number such as "1.5", was {quoted(self.value)}')
            return None
        return number if self._is_within(number, minimum, maximum) else None

    def positive(self) -> Decimal | None:
        """A number above zero."""
        number = self.number()
        if number is not None and number <= 0:
            self.complain(f"must be above 0, was {self.value}")
            return None
        return number

    def whole(self, minimum: int, maximum: int) -> int | None:
        """A whole number within bounds, both inclusive."""
        number = as_number(self.value)
        if number is None or number != number.to_integral_value():
            self.complain(f"must be a whole number, was {quoted(self.value)}")
            return None
        return int(number) if self._is_within(number, minimum, maximum) else None

    def text(self) -> str | None:
        """A text."""
        if isinstance(self.value, str):
            return self.value
        self.complain(f"must be a text, was {quoted(self.value)}")
        return None

    def choice(self, what: str, kind: type[Choice]) -> Choice | None:
        """A member of an enumeration, by its value."""
        name = self.one_of(what, [member.value for member in kind])
        return None if name is None else kind(name)

    def one_of(self, what: str, names: Collection[str]) -> str | None:
        """One of some texts."""
        if isinstance(self.value, str) and self.value in names:
            return self.value
        self.complain(unknown(what, self.value, names))
        return None

    def _is_within(self, number: Decimal, minimum: Decimal | int | None, maximum: Decimal | int | None) -> bool:
        if minimum is not None and number < minimum:
            self.complain(f"must be at least {minimum}, was {number}")
            return False
        if maximum is not None and number > maximum:
            self.complain(f"must be at most {maximum}, was {number}")
            return False
        return True


def as_number(value: Any) -> Decimal | None:
    """A finite number of bounded length, or None."""
    if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal):
        return None
    text = value if isinstance(value, str) else _plain(value)
    if text is None or not NUMBER.fullmatch(text) or len(text) > DIGITS_MAX + 2:
        return None
    return Decimal(text)


def _plain(value: Any) -> str | None:
    """Digits of a JSON number, without an exponent."""
    try:
        number = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
        return format(number, "f") if number.is_finite() and abs(number.adjusted()) < DIGITS_MAX else None
    except InvalidOperation:
        return None


def quoted(value: Any) -> str:
    """What somebody wrote, cut to a length that fits into a sentence."""
    if isinstance(value, dict | list | tuple):
        return "an object" if isinstance(value, dict) else "a list"
    if isinstance(value, int) and not isinstance(value, bool) and value.bit_length() > 128:
        return "a number of many digits"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    shown = repr(value)
    return shown if len(shown) <= _QUOTED_MAX else f"{shown[: _QUOTED_MAX - 1]}…"


def unknown(what: str, value: Any, names: Collection[str]) -> str:
    """A sentence about a word that is not known, with the word that may have been meant."""
    if not isinstance(value, str):
        return f"must be the name of a {what}, was {quoted(value)}"
    meant = get_close_matches(value[:_QUOTED_MAX], names, n=1) or [
        name for name in names if name.lower() == value.lower()[:_QUOTED_MAX]
    ]
    if meant:
        return f"unknown {what} {quoted(value)}; did you mean {meant[0]!r}?"
    listed = ", ".join(sorted(names)) if len(names) <= 12 else ""
    return f"unknown {what} {quoted(value)}" + (f"; known: {listed}" if listed else "")
