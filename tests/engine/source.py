"""The engine's source as a tree: who makes which refusal, and in which words?"""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import tradehall
from tradehall.domain.rejection import RejectCode

PACKAGE = Path(tradehall.__file__).parent


class Maker(NamedTuple):
    """A function that makes a refusal, and the first sentence of its docstring."""

    where: str
    claim: str


def makers_of_rejections() -> dict[RejectCode, set[Maker]]:
    """For each code, the functions of the whole package that hold a `Rejection(RejectCode.…` of it."""
    found: dict[RejectCode, set[Maker]] = {code: set() for code in RejectCode}
    for file in sorted(PACKAGE.rglob("*.py")):
        for function in _functions(ast.parse(file.read_text(encoding="utf8"))):
            claim = (ast.get_docstring(function) or "").split("\n")[0]
            maker = Maker(f"{file.relative_to(PACKAGE).as_posix()}:{function.name}", claim)
            for code in _codes(function):
                found[code].add(maker)
    return found


def _functions(tree: ast.Module) -> Iterator[ast.FunctionDef]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


def _codes(function: ast.FunctionDef) -> Iterator[RejectCode]:
    for node in ast.walk(function):
        match node:
            case ast.Call(func=ast.Name(id="Rejection"), args=[ast.Attribute(attr=code), *_]):
                yield RejectCode[code]
