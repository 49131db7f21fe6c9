"""A bar for work that takes its time."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

BAR_AFTER_S: Final = 1.0


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
