"""How far a price went against and for a round trip."""

from typing import Any

import msgspec
import numpy as np
import pytest

from tests.analytics.trips import HOUR, a_trip, money
from tests.builders import TUESDAY_10H
from tradehall.analytics.excursions import Extremes, with_excursions

HOURS = np.array([0, 1, 2, 3, 4])
BARS = {
    "EURUSD": Extremes(
        TUESDAY_10H + HOURS * HOUR,
        np.array([1.00, 1.09, 1.05, 1.08, 0.50]),
        np.array([2.00, 1.12, 1.11, 1.15, 3.00]),
    )
}


@pytest.mark.parametrize(("what", "changes", "mae", "mfe"), [
    ("a long; the bar of its entry and those after its exit do not count", {}, "0.05", "0.05"),
    ("a short sees the same the other way round",         {"side": "SHORT"},                        "0.05", "0.05"),
    ("the exit price counts, wherever it was",            {"exit_price": "1.00"},                   "0.10", "0.05"),
    ("never against it",                                  {"entry_price": "1.01", "exit_price": "1.02"}, "0", "0.14"),
    ("still open",                                        {"closed_at": None, "exit_price": None},  None,   None),
    ("nothing in between",                                {"closed_at": TUESDAY_10H + 1},           None,   None),
    ("a symbol without prices",                           {"symbol": "GBPUSD"},                     None,   None),
])  # fmt: skip
def test_how_far_it_went(what: str, changes: dict[str, Any], mae: str | None, mfe: str | None):
    plain: dict[str, Any] = {"entry_price": "1.10", "exit_price": "1.12", "closed_at": TUESDAY_10H + 3 * HOUR}
    trip = a_trip(**plain | changes)
    (told,) = with_excursions([trip], BARS)
    assert (told.mae, told.mfe) == tuple(None if text is None else money(text) for text in (mae, mfe)), what
    assert msgspec.structs.replace(told, mae=None, mfe=None) == trip
