"""`tradehall backtest` on the command line: what it prints, writes and refuses; and the example in examples/."""

import json
import logging
from pathlib import Path

import numpy as np
import pytest

from tradehall.adapters.reports.json_report import read_report
from tradehall.cli.main import DONE, FAILED, WRONG_USAGE, main
from tradehall.domain.time import to_rfc3339
from tradehall.engine.record import decode_record

EXAMPLE = Path(__file__).resolve().parents[1] / "examples" / "backtest" / "ema_cross.py"
DAY = 86_400_000_000_000


@pytest.fixture(autouse=True)
def quiet_place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture
def run(capsys):
    def run_command(*arguments):
        try:
            code: object = main(["backtest", *map(str, arguments)])
        except SystemExit as left:  # argparse leaves this way.
            code = left.code
        said = capsys.readouterr()
        return code, said.out, said.err

    return run_command


@pytest.fixture
def data(tmp_path):
    """A share that swings, a bar a day."""
    price = 100 + 20 * np.sin(np.arange(600) / 20)
    lines = ["timestamp,open,high,low,close,volume"]
    for number, close in enumerate(price.round(2).tolist()):
        at = to_rfc3339(1_577_836_800_000_000_000 + number * DAY)
        lines.append(f"{at},{close},{close + 1:.2f},{close - 1:.2f},{close},1000")
    file = tmp_path / "AAPL.US.1d.csv"
    file.write_text("\n".join(lines))
    return file


def strategy(tmp_path, body):
    file = tmp_path / "mine.py"
    file.write_text("from tradehall.backtests import Strategy\n\n\n" + body)
    return file


def test_the_example_runs_and_writes_its_report_and_its_records(run, data, tmp_path):
    code, out, err = run(
        EXAMPLE, "--data", data, "--cash", "10000", "--fee", "0.2%", "--set", "fast=5", "--set", "slow=20",
        "--report", "out.html", "--events", "records.jsonl",
    )  # fmt: skip
    assert (code, err) == (DONE, "")
    assert "EmaCross, 2020-01-01T00:00:00Z to" in out
    assert "could not matter and were skipped" in out or "numba is not installed" in out
    page = (tmp_path / "out.html").read_text()
    assert "EmaCross" in page and "COMPLETE" in page
    records = [decode_record(line) for line in (tmp_path / "records.jsonl").read_bytes().splitlines()]
    assert [record.seq for record in records] == list(range(1, len(records) + 1))


def test_a_program_reads_the_report_as_json(run, data):
    code, out, _ = run(EXAMPLE, "--data", data, "--set", "fast=5", "--set", "slow=20", "--json")
    report = read_report(out.encode())
    assert code == DONE
    assert report.is_complete and report.symbols == ("AAPL",)
    assert report.metrics.tally.ended > 3
    assert report.provenance[0].rows == 600
    assert len(json.loads(out)["round_trips"]) == len(report.round_trips)


def test_a_strategy_that_throws_ends_with_1_its_traceback_and_an_incomplete_report(run, data, tmp_path):
    body = "class Breaks(Strategy):\n    def on_bar(self, bar, broker):\n        assert bar.number < 3, 'enough'\n"
    code, _, err = run(strategy(tmp_path, body), "--data", data, "--report", "out.html")
    assert code == FAILED
    assert "AssertionError: enough" in err
    assert "the strategy failed in on_bar at 2020-01-04T23:59:59.999999Z" in err
    assert "INCOMPLETE" in (tmp_path / "out.html").read_text()


@pytest.mark.parametrize(("body", "complaint"), [
    ("x = 1\n",                                                  "holds these strategies: none; expected one subclass"),
    ("class A(Strategy): ...\nclass B(Strategy): ...\n",         "holds these strategies: A, B; expected one subclass"),
    ("import nothing_of_the_kind\n",                             "cannot be read: ModuleNotFoundError"),
    ("class A(Strategy):\n    def __init__(self, x): ...\n",     "A cannot be made of {}"),
])  # fmt: skip
def test_files_without_a_strategy_are_refused(run, data, tmp_path, body, complaint):
    code, _, err = run(strategy(tmp_path, body), "--data", data)
    assert code == FAILED
    assert complaint in err


def test_one_of_several_strategies_is_named_behind_a_colon(run, data, tmp_path):
    file = strategy(tmp_path, "class A(Strategy): ...\nclass B(Strategy): ...\n")
    assert run(f"{file}:B", "--data", data)[1].startswith("B, 2020-01-01")
    assert "expected a class C" in run(f"{file}:C", "--data", data)[2]


GRAPH = {
    "inputs": {
        "fast": {"indicator": "EMA", "of": "close", "period": 5},
        "week": {"indicator": "SMA", "of": "close", "period": 3, "timeframe": "1w"},
    },
    "rules": [
        {"when": {"crosses_above": ["close", "fast"]}, "do": [{"open": "long", "stop_loss": {"percent": "5"}}]},
        {"when": {"crosses_below": ["close", "week"]}, "do": [{"close": "long"}]},
    ],
}


def test_a_block_graph_runs_with_longer_bars_made_of_those_that_are_there(run, data, tmp_path):
    (tmp_path / "graph.json").write_text(json.dumps(GRAPH))
    code, out, err = run("graph.json", "--data", data, "--json")
    assert (code, err) == (DONE, "")
    assert read_report(out.encode()).metrics.tally.ended > 3


@pytest.mark.parametrize(("graph", "complaint"), [
    ("{",                                              "graph.json is no JSON"),
    ("{}",                                             "graph.json cannot be run"),
    (json.dumps(GRAPH).replace('"1w"', '"1h"'),        "graph.json cannot be run"),
    (json.dumps(GRAPH).replace('"period": 3,', '"period": 3, "symbol": "MSFT",'), "expected its bars, or shorter ones, in --data"),
])  # fmt: skip
def test_graphs_that_cannot_be_run_are_refused(run, data, tmp_path, graph, complaint):
    (tmp_path / "graph.json").write_text(graph)
    code, _, err = run("graph.json", "--data", data)
    assert code == FAILED
    assert complaint in err


def test_bad_rows_are_named_before_anything_runs(run, data, tmp_path):
    broken = data.read_text().replace("2020-01-03T00:00:00Z", "2020-01-01T00:00:00Z")
    data.write_text(broken)
    code, _, err = run(EXAMPLE, "--data", data, "--report", "out.html")
    assert code == FAILED
    assert "AAPL.US.1d.csv row 3: 2020-01-01T00:00:00Z is before 2020-01-02T00:00:00Z" in err
    assert not (tmp_path / "out.html").exists()


@pytest.mark.parametrize(("arguments", "complaint"), [
    (["--cash", "-5"],                      "must be a number that is not negative"),
    (["--from", "yesterday"],               "is no time"),
    (["--fee", "0.1%", "--fee", "0.2%"],    "there is another of this kind already"),
    (["--fee", "much"],                     "'much' is no number"),
    (["--set", "fast"],                     "expected NAME=VALUE"),
    (["--report", "out.pdf"],               "expected a name that ends in .html or .json"),
    (["--fill", "someday"],                 "invalid"),
])  # fmt: skip
def test_wrong_usage_ends_with_2(run, data, arguments, complaint):
    code, _, err = run(EXAMPLE, "--data", data, *arguments)
    assert code == WRONG_USAGE
    assert complaint in err


def test_every_option_reaches_the_settings(run, data, tmp_path):
    (tmp_path / "actions.csv").write_text("symbol,ex_date,type,value\nAAPL,2020-02-01,DIVIDEND,1\n")
    body = "class Idle(Strategy):\n    def on_bar(self, bar, broker): ...\n"
    code, out, err = run(
        strategy(tmp_path, body), "--data", data, "--json", "--from", "2020-01-10", "--to", "2020-03-01T00:00:00Z",
        "--symbols", "AAPL", "--cash", "5000", "--leverage", "3", "--hedging", "--units", "fractional",
        "--fee", "0.1%", "--fee", "0.01/unit", "--fee", "1", "--maker-fee", "0.05%", "--fee-min", "2", "--fee-on",
        "opening", "--spread", "0.02%", "--slippage-ticks", "2", "--slippage-bps", "1", "--latency-ms", "5", "--fill",
        "this_close", "--path", "adverse_first", "--in-bar", "at_extreme", "--improve-limits", "--displayed",
        "--actions", "actions.csv", "--close-at-end", "--show-all",
    )  # fmt: skip
    assert (code, err) == (DONE, "")
    report = read_report(out.encode())
    said = {**report.settings, **report.conventions}
    assert said["accounts"].startswith("account_id 700100, cash 5000, currency USD, leverage 3")
    assert said["actions"] == "at 1580515200000000000, symbol AAPL, kind DIVIDEND, value 1"
    assert [said[name] for name in ("taker_rate", "maker_rate", "per_unit", "fixed", "minimum", "charged", "spread_rate")] == [
        "0.001", "0.0005", "0.01", "1", "2", "opening", "0.0002",
    ]  # fmt: skip
    assert [said[name] for name in ("at", "path", "in_bar", "improves_limits", "liquidity", "latency_ns", "slippage_ticks")] == [
        "this_close", "adverse_first", "at_extreme", "True", "displayed", "5000000", "2",
    ]  # fmt: skip
    assert (said["units"], said["closes_at_end"], said["skips"]) == ("fractional", "True", "False")
    assert report.skipped.share == 0
