"""Published tables in, the headline out: response and remission by indication, never without coverage.

Reads the release only, so nothing undisclosed can reach a terminal, an artifact or a mail.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from outcomes.instruments import Library
from outcomes.settings import Settings

COLUMNS = ("indication", "measure", "enrolled", "measured", "coverage", "response (95 % CI)", "remission (95 % CI)")
HIDDEN = "hidden"

QUERY = """
select level, instrument_id, metric_id, enrolled, measured, coverage, rate, rate_low, rate_high, is_suppressed
from published.outcome_summary
where profile_id = ? and window_id = ? and breakdown = 'indication' and metric_id in ('response', 'remission')
order by all
"""
QUALITY = "select * from published.quality order by all"


def rows(release: Path, settings: Settings, library: Library) -> list[tuple[str, ...]]:
    """One row of text per indication with a primary measure, in the order of COLUMNS."""
    profile = settings.report.profile
    cells = {(r["level"], r["instrument_id"], r["metric_id"]): r for r in _query(release, QUERY, [profile, _window(settings)])}
    primary = sorted({(e.indication, e.instrument) for e in library.profiles[profile].expected if e.role == "primary"})
    found = [
        (indication, measure)
        for indication, measure in primary
        if (indication, measure, "response") in cells or (indication, measure, "remission") in cells
    ]
    return [_row(indication, measure, cells) for indication, measure in found]


def _window(settings: Settings) -> str:
    ids = [window.id for window in settings.windows]
    return settings.report.headline_window if settings.report.headline_window in ids else ids[-1]


def _row(indication: str, measure: str, cells: dict[tuple[str, str, str], dict[str, Any]]) -> tuple[str, ...]:
    response, remission = (cells.get((indication, measure, metric)) for metric in ("response", "remission"))
    base = response or remission or {}
    counts = (_count(base, "enrolled"), _count(base, "measured"), _percent(base.get("coverage")))
    return (indication, measure, *counts, _rate(response), _rate(remission))


def _count(cell: dict[str, Any], name: str) -> str:
    return HIDDEN if cell["is_suppressed"] else str(cell[name])


def _percent(value: float | None) -> str:
    return HIDDEN if value is None else f"{100 * value:.0f} %"


def _rate(cell: dict[str, Any] | None) -> str:
    if cell is None:
        return "no rule"
    if cell["is_suppressed"]:
        return HIDDEN
    if cell["rate"] is None:
        return "nobody measured"
    return f"{100 * cell['rate']:.1f} % ({100 * cell['rate_low']:.1f}-{100 * cell['rate_high']:.1f})"


def terminal(release: Path, settings: Settings, library: Library) -> str:
    """The headline as a table for a terminal of any width."""
    from rich.console import Console
    from rich.table import Table

    table = Table(title=title(settings), title_justify="left", pad_edge=False)
    for name in COLUMNS:
        table.add_column(name, justify="left" if name in COLUMNS[:2] else "right")
    for row in rows(release, settings, library):
        table.add_row(*row)
    console = Console(width=118)
    with console.capture() as captured:
        console.print(table)
    return captured.get().rstrip()


def markdown(release: Path, settings: Settings, library: Library) -> str:
    """The headline as a Markdown table with its window, profile and the rule of what is hidden."""
    lines = [COLUMNS, tuple("---" for _ in COLUMNS), *rows(release, settings, library)]
    return "\n".join([title(settings), "", *("| " + " | ".join(line) + " |" for line in lines)])


def title(settings: Settings) -> str:
    rules = f"thresholds of {settings.report.profile}, small counts by rule {settings.disclosure.rule}"
    return f"{settings.clinic.name}: window {_window(settings)}, {rules}"


def quality_rows(release: Path) -> list[dict[str, Any]]:
    """The published quality table with every value as text or a whole number, as an engine's artifact takes it."""
    plain = (int, str, bool, type(None))
    return [{name: v if isinstance(v, plain) else str(v) for name, v in row.items()} for row in _query(release, QUALITY)]


def _query(release: Path, sql: str, values: Sequence[Any] = ()) -> list[dict[str, Any]]:
    import duckdb

    with duckdb.connect(str(release), read_only=True) as con:
        found = con.execute(sql, list(values))
        names = [column[0] for column in found.description or ()]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]
