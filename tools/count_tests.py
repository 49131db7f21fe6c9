"""Reads pytest's JUnit report and prints how many tests ran, as one plain line.

    python tools/count_tests.py build/tests.xml     →  412 passed, 0 failed, 3 skipped

Ends with 1 when a test failed, when none was executed, or when there is no report to read.
"""

import sys
import xml.etree.ElementTree as ET
from pathlib import Path


def main(arguments: list[str]) -> int:
    passed, failed, skipped = count(Path(arguments[0]))
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed or not passed else 0


def count(report: Path) -> tuple[int, int, int]:
    """(passed, failed, skipped); an error in a fixture counts as failed, a missing report as nothing run."""
    try:
        suites = list(ET.parse(report).getroot().iter("testsuite"))
    except (OSError, ET.ParseError):
        return 0, 0, 0

    def total(attribute: str) -> int:
        return sum(int(suite.get(attribute, "0")) for suite in suites)

    failed = total("failures") + total("errors")
    skipped = total("skipped")
    return total("tests") - failed - skipped, failed, skipped


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
