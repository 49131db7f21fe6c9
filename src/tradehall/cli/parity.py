"""`tradehall parity`: a recorded session again, over its own market; does it come to the same?"""

import argparse
from collections.abc import Iterable
from contextlib import closing, nullcontext
from pathlib import Path
from typing import Any

import msgspec

from tradehall.adapters.data_folder import DataFolder
from tradehall.adapters.sessions.reader import RecordingMissing
from tradehall.adapters.sqlite.inspection import SqliteInspection
from tradehall.backtests.parity.divergence import Divergence
from tradehall.backtests.parity.report import ParityReport
from tradehall.cli.commands import summary_of
from tradehall.cli.options import Commands, add_command, add_json, add_settings, configured, existing_folder
from tradehall.cli.output import Refused, WrongUsage, say, say_json
from tradehall.cli.progress import progress_bar
from tradehall.domain.time import from_rfc3339, to_rfc3339
from tradehall.wiring.parity import AssumptionRefused, assumptions_of, deployment_parity_of, parity_of


def add_to(commands: Commands) -> None:
    """Add the command."""
    parser = add_command(
        commands, "parity", run, summary=summary_of("parity"),
        example="tradehall parity --data /srv/tradehall --recording /srv/session  (after `tradehall serve --record`)",
    )  # fmt: skip
    parser.add_argument("--recording", type=Path, metavar="PATH", help="folder of the recording (default: --record)")
    parser.add_argument("--from", dest="begins_at", type=_instant, metavar="TIME", help="tell divergences from then on")
    parser.add_argument("--to", dest="ends_at", type=_instant, metavar="TIME", help="tell divergences before then")
    parser.add_argument(
        "--account", action="append", type=int, default=[], metavar="N", help="tell only this account's"
    )
    parser.add_argument(
        "--assume", action="append", default=[], metavar="WHAT=VALUE",
        help="what if? venue.latency_ns=50000000, or AAPL.commission.taker_rate=0.002; may be repeated",
    )  # fmt: skip
    parser.add_argument(
        "--deployment", type=int, metavar="N",
        help="run this deployment's program itself over the recorded market, and compare what it deals",
    )  # fmt: skip
    add_json(parser)
    add_settings(parser, ["data", "record"])


def run(options: argparse.Namespace) -> None:
    """Run the session again. Refused if anything differs."""
    wishes = dict(_assumption(text) for text in options.assume)
    folder = existing_folder(options)
    recording = options.recording or configured(options).config.record
    if recording is None:
        raise WrongUsage("parity needs what was recorded: --recording PATH")
    if options.deployment is not None:
        _run_deployment(options, folder, recording)
        return
    bar = nullcontext(lambda done, total: None) if options.json else progress_bar("running the session again")
    with closing(SqliteInspection(folder.path)) as files, bar as progress:
        try:
            assumptions = assumptions_of(files, recording, wishes)
            report, damage = parity_of(files, recording, assumptions, progress)
        except (AssumptionRefused, RecordingMissing) as refused:
            raise Refused(str(refused)) from refused
    shown = [each for each in report.divergences if _is_asked_for(each, options)]
    if options.json:
        say_json({"is_same": not shown, "damage": damage, **msgspec.to_builtins(report), "divergences": shown})
    else:
        _tell(report, shown, damage)
    if shown:
        raise Refused(f"{len(shown)} divergences")


def _run_deployment(options: argparse.Namespace, folder: DataFolder, recording: Path) -> None:
    config = configured(options).config
    bar = nullcontext(lambda done, total: None) if options.json else progress_bar("running the program")
    with closing(SqliteInspection(folder.path)) as files, bar as progress:
        try:
            found = deployment_parity_of(files, config, recording, options.deployment, progress)
        except (AssumptionRefused, RecordingMissing) as refused:
            raise Refused(str(refused)) from refused
    comparison = found.comparison
    if options.json:
        say_json(found)
    else:
        say(f"deployment {found.deployment_id}, {found.name}: {found.signals} signals over the recorded market")
        say(f"  {comparison.orders} orders with {comparison.fills} fills are the same")
        say(f"  {comparison.latency_sentence}")
        for number, each in enumerate(comparison.differences, 1):
            say(f"{number}. {each.difference}, {to_rfc3339(each.at)}, {each.name}")
            say(f"   session: {each.session}")
            say(f"   program: {each.rerun}")
            say(f"   cause:   {each.cause}")
    if comparison.differences:
        raise Refused(f"{len(comparison.differences)} differences")


def _is_asked_for(divergence: Divergence, options: argparse.Namespace) -> bool:
    return (
        (options.begins_at is None or divergence.at >= options.begins_at)
        and (options.ends_at is None or divergence.at < options.ends_at)
        and (not options.account or divergence.account_id in (None, *options.account))
    )


def _tell(report: ParityReport, shown: Iterable[Divergence], damage: Iterable[str]) -> None:
    rows = sum(each.row_count for each in report.stretches)
    say(f"{report.matched} records, {report.fills_matched} fills among them, are equal byte for byte; {rows} rows told")
    for stretch in report.stretches:
        end = "ended" if stretch.is_ended else "broken off"
        say(f"  records {stretch.first} to {stretch.last}: recorded by Tradehall {stretch.version}, {end}")
        if stretch.tail:
            say(f"    the last {stretch.tail} were not recorded any more and are not compared")
        for gap in stretch.gaps:
            say(f"    {gap.sentence}")
    for line in damage:
        say(f"  {line}")
    for line in report.assumed:
        say(f"  assumed: {line}")
    for divergence in shown:
        _tell_divergence(divergence)
    if report.is_same:
        say("The session, run again over its own market, comes to the same.")


def _tell_divergence(divergence: Divergence) -> None:
    about: list[Any] = [
        None if divergence.account_id is None else f"account {divergence.account_id}",
        None if divergence.order_id is None else f"order {divergence.order_id}",
        divergence.symbol,
    ]
    where = ", ".join(each for each in about if each is not None)
    say(f"{divergence.number}. {divergence.difference}, {to_rfc3339(divergence.at)}, record {divergence.seq}; {where}")
    say(f"   session: {divergence.session}")
    say(f"   re-run:  {divergence.rerun}")
    cause = divergence.cause
    say(f"   cause:   {cause.sentence if cause.follows is not None else f'{cause.kind}: {cause.sentence}'}")


def _assumption(text: str) -> tuple[str, str]:
    what, separator, value = text.partition("=")
    if not separator or "." not in what:
        raise WrongUsage(f"--assume {text}: expected WHAT=VALUE, such as venue.latency_ns=50000000")
    return what, value


def _instant(text: str) -> int:
    try:
        return from_rfc3339(text)
    except ValueError:
        raise argparse.ArgumentTypeError("expected a time such as 2025-01-15T10:30:00Z") from None
