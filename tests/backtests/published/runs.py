"""What published runs share: the recorded data that lie beside the repository, and how a run is told."""

import os
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tradehall.adapters.history.tapes import open_tapes
from tradehall.backtests import AccountSetup, BacktestSettings, Result, Strategy, run
from tradehall.domain.fill import Fill
from tradehall.domain.time import from_rfc3339
from tradehall.engine import events as ev

ROOT = Path(__file__).resolve().parents[3]
NAMED = os.environ.get("TRADEHALL_MARKET_DATA")
DATA = Path(NAMED) if NAMED else next((file.parent for file in sorted(ROOT.parent.glob("*/data/manifest.json"))), None)

needs_data = pytest.mark.skipif(
    DATA is None, reason="no recorded market data is beside the repository: no published run was reproduced"
)


def account(cash: int | str, **terms: Any) -> tuple[AccountSetup, ...]:
    """One account that keeps money to eight decimals, as engines that reckon in floats seem to."""
    return (AccountSetup(cash=Decimal(cash), **{"money_digits": 8, **terms}),)


def day(text: str) -> int:
    """The start of a day [ns UTC]."""
    return from_rfc3339(f"{text}T00:00:00Z")


def play(strategy: Strategy, files: Sequence[str], *, adjusted: bool = False, **settings: Any) -> Result:
    """Run a strategy over recorded files."""
    assert DATA is not None
    tapes = open_tapes([DATA / file for file in files], adjusted=adjusted)
    result = run(strategy, tapes, BacktestSettings(**settings))
    assert result.failure is None, result.failure.traceback
    return result


def equity(result: Result) -> str:
    """The last equity to the cent."""
    return f"{result.accounts[0].equity:.2f}"


def peak(result: Result) -> str:
    """The highest equity at the end of a day, to the cent."""
    return f"{max(result.equity.daily()[1].tolist()):.2f}"


def fills(result: Result) -> list[Fill]:
    """All fills, in order."""
    return [event.fill for record in result.records for event in record.events if isinstance(event, ev.OrderFilled)]
