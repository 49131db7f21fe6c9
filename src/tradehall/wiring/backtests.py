"""A backtest put together: a strategy out of a file, a run over recorded data, and the report of what it found."""

import hashlib
import importlib.util
import inspect
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import msgspec

from tradehall import __version__
from tradehall.adapters.history.naming import span_text
from tradehall.adapters.history.tapes import FileTape
from tradehall.analytics.report import BacktestReport, Failure, Provenance, Series, Skipped
from tradehall.analytics.report import Costs as ReportCosts
from tradehall.backtests import BacktestSettings, Result, Strategy

BYTES_PER_READ: Final = 1 << 20


class StrategyRefused(Exception):
    """The file holds no strategy that can be run; the text says what was found."""


def load_strategy(where: str, parameters: Mapping[str, Any] | None = None) -> Strategy:
    """The strategy of `FILE.py` or `FILE.py:Class`, made with `parameters`. StrategyRefused if there is none."""
    name, _, wanted = where.partition(":")
    path = Path(name)
    if not path.is_file():
        raise StrategyRefused(f"{path} is no file: expected a strategy such as strategy.py or strategy.py:MyStrategy")
    found = _strategies_in(_module_of(path))
    if wanted:
        found = {kind: made for kind, made in found.items() if kind == wanted}
    if len(found) != 1:
        there = ", ".join(found) or "none"
        expected = f"a class {wanted}" if wanted else "one subclass of Strategy, or its name as FILE.py:Class"
        raise StrategyRefused(f"{path} holds these strategies: {there}; expected {expected}")
    (kind,) = found.values()
    try:
        return kind(**(parameters or {}))
    except TypeError as error:
        raise StrategyRefused(f"{kind.__name__} cannot be made of {dict(parameters or {})}: {error}") from error


def _module_of(path: Path) -> ModuleType:
    """The file as a module; what lies beside it can be imported by it."""
    spec = importlib.util.spec_from_file_location(f"tradehall_strategy_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise StrategyRefused(f"{path} is no Python file: expected a name that ends in .py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    if (folder := str(path.resolve().parent)) not in sys.path:
        sys.path.append(folder)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise StrategyRefused(f"{path} cannot be read: {type(error).__name__}: {error}") from error
    return module


def _strategies_in(module: ModuleType) -> dict[str, type[Strategy]]:
    kinds = inspect.getmembers(module, inspect.isclass)
    return {name: kind for name, kind in kinds if issubclass(kind, Strategy) and kind.__module__ == module.__name__}


def report_of(result: Result, tapes: Sequence[FileTape]) -> BacktestReport:
    """What is told about a run."""
    first = result.settings.accounts[0]
    return BacktestReport(
        strategy=result.strategy,
        start=result.began_at,
        end=result.ended_at,
        currency=first.currency,
        symbols=tuple(instrument.symbol for instrument in result.instruments),
        metrics=result.metrics,
        closed=result.closed_metrics,
        equity=Series.of(result.equity),
        prices={symbol: Series.of(thinned) for symbol, thinned in result.prices.items()},
        monthly=result.monthly,
        round_trips=tuple(result.round_trips),
        costs=_costs(result),
        skipped=_skipped(result),
        provenance=tuple(line for tape in tapes for line in _provenance(tape)),
        settings=_plain(result.settings, but=("fills", "costs", "venue")),
        conventions=_conventions(result.settings),
        failure=_failure(result),
        version=__version__,
    )


def _costs(result: Result) -> ReportCosts:
    """Spread and slippage are in quote currency: told where that is the account's."""
    paid, money = result.paid, result.settings.accounts[0].money
    is_plain = all(instrument.quote_currency == money for instrument in result.instruments)
    return ReportCosts(
        commission=paid.commission,
        swaps=paid.swaps,
        spread=paid.spread if is_plain else None,
        slippage=paid.slippage if is_plain else None,
    )


def _skipped(result: Result) -> Skipped:
    counters = result.counters
    reasons = "; ".join(f"{count:,} because {why}" for why, count in counters.shown.items())
    return Skipped(counters.prices, counters.prices - counters.skipped, "; ".join((reasons, *result.notes)))


def _failure(result: Result) -> Failure | None:
    failure = result.failure
    if failure is None:
        return None
    state = msgspec.json.format(msgspec.json.encode(failure.state), indent=2).decode()
    return Failure(failure.traceback, failure.at, state)


def _provenance(tape: FileTape) -> list[Provenance]:
    notes = tuple(map(str, tape.gaps))
    if tape.gap_count > len(tape.gaps):
        notes += (f"{tape.gap_count - len(tape.gaps)} more gaps",)
    return [
        Provenance(
            source=source.path.name,
            symbol=tape.instrument.symbol,
            kind=source.label.kind.value,
            timeframe="" if tape.span_ns is None else span_text(tape.span_ns),
            rows=tape.rows.get(source.path, 0),
            first_at=source.first_at,
            last_at=source.last_at,
            digest=_digest(source.path),
            notes=notes,
        )
        for source in tape.sources
    ]


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(BYTES_PER_READ):
            digest.update(block)
    return digest.hexdigest()


def _conventions(settings: BacktestSettings) -> dict[str, str]:
    return {**_plain(settings.venue), **_plain(settings.costs), **_plain(settings.fills)}


def _plain(settings: msgspec.Struct, but: Sequence[str] = ()) -> dict[str, str]:
    """Settings by name, as a person would write them; what is not set is left out."""
    values = {name: value for name, value in msgspec.structs.asdict(settings).items() if name not in but}
    return {name: _text(value) for name, value in values.items() if value not in (None, ())}


def _text(value: Any) -> str:
    if isinstance(value, tuple):
        return "; ".join(map(_text, value))
    if isinstance(value, msgspec.Struct):
        return ", ".join(f"{name} {text}" for name, text in _plain(value).items())
    return str(value)
