"""`where` and its siblings → clauses on tickets: fields of the table, in this door's numbers."""

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any, Final

from tradehall.domain.catalogue import resolve_symbol
from tradehall.domain.instrument import Instrument
from tradehall.domain.money import HUNDRED
from tradehall.domain.time import NS_PER_SECOND
from tradehall.faces.client import requests
from tradehall.faces.client.errors import invalid_data
from tradehall.faces.client.requests import as_json
from tradehall.faces.client.words import CMD, OF_A_CLIENT, REASON, STATE
from tradehall.ports.tickets import Clause, Comparison

CLAUSES_MAX: Final = 10
VALUES_MAX: Final = 1_000
_INT_MAX: Final = 2**63 - 1

C: Final = Comparison

_COMPARISON_OF: Final[Mapping[str, Comparison]] = {
    "where": C.IS,
    "whereNot": C.IS_NOT,
    "whereIn": C.IN,
    "whereNotIn": C.NOT_IN,
    "whereBetween": C.BETWEEN,
    "whereNotBetween": C.NOT_BETWEEN,
}
_NEGATIVE: Final = frozenset({C.IS_NOT, C.NOT_IN, C.NOT_BETWEEN})
_RANGES: Final = frozenset({C.BETWEEN, C.NOT_BETWEEN})
_OF_SECONDS: Final = {C.IS: C.IN_SECONDS, C.IN: C.IN_SECONDS, C.IS_NOT: C.NOT_IN_SECONDS, C.NOT_IN: C.NOT_IN_SECONDS}

Read = Callable[[Any], Any]


def clauses_of(query: requests.Trades, instruments: Mapping[str, Instrument]) -> tuple[Clause, ...]:
    """The clauses of a query; INVALID_DATA for a field that is none, or a value it cannot have."""
    found: list[Clause] = []
    count = 0
    for name, comparison in _COMPARISON_OF.items():
        for field, values in _pairs(getattr(query, name), name, comparison):
            count += 1
            if count > CLAUSES_MAX:
                raise invalid_data(f"there may be {CLAUSES_MAX} clauses, no more")
            found += _clauses(field, comparison, values, instruments)
    return tuple(found)


def _pairs(given: Any, name: str, comparison: Comparison) -> Iterable[tuple[str, list[Any]]]:
    """[[field, value], …], or one such pair alone."""
    listed = as_json(given, name)
    if listed is None:
        return
    if not isinstance(listed, list):
        raise invalid_data(f"{name} must be a list of [field, value]")
    pairs = [listed] if listed and isinstance(listed[0], str) else listed
    for pair in pairs:
        if not isinstance(pair, list) or len(pair) != 2 or not isinstance(pair[0], str):
            raise invalid_data(f"{name} must be a list of [field, value]")
        field, value = pair
        is_list = comparison not in (C.IS, C.IS_NOT)
        if is_list and not isinstance(value, list):
            raise invalid_data(f"{name} of {field[:40]} needs a list of values")
        values = value if is_list else [value]
        if len(values) > VALUES_MAX or (comparison in _RANGES and len(values) != 2):
            raise invalid_data(f"{name} of {field[:40]} has the wrong number of values")
        yield field, values


def _clauses(
    field: str, comparison: Comparison, values: list[Any], instruments: Mapping[str, Instrument]
) -> list[Clause]:
    if field in _CODED:
        return _coded(field, comparison, [_integer(value) for value in values])
    if field in _TIMES:
        return [_of_time(_TIMES[field], comparison, [_instant(value) for value in values])]
    if field == "symbol":
        return [Clause("symbol", comparison, tuple(_symbol(value, instruments) for value in values))]
    if field not in _PLAIN:
        raise invalid_data(f"{field[:40]!r} is no field of a trade")
    column, read = _PLAIN[field]
    return [Clause(column, comparison, tuple(read(value) for value in values))]


# ------------------------------------------------------------------ fields with a code for each word


def _coded(field: str, comparison: Comparison, codes: list[int]) -> list[Clause]:
    """The words whose codes are meant: a range of codes is a set of words, too."""
    wanted = range(codes[0], codes[1] + 1) if comparison in _RANGES else codes
    column, words, others = _CODED[field]
    meant = tuple(word for word, code in words.items() if code in wanted)
    is_negative = comparison in _NEGATIVE
    if others is not None and others in wanted:
        # All whose code is not listed are meant as well: so it is those that are not which are told.
        meant = tuple(word for word in words if word not in meant)
        is_negative = not is_negative
    return [Clause(column, C.NOT_IN if is_negative else C.IN, meant)]


_CODED: Final[Mapping[str, tuple[str, Mapping[str, int], int | None]]] = {
    "cmd": ("kind", {kind.value: code for kind, code in CMD.items()}, None),
    "state": ("state", {state.value: code for state, code in STATE.items()}, None),
    "reason": ("source", REASON, OF_A_CLIENT),
}

# ------------------------------------------------------------------ instants

_TIMES: Final = {"open_time": "opened_at", "close_time": "closed_at", "expiration": "expires_at"}


def _of_time(column: str, comparison: Comparison, seconds: list[int]) -> Clause:
    if comparison in _RANGES:
        first, last = seconds
        return Clause(column, comparison, (_ns(first), _ns(last) + NS_PER_SECOND - 1))
    return Clause(column, _OF_SECONDS[comparison], tuple(seconds))


def _ns(second: int) -> int:
    return second * NS_PER_SECOND


def _instant(value: Any) -> int:
    most = _INT_MAX // NS_PER_SECOND - 1
    return max(-most, min(most, _integer(value)))


# ------------------------------------------------------------------ numbers and texts


def _integer(value: Any) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return max(-_INT_MAX, min(_INT_MAX, value))
    number = _number(value)
    if not number.is_integer():
        raise invalid_data(f"expected a whole number, got {number}")
    return max(-_INT_MAX, min(_INT_MAX, int(number)))


def _number(value: Any) -> float:
    """A number; the text of one is what a JSON body leaves of it."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise invalid_data("expected a number")
    try:
        number = float(value)
    except (ValueError, OverflowError):
        raise invalid_data("expected a number") from None
    if number - number != 0:
        raise invalid_data("expected a finite number")
    return number


def _lots(value: Any) -> float:
    """Hundredths of a lot in lots, rounded as the stored ones are."""
    return float(Decimal(repr(_number(value))) / HUNDRED)


def _text(value: Any) -> str:
    """A text, and not that of a number."""
    if type(value) is not str:
        raise invalid_data("expected a text")
    return value


def _symbol(value: Any, instruments: Mapping[str, Instrument]) -> str:
    text = _text(value)
    return resolve_symbol(text, instruments) or text


_PLAIN: Final[Mapping[str, tuple[str, Read]]] = {
    "order": ("ticket", _integer),
    "login": ("account_id", _integer),
    "digits": ("digits", _integer),
    "volume": ("lots", _lots),
    "open_price": ("open_price", _number),
    "close_price": ("close_price", _number),
    "sl": ("stop_loss", _number),
    "tp": ("take_profit", _number),
    "profit": ("profit", _number),
    "net_profit": ("net_profit", _number),
    "commission": ("commission", _number),
    "storage": ("swap", _number),
    "comment": ("comment", _text),
}
