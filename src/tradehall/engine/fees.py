"""Commission of a fill."""

from decimal import Decimal

from tradehall.domain.instrument import Commission, Instrument
from tradehall.domain.money import ZERO, round_money
from tradehall.engine.conversion import QuoteOf, conversion_rate


def commission_of(
    instrument: Instrument,
    *,
    quantity: Decimal,
    price: Decimal,
    is_maker: bool,
    currency: str,
    quote_of: QuoteOf,
) -> Decimal:
    """Commission of one fill in `currency`, rounded half-even; positive is charged, negative a rebate.

    Notional parts are in quote currency, the others in the commission's own; both are converted at mid.
    """
    rules = instrument.commission
    if rules is FREE or rules == FREE:
        return ZERO
    rate = rules.maker_rate if is_maker else rules.taker_rate
    by_notional = quantity * price * rate * _rate(instrument.quote_currency, currency, quote_of)
    to_account = _rate(rules.currency, currency, quote_of)
    charged = by_notional + (rules.per_unit * quantity + rules.fixed) * to_account
    return round_money(max(charged, rules.minimum * to_account) if rules.minimum else charged, currency)


FREE = Commission()


def _rate(source: str, target: str, quote_of: QuoteOf) -> Decimal:
    rate = conversion_rate(source, target, quote_of)
    assert rate is not None, f"no quotes convert {source} to {target}: the check conversion_is_known comes first"
    return rate
