"""What commands print: sentences and tables for people, JSON for programs."""

import json
import sys
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec


class Refused(Exception):
    """A command cannot do what was asked; the text says why and what would work."""


class WrongUsage(Exception):
    """Options that do not go together; the text says which would."""


def complain(sentence: str) -> None:
    """A refusal, to standard error."""
    print(f"tradehall: {sentence}", file=sys.stderr)


def say(sentence: str = "") -> None:
    """A line for people, to standard output."""
    print(sentence, flush=True)


def say_json(value: Any) -> None:
    """A value for programs, to standard output."""
    print(json.dumps(msgspec.to_builtins(value), indent=2, ensure_ascii=False))


def say_table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Rows under their heads, in columns as wide as they need; the last one is as long as it likes."""
    lines = [tuple(heads), *map(tuple, rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(heads) - 1)]
    for line in lines:
        cells = [cell.ljust(width) for cell, width in zip(line, widths, strict=False)]
        print("  ".join([*cells, line[-1]]).rstrip())
