"""How a backtest is run: accounts, costs, when orders fill, what a bar is taken for: docs/backtests.md."""

from decimal import Decimal
from enum import StrEnum
from typing import Final

from msgspec import Struct

from tradehall.analytics.metrics import MetricSettings
from tradehall.domain.account import AccountTerms, PositionMode
from tradehall.domain.ids import AccountId
from tradehall.domain.instrument import FeeSide
from tradehall.domain.money import ONE, ZERO
from tradehall.venue.settings import VenueSettings

DEFAULT_ACCOUNT: Final[AccountId] = 700_100
DEFAULT_CASH: Final = Decimal(100_000)
CURVE_POINTS_MAX: Final = 131_072


class FillAt(StrEnum):
    """When an order that was given at the end of a bar reaches the venue."""

    NEXT_OPEN = "next_open"
    THIS_CLOSE = "this_close"


class BarPath(StrEnum):
    """The order in which a bar's prices are told, its open first and its close last."""

    NEAREST_FIRST = "nearest_first"  # Of high and low first the one nearer to the open.
    ADVERSE_FIRST = "adverse_first"  # First the one that hurts the net position; flat: the nearer one.
    HIGH_FIRST = "high_first"
    LOW_FIRST = "low_first"
    OPEN_CLOSE = "open_close"  # Extremes are not traded: stops and limits look at open and close alone.


class InBar(StrEnum):
    """Where a stop fills that is reached inside a bar; one that the market jumped over fills at the bar's open."""

    AT_PRICE = "at_price"  # At its own price: between two prices of a bar the market passed all others.
    AT_EXTREME = "at_extreme"  # At the high or low that reached it, as when bars are replayed as four quotes.


class Units(StrEnum):
    """What quantities the run's instruments accept."""

    INSTRUMENT = "instrument"  # What each one's own rules say.
    WHOLE = "whole"
    FRACTIONAL = "fractional"


class Recorded(StrEnum):
    """What the one price of one-sided data is."""

    MIDDLE = "middle"  # Half the spread lies below it, half above.
    BID = "bid"  # The ask lies a spread above it: bars of dealers, and engines that charge a spread at the entry.


class FillRule(Struct, frozen=True, kw_only=True):
    """What becomes of orders in a bar.

    `improves_limits`: a resting limit that the market jumps over fills at the better price it opens at,
    instead of its own.
    """

    at: FillAt = FillAt.NEXT_OPEN
    path: BarPath = BarPath.NEAREST_FIRST
    in_bar: InBar = InBar.AT_PRICE
    improves_limits: bool = False


class Costs(Struct, frozen=True, kw_only=True):
    """What trading costs, for all instruments; None: what each instrument's own rules say.

    `taker_rate`, `maker_rate` [share of notional], `per_unit` [money/unit], `fixed` [money/fill], at least
    `minimum` [money/fill], in the account's currency, on the fills that `charged` names. `spread` [price] and
    `spread_rate` [share of the price] part the bid and ask of one-sided data around what was `recorded`.
    """

    taker_rate: Decimal | None = None
    maker_rate: Decimal | None = None
    per_unit: Decimal | None = None
    fixed: Decimal | None = None
    minimum: Decimal | None = None
    charged: FeeSide = FeeSide.BOTH
    spread: Decimal = ZERO
    spread_rate: Decimal = ZERO
    recorded: Recorded = Recorded.MIDDLE

    @property
    def has_fee(self) -> bool:
        """Whether a fee of the run's own replaces that of the instruments."""
        parts = (self.taker_rate, self.maker_rate, self.per_unit, self.fixed, self.minimum)
        return any(part is not None for part in parts)


class AccountSetup(Struct, frozen=True, kw_only=True):
    """An account of the run, opened with `cash` before the first quote.

    `is_cash`: it pays in full, spends no unrealised profit and sells nothing short. Margin levels in
    percent; None: 100 and 50 where there is leverage, else 0 (nobody is called who has borrowed nothing).
    `money_digits`: decimals that money is kept to; None: the currency's own, a cent of a dollar.
    """

    account_id: AccountId = DEFAULT_ACCOUNT
    cash: Decimal = DEFAULT_CASH
    currency: str = "USD"
    leverage: Decimal = ONE
    is_cash: bool = False
    position_mode: PositionMode = PositionMode.NETTING
    margin_call_level: Decimal | None = None
    stop_out_level: Decimal | None = None
    money_digits: int | None = None

    @property
    def money(self) -> str:
        """The currency as the engine knows it, with its digits where they are not the usual ones."""
        return self.currency if self.money_digits is None else f"{self.currency}:{self.money_digits}"

    def terms(self) -> AccountTerms:
        """What the engine opens."""
        is_levered = self.leverage > 1 and not self.is_cash
        call = Decimal(100 if is_levered else 0) if self.margin_call_level is None else self.margin_call_level
        stop_out = Decimal(50 if is_levered else 0) if self.stop_out_level is None else self.stop_out_level
        return AccountTerms(
            account_id=self.account_id,
            currency=self.money,
            is_cash=self.is_cash,
            position_mode=self.position_mode,
            leverage=ONE if self.is_cash else self.leverage,
            margin_call_level=call,
            stop_out_level=stop_out,
        )


class ActionKind(StrEnum):
    """What a company did."""

    SPLIT = "SPLIT"
    DIVIDEND = "DIVIDEND"


class CorporateAction(Struct, frozen=True):
    """A split or dividend of `symbol`, before the first price at or after `at` [ns UTC].

    SPLIT: `value` new units for each old one (0.05: one for twenty). DIVIDEND: `value` of quote currency a unit,
    paid to who is long and by who is short.
    """

    at: int
    symbol: str
    kind: ActionKind
    value: Decimal


class BacktestSettings(Struct, frozen=True, kw_only=True):
    """All conventions of a run. The defaults: one unlevered account, free, orders fill at the next open.

    `begins_at`, `ends_at` [ns UTC]: data from the first and before the second. `skips` False: every price is
    shown to the engine. `closes_at_end`: what is open at the end is closed at the last price.
    `curve_points_max`: points that the equity curve keeps at the most. `metrics`: trading days in a year and the
    risk-free rate of the run's figures; None: 252 days, or 365 where a coin is traded, and no such rate.
    """

    accounts: tuple[AccountSetup, ...] = (AccountSetup(),)
    costs: Costs = Costs()
    fills: FillRule = FillRule()
    venue: VenueSettings = VenueSettings()
    units: Units = Units.INSTRUMENT
    actions: tuple[CorporateAction, ...] = ()
    begins_at: int | None = None
    ends_at: int | None = None
    skips: bool = True
    closes_at_end: bool = False
    curve_points_max: int = CURVE_POINTS_MAX
    metrics: MetricSettings | None = None
