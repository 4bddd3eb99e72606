"""How long a night takes beside DuckDB's own count over the same CSV, measured in one process.

    python bench/answers.py --answers 10_000_000 [--folder DIR] [--keep]

Prints seconds and peak memory per step, the ratio of the whole night to `select count(*) from read_csv(...)`, and the same
for a second night that adds one per cent. Start-up (interpreter, Great Expectations) is printed apart: it does not grow.
"""

import argparse
import datetime as dt
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ITEMS = 9
FORMS_PER_PATIENT = 12
SPACING_DAYS = 9
AS_OF = dt.date(2026, 6, 1)
NEXT_AS_OF = AS_OF + dt.timedelta(days=7)  # The next release may come a week later.
COUNT_RUNS = 5

SETTINGS = """
[clinic]
name = "Bench"
timezone = "UTC"

[report]
also = ["nhs-tt"]
"""

ANSWERS = """
copy (
    select
        'p' || lpad((f // {per_patient})::varchar, 8, '0') as patient_id, 'f' || lpad(f::varchar, 9, '0') as form_id,
        'phq9' as instrument_id,
        strftime(
            timestamp '2025-01-01 09:00:00' + to_days(((f % {per_patient}) * {spacing} - 2)::int) + to_minutes((f * 7 % 600)::int),
            '%Y-%m-%dT%H:%M:%S'
        ) as answered_at,
        i as item, ((hash(f * 10 + i) % 4) * (1.0 - 0.06 * (f % {per_patient})))::int as answer
    from range({first}, {last}) forms(f), range(1, {items} + 1) items(i)
    order by f, i
) to '{path}' (header)
"""
SESSIONS = """
copy (
    select 's' || p as session_id, 'p' || lpad(p::varchar, 8, '0') as patient_id, 'site-' || (p % 4) as site_id,
        '2025-01-0' || (1 + s) || 'T12:00:00' as started_at, 'medicine' as kind, 'iv' as route,
        'programme-' || (p % 6) as programme_id
    from range({first}, {last}) patients(p), range(1) sessions(s)
) to '{path}' (header)
"""


def write_exports(inbox: Path, name: str, first: int, last: int) -> Path:
    """Sessions and answers of the forms first..last; the path of the answers."""
    import duckdb

    answers = inbox / f"questionnaires_{name}.csv"
    where = {"per_patient": FORMS_PER_PATIENT, "spacing": SPACING_DAYS, "items": ITEMS}
    with duckdb.connect() as con:
        con.execute(ANSWERS.format(first=first, last=last, path=answers, **where))
        patients = {"first": first // FORMS_PER_PATIENT, "last": -(-last // FORMS_PER_PATIENT)}
        con.execute(SESSIONS.format(path=inbox / f"sessions_{name}.csv", **patients))
    return answers


def count_seconds(path: Path) -> float:
    """The fastest of some counts over the CSV with every column as text: the floor that everything is held against."""
    import duckdb

    taken = []
    for _ in range(COUNT_RUNS):
        started = time.perf_counter()
        with duckdb.connect() as con:
            con.execute("select count(*) from read_csv(?, all_varchar = true)", [str(path)]).fetchone()
        taken.append(time.perf_counter() - started)
    return sorted(taken)[len(taken) // 2]


def reset_peak() -> None:
    Path("/proc/self/clear_refs").write_text("5")


def peak_gb() -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) / 1e6


def timed(work: Callable[[], Any]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def start_up() -> dict[str, float]:
    """Seconds to import what a night needs, once per process."""

    def library(name: str) -> Callable[[], Any]:
        return lambda: __import__(name)

    return {name: timed(library(name)) for name in ("polars", "duckdb", "pyarrow", "great_expectations")}


def one_night(settings: Any, as_of: dt.date) -> tuple[float, list[tuple[str, float, float]]]:
    """Seconds of a night, and per step its seconds and peak memory."""
    from outcomes import night, steps

    rows: list[tuple[str, float, float]] = []

    def perform(step: Any, tonight: Any) -> None:
        reset_peak()
        seconds = timed(lambda: night.attempt(step, tonight))
        rows.append((step.name, seconds, peak_gb()))

    tonight = night.begin(settings, as_of)
    started = time.perf_counter()
    record = night.carry_out(tonight, steps.STEPS, perform)
    seconds = time.perf_counter() - started
    if record["status"] != "published":
        sys.exit(record["line"])
    return seconds, rows


def show(title: str, seconds: float, rows: list[tuple[str, float, float]], floor: float, answers: int) -> None:
    print(f"\n{title}: {seconds:.2f} s = {seconds / floor:.2f} x count(*), {1e6 * seconds / answers:.3f} us per answer")
    for name, taken, peak in rows:
        print(f"  {name:<10} {taken:8.2f} s {taken / floor:7.2f} x {peak:6.2f} GB peak")


def main() -> None:
    reader = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    reader.add_argument("--answers", type=lambda text: int(text.replace("_", "")), default=10_000_000)
    reader.add_argument("--folder", type=Path)
    wanted = reader.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="outcomes-bench-", dir=wanted.folder))
    try:
        measure(folder, wanted.answers)
    finally:
        shutil.rmtree(folder)


def measure(folder: Path, answers: int) -> None:
    (folder / "inbox").mkdir()
    (folder / "outcomes.toml").write_text(SETTINGS)
    forms = answers // ITEMS
    path = write_exports(folder / "inbox", "2026-05-01", 0, forms)
    size = path.stat().st_size / 1e6
    started = start_up()
    print(f"{forms * ITEMS:,} answers, {size:,.0f} MB CSV")
    print("start-up   " + ", ".join(f"{name} {seconds:.2f} s" for name, seconds in started.items()))
    floor = count_seconds(path)
    print(f"count(*)   {floor:.2f} s (median of {COUNT_RUNS})")

    from outcomes.settings import load

    settings = load(folder / "outcomes.toml")
    full, rows = one_night(settings, AS_OF)
    show("full build", full, rows, floor, answers)
    write_exports(folder / "inbox", "2026-05-02", forms, forms + forms // 100)
    more, rows = one_night(settings, NEXT_AS_OF)
    show("one per cent more", more, rows, floor, answers)
    print(f"\none per cent more / full build = {more / full:.2f}")


if __name__ == "__main__":
    main()
