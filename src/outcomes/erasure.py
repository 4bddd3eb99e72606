"""A data folder and its register of withdrawals in; out, the folder without those who have withdrawn, whenever the work was killed.

What is registered says what to do, so any run can do it, and do it again: no pseudonym is needed. Clean files lose their rows; raw files
that hold them go; every warehouse goes, and a night builds one of what is left; the private ledger loses their rows and names.
What was released stays: it is made of counts, and the gate decides when they move.
"""

import secrets
import shutil
from collections.abc import Collection
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from outcomes import private, runs, store, withdrawal
from outcomes.points import reached
from outcomes.withdrawal import Register

if TYPE_CHECKING:
    import sqlite3

    import polars as pl
    import pyarrow as pa

    from outcomes.store import Verdict

LEDGER: Final = "private/ledger"
_FRESH: Final = ".without"


@dataclass(frozen=True)
class Erased:
    """How much an erasure took: rows of exports, the files they were in, and raw files."""

    rows: int = 0
    files: int = 0
    raw: int = 0


def finish(data: Path) -> Erased:
    """Erases all who are registered and not erased yet; nothing where there is nobody. For the one run that holds the lock."""
    if not private.exists(data):
        return Erased()
    with closing(private.connect(data)) as con:
        if not withdrawal.is_unfinished(con):
            return Erased()
        known = withdrawal.read(con)
        store.tidy(data)
        rows, files = _rows(data, known, withdrawal.raw_files(con))
        reached("forget: rows erased")
        raw = sweep(data, known)
        reached("forget: raw files removed")
        _warehouses(data)
        reached("forget: warehouses removed")
        _ledgers(data, con, known)
        reached("forget: ledgers rewritten")
        _file_names(data, known)
        withdrawal.done(con)
        reached("forget: erased")
    return Erased(rows, files, raw)


def sweep(data: Path, known: Register) -> int:
    """Removes the raw files that are not to be kept, once somebody has withdrawn; how many there were.

    Those are the ones whose verdict says so, and those that no verdict knows: a killed run left them, and nobody has read them.
    """
    if not known:
        return 0
    kept = {verdict.ingest_id for verdict in store.ledger(data) if not verdict.raw_removed}
    gone = [path for path in (data / "raw").iterdir() if path.name not in kept]
    for path in gone:
        path.unlink()
        reached("forget: raw file removed")
    return len(gone)


def _rows(data: Path, known: Register, raw: Collection[str]) -> tuple[int, int]:
    """Takes their rows out of the clean files, all files at once; how many rows of exports, and out of how many files."""
    beside = data / store.REBUILT
    store.tidy(beside)
    store.linked(data, beside)
    rows = files = changed = 0
    for verdict in store.ledger(data):
        taken, amended = _without(beside, verdict, known, raw)
        rows, files = rows + taken, files + bool(taken)
        if amended != verdict:
            changed += 1
            zone = "clean" if verdict.status == "accepted" else "quarantine"
            store.amend(beside / zone / verdict.ingest_id, amended)
    if changed:
        store.replace(data, beside)
    else:
        shutil.rmtree(beside)
    return rows, files


def _without(data: Path, verdict: "Verdict", known: Register, raw: Collection[str]) -> tuple[int, "Verdict"]:
    """Rewrites a file's clean tables without their rows and their name; how many rows of the export went, and what its verdict says now."""
    named = known.without(verdict.source_file)
    columns = tuple(map(known.without, verdict.unknown_column_names))
    folder = data / "clean" / verdict.ingest_id
    rows = forms = None
    name = None if named == verdict.source_file else named
    for table in sorted(verdict.parquet, key=lambda table: table == "answer.parquet"):
        if table == "answer.parquet":
            if forms is not None or name:
                _rewrite(folder / table, "form_row", forms, name)
        elif (who := _theirs(folder / table, known)).len() or name:
            rows, forms = _rewrite(folder / table, "patient_id", who, name)
    taken = rows or 0
    told = named != verdict.source_file or columns != verdict.unknown_column_names
    is_gone = verdict.raw_removed or bool(taken) or told or verdict.ingest_id in raw
    counts = dict(verdict.rows)
    if taken:
        counts |= {"accepted": counts["accepted"] - taken, "withdrawn": counts.get("withdrawn", 0) + taken}
    return taken, replace(verdict, source_file=named, unknown_column_names=columns, raw_removed=is_gone, rows=counts)


def _theirs(path: Path, known: Register) -> "pl.Series":
    """The pseudonyms of those who have withdrawn, as far as they are in a clean file."""
    import polars as pl

    from outcomes import sieve

    return sieve.theirs(pl.scan_parquet(path).select(pl.col(sieve.WHO).unique()).collect()[sieve.WHO], known)


def _rewrite(path: Path, column: str, gone: "pl.Series | None", source_file: str | None) -> tuple[int, "pl.Series"]:
    """The clean file anew, without the rows in which the column has one of these values: how many rows of the export they were made
    from, and the `form_row` of each that is a form. The old bytes are not touched."""
    import polars as pl

    from outcomes.parts import Writer, arrow_batches

    rows, forms, writer = 0, [pl.Series("form_row", [], dtype=pl.Int64)], None
    fresh = path.with_name(path.name + _FRESH)
    for table in arrow_batches(path):
        if gone is not None:
            out = _series(table, column).is_in(gone.implode()).fill_null(value=False)
            rows += int(_series(table, "source_rows").filter(out).sum()) if "source_rows" in table.column_names else 0
            forms += [_series(table, "form_row").filter(out)] if "form_row" in table.column_names else []
            table = table.filter((~out).to_arrow())
        if source_file is not None:
            table = _renamed(table, source_file)
        writer = writer or Writer(fresh, table.schema)
        writer.add(table)
    assert writer is not None
    writer.close()
    fresh.replace(path)
    return rows, pl.concat(forms)


def _series(table: "pa.Table", name: str) -> "pl.Series":
    import polars as pl

    series = pl.from_arrow(table.column(name))
    assert isinstance(series, pl.Series)
    return series.cast(pl.String) if name == "patient_id" else series


def _renamed(table: "pa.Table", source_file: str) -> "pa.Table":
    import pyarrow as pa

    place, kind = table.schema.get_field_index("source_file"), table.schema.field("source_file")
    return table.set_column(place, kind, pa.array([source_file] * table.num_rows, pa.string()).cast(kind.type))


def _warehouses(data: Path) -> None:
    """Removes every warehouse, also those that no reader ever saw: DuckDB keeps the bytes of a deleted row."""
    zone = data / "warehouse"
    (zone / "current").unlink(missing_ok=True)
    for path in sorted((zone / "snapshots").glob("*")) if (zone / "snapshots").is_dir() else ():
        shutil.rmtree(path)
        reached("forget: warehouse removed")


def _ledgers(data: Path, con: "sqlite3.Connection", known: Register) -> None:
    """Takes the rows of their patient_id out of the private ledger; elsewhere in it one made-up name takes the place of each pseudonym.

    That is also so where the gate remembers by whom a release was counted, since it must know that somebody is not there any more. The
    checksums change in one transaction; a file that was not put in its place by then is put there when this is done again.
    """
    from outcomes.store import sha256

    told = {(run, name): digest for run, name, digest in con.execute("select run_id, name, sha256 from release_file")}
    files = sorted((data / LEDGER).glob("*/*.parquet"))
    for path in files:
        waiting = path.with_name(path.name + _FRESH)
        if waiting.is_file() and sha256(waiting) == told.get((path.parent.name, path.name)):
            waiting.replace(path)
        waiting.unlink(missing_ok=True)
    names: dict[str, str] = {}
    fresh = [path for path in files if _nameless(path, path.with_name(path.name + _FRESH), known, names)]
    with private.transaction(con):
        digests = [(sha256(path.with_name(path.name + _FRESH)), path.parent.name, path.name) for path in fresh]
        con.executemany("update release_file set sha256 = ? where run_id = ? and name = ?", digests)
    reached("forget: ledgers ready")
    for path in fresh:
        path.with_name(path.name + _FRESH).replace(path)
        reached("forget: ledger in place")


def _nameless(path: Path, fresh: Path, known: Register, names: dict[str, str]) -> bool:
    """Writes a table of the ledger without them beside it, if it has any of them. `names` are the made-up names, and grow."""
    import polars as pl

    from outcomes import ledger, sieve
    from outcomes.publish import sync, write_parquet

    def made_up(pseudonym: str) -> str:
        return names.setdefault(pseudonym, f"{withdrawal.INSTEAD}-{secrets.token_hex(8)}")

    frame = kept = pl.read_parquet(path)
    if sieve.WHO in frame.columns and path.stem not in ledger.OF_PEOPLE:
        kept = frame.filter(~pl.col(sieve.WHO).is_in(sieve.theirs(frame[sieve.WHO], known).implode()).fill_null(value=False))
    for name, kind in kept.schema.items():
        if kind == pl.String():
            changed = {text: now for text in kept[name].unique().drop_nulls() if (now := known.without(text, made_up)) != text}
            kept = kept.with_columns(pl.col(name).replace(changed)) if changed else kept
    if kept.equals(frame):
        return False
    write_parquet(kept, fresh)
    fresh.chmod(0o600)
    sync(fresh)
    return True


def _file_names(data: Path, known: Register) -> None:
    """Forgets the inbox files whose names hold one of them; a night looks at these again."""
    runs.remember(data, {name: mark for name, mark in runs.seen(data).items() if known.without(name) == name})
