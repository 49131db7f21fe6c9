"""Checks the Markdown documents: links lead somewhere, snippets are at least valid.

    python tools/check_docs.py [FILE.md ...]

A relative link must name a file (and a heading of it, when it has a #fragment). A `python` block must
compile, a `bash`, `sh` or `console` block must pass `bash -n`, a `toml` or `json` block must parse; a JSON
block that elides with … is left alone. What a snippet does is for the tests to run.
"""

import ast
import doctest
import json
import re
import shutil
import subprocess
import sys
import textwrap
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

ROOT = Path(__file__).resolve().parent.parent
SKIPPED_FOLDERS = {".venv", ".git", ".cache", "build", "dist", "node_modules", "tradehall-data"}

FENCE = re.compile(r"^(?P<indent> *)(?P<fence>`{3,}|~{3,})(?P<language>[\w+-]*)")
LINK = re.compile(r"!?\[[^\]]*\]\((?P<target>[^()\s]+(?:\([^()\s]*\))?)(?:\s+\"[^\"]*\")?\)")
INLINE_CODE = re.compile(r"`[^`]*`")
HEADING = re.compile(r"^#{1,6}\s+(?P<text>.+?)\s*#*$")


@dataclass(slots=True, frozen=True)
class Snippet:
    language: str
    line: int  # The line of its first character, counted from 1.
    text: str


def main(arguments: list[str]) -> int:
    """Print every complaint as `file:line: sentence`; 1 when there was one."""
    files = [Path(name).resolve() for name in arguments] or sorted(documents(ROOT))
    complaints = [complaint for file in files for complaint in complaints_about(file)]
    for complaint in complaints:
        print(complaint, file=sys.stderr)
    print(f"docs: {len(files)} documents, {len(complaints)} complaints")
    return 1 if complaints else 0


def documents(root: Path) -> Iterator[Path]:
    for file in root.rglob("*.md"):
        folders = file.relative_to(root).parts
        if not SKIPPED_FOLDERS & set(folders) and not folders[0].startswith(".venv-"):
            yield file


def complaints_about(file: Path) -> Iterator[str]:
    prose, snippets = split(file.read_text(encoding="utf8"))
    name = file.relative_to(ROOT) if file.is_relative_to(ROOT) else file
    for line, target in links(prose):
        if problem := link_problem(file, target):
            yield f"{name}:{line}: {problem}"
    for snippet in snippets:
        check = CHECKS.get(snippet.language)
        if check and (problem := check(snippet.text)):
            yield f"{name}:{snippet.line}: this {snippet.language} block is not valid: {problem}"


def split(text: str) -> tuple[list[str], list[Snippet]]:
    """The lines outside of fenced blocks (blocks become empty lines, so numbers stay), and the blocks."""
    prose: list[str] = []
    snippets: list[Snippet] = []
    block: list[str] = []
    opened: re.Match[str] | None = None
    for line in text.splitlines():
        if opened is None:
            opened = FENCE.match(line)
            prose.append("" if opened else line)
            continue
        prose.append("")
        if line.strip().startswith(opened["fence"]) and not line.strip().strip("`~"):
            first_line = len(prose) - len(block)
            snippets.append(Snippet(opened["language"], first_line, textwrap.dedent("\n".join(block))))
            block, opened = [], None
        else:
            block.append(line)
    return prose, snippets


# ----------------------------------------------------------------------- links


def links(prose: list[str]) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(prose, start=1):
        for match in LINK.finditer(INLINE_CODE.sub("", line)):
            yield number, match["target"]


def link_problem(file: Path, target: str) -> str | None:
    if re.match(r"[a-z][a-z0-9+.-]*:", target) or target.startswith("//"):
        return None  # The world outside may be down without our gate being red.
    path, _, fragment = target.partition("#")
    goal = (file.parent / unquote(path)).resolve() if path else file
    if not goal.exists():
        return f"the link to {target} leads nowhere"
    if fragment and goal.suffix == ".md" and fragment not in anchors(goal):
        return f"the link to {target} names a heading that {goal.name} does not have"
    return None


def anchors(file: Path) -> set[str]:
    """The fragments that a viewer gives to the headings: `## 4. A quote` is 4-a-quote."""
    prose, _ = split(file.read_text(encoding="utf8"))
    found: set[str] = set()
    for line in prose:
        if heading := HEADING.match(line):
            words = re.sub(r"[^\w\- ]", "", heading["text"].lower()).replace(" ", "-")
            seen = sum(1 for other in found if re.fullmatch(re.escape(words) + r"(-\d+)?", other))
            found.add(f"{words}-{seen}" if seen else words)
    return found


# -------------------------------------------------------------------- snippets


def python_problem(text: str) -> str | None:
    if text.lstrip().startswith(">>>"):
        text = doctest.script_from_examples(text)
    try:
        # Top-level await is how a README shows asynchronous clients.
        compile(text, "<snippet>", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
    except (SyntaxError, ValueError) as error:
        return str(error)
    return None


def shell_problem(text: str) -> str | None:
    bash = shutil.which("bash")
    if bash is None:
        return None  # Nothing to check with; the gate elsewhere has it.
    result = subprocess.run([bash, "-n"], input=text, capture_output=True, text=True, check=False)
    return result.stderr.strip() or None if result.returncode else None


def console_problem(text: str) -> str | None:
    return shell_problem(typed_lines(text))


def typed_lines(session: str) -> str:
    """What a person types in a console session: lines after `$`, with their continuations."""
    typed: list[str] = []
    continued = False
    for line in session.splitlines():
        if line.startswith("$ "):
            typed.append(line[2:])
        elif continued:
            typed.append(line.removeprefix("> "))
        else:
            continue
        continued = typed[-1].endswith("\\")
    return "\n".join(typed) + "\n"


def toml_problem(text: str) -> str | None:
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        return str(error)
    return None


def json_problem(text: str) -> str | None:
    if "…" in text or "..." in text:
        return None
    try:
        json.loads(text)
    except ValueError as error:
        return str(error)
    return None


CHECKS: dict[str, Callable[[str], str | None]] = {
    "python": python_problem,
    "py": python_problem,
    "bash": shell_problem,
    "sh": shell_problem,
    "console": console_problem,
    "toml": toml_problem,
    "json": json_problem,
}

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
