"""Is the built page fresh? Compares what `ui/` holds with what the page says it was built from; needs no Node."""

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


def main() -> int:
    """0 if fresh."""
    if BUILT_FROM.is_file() and BUILT_FROM.read_text().strip() == digest_of_sources(UI):
        return 0
    print("The page is not built from what ui/ holds: run `make page` and commit what it builds.", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
