"""Runs the specifications: Markdown files `<schema>/<table>.md` beside this one, each case against the real SQL on an empty warehouse.

A file is `# schema.table`, then cases that begin with `##`. A case is sentences, lines `Given <schema>.<table>` each followed by a
table, and `Then` followed by the rows to expect. What stands before the first case is given to every case. `-` is null; columns
that a table leaves out are null. Rows are compared on the columns that `Then` shows, in any order (`Then, in this order` compares
the order too). A block fenced as sql is run instead of the file's SELECT, so that a macro can be tried on a table of any name
(`Given example`). A column whose heading stands in brackets is a remark.

`# profile.<id>` tries a shipped profile: what is given is the beginning, every table above it is made by its own SQL, and `Then` shows
core.evidence (`Then, of the pair` those of its metrics that judge two measures together). There the patient is called as the course
where none is given, and scores and sessions count unless they say otherwise.

Where nothing is given, tables are empty, except `ref.setting` and `ref.window` (defaults of the settings, as of 2026-01-01; a given
`ref.setting` changes only the columns it shows) and the tables of `sql/ref/*.csv` (as shipped). In `clean.*`, a day (`answered_on`)
that is left out is the day of the instant, `file_number` is 1, `ingest_id` is `file`, `source_rows` is 1 and `form_row` is the
row's place.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

from outcomes import disclosure, instruments, judging, places, reference, sensitivity, sqlfiles, warehouse
from outcomes.settings import Clinic, Settings

AS_OF = date(2026, 1, 1)
GIVEN = re.compile(r"^Given\s+`?([a-z_]+(?:\.[a-z_0-9]+)?)`?", re.IGNORECASE)
THEN = re.compile(r"^Then\b(.*)", re.IGNORECASE)

PROFILE = "profile"
PROFILE_DEFAULTS: dict[str, dict[str, Callable[[int, dict[str, str]], str]]] = {
    "core.course": {"patient_id": lambda _, row: row["course_id"]},
    "core.session": {"status": lambda _, row: "completed", "kind": lambda _, row: "medicine"},
    "core.score": {
        "form_number": lambda place, _: str(place),
        "is_set_aside": lambda *_: "false",
        "is_after_treatment": lambda *_: "false",
    },
}

Rows = list[dict[str, str]]


@dataclass
class Grid:
    columns: list[str] = field(default_factory=list)
    rows: Rows = field(default_factory=list)
    is_ruled: bool = False


@dataclass
class Case:
    name: str
    line: int
    given: dict[str, Grid] = field(default_factory=dict)
    then: Grid | None = None
    in_order: bool = False
    sql: str | None = None
    of_pairs: bool = False


class SpecError(Exception):
    """The case fails, or can't be read."""


def pytest_collect_file(parent: pytest.Collector, file_path: Path) -> "SpecFile | None":
    return SpecFile.from_parent(parent, path=file_path) if file_path.suffix == ".md" else None


class SpecFile(pytest.File):
    def collect(self) -> Iterator["SpecItem"]:
        for case in parse(self.path.read_text(encoding="utf-8")):
            yield SpecItem.from_parent(self, name=case.name, case=case, table=f"{self.path.parent.name}.{self.path.stem}")


class SpecItem(pytest.Item):
    def __init__(self, *, case: Case, table: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.case, self.table = case, table

    def runtest(self) -> None:
        check(self.case, self.table)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        if isinstance(excinfo.value, SpecError | warehouse.BuildError | sqlfiles.SqlFileError):
            return f"{self.path}:{self.case.line}: {self.case.name}\n\n{excinfo.value}"
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int, str]:
        return self.path, self.case.line - 1, f"{self.table}: {self.case.name}"


def parse(text: str) -> list[Case]:
    """The cases of a file, each with what stands before the first one."""
    shared = Case("before the first case", 1)
    cases: list[Case] = []
    case, grid, fence = shared, None, None
    for number, line in enumerate(text.splitlines(), start=1):
        if fence is not None:
            if line.startswith("```"):
                case.sql, fence = "\n".join(fence), None
            else:
                fence.append(line)
        elif line.startswith("```sql"):
            fence = []
        elif line.startswith("## "):
            case = Case(line[3:].strip(), number, given=dict(shared.given), sql=shared.sql)
            cases.append(case)
            grid = None
        elif match := GIVEN.match(line):
            grid = case.given[match.group(1)] = Grid()
        elif match := THEN.match(line):
            grid = case.then = Grid()
            case.in_order = "order" in match.group(1)
            case.of_pairs = "of the pair" in match.group(1)
        elif line.lstrip().startswith("|"):
            _add(grid, [cell.strip().strip("`") for cell in line.strip().strip("|").split("|")], number)
    return cases


def _add(grid: Grid | None, cells: list[str], number: int) -> None:
    if grid is None:
        raise SpecError(f"line {number}: a table without Given or Then above it")
    is_rule = all(re.fullmatch(r":?-+:?", cell) for cell in cells)
    if is_rule and grid.columns and not grid.is_ruled:
        grid.is_ruled = True
    elif not grid.columns:
        grid.columns = cells
    elif len(cells) != len(grid.columns):
        raise SpecError(f"line {number}: {len(cells)} cells under {len(grid.columns)} columns")
    else:
        grid.rows.append(dict(zip(grid.columns, cells, strict=True)))


def _without_remarks(grid: Grid) -> Grid:
    columns = [column for column in grid.columns if not column.startswith("(")]
    return Grid(columns, [{column: row[column] for column in columns} for row in grid.rows])


class Warehouse:
    """An empty warehouse in memory that knows the columns of every table, each built when it is first asked for."""

    def __init__(self, folder: Path) -> None:
        self.con = duckdb.connect(":memory:")
        self.folder = folder
        self.files: dict[str, sqlfiles.SqlFile] = {}
        self.known: dict[str, dict[str, str]] = {}
        self.macros = [sqlfiles.read(path) for path in sorted((folder / "macro").glob("*.sql"))]
        settings = Settings(clinic=Clinic(name="Specification", timezone="America/Denver"))
        refs = {name: pl.DataFrame(schema=schema) for name, schema in reference.REF.items()}
        refs |= reference.from_folder(folder / "ref") | reference.from_settings(settings, AS_OF)
        ledger = warehouse.numbered(pl.DataFrame(schema=reference.INPUT_FILE))
        for schema in sqlfiles.FLOORS:
            self.con.execute(f"create schema {schema}")
        warehouse.load(self.con, "ref", refs)
        warehouse.load(
            self.con, "meta", {"input_file": ledger, **{name: pl.DataFrame(schema=schema) for name, schema in reference.META.items()}}
        )
        warehouse.open_clean(self.con, warehouse.CleanFiles(ledger), ledger)
        self.add_macros()

    def add_macros(self) -> None:
        for file in self.macros:
            self.con.execute(f"create schema if not exists {file.schema}")
            self.con.execute(file.text)

    def file(self, table: str) -> sqlfiles.SqlFile:
        if not self.files:
            self.files = {file.table: file for file in judging.stacked(sqlfiles.read_folder(self.folder))}
        if table not in self.files:
            schema, name = table.split(".")
            self.files[table] = sqlfiles.read(self.folder / schema / f"{name}.sql")
        return self.files[table]

    def columns(self, table: str) -> dict[str, str]:
        """Name and type of each column of a table; makes the table, empty, and all that it reads, when it is first asked for."""
        if table not in self.known:
            self.known[table] = self._made(table)
        return self.known[table]

    def _made(self, table: str) -> dict[str, str]:
        schema, name = table.split(".")
        known = self.con.execute(
            "select 1 from information_schema.tables where table_catalog = 'memory' and table_schema = ? and table_name = ?", [schema, name]
        ).fetchall()
        if not known:
            if schema == "release":
                tally = next(f"tally.{guarded.tally}" for guarded in disclosure.GUARDED if guarded.table == name)
                self.columns(tally)
                extra = "1 as unit, null::boolean as is_suppressed, null::varchar as suppression_reason, null::date as as_of"
                self.con.execute(f"create table {table} as select *, {extra} from {tally}")
            elif table == sensitivity.TABLE:
                self.con.execute(sensitivity.EMPTY)
            else:
                for other in sorted(self.file(table).reads):
                    self.columns(other)
                warehouse._execute(self.con, table, f"create table {table} as\n{self.file(table).text}")
        return {str(row[0]): str(row[1]) for row in self.con.execute(f"describe memory.{table}").fetchall()}


_WAREHOUSES: dict[Path, Warehouse] = {}


def the_warehouse() -> Warehouse:
    folder = places.folder("sql")
    if folder not in _WAREHOUSES:
        _WAREHOUSES[folder] = Warehouse(folder)
    return _WAREHOUSES[folder]


def check(case: Case, table: str) -> None:
    """Raises SpecError with both tables if the SQL does not give what the case expects."""
    if case.then is None or not case.then.columns:
        raise SpecError("the case has no Then table")
    empty = the_warehouse()
    con = empty.con
    schema, name = table.split(".")
    if schema == PROFILE:
        return _check_profile(empty, case, name)
    case = Case(
        case.name, case.line, {name: _without_remarks(grid) for name, grid in case.given.items()}, case.then, case.in_order, case.sql
    )
    sql = case.sql or empty.file(table).text
    reads = sqlfiles._reads(sql, table) if case.sql else empty.file(table).reads
    for name in sorted(set(reads) | {name for name in case.given if "." in name}):
        empty.columns(name)
    stranger = sorted(name for name in case.given if "." in name and name not in reads)
    if stranger:
        raise SpecError(f"{table} does not read {', '.join(stranger)}")
    con.execute("attach ':memory:' as spec")
    con.execute("use spec")
    try:
        for schema in sorted({name.partition(".")[0] for name in reads}):
            con.execute(f"create schema {schema}")
        if "macro." in sql:
            empty.add_macros()
        for name in sorted(reads):
            _give(con, name, empty.columns(name), case.given.get(name))
        for name in (name for name in case.given if "." not in name):
            _give_example(con, name, case.given[name])
        _compare(con, sql, case, table)
    finally:
        con.execute("use memory")
        con.execute("detach spec")


def _check_profile(empty: Warehouse, case: Case, profile_id: str) -> None:
    """Makes everything between what is given and core.evidence, under the shipped profile alone."""
    con, given = empty.con, {name: _without_remarks(grid) for name, grid in case.given.items()}
    report = {"profile": profile_id}
    settings = Settings.model_validate({"clinic": {"name": "Specification", "timezone": "America/Denver"}, "report": report})
    refs = reference.tables(settings, instruments.load(), AS_OF) | {"metric": empty.con.sql("from memory.ref.metric").pl()}
    files = {file.table: file for file in sqlfiles.read_folder(empty.folder, ["macro", "core", "metric"])}
    metrics = {name for name in files if name.startswith("metric.")}
    wanted = _below({"core.asked", "core.outcome", "core.baseline", "ref.reason", *metrics}, files, given)
    for name in wanted | given.keys():
        empty.columns(name)
    con.execute("attach ':memory:' as spec")
    con.execute("use spec")
    try:
        for schema in sqlfiles.FLOORS:
            con.execute(f"create schema {schema}")
        for name in sorted(name for name in {*wanted, *given} if name not in files or name in given):
            con.execute(f"create table {name} as select * from memory.{name}")
        for name, frame in refs.items():
            con.execute(f"drop table if exists ref.{name}")
            warehouse.load(con, "ref", {name: frame})
        for name, grid in given.items():
            _give(con, name, empty.columns(name), _with_defaults(name, grid), is_there=True)
        built = [file for name, file in files.items() if file.schema == "macro" or (name in wanted and name not in given)]
        warehouse.run(con, built)
        of_pairs = "where metric_id in (select metric_id from ref.metric where is_paired)" if case.of_pairs else ""
        _compare(con, f"select * from core.evidence {of_pairs}", Case(case.name, case.line, {}, case.then, case.in_order), "core.evidence")
    finally:
        con.execute("use memory")
        con.execute("detach spec")


def _below(tables: set[str], files: dict[str, sqlfiles.SqlFile], given: dict[str, Grid]) -> set[str]:
    """The tables and all that they read, down to what is given."""
    found: set[str] = set()
    left = list(tables)
    while left:
        name = left.pop()
        if name not in found:
            found.add(name)
            left += files[name].reads if name in files and name not in given else []
    return found


def _with_defaults(table: str, grid: Grid) -> Grid:
    defaults = PROFILE_DEFAULTS.get(table, {})
    rows = [{**{name: value(place, row) for name, value in defaults.items()}, **row} for place, row in enumerate(grid.rows, start=1)]
    return Grid([*dict.fromkeys([*defaults, *grid.columns])], rows)


def _give(con: duckdb.DuckDBPyConnection, table: str, types: dict[str, str], grid: Grid | None, *, is_there: bool = False) -> None:
    if not is_there:
        con.execute(f"create table {table} as select * from memory.{table}" + (" where false" if grid and table != "ref.setting" else ""))
    if grid is None:
        return
    unknown = [column for column in grid.columns if column not in types]
    if unknown:
        raise SpecError(f"{table} has no column {', '.join(unknown)}; it has {', '.join(types)}")
    for place, row in enumerate(grid.rows, start=1):
        values: dict[str, str | None] = {column: None if cell == "-" else cell for column, cell in row.items()}
        if table.startswith("clean."):
            _complete(values, table, types, place)
        try:
            if table == "ref.setting":
                for column, value in values.items():
                    con.execute(f'update ref.setting set "{column}" = cast(? as {types[column]})', [value])
            else:
                names = ", ".join(f'"{column}"' for column in values)
                casts = ", ".join(f"cast(? as {types[column]})" for column in values)
                con.execute(f"insert into {table} ({names}) values ({casts})", list(values.values()))
        except duckdb.Error as error:
            raise SpecError(f"Given {table}, row {place}: {error}") from None


def _complete(values: dict[str, str | None], table: str, types: dict[str, str], place: int) -> None:
    defaults = {"file_number": "1", "ingest_id": "file", "source_rows": "1"}
    if table == "clean.form":
        defaults["form_row"] = str(place)
    for column, value in defaults.items():
        if column in types:
            values.setdefault(column, value)
    for column in types:
        instant = values.get(column.removesuffix("_on") + "_at")
        if column.endswith("_on") and column not in values and instant:
            values[column] = instant[:10]
    if "form_number" in types and "form_number" not in values:
        values["form_number"] = str(int(values["file_number"] or 0) * warehouse.FILE_STRIDE + int(values["form_row"] or 0))


def _give_example(con: duckdb.DuckDBPyConnection, name: str, grid: Grid) -> None:
    literals = (", ".join(f"{_literal(cell)} as {column}" for column, cell in row.items()) for row in grid.rows)
    con.execute(f"create table {name} as " + " union all by name ".join(f"select {columns}" for columns in literals))


def _literal(cell: str) -> str:
    if cell == "-":
        return "null"
    if re.fullmatch(r"-?\d+(\.\d+)?|true|false", cell):
        return cell
    if re.fullmatch(r"\d{4}-\d\d-\d\d", cell):
        return f"date '{cell}'"
    return "'" + cell.replace("'", "''") + "'"


def _compare(con: duckdb.DuckDBPyConnection, sql: str, case: Case, table: str) -> None:
    assert case.then is not None
    then = _without_remarks(case.then)
    warehouse._execute(con, table, f"create temp table answer as\n{sql}")
    try:
        types = {str(row[0]): str(row[1]) for row in con.execute("describe answer").fetchall()}
        unknown = [column for column in then.columns if column not in types]
        if unknown:
            raise SpecError(f"{table} gives no column {', '.join(unknown)}; it gives {', '.join(types)}")
        names = ", ".join(f'"{column}"' for column in then.columns)
        found = [dict(zip(then.columns, row, strict=True)) for row in con.execute(f"select {names} from answer").fetchall()]
        expected = [{column: _cast(cell, types[column]) for column, cell in row.items()} for row in then.rows]
    finally:
        con.execute("drop table answer")
    left = list(enumerate(found))
    missing: list[int] = []
    for place, row in enumerate(expected):
        same = (
            left[:1] if case.in_order and left and _same(row, left[0][1], then.rows[place]) else
            [] if case.in_order else [pair for pair in left if _same(row, pair[1], then.rows[place])][:1]
        )  # fmt: skip
        if same:
            left.remove(same[0])
        else:
            missing.append(place)
    if missing or left:
        surplus = {place for place, _ in left}
        raise SpecError(
            f"{table}: {len(missing)} expected row(s) not found, {len(left)} row(s) not expected\n\nexpected\n"
            + _table(then.columns, [list(row.values()) for row in then.rows], set(missing))
            + "\n\nfound\n"
            + _table(then.columns, [[_show(value) for value in row.values()] for row in found], surplus)
        )


@cache
def _cast(cell: str, type_: str) -> Any:
    if cell == "-":
        return None
    try:
        return sqlfiles.parser().execute(f"select cast(? as {type_})", [cell]).fetchall()[0][0]
    except duckdb.Error:
        raise SpecError(f"Then: {cell!r} is not a {type_}") from None


def _same(expected: dict[str, Any], found: dict[str, Any], written: dict[str, str]) -> bool:
    return all(_equal(expected[column], found[column], written[column]) for column in expected)


def _equal(expected: Any, found: Any, written: str) -> bool:
    """Equal; numbers with a fraction of four digits or more, and floats, only to the digits that are written."""
    digits = len(written.partition(".")[2])
    if isinstance(found, float) or (isinstance(found, Decimal) and digits >= 4):
        return expected is not None and abs(float(found) - float(written)) <= 0.5000001 * 10**-digits
    return bool(expected == found)


def _show(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    return str(value)


def _table(columns: list[str], rows: list[list[str]], marked: set[int]) -> str:
    widths = [max(len(row[i]) for row in [columns, *rows]) for i in range(len(columns))]
    lines = ["   | " + " | ".join(cell.ljust(width) for cell, width in zip(columns, widths, strict=True)) + " |"]
    for place, row in enumerate(rows):
        mark = ">>" if place in marked else "  "
        lines.append(f"{mark} | " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |")
    return "\n".join(lines)
