"""`tradehall deploy`: run a program as a strategy, with a key, a book and a budget of its own."""

import argparse
import asyncio
import re
import shlex
import signal
import sys
from contextlib import closing
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Final

from tradehall.adapters.clock import SystemClock
from tradehall.adapters.program_process import BoundedLog, ProgramProcess
from tradehall.adapters.sqlite.records import SqliteRecords
from tradehall.app.demo import HOUSE_ACCOUNT
from tradehall.app.deployments.programs import ProgramRefused, ProgramSupervisor, ProgramWish
from tradehall.app.records.api_keys import ApiKeys
from tradehall.app.records.deployments import BudgetShare, Deployment, DeploymentState, StopPolicy
from tradehall.app.studio.refusals import StudioRefused
from tradehall.app.studio.room import StudioRoom
from tradehall.cli.commands import summary_of
from tradehall.cli.options import Commands, add_command, add_json, add_settings, configured, existing_folder
from tradehall.cli.output import Refused, say, say_json

_BUDGET: Final = re.compile(r"([A-Z0-9]{2,10}):(\d{1,15}(?:\.\d{1,10})?)")


def add_to(commands: Commands) -> None:
    """Add the command."""
    parser = add_command(
        commands, "deploy", deploy, summary=summary_of("deploy"),
        example="tradehall deploy robot.py --account 700200 --budget USD:1000",
    )  # fmt: skip
    parser.add_argument(
        "file", type=Path, metavar="FILE", help="a Python program; it finds the gateway in its environment"
    )
    parser.add_argument(
        "--args", type=shlex.split, default=[], metavar="TEXT", help="arguments of the program, as a shell has them"
    )
    parser.add_argument("--name", default="", help="what the strategy is called (default: the file's name)")
    parser.add_argument(
        "--account", type=int, default=HOUSE_ACCOUNT, help="the account it trades (default: %(default)s)"
    )
    parser.add_argument("--symbol", default="EURUSD", help="the symbol it is listed under (default: %(default)s)")
    parser.add_argument("--budget", type=_budget, metavar="CURRENCY:AMOUNT", help="its share of the strategy's budget")
    parser.add_argument(
        "--on-stop", type=StopPolicy, choices=list(StopPolicy), default=StopPolicy.CANCEL, metavar="POLICY",
        help="what becomes of its orders and positions: leave, cancel or flatten (default: cancel)",
    )  # fmt: skip
    parser.add_argument("--url", help="where the gateway is (default: where this configuration serves it)")
    add_settings(parser, ("data",))
    add_json(parser)


def deploy(options: argparse.Namespace) -> None:
    """Run the program until its deployment is over, or this process is told to end."""
    if not options.file.is_file():
        raise Refused(f"{options.file} is no file")
    folder, config = existing_folder(options), configured(options).config
    name = options.name or options.file.stem
    readable_id = re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-.")[:64] or "program"
    wish = ProgramWish(
        name=name[:80], readable_id=readable_id, account_id=options.account, symbol=options.symbol,
        url=options.url or config.reachable_url, budget=options.budget, on_stop=options.on_stop,
    )  # fmt: skip
    log = BoundedLog(folder.path / "programs" / f"{readable_id}.log")
    command = (sys.executable, str(options.file), *options.args)
    with closing(SqliteRecords(folder.records)) as records, closing(log):
        clock = SystemClock()
        supervisor = ProgramSupervisor(
            StudioRoom(records, clock), ApiKeys(records, clock, actor="deploy"), ProgramProcess(command, log), wish
        )
        if not options.json:
            say(f"Deploying {readable_id} on account {wish.account_id}; what it says is in {log.path}.")
        try:
            over = asyncio.run(_supervised(supervisor))
        except (ProgramRefused, StudioRefused) as refused:
            raise Refused(str(refused)) from None
    _tell(over, as_json=options.json)


async def _supervised(supervisor: ProgramSupervisor) -> Deployment:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, supervisor.stop)
    return await supervisor.run()


def _tell(over: Deployment, *, as_json: bool) -> None:
    if as_json:
        say_json({"deployment_id": over.deployment_id, "state": over.state.value, "reason": over.state_reason})
    else:
        say(
            f"Deployment {over.deployment_id} is {over.state.value}"
            + (f": {over.state_reason}" if over.state_reason else ".")
        )
    if over.state is DeploymentState.FAILED:
        raise Refused(over.state_reason or "it failed")


def _budget(text: str) -> BudgetShare:
    found = _BUDGET.fullmatch(text)
    if found is None:
        raise argparse.ArgumentTypeError("expected a currency and an amount, such as USD:1000")
    try:
        return BudgetShare(found[1], Decimal(found[2]))
    except InvalidOperation:
        raise argparse.ArgumentTypeError(f"{found[2]} is no amount") from None
