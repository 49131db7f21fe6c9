"""From settings to what engine and venue are given: instruments at the run's costs, the venue and its conventions."""

from typing import Final

import msgspec

from tradehall.backtests.settings import AccountSetup, BacktestSettings, Costs
from tradehall.backtests.tape import Tape
from tradehall.domain.instrument import Commission, Instrument
from tradehall.domain.money import ZERO
from tradehall.venue.settings import VenueSettings

# A bar's last price is as good as new until so many of its spans have passed: the next bars may be missing.
BAR_AGE_SPANS: Final = 10


def instrument_for(tape: Tape, settings: BacktestSettings) -> Instrument:
    """The tape's instrument as the run trades it: filled by the simulated venue, at the run's costs."""
    rules, account = tape.instrument, settings.accounts[0]
    age = rules.quote_age_ns_max
    changed: Instrument = msgspec.structs.replace(
        rules,
        provider="replay",
        quote_currency=_currency(rules.quote_currency, account),
        commission=commission_for(rules.commission, settings.costs, account),
        quote_age_ns_max=age if tape.span_ns is None else max(age, BAR_AGE_SPANS * tape.span_ns),
    )
    return changed


def commission_for(own: Commission, costs: Costs, account: AccountSetup) -> Commission:
    """The run's fees, or the instrument's own where the run names none."""
    if not costs.has_fee:
        return msgspec.structs.replace(own, currency=_currency(own.currency, account), charged=costs.charged)
    taker = costs.taker_rate or ZERO
    return Commission(
        taker_rate=taker,
        maker_rate=taker if costs.maker_rate is None else costs.maker_rate,
        per_unit=costs.per_unit or ZERO,
        fixed=costs.fixed or ZERO,
        minimum=costs.minimum or ZERO,
        currency=account.money,
        charged=costs.charged,
    )


def venue_for(settings: BacktestSettings) -> VenueSettings:
    """The venue's settings with what the run's fill rule asks of it."""
    improves = settings.fills.improves_limits or settings.venue.improves_limits
    changed: VenueSettings = msgspec.structs.replace(settings.venue, improves_limits=improves)
    return changed


def _currency(currency: str, account: AccountSetup) -> str:
    """The account's own currency is kept to as many digits as the account is."""
    return account.money if currency == account.currency else currency
