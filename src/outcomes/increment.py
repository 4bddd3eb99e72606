"""Last night's warehouse and tonight's clean files in; the warehouse that a build of everything would have made out, for less.

The file is copied, and in the copy only the rows of patients whom a new file says something about are made anew, by the same SQL files
over their rows alone. Wherever that is not surely the same, everything is built. No reader's file is ever opened.
"""

import shutil
import zlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

import duckdb
import polars as pl

from outcomes import warehouse
from outcomes.contract import TABLES
from outcomes.points import reached
from outcomes.settings import Limits
from outcomes.sqlfiles import SqlFile
from outcomes.warehouse import Built, CleanFiles, Hook

SEAL: Final = "warehouse.seal"
ROWS: Final = tuple(table.name for table in TABLES.values() if table.accounted)
KEYS: Final = tuple(TABLES[name].key[0] for name in ROWS if TABLES[name].key != ("patient_id",))
_BLOCK: Final = 1 << 20


class NotSurely(Exception):
    """Everything has to be built; the text says why, and no value."""


def build(
    path: Path,
    clean: CleanFiles,
    ref: Mapping[str, pl.DataFrame],
    limits: Limits,
    *,
    previous: Path | None,
    meta: Mapping[str, pl.DataFrame] | None = None,
    admit: Hook | None = None,
    disclose: Hook | None = None,
    folder: Path | None = None,
) -> tuple[list[Built], str]:
    """A new database file at `path`, as `warehouse.build` makes it: what was made, and why everything was, empty if only a part.

    `previous` is a warehouse that this function made. Rows may stand in another order than in a build of everything. Raises BuildError
    as `warehouse.build` does.
    """
    if path.exists():
        raise warehouse.BuildError(f"{path.name} is there already; a warehouse is built beside, never over")
    try:
        built, because = _brought_up_to_date(path, clean, ref, limits, previous, meta, admit, disclose, folder), ""
    except NotSurely as reason:
        because = str(reason)
    except (duckdb.Error, warehouse.BuildError, OSError) as error:
        because = f"adding to the last warehouse failed with {type(error).__name__}"
    if because:
        for leftover in (path, path.with_name(f"{path.name}.wal")):
            leftover.unlink(missing_ok=True)
        built = warehouse.build(path, clean, ref, limits, meta=meta, admit=admit, disclose=disclose, folder=folder)
    (path.parent / SEAL).write_text(_checksum(path))
    return built, because


def _brought_up_to_date(
    path: Path,
    clean: CleanFiles,
    ref: Mapping[str, pl.DataFrame],
    limits: Limits,
    previous: Path | None,
    meta: Mapping[str, pl.DataFrame] | None,
    admit: Hook | None,
    disclose: Hook | None,
    folder: Path | None,
) -> list[Built]:
    if previous is None or not previous.is_file():
        raise NotSurely("there is no warehouse before it")
    if limits.add_up_to == 0:
        raise NotSurely("the settings want it")
    files, tables, facts = warehouse.read(clean, ref, meta, folder)
    _copy(previous, path)
    reached("warehouse: copied")
    with warehouse.opened(path, clean, limits) as con:
        new = _new_files(con, facts)
        for schema in ("macro", "ref", "meta", "metric", "tally", "release", "report"):
            con.execute(f"drop schema if exists {schema} cascade")
        warehouse.load(con, "ref", tables)
        warehouse.load(con, "meta", facts)
        sharded = [file for file in files if file.shard]
        built = []
        if new:
            con.execute("attach ':memory:' as whole")
            warehouse.open_clean(con, clean, facts["input_file"], "whole")
            con.execute("attach ':memory:' as tonight")
            con.execute("use tonight")
            _find_affected(con, new)
            _take_their_rows(con, clean, facts["input_file"], limits.add_up_to)
            built = _renew(con, tables, [file for file in files if file.schema == "macro"], sharded)
            reached("warehouse: renewed")
        con.execute("detach clean")
        con.execute("attach ':memory:' as clean")
        warehouse.open_clean(con, clean, facts["input_file"])
        kept = {file.table for file in sharded if not file.is_view}
        _drop_others(con, kept)
        return built + warehouse.finish(con, files, admit, disclose, kept)


def _copy(previous: Path, path: Path) -> None:
    """The file under its new name. Raises NotSurely if it is not what was sealed when it was built."""
    if previous.with_name(f"{previous.name}.wal").exists():
        raise NotSurely("the last warehouse was written to")
    path.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(previous, path)
    seal = previous.parent / SEAL
    if not seal.is_file() or seal.read_text() != _checksum(path):
        raise NotSurely("the last warehouse is not as it was built")


def _checksum(path: Path) -> str:
    """Tells damage and edits, not forgery: whoever can write here can do anything."""
    checksum = 0
    with path.open("rb") as handle:
        while block := handle.read(_BLOCK):
            checksum = zlib.crc32(block, checksum)
    return f"{checksum:08x} {path.stat().st_size}"


def _new_files(con: duckdb.DuckDBPyConnection, facts: Mapping[str, pl.DataFrame]) -> list[int]:
    """The numbers of the files that came since. Raises NotSurely if anything else has changed than that they stand behind all others."""
    tables = {name for (name,) in con.execute("select table_name from duckdb_tables() where schema_name = 'meta'").fetchall()}
    if not {"definition", "input_file", "clean_file"} <= tables:
        raise NotSurely("the last warehouse does not say what it was made by")
    before = {name: con.sql(f"select * from meta.{name}").pl() for name in ("definition", "input_file", "clean_file")}
    if not before["definition"].equals(facts["definition"]):
        raise NotSurely("definitions, settings or the program have changed")
    old, now = (_accepted(frame) for frame in (before["input_file"], facts["input_file"]))
    if old.height > now.height or not old.equals(now.head(old.height)):
        raise NotSurely("a file came in between older ones, changed or is gone")
    if before["clean_file"].join(facts["clean_file"], on=before["clean_file"].columns, how="anti", nulls_equal=True).height:
        raise NotSurely("rows that were taken in have changed")
    return list(now.tail(now.height - old.height)["file_number"])


def _accepted(ledger: pl.DataFrame) -> pl.DataFrame:
    return ledger.filter(pl.col("status").ne_missing("refused")).sort("file_number")


def _take_their_rows(con: duckdb.DuckDBPyConnection, clean: CleanFiles, ledger: pl.DataFrame, up_to: float) -> None:
    """Fills catalog `clean` with the rows of affected patients. Raises NotSurely where these are too many."""
    for name in ROWS:
        con.execute(f"create table clean.{name} as select * from whole.{name} semi join affected using (patient_id)")
    if sum(_count(con, f"clean.{name}") for name in ROWS) > up_to * sum(_count(con, f"whole.{name}") for name in ROWS):
        raise NotSurely("the new files are about too many patients")
    of_file = dict(ledger.select("file_number", "ingest_id").iter_rows())
    answers = clean.parquet.get("answer", {})
    with_forms = [number for (number,) in con.execute("select distinct file_number from clean.form").fetchall()]
    con.execute("drop view if exists whole.answer" if answers else "drop table whole.answer")
    warehouse.open_table(con, "whole.answer", {number: answers[of_file[number]] for number in with_forms if of_file[number] in answers})
    con.execute("create table clean.answer as select answer.* from whole.answer semi join clean.form using (file_number, form_row)")


def _renew(con: duckdb.DuckDBPyConnection, ref: Iterable[str], macros: Sequence[SqlFile], sharded: Sequence[SqlFile]) -> list[Built]:
    """Makes the rows of affected patients anew in every table of `sharded`; those of all others stay."""
    con.execute("create schema ref")
    for name in ref:
        con.execute(f'create view ref."{name}" as select * from warehouse.ref."{name}"')
    built = warehouse.run(con, [*macros, *sharded])
    con.execute("use warehouse")
    tables = [file for file in sharded if not file.is_view]
    # A table that knows the patients of others' rows gives up its own last.
    asked = {file.shard.of for file in tables if file.shard}
    for file in sorted(tables, key=lambda file: (file.table in asked, file.table)):
        con.execute(f"delete from {file.table} where {_is_affected(file)}")
    for file in tables:
        con.execute(f"insert into {file.table} by name select * from tonight.{file.table}")
    con.execute("detach tonight")
    return [step for step in built if step.kind == "table"]


def _find_affected(con: duckdb.DuckDBPyConnection, new: Sequence[int]) -> None:
    """`affected`: patients of rows in the new files, and whoever shares the key of a row with one of them, at any remove.

    Raises NotSurely where a patient has withdrawn, since a deleted row leaves its bytes in the file.
    """
    numbers = ", ".join(map(str, new))
    fresh = " union ".join(f"select patient_id from whole.{name} where file_number in ({numbers})" for name in ROWS)
    con.execute(f"create table affected as {fresh}")
    withdrawn = "select patient_id from whole.patient where withdrawn_on is not null and file_number"
    if _count(con, f"({withdrawn} in ({numbers}) except {withdrawn} not in ({numbers}))"):
        raise NotSurely("a patient has withdrawn")
    holders = {key: [name for name in ROWS if key in TABLES[name].schema] for key in KEYS}
    links = {
        key: " union all ".join(f"select {key}, patient_id from whole.{name} where {key} is not null" for name in names)
        for key, names in holders.items()
    }
    found, before = _count(con, "affected"), -1
    while found > before:
        for link, rows in links.items():
            con.execute(
                f"insert into affected select distinct patient_id from ({rows}) "
                f"semi join (select {link} from ({rows}) semi join affected using (patient_id)) using ({link}) "
                "anti join affected using (patient_id)"
            )
        found, before = _count(con, "affected"), found


def _count(con: duckdb.DuckDBPyConnection, rows: str) -> int:
    return int(con.execute(f"select count(*) from {rows}").fetchall()[0][0])


def _is_affected(file: SqlFile) -> str:
    if file.shard is None or file.shard.of is None:
        return "patient_id in (select patient_id from tonight.affected)"
    column, of = file.shard
    return f"{column} in (select {column} from {of} semi join tonight.affected using (patient_id))"


def _drop_others(con: duckdb.DuckDBPyConnection, kept: Iterable[str]) -> None:
    names = con.execute(
        "select 'view', schema_name || '.' || view_name from duckdb_views() where database_name = 'warehouse' and schema_name = 'core' "
        "union all select 'table', schema_name || '.' || table_name from duckdb_tables() "
        "where database_name = 'warehouse' and schema_name = 'core'"
    ).fetchall()
    for kind, name in names:
        if name not in set(kept):
            con.execute(f"drop {kind} {name}")
