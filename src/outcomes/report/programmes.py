"""A release in, the tables T0 to T4 of the programmes that the clinic runs out, as sections. Their lines stand in programme_tables.toml."""

import re
from dataclasses import replace
from typing import Final

from outcomes import programme_tables
from outcomes.report.model import NONE, Grid, Section, Text
from outcomes.report.release import DATABASE, clean
from outcomes.report.words import Words, choices
from outcomes.settings import Settings

_COLUMNS: Final = {
    "figure": "Figure",
    "measure": "Measure",
    "window": "When",
    "group": "Group",
    "n": "n",
    "coverage": "Coverage",
    "value (95 % interval)": "Value (95 per cent interval)",
    "and": "Further",
}
_NUMBERS: Final = frozenset(_COLUMNS[name] for name in ("n", "coverage", "value (95 % interval)"))
_SAID_ONCE: Final = ("Figure", "Group")
_CAUTION: Final = re.compile(r"! (.+?): (.+?)\. (.*)")


def built(words: Words, settings: Settings) -> list[Section]:
    """One section per kind of programme."""
    release = words.release
    asked = settings.model_copy(update={"report": settings.report.model_copy(update={"profile": release.setting["profile_id"]})})
    sections = []
    for table, lines in programme_tables.shown(release.folder / DATABASE, asked, numerals=words.numerals):
        note = Text((f"{programme_tables.NOTE}.",))
        sections.append(Section(f"programme-{table.name}", f"{table.id} {table.title}", (note, *(_grid(words, line) for line in lines))))
    return sections


def _grid(words: Words, line: programme_tables.Shown) -> Grid:
    """A line in words: codes of measures, windows and groups have their names."""
    columns, rows = programme_tables.told(line)
    told = tuple(tuple(_named(words, column, clean(text)) for column, text in zip(columns, row, strict=True)) for row in rows)
    remarks = tuple(_remark(words, clean(remark)) for remark in line.remarks)
    return _without_repeats(Grid(line.heading, tuple(_COLUMNS[column] for column in columns), told, _NUMBERS, remarks))


def _without_repeats(grid: Grid) -> Grid:
    """What all rows say alike of figure and group is said once, in the title, so that a phone has room for the numbers."""
    same = [i for i, name in enumerate(grid.columns) if name in _SAID_ONCE and len({row[i] for row in grid.rows}) == 1]
    kept = [i for i in range(len(grid.columns)) if i not in same]
    if not same or grid.columns[kept[0]] in grid.numbers:
        return grid
    title = f"{grid.title} ({', '.join(grid.rows[0][i] for i in same)})"
    return replace(
        grid, title=title, columns=tuple(grid.columns[i] for i in kept), rows=tuple(tuple(row[i] for i in kept) for row in grid.rows)
    )


def _named(words: Words, column: str, text: str) -> str:
    if text == programme_tables.MISSING:
        return NONE
    if column == "measure":
        return words.measure(text)
    if column == "window":
        name, mark, _ = text.partition(" !")
        return (words.window(name) if name in words.release.windows else name) + mark
    return str(choices()["level"].get(text, text)) if column == "group" else text


def _remark(words: Words, text: str) -> str:
    found = _CAUTION.fullmatch(text)
    if found is None:
        return f"{text}."
    windows, measures = (
        [_named(words, column, code) for code in part.split(", ")]
        for column, part in zip(("window", "measure"), found.groups(), strict=False)
    )
    return f"! {', '.join(windows)}: {', '.join(measures)}. {words.numerals.within(found.group(3))}."
