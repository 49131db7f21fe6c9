"""The rooms import in one direction, and the contracts that say so can fail."""

import ast
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.house.source import PACKAGE, ROOT, SOURCE, lazy_imports, modules, where


def lint_imports(source: Path) -> subprocess.CompletedProcess[str]:
    """Runs the contracts of pyproject.toml on the package below `source`, without its caches."""
    program = "import sys; from importlinter.cli import lint_imports_command; lint_imports_command()"
    return subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(source)!r}); {program}",
         "--no-cache", "--no-logo", "--config", str(ROOT / "pyproject.toml")],
        cwd=source, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_every_contract_is_kept():
    result = lint_imports(SOURCE)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.fixture
def copy_of_source(tmp_path: Path) -> Path:
    """The modules of the house without their data files, to be spoiled."""
    copy = tmp_path / "src"
    for module in modules():
        goal = copy / module.relative_to(SOURCE)
        goal.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(module, goal)
    return copy


@pytest.mark.parametrize(("what", "file", "text", "contract"), [
    # what is wrong                  where it is written               what is written                      which contract breaks
    ("a clock in the engine",        "engine/spoiled.py",              "import time",                       "The pure rooms never touch the world"),
    ("chance in the domain",         "domain/spoiled.py",              "import random",                     "The pure rooms never touch the world"),
    ("the domain knows the engine",  "domain/spoiled.py",              "import tradehall.engine",           "Rooms import downwards only"),
    ("the app knows an adapter",     "app/spoiled.py",                 "import tradehall.adapters",         "Rooms import downwards only"),
    ("a door in another door",       "faces/client/__init__.py",       "import tradehall.faces.gateway",    "Faces do not know each other"),
    ("the kit knows a door",         "faces/kit/spoiled.py",           "import tradehall.faces.gateway",    "Faces do not know each other"),
    ("the shown knows a door",       "faces/shown/spoiled.py",         "import tradehall.faces.gateway",    "Faces do not know each other"),
    ("a store in another store",     "adapters/postgres/__init__.py",  "import tradehall.adapters.sqlite",  "Adapters do not know each other"),
    ("a room nobody planned",        "utils/__init__.py",              "",                                  "Rooms import downwards only"),
])  # fmt: skip
def test_a_violation_turns_the_gate_red(copy_of_source: Path, what: str, file: str, text: str, contract: str):
    spoiled = copy_of_source / "tradehall" / file
    spoiled.parent.mkdir(parents=True, exist_ok=True)
    with spoiled.open("a", encoding="utf8") as module:
        module.write(f"\n{text}\n")
    (copy_of_source / "tradehall/adapters/sqlite").mkdir(exist_ok=True)
    (copy_of_source / "tradehall/adapters/sqlite/__init__.py").touch()
    result = lint_imports(copy_of_source)
    assert result.returncode == 1, f"{what} went unnoticed:\n{result.stdout}{result.stderr}"
    assert f"{contract} BROKEN" in result.stdout


def test_a_cycle_between_two_modules_turns_the_gate_red(copy_of_source: Path):
    room = copy_of_source / "tradehall" / "domain"
    (room / "spoiled_left.py").write_text("import tradehall.domain.spoiled_right\n", encoding="utf8")
    (room / "spoiled_right.py").write_text("import tradehall.domain.spoiled_left\n", encoding="utf8")
    result = lint_imports(copy_of_source)
    assert result.returncode == 1, result.stdout
    assert "No cycles BROKEN" in result.stdout


def test_no_module_imports_our_own_inside_a_function():
    lazy = [
        where(file, line) for file in modules() for line in lazy_imports(ast.parse(file.read_text(encoding="utf8")))
    ]
    assert lazy == [], "a cycle is not cured by a late import: the shared noun moves left"


def test_every_room_says_what_it_is_for():
    silent = [
        where(file)
        for file in PACKAGE.glob("*/__init__.py")
        if ast.get_docstring(ast.parse(file.read_text(encoding="utf8"))) is None
    ]
    assert silent == []
