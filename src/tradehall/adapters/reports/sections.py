"""The parts of the page that need no script: headline figures, tables, what the run was made of."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from html import escape
from typing import Final

from tradehall.adapters.reports import figures
from tradehall.analytics.definitions import BY_PATH, DEFINITIONS, Definition
from tradehall.analytics.metrics import Metrics
from tradehall.analytics.report import BacktestReport, Provenance
from tradehall.domain.money import ZERO

HEADLINE: Final = (
    "total_return", "tally.net_pnl", "max_drawdown", "sharpe", "tally.win_rate", "tally.profit_factor", "tally.ended",
    "exposure",
)  # fmt: skip
# Shades of a month: the return from which each begins.
_SHADES: Final = ((0.05, 3), (0.02, 2), (0.0, 1))
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_BAR_WIDTH: Final = 200
_YES_NO: Final = {"True": "yes", "False": "no"}
# Of a traceback its end is read, of a state its beginning; the JSON report has both whole.
TEXT_SHOWN_MAX: Final = 20_000
# Enough of a digest to tell files apart; the JSON report has all of it.
DIGEST_SHOWN: Final = 24


def term(definition: Definition) -> str:
    """A figure's name that tells what it means when it is pointed at or has the focus."""
    meaning = escape(definition.meaning)
    return f'<button type="button" class="term" data-tip="{meaning}">{escape(definition.label)}</button>'


def headline(report: BacktestReport) -> str:
    """The figures that are looked at first."""
    cards = []
    for definition in (BY_PATH[path] for path in HEADLINE):
        value = escape(figures.figure(definition, report.metrics))
        shade = figures.tone(definition, report.metrics)
        note = escape(_note(definition.path, report.metrics))
        cards.append(
            f'<div class="card"><dt>{term(definition)}</dt><dd class="value {shade}">{value}</dd>'
            f'<dd class="note">{note}</dd></div>'
        )
    return "\n".join(cards)


def _note(path: str, metrics: Metrics) -> str:
    """What belongs beside a headline figure."""
    told = {other: figures.figure(definition, metrics) for other, definition in BY_PATH.items()}
    return {
        "total_return": f"{told['annual_return']} a year · buy and hold {told['buy_and_hold']}",
        "tally.net_pnl": f"{told['capital']} at the start",
        "max_drawdown": f"{told['max_drawdown_amount']} · longest {told['max_drawdown_ns']}",
        "sharpe": f"Sortino {told['sortino']} · Calmar {told['calmar']}",
        "tally.win_rate": f"{told['tally.wins']} won · {told['tally.losses']} lost",
        "tally.profit_factor": f"{told['tally.expectancy']} a round trip",
        "tally.ended": f"{told['tally.holding_ns_average']} on average · {told['tally.still_open']} still open",
        "exposure": f"turnover {told['turnover']} × equity",
    }[path]


def metrics_table(report: BacktestReport) -> str:
    """All figures, and beside them those of closed round trips alone where they differ."""
    rows = []
    for definition in DEFINITIONS:
        cells = [figures.figure(definition, metrics) for metrics in _measured(report)]
        shade = figures.tone(definition, report.metrics)
        values = "".join(f'<td class="number {shade}">{escape(cell)}</td>' for cell in cells)
        rows.append(f'<tr><th scope="row">{term(definition)}</th>{values}</tr>')
    heads = "".join(f'<th scope="col" class="number">{head}</th>' for head in _metric_heads(report))
    half = (len(rows) + 1) // 2
    tables = (_table([f'<th scope="col">Figure</th>{heads}'], part, "metrics") for part in (rows[:half], rows[half:]))
    return f'<div class="columns">{"".join(tables)}</div>'


def definitions_list() -> str:
    """What every figure means: for print, and for who has no pointer."""
    rows = (f"<dt>{escape(each.label)}</dt><dd>{escape(each.meaning)}</dd>" for each in DEFINITIONS)
    return "\n".join(rows)


def monthly_table(monthly: Mapping[str, float]) -> str:
    """A row per year, a column per month, shaded by return; the year's is compounded."""
    if not monthly:
        return '<p class="empty">No day of the run has a return.</p>'
    years: dict[str, dict[int, float]] = {}
    for month, value in monthly.items():
        years.setdefault(month[:4], {})[int(month[5:])] = value
    heads = "".join(f'<th scope="col" class="number">{name}</th>' for name in (*_MONTHS, "Year"))
    return _table([f'<th scope="col">Year</th>{heads}'], [_year_row(*year) for year in years.items()], "monthly")


def costs_table(report: BacktestReport) -> str:
    """From gross to net, and what was paid inside the prices; a bar for each against the largest."""
    costs, currency = report.costs, report.currency
    gross = sum((trip.gross_pnl for trip in report.round_trips), ZERO)
    rows = [
        ("Gross P&L of fills", gross, "as booked, open positions included"),
        ("Commission", -costs.commission, "charged on fills"),
        ("Swaps and dividends", costs.swaps, "for holding positions"),
        ("Change of the balance", gross - costs.commission + costs.swaps, "all of the above together"),
        ("of it: half spreads", _inside(costs.spread), "paid inside the prices of fills, part of gross P&L"),
        ("of it: slippage", _inside(costs.slippage), "fills worse than the touch, part of gross P&L"),
    ]
    known = [(name, amount, words) for name, amount, words in rows if amount is not None]
    largest = max(abs(amount) for _, amount, _ in known) or Decimal(1)
    return _table([], [_cost_row(*row, largest, currency) for row in known], "costs")


def provenance(lines: Iterable[Provenance]) -> str:
    """Where the past came from, a sentence for each source."""
    told = [f"<li>{_sentence(line)}</li>" for line in lines]
    return f'<ul class="provenance">{"".join(told)}</ul>' if told else ""


def settings_list(settings: Mapping[str, str]) -> str:
    """Names and what they were set to, or nothing."""
    if not settings:
        return '<p class="empty">None were recorded.</p>'
    rows = (
        f"<dt>{escape(name.replace('_', ' '))}</dt><dd>{escape(_YES_NO.get(words, words))}</dd>"
        for name, words in settings.items()
    )
    return f'<dl class="settings">{"".join(rows)}</dl>'


def skipped(report: BacktestReport) -> str:
    """How much of the past the engine needed to see."""
    share = report.skipped
    if not share.total:
        return ""
    words = (
        f"{share.visited:,} of {share.total:,} prices were shown to the exact engine; {figures.percent(share.share)}"
    )
    reason = f" {share.reason}" if share.reason else ""
    return f"<p>{escape(words + ' could not touch an order or a margin and were skipped.' + reason)}</p>"


def failure(report: BacktestReport) -> str:
    """Why a run is incomplete, with its traceback."""
    broken = report.failure
    if broken is None:
        return ""
    when = f" at {figures.instant(broken.at)}" if broken.at else ""
    shown = broken.state[:TEXT_SHOWN_MAX] + ("\n…" if len(broken.state) > TEXT_SHOWN_MAX else "")
    state = f'<h3>State at that moment</h3><pre tabindex="0">{escape(shown)}</pre>' if shown else ""
    return (
        f'<section class="failure" role="alert"><h2>INCOMPLETE</h2><p>The strategy threw an exception{when}; '
        "the figures below count what happened until then.</p>"
        f'<h3>Traceback</h3><pre tabindex="0">{escape(broken.traceback[-TEXT_SHOWN_MAX:])}</pre>{state}</section>'
    )


def _measured(report: BacktestReport) -> list[Metrics]:
    return [report.metrics] if report.closed is None else [report.metrics, report.closed]


def _metric_heads(report: BacktestReport) -> list[str]:
    return ["Value"] if report.closed is None else ["Marked to market", "Closed only"]


def _year_row(year: str, months: dict[int, float]) -> str:
    whole = 1.0
    for value in months.values():
        whole *= 1.0 + value
    cells = [_month_cell(months.get(month)) for month in range(1, 13)]
    return f'<tr><th scope="row">{escape(year)}</th>{"".join(cells)}{_month_cell(whole - 1.0, "whole")}</tr>'


def _month_cell(value: float | None, kind: str = "") -> str:
    if value is None:
        return '<td class="number"></td>'
    shade = next((number for least, number in _SHADES if abs(value) >= least), 0)
    tone = "" if round(value, 4) == 0 else f"{'up' if value > 0 else 'down'}{shade}"
    return f'<td class="number {tone} {kind}">{escape(figures.percent(value).removesuffix(PERCENT_SIGN))}</td>'


def _inside(amount: Decimal | None) -> Decimal | None:
    return None if amount is None else -amount


def _cost_row(name: str, amount: Decimal, words: str, largest: Decimal, currency: str) -> str:
    width = round(float(abs(amount) / largest) * _BAR_WIDTH, 1)
    tone = "gain" if amount > 0 else "loss" if amount < 0 else ""
    box = f'viewBox="0 0 {_BAR_WIDTH} 10" aria-hidden="true"'
    bar = f'<svg class="bar {tone}" {box}><rect width="{width}" height="10"/></svg>'
    return (
        f'<tr><th scope="row">{escape(name)}<small>{escape(words)}</small></th>'
        f'<td class="number {tone}">{escape(figures.money(amount, currency))}</td><td>{bar}</td></tr>'
    )


def _sentence(line: Provenance) -> str:
    parts = [f"<b>{escape(line.symbol)}</b> {escape(' '.join((line.timeframe, line.kind)).strip())}"]
    if line.rows:
        parts.append(f"{line.rows:,} rows")
    if line.last_at:
        parts.append(f"{figures.day(line.first_at)} to {figures.day(line.last_at)}")
    parts.append(f"from {escape(line.source)}")
    if line.digest:
        parts.append(f'<span class="digest">{escape(line.digest[:DIGEST_SHOWN])}</span>')
    return ", ".join([*parts, *(escape(note) for note in line.notes)])


def _table(heads: list[str], rows: list[str], name: str) -> str:
    """A table in a box that scrolls on narrow screens, with the keyboard too."""
    head = "".join(f"<thead><tr>{cells}</tr></thead>" for cells in heads)
    box = f'<div class="scroll" role="region" aria-label="Table of {name}" tabindex="0">'
    return f'{box}<table class="{name}">{head}<tbody>{"".join(rows)}</tbody></table></div>'


PERCENT_SIGN: Final = "\u202f%"
