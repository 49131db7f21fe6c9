"""The machine's clock."""

import time


class SystemClock:
    """Wall-clock time of this machine."""

    def now(self) -> int:
        """The present [ns UTC]."""
        return time.time_ns()
