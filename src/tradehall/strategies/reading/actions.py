"""Actions: an object whose first word says what is done, and the distances of exits."""

from collections.abc import Callable
from decimal import Decimal
from typing import Final

from tradehall.domain.position import PositionSide
from tradehall.strategies.definition import (
    Action,
    Cancel,
    Close,
    Distance,
    DistanceUnit,
    Number,
    Open,
    SetStopLoss,
    SetTakeProfit,
)
from tradehall.strategies.reading.conditions import Reading
from tradehall.strategies.reading.spot import Spot

PERCENT_MAX: Final = Decimal(1000)
ATR_MAX: Final = Decimal(1000)
TICKS_MAX: Final = 10_000_000
_SIDES: Final = {"long": PositionSide.LONG, "short": PositionSide.SHORT}
_ANY_SIDE: Final = (*_SIDES, "all")


def read_action(spot: Spot, reading: Reading) -> Action | None:
    """What a rule does: open, close, set_stop_loss, set_take_profit or cancel."""
    if not reading.counts(spot) or not spot.is_object(ACTION_KEYS):
        return None
    said = [kind for kind in _KINDS if kind in spot.value]
    if len(said) != 1:
        spot.complain(f"must say one of {', '.join(_KINDS)}" + (f", said {' and '.join(said)}" if said else ""))
        return None
    keys, read = _KINDS[said[0]]
    if not spot.is_object((said[0], *keys)):
        return None
    symbol = None
    if spot.has("symbol"):
        symbol = reading.names.symbol(spot.key("symbol"))
        if symbol is None:
            return None
    return read(spot, reading, symbol)


def read_distance(spot: Spot, reading: Reading) -> Distance | None:
    """Where an exit stands: {"price": …}, {"percent": …}, {"atr": …, "input"?} or {"ticks": …}."""
    if not spot.is_object((*DistanceUnit, "input")):
        return None
    said = [unit for unit in DistanceUnit if unit in spot.value]
    if len(said) != 1:
        spot.complain("must say one of price, percent, atr, ticks")
        return None
    unit = said[0]
    here = spot.key(unit)
    amount = reading.operand(here) if unit is DistanceUnit.PRICE else _measure(here, unit)
    if amount is None or (isinstance(amount, Number) and not _is_above_zero(here, amount.value)):
        return None
    if not spot.has("input"):
        return Distance(unit, amount)
    return _with_input(spot, unit, amount, reading)


def _is_above_zero(spot: Spot, number: Decimal) -> bool:
    if number > 0:
        return True
    spot.complain(f"must be above 0, was {number}")
    return False


def _measure(spot: Spot, unit: DistanceUnit) -> Number | None:
    if unit is DistanceUnit.TICKS:
        ticks = spot.whole(1, TICKS_MAX)
        return None if ticks is None else Number(Decimal(ticks))
    number = spot.number(maximum=PERCENT_MAX if unit is DistanceUnit.PERCENT else ATR_MAX)
    return None if number is None else Number(number)


def _with_input(spot: Spot, unit: DistanceUnit, amount: object, reading: Reading) -> Distance | None:
    here = spot.key("input")
    if unit is not DistanceUnit.ATR or not isinstance(amount, Number):
        here.complain("only a distance in atr has an input")
        return None
    name = here.one_of("input", reading.names.inputs)
    if name is None:
        return None
    if reading.names.inputs[name].indicator != "ATR":
        here.complain(f"{name!r} is no ATR")
        return None
    return Distance(unit, amount, name)


def _open(spot: Spot, reading: Reading, symbol: str | None) -> Action | None:
    complaints = len(spot.problems)
    side = spot.key("open").one_of("side", _SIDES)
    size = spot.key("size").positive() if spot.has("size") else None
    stop_loss = read_distance(spot.key("stop_loss"), reading) if spot.has("stop_loss") else None
    take_profit = read_distance(spot.key("take_profit"), reading) if spot.has("take_profit") else None
    if side is None or len(spot.problems) > complaints:
        return None
    return Open(_SIDES[side], size, stop_loss, take_profit, symbol)


def _close(spot: Spot, reading: Reading, symbol: str | None) -> Action | None:
    side = spot.key("close").one_of("side", _ANY_SIDE)
    return None if side is None else Close(_SIDES.get(side), symbol)


def _cancel(spot: Spot, reading: Reading, symbol: str | None) -> Action | None:
    side = spot.key("cancel").one_of("side", _ANY_SIDE)
    return None if side is None else Cancel(_SIDES.get(side), symbol)


def _set_stop_loss(spot: Spot, reading: Reading, symbol: str | None) -> Action | None:
    distance = read_distance(spot.key("set_stop_loss"), reading)
    return None if distance is None else SetStopLoss(distance, symbol)


def _set_take_profit(spot: Spot, reading: Reading, symbol: str | None) -> Action | None:
    distance = read_distance(spot.key("set_take_profit"), reading)
    return None if distance is None else SetTakeProfit(distance, symbol)


_Reader = Callable[[Spot, Reading, str | None], Action | None]
# What each action may say besides its own word.
_KINDS: Final[dict[str, tuple[tuple[str, ...], _Reader]]] = {
    "open": (("size", "stop_loss", "take_profit", "symbol"), _open),
    "close": (("symbol",), _close),
    "set_stop_loss": (("symbol",), _set_stop_loss),
    "set_take_profit": (("symbol",), _set_take_profit),
    "cancel": (("symbol",), _cancel),
}
ACTION_KEYS: Final = tuple(dict.fromkeys((*_KINDS, *(key for keys, _ in _KINDS.values() for key in keys))))
