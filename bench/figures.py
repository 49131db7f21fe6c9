"""What a workload gives: figures, some with a promise to keep."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.table import Table


@dataclass(frozen=True)
class Options:
    """How thoroughly to measure."""

    is_quick: bool = False

    def scaled(self, count: int) -> int:
        """`count`, or a tenth of it for a look."""
        return max(1, count // 10) if self.is_quick else count


@dataclass(frozen=True)
class Figure:
    """One measured value. `promise` is the bound it has to keep: at most, or at least."""

    what: str
    value: float
    unit: str = ""
    promise: float | None = None
    at_least: bool = False

    @property
    def measured(self) -> str:
        """The value with its unit."""
        return f"{_printed(self.value)} {self.unit}".strip()

    @property
    def promised(self) -> str:
        """The bound with its direction."""
        if self.promise is None:
            return ""
        return f"{'≥' if self.at_least else '≤'} {_printed(self.promise)}"

    @property
    def is_kept(self) -> bool:
        """Whether the promise is kept; true where there is none."""
        if self.promise is None:
            return True
        return self.value >= self.promise if self.at_least else self.value <= self.promise


def table_of(name: str, figures: Sequence[Figure]) -> Table:
    """What was measured beside what was promised."""
    table = Table(title=name, title_justify="left")
    for heading in ("what", "measured", "promised", ""):
        table.add_column(heading, justify="left" if heading in ("what", "") else "right")
    for figure in figures:
        mark = "" if figure.promise is None else "kept" if figure.is_kept else "NOT KEPT"
        table.add_row(figure.what, figure.measured, figure.promised, mark)
    return table


def _printed(value: float) -> str:
    if value == int(value) or abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:,.3g}" if abs(value) < 1 else f"{value:,.2f}"
