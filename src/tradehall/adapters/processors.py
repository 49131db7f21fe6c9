"""How many processors there are for this process: a container often has fewer than its machine."""

import os
from contextlib import suppress
from pathlib import Path
from typing import Final

# What Linux grants a group of processes: time in each period, both in microseconds, or the word max (cgroups(7)).
QUOTA: Final = Path("/sys/fs/cgroup/cpu.max")


def processors(quota: Path = QUOTA) -> float:
    """Processors that it may use at a time, by its mask and by its group's quota, where there are such."""
    count: float = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    with suppress(OSError, ValueError):
        granted_us, period_us = map(int, quota.read_text().split())
        count = min(count, granted_us / period_us)
    return count
