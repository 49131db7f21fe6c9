"""Prices in the unit of a recorded adjusted close, and the actions that concern a symbol."""

from decimal import Decimal
from pathlib import Path

import pytest

from tradehall.adapters.history.actions import actions_of
from tradehall.adapters.history.tapes import DataRefused, open_tapes
from tradehall.backtests import ActionKind, CorporateAction
from tradehall.ports.feed import FeedError

BARS = "date,open,high,low,close,adj close\n2012-01-03,100,110,90,{close},{adjusted}\n2012-01-04,50,55,45,52,52\n"


def write(folder: Path, *, close: str = "104", adjusted: str = "52") -> Path:
    file = folder / "ACME.US.1d.csv"
    file.write_text(BARS.format(close=close, adjusted=adjusted))
    return file


def test_all_prices_of_a_bar_are_adjusted_as_its_close_is(tmp_path):
    (tape,) = open_tapes([write(tmp_path)], adjusted=True)
    (block,) = tape.blocks()
    assert [column.tolist() for column in block.bid] == [[50, 50], [55, 55], [45, 45], [52, 52]]


def test_without_being_asked_to_nothing_is_adjusted(tmp_path):
    (tape,) = open_tapes([write(tmp_path)])
    assert next(iter(tape.blocks())).bid[0].tolist() == [100, 50]


def test_an_adjusted_close_that_cannot_be_true_is_named_by_its_row(tmp_path):
    with pytest.raises(DataRefused, match=r"row 1: adj_close -1\.0: expected a positive number"):
        open_tapes([write(tmp_path, adjusted="-1")], adjusted=True)


def test_bars_without_an_adjusted_close_cannot_be_adjusted(tmp_path):
    file = tmp_path / "ACME.US.1d.csv"
    file.write_text("date,open,high,low,close\n2012-01-03,100,110,90,104\n")
    with pytest.raises(FeedError, match="has no adj_close"):
        open_tapes([file], adjusted=True)


def test_a_symbol_with_a_suffix_has_the_actions_of_its_stem_unless_it_has_its_own():
    split, own = (
        CorporateAction(at, symbol, ActionKind.SPLIT, Decimal(2)) for at, symbol in ((2, "AIG"), (1, "ORCL-WIKI"))
    )
    other = CorporateAction(3, "ORCL", ActionKind.DIVIDEND, Decimal("0.05"))
    found = actions_of([own, split, other], ["AIG-WIKI", "ORCL-WIKI", "GOOG"])
    assert [(action.symbol, action.at) for action in found] == [("ORCL-WIKI", 1), ("AIG-WIKI", 2)]
