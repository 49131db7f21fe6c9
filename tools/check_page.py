"""Is the built page fresh and whole? Compares what `ui/` holds with what it says it was built from; needs no Node."""

import re
import sys
from hashlib import sha256
from pathlib import Path

ROOT = Path(__file__).parent.parent
UI = ROOT / "ui"
BUILT_FROM = ROOT / "src" / "tradehall" / "faces" / "dashboard" / "page" / "built-from.txt"
SOURCES = ("index.html", "package-lock.json", "public/**/*", "src/**/*", "vite.config.ts")


def digest_of_sources(ui: Path) -> str:
    """SHA-256 over names and contents, as vite.config.ts computes it."""
    names = sorted(
        file.relative_to(ui).as_posix() for pattern in SOURCES for file in ui.glob(pattern) if file.is_file()
    )
    digest = sha256()
    for name in names:
        digest.update(f"{name}\0".encode() + (ui / name).read_bytes() + b"\0")
    return digest.hexdigest()


def missing_files(page: Path) -> list[str]:
    """What its index names and does not stand beside it: names carry hashes, so new files are easily left out."""
    named = re.findall(r'(?:src|href)="\./([^"]+)"', (page / "index.html").read_text())
    return [name for name in named if not (page / name).is_file()]


def main() -> int:
    """0 if fresh and whole."""
    if not BUILT_FROM.is_file() or BUILT_FROM.read_text().strip() != digest_of_sources(UI):
        print("The page is not built from what ui/ holds: run `make page` and commit what it builds.", file=sys.stderr)
        return 1
    if missing := missing_files(BUILT_FROM.parent):
        print(f"The page lacks {', '.join(missing)}: commit all that `make page` builds.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
