"""`tradehall import`: recorded market data, checked row by row and kept in the data folder."""

import argparse
from contextlib import nullcontext
from pathlib import Path

from tradehall.adapters.data_folder import DataFolder
from tradehall.adapters.history.importing import FileOutcome, FileReport, import_files
from tradehall.adapters.history.progress import ProgressBar
from tradehall.adapters.history.schema import Kind
from tradehall.cli.commands import summary_of
from tradehall.cli.options import Commands, add_command, add_json, add_settings, configured
from tradehall.cli.output import Refused, say, say_json
from tradehall.domain.time import to_rfc3339


def add_to(commands: Commands) -> None:
    """Add the command."""
    parser = add_command(
        commands, "import", run, summary=summary_of("import"),
        example="tradehall import recordings/EURUSD_quotes.parquet more/  (replay:tradehall-data/history plays it)",
    )  # fmt: skip
    parser.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="a Parquet or CSV file, or a folder")
    parser.add_argument("--symbol", help="of files that do not name theirs")
    parser.add_argument("--kind", type=Kind, choices=list(Kind), help="refuse files of any other kind")
    add_json(parser)
    add_settings(parser, ["data"])


def run(options: argparse.Namespace) -> None:
    """Import. Refused if any file was; the others are kept all the same."""
    folder = DataFolder(configured(options).config.data)
    folder.make()
    # A program that reads the report watches no bar.
    with nullcontext() if options.json else ProgressBar() as progress:
        report = import_files(options.paths, folder.imported, progress, symbol=options.symbol, kind=options.kind)
    if options.json:
        say_json(report)
    else:
        for file in report.files:
            _tell(file)
    refused = sum(file.outcome is FileOutcome.REFUSED for file in report.files)
    if refused:
        raise Refused(f"{refused} of {len(report.files)} files were refused; nothing of them was kept")


def _tell(file: FileReport) -> None:
    if file.outcome is FileOutcome.REFUSED:
        say(f"{file.file}: refused: {file.reason}")
        for complaint in file.complaints:
            say(f"  {complaint}")
        if file.complaint_count > len(file.complaints):
            say(f"  … and {file.complaint_count - len(file.complaints)} more")
        return
    span = f"{to_rfc3339(file.first_at or 0)} to {to_rfc3339(file.last_at or 0)}"
    say(f"{file.file}: {file.rows} {file.recording} of {file.symbol}, {span}")
