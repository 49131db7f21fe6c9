"""The progress bar of an import: shown on a terminal once the work has taken a second."""

import time
from pathlib import Path
from types import TracebackType
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn, TimeRemainingColumn

PATIENCE_S: Final = 1.0


class ProgressBar:
    """Call it with (file, done, total) as import_files does; a context that leaves the screen clean."""

    def __init__(self, console: Console | None = None) -> None:
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TimeRemainingColumn(),
            console=console or Console(stderr=True),
            transient=True,
        )
        self._is_seen = self._progress.console.is_terminal
        self._began = time.monotonic()
        self._tasks: dict[Path, TaskID] = {}

    def __enter__(self) -> "ProgressBar":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def __call__(self, file: Path, done: int, total: int) -> None:
        """Show that `done` of `total` of `file` is through."""
        if not self._is_seen:
            return
        if file not in self._tasks:
            for shown in self._tasks.values():
                self._progress.update(shown, visible=False)
            self._tasks = {file: self._progress.add_task(file.name)}
        self._progress.update(self._tasks[file], completed=done, total=total)
        if time.monotonic() - self._began > PATIENCE_S:
            self._progress.start()
