"""The C library's heaps: shared by all threads, and given back when nobody uses what is in them."""

import os
import platform
import re
import subprocess
import sys
from textwrap import dedent

import pytest

from tradehall.adapters.heap import HEAPS_MAX

pytestmark = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc has these settings")

SETTINGS = ("MALLOC_ARENA_MAX", "MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_", "GLIBC_TUNABLES")
# Blocks by turns: each second one is let go of, and no heap becomes shorter by it.
HOLES = """
    import ctypes, re
    from tradehall.adapters.heap import give_back
    library = ctypes.CDLL(None)
    library.malloc.restype, library.free.argtypes = ctypes.c_void_p, (ctypes.c_void_p,)
    def resident():
        return int(re.search(r"RssAnon:\\s+(\\d+)", open("/proc/self/status").read())[1])
    blocks = [library.malloc(100_000) for _ in range(500)]
    for block in blocks:
        ctypes.memset(block, 1, 100_000)
    for block in blocks[::2]:
        library.free(block)
    before = resident()
    print(give_back(), before - resident())
"""
# Eight threads at once, each with a block in its hands while the heaps are counted.
THREADS = """
    import ctypes, threading
    from tradehall.adapters.heap import keep_heaps_small
    print(keep_heaps_small())
    library = ctypes.CDLL(None)
    library.malloc.restype = ctypes.c_void_p
    everybody = threading.Barrier(9)
    def work():
        library.malloc(5_000)
        everybody.wait()
        everybody.wait()
    for _ in range(8):
        threading.Thread(target=work).start()
    everybody.wait()
    library.malloc_stats()
    everybody.wait()
"""
# Large blocks come and go by turns, with a small one that stays behind each: as in a server that makes reports.
LARGE = """
    import ctypes, re
    from tradehall.adapters.heap import keep_heaps_small
    keep_heaps_small()
    library = ctypes.CDLL(None)
    library.malloc.restype, library.free.argtypes = ctypes.c_void_p, (ctypes.c_void_p,)
    def resident():
        return int(re.search(r"RssAnon:\\s+(\\d+)", open("/proc/self/status").read())[1])
    before = resident()
    for size in (8 << 20, 8 << 20, 9 << 20, 10 << 20):
        block = library.malloc(size)
        ctypes.memset(block, 1, size)
        stays = library.malloc(2_000)
        library.free(block)
    print(resident() - before)
"""


def said_by(program, **environment):
    env = {name: value for name, value in os.environ.items() if name not in SETTINGS}
    finished = subprocess.run(
        [sys.executable, "-c", dedent(program)], env=env | environment, check=True, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    return finished.stdout


def test_what_lies_between_blocks_in_use_is_given_back():
    gave, kib = said_by(HOLES).split()
    assert gave == "True"
    assert int(kib) > 20_000


def test_threads_share_their_heaps():
    said = said_by(THREADS)
    assert "True" in said
    assert len(re.findall(r"^Arena \d+:", said, re.MULTILINE)) == HEAPS_MAX


@pytest.mark.parametrize(("environment", "is_given_back"), [({}, True), ({"MALLOC_ARENA_MAX": "2"}, False)])
def test_large_blocks_leave_no_holes_unless_an_operator_has_it_otherwise(environment, is_given_back):
    assert (int(said_by(LARGE, **environment)) < 4_000) is is_given_back


def test_what_an_operator_set_stands():
    said = said_by(THREADS, MALLOC_ARENA_MAX="4")
    assert "False" in said
    assert len(re.findall(r"^Arena \d+:", said, re.MULTILINE)) == 4
