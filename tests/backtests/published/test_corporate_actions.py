"""Shares held through recorded splits and dividends, against plain arithmetic and against adjusted closes."""

from decimal import Decimal
from typing import Any

import pytest

from tests.backtests.published.runs import DATA, account, day, fills, needs_data, play
from tradehall.adapters.history.actions import actions_of, read_actions
from tradehall.backtests import BarSeen, Broker, CorporateAction, Strategy

pytestmark = needs_data


class BuyAndHold(Strategy):
    """Buys at the open of the second bar and never sells."""

    def __init__(self, units: int) -> None:
        self.units = units

    def on_bar(self, bar: BarSeen, broker: Broker) -> None:
        if not bar.number:
            broker.buy(self.units)


def actions(symbol: str) -> tuple[CorporateAction, ...]:
    assert DATA is not None
    return actions_of(read_actions(DATA / "corporate_actions.csv"), [symbol])


def test_a_reverse_split_and_dividends_of_three_years():
    """2,000 shares of AIG at 56.81, 0.62 of dividends each, one for twenty, 8.275 for each of the 100, last at 23.20."""
    result = play(
        BuyAndHold(2_000),
        ["bars/equity/AIG-WIKI.US.1d.parquet"],
        accounts=account(200_000),
        actions=actions("AIG-WIKI"),
    )
    bought, last = Decimal("56.81"), Decimal("23.20")
    paid = 2_000 * Decimal("0.62") + 100 * Decimal("8.275")
    assert result.accounts[0].equity == 200_000 - 2_000 * bought + paid + 100 * last
    (trip,) = result.round_trips
    assert trip.swaps == paid


@pytest.mark.parametrize(("symbol", "until"), [("AAPL", "2012-08-09"), ("MSFT", "2003-02-19")])
def test_raw_prices_with_their_splits_gain_what_adjusted_prices_gain(symbol, until):
    """Without dividends the recorded adjusted closes, of two decimals, say the same."""
    file = [f"bars/equity/{symbol}.US.1d.parquet"]
    period: dict[str, Any] = {"begins_at": day("2000-03-01"), "ends_at": day(until)}
    raw = play(BuyAndHold(100), file, accounts=account(100_000), actions=actions(symbol), **period)
    adjusted = play(BuyAndHold(100), file, adjusted=True, accounts=account(100_000), **period)
    gains = [float(result.accounts[0].equity - 100_000) / float(fills(result)[0].price) for result in (raw, adjusted)]
    assert gains[0] == pytest.approx(gains[1], rel=2e-3)
