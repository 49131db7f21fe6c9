"""Our venue, engine and loop held against NautilusTrader, fill by fill, on recorded quotes. docs/oracle.md.

`make oracle` installs NautilusTrader in an environment of its own and runs this with more seeds;
TRADEHALL_ORACLE_PYTHON names another environment, TRADEHALL_ORACLE_SEEDS other seeds ("1-5").
"""

import json
import os
import subprocess
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.oracle import plan
from tests.oracle.comparison import Report, compare, root_of, settle
from tests.oracle.half_cents import Book, half_cents
from tests.oracle.our_side import Filled, House, Outcome

ROOT = Path(__file__).resolve().parents[2]
LENGTH, TRADERS = 4_000, 20
Oracle = Callable[[plan.Job], dict[str, Any]]


def oracle_python() -> Path | None:
    named = os.environ.get("TRADEHALL_ORACLE_PYTHON")
    python = Path(named) if named else ROOT / ".venv-oracle/bin/python"
    return python if named or python.exists() else None


def seeds() -> range:
    first, _, last = os.environ.get("TRADEHALL_ORACLE_SEEDS", "1").partition("-")
    return range(int(first), int(last or first) + 1)


PYTHON = oracle_python()
needs_oracle = pytest.mark.skipif(
    PYTHON is None,
    reason="THE VENUE WAS NOT HELD AGAINST ITS ORACLE: NautilusTrader is not installed (make oracle, Python 3.12 or newer)",
)


@pytest.fixture
def oracle(tmp_path: Path) -> Oracle:
    def ask(job: plan.Job) -> dict[str, Any]:
        asked, answered = tmp_path / "job.json", tmp_path / "answer.json"
        asked.write_bytes(msgspec.json.encode(job))
        script = Path(__file__).with_name("nautilus_side.py")
        ran = subprocess.run(
            [str(PYTHON), "-W", "ignore", str(script), str(asked), str(answered)],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert ran.returncode == 0, ran.stderr
        answer: dict[str, Any] = json.loads(answered.read_text())
        return answer

    return ask


@pytest.mark.oracle
@pytest.mark.timeout(300)
@needs_oracle
@pytest.mark.parametrize("seed", seeds())
@pytest.mark.parametrize("market", plan.RECORDED)
def test_every_fill_position_and_cent_is_the_oracles(market: str, seed: int, oracle: Oracle):
    job = plan.job(plan.market(market, seed, LENGTH), seed, traders=TRADERS)
    ours, answer = House(job).run(), oracle(job)
    report = compare(job, ours, answer)
    settle(job, ours, report, oracle)
    source = "made up" if plan.recordings_folder() is None else "recorded"
    print(f"{market} {source}, seed {seed}, NautilusTrader {answer['nautilus_trader']} on Python {answer['python']}")
    print(report)
    assert report.unexplained == []
    for type in ("LIMIT", "MARKET", "STOP", "STOP_LIMIT", "TRAILING_STOP", "MARKET with exits", "STOP with exits"):
        assert report.orders[f"{type} filled"] >= 10, f"too few to mean anything: {report}"
    assert report.fills_equal > 500


# The comparison itself must be able to fail: these need no oracle.


@pytest.fixture(scope="module")
def job() -> plan.Job:
    return plan.job(plan.made_up("EURUSD", 1, 1_500), 1, traders=10)


@pytest.fixture(scope="module")
def ours(job: plan.Job) -> list[Outcome]:
    return House(job).run()


@pytest.fixture
def echo(job: plan.Job, ours: list[Outcome]) -> dict[str, Any]:
    """An answer that says what we did."""
    return {"traders": [echo_of(job, outcome) for outcome in ours]}


def echo_of(job: plan.Job, outcome: Outcome) -> dict[str, Any]:
    left = {key: list(fills) for key, fills in outcome.fills.items()}
    fills = [(key, left[key].pop(0)) for key in outcome.sequence]
    return {
        "name": outcome.name,
        "fills": [[key, fill.quantity, fill.price, job.quotes[fill.quote][0]] for key, fill in fills],
        "statuses": dict.fromkeys(outcome.working, "ACCEPTED"),
        "positions": [[one.quantity, str(one.entry)] for one in outcome.positions],
        "realized": str(outcome.realized),
        "balance": str(outcome.balance),
    }


def test_an_answer_that_says_the_same_has_no_differences(job, ours, echo):
    report = compare(job, ours, echo)
    assert report.unexplained == []
    assert report.fills_equal == sum(len(outcome.sequence) for outcome in ours)
    assert report.money.total() == len(ours)


@pytest.mark.parametrize(("place", "change"), [(1, 1), (2, 1), (3, 10**12)], ids=["quantity", "price", "quote"])
def test_one_fill_that_differs_is_found(job, ours, echo, place, change):
    fill = echo["traders"][0]["fills"][3]
    fill[place] += change
    assert list(compare(job, ours, echo).differing) == [fill[0]]


def test_a_fill_that_only_one_side_has_is_found(job, ours, echo):
    missing = echo["traders"][1]["fills"].pop()
    echo["traders"][0]["fills"].append(["singles0-0", 1, 1, job.quotes[0][0]])
    assert set(compare(job, ours, echo).differing) == {missing[0], "singles0-0"}


def test_an_order_that_works_on_one_side_only_is_found(job, ours, echo):
    echo["traders"][0]["statuses"]["singles0-99"] = "ACCEPTED"
    assert list(compare(job, ours, echo).differing) == ["singles0-99"]


@pytest.mark.parametrize("what", ["realized", "balance"])
def test_a_cent_that_differs_is_found(job, ours, echo, what):
    assert half_cents(job, ours[0], {step.key: step for step in job.placed()}) == 0
    echo["traders"][0][what] = str(Decimal(echo["traders"][0][what]) + Decimal("0.01"))
    assert len(compare(job, ours, echo).differences) == 1


def test_a_book_in_fractions_realises_at_average_cost_and_flips():
    book = Book()
    assert book.fill(Fraction(2), Fraction(10)) == 0
    assert book.fill(Fraction(1), Fraction(13)) == 0
    assert book.fill(Fraction(-1), Fraction(12)) == 1
    assert book.fill(Fraction(-5), Fraction(9)) == -4
    assert (book.net, book.cost) == (-3, -27)
    assert book.fill(Fraction(3), Fraction(8)) == 3
    assert (book.net, book.cost) == (0, 0)


def test_a_position_that_differs_is_found(job, ours, echo):
    echo["traders"][0]["positions"] = [[12_345, "1.3"]]
    assert len(compare(job, ours, echo).differences) == 1


def test_an_oracle_that_keeps_to_its_word_when_asked_alone_stays_a_difference(job, ours, echo):
    fill = echo["traders"][0]["fills"][3]
    fill[2] += 1
    report = compare(job, ours, echo)

    def stubborn(again: plan.Job) -> dict[str, Any]:
        told = {"traders": [echo_of(again, outcome) for outcome in House(again).run()]}
        told["traders"][0]["fills"][0][2] += 1
        return told

    settle(job, ours, report, stubborn)
    assert list(report.differing) == [fill[0]]


def test_an_oracle_that_agrees_when_asked_alone_contradicted_itself(job, ours, echo):
    echo["traders"][0]["fills"][3][2] += 1
    report = compare(job, ours, echo)
    settle(job, ours, report, lambda again: {"traders": [echo_of(again, one) for one in House(again).run()]})
    assert report.unexplained == []
    assert report.conventions.total() == 1


def test_a_bracket_that_waits_for_others_is_never_asked_alone(job, ours, echo):
    turns = echo["traders"][1]
    assert turns["name"].startswith("turns")
    turns["fills"][0][2] += 1
    report: Report = compare(job, ours, echo)
    settle(job, ours, report, lambda again: {"traders": []})
    assert list(report.differing) == [turns["fills"][0][0]]
    assert root_of(job, turns["fills"][0][0]) is None


def test_a_stop_limit_beyond_its_stop_is_the_only_one_that_may_cost_another_price(job, ours, echo):
    loose = next(trader for trader in echo["traders"] if trader["name"].startswith("loose"))
    steps = {step.key: step for step in job.placed()}
    outcome = next(outcome for outcome in ours if outcome.name == loose["name"])
    at_once = [fill for fill in loose["fills"] if _paid_the_touch(job, steps[fill[0]], outcome.fills[fill[0]][0])]
    assert at_once
    at_once[0][2] = steps[at_once[0][0]].stop
    report = compare(job, ours, echo)
    assert report.unexplained == []
    assert report.conventions.total() == 1
    at_once[0][2] += 1_000
    assert list(compare(job, ours, echo).differing) == [at_once[0][0]]


def _paid_the_touch(job: plan.Job, step: plan.Step, fill: Filled) -> bool:
    _, bid, ask = job.quotes[fill.quote]
    return fill.price == (ask if step.side == "BUY" else bid) != step.stop
