"""`tradehall bench`: the canonical workloads, where the sources are at hand."""

import argparse
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import tradehall
from tradehall.cli.commands import summary_of
from tradehall.cli.options import Commands, add_command
from tradehall.cli.output import Refused


def add_to(commands: Commands) -> None:
    """Add the command."""
    parser = add_command(
        commands, "bench", run, summary=summary_of("bench"),
        example="tradehall bench -- --help",
    )  # fmt: skip
    parser.add_argument("arguments", nargs="*", help="handed on to bench/, behind --")


def run(options: argparse.Namespace) -> None:
    """Run bench/ beside the sources, in a process of its own. Refused where there is none, or it fails."""
    repository = Path(tradehall.__file__).resolve().parents[2]
    if not (repository / "bench" / "__main__.py").exists():
        raise Refused(f"the workloads are part of the repository, and there is no bench/ in {repository}")
    if find_spec("httpx") is None:
        raise Refused("the workloads need the development dependencies: run `make dev` first")
    result = subprocess.run([sys.executable, "-m", "bench", *options.arguments], cwd=repository, check=False)
    if result.returncode:
        raise Refused(f"bench ended with {result.returncode}")
