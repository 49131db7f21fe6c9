"""The one place where amounts become floats: ratios, charts and statistics are made of them, and no booking."""

from collections.abc import Iterable
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def floats_of(amounts: Iterable[Decimal]) -> Floats:
    """A column of amounts, each the nearest float."""
    return np.array(list(amounts), np.float64)


def approximate(amount: Decimal) -> float:
    """The nearest float."""
    nearest: float = np.float64(amount).item()
    return nearest
