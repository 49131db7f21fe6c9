"""Golden journals: the past is decided again from its commands and quotes, event for event. A changed line is a changed contract."""

import json
from pathlib import Path

import pytest

from tests.journeys.scenarios import JOURNEYS
from tools.record_journey import FOLDER, journal, journal_file
from tradehall.engine.record import Record, decode_record, encode_record
from tradehall.engine.replay import encode_snapshot, fold, redecide
from tradehall.engine.state import State

FILES = sorted(FOLDER.glob("*.jsonl"))


def records_of(file: Path) -> list[Record]:
    _, *lines = file.read_bytes().splitlines()
    return [decode_record(line) for line in lines]


@pytest.mark.parametrize("file", FILES, ids=[file.stem for file in FILES])
def test_every_line_would_be_decided_the_same_way_today(file: Path):
    differences = [found for found in redecide(records_of(file)) if found is not None]
    assert differences == []


@pytest.mark.parametrize("file", FILES, ids=[file.stem for file in FILES])
def test_every_line_is_read_and_written_back_letter_by_letter(file: Path):
    _, *lines = file.read_bytes().splitlines()
    assert [encode_record(decode_record(line)) for line in lines] == lines


@pytest.mark.parametrize("scenario", JOURNEYS, ids=[scenario.__name__ for scenario in JOURNEYS])
def test_the_scenario_still_makes_the_journal_that_is_kept(scenario):
    assert journal_file(scenario).read_text(encoding="utf8") == journal(scenario), (
        "python -m tools.record_journey, then look at the diff"
    )


@pytest.mark.parametrize("scenario", JOURNEYS, ids=[scenario.__name__ for scenario in JOURNEYS])
def test_folding_the_journal_gives_the_state_that_lived(scenario):
    folded = State()
    for record in records_of(journal_file(scenario)):
        fold(folded, record)
    assert encode_snapshot(folded.snapshot()) == encode_snapshot(scenario().state.snapshot())


def test_every_journal_has_its_scenario_and_its_sentence():
    heads = [json.loads(file.read_bytes().splitlines()[0]) for file in FILES]
    assert (
        {head["journey"] for head in heads}
        == {scenario.__name__ for scenario in JOURNEYS}
        == {file.stem for file in FILES}
    )
    assert all(head["proves"].endswith(".") for head in heads)


def test_a_changed_rule_would_be_noticed():
    records = records_of(FOLDER / "bracket_to_take_profit.jsonl")
    (listed,) = [index for index, record in enumerate(records) if b'"ListInstrument"' in encode_record(record)]
    told = encode_record(records[listed]).replace(b'"0.00002"', b'"0.00003"')
    assert told != encode_record(records[listed])
    changed = [*records[:listed], decode_record(told), *records[listed + 1 :]]
    assert [found.seq for found in redecide(changed) if found is not None] != []
