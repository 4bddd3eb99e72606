"""How long the tables of sessions take beside DuckDB's own scan of the same clean sessions, measured in one process.

    python bench/sessions.py --sessions 2_000_000 [--folder DIR]

Ten sessions for each patient: six doses, three integrations, one preparation; one dose in ten has an adverse event. Prints seconds per
table, and their sum: everything that stands between the clean sessions and the published tables of sessions.
"""

import argparse
import datetime as dt
import re
import shutil
import tempfile
import time
from pathlib import Path

SESSIONS_PER_PATIENT = 10
AS_OF = dt.date(2026, 6, 1)
OF_SESSIONS = re.compile(
    r"core\.(session|session_version|adverse_event\w*|course|course_care|course_combination|course_stratum\w*|dose\w*|event_kind|exposure)"
    r"|tally\.(dose\w*|event|induction|session_count)|report\.(session\w*|safety)"
)

PATIENTS = """
copy (
    select 'p' || lpad(p::varchar, 7, '0') as patient_id, 'site-' || (p % 8) as site_id,
        ['depression_tr', 'gad', 'ptsd', 'burnout'][1 + p % 4] as indication, p % 5 as failed_antidepressants,
        ['female', 'male', 'other'][1 + p % 3] as sex, ['18-29', '30-39', '40-49', '50-59'][1 + p % 4] as age_band,
        'bench' as source_file, 2 + p as source_line, 'patient' as ingest_id, 1 as source_rows, hash(p) as content
    from range({patients}) t(p)
) to '{path}'
"""
SESSIONS = """
copy (
    select 's' || s as session_id, 'p' || lpad((s // {each})::varchar, 7, '0') as patient_id, 'site-' || (s // {each} % 8) as site_id,
        timestamp '2025-01-06 16:00:00' + to_days(((s // {each} % 300) + 3 * (s % {each}))::int) as started_at,
        started_at::date as started_on,
        case when s % {each} = 0 then 'preparation' when s % {each} in (3, 6, 9) then 'integration' else 'medicine' end as kind,
        ['iv', 'im', 'sublingual'][1 + s // {each} % 3] as route, 40 + s % 30 as dose_mg, 60 + s % 40 as weight_kg,
        35 + hash(s) % 30 as duration_min, 90 + hash(s + 1) % 60 as monitored_min,
        ['cbt', 'emdr', 'ifs'][1 + s // {each} % 3 : 1 + s // {each} % 3] as modality,
        'programme-' || (s // {each} % 6) as programme_id, 120 as sbp_before_mmhg, 120 + hash(s + 2) % 70 as sbp_peak_mmhg,
        60 as hr_before_bpm, 60 + hash(s + 3) % 80 as hr_peak_bpm, 88 + hash(s + 4) % 12 as spo2_min_pct,
        5 + hash(s + 5) % 10 as dissociation_onset_min, 20 + hash(s + 6) % 60 as dissociation_peak_min,
        80 + hash(s + 7) % 60 as dissociation_resolved_min, 120 + hash(s + 8) % 60 as ready_to_leave_min,
        'bench' as source_file, 2 + s as source_line, 'session' as ingest_id, 1 as source_rows, hash(s) as content
    from range({sessions}) t(s)
) to '{path}'
"""
EVENTS = """
copy (
    select 'e' || s as event_id, 's' || s as session_id, 'p' || lpad((s // {each})::varchar, 7, '0') as patient_id,
        ['nausea', 'headache', 'hypertension', 'bladder_symptoms'][(1 + hash(s) % 4)::int] as term,
        ['mild', 'moderate', 'severe'][(1 + hash(s + 1) % 3)::int] as severity, hash(s) % 50 = 0 as is_serious,
        10 as onset_min, 60 as resolved_min,
        'bench' as source_file, 2 + s as source_line, 'adverse_event' as ingest_id, 1 as source_rows, hash(s) as content
    from range({sessions}) t(s) where s % {each} = 4 and hash(s) % 2 = 0 or s % {each} = 5 and hash(s) % 10 = 0
) to '{path}'
"""


def write_clean(folder: Path, sessions: int) -> dict[str, dict[str, Path]]:
    """Clean Parquet of patients, sessions and adverse events with the contract's columns, by table and ingest_id."""
    import duckdb

    from outcomes.contract import TABLES

    files = {name: folder / f"{name}.parquet" for name in ("patient", "session", "adverse_event")}
    with duckdb.connect() as con:
        for name, sql in (("patient", PATIENTS), ("session", SESSIONS), ("adverse_event", EVENTS)):
            raw = folder / f"{name}.raw.parquet"
            con.execute(sql.format(path=raw, sessions=sessions, patients=sessions // SESSIONS_PER_PATIENT, each=SESSIONS_PER_PATIENT))
            _typed(raw, files[name], TABLES[name].schema)
            raw.unlink()
    return {name: {name: path} for name, path in files.items()}


def _typed(raw: Path, path: Path, schema: object) -> None:
    """The same rows with the contract's columns and types; what the bench does not make is empty."""
    import polars as pl

    from outcomes import reference

    reference.typed(pl.read_parquet(raw), schema).write_parquet(path, compression="lz4")  # type: ignore[arg-type]


def main() -> None:
    reader = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    reader.add_argument("--sessions", type=lambda text: int(text.replace("_", "")), default=2_000_000)
    reader.add_argument("--folder", type=Path)
    wanted = reader.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="outcomes-bench-", dir=wanted.folder))
    try:
        measure(folder, wanted.sessions)
    finally:
        shutil.rmtree(folder)


def measure(folder: Path, sessions: int) -> None:
    import duckdb
    import polars as pl

    from outcomes import disclosure, instruments, reference, warehouse
    from outcomes.settings import Clinic, Settings

    clean = write_clean(folder, sessions)
    settings = Settings(clinic=Clinic(name="Bench", timezone="America/Denver"))
    ledger = pl.DataFrame(
        [
            {"ingest_id": name, "source_file": name, "table_name": name, "status": "accepted", "exported_on": AS_OF, "rows_in": 1}
            for name in clean
        ]
    )
    ref = reference.tables(settings, instruments.load(), AS_OF)
    started = time.perf_counter()
    with duckdb.connect() as con:
        con.execute(f"select count(distinct patient_id), count(distinct dose_mg) from '{clean['session']['session']}'").fetchall()
    floor = time.perf_counter() - started
    built = warehouse.build(
        folder / "run" / "warehouse.duckdb", warehouse.CleanFiles(ledger, clean), ref, settings.limits, disclose=disclosure.disclose
    )
    taken = [(step.seconds, step.table) for step in built if OF_SESSIONS.fullmatch(step.table)]
    print(f"{sessions:,} sessions of {sessions // SESSIONS_PER_PATIENT:,} patients; DuckDB counts two columns of them in {floor:.2f} s")
    for seconds, table in sorted(taken, reverse=True):
        if seconds >= 0.01:
            print(f"  {table:<32} {seconds:6.2f} s")
    total = sum(seconds for seconds, _ in taken)
    release = sum(step.seconds for step in built if step.table == "release")
    print(f"all tables of sessions {total:.2f} s = {total / floor:.1f} x that count; hiding small groups, of every table, {release:.2f} s")


if __name__ == "__main__":
    main()
