"""The options of a backtest, and the settings that come of them."""

import argparse
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from pathlib import Path
from typing import Any

from tradehall.backtests import (
    AccountSetup,
    BacktestSettings,
    BarPath,
    CorporateAction,
    Costs,
    FillAt,
    FillRule,
    InBar,
    Recorded,
    Units,
)
from tradehall.cli.output import WrongUsage
from tradehall.domain.account import PositionMode
from tradehall.domain.instrument import FeeSide
from tradehall.domain.money import HUNDRED, ZERO
from tradehall.domain.time import NS_PER_MS, from_rfc3339
from tradehall.venue.settings import Liquidity, VenueSettings


def add_options(parser: argparse.ArgumentParser) -> None:
    """All that settings can say."""
    period = parser.add_argument_group("period")
    period.add_argument("--from", dest="begins_at", type=_instant, metavar="TIME", help="first data (RFC 3339 or date)")
    period.add_argument("--to", dest="ends_at", type=_instant, metavar="TIME", help="data before this")
    period.add_argument("--symbols", nargs="+", metavar="SYMBOL", help="only these of the recorded symbols")
    period.add_argument("--adjusted", action="store_true", help="prices in the unit of the recorded adjusted close")
    _add_account(parser.add_argument_group("account"))
    _add_costs(parser.add_argument_group("costs"))
    _add_fills(parser.add_argument_group("fills"))


def _add_account(group: Any) -> None:
    group.add_argument("--cash", type=_decimal, default=Decimal(100_000), help="start balance (default: 100000)")
    group.add_argument("--currency", default="USD", help="(default: USD)")
    group.add_argument("--leverage", type=_decimal, default=Decimal(1), help="(default: 1)")
    group.add_argument("--cash-account", action="store_true", help="pays in full, no shorts, no unrealised profit")
    group.add_argument("--hedging", action="store_true", help="a position per entry instead of one per symbol")
    group.add_argument("--money-digits", type=int, metavar="N", help="decimals of money (default: the currency's)")
    group.add_argument("--units", type=Units, choices=list(Units), default=Units.INSTRUMENT, help="of quantities")


def _add_costs(group: Any) -> None:
    group.add_argument(
        "--fee", action="append", default=[], metavar="FEE", help="0.2%%, 0.005/unit or 1.50 a fill; may be repeated"
    )
    group.add_argument("--maker-fee", metavar="RATE", help="rate of resting orders, such as 0.1%% (default: as --fee)")
    group.add_argument("--fee-min", type=_decimal, metavar="MONEY", help="least fee of a fill")
    group.add_argument("--fee-on", type=FeeSide, choices=list(FeeSide), default=FeeSide.BOTH, help="which fills pay")
    group.add_argument("--spread", metavar="SPREAD", help="of one-sided data: a price, or a rate such as 0.02%%")
    group.add_argument(
        "--recorded", type=Recorded, choices=list(Recorded), default=Recorded.MIDDLE, help="what one-sided prices are"
    )
    group.add_argument("--slippage-ticks", type=int, default=0, metavar="N", help="of market and stop fills")
    group.add_argument("--slippage-bps", type=_decimal, default=ZERO, metavar="N", help="of market and stop fills")
    group.add_argument("--latency-ms", type=_decimal, default=ZERO, metavar="MS", help="from acceptance to the book")


def _add_fills(group: Any) -> None:
    group.add_argument("--fill", type=FillAt, choices=list(FillAt), default=FillAt.NEXT_OPEN, help="when orders fill")
    group.add_argument("--path", type=BarPath, choices=list(BarPath), default=BarPath.NEAREST_FIRST, help="in a bar")
    group.add_argument("--in-bar", type=InBar, choices=list(InBar), default=InBar.AT_PRICE, help="where stops fill")
    group.add_argument("--improve-limits", action="store_true", help="limits that are jumped over fill at the open")
    group.add_argument("--displayed", action="store_true", help="fill no more than the sizes that are recorded")
    group.add_argument("--actions", metavar="FILE", type=Path, help="splits and dividends: symbol,ex_date,type,value")
    group.add_argument("--close-at-end", action="store_true", help="close what is open at the last price")
    group.add_argument("--show-all", action="store_true", help="show the engine every price: slower, nothing else")


def settings_of(options: argparse.Namespace, *, actions: Sequence[CorporateAction]) -> BacktestSettings:
    """The settings that the options mean. WrongUsage where they cannot be read."""
    account = AccountSetup(
        cash=options.cash,
        currency=options.currency.upper(),
        leverage=options.leverage,
        is_cash=options.cash_account,
        position_mode=PositionMode.HEDGING if options.hedging else PositionMode.NETTING,
        money_digits=options.money_digits,
    )
    fills = FillRule(at=options.fill, path=options.path, in_bar=options.in_bar, improves_limits=options.improve_limits)
    venue = VenueSettings(
        liquidity=Liquidity.DISPLAYED if options.displayed else Liquidity.UNLIMITED,
        latency_ns=int(options.latency_ms * NS_PER_MS),
        slippage_ticks=options.slippage_ticks,
        slippage_bps=options.slippage_bps,
    )
    return BacktestSettings(
        accounts=(account,),
        costs=_costs(options),
        fills=fills,
        venue=venue,
        units=options.units,
        actions=tuple(actions),
        begins_at=options.begins_at,
        ends_at=options.ends_at,
        skips=not options.show_all,
        closes_at_end=options.close_at_end,
    )


class _Fee(StrEnum):
    RATE = "taker_rate"
    PER_UNIT = "per_unit"
    FIXED = "fixed"


def _costs(options: argparse.Namespace) -> Costs:
    parts: dict[str, Decimal] = {}
    for text in options.fee:
        kind, amount = _fee(text)
        if kind in parts:
            raise WrongUsage(f"--fee {text}: there is another of this kind already")
        parts[kind] = amount
    if options.maker_fee is not None:
        parts["maker_rate"] = _rate(options.maker_fee)
    if options.fee_min is not None:
        parts["minimum"] = options.fee_min
    if options.spread is not None:
        name = "spread_rate" if options.spread.endswith("%") else "spread"
        parts[name] = _rate(options.spread) if name == "spread_rate" else _number(options.spread)
    return Costs(charged=options.fee_on, recorded=options.recorded, **parts)


def _fee(text: str) -> tuple[_Fee, Decimal]:
    if text.endswith("%"):
        return _Fee.RATE, _rate(text)
    if text.endswith("/unit"):
        return _Fee.PER_UNIT, _number(text.removesuffix("/unit"))
    return _Fee.FIXED, _number(text)


def _rate(text: str) -> Decimal:
    return _number(text.removesuffix("%")) / HUNDRED


def _number(text: str) -> Decimal:
    try:
        return _decimal(text)
    except argparse.ArgumentTypeError as error:
        raise WrongUsage(str(error)) from error


def _decimal(text: str) -> Decimal:
    try:
        number = Decimal(text)
    except InvalidOperation as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no number") from error
    if not number.is_finite() or number < 0:
        raise argparse.ArgumentTypeError(f"{text!r} must be a number that is not negative")
    return number


def _instant(text: str) -> int:
    try:
        return from_rfc3339(text if ":" in text else f"{text}T00:00:00Z")
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no time: expected 2025-01-15 or 2025-01-15T10:30:00Z") from error
