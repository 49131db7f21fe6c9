"""`tradehall backtest`: a strategy over recorded data, with the engine and venue that trade on paper."""

import argparse
import ast
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, Final

from tradehall.adapters.history.actions import actions_of, read_actions
from tradehall.adapters.history.tapes import FileTape, open_tapes
from tradehall.adapters.reports.html_report import report_html
from tradehall.adapters.reports.json_report import report_json
from tradehall.analytics.report import BacktestReport
from tradehall.backtests import BacktestSettings, Result, Strategy, run
from tradehall.cli.backtest_options import add_options, settings_of
from tradehall.cli.commands import summary_of
from tradehall.cli.options import Commands, add_command, add_json
from tradehall.cli.output import Refused, WrongUsage, complain, say
from tradehall.cli.progress import progress_bar
from tradehall.domain.time import to_rfc3339
from tradehall.engine.record import Record, encode_record
from tradehall.strategies.definition import DefinitionError
from tradehall.wiring.backtests import StrategyRefused, load_strategy, report_of
from tradehall.wiring.graphs import load_graph

RECORDS_PER_WRITE: Final = 1_000
REPORTS: Final[dict[str, Callable[[BacktestReport], bytes]]] = {
    ".html": lambda report: report_html(report).encode(),
    ".json": report_json,
}


def add_to(commands: Commands) -> None:
    """Add the command."""
    parser = add_command(
        commands, "backtest", run_it, summary=summary_of("backtest"),
        example="tradehall backtest examples/backtest/ema_cross.py --data bars/GOOG.US.1d.parquet --cash 10000 "
        "--fee 0.2% --report out.html",
    )  # fmt: skip
    parser.add_argument(
        "strategy",
        metavar="STRATEGY",
        help="FILE.py, FILE.py:Class (a subclass of Strategy), or a block graph, FILE.json",
    )
    parser.add_argument("--data", nargs="+", type=Path, required=True, metavar="PATH", help="recordings, or folders")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="an argument of the strategy")
    add_options(parser)
    parser.add_argument("--report", type=Path, metavar="FILE", help="write the report there: .html or .json")
    parser.add_argument("--events", type=Path, metavar="FILE", help="write every record there, a line of JSON each")
    add_json(parser)


def run_it(options: argparse.Namespace) -> None:
    """Run, and say what was found. Refused for data that cannot be used and for a run that did not reach its end."""
    if options.report is not None and options.report.suffix not in REPORTS:
        raise WrongUsage(f"--report {options.report}: expected a name that ends in {' or '.join(REPORTS)}")
    # What is wrong with the strategy is said before data are read; a graph needs them to be bound to.
    strategy = None if options.strategy.endswith(".json") else _strategy(options)
    with _bar("reading", options) as show:
        tapes = open_tapes(
            options.data, options.symbols, lambda _, done, total: show(done, total), adjusted=options.adjusted
        )
    settings = settings_of(options, actions=_actions(options, tapes))
    result = _run(options, strategy or _graph(options, tapes, settings), tapes, settings)
    report = report_of(result, tapes)
    if options.report is not None:
        _write_report(options.report, report)
    if options.json:
        print(report_json(report).decode())
    else:
        _tell(result)
    if result.failure is not None:
        complain(result.failure.traceback.rstrip())
        raise Refused(f"the strategy failed in {result.failure.during} at {to_rfc3339(result.failure.at)}")


def _strategy(options: argparse.Namespace) -> Strategy:
    try:
        return load_strategy(options.strategy, dict(_parameter(text) for text in options.set))
    except StrategyRefused as refused:
        raise Refused(str(refused)) from refused


def _graph(options: argparse.Namespace, tapes: list[FileTape], settings: BacktestSettings) -> Strategy:
    path = Path(options.strategy)
    if not path.is_file():
        raise Refused(f"{path} is no file: expected a block graph in JSON")
    try:
        return load_graph(path, tapes, settings)
    except DefinitionError as error:
        raise Refused(f"{path} cannot be run: {error}") from error


def _run(options: argparse.Namespace, strategy: Strategy, tapes: list[FileTape], settings: BacktestSettings) -> Result:
    with _bar("running", options) as show, _record_file(options.events) as sink:
        try:
            return run(strategy, tapes, settings, sink=sink, on_progress=show)
        except ValueError as error:
            raise WrongUsage(str(error)) from error


@contextmanager
def _bar(what: str, options: argparse.Namespace) -> Iterator[Callable[[int, int], None]]:
    """A program that reads the result watches no bar."""
    with nullcontext(lambda done, total: None) if options.json else progress_bar(what) as show:
        yield show


@contextmanager
def _record_file(path: Path | None) -> Iterator[Callable[[Record], None]]:
    """Where records go: into a file as they come, or nowhere."""
    if path is None:
        yield lambda record: None
        return
    lines: list[bytes] = []
    with path.open("wb") as file:

        def write(record: Record) -> None:
            lines.append(encode_record(record))
            if len(lines) == RECORDS_PER_WRITE:
                file.write(b"\n".join(lines) + b"\n")
                lines.clear()

        yield write
        file.writelines(line + b"\n" for line in lines)


def _actions(options: argparse.Namespace, tapes: list[FileTape]) -> Any:
    if options.actions is None:
        return ()
    return actions_of(read_actions(options.actions), [tape.instrument.symbol for tape in tapes])


def _parameter(text: str) -> tuple[str, Any]:
    """`fast=10` → fast, 10; what is no Python value is text."""
    name, separator, value = text.partition("=")
    if not separator or not name.isidentifier():
        raise WrongUsage(f"--set {text}: expected NAME=VALUE")
    try:
        return name, ast.literal_eval(value)
    except (ValueError, SyntaxError):
        return name, value


def _write_report(path: Path, report: BacktestReport) -> None:
    path.write_bytes(REPORTS[path.suffix](report))


def _tell(result: Result) -> None:
    metrics, counters = result.metrics, result.counters
    say(f"{result.strategy}, {to_rfc3339(result.began_at)} to {to_rfc3339(result.ended_at)}")
    for account in result.accounts:
        say(
            f"  account {account.account_id}: {account.started_with} → {account.equity:.2f} {account.currency}"
            f", {account.open_positions} positions open"
        )
    closed = sum(trip.closed_at is not None for trip in result.round_trips)
    say(f"  return {_percent(metrics.total_return)}, worst drawdown {_percent(-metrics.max_drawdown)}, "
        f"Sharpe {_number(metrics.sharpe)}")  # fmt: skip
    say(f"  {closed} round trips, {counters.fills} fills, {result.paid.commission:.2f} commission")
    say(f"  {counters.skipped_share:.1%} of {counters.prices:,} prices could not matter and were skipped")
    for why, count in counters.shown.items():
        say(f"    {count:,} shown: {why}")
    for note in result.notes:
        say(f"  {note}")


def _percent(share: float | None) -> str:
    return "n/a" if share is None else f"{share:+.2%}"


def _number(value: float | None) -> str:
    return "n/a" if value is None else f"{value:.2f}"
