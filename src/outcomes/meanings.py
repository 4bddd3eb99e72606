"""A database with comments in, its dictionary out: what each table, column and macro means, in which unit, and which file says so.

Comments come from the SQL; units from `sql/ref/unit.csv`; names that were in force before from `sql/ref/renamed.csv`.
"""

import csv
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final

import duckdb
import polars as pl

from outcomes import places, sqlfiles
from outcomes.sqlfiles import SqlFile

TABLE: Final = "dictionary"
SCHEMA: Final = pl.Schema(
    {
        "kind": pl.String,
        "table_name": pl.String,
        "column_name": pl.String,
        "ordinal": pl.Int64,
        "type": pl.String,
        "unit": pl.String,
        "meaning": pl.String,
        "source": pl.String,
    }
)
HEADER: Final = (
    "What every table, column and macro of this release means: one row each; a table's own row has no column_name. "
    "published.find('word') searches it."
)
MEANINGS: Final[Mapping[str, str]] = {
    "kind": "table, column, macro, or renamed for a name that goes in a later version.",
    "table_name": "Table or macro.",
    "column_name": "Column; empty for the table or macro itself.",
    "ordinal": "Place of the column in its table; 0 for the table itself.",
    "type": "Type in DuckDB; of a macro, its arguments.",
    "unit": "Unit of its numbers; empty for texts and for yes or no.",
    "meaning": "What a row of the table is, or what the column says.",
    "source": "File that defines it and, for a table, what that is made from.",
}
UNITLESS: Final = ("varchar", "boolean", "struct")
COLUMNS: Final = """
select column_name, lower(data_type), coalesce(comment, '') from duckdb_columns()
where database_name = ? and schema_name = ? and table_name = ? order by column_index
"""
ALL_COLUMNS: Final = """
select table_name, column_name, lower(data_type), coalesce(comment, '') from duckdb_columns()
where database_name = ? and schema_name = ? order by table_name, column_index
"""
TABLES: Final = """
select table_name, coalesce(comment, '') from duckdb_tables() where database_name = ? and schema_name = ? order by all
"""
VIEWS: Final = """
select view_name, coalesce(comment, '') from duckdb_views() where database_name = ? and schema_name = ? order by all
"""
ARGUMENTS: Final = """
select function_name, parameters from duckdb_functions() where database_name = ? and schema_name = ?
"""


@dataclass(frozen=True)
class Renamed:
    """A name that is not in force any more: of a table where `column` is empty, else of a column of the table as it is called today."""

    table: str
    column: str
    now: str
    since: int

    @property
    def meaning(self) -> str:
        return f"Called {self.now} since version {self.since} of the names; goes with version {self.since + 1}."


def rows(con: duckdb.DuckDBPyConnection, database: str, schema: str, folder: Path | None = None) -> pl.DataFrame:
    """The dictionary of one schema with columns SCHEMA, tables first and sorted; itself included where it is there already.

    `folder` holds the SQL files that the sources are looked up in, the shipped ones if not given.
    """
    folder = folder or places.folder("sql")
    made = {file.name: file for file in sqlfiles.read_folder(folder, ["report"])}
    units = Units(folder)
    old_names = {(old.table, old.column): old.meaning for old in renamed(folder)}
    columns: defaultdict[str, list[tuple[str, str, str]]] = defaultdict(list)
    for name, column, type_, meaning in con.execute(ALL_COLUMNS, [database, schema]).fetchall():
        columns[name].append((column, type_, meaning))
    arguments = dict(con.execute(ARGUMENTS, [database, schema]).fetchall())
    found: list[tuple[str | int | None, ...]] = []
    for name, header in con.execute(TABLES, [database, schema]).fetchall():
        source = _source(made.get(name))
        found.append(("table", name, None, 0, None, None, " ".join(header.split()), source))
        for ordinal, (column, type_, meaning) in enumerate(columns[name], start=1):
            kind = "renamed" if (name, column) in old_names else "column"
            found.append((kind, name, column, ordinal, type_, units.of(name, column, type_), meaning, source.partition(", from")[0]))
    for name, header in con.execute(VIEWS, [database, schema]).fetchall():
        found.append(("renamed", name, None, 0, None, None, header, "sql/ref/renamed.csv"))
    for file in macros(folder):
        if file.name in arguments:
            said = " ".join(file.header.split())
            found.append(("macro", file.name, None, 0, ", ".join(arguments[file.name]), None, said, f"sql/published/{file.name}.sql"))
    return pl.DataFrame(found, schema=SCHEMA, orient="row")


def macros(folder: Path | None = None) -> list[SqlFile]:
    """The macros that go with a release, by name."""
    return sqlfiles.read_folder(folder or places.folder("sql"), ["published"])


def read_by(macro: SqlFile) -> set[str]:
    """The published tables that a macro reads, which must be there before it."""
    return set(re.findall(r"\b(?:from|join)\s+published\.(\w+)", re.sub(r"--[^\n]*", "", macro.text)))


def renamed(folder: Path | None = None) -> list[Renamed]:
    """The names that are kept beside those in force, in the order of the file."""
    rows = _csv(folder, "renamed")
    return [Renamed(row["table_name"], row["column_name"], row["new_name"], int(row["since_version"])) for row in rows]


def _source(file: SqlFile | None) -> str:
    if file is None:
        return "src/outcomes/publish.py"
    return f"sql/report/{file.name}.sql" + (f", from {', '.join(sorted(file.reads))}" if file.reads else "")


class Units:
    """The units of `sql/ref/unit.csv`: a row that names a table counts before one that does not, then the longest name before `*`."""

    def __init__(self, folder: Path | None = None) -> None:
        rows = [(row["table_name"], row["column_name"], row["unit"]) for row in _csv(folder, "unit")]
        self._rows = sorted(rows, key=lambda row: (row[0] == "", "*" in row[1], -len(row[1])))

    def of(self, table: str, column: str, type_: str) -> str | None:
        """The unit of a column, or None for texts, for yes or no, and where none is known."""
        if type_.startswith(UNITLESS) or type_.endswith("[]"):
            return None
        return next((unit for where, name, unit in self._rows if where in ("", table) and fnmatchcase(column, name)), None)


def without_unit(dictionary: pl.DataFrame) -> Iterable[str]:
    """The columns of numbers or dates that no row of `sql/ref/unit.csv` gives a unit."""
    numbers = dictionary.filter(pl.col("kind") == "column", pl.col("unit").is_null(), ~pl.col("type").is_in([*UNITLESS]))
    return [f"{table}.{column}" for table, column in numbers.select("table_name", "column_name").rows()]


def _csv(folder: Path | None, name: str) -> list[dict[str, str]]:
    with ((folder or places.folder("sql")) / "ref" / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
