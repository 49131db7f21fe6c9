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
    from tradehall.adapters.heap import share_heaps
    print(share_heaps())
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


def said_by(program, **environment):
    env = {name: value for name, value in os.environ.items() if name not in ("MALLOC_ARENA_MAX", "GLIBC_TUNABLES")}
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


def test_what_an_operator_set_stands():
    said = said_by(THREADS, MALLOC_ARENA_MAX="4")
    assert "False" in said
    assert len(re.findall(r"^Arena \d+:", said, re.MULTILINE)) == 4
