"""Sizes: how many units an entry of a deployment is."""

from decimal import Decimal

from tradehall.app.records.deployments import SizeType
from tradehall.domain.instrument import Instrument
from tradehall.domain.money import HUNDRED, ZERO, round_down_to
from tradehall.domain.position import PositionSide
from tradehall.engine.conversion import QuoteOf, conversion_rate
from tradehall.engine.state import State
from tradehall.engine.valuation import value_account


def units_of(
    size: Decimal, size_type: SizeType, instrument: Instrument, side: PositionSide, account_id: int, state: State,
    quote_of: QuoteOf,
) -> Decimal | str:  # fmt: skip
    """Units, on the grid that the instrument takes; or why there are none.

    Lots × contract size; percent × equity ÷ the price that is met, down to a step.
    """
    if size_type is SizeType.LOTS:
        return size * instrument.contract_size
    if size_type is SizeType.UNITS:
        return size
    account = state.accounts.get(account_id)
    quote = quote_of(instrument.symbol)
    if account is None or quote is None:
        return f"there is no quote of {instrument.symbol} yet"
    rate = conversion_rate(instrument.quote_currency, account.terms.currency, quote_of)
    if rate is None:
        return f"{instrument.quote_currency} has no price in {account.terms.currency} now"
    equity = value_account(state, account, quote_of).equity
    price = quote.ask if side is PositionSide.LONG else quote.bid
    step = instrument.quantity_step or instrument.lot_step * instrument.contract_size
    units = round_down_to(max(ZERO, equity) * size / HUNDRED / (price * rate), step)
    if units <= 0 or units < instrument.quantity_min:
        return f"{size} % of an equity of {equity} are less than one step of {instrument.symbol}"
    return min(units, instrument.quantity_max)
