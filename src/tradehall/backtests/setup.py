"""From settings to what engine and venue are given: instruments at the run's costs, the venue and its conventions."""

from collections.abc import Sequence
from typing import Final

import msgspec

from tradehall.analytics.metrics import (
    DAYS_OF_MARKETS_THAT_DO_NOT,
    DAYS_OF_MARKETS_THAT_REST,
    MetricSettings,
)
from tradehall.backtests.settings import AccountSetup, BacktestSettings, Costs, Units
from tradehall.backtests.tape import Tape
from tradehall.domain.instrument import AssetClass, Commission, Instrument
from tradehall.domain.money import ONE, ZERO
from tradehall.venue.settings import VenueSettings

# A bar's last price is as good as new until so many of its spans have passed: the next bars may be missing.
BAR_AGE_SPANS: Final = 10


def instrument_for(tape: Tape, settings: BacktestSettings) -> Instrument:
    """The tape's instrument as the run trades it: filled by the simulated venue, at the run's costs."""
    account = settings.accounts[0]
    rules = with_units(tape.instrument, settings.units)
    age = rules.quote_age_ns_max
    changed: Instrument = msgspec.structs.replace(
        rules,
        provider="replay",
        quote_currency=_currency(rules.quote_currency, account),
        commission=commission_for(rules.commission, settings.costs, account),
        quote_age_ns_max=age if tape.span_ns is None else max(age, BAR_AGE_SPANS * tape.span_ns),
    )
    return changed


def with_units(instrument: Instrument, units: Units) -> Instrument:
    """The instrument with the quantities that the run trades."""
    if units is Units.INSTRUMENT:
        return instrument
    step = ONE if units is Units.WHOLE else None
    changed: Instrument = msgspec.structs.replace(instrument, quantity_step=step, quantity_min=step or ZERO)
    return changed


def metric_settings(instruments: Sequence[Instrument], settings: BacktestSettings) -> MetricSettings:
    """What the run's figures are reckoned with."""
    if settings.metrics is not None:
        return settings.metrics
    never_rests = any(instrument.asset_class is AssetClass.CRYPTO for instrument in instruments)
    return MetricSettings(DAYS_OF_MARKETS_THAT_DO_NOT if never_rests else DAYS_OF_MARKETS_THAT_REST)


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
