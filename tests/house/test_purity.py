"""The pure rooms stay pure, and the state of a shard changes in one place."""

import ast
import re
from pathlib import Path

import pytest

from tests.house.source import (
    PACKAGE,
    PURE_ROOMS,
    lines_matching,
    modules,
    mutations_of_state,
    where,
    writes_to_state,
)

# Words, not only imports: a comment that mentions one of them is in the wrong room as well.
IMPURE = re.compile(r"async |await |logging|float\(|datetime\.now|uuid4|random")


@pytest.mark.parametrize("room", PURE_ROOMS)
def test_a_pure_room_neither_waits_nor_logs_nor_guesses(room: str):
    assert lines_matching(IMPURE, modules(room)) == []


def is_home_of_the_state(file: Path) -> bool:
    """engine/state.py, its neighbours engine/state_*.py, or a folder engine/state/."""
    path = file.relative_to(PACKAGE).parts
    return path[0] == "engine" and path[1].startswith("state")


def test_only_the_home_of_the_state_assigns_to_it():
    strangers = [file for file in modules() if not is_home_of_the_state(file)]
    written = [where(file, line) for file in strangers for line in writes_to_state(parsed(file))]
    assert written == [], "state changes in evolve() alone: emit an event instead"


def test_no_pure_room_changes_a_container_of_the_state():
    strangers = [file for room in PURE_ROOMS for file in modules(room) if not is_home_of_the_state(file)]
    changed = [where(file, line) for file in strangers for line in mutations_of_state(parsed(file))]
    assert changed == [], "state changes in evolve() alone: emit an event instead"


@pytest.mark.parametrize(("text", "is_a_write"), [
    ("state.next_order = 7",                  True),
    ("state.orders[7] = order",               True),
    ("self.state.accounts[1].balance += x",   True),
    ("del state.orders[7]",                   True),
    ("a, state.seq = 1, 2",                   True),
    ("self.state = State()",                  False),
    ("order = state.orders[7]",               False),
    ("assert state.seq == 7",                 False),
    ("status.value = 1",                      False),
])  # fmt: skip
def test_a_write_to_the_state_is_recognised(text: str, is_a_write: bool):
    assert bool(list(writes_to_state(ast.parse(text)))) == is_a_write


@pytest.mark.parametrize(("text", "is_a_change"), [
    ("state.orders.pop(7)",                   True),
    ("self.state.by_symbol[s].append(order)", True),
    ("state.orders.get(7)",                   False),
    ("events.append(event)",                  False),
])  # fmt: skip
def test_a_change_of_a_container_is_recognised(text: str, is_a_change: bool):
    assert bool(list(mutations_of_state(ast.parse(text)))) == is_a_change


def parsed(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf8"))
