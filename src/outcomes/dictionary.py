"""The SQL files in, docs/dictionary.md out: every table with what a row is, and every column with its type and meaning.

Types come from an empty warehouse built of the same files, so the page can't say what the database does not. `make docs`, or
`python -m outcomes.dictionary`, writes the page; a test compares it.
"""

import datetime as dt
import tempfile
from pathlib import Path
from typing import Final

import duckdb
import polars as pl

from outcomes import disclosure, places, reference, warehouse
from outcomes.settings import Clinic, Settings

PAGE: Final = Path("docs") / "dictionary.md"
ZONES: Final = {
    "report": "Published tables. In outcomes.duckdb their schema is `published`; small groups are pooled or hidden. May leave the house.",
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
COLUMNS: Final = """
select column_name, lower(data_type), coalesce(comment, '') from duckdb_columns()
where database_name = 'built' and schema_name = ? and table_name = ? order by column_index
"""


def page(folder: Path | None = None) -> str:
    """The dictionary of the SQL files in `folder` (the shipped ones if not given) as Markdown."""
    with tempfile.TemporaryDirectory() as scratch:
        built = Path(scratch) / "warehouse" / "built.duckdb"
        settings = Settings(clinic=Clinic(name="Dictionary", timezone="UTC"))
        nothing = warehouse.CleanFiles(pl.DataFrame(schema=reference.INPUT_FILE))
        ref = {name: pl.DataFrame(schema=schema) for name, schema in reference.REF.items()}
        ref |= reference.from_settings(settings, dt.date(2026, 1, 1))
        warehouse.build(built, nothing, ref, settings.limits, disclose=disclosure.disclose, folder=folder)
        with duckdb.connect(str(built), read_only=True) as con:
            return "\n".join(_lines(con))


def _lines(con: duckdb.DuckDBPyConnection) -> list[str]:
    lines = [
        "# Dictionary",
        "",
        "Made from the comments in `sql/` by `python -m outcomes.dictionary`; do not edit. The same texts are comments in the databases.",
    ]
    tables = con.execute(TABLES).fetchall()
    for schema, zone in ZONES.items():
        lines += ["", f"## {schema}", "", zone]
        for name, header in ((name, header) for found, name, header in tables if found == schema):
            lines += ["", f"### {schema}.{name}", "", _joined(header), "", "| Column | Type | Meaning |", "| - | - | - |"]
            lines += [
                f"| {column} | {_short(type_)} | {_cell(meaning)} |"
                for column, type_, meaning in con.execute(COLUMNS, [schema, name]).fetchall()
            ]
    return [*lines, ""]


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
