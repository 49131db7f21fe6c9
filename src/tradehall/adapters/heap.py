"""The C library's heaps, kept small: what threads let go of is given back.

glibc gives nearly every thread a heap of its own, and each stays as large as the largest work it ever did: mallopt(3),
M_ARENA_MAX; malloc_trim(3). Other C libraries have neither function, and need neither.
"""

import ctypes
import os
from functools import cache
from typing import Any, Final

# All threads but the first share one heap: they take turns at the interpreter anyway.
HEAPS_MAX: Final = 2
_ARENA_MAX: Final = -8  # M_ARENA_MAX of <malloc.h>: a number that never changes.
# Who sets one of these has thought about it.
_SET_BY_OPERATOR: Final = ("MALLOC_ARENA_MAX", "GLIBC_TUNABLES")


def share_heaps() -> bool:
    """Let all threads share HEAPS_MAX heaps, from before the first of them starts; False: that cannot be, or is set."""
    library = _library()
    if not hasattr(library, "mallopt") or any(name in os.environ for name in _SET_BY_OPERATOR):
        return False
    return bool(library.mallopt(_ARENA_MAX, HEAPS_MAX))


def give_back() -> bool:
    """Give pages that nobody uses back to the system, some milliseconds' work; False: there were none, or it cannot."""
    library = _library()
    return hasattr(library, "malloc_trim") and bool(library.malloc_trim(0))


@cache
def _library() -> Any:
    return ctypes.CDLL(None)
