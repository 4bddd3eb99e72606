"""Clean Parquet files, reference frames and the SQL files in; one DuckDB database file out, built beside whatever is current.

Schemas are built from the bottom up: macro, ref, meta, core, metric, tally, then (after `disclose` has made `release`) report. `clean` is
there only while building. Comments in the SQL become comments on tables and columns. No error carries a value of a row.
"""

import hashlib
import time
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import polars as pl

from outcomes import judging, places, reference, sensitivity, sqlfiles
from outcomes.contract import TABLES
from outcomes.points import reached
from outcomes.settings import Limits
from outcomes.sqlfiles import SqlFile

STORAGE_VERSION = "v1.4.0"
FILE_STRIDE = 2**32
WAITING = "meta.waiting"
Hook = Callable[[duckdb.DuckDBPyConnection], None]
_SAYS_NO_VALUE = (duckdb.BinderException, duckdb.CatalogException, duckdb.ParserException, duckdb.SyntaxException)


class BuildError(Exception):
    """The warehouse could not be built; the text names the table and the kind of error, and no value."""


@dataclass(frozen=True)
class CleanFiles:
    """What stands in the ledger: a frame with columns of `reference.INPUT_FILE`, and the Parquet files per clean table by ingest_id."""

    ledger: pl.DataFrame
    parquet: Mapping[str, Mapping[str, Path]] = field(default_factory=dict)


@dataclass(frozen=True)
class Built:
    """One table or view that was made, and how long it took."""

    table: str
    kind: str
    seconds: float


def build(
    path: Path,
    clean: CleanFiles,
    ref: Mapping[str, pl.DataFrame],
    limits: Limits,
    *,
    meta: Mapping[str, pl.DataFrame] | None = None,
    admit: Hook | None = None,
    disclose: Hook | None = None,
    folder: Path | None = None,
) -> list[Built]:
    """A new database file at `path` and what was made in it, in order.

    `ref` and `meta` become base tables; `meta.input_file` comes from the ledger, and `meta.rule_result` is empty if not given. `admit` runs
    once before whatever reads `meta.waiting`, which it may fill, `disclose` between tally and report. Raises BuildError if the file exists
    already, if a table can't be built, or if a column says nothing about itself.
    """
    if path.exists():
        raise BuildError(f"{path.name} is there already; a warehouse is built beside, never over")
    files, tables, facts = read(clean, ref, meta, folder)
    path.parent.mkdir(parents=True, exist_ok=True)
    with opened(path, clean, limits) as con:
        load(con, "ref", tables)
        load(con, "meta", facts)
        open_clean(con, clean, facts["input_file"])
        return finish(con, files, admit, disclose)


def read(
    clean: CleanFiles, ref: Mapping[str, pl.DataFrame], meta: Mapping[str, pl.DataFrame] | None, folder: Path | None
) -> tuple[list[SqlFile], dict[str, pl.DataFrame], dict[str, pl.DataFrame]]:
    """The SQL files, and all tables of the schemas ref and meta, with their types. `meta.definition` is one row: `fingerprint`."""
    folder = folder or places.folder("sql")
    files = sqlfiles.read_folder(folder)
    tables = {**reference.from_folder(folder / "ref"), **ref}
    tables = {name: reference.typed(frame, reference.REF.get(name, frame.schema)) for name, frame in tables.items()}
    known = {name: pl.DataFrame(schema=schema) for name, schema in reference.META.items()}
    definition = pl.DataFrame({"fingerprint": [fingerprint(files, tables)]})
    return files, tables, {**known, **(meta or {}), "input_file": numbered(clean.ledger), "definition": definition}


def fingerprint(files: Iterable[SqlFile], ref: Mapping[str, pl.DataFrame]) -> str:
    """Of everything but the rows and the as-of date that decides what a warehouse holds: the code, DuckDB, the SQL and schema ref."""
    digest = hashlib.sha256(duckdb.__version__.encode())
    for module in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(module.read_bytes())
    for file in files:
        digest.update(f"{file.table}\n{file.text}\n".encode())
    for name, frame in sorted(ref.items()):
        timeless = frame.drop("as_of") if name == "setting" else frame
        digest.update(f"{name} {timeless.schema}\n{timeless.write_csv()}".encode())
    return digest.hexdigest()


@contextmanager
def opened(path: Path, clean: CleanFiles, limits: Limits) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection to the file as `warehouse`, beside an empty catalog `clean`, which reaches nothing else; the file is whole after it.

    Until then it is worth nothing, so no log is kept from which an unfinished one could be mended.
    """
    with duckdb.connect(":memory:", config=_config(path, limits)) as con:
        con.execute(f"attach {_text(str(path))} as warehouse (storage_version '{STORAGE_VERSION}', recovery_mode 'no_wal_writes')")
        con.execute("attach ':memory:' as clean")
        con.execute("use warehouse")
        _shut(con, path, clean)
        yield con
        con.execute("checkpoint warehouse")
        con.execute("use memory")
        con.execute("detach warehouse")


def finish(
    con: duckdb.DuckDBPyConnection,
    files: Iterable[SqlFile],
    admit: Hook | None,
    disclose: Hook | None,
    kept: Container[str] = frozenset(),
) -> list[Built]:
    """Makes the files' tables in order, but for those that are `kept`.

    `admit` stands before those that read `meta.waiting`, themselves or through others, `disclose` before those of schema report.
    """
    every = list(files)
    files = [file for file in every if file.table not in kept]
    late = [file for file in files if sensitivity.TABLE in file.reads]
    early = [file for file in files if file.schema != "report" and file not in late]
    counted = _reading(WAITING, early)
    built = [*run(con, [file for file in early if file not in counted])]
    if admit is not None:
        started = time.perf_counter()
        admit(con)
        built.append(Built(WAITING, "table", time.perf_counter() - started))
    built += run(con, counted)
    if late:
        started = time.perf_counter()
        sensitivity.count(con, every, run)
        comment(con, "table", sensitivity.TABLE, sensitivity.HEADER, sensitivity.MEANINGS)
        built.append(Built(sensitivity.TABLE, "table", time.perf_counter() - started))
        built += run(con, late)
    reached("warehouse: counted")
    if disclose is not None:
        started = time.perf_counter()
        disclose(con)
        built.append(Built("release", "schema", time.perf_counter() - started))
    built += run(con, [file for file in files if file.schema == "report"])
    reached("warehouse: reported")
    return built


def _reading(table: str, files: Sequence[SqlFile]) -> list[SqlFile]:
    """The files that read a table, or what is made from it; with all metrics, since these are stacked together with what is."""
    found = {table, *(file.table for file in judging.stacked(files))}
    metrics = [file for file in files if file.schema == "metric"]
    size = 0
    while len(found) > size:
        size = len(found)
        found |= {file.table for file in files if file.reads & found}
    return [file for file in files if file.table in found or file in metrics]


def numbered(ledger: pl.DataFrame) -> pl.DataFrame:
    """The ledger with `file_number`, 1 for the file that every other one overrides: by exported_on, arrival, ingest_id.

    Refused files stand behind, so that one more of them renumbers none that has rows.
    """
    return (
        reference.typed(ledger, reference.INPUT_FILE)
        .sort(pl.col("status").eq("refused").fill_null(value=False), "exported_on", "arrival", "ingest_id", nulls_last=False)
        .with_row_index("file_number", offset=1)
        .with_columns(pl.col("file_number").cast(pl.Int32))
    )


def load(con: duckdb.DuckDBPyConnection, schema: str, frames: Mapping[str, pl.DataFrame]) -> None:
    """Base tables of a schema from frames, with the frames' types."""
    con.execute(f"create schema if not exists {schema}")
    for name, frame in frames.items():
        con.register("incoming", frame.to_arrow())
        con.execute(f'create table {schema}."{name}" as select * from incoming')
        con.unregister("incoming")


def open_clean(con: duckdb.DuckDBPyConnection, clean: CleanFiles, ledger: pl.DataFrame, catalog: str = "clean") -> None:
    """`<catalog>.<table>`: the contract's columns and `file_number`; form and answer also `form_number`.

    `form_number` is one number per form over all files, made from file_number and form_row: joining by it is cheap.
    """
    number = dict(zip(ledger["ingest_id"], ledger["file_number"], strict=True))
    for name in TABLES:
        open_table(con, f"{catalog}.{name}", {number[ingest_id]: path for ingest_id, path in clean.parquet.get(name, {}).items()})


def open_table(con: duckdb.DuckDBPyConnection, table: str, paths: Mapping[int, Path]) -> None:
    """One of these tables over some of its files, by file_number."""
    schema = TABLES[table.partition(".")[2]].schema
    if paths:
        columns = ", ".join(schema)
        if "form_row" in schema:
            columns += f", file_number * {FILE_STRIDE}::bigint + form_row as form_number"
        files = ", ".join(_text(str(path)) for _, path in sorted(paths.items()))
        # Looked up in a list and not joined: this is done for every answer.
        file_number = f"({sorted(paths)}::integer[])[file_index::bigint + 1]"
        source = f"(select *, {file_number} as file_number from read_parquet([{files}], union_by_name = true))"
        con.execute(f"create view {table} as select {columns}, file_number from {source}")
    else:
        con.register("incoming", pl.DataFrame(schema=schema).to_arrow())
        con.execute(f"create table {table} as select * from incoming")
        con.unregister("incoming")
        con.execute(f"alter table {table} add column file_number integer")
        if "form_row" in schema:
            con.execute(f"alter table {table} add column form_number bigint")


def run(con: duckdb.DuckDBPyConnection, files: Iterable[SqlFile]) -> list[Built]:
    """Every file as a table or view, each behind those it reads; the tables stacked from all metrics behind these."""
    files = list(files)
    by_table = {file.table: file for file in [*files, *judging.stacked(files)]}
    reads = {table: file.reads for table, file in by_table.items() if file.schema != "macro"}
    macros = [file for file in by_table.values() if file.schema == "macro"]
    for schema in sorted({file.schema for file in by_table.values()}):
        con.execute(f"create schema if not exists {schema}")
    for file in macros:
        _execute(con, file.table, file.text)
    built = []
    for table in sqlfiles.in_order(reads):
        started = time.perf_counter()
        create(con, by_table[table])
        built.append(Built(table, "view" if by_table[table].is_view else "table", time.perf_counter() - started))
    return built


def create(con: duckdb.DuckDBPyConnection, file: SqlFile) -> None:
    """The file's table or view, with its comments. Raises BuildError for a missing comment."""
    kind = "view" if file.is_view else "table"
    _execute(con, file.table, f"create {kind} {file.schema}.{file.name} as\n{file.text}")
    names = columns_of(con, file.table)
    if len(names) != len(file.meanings) or None in file.meanings:
        raise BuildError(f"{file.table}: each column of the last SELECT needs a comment that says what it means")
    comment(con, kind, file.table, file.header, dict(zip(names, (m or "" for m in file.meanings), strict=True)))


def columns_of(con: duckdb.DuckDBPyConnection, table: str) -> list[str]:
    return [str(row[0]) for row in con.execute(f"describe {table}").fetchall()]


def comment(con: duckdb.DuckDBPyConnection, kind: str, table: str, header: str, meanings: Mapping[str, str]) -> None:
    said = [f"comment on {kind} {table} is {_text(header.strip())}"]
    said += [f'comment on column {table}."{column}" is {_text(meaning)}' for column, meaning in meanings.items()]
    con.execute("; ".join(["begin", *said, "commit"]))


def _execute(con: duckdb.DuckDBPyConnection, table: str, sql: str) -> None:
    try:
        con.execute(sql)
    except _SAYS_NO_VALUE as error:
        raise BuildError(f"{table}: {error}") from None
    except duckdb.Error as error:
        raise BuildError(f"{table}: {type(error).__name__}") from None


def _config(path: Path, limits: Limits) -> dict[str, str | bool | int | float | list[str]]:
    return {
        "memory_limit": f"{limits.memory_mb}MB",
        "threads": limits.threads,
        "temp_directory": str(path.parent / "spill"),
        "preserve_insertion_order": False,
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
    }


def _shut(con: duckdb.DuckDBPyConnection, path: Path, clean: CleanFiles) -> None:
    folders = {path.parent, *(file.parent for files in clean.parquet.values() for file in files.values())}
    con.execute(f"set allowed_directories = [{', '.join(_text(f'{folder}/') for folder in sorted(folders))}]")
    con.execute("set enable_external_access = false")
    con.execute("set lock_configuration = true")


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
