"""The report as one HTML page that needs nothing else: no network, no other file.

Its script and its style are always the same text, so that a policy can name them by their hashes: the page carries
that policy itself, and a server that sends it may add `CONTENT_SECURITY_POLICY`. Whatever the strategy, its files and
its exceptions are called, it is text in this page and never markup.
"""

import base64
import hashlib
from html import escape
from importlib import resources
from string import Template
from typing import Final

from tradehall.adapters.reports import figures, sections
from tradehall.adapters.reports.page_data import ROUND_TRIPS_LISTED_MAX, page_data
from tradehall.analytics.report import BacktestReport


def _own(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text(encoding="utf8")


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


_STYLE: Final = _own("report.css")
SCRIPT_PARTS: Final = ("packed.js", "chart.js", "drawing.js", "list.js")
_SCRIPT: Final = "(() => {\n'use strict';\n" + "".join(map(_own, SCRIPT_PARTS)) + "})();\n"
_PAGE: Final = Template(_own("page.html"))

# For a page that shows reports in a frame, which inherits that page's policy.
SCRIPT_SOURCE: Final = _hash(_SCRIPT)
CONTENT_SECURITY_POLICY: Final = (
    f"default-src 'none'; script-src {SCRIPT_SOURCE}; style-src {_hash(_STYLE)}; img-src data:; base-uri 'none'; "
    "form-action 'none'"
)


def report_html(report: BacktestReport) -> str:
    """The page: at most ROUND_TRIPS_LISTED_MAX round trips are listed, all are counted."""
    return _PAGE.substitute(
        policy=CONTENT_SECURITY_POLICY,
        style=_STYLE,
        script=_SCRIPT,
        data=page_data(report),
        title=escape(report.strategy),
        badge="COMPLETE" if report.is_complete else "INCOMPLETE",
        badge_class="complete" if report.is_complete else "incomplete",
        period=escape(f"{figures.instant(report.start)} to {figures.instant(report.end)}"),
        symbols=escape(", ".join(report.symbols)),
        identity=escape(_identity(report)),
        provenance=sections.provenance(report.provenance),
        failure=sections.failure(report),
        headline=sections.headline(report),
        metrics=sections.metrics_table(report),
        definitions=sections.definitions_list(),
        monthly=sections.monthly_table(report.monthly),
        costs=sections.costs_table(report),
        settings=sections.settings_list(report.settings),
        conventions=sections.settings_list(report.conventions),
        skipped=sections.skipped(report),
        listed=escape(_listed(len(report.round_trips))),
    )


def _identity(report: BacktestReport) -> str:
    parts = [f"strategy {report.strategy_id}"] if report.strategy_id else []
    return " · ".join([*parts, f"Tradehall {report.version}".strip()])


def _listed(count: int) -> str:
    if count <= ROUND_TRIPS_LISTED_MAX:
        return ""
    return f"The newest {ROUND_TRIPS_LISTED_MAX:,} of {count:,} are listed; the JSON report has all of them."
