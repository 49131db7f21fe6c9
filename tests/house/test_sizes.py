"""Rooms, not halls: files and functions have a size at which one looks for the second idea."""

from itertools import chain
from pathlib import Path

from tests.house.source import PACKAGE, functions, modules, where

FILE_LINES_MAX = 500
FILE_LINES_P90_MAX = 350
FUNCTION_LINES_MAX = 70

# `file::Class.function` → why it is better long. An entry that is no longer needed has to go.
LONG_FOR_A_REASON: dict[str, str] = {}


def test_no_file_is_a_hall():
    lengths = {where(file): line_count for file in modules() if (line_count := lines(file)) > FILE_LINES_MAX}
    assert lengths == {}


def test_most_files_are_small():
    lengths = sorted(count for file in modules() if (count := lines(file)))
    assert lengths[int(len(lengths) * 0.9)] <= FILE_LINES_P90_MAX


def test_no_function_is_long_without_a_reason():
    long = {
        function.name: function.lines
        for function in chain.from_iterable(functions(file) for file in modules())
        if function.lines > FUNCTION_LINES_MAX
    }
    assert long.keys() == LONG_FOR_A_REASON.keys(), long


def test_types_are_shipped():
    assert (PACKAGE / "py.typed").exists()


def lines(file: Path) -> int:
    return file.read_text(encoding="utf8").count("\n")
