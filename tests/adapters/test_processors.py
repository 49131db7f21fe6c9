"""Processors are counted as the process may use them."""

import os

import pytest

from tradehall.adapters.processors import processors

OURS = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@pytest.mark.parametrize(("told", "expected"), [
    ("max 100000\n",    OURS),
    ("50000 100000\n",  0.5),
    ("400000 400000\n", 1.0),
    (f"{(OURS + 1) * 1000} 1000\n", OURS),
    ("",                OURS),
    ("what?\n",         OURS),
    (None,              OURS),
])  # fmt: skip
def test_a_groups_quota_counts_where_it_is_less(tmp_path, told, expected):
    quota = tmp_path / "cpu.max"
    if told is not None:
        quota.write_text(told)
    assert processors(quota) == expected


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="only Linux lets a process choose its processors")
def test_its_mask_counts(tmp_path):
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    try:
        assert processors(tmp_path / "none") == 1
    finally:
        os.sched_setaffinity(0, before)
