"""Looks for functions, classes, methods and imports of src that nobody uses.

    python tools/check_dead_code.py

vulture reads every path named in pyproject.toml as a user, and what it finds in src is reported, except
variables and attributes: the fields of a Struct are read by encoders, which no reader of the source sees.
A name that is called from outside by its name alone belongs to `ignore_names` there, with the reason.
"""

import sys
import tomllib
from pathlib import Path

import vulture

ROOT = Path(__file__).resolve().parent.parent
JUDGED = ROOT / "src"
REPORTED_KINDS = {"function", "method", "property", "class", "import", "unreachable_code"}


def main() -> int:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf8"))["tool"]["vulture"]
    searcher = vulture.Vulture(ignore_names=settings["ignore_names"])
    searcher.scavenge([path for name in settings["paths"] if (path := ROOT / name).exists()])
    dead = [
        item
        for item in searcher.get_unused_code(min_confidence=settings["min_confidence"])
        if item.typ in REPORTED_KINDS and Path(item.filename).resolve().is_relative_to(JUDGED)
    ]
    for item in dead:
        where = Path(item.filename).resolve().relative_to(ROOT)
        print(f"{where}:{item.first_lineno}: {item.message}", file=sys.stderr)
    print(f"dead code: {len(dead)} complaints")
    return 1 if dead else 0


if __name__ == "__main__":
    sys.exit(main())
