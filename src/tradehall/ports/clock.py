"""The one way to ask what time it is."""

from typing import Protocol


class Clock(Protocol):
    """A source of instants; tests own theirs."""

    def now(self) -> int:
        """The present [ns UTC]. It may go backwards when somebody sets the machine's clock."""
        ...


class SettableClock(Clock, Protocol):
    """A clock that stands until whoever owns it moves it on."""

    def set(self, at: int) -> None:
        """Let it be `at` [ns UTC], not earlier than it was."""
        ...
