"""Kaplan-Meier curves equal those of independent programs: on published trials, and on random data with ties and censoring."""

import csv
import datetime as dt
import hashlib
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.duration.survfunc import SurvfuncRight

from outcomes import disclosure, instruments, places, reference, sqlfiles, warehouse
from outcomes.contract import TABLES
from outcomes.settings import Settings

SQL = places.folder("sql")
DAY_0 = dt.date(2015, 1, 1)
NOON = dt.datetime.combine(DAY_0, dt.time(12))
TRIALS = (
    "admiral_example_qs",
    "antidepressant_hamd17",
    "btheb",
    "claus_2020",
    "hechler_2014",
    "jacobson_1989",
    "microdose_selfblind",
    "phq9_daily_wide_synth",
)
GRID = pl.DataFrame(
    [(event, "days", day) for event in ("response", "remission") for day in range(401)], schema=["event_id", "unit", "time"], orient="row"
)
# What the rules of the published sets keep in: a baseline of zero never responds, and everybody is asked for remission.
KEPT_IN = "('baseline_zero', 'not_a_case')"
Dataset = Callable[[str], Path]


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8-sig") as handle:
        return list(csv.DictReader(handle))


def clean_file(folder: Path, table: str, rows: list[dict[str, Any]]) -> tuple[str, Path, int]:
    ingest_id = hashlib.sha256(table.encode()).hexdigest()
    schema = TABLES[table].schema
    made = {"ingest_id": ingest_id, "source_file": table, "source_rows": 1}
    full = [{**row, **made, "source_line": i, "content": i, "form_row": i} for i, row in enumerate(rows, start=2)]
    path = folder / "clean" / ingest_id / f"{table}.parquet"
    path.parent.mkdir(parents=True)
    pl.DataFrame([{name: row.get(name) for name in schema} for row in full], schema=schema).write_parquet(path)
    return ingest_id, path, len(rows)


def replay(trial: Path, rules: Path, folder: Path) -> duckdb.DuckDBPyConnection:
    """A warehouse of the trial with one day per unit of its time; each patient once for all groups and once for each group."""
    constants = {row["instrument"]: row for row in rows_of(rules)}
    long = [row for row in rows_of(trial / "long.csv") if row["score"] and constants.get(row["instrument"], {}).get("response_frac")]
    names = sorted({row["instrument"] for row in long})
    ids = {name: f"q{i}" for i, name in enumerate(names)}
    copies = [(f"{grp}:{row['patient_id']}", grp, row) for row in long for grp in ("ALL", f"group {row['grp']}")]
    patients = {patient: grp for patient, grp, _ in copies}
    sessions = [
        {
            "session_id": p,
            "patient_id": p,
            "kind": "medicine",
            "programme_id": grp,
            "started_on": DAY_0,
            "started_at": NOON,
        }
        for p, grp in patients.items()
    ]
    forms = [
        {
            "form_id": f"{patient}-{row['instrument']}-{row['visit_order']}",
            "patient_id": patient,
            "instrument_id": ids[row["instrument"]],
            "scale_id": "total",
            "reported_total": Decimal(row["score"]),
            "answered_on": DAY_0 - dt.timedelta(days=1)
            if row["visit_order"] == "0"
            else DAY_0 + dt.timedelta(days=int(float(row["time_value"]))),
        }
        for patient, _, row in copies
    ]
    (folder / "files").mkdir()
    for name, id_ in ids.items():
        (folder / "files" / f"{id_}.toml").write_text(
            f'id = "{id_}"\ntitle = "{name}"\nabout = "replay"\ndirection = "lower_is_better"\ntotals_only = true\nrange = [0, 200]\n'
            'licence = "none"\nsources = ["published data set"]\n'
        )
    blocks = [
        f'[[rule]]\ninstrument = "{id_}"\nresponse = {constants[name]["response_frac"]}\n'
        + (f"remission = {{ at_most = {constants[name]['remission_max']} }}\n" if constants[name]["remission_max"] else "")
        + (f"caseness = {{ at_least = {constants[name]['caseness_min']} }}\n" if constants[name]["caseness_min"] else "")
        + 'source = "replay"\nstatus = "test"\nreviewed_on = 2026-11-22\n'
        for name, id_ in ids.items()
    ]
    (folder / "files" / "replay.toml").write_text('id = "replay"\nversion = "1"\ntitle = "Replay"\n' + "".join(blocks))
    settings = Settings.model_validate(
        {
            "clinic": {"name": "Replay", "timezone": "UTC"},
            "report": {"profile": "replay"},
            "disclosure": {"rule": "off"},
        }
    )
    library = instruments.load([folder / "files"])
    ref = reference.tables(settings, library, dt.date(2026, 1, 1)) | {"survival_grid": GRID}
    files = {"session": clean_file(folder, "session", sessions), "form": clean_file(folder, "form", forms)}
    ledger = [
        {"ingest_id": i, "source_file": t, "table_name": t, "status": "accepted", "exported_on": DAY_0, "rows_in": n, "rows_accepted": n}
        for t, (i, _, n) in files.items()
    ]
    clean = warehouse.CleanFiles(pl.DataFrame(ledger), {table: {i: path} for table, (i, path, _) in files.items()})
    warehouse.build(folder / "w" / "warehouse.duckdb", clean, ref, settings.limits, disclose=disclosure.disclose)
    con = duckdb.connect(str(folder / "w" / "warehouse.duckdb"))
    con.execute(f"update core.event_time set reason = null where reason in {KEPT_IN} and days is not null")
    con.execute("drop schema release cascade; drop schema report cascade; drop schema tally cascade")
    files_again = sqlfiles.read_folder(SQL, ["tally", "report"])
    wanted = [f for f in files_again if f.name.startswith("survival")]
    warehouse.run(con, [f for f in wanted if f.schema == "tally"])
    guarded = disclosure.GUARDED
    try:
        disclosure.GUARDED = tuple(g for g in guarded if g.table.startswith("survival"))  # type: ignore[misc]
        disclosure.disclose(con)
    finally:
        disclosure.GUARDED = guarded  # type: ignore[misc]
    warehouse.run(con, [f for f in wanted if f.schema == "report"])
    con.execute("create table names (instrument_id text, instrument text)")
    con.executemany("insert into names values (?, ?)", [["none", "none"], *([id_, name] for name, id_ in ids.items())])
    return con


CURVES = """
select instrument, replace(level, 'group ', '') as grp, event_id, time, at_risk, events, survival
from report.survival join names using (instrument_id)
where breakdown = 'programme' and counted_in = 'days' and maintenance = 'all' and events > 0
"""
MEDIANS = """
select instrument, replace(level, 'group ', '') as grp, event_id, courses, events, median_by, low_by, high_by
from report.survival_median join names using (instrument_id)
where breakdown = 'programme' and counted_in = 'days' and maintenance = 'all'
"""


@pytest.mark.parametrize("name", TRIALS)
def test_every_curve_of_a_published_trial_agrees(name: str, dataset: Dataset, tmp_path: Path) -> None:
    trial, rules = dataset(name), dataset("_rules") / "params.csv"
    expected_files = trial / "expected"
    if not (expected_files / "km_duckdb.csv").is_file():
        pytest.skip(f"the curves expected of {name} are absent: name their folder in OUTCOMES_DATA")
    expected = {
        (r["instrument"], r["grp"], r["event"], float(r["time"])): (int(r["at_risk"]), int(r["observed"]), float(r["survival"]))
        for r in rows_of(expected_files / "km_duckdb.csv")
    }
    if not expected:
        assert not rows_of(expected_files / "km_summary_duckdb.csv")
        return
    with replay(trial, rules, tmp_path) as con:
        found = {(i, g, e, float(t)): (n, d, s) for i, g, e, t, n, d, s in con.execute(CURVES).fetchall()}
        medians = {row[:3]: row[3:] for row in con.execute(MEDIANS).fetchall()}
    assert found.keys() == expected.keys()
    for key, (at_risk, events, survival) in expected.items():
        assert found[key] == (at_risk, events, pytest.approx(survival, abs=1e-9)), key
    for row in rows_of(expected_files / "km_summary_duckdb.csv"):
        courses, events, median, *_ = medians[row["instrument"], row["grp"], row["event"]]
        assert (courses, events) == (int(row["n"]), int(row["events"]))
        assert median == (float(row["median"]) if row["median"] else None)
    loglog = expected_files / "km_summary_R_survfit_loglog.csv"
    for row in rows_of(loglog) if loglog.is_file() else []:
        *_, median, low, high = medians[row["instrument"], "ALL", row["event"]]
        assert (median, low, high) == tuple(float(row[name]) if row[name] else None for name in ("median", "lower", "upper"))


# Random data


@pytest.fixture(scope="module")
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    """A database with the macros, empty tables that the report reads, and rule `off`."""
    settings = Settings.model_validate({"clinic": {"name": "x", "timezone": "UTC"}, "disclosure": {"rule": "off"}})
    with duckdb.connect() as con:
        con.execute("create schema macro; create schema ref; create schema release")
        for name in ("report_statistics", "report_rounded"):
            con.execute((SQL / "macro" / f"{name}.sql").read_text())
        frames = reference.from_folder(SQL / "ref") | {"setting": reference.from_settings(settings, DAY_0)["setting"]}
        for name in ("normal", "disclosure", "setting", "survival_step"):
            con.register("incoming", frames[name].to_arrow())
            con.execute(f"create table ref.{name} as select * from incoming")
        key = "profile_id text, event_id text, instrument_id text, counted_in text, breakdown text, level text"
        shown = "unit integer, is_suppressed boolean, suppression_reason text"
        counts = "events bigint, censored bigint"
        boosted = f"{counts}, boosted_events bigint, boosted_censored bigint"
        con.execute(f"create table release.survival ({key}, {shown})")
        con.execute(f"create table release.survival_split ({key}, {shown})")
        con.execute(f"create table release.survival_day ({key}, time integer, {counts}, {shown})")
        con.execute(f"create table release.survival_split_day ({key}, time integer, {boosted}, {shown})")
        con.execute(f"create table release.survival_step ({key}, until integer, events bigint, {shown})")
        con.execute(f"create table release.survival_split_step ({key}, until integer, events bigint, boosted_events bigint, {shown})")
        con.execute(f"create table release.survival_interval ({key}, until integer, {counts}, {shown})")
        con.execute(f"create table release.survival_split_interval ({key}, until integer, {boosted}, {shown})")
        yield con


times = st.lists(st.tuples(st.integers(0, 25), st.booleans()), min_size=1, max_size=60)


@given(times)
def test_a_curve_equals_that_of_statsmodels(con: duckdb.DuckDBPyConnection, seen: list[tuple[int, bool]]) -> None:
    """Ties, events and censorings on one day, the last one an event or not; intervals on the scale of log(-log)."""
    by_day = {day: [sum(d == day and e is event for d, e in seen) for event in (True, False)] for day in {d for d, _ in seen}}
    for table in ("survival_day", "survival_interval", "survival_step"):
        con.execute(f"delete from release.{table}")
        counts = ["events"] if table == "survival_step" else ["events", "censored"]
        con.executemany(
            f"insert into release.{table} by name select 'p' as profile_id, 'e' as event_id, 'i' as instrument_id, 'days' as counted_in, "
            f"'all' as breakdown, 'all' as level, 1 as unit, false as is_suppressed, "
            f"? as {'time' if table == 'survival_day' else 'until'}, {', '.join(f'? as {name}' for name in counts)}",
            [[day, *numbers[: len(counts)]] for day, numbers in sorted(by_day.items())],
        )
    curve = (SQL / "report" / "survival.sql").read_text()
    sql = f"select time, at_risk, survival, survival_low, survival_high from ({curve}) where events > 0"
    found = con.execute(sql).fetchall()
    # A day later for both, since the other program takes no time of zero.
    other = SurvfuncRight(np.array([day + 1 for day, _ in seen]), np.array([event for _, event in seen], dtype=int))
    happened = [place for place, time in enumerate(other.surv_times) if by_day[int(time) - 1][0]]
    assert [time + 1 for time, *_ in found] == [other.surv_times[place] for place in happened]
    for (_, at_risk, survival, low, high), place in zip(found, happened, strict=True):
        estimate = other.surv_prob[place]
        assert (at_risk, survival) == (other.n_risk[place], pytest.approx(estimate, abs=1e-9))
        if estimate <= 1e-12:
            assert (low, high) == (None, None)
            continue
        # Greenwood's standard error of the estimate, turned to the scale of log(-log).
        spread = other.surv_prob_se[place] / (estimate * abs(np.log(estimate)))
        limits = [estimate ** np.exp(sign * 1.959963984540054 * spread) for sign in (1, -1)]
        assert (low, high) == (pytest.approx(limits[0], abs=1e-9), pytest.approx(limits[1], abs=1e-9))
