"""What commands print: sentences and tables for people, JSON for programs."""

import json
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

import msgspec
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

BAR_AFTER_S: Final = 1.0


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


@contextmanager
def progress_bar(what: str) -> Iterator[Callable[[int, int], None]]:
    """A bar on standard error for work that takes over a second; call it with what is done, and of how much.

    Where nobody watches (no terminal) nothing is drawn.
    """
    bar = Progress(
        TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed:,.0f}/{task.total:,.0f}"),
        TimeRemainingColumn(), console=Console(stderr=True), transient=True,
    )  # fmt: skip
    task = bar.add_task(what, total=None)
    started = time.monotonic()

    def show(done: int, total: int) -> None:
        bar.update(task, completed=done, total=total)
        if done >= total:
            stop()
        elif bar.console.is_terminal and time.monotonic() - started > BAR_AFTER_S:
            bar.start()

    def stop() -> None:
        if bar.live.is_started:  # What was never drawn leaves no line.
            bar.stop()

    try:
        yield show
    finally:
        stop()
