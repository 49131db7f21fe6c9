"""Plays the scenarios of tests/journeys/scenarios.py and writes their journals beside them.

    python -m tools.record_journey [NAME ...]

A journal is a line that says what it proves, then a record a line. A line that changed is a contract that
changed: look at `git diff tests/journeys` before it is committed.
"""

import sys
from collections.abc import Callable
from pathlib import Path

import msgspec

from tests.journeys.scenarios import JOURNEYS
from tests.journeys.stage import Stage
from tradehall.engine.record import encode_record

FOLDER = Path(__file__).resolve().parent.parent / "tests" / "journeys"


def main(names: list[str]) -> int:
    """Record the named journeys, or all of them; 2 when there is none of that name."""
    known = {scenario.__name__: scenario for scenario in JOURNEYS}
    if unknown := [name for name in names if name not in known]:
        print(f"no journey is called {', '.join(unknown)}; there are {', '.join(known)}", file=sys.stderr)
        return 2
    for name in names or known:
        file, text = journal_file(known[name]), journal(known[name])
        is_new = not file.exists() or file.read_text(encoding="utf8") != text
        file.write_text(text, encoding="utf8")
        print(f"{name}: {text.count(chr(10)) - 1} records{', changed' if is_new else ''}")
    return 0


def journal_file(scenario: Callable[[], Stage]) -> Path:
    """Where the journal of a scenario lies."""
    return FOLDER / f"{scenario.__name__}.jsonl"


def journal(scenario: Callable[[], Stage]) -> str:
    """The journal that a scenario makes today."""
    proves = " ".join((scenario.__doc__ or "").split())
    head = msgspec.json.encode({"journey": scenario.__name__, "proves": proves})
    lines = [head, *(encode_record(record) for record in scenario().records)]
    return "".join(f"{line.decode()}\n" for line in lines)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
