"""What a projection may read of a record."""

from typing import Protocol

from tradehall.engine.events import AnyEvent


class Facts(Protocol):
    """A record, or as much of one as was decoded."""

    @property
    def seq(self) -> int:
        """Number of the record."""
        ...

    @property
    def now(self) -> int:
        """When it was decided [ns UTC]."""
        ...

    @property
    def events(self) -> tuple[AnyEvent, ...]:
        """What happened, in order."""
        ...
