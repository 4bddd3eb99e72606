"""Schema `report` of a built warehouse in; one complete snapshot of published tables out, and `current` that points to it.

A snapshot is written beside, made durable, then renamed; `current` is a symbolic link that is replaced in one step. Whoever holds an old
release open keeps it, and nothing here opens one. The same tables give the same Parquet and CSV bytes.
"""

import hashlib
import os
import re
import shutil
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import duckdb
import polars as pl

from outcomes import compare, datapackage, meanings, workbook
from outcomes.points import reached

DATABASE: Final = "outcomes.duckdb"
STORAGE_VERSION: Final = "v1.4.0"
KEEP: Final = 14
FORMULA_STARTS: Final = r"^[=+\-@\t\r\n\x00]"


@dataclass(frozen=True)
class Label:
    """Whose release it is, and how many rows a sheet of its workbook may have."""

    clinic: str = "Clinic"
    sheet_rows: int = 3_000


class PublishError(Exception):
    """Nothing was published; the text names a table or a snapshot and no value."""


def publish(
    warehouse: Path,
    published: Path,
    run_id: str,
    threads: int = 2,
    memory_mb: int = 700,
    label: Label | None = None,
) -> Path:
    """The snapshot `published/snapshots/<run_id>`, complete and durable; `current` is left alone.

    It holds outcomes.duckdb (schema `published`, comments and macros, readable by DuckDB 1.4 and later), parquet/<table>.parquet,
    csv/<table>.csv, outcomes.xlsx, datapackage.json, compare.md and checksums.txt, all readable by the group. Rows are sorted by their
    keys. The same tables give the same bytes in every file but the database, which holds an id that DuckDB draws anew (and so
    checksums.txt). Raises PublishError if the snapshot is there already or if the warehouse has no report.
    """
    snapshot = published / "snapshots" / run_id
    if snapshot.exists():
        raise PublishError(f"snapshot {run_id} is there already")
    beside = snapshot.with_name(f".{run_id}.tmp")
    shutil.rmtree(beside, ignore_errors=True)
    for folder in (beside, beside / "parquet", beside / "csv"):
        folder.mkdir(parents=True)
    reached("publish: folder made")
    tables = write_database(warehouse, beside / DATABASE, threads, memory_mb)
    reached("publish: database written")
    for name, frame in tables.items():
        write_parquet(frame, beside / "parquet" / f"{name}.parquet")
        write_csv(frame, beside / "csv" / f"{name}.csv")
    label = label or Label()
    release = _release(label.clinic, tables)
    workbook.write(beside / workbook.NAME, tables, tables[meanings.TABLE], release, label.sheet_rows)
    _describe(beside, tables, release)
    if "sensitivity" in tables:
        (beside / "compare.md").write_text(compare.page(beside / DATABASE), encoding="utf-8")
    reached("publish: files written")
    (beside / "checksums.txt").write_text("".join(f"{_sha256(path)}  {path.relative_to(beside)}\n" for path in _files(beside)))
    _open_to_group(published, beside)
    for path in (*_files(beside), beside / "parquet", beside / "csv", beside):
        sync(path)
    reached("publish: durable")
    beside.rename(snapshot)
    sync(snapshot.parent)
    reached("publish: renamed")
    return snapshot


def swap(current: Path, run_id: str) -> None:
    """Points `current` to `snapshots/<run_id>` beside it, in one step that survives a crash.

    Raises PublishError if there is no such snapshot.
    """
    target = Path("snapshots") / run_id
    if not (current.parent / target).is_dir():
        raise PublishError(f"there is no snapshot {run_id}")
    fresh = current.with_name(f".{current.name}.tmp")
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(target)
    reached(f"swap {current.parent.name}: link made")
    fresh.replace(current)
    sync(current.parent)
    reached(f"swap {current.parent.name}: done")


def prune(zone: Path, keep: int = KEEP) -> list[str]:
    """Removes all but the `keep` newest snapshots of a zone, never the current one; the names of what was removed.

    The newest is the one with the highest ordinal at the end of its name.
    """
    current = (zone / "current").resolve()
    complete = (path for path in (zone / "snapshots").glob("[!.]*") if path.is_dir())
    newest_first = sorted(complete, key=lambda path: (int(path.name.rsplit("-", 1)[-1]), path.name), reverse=True)
    old = [path for path in newest_first[keep:] if path.resolve() != current]
    for path in old:
        hidden = path.with_name(f".{path.name}.gone")
        path.rename(hidden)
        reached(f"prune {zone.name}: hidden")
        shutil.rmtree(hidden)
    return [path.name for path in old]


def write_parquet(frame: pl.DataFrame, path: Path) -> None:
    """One row group, one compression, nothing that tells when or where."""
    frame.write_parquet(path, compression="zstd", compression_level=3, row_group_size=max(1, frame.height), statistics=True)


def write_csv(frame: pl.DataFrame, path: Path) -> None:
    """Text that a spreadsheet would take for a formula gets a leading quote; null is empty, and an empty text is quoted."""
    texts = [name for name, type_ in frame.schema.items() if type_ == pl.String]
    safe = [
        pl.when(pl.col(name).str.contains(FORMULA_STARTS)).then(pl.concat_str(pl.lit("'"), name)).otherwise(name).alias(name)
        for name in texts
    ]
    frame.with_columns(safe).write_csv(path)


def sync(path: Path) -> None:
    """Makes a file's bytes, or a folder's names, survive a power cut."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _release(clinic: str, tables: Mapping[str, pl.DataFrame]) -> workbook.Release:
    """What published.setting says, or as much as is known without it."""
    said = next(iter(tables["setting"].rows(named=True)), {}) if "setting" in tables else {}
    names = ("profile_id", "headline_window_id", "disclosure_title")
    return workbook.Release(clinic, said.get("as_of"), *(said.get(name) or "" for name in names))


def _describe(folder: Path, tables: Mapping[str, pl.DataFrame], release: workbook.Release) -> None:
    """Writes datapackage.json over the CSV files of a snapshot."""
    paths = {name: folder / "csv" / f"{name}.csv" for name in sorted(tables)}
    files = {name: (path.stat().st_size, _sha256(path), tables[name].height) for name, path in paths.items()}
    said = tables["version"]["format_version"].to_list() if "version" in tables else []
    datapackage.write(folder / datapackage.NAME, datapackage.package(tables[meanings.TABLE], files, release, max(said, default=None)))


def write_database(warehouse: Path, target: Path, threads: int = 2, memory_mb: int = 700) -> dict[str, pl.DataFrame]:
    """Writes the database at `target` and answers with its tables by name, rows sorted; `dictionary` is one of them."""
    frames: dict[str, pl.DataFrame] = {}
    settings: dict[str, str | bool | int | float | list[str]] = {
        "threads": threads,
        "memory_limit": f"{memory_mb}MB",
        "temp_directory": str(target.parent / "spill"),
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
    }
    with duckdb.connect(":memory:", config=settings) as con:
        con.execute(f"attach {_text(str(warehouse))} as warehouse (read_only)")
        con.execute(f"attach {_text(str(target))} as release (storage_version '{STORAGE_VERSION}', recovery_mode 'no_wal_writes')")
        con.execute("begin; create schema release.published")
        tables = con.execute(
            "select table_name, coalesce(comment, '') from duckdb_tables() "
            "where database_name = 'warehouse' and schema_name = 'report' order by all"
        ).fetchall()
        if not tables:
            raise PublishError("the warehouse has no report")
        columns: dict[str, dict[str, str]] = {name: {} for name, _ in tables}
        for name, column, meaning in con.execute(
            "select table_name, column_name, coalesce(comment, '') from duckdb_columns() "
            "where database_name = 'warehouse' and schema_name = 'report' order by table_name, column_index"
        ).fetchall():
            columns[name][column] = _as_published(meaning)
        for name, comment in tables:
            frames[name] = _create(con, name, _as_published(comment), columns[name])
        frames[meanings.TABLE] = _bench(con, set(frames))
        con.execute("commit; use memory")
        con.execute("checkpoint release")
        con.execute("detach release")
    return frames


def _create(con: duckdb.DuckDBPyConnection, name: str, comment: str, columns: Mapping[str, str]) -> pl.DataFrame:
    """One published table, filled and sorted, with its comments.

    A column that had another name before keeps that too, as one that is computed and takes no room, and is no part of the answer.
    """
    table, old_names = f"release.published.{name}", [old for old in meanings.renamed() if old.column and old.table == name]
    types = {column: type_ for column, type_, *_ in con.execute(f"describe warehouse.report.{name}").fetchall()}
    there = [f'"{column}" {type_}' for column, type_ in types.items()]
    there += [f'"{old.column}" {types[old.now]} generated always as ("{old.now}") virtual' for old in old_names]
    con.execute(f"create table {table} ({', '.join(there)})")
    con.execute(f"insert into {table} select * from warehouse.report.{name} order by all")
    _comment(con, "table", table, comment, {**columns, **{old.column: old.meaning for old in old_names}})
    answer: pl.DataFrame = con.sql(f"select {', '.join(_name(column) for column in columns)} from {table} order by all").pl()
    return answer


def _bench(con: duckdb.DuckDBPyConnection, tables: Container[str]) -> pl.DataFrame:
    """Adds what an analyst works with: the dictionary, which is the answer, macros, and tables under names of earlier versions."""
    con.execute("use release")
    table = f"published.{meanings.TABLE}"
    con.register("incoming", pl.DataFrame(schema=meanings.SCHEMA).to_arrow())
    con.execute(f"create table {table} as select * from incoming")
    con.unregister("incoming")
    _comment(con, "table", table, meanings.HEADER, meanings.MEANINGS)
    for old in meanings.renamed():
        if not old.column and old.now in tables:
            con.execute(f"create view published.{old.table} as from published.{old.now}")
            _comment(con, "view", f"published.{old.table}", old.meaning)
    for file in meanings.macros():
        if all(name in tables or name == meanings.TABLE for name in meanings.read_by(file)):
            con.execute(file.text)
            _comment(con, "macro table", f"published.{file.name}", " ".join(file.header.split()))
    con.register("incoming", meanings.rows(con, "release", "published").to_arrow())
    con.execute(f"insert into {table} select * from incoming order by all")
    con.unregister("incoming")
    answer: pl.DataFrame = con.sql(f"select * from {table} order by all").pl()
    return answer


def _comment(con: duckdb.DuckDBPyConnection, kind: str, name: str, comment: str, columns: Mapping[str, str] = {}) -> None:
    said = [f"comment on {kind} {name} is {_text(comment)}"]
    said += [f"comment on column {name}.{_name(column)} is {_text(meaning)}" for column, meaning in columns.items()]
    con.execute("; ".join(said))


def _as_published(text: str) -> str:
    """Readers know the tables of schema report by their published names."""
    return re.sub(r"\breport\.(?=[a-z])", "published.", text)


def _name(column: str) -> str:
    return f'"{column}"'


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.is_file())


def _sha256(path: Path) -> str:
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def _open_to_group(published: Path, snapshot: Path) -> None:
    """The group may read the snapshot and walk to it, whatever the umask was."""
    for folder in (published, published / "snapshots", snapshot, snapshot / "parquet", snapshot / "csv"):
        folder.chmod(0o750)
    for path in _files(snapshot):
        path.chmod(0o640)
