"""What may be deployed: wishes judged, and what they become."""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from msgspec import Struct

from tradehall.app.records.deployments import (
    SYMBOLS_MAX,
    BudgetShare,
    DeploymentLimits,
    Mode,
    SizeType,
)
from tradehall.app.studio.refusals import StudioCode, StudioRefused, invalid, invalid_fields
from tradehall.domain.account import Account
from tradehall.domain.catalogue import resolve_symbol
from tradehall.domain.instrument import Instrument
from tradehall.domain.money import is_multiple

_CURRENCY: Final = re.compile(r"[A-Z0-9]{2,10}")
MONEY_MAX: Final = Decimal("1e15")
PERCENT_MAX: Final = Decimal(10_000)
OPEN_POSITIONS_MAX: Final = 100


class NewDeployment(Struct, frozen=True, kw_only=True):
    """A wish. `strategy`: number or keygen. `account_id` None: the owner's first. `symbols` (): the strategy's."""

    strategy: str
    mode: Mode = Mode.PAPER
    symbols: tuple[str, ...] = ()
    size: Decimal = Decimal(1)
    size_type: SizeType = SizeType.UNITS
    account_id: int | None = None
    budget: BudgetShare | None = None
    limits: DeploymentLimits = DeploymentLimits()
    leverage: int = 1
    strict_sl: bool = True
    expires_at: int | None = None


class DeploymentPatch(Struct, frozen=True, kw_only=True):
    """What changes at the next signal; None: stays. `clear_*` removes."""

    size: Decimal | None = None
    leverage: int | None = None
    strict_sl: bool | None = None
    symbols: tuple[str, ...] | None = None
    max_open_positions: int | None = None
    max_daily_loss: Decimal | None = None
    expires_at: int | None = None
    clear_max_open_positions: bool = False
    clear_max_daily_loss: bool = False
    clear_expiry: bool = False

    @property
    def says_something(self) -> bool:
        """Whether anything changes."""
        return self != DeploymentPatch()


def checked_symbols(symbols: tuple[str, ...], instruments: Mapping[str, Instrument]) -> tuple[str, ...]:
    """The instruments that are meant, each once; StudioRefused for unknown ones, none, or too many."""
    if not 1 <= len(symbols) <= SYMBOLS_MAX:
        raise invalid("symbols", f"must name 1 to {SYMBOLS_MAX} symbols")
    found = {symbol: resolve_symbol(symbol, instruments) for symbol in symbols}
    unknown = [(f"symbols[{at}]", "is not listed") for at, symbol in enumerate(symbols) if found[symbol] is None]
    if unknown:
        raise invalid_fields(unknown)
    return tuple(dict.fromkeys(symbol for symbol in found.values() if symbol is not None))


def check_mode(mode: Mode) -> None:
    """StudioRefused where no provider could carry it out."""
    if mode is Mode.LIVE:
        raise StudioRefused(
            StudioCode.LIVE_UNAVAILABLE, "no live provider is connected to this server: deploy on paper, or to notify"
        )


def check_size(
    size: Decimal, size_type: SizeType, symbols: tuple[str, ...], instruments: Mapping[str, Instrument]
) -> None:
    """StudioRefused for a size that no order could have."""
    if size <= 0:
        raise invalid("size", "must be above 0")
    if size_type is SizeType.PERCENT_EQUITY:
        if size > PERCENT_MAX:
            raise invalid("size", f"must be at most {PERCENT_MAX} percent of the equity")
        return
    for symbol in symbols:
        instrument = instruments[symbol]
        if size_type is SizeType.LOTS and not is_multiple(size, instrument.lot_step):
            raise invalid("size", f"must be a multiple of {instrument.lot_step} lots for {symbol}")
        units = size * instrument.contract_size if size_type is SizeType.LOTS else size
        if not instrument.quantity_min <= units <= instrument.quantity_max:
            bounds = f"{instrument.quantity_min} to {instrument.quantity_max}"
            raise invalid("size", f"must come to {bounds} units of {symbol}, it is {units}")


def check_leverage(leverage: int, account: Account) -> None:
    """StudioRefused above the account's own."""
    if not 1 <= leverage <= account.terms.leverage:
        raise invalid("leverage", f"must be 1 to {account.terms.leverage}, the account's")


def check_limits(limits: DeploymentLimits) -> None:
    """StudioRefused for limits that make no sense."""
    count, loss = limits.max_open_positions, limits.max_daily_loss
    if count is not None and not 1 <= count <= OPEN_POSITIONS_MAX:
        raise invalid("limits.max_open_positions", f"must be 1 to {OPEN_POSITIONS_MAX}")
    if loss is not None and not 0 < loss <= MONEY_MAX:
        raise invalid("limits.max_daily_loss", f"must be above 0 and at most {MONEY_MAX}")


def check_budget(budget: BudgetShare | None) -> None:
    """StudioRefused for an amount or a currency that no budget can have."""
    if budget is None:
        return
    if _CURRENCY.fullmatch(budget.currency) is None:
        raise invalid("budget.currency", "must have 2 to 10 capital letters or digits")
    if not 0 <= budget.allocated <= MONEY_MAX:
        raise invalid("budget.allocated", f"must be 0 to {MONEY_MAX}")


def check_expiry(expires_at: int | None, now: int) -> None:
    """StudioRefused for an end that has passed."""
    if expires_at is not None and expires_at <= now:
        raise invalid("expires_at", "must lie in the future")
