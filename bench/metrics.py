"""How long the core metric takes on totals that are taken in already, beside DuckDB's own scan of the same totals.

    python bench/metrics.py [--totals 1_600_000] [--patients 200_000] [--folder DIR]

One profile, every window and breakdown, no measure expected but the one that is answered: prints the seconds of each table on the
way from core.score to report.outcome_summary, and their sum. The clean files of sessions, forms and patients are made first and are
not counted.
"""

import argparse
import datetime as dt
import os
import shutil
import tempfile
import time
from collections.abc import Iterable, Mapping
from pathlib import Path

AS_OF = dt.date(2026, 6, 1)
DAYS = (-2, 1, 7, 14, 30, 60, 90, 180)
FROM, TO = "core.score", "report.outcome_summary"
SCAN_RUNS = 5

SETTINGS = {"clinic": {"name": "Bench", "timezone": "UTC"}, "limits": {"threads": 2}}
PATIENT = "'p' || lpad(p::varchar, 8, '0')"
DAY_0 = "timestamp '2025-01-06 10:00:00' + to_days((p % 300)::int)"
AT = f"{DAY_0} + to_days({list(DAYS)}[1 + n % {len(DAYS)}] + 200 * (n // {len(DAYS)})::int)"
ROWS = {
    "patient": (
        "range({patients}) as patients(p)",
        {
            "patient_id": PATIENT,
            "site_id": "'site-' || p % 5",
            "programme_id": "'programme-' || p % 3",
            "failed_antidepressants": "p % 5",
            "source_line": "p + 2",
        },
    ),
    "session": (
        "range({patients}) as patients(p), range(2) as sessions(n)",
        {
            "session_id": "p || '-' || n",
            "patient_id": PATIENT,
            "started_at": f"{DAY_0} + to_days(3 * n::int)",
            "started_on": f"({DAY_0} + to_days(3 * n::int))::date",
            "kind": "'medicine'",
            "route": "['iv', 'im', 'lozenge'][1 + p % 3]",
            "source_line": "2 * p + n + 2",
        },
    ),
    "form": (
        "range({patients}) as patients(p), range({per_patient}) as forms(n)",
        {
            "form_row": "p * {per_patient} + n",
            "form_id": "p || '-' || n",
            "patient_id": PATIENT,
            "instrument_id": "'phq9'",
            "scale_id": "'total'",
            "answered_at": AT,
            "answered_on": f"({AT})::date",
            "reported_total": "(hash(p * 100 + n) % 28) * (10 - n % 8) // 10",
            "answers": "0",
            "source_line": "p * {per_patient} + n + 2",
        },
    ),
}


def write(folder: Path, table: str, patients: int, per_patient: int) -> Path:
    """One clean file, with the columns and types of the contract."""
    import duckdb
    import polars as pl

    from outcomes.contract import TABLES

    source, values = ROWS[table]
    made = {
        "source_rows": "1",
        "content": "hash(" + ", ".join(values.values()) + ")",
        "source_file": f"'{table}'",
        "ingest_id": f"'{table}'",
    }
    rows = ", ".join(f"{value} as {name}" for name, value in (values | made).items()) + f" from {source}"
    with duckdb.connect(config={"memory_limit": "700MB", "temp_directory": str(folder)}) as con:
        con.register("contract", pl.DataFrame(schema=TABLES[table].schema).to_arrow())
        path = folder / f"{table}.parquet"
        rows = rows.format(patients=patients, per_patient=per_patient)
        con.execute(f"copy (from contract union all by name select {rows}) to '{path}'")
    return path


def scan_seconds(path: Path) -> float:
    """The median of some sums over every total and its day: what nothing that looks at them can be faster than."""
    import duckdb

    taken = []
    for _ in range(SCAN_RUNS):
        started = time.perf_counter()
        with duckdb.connect(config={"threads": 2}) as con:
            con.execute("select sum(reported_total), max(answered_on), max(patient_id) from read_parquet(?)", [str(path)]).fetchone()
        taken.append(time.perf_counter() - started)
    return sorted(taken)[len(taken) // 2]


def on_the_way(reads: Mapping[str, Iterable[str]]) -> set[str]:
    """The tables that FROM is needed for and that TO needs; schema release stands between tally and report."""

    def needed(table: str) -> set[str]:
        others = {f"tally.{other.partition('.')[2]}" if other.startswith("release.") else other for other in reads.get(table, ())}
        return {table}.union(*map(needed, others))

    return {table for table in needed(TO) if FROM in needed(table)} | {"release"}


def main() -> None:
    reader = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    reader.add_argument("--totals", type=lambda text: int(text.replace("_", "")), default=1_600_000)
    reader.add_argument("--patients", type=lambda text: int(text.replace("_", "")), default=200_000)
    reader.add_argument("--folder", type=Path)
    wanted = reader.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="outcomes-bench-", dir=wanted.folder))
    try:
        measure(folder, wanted.patients, wanted.totals // wanted.patients)
    finally:
        shutil.rmtree(folder)


def measure(folder: Path, patients: int, per_patient: int) -> None:
    import polars as pl

    from outcomes import disclosure, instruments, judging, places, reference, sqlfiles, warehouse
    from outcomes.settings import Settings

    settings = Settings.model_validate(SETTINGS)
    paths = {table: write(folder, table, patients, per_patient) for table in ROWS}
    ledger = [
        {"ingest_id": table, "source_file": table, "table_name": table, "status": "accepted", "exported_on": AS_OF, "arrival": 0}
        for table in ROWS
    ]
    clean = warehouse.CleanFiles(pl.DataFrame(ledger), {table: {table: path} for table, path in paths.items()})
    ref = reference.tables(settings, instruments.load(), AS_OF)
    floor = scan_seconds(paths["form"])
    before, started = os.times(), time.perf_counter()
    built = warehouse.build(folder / "warehouse.duckdb", clean, ref, settings.limits, disclose=disclosure.disclose)
    whole, after = time.perf_counter() - started, os.times()
    files = sqlfiles.read_folder(places.folder("sql"))
    counted = on_the_way({file.table: file.reads for file in [*files, *judging.stacked(files)]})
    steps = [step for step in built if step.table in counted]
    seconds = sum(step.seconds for step in steps)
    print(f"{patients * per_patient:,} PHQ-9 totals of {patients:,} patients")
    print(f"profile {settings.report.profile}, {ref['window'].height} windows")
    print(f"scan of the totals           {floor:8.3f} s (median of {SCAN_RUNS})")
    for step in steps:
        print(f"  {step.table:<26} {step.seconds:8.3f} s")
    print(f"{FROM} to {TO}: {seconds:.2f} s")
    print(f"the whole warehouse: {whole:.2f} s, {after.user + after.system - before.user - before.system:.2f} s of processor time")


if __name__ == "__main__":
    main()
