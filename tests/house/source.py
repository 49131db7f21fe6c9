"""The source tree as the tests of the house read it: files, functions, imports, targets of assignments."""

import ast
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src"
PACKAGE = SOURCE / "tradehall"
PURE_ROOMS = ("domain", "engine", "venue", "strategies", "watch", "analytics")
UNCOMMITTED_FOLDERS = {
    ".venv",
    ".git",
    ".cache",
    "build",
    "dist",
    "node_modules",
    "tradehall-data",
    "__pycache__",
}


def modules(room: str = "") -> list[Path]:
    """Every module of one room, or of the whole package."""
    return sorted((PACKAGE / room).rglob("*.py"))


def where(file: Path, line: int | None = None) -> str:
    return f"{file.relative_to(ROOT)}" + (f":{line}" if line else "")


def committed_files() -> list[Path]:
    """What git tracks; without git (an unpacked archive), all but environments and builds."""
    try:
        listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return [
            file
            for file in sorted(ROOT.rglob("*"))
            if file.is_file() and not UNCOMMITTED_FOLDERS & set(file.relative_to(ROOT).parts)
        ]
    return [file for name in listed.split("\0") if name and (file := ROOT / name).is_file()]


def lines_matching(pattern: re.Pattern[str], files: list[Path]) -> list[str]:
    """`file:line: text` of every line in which the pattern is found; binary files hold no lines."""
    found: list[str] = []
    for file in files:
        content = file.read_bytes()
        if b"\0" in content:
            continue
        for number, line in enumerate(content.decode("utf8", errors="replace").splitlines(), start=1):
            if pattern.search(line):
                found.append(f"{where(file, number)}: {line.strip()[:120]}")
    return found


@dataclass(slots=True, frozen=True)
class Function:
    name: str  # file::Class.function, as in the list of those that may be long.
    lines: int


def functions(file: Path) -> Iterator[Function]:
    yield from _functions(ast.parse(file.read_text(encoding="utf8")), f"{where(file)}::")


def _functions(node: ast.AST, prefix: str) -> Iterator[Function]:
    for child in ast.iter_child_nodes(node):
        inner = prefix
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            yield Function(prefix + child.name, (child.end_lineno or child.lineno) - child.lineno + 1)
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            inner = f"{prefix}{child.name}."
        yield from _functions(child, inner)


def lazy_imports(tree: ast.AST) -> Iterator[int]:
    """Lines of imports of our own inside functions."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            statements = (inner for inner in ast.walk(node) if isinstance(inner, ast.stmt))
            yield from (inner.lineno for inner in statements if _imports_our_own(inner))


def _imports_our_own(node: ast.stmt) -> bool:
    if isinstance(node, ast.ImportFrom):
        return node.level > 0 or (node.module or "").split(".")[0] == "tradehall"
    return isinstance(node, ast.Import) and any(alias.name.split(".")[0] == "tradehall" for alias in node.names)


def writes_to_state(tree: ast.AST) -> Iterator[int]:
    """Lines that assign to, or delete, anything reached through a name or attribute called `state`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign | ast.Delete):
            targets = node.targets
        elif isinstance(node, ast.AugAssign | ast.AnnAssign):
            targets = [node.target]
        else:
            continue
        for target in targets:
            parts = target.elts if isinstance(target, ast.Tuple | ast.List) else [target]
            if any(_is_reached_through_state(part) for part in parts):
                yield node.lineno


def _is_reached_through_state(target: ast.expr) -> bool:
    while isinstance(target, ast.Attribute | ast.Subscript):
        target = target.value
        if (isinstance(target, ast.Name) and target.id == "state") or (
            isinstance(target, ast.Attribute) and target.attr == "state"
        ):
            return True
    return False


MUTATORS = {
    "append", "extend", "insert", "add", "update", "setdefault", "pop", "popitem", "remove", "discard", "clear", "sort",
}  # fmt: skip


def mutations_of_state(tree: ast.AST) -> Iterator[int]:
    """Lines that call a container's changing method on something reached through `state`."""
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in MUTATORS
            and isinstance(node.func.value, ast.Attribute | ast.Subscript)
            and _is_reached_through_state(node.func.value)
        ):
            yield node.lineno
