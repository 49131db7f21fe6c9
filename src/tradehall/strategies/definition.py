"""A strategy's block graph as the house understands it: what `reading` makes of the JSON. docs/strategies.md."""

from decimal import Decimal
from enum import StrEnum
from typing import Final, TypeAlias

from msgspec import Struct

from tradehall.domain.market import Timeframe
from tradehall.domain.position import PositionSide

# What a definition may be at most; beyond that it is refused with the block's path.
INPUTS_MAX: Final = 32
RULES_MAX: Final = 32
ACTIONS_MAX: Final = 8
BLOCKS_MAX: Final = 512  # Conditions and actions of all rules together.
INPUT_DEPTH_MAX: Final = 4  # Inputs of inputs.
DEPTH_MAX: Final = 16  # Conditions within conditions.
SYMBOLS_MAX: Final = 8  # Other instruments beside the one it runs on.
BARS_MAX: Final = 400  # How far back a condition looks.
BARS_AGO_MAX: Final = 480  # The same with every `prev` and `within` around it.
WINDOWS_MAX: Final = 8
TRADES_MAX: Final = 1_000_000
BEAT_S_MAX: Final = 86_400
DIGITS_MAX: Final = 28  # Of a number; its size is below 10^15.
NAME_LENGTH_MAX: Final = 32
PROBLEMS_MAX: Final = 50  # Told at once.


class PriceField(StrEnum):
    """What a bar is made of, and what is commonly taken for its price."""

    OPEN = "open"
    HIGH = "high"
    LOW = "low"
    CLOSE = "close"
    VOLUME = "volume"
    HL2 = "hl2"
    HLC3 = "hlc3"
    OHLC4 = "ohlc4"


class Number(Struct, frozen=True, gc=False, tag=True):
    """A value that does not move."""

    value: Decimal


class BarPrice(Struct, frozen=True, gc=False, tag=True):
    """A price of the bar the rule looks at, or the one `bars_ago` before."""

    field: PriceField
    bars_ago: int = 0


class InputValue(Struct, frozen=True, gc=False, tag=True):
    """An output of an input by name (`output` "": it has only one), `bars_ago` bars of the strategy before."""

    name: str
    output: str = ""
    bars_ago: int = 0


Operand: TypeAlias = Number | BarPrice | InputValue


class Parameter(Struct, frozen=True, gc=False):
    """A parameter of an indicator: periods are int, factors Decimal, kinds of averages text."""

    name: str
    value: int | Decimal | str


class Input(Struct, frozen=True):
    """A named series. `indicator` "": the price itself, to name that of another symbol or timeframe.

    `of`: what it is computed from, bar prices or other inputs (`name` or `name.output`), as many as the
    indicator takes. `parameters`: all of the indicator's, defaults filled in. `symbol`, `timeframe` None: the
    strategy's own.
    """

    name: str
    indicator: str
    of: tuple[str, ...]
    parameters: tuple[Parameter, ...] = ()
    symbol: str | None = None
    timeframe: Timeframe | None = None


class Relation(StrEnum):
    """How two operands stand to each other at a bar; crossings look at the bar before, too."""

    CROSSES_ABOVE = "crosses_above"
    CROSSES_BELOW = "crosses_below"
    ABOVE = "above"
    BELOW = "below"
    EQUALS = "equals"


class Comparison(Struct, frozen=True, tag=True):
    """`left` and `right` stand in a relation."""

    relation: Relation
    left: Operand
    right: Operand


class Move(Struct, frozen=True, tag=True):
    """`operand` rose (or fell) by at least `amount` over `bars` bars; percent is of where it came from."""

    rises: bool
    operand: Operand
    amount: Decimal
    is_percent: bool
    bars: int = 1


class All(Struct, frozen=True, tag=True):
    """Every one of them."""

    conditions: "tuple[Condition, ...]"


class Any(Struct, frozen=True, tag=True):
    """At least one of them."""

    conditions: "tuple[Condition, ...]"


class Not(Struct, frozen=True, tag=True):
    """The opposite."""

    condition: "Condition"


class Within(Struct, frozen=True, tag=True):
    """It was met at one of the last `bars` bars, this one included."""

    condition: "Condition"
    bars: int


Condition: TypeAlias = Comparison | Move | All | Any | Not | Within


class DistanceUnit(StrEnum):
    """What an exit's distance is counted in; PRICE is no distance but where it stands."""

    PRICE = "price"
    PERCENT = "percent"
    ATR = "atr"
    TICKS = "ticks"


class Distance(Struct, frozen=True):
    """Where an exit stands: away from the price of the moment, or (PRICE) at a price.

    `amount`: percent of that price, multiples of the ATR, ticks; a price may be an operand instead. `input`:
    the ATR that is meant, "": the first of the inputs that is one of the traded symbol, else ATR(14).
    """

    unit: DistanceUnit
    amount: Operand
    input: str = ""


class Open(Struct, frozen=True, tag=True):
    """Open a position at market. `size` None: the deployment's; `symbol` None: the one it runs on."""

    side: PositionSide
    size: Decimal | None = None
    stop_loss: Distance | None = None
    take_profit: Distance | None = None
    symbol: str | None = None


class Close(Struct, frozen=True, tag=True):
    """Close at market what the strategy holds on `side`; None: whatever it holds."""

    side: PositionSide | None
    symbol: str | None = None


class SetStopLoss(Struct, frozen=True, tag=True):
    """Move the stop loss of what the strategy holds."""

    distance: Distance
    symbol: str | None = None


class SetTakeProfit(Struct, frozen=True, tag=True):
    """Move the take profit of what the strategy holds."""

    distance: Distance
    symbol: str | None = None


class Cancel(Struct, frozen=True, tag=True):
    """Cancel the strategy's entry orders that still work, of one side or (None) of both."""

    side: PositionSide | None
    symbol: str | None = None


Action: TypeAlias = Open | Close | SetStopLoss | SetTakeProfit | Cancel


class Rule(Struct, frozen=True):
    """When `when` is met at a closed bar (None: always), `do`.

    `every_s` [s]: look at every multiple of so many seconds UTC instead, at what the last closed bars say.
    """

    when: Condition | None
    do: tuple[Action, ...]
    every_s: int | None = None


class AddOns(Struct, frozen=True):
    """What keeps a strategy from opening, and what ends it; None or empty: no such bound.

    `weekdays`: 0 is Monday. `hours_utc`: half-open spans in minutes of the day; one that ends at or before
    its start ends on the next day and belongs to the day it began on. `expires_at` [ns UTC]. Stops in account
    currency, profit and loss both positive.
    """

    weekdays: frozenset[int] = frozenset()
    hours_utc: tuple[tuple[int, int], ...] = ()
    max_trades_per_day: int | None = None
    max_trades: int | None = None
    expires_at: int | None = None
    profit_stop: Decimal | None = None
    loss_stop: Decimal | None = None


class Definition(Struct, frozen=True):
    """A whole strategy, valid: names are known, numbers in bounds."""

    inputs: tuple[Input, ...]
    rules: tuple[Rule, ...]
    add_ons: AddOns = AddOns()


class Problem(Struct, frozen=True, gc=False):
    """What is wrong with a definition, and where: `rules[0].when.all[1].above[1]`; "" is the whole of it."""

    path: str
    problem: str


class DefinitionError(ValueError):
    """A definition that cannot be run, with all that is wrong with it."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("; ".join(f"{problem.path or 'definition'}: {problem.problem}" for problem in problems))
        self.problems = problems
