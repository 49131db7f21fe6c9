"""All that a shard keeps on disk, behind one word."""

from typing import Protocol

from tradehall.ports.journal import Journal
from tradehall.ports.views import Views, ViewStore


class Store(Protocol):
    """A journal and the views written with it. One server at a time."""

    @property
    def journal(self) -> Journal:
        """The records."""
        ...

    @property
    def views(self) -> Views:
        """Queries over the views."""
        ...

    @property
    def view_store(self) -> ViewStore:
        """The rows of the views."""
        ...

    def close(self) -> None:
        """Let go of everything; the writer has stopped."""
        ...
