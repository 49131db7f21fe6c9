"""The data folder: everything durable of one house."""

import os
from pathlib import Path


class DataFolderRefused(Exception):
    """The folder cannot be used; the text says why."""


class DataFolder:
    """What lies where in the folder `path`. The journal keeps other servers out of it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def records(self) -> Path:
        """Keys and what else no command changes."""
        return self.path / "records.db"

    @property
    def support(self) -> Path:
        """Round trips and executions, as the support desk looks them up; made again from the journal when lost."""
        return self.path / "support"

    @property
    def snapshots(self) -> Path:
        """Folder of states that shorten the start."""
        return self.path / "snapshots"

    @property
    def simulated_market(self) -> Path:
        """Seed and beginning of the simulated market."""
        return self.path / "simulated-market.json"

    @property
    def imported(self) -> Path:
        """Folder of imported market data."""
        return self.path / "history"

    @property
    def house_key(self) -> Path:
        """What signs sessions and partners' tokens; as secret as all passwords together."""
        return self.path / "house.key"

    @property
    def outbox(self) -> Path:
        """Folder of mail that no server took: there is none."""
        return self.path / "outbox"

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
