"""The one way to ask what time it is."""

from typing import Protocol


class Clock(Protocol):
    """A source of instants; tests own theirs."""

    def now(self) -> int:
        """The present [ns UTC]. It may go backwards when somebody sets the machine's clock."""
        ...
