"""What several doors show of a record, in the words that people and programs read."""

from tradehall.app.records.backtest_runs import BacktestRun
from tradehall.faces.shown.backtests import backtest_metrics
from tradehall.faces.shown.deployments import happened
from tradehall.faces.studio.translate import round_trip
from tradehall.ports.records import AuditLine

AT = 1_772_444_700 * 10**9
TOLD = "2026-03-02T09:45:00Z"


def test_the_first_and_last_instant_of_a_backtest_are_told_as_text_and_spans_in_their_unit():
    figures = {"start": AT, "end": AT, "days": 6, "max_drawdown_ns": AT, "final_equity": "10007.29"}
    run = BacktestRun(1, 2, "k", 1, ("EURUSD",), "1m", AT, AT, metrics=figures)
    assert backtest_metrics(run) == figures | {"start": TOLD, "end": TOLD}
    assert backtest_metrics(BacktestRun(1, 2, "k", 1, ("EURUSD",), "1m", AT, AT)) is None


def test_what_happened_to_a_deployment_is_told_without_what_every_change_changes():
    after = {"state": "running", "started_at": AT, "stopped_at": None, "updated_at": AT, "version": 2}
    lines = [
        AuditLine(AT, "house", "deployment.running", "deployment", "1", after=after),
        AuditLine(AT, "house", "deployment.stop", "deployment", "1", outcome="refused"),
    ]
    assert [each.detail for each in happened(lines)] == [f"state: running, started_at: {TOLD}"]


def test_prices_and_sizes_of_a_backtest_s_round_trip_have_no_zeros_at_their_end():
    shown = round_trip(
        {"round_trip_id": 7, "symbol": "EURUSD", "side": "LONG", "quantity": "9000.00", "entry_price": "1.085840",
         "exit_price": None, "opened_at": AT, "currency": "USD"}
    )  # fmt: skip
    assert (shown.quantity, shown.entry_price, shown.exit_price, shown.result) == ("9000", "1.08584", None, None)
