"""Commission of a fill, and the leverage of what it opens."""

from decimal import Decimal

from tradehall.domain.account import Account
from tradehall.domain.instrument import Commission, Instrument
from tradehall.domain.money import ONE, ZERO, round_money
from tradehall.domain.order import OrderTerms
from tradehall.engine.conversion import QuoteOf, conversion_rate


def commission_of(
    instrument: Instrument, quantity: Decimal, price: Decimal, is_maker: bool, currency: str, quote_of: QuoteOf
) -> Decimal:
    """Commission of one fill in `currency`, rounded half-even; positive is charged, negative a rebate.

    Notional parts are in quote currency, the others in the commission's own; both are converted at mid.
    """
    rules = instrument.commission
    if rules is FREE or rules == FREE or not quantity:
        return ZERO
    rate = rules.maker_rate if is_maker else rules.taker_rate
    charged = quantity * price * rate * _rate(instrument.quote_currency, currency, quote_of)
    if _has_own_currency(rules):
        to_account = _rate(rules.currency, currency, quote_of)
        charged += (rules.per_unit * quantity + rules.fixed) * to_account
        if rules.minimum:
            charged = max(charged, rules.minimum * to_account)
    return round_money(charged, currency)


def leverage_of(terms: OrderTerms, account: Account, instrument: Instrument) -> Decimal:
    """Leverage of what an order opens: its own or the account's, within the instrument's limit; none in cash."""
    if account.terms.is_cash:
        return ONE
    wanted, most = terms.leverage or account.terms.leverage, instrument.leverage_max
    return most if most < wanted else wanted


def commission_currencies(instrument: Instrument) -> tuple[str, ...]:
    """Currencies that a fill of `instrument` turns into the account's: its quotes', and its commission's."""
    rules = instrument.commission
    return (instrument.quote_currency, rules.currency) if _has_own_currency(rules) else (instrument.quote_currency,)


def can_be_charged(rules: Commission, currency: str, quote_of: QuoteOf) -> bool:
    """Whether live quotes convert the parts of a commission that are amounts to `currency`."""
    if not _has_own_currency(rules):
        return True
    return conversion_rate(rules.currency, currency, quote_of) is not None


def _has_own_currency(rules: Commission) -> bool:
    """Whether a part of the commission is an amount, and not a share of the notional."""
    return rules is not FREE and bool(rules.per_unit or rules.fixed or rules.minimum)


FREE = Commission()


def _rate(source: str, target: str, quote_of: QuoteOf) -> Decimal:
    rate = conversion_rate(source, target, quote_of)
    assert rate is not None, f"no quotes convert {source} to {target}: the check conversion_is_known comes first"
    return rate
