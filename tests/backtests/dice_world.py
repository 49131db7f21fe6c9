"""Worlds thrown by dice: symbols, sessions, swaps, accounts, venues, conventions, splits and dividends, from one seed."""

from decimal import Decimal
from random import Random

import msgspec

from tests.backtests.tapes import BEGIN, random_tape
from tradehall.backtests import (
    AccountSetup,
    ActionKind,
    ArrayTape,
    BacktestSettings,
    BarPath,
    CorporateAction,
    Costs,
    FillAt,
    FillRule,
    InBar,
)
from tradehall.domain.account import PositionMode
from tradehall.domain.calendar import minute_of_week
from tradehall.domain.time import NS_PER_MINUTE, NS_PER_MS, NS_PER_SECOND
from tradehall.venue.settings import Liquidity, VenueSettings

LEVERED = (
    AccountSetup(account_id=1, cash=Decimal(6_000), leverage=Decimal(50)),
    AccountSetup(account_id=2, cash=Decimal(1_500), leverage=Decimal(100), position_mode=PositionMode.HEDGING),
)
CASH = (AccountSetup(account_id=1, cash=Decimal(20_000), is_cash=True),)
TWO_CURRENCIES = (
    AccountSetup(account_id=1, cash=Decimal(3_000), leverage=Decimal(20)),
    AccountSetup(account_id=2, currency="EUR", cash=Decimal(4_000), leverage=Decimal(30)),
)
VENUES = (
    VenueSettings(),
    VenueSettings(latency_ns=250 * NS_PER_MS, slippage_ticks=1),
    VenueSettings(latency_ns=3 * NS_PER_MINUTE),
    VenueSettings(partial_fill_ratio=Decimal("0.4")),
    VenueSettings(liquidity=Liquidity.DISPLAYED),
    VenueSettings(liquidity=Liquidity.DISPLAYED, queueing=True),
    VenueSettings(max_quote_age_ns=NS_PER_SECOND),
)


def a_world(seed: int) -> tuple[list[ArrayTape], BacktestSettings]:
    """Tapes of one to three symbols, and how they are run."""
    dice = Random(seed)
    symbols = dice.sample(["EURUSD", "GBPUSD", "USDJPY", "EURJPY", "AAPL"], dice.randint(1, 3))
    tapes = [_tape(symbol, dice) for symbol in symbols]
    spread, rate = dice.choice((("0", "0"), ("0.0002", "0"), ("0", "0.00013"), ("0.0002", "0.00013")))
    settings = BacktestSettings(
        accounts=dice.choice((LEVERED, CASH, TWO_CURRENCIES)),
        fills=FillRule(
            at=dice.choice(list(FillAt)),
            path=dice.choice(list(BarPath)),
            in_bar=dice.choice(list(InBar)),
            improves_limits=dice.random() < 0.5,
        ),
        venue=dice.choice(VENUES),
        costs=Costs(
            taker_rate=dice.choice((None, Decimal("0.0005"))), spread=Decimal(spread), spread_rate=Decimal(rate)
        ),
        actions=tuple(_action(dice) for _ in range(dice.randint(0, 2))),
        closes_at_end=dice.random() < 0.3,
    )
    return tapes, settings


def _tape(symbol: str, dice: Random) -> ArrayTape:
    tape = random_tape(
        symbol,
        dice.randint(30, 400),
        dice.randint(0, 10**6),
        kind=dice.choice(("bars", "quote_bars", "quotes")),
        volatility=dice.choice((2e-4, 1e-3, 4e-3)),
        span_ns=dice.choice((1, 1, 5, 15)) * NS_PER_MINUTE,
    )
    rules: dict[str, object] = {}
    if dice.random() < 0.3:
        begin = minute_of_week(BEGIN)
        rules["sessions"] = (
            (begin, begin + dice.randint(20, 200)),
            (begin + dice.randint(210, 260), begin + 600),
        )
    if dice.random() < 0.2:
        rules |= {"swap_long": Decimal("-0.0001"), "swap_short": Decimal("0.0001")}
    tape.instrument = msgspec.structs.replace(tape.instrument, **rules)
    return tape


def _action(dice: Random) -> CorporateAction:
    at = BEGIN + dice.randint(0, 200) * NS_PER_MINUTE
    kind = dice.choice(list(ActionKind))
    return CorporateAction(at, "AAPL", kind, dice.choice((Decimal(2), Decimal("0.5"), Decimal("0.25"))))
