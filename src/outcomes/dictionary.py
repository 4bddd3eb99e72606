"""The SQL files in, docs/dictionary.md out: every table with what a row is, and every column with its type, unit and meaning.

What it says of the release is published.dictionary of an empty clinic, and types come from its warehouse, built of the same files: the
page can't say what the databases do not. `make docs`, or `python -m outcomes.dictionary`, writes the page; a test compares it.
"""

import datetime as dt
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import duckdb
import polars as pl

from outcomes import disclosure, meanings, places, publish, reference, warehouse
from outcomes.settings import Clinic, Settings

PAGE: Final = Path("docs") / "dictionary.md"
ZONES: Final = {
    "core": "Rows of single patients, in warehouse.duckdb. Stay in the house.",
    "metric": "What each metric says of each course, in warehouse.duckdb. Stay in the house.",
    "tally": "Counts before small groups are hidden, in warehouse.duckdb. Stay in the house.",
    "release": "How each count may be shown, in warehouse.duckdb. Stay in the house.",
}
TABLES: Final = """
select schema_name, table_name, coalesce(comment, '') from duckdb_tables() where database_name = 'built'
union all
select schema_name, view_name, coalesce(comment, '') from duckdb_views() where database_name = 'built' and not internal
order by all
"""
PUBLISHED: Final = (
    "Published tables, in outcomes.duckdb, Parquet, CSV and a workbook; small groups are pooled or hidden. May leave the house."
)


def page(folder: Path | None = None) -> str:
    """The dictionary of the SQL files in `folder` (the shipped ones if not given) as Markdown."""
    with tempfile.TemporaryDirectory() as scratch:
        built = Path(scratch) / "warehouse" / "built.duckdb"
        settings = Settings(clinic=Clinic(name="Dictionary", timezone="UTC"))
        nothing = warehouse.CleanFiles(pl.DataFrame(schema=reference.INPUT_FILE))
        ref = {name: pl.DataFrame(schema=schema) for name, schema in reference.REF.items()}
        ref |= reference.from_settings(settings, dt.date(2026, 1, 1))
        warehouse.build(built, nothing, ref, settings.limits, disclose=disclosure.disclose, folder=folder)
        release = publish.write_database(built, built.with_name(publish.DATABASE))
        with duckdb.connect(str(built), read_only=True) as con:
            return "\n".join(_lines(con, release[meanings.TABLE], meanings.Units(folder)))


def _lines(con: duckdb.DuckDBPyConnection, release: pl.DataFrame, units: meanings.Units) -> list[str]:
    lines = [
        "# Dictionary",
        "",
        "Made from the comments in `sql/` by `python -m outcomes.dictionary`; do not edit. The same texts are comments in the databases,",
        "and those of the release are its table `published.dictionary`, which `from published.find('word')` searches.",
        *_published(release),
    ]
    tables = con.execute(TABLES).fetchall()
    for schema, zone in ZONES.items():
        lines += ["", f"## {schema}", "", zone]
        for name, header in ((name, header) for found, name, header in tables if found == schema):
            found = con.execute(meanings.COLUMNS, ["built", schema, name]).fetchall()
            columns = [(column, type_, units.of(name, column, type_), meaning) for column, type_, meaning in found]
            lines += ["", f"### {schema}.{name}", "", _joined(header), "", *_columns(columns)]
    return [*lines, ""]


def _published(release: pl.DataFrame) -> Iterator[str]:
    yield from ("", "## published", "", PUBLISHED)
    for row in release.filter(pl.col("kind") == "table").sort("table_name").rows(named=True):
        columns = release.filter(pl.col("table_name") == row["table_name"], pl.col("column_name").is_not_null()).sort("ordinal")
        yield from ("", f"### published.{row['table_name']}", "", row["meaning"], "", f"Source: {row['source']}.", "")
        yield from _columns(columns.select("column_name", "type", "unit", "meaning").rows())
    yield from ("", "### Macros", "", "| Call | Answers |", "| - | - |")
    for row in release.filter(pl.col("kind") == "macro").sort("table_name").rows(named=True):
        yield f"| `published.{row['table_name']}({row['type']})` | {_cell(row['meaning'])} |"
    old_names = release.filter(pl.col("kind") == "renamed").sort("table_name", "column_name").rows(named=True)
    if old_names:
        yield from ("", "### Names of earlier versions", "", "| Name | |", "| - | - |")
    for row in old_names:
        yield f"| {'.'.join(filter(None, ('published', row['table_name'], row['column_name'])))} | {_cell(row['meaning'])} |"


def _columns(columns: Iterable[tuple[str, str, str | None, str]]) -> Iterator[str]:
    yield from ("| Column | Type | Unit | Meaning |", "| - | - | - | - |")
    for column, type_, unit, meaning in columns:
        yield f"| {column} | {_short(type_)} | {unit or ''} | {_cell(meaning)} |"


def _joined(header: str) -> str:
    return " ".join(header.split())


def _short(type_: str) -> str:
    return "struct" if type_.startswith("struct") else type_


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def write() -> None:
    """Writes the page of the checkout."""
    target = places.folder("sql").parent / PAGE
    target.parent.mkdir(exist_ok=True)
    target.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    write()
