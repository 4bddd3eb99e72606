"""Published tables in, the headline out: change, response and remission by indication, never without coverage.

Reads the release only, so nothing undisclosed can reach a terminal, an artifact or a mail.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from outcomes.instruments import Library
from outcomes.settings import Settings, headline_window

COLUMNS = ("indication", "measure", "enrolled", "measured", "coverage", "mean change", "response", "remission")
NOTE = "measured: both scores; coverage: measured / enrolled; change: in the measure's own points; in brackets: 95 % intervals"
HIDDEN = "hidden"

PEOPLE = """
select level, instrument_id, r.enrolled, r.with_both, r.is_suppressed, s.n, s.mean_change, s.change_low, s.change_high
from published.retention as r
left join published.score_summary as s using (instrument_id, window_id, breakdown, level)
where window_id = ? and breakdown = 'indication'
"""
RATES = """
select level, instrument_id, metric_id, numerator, rate, rate_low, rate_high, is_suppressed
from published.outcome_summary
where profile_id = ? and window_id = ? and breakdown = 'indication' and metric_id in ('response', 'remission')
"""
QUALITY = "select * from published.quality order by all"

Cell = dict[str, Any]


def rows(release: Path, settings: Settings, library: Library) -> list[tuple[str, ...]]:
    """One row of text per indication and primary measure of the report's profile, in the order of COLUMNS."""
    profile, window = settings.report.profile, headline_window(settings)
    people = {(cell["level"], cell["instrument_id"]): cell for cell in query(release, PEOPLE, [window])}
    rates = {(c["level"], c["instrument_id"], c["metric_id"]): c for c in query(release, RATES, [profile, window])}
    primary = sorted({(e.indication or "", e.instrument) for e in library.profiles[profile].expected if e.role == "primary"})
    return [
        (*key, *_people(people[key]), _rate(rates.get((*key, "response"))), _rate(rates.get((*key, "remission"))))
        for key in primary
        if key in people
    ]


def _people(cell: Cell) -> tuple[str, str, str, str]:
    if cell["is_suppressed"]:
        return (HIDDEN, HIDDEN, HIDDEN, HIDDEN)
    enrolled, both = cell["enrolled"], cell["with_both"]
    coverage = f"{100 * both / enrolled:.0f} %" if enrolled else "-"
    return str(enrolled), str(both), coverage, _change(cell)


def _change(cell: Cell) -> str:
    if cell["n"] is None:
        return HIDDEN
    if cell["mean_change"] is None:
        return "nobody measured"
    interval = f" ({cell['change_low']:+.1f} to {cell['change_high']:+.1f})" if cell["change_low"] is not None else ""
    return f"{cell['mean_change']:+.1f}{interval}"


def _rate(cell: Cell | None) -> str:
    if cell is None:
        return "no rule"
    if cell["is_suppressed"]:
        return HIDDEN
    if cell["rate"] is None:
        return "nobody measured"
    return f"{100 * cell['rate']:.0f} % ({100 * cell['rate_low']:.0f}-{100 * cell['rate_high']:.0f})"


def title(settings: Settings) -> str:
    """Whose figures, for which window, by which thresholds, and what is hidden."""
    rules = f"thresholds of {settings.report.profile}, small counts hidden by rule {settings.disclosure.rule}"
    return f"{settings.clinic.name}: window {headline_window(settings)}, {rules}"


def terminal(release: Path, settings: Settings, library: Library, width: int = 126) -> str:
    """The headline as a table for a terminal."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    table = Table(title=title(settings), caption=NOTE, title_justify="left", caption_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for name in COLUMNS:
        table.add_column(name, justify="left" if name in COLUMNS[:2] else "right", no_wrap=True)
    for row in rows(release, settings, library):
        table.add_row(*row)
    console = Console(width=width)
    with console.capture() as captured:
        console.print(table)
    return "\n".join(line.rstrip() for line in captured.get().splitlines()).strip("\n")


def markdown(release: Path, settings: Settings, library: Library) -> str:
    """The headline as a Markdown table."""
    lines = [COLUMNS, tuple("---" for _ in COLUMNS), *rows(release, settings, library)]
    return "\n".join([title(settings), "", *("| " + " | ".join(line) + " |" for line in lines), "", NOTE])


def quality_rows(release: Path) -> list[Cell]:
    """The published quality table with every value as text or a whole number, as an engine's artifact takes it."""
    plain = (int, str, bool, type(None))
    return [{name: v if isinstance(v, plain) else str(v) for name, v in row.items()} for row in query(release, QUALITY)]


def query(release: Path, sql: str, values: Sequence[Any] | Mapping[str, Any] = ()) -> list[Cell]:
    """Rows of a query over the release, by column."""
    import duckdb

    with duckdb.connect(str(release), read_only=True) as con:
        found = con.execute(sql, dict(values) if isinstance(values, Mapping) else list(values))
        names = [column[0] for column in found.description or ()]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]
