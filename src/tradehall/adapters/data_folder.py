"""The data folder: everything durable of one house, and the lock that says whose turn it is."""

import fcntl
import os
from pathlib import Path
from typing import Final

LOCK_NAME: Final = "lock"


class DataFolderRefused(Exception):
    """The folder cannot be used; the text says why."""


class DataFolder:
    """A folder that one server holds at a time.

    The lock is the kernel's, on an open file: it ends with the process, however that ends.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock: int | None = None

    @property
    def journal(self) -> Path:
        """Decisions, and the views made of them."""
        return self.path / "journal.db"

    @property
    def records(self) -> Path:
        """Keys and what else no command changes."""
        return self.path / "records.db"

    @property
    def snapshots(self) -> Path:
        """Folder of states that shorten the start."""
        return self.path / "snapshots"

    @property
    def demo_sheet(self) -> Path:
        """What `--demo` made, secrets included."""
        return self.path / "demo.json"

    def make(self) -> None:
        """Make the folder, readable by its owner alone, if it is not there. DataFolderRefused if that fails."""
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise DataFolderRefused(f"the data folder {self.path} cannot be made: {error.strerror}") from None

    def require(self) -> None:
        """DataFolderRefused where no server ever kept anything."""
        if not self.path.is_dir():
            raise DataFolderRefused(f"there is no data folder {self.path}; `tradehall serve` makes one")

    def lock(self) -> None:
        """Take the folder for this process. DataFolderRefused if another has it."""
        try:
            self._lock = os.open(self.path / LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise DataFolderRefused(f"the data folder {self.path} cannot be written: {error.strerror}") from None
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(self._lock, 32, 0).decode("ascii", "replace").strip()
            os.close(self._lock)
            self._lock = None
            raise DataFolderRefused(
                f"another server (process {holder or 'unknown'}) runs on the data folder {self.path};"
                " stop it, or name another folder with --data"
            ) from None
        os.ftruncate(self._lock, 0)
        os.pwrite(self._lock, f"{os.getpid()}\n".encode(), 0)

    def unlock(self) -> None:
        """Let another process have it."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def write_private(path: Path, text: str) -> None:
    """Replace `path` by a file that its owner alone may read, never half written. OSError if it cannot be."""
    draft = path.with_name(path.name + ".new")
    draft.unlink(missing_ok=True)
    # Made with its final mode: at no moment could anybody else open it.
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
