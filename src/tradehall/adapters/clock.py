"""The machine's clock, and one that a simulation moves."""

import time


class SystemClock:
    """Wall-clock time of this machine."""

    def now(self) -> int:
        """The present [ns UTC]."""
        return time.time_ns()


class SimulatedClock:
    """Time that stands still between two steps of a simulation; it begins at `at` [ns UTC]."""

    def __init__(self, at: int) -> None:
        self._at = at

    def now(self) -> int:
        """The simulated present [ns UTC]."""
        return self._at

    def set(self, at: int) -> None:
        """See SettableClock."""
        assert at >= self._at, f"simulated time was {self._at}, cannot go back to {at}"
        self._at = at
