"""Run the workloads and print their tables.

python -m bench              all of them, some ten minutes
python -m bench http engine  those named
python -m bench --quick      shorter runs, for a look
python -m bench --json FILE  the figures for programs
python -m bench soak         all doors for half an hour; see its --help
"""

import argparse
import json
import platform
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

from rich.console import Console

from bench.figures import Figure, Options, table_of
from bench.soak import run as soak
from bench.workloads import (
    alerts,
    analytics,
    backtest,
    deployments,
    doors,
    engine,
    flat,
    gateway_backtest,
    http,
    lists,
    memory,
    past,
    reads,
    recovery,
    strategies,
    stream,
    support,
    terminal,
)

WORKLOADS: Final[dict[str, Callable[[Options], list[Figure]]]] = {
    "engine": engine.run,
    "alerts": alerts.run,
    "backtest": backtest.run,
    "strategies": strategies.run,
    "analytics": analytics.run,
    "http": http.run,
    "deployments": deployments.run,
    "doors": doors.run,
    "flat": flat.run,
    "lists": lists.run,
    "reads": reads.run,
    "memory": memory.run,
    "recovery": recovery.run,
    "past": past.run,
    "stream": stream.run,
    "support": support.run,
    "terminal": terminal.run,
    "gateway-backtest": gateway_backtest.run,
}


def main() -> int:
    """0 when every figure that has a promise keeps it, 1 otherwise."""
    if sys.argv[1:2] == ["soak"]:
        return soak.main(sys.argv[2:])
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("workloads", nargs="*", metavar="WORKLOAD", help=", ".join(WORKLOADS))
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", type=Path)
    chosen = parser.parse_args()
    unknown = set(chosen.workloads) - WORKLOADS.keys()
    if unknown:
        parser.error(f"there is no workload {', '.join(sorted(unknown))}; there is: {', '.join(WORKLOADS)}")
    console = Console()
    console.print(f"Python {platform.python_version()} on {platform.machine()}, {platform.system()}")
    found: list[Figure] = []
    for name in chosen.workloads or WORKLOADS:
        with console.status(f"{name} …"):
            figures = WORKLOADS[name](Options(is_quick=chosen.quick))
        console.print(table_of(name, figures))
        found += figures
    if chosen.json:
        chosen.json.write_text(json.dumps([figure.__dict__ for figure in found], indent=2))
    return 0 if all(figure.is_kept for figure in found) else 1


if __name__ == "__main__":
    sys.exit(main())
