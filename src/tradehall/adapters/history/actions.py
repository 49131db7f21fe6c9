"""Corporate actions from a table: symbol, ex_date (or timestamp), type (SPLIT, DIVIDEND), value."""

import csv
from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Final

import msgspec

from tradehall.backtests.settings import ActionKind, CorporateAction
from tradehall.domain.time import from_rfc3339
from tradehall.ports.feed import FeedError

COLUMNS: Final = ("symbol", "type", "value")
DATE_COLUMNS: Final = ("ex_date", "timestamp", "date")


def read_actions(path: Path) -> list[CorporateAction]:
    """All actions of the table, in order of time. FeedError, with file and row, for what cannot be read."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as stream:
            reader = csv.DictReader(stream)
            names = reader.fieldnames or ()
            date = next((name for name in DATE_COLUMNS if name in names), None)
            if date is None or any(name not in names for name in COLUMNS):
                raise FeedError(f"{path} has columns {', '.join(names)}: expected {', '.join(COLUMNS)} and ex_date")
            actions = [_action(path, number, row, date) for number, row in enumerate(reader, start=1)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise FeedError(f"{path} cannot be read: {error}") from error
    return sorted(actions, key=lambda action: action.at)


def actions_of(actions: Sequence[CorporateAction], symbols: Sequence[str]) -> tuple[CorporateAction, ...]:
    """Those of the run's symbols, in order of time; a symbol with a suffix, as AIG-WIKI, that has none of its own has
    those of its stem.
    """
    found = [action for symbol in symbols for action in _actions_of(actions, symbol)]
    return tuple(sorted(found, key=lambda action: action.at))


def _actions_of(actions: Sequence[CorporateAction], symbol: str) -> list[CorporateAction]:
    own = [action for action in actions if action.symbol == symbol]
    stem = symbol.partition("-")[0]
    return own or [msgspec.structs.replace(action, symbol=symbol) for action in actions if action.symbol == stem]


def _action(path: Path, number: int, row: Mapping[str, str | None], date: str) -> CorporateAction:
    try:
        text = (row[date] or "").strip()
        at = from_rfc3339(text if ":" in text else f"{text}T00:00:00Z")
        kind = ActionKind((row["type"] or "").strip().upper())
        value = Decimal((row["value"] or "").strip())
    except (ValueError, InvalidOperation) as error:
        raise FeedError(
            f"{path} row {number} was {dict(row)}: expected a date, {' or '.join(ActionKind)}, and a number"
        ) from error
    if not value.is_finite() or value <= 0:
        raise FeedError(f"{path} row {number} has value {value}: expected a positive number")
    return CorporateAction(at, (row["symbol"] or "").strip().upper(), kind, value)
