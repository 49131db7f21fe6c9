"""Compares the committed OpenAPI documents with what the doors say of themselves now.

    python tools/check_openapi.py            1 when a document is stale, missing or without a door
    python tools/check_openapi.py --write    writes docs/openapi/*.json anew

A door is a folder of faces/ with routes; its document is what `tradehall openapi --door NAME` prints.
"""

import difflib
import json
import subprocess
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FACES = ROOT / "src" / "tradehall" / "faces"
COMMITTED = ROOT / "docs" / "openapi"
SHOWN_LINES_MAX = 20


def main(arguments: list[str]) -> int:
    doors = sorted(doors_in(FACES))
    if arguments == ["--write"]:
        return write(doors)
    complaints = [complaint for door in doors if (complaint := complaint_about(door))]
    complaints += [
        f"{file.relative_to(ROOT)}: there is no door named {file.stem}"
        for file in sorted(COMMITTED.glob("*.json"))
        if file.stem not in doors
    ]
    for complaint in complaints:
        print(complaint, file=sys.stderr)
    print(f"openapi: {len(doors)} doors, {len(complaints)} complaints")
    return 1 if complaints else 0


def doors_in(faces: Path) -> Iterator[str]:
    for folder in faces.iterdir():
        if folder.name != "kit" and ((folder / "routes.py").exists() or (folder / "routes").is_dir()):
            yield folder.name


def write(doors: list[str]) -> int:
    COMMITTED.mkdir(parents=True, exist_ok=True)
    for door in doors:
        (COMMITTED / f"{door}.json").write_text(current(door), encoding="utf8")
        print(f"wrote docs/openapi/{door}.json")
    return 0


def complaint_about(door: str) -> str | None:
    committed = COMMITTED / f"{door}.json"
    name = committed.relative_to(ROOT)
    if not committed.exists():
        return f"{name} is missing: run `make openapi` and commit it"
    try:
        now = current(door)
    except Unprintable as error:
        return f"{name} cannot be checked: {error}"
    before = committed.read_text(encoding="utf8")
    if before == now:
        return None
    changes = difflib.unified_diff(before.splitlines(), now.splitlines(), "committed", "now", lineterm="", n=1)
    shown = "\n".join(islice(changes, SHOWN_LINES_MAX))
    return f"{name} is stale: run `make openapi` and commit it\n{shown}"


class Unprintable(Exception):
    """The command line could not print a door's document."""


def current(door: str) -> str:
    """The door's document, indented and with a final newline, so that its changes can be read in a diff."""
    command = [sys.executable, "-m", "tradehall", "openapi", "--door", door]
    result = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    if result.returncode:
        raise Unprintable(f"`tradehall openapi --door {door}` ended with {result.returncode}: {result.stderr.strip()}")
    return json.dumps(json.loads(result.stdout), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
