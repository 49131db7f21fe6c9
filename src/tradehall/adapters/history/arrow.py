"""pyarrow, loaded when first used: a start without recordings does without its third of a second."""

from importlib import import_module
from typing import Any


class _Lazy:
    """A module that is imported when something is asked of it."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, attribute: str) -> Any:
        value = getattr(import_module(self._name), attribute)
        setattr(self, attribute, value)
        return value


pa: Any = _Lazy("pyarrow")
pc: Any = _Lazy("pyarrow.compute")
pq: Any = _Lazy("pyarrow.parquet")
csv: Any = _Lazy("pyarrow.csv")
