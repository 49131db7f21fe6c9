"""The C library's heaps, kept small: what threads let go of is given back.

glibc gives nearly every thread a heap of its own, and each stays as large as the largest work it ever did; once a large
block was freed, later ones of its size are cut out of a heap too, and leave holes: mallopt(3), M_ARENA_MAX and
M_MMAP_THRESHOLD; malloc_trim(3). Other C libraries have none of these functions, and need none.
"""

import ctypes
import os
from functools import cache
from typing import Any, Final

# All threads but the first share one heap: they take turns at the interpreter anyway.
HEAPS_MAX: Final = 2
# Blocks of this size have pages of their own, for as long as they live: the bars of a backtest, a page of a report.
BLOCK_BYTES: Final = 1 << 20
# Numbers of <malloc.h>, which never change: M_ARENA_MAX, M_MMAP_THRESHOLD, M_TRIM_THRESHOLD.
_SETTINGS: Final = ((-8, HEAPS_MAX), (-3, BLOCK_BYTES), (-1, 2 * BLOCK_BYTES))
# Who sets one of these has thought about it.
_SET_BY_OPERATOR: Final = (
    "MALLOC_ARENA_MAX", "MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_", "GLIBC_TUNABLES",
)  # fmt: skip


def keep_heaps_small() -> bool:
    """From now on few heaps, without large blocks; to be called before the first thread starts.

    False: that cannot be, or an operator has set it otherwise.
    """
    library = _library()
    if not hasattr(library, "mallopt") or any(name in os.environ for name in _SET_BY_OPERATOR):
        return False
    return all(library.mallopt(number, value) for number, value in _SETTINGS)


def give_back() -> bool:
    """Give pages that nobody uses back to the system, some milliseconds' work; False: there were none, or it cannot."""
    library = _library()
    return hasattr(library, "malloc_trim") and bool(library.malloc_trim(0))


@cache
def _library() -> Any:
    return ctypes.CDLL(None)
