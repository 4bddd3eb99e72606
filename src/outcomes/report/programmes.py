"""A release in, the tables T0 to T4 of the programmes that the clinic runs out, as sections. Their lines stand in programme_tables.toml."""

from outcomes import programme_tables
from outcomes.report.model import Grid, Section, Text
from outcomes.report.release import DATABASE, clean
from outcomes.report.words import Words
from outcomes.settings import Settings

_NUMBERS = frozenset({"n", "coverage", "value (95 % interval)"})


def built(words: Words, settings: Settings) -> list[Section]:
    """One section per kind of programme."""
    release = words.release
    asked = settings.model_copy(update={"report": settings.report.model_copy(update={"profile": release.setting["profile_id"]})})
    sections = []
    for table, lines in programme_tables.shown(release.folder / DATABASE, asked, numerals=words.numerals):
        grids = [_grid(line) for line in lines]
        note = Text((f"{programme_tables.NOTE}.",))
        sections.append(Section(f"programme-{table.name}", f"{table.id} {table.title}", (note, *grids)))
    return sections


def _grid(line: programme_tables.Shown) -> Grid:
    columns, rows = programme_tables.told(line)
    told = tuple(tuple(clean(text) for text in row) for row in rows)
    return Grid(line.heading, tuple(columns), told, _NUMBERS, tuple(f"{clean(remark)}." for remark in line.remarks))
