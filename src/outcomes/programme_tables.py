"""The published file in; the tables of each kind of programme (T0 to T4) out, for a terminal or as Markdown.

Which lines a table has stands in programme_tables.toml; this reads the release only, so nothing undisclosed can be in it. Every number
stands with its n, its coverage and its interval. What is hidden is `hidden`, what there is not is `-`.
"""

import tomllib
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from outcomes import markdown as md
from outcomes.headline import Cell, query
from outcomes.numerals import HOUSE, Numerals
from outcomes.programme_figures import FIGURES
from outcomes.settings import Settings

LINES: Final = Path(__file__).with_suffix(".toml")
COLUMNS: Final = ("figure", "measure", "window", "group", "n", "coverage", "value (95 % interval)", "and")
HIDDEN: Final = "hidden"
MISSING: Final = "-"
MANY: Final = 2
_SIGNED: Final = ("share difference", "points", "coefficient")
NOTE: Final = (
    "n: courses unless said otherwise; coverage: measured / eligible, or judged / given for doses; "
    "hidden: too few to be shown; !: see the caution below the line"
)

_ROWS: Final = """
select * from ({figure})
where breakdown glob $breakdown
and ($levels is null or list_contains($levels, level))
and ($measures is null or len(list_filter($measures, lambda one: measure glob one)) > 0)
and ($ids is null or len(list_filter($ids, lambda one: id glob one)) > 0)
and ($windows is null or len(list_filter($windows, lambda one: window_id glob one)) > 0)
and ($profile is null or profile is null or profile in ($profile, 'usual'))
and (is_hidden or n > 0)
order by measure, breakdown, ordinal, title, profile, window_id, level
"""
_PRIMARY: Final = """
select indication, instrument_id from published.expected where profile_id = $profile and role = 'primary'
"""
_RUNS: Final = """
select count(*) as levels from published.retention
where breakdown = $breakdown and list_contains($levels, level)
"""


class Part(BaseModel):
    """What the file says is checked: an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Line(Part):
    """One line of a programme's table: which rows of which figure."""

    line: str
    title: str
    figure: str = Field(alias="from")
    measures: tuple[str, ...] | None = None
    ids: tuple[str, ...] | None = None
    windows: tuple[str, ...] | None = None
    breakdown: str = "indication"
    levels: tuple[str, ...] | None = None
    compares: bool = False
    every_profile: bool = False
    primary: bool = False


class Runs(Part):
    """The levels of a breakdown that tell that a clinic has such a programme."""

    breakdown: str = "indication"
    levels: tuple[str, ...]


class Table(Part):
    """One kind of programme."""

    id: str
    name: str
    title: str
    indications: tuple[str, ...]
    runs: Runs | None = None
    line: tuple[Line, ...]


class Tables(Part):
    """All of them, and what is said where groups are compared."""

    compared: str
    table: tuple[Table, ...]


class Shown(Part):
    """A line as it is printed: rows in the order of COLUMNS, and what must be said below them."""

    heading: str
    rows: tuple[tuple[str, ...], ...]
    remarks: tuple[str, ...]


def load() -> Tables:
    """The lines of all tables. Raises ValueError where the file is wrong."""
    return Tables.model_validate(tomllib.loads(LINES.read_text(encoding="utf-8")))


def shown(release: Path, settings: Settings, name: str | None = None, numerals: Numerals = HOUSE) -> Iterator[tuple[Table, list[Shown]]]:
    """The tables of the programmes that the clinic runs, or the one of that name; numbers in the numerals asked for."""
    tables = load()
    for table in tables.table:
        if name in (None, table.name) and _is_run(release, table):
            yield table, [_line(release, settings, tables, table, line, numerals) for line in table.line]


def _is_run(release: Path, table: Table) -> bool:
    runs = table.runs or Runs(levels=table.indications)
    return bool(query(release, _RUNS, {"breakdown": runs.breakdown, "levels": list(runs.levels)})[0]["levels"])


def _line(release: Path, settings: Settings, tables: Tables, table: Table, line: Line, numerals: Numerals) -> Shown:
    profile = settings.report.profile
    levels = line.levels or (table.indications if line.breakdown == "indication" else None)
    wanted = {
        "breakdown": line.breakdown,
        "levels": _listed(levels),
        "measures": _listed(line.measures),
        "ids": _listed(line.ids),
        "windows": _listed(line.windows),
        "profile": None if line.every_profile else profile,
    }
    cells = query(release, _ROWS.format(figure=FIGURES[line.figure]), wanted)
    if line.primary:
        primary = {(row["indication"], row["instrument_id"]) for row in query(release, _PRIMARY, {"profile": profile})}
        cells = [cell for cell in cells if (cell["level"], cell["measure"]) in primary]
    notes = {cell["note"] for cell in cells if cell["note"]} or ({tables.compared} if line.compares else set())
    return Shown(
        heading=f"{table.id} {line.line}. {line.title}",
        rows=tuple(_row(cell, line, numerals) for cell in _folded(_in_order(cells, [window.id for window in settings.windows]))),
        remarks=(*sorted(notes), *_cautions(cells)),
    )


def _cautions(cells: Iterable[Cell]) -> list[str]:
    """Each caution once, with the measures and windows that it is about."""
    about: dict[str, set[tuple[str, str]]] = {}
    for cell in cells:
        if cell["caution"]:
            about.setdefault(cell["caution"], set()).add((cell["window_id"], cell["measure"]))
    whose = {text: [sorted({pair[i] for pair in pairs}) for i in (0, 1)] for text, pairs in about.items()}
    return [f"! {', '.join(windows)}: {', '.join(measures)}. {text}" for text, (windows, measures) in sorted(whose.items())]


def _listed(words: Sequence[str] | None) -> list[str] | None:
    return list(words) if words else None


def _in_order(cells: Iterable[Cell], windows: Sequence[str]) -> list[Cell]:
    """Windows as the settings list them, which is that of time."""
    places = {name: place for place, name in enumerate(windows)}

    def place(cell: Cell) -> tuple[Any, ...]:
        window = cell["window_id"] or ""
        return (*_what(cell)[:-1], places.get(window, len(places)), window)

    return sorted(cells, key=place)


def _what(cell: Cell) -> tuple[Any, ...]:
    return (cell["measure"] or "", cell["breakdown"], cell["ordinal"] or 0, cell["title"], cell["profile"] or "", cell["window_id"] or "")


def _folded(cells: Sequence[Cell]) -> Iterator[Cell]:
    """Many hidden groups of one figure as one row, behind those that are shown."""
    for _, group in groupby(cells, key=_what):
        rows = list(group)
        hidden = [row for row in rows if row["is_hidden"]]
        yield from (row for row in rows if not row["is_hidden"])
        if len(hidden) > MANY:
            yield {**hidden[0], "level": f"{len(hidden)} small groups"}
        else:
            yield from hidden


def _row(cell: Cell, line: Line, numerals: Numerals = HOUSE) -> tuple[str, ...]:
    title = f"{cell['title']} ({cell['profile']})" if line.every_profile and cell["profile"] else cell["title"]
    level = f"{cell['breakdown']}: {cell['level']}" if line.breakdown == "*" else cell["level"]
    window = f"{cell['window_id']} !" if cell["caution"] else cell["window_id"] or MISSING
    who = (title, cell["measure"] or MISSING, window, level)
    if cell["is_hidden"]:
        return (*who, HIDDEN, HIDDEN, HIDDEN, HIDDEN)
    coverage = HIDDEN if cell["is_coverage_hidden"] else MISSING if cell["coverage"] is None else numerals.share(cell["coverage"])
    also = numerals.within(cell["also"]) if cell["also"] else MISSING
    return (*who, numerals.plain(cell["n"]), coverage, _value(cell, numerals), also)


def _value(cell: Cell, numerals: Numerals = HOUSE) -> str:
    """The number with its interval, in the words of its kind."""
    value, low, high, unit = (cell[name] for name in ("value", "low", "high", "unit"))
    plain, brief, to = numerals.plain, numerals.brief, numerals.to
    if cell["kind"] == "median":
        ends = f" ({_days(low, numerals)} to {_days(high, numerals)})" if low is not None else ""
        return f"median by {_days(value, numerals)} {unit}{ends}" if value is not None else "median not shown"
    if value is None:
        return f"{brief(low, 6)} to {brief(high, 6)} {unit}".strip() if cell["kind"] == "plain" and low is not None else MISSING
    scale = 100 if cell["kind"].startswith("share") else 1
    after = {"share difference": " points", "points": ""}.get(cell["kind"], f" {unit}")
    is_signed, digits = cell["kind"] in _SIGNED, {"points": 1, "coefficient": 2, "rate": 3}.get(cell["kind"], 0)

    def written(x: Any) -> str:
        return brief(x) if cell["kind"] == "plain" else plain(scale * float(x), digits, is_signed)

    number = numerals.percent.format(written(value)) if cell["kind"] == "share" else f"{written(value)}{after}".strip()
    between = " to " if is_signed else to
    return f"{number} ({written(low)}{between}{written(high)})" if low is not None and high is not None else number


def _days(value: Any, numerals: Numerals) -> str:
    return "open" if value is None else numerals.brief(value, 6)


def title(settings: Settings) -> str:
    """Whose figures, by which thresholds, and what is hidden."""
    return f"{settings.clinic.name}: thresholds of {settings.report.profile}, small counts hidden by rule {settings.disclosure.rule}"


def terminal(release: Path, settings: Settings, name: str | None = None, width: int = 150) -> str:
    """The tables as text; empty where the clinic runs no such programme."""
    from rich import box
    from rich.console import Console
    from rich.table import Table as Grid

    console = Console(width=width)
    with console.capture() as captured:
        for table, lines in shown(release, settings, name):
            console.print(f"{table.id} {table.title}\n{title(settings)}\n{NOTE}\n", markup=False, highlight=False)
            for line in lines:
                grid = Grid(title=line.heading, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
                columns, rows = told(line)
                for column in columns:
                    side: Literal["left", "right"] = "right" if column in ("n", "coverage") else "left"
                    grid.add_column(column, justify=side, no_wrap=column in ("measure", "window", "n", "coverage", COLUMNS[-2]))
                for row in rows:
                    grid.add_row(*row)
                console.print(grid, markup=False, highlight=False)
                console.print("\n".join([*line.remarks, ""]), markup=False, highlight=False)
    return "\n".join(text.rstrip() for text in captured.get().splitlines()).strip("\n")


def markdown(release: Path, settings: Settings, name: str | None = None) -> str:
    """The same as Markdown."""
    parts: list[str] = []
    for table, lines in shown(release, settings, name):
        parts += [f"# {table.id} {table.title}", f"{title(settings)}.", f"{NOTE}."]
        for line in lines:
            parts += [f"## {line.heading}", md.table(*told(line)), *(f"{remark}." for remark in line.remarks)]
    return "\n\n".join(parts)


def told(line: Shown) -> tuple[list[str], list[list[str]]]:
    """Columns and rows, without measure and window where the line is about none."""
    rows = line.rows or (("nothing published", *[MISSING] * (len(COLUMNS) - 1)),)
    kept = [i for i, name in enumerate(COLUMNS) if name not in ("measure", "window") or any(row[i] != MISSING for row in rows)]
    return [COLUMNS[i] for i in kept], [[row[i] for i in kept] for row in rows]
