"""The program behind a backtest of the studio: python -m tradehall.wiring.backtest_job FOLDER"""

import sys
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
from msgspec.structs import asdict, replace

from tradehall.adapters.backtest_process import FAILURE, JOB, METRICS, REPORT, ROUND_TRIPS
from tradehall.adapters.reports.html_report import report_html
from tradehall.analytics.metrics import Metrics
from tradehall.app.backtests.graph import GraphStrategy
from tradehall.backtests import AccountSetup, ArrayTape, BacktestSettings, Block, Costs, run
from tradehall.domain.instrument import Instrument
from tradehall.domain.market import TIMEFRAME_NS, Timeframe
from tradehall.ports.backtests import BacktestJob, BarRows
from tradehall.strategies.columns import Columns
from tradehall.strategies.plan import Clock
from tradehall.strategies.program import Program
from tradehall.strategies.reading import parse
from tradehall.wiring.backtests import report_of

DEFAULT_LEVERAGE: Final = Decimal(20)


def job_command() -> list[str]:
    """What runs a job, but for its folder."""
    return [sys.executable, "-m", "tradehall.wiring.backtest_job"]


def main(folder: Path) -> int:
    """Run the job in `folder` and leave what it found there; 0 when it is done or has failed with a reason."""
    job = msgspec.msgpack.decode((folder / JOB).read_bytes(), type=BacktestJob)
    try:
        run_job(job, folder)
    except ValueError as error:
        (folder / FAILURE).write_text(str(error), encoding="utf8")
    return 0


def run_job(job: BacktestJob, folder: Path) -> None:
    """Run, and write figures, round trips and the page."""
    timeframe = Timeframe(job.timeframe)
    definition = parse(job.definition)
    programs = {symbol: Program(definition, symbol, timeframe) for symbol in job.symbols}
    columns = {Clock(rows.symbol, Timeframe(rows.timeframe)): _columns(rows) for rows in job.bars}
    strategy = GraphStrategy(programs, columns, Decimal(1) / len(job.symbols))
    instruments = {instrument.symbol: instrument for instrument in job.instruments}
    tapes = [
        _tape(instruments[clock.symbol], bars, timeframe)
        for clock, bars in columns.items()
        if clock.timeframe is timeframe and clock.symbol in instruments
    ]
    result = run(strategy, tapes, _settings(job), on_progress=_tell)
    if result.failure is not None:
        (folder / FAILURE).write_text(f"{result.failure.during}: {result.failure.error}", encoding="utf8")
        return
    report = replace(report_of(result, ()), strategy=job.name, strategy_id=job.keygen)
    (folder / METRICS).write_bytes(msgspec.json.encode(_figures(result.metrics)))
    (folder / ROUND_TRIPS).write_bytes(msgspec.json.encode(result.round_trips))
    (folder / REPORT).write_text(report_html(report), encoding="utf8")


def _settings(job: BacktestJob) -> BacktestSettings:
    said: dict[str, Any] = {name: Decimal(str(value)) for name, value in job.costs.items()}
    leverage = said.pop("leverage", DEFAULT_LEVERAGE)
    return BacktestSettings(
        accounts=(AccountSetup(cash=job.cash, leverage=leverage),),
        costs=Costs(**said),
        begins_at=job.begins_at,
        ends_at=job.ends_at,
        closes_at_end=True,
    )


def _columns(rows: BarRows) -> Columns:
    prices = (rows.open, rows.high, rows.low, rows.close, rows.volume)
    return Columns(np.array(rows.at, dtype=np.int64), *(np.array(each, dtype=np.float64) for each in prices))


def _tape(instrument: Instrument, bars: Columns, timeframe: Timeframe) -> ArrayTape:
    block = Block(bars.at, (bars.open, bars.high, bars.low, bars.close), volume=bars.volume)
    return ArrayTape(instrument, block, TIMEFRAME_NS[timeframe])


def _figures(metrics: Metrics) -> dict[str, Any]:
    """All figures by name as JSON has them, which knows no infinity and no NaN; those of round trips among them."""
    named = {**asdict(metrics), **asdict(metrics.tally)}
    del named["tally"]
    found: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(named))
    return found


def _tell(done: int, total: int) -> None:
    print(done / total if total else 1.0, flush=True)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
