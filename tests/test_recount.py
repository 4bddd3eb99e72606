"""Every published cell can be counted again, from the rows of core.evidence, with nothing but comparisons and sums in Python."""

import datetime as dt
import hashlib
import random
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from statistics import mean, median, stdev
from typing import Any

import duckdb
import polars as pl
import pytest

from outcomes import disclosure, instruments, reference, warehouse
from outcomes.contract import TABLES
from outcomes.publish import publish
from outcomes.settings import Settings

AS_OF = dt.date(2026, 5, 1)
PROFILES = ("ketamine-rwe", "nhs-tt", "cms159", "cbe1884", "dep-rem-6", "va-pcl5", "va-pcl5-15", "va-pcl5-18")
PATIENTS = 240


def settings(rule: str, threads: int = 2) -> Settings:
    return Settings.model_validate(
        {
            "clinic": {"name": "Recount", "timezone": "America/Denver"},
            "report": {"profile": PROFILES[0], "also": PROFILES[1:]},
            "disclosure": {"rule": rule},
            "durability": {"from": "first_response"},
            "limits": {"threads": threads},
        }
    )


def exports(folder: Path) -> warehouse.CleanFiles:
    """Clean files of a clinic whose patients miss forms, begin mild or at zero, and are not all through yet."""
    draw = random.Random(7)  # noqa: S311
    patients, sessions, forms = [], [], []
    for i in range(PATIENTS):
        patient, site = f"p{i:03d}", draw.choice(("north", "north", "north", "south", "west"))
        day_0 = dt.date(2025, 1, 1) + dt.timedelta(days=draw.randrange(200))
        patients.append({"patient_id": patient, "site_id": site, "indication": draw.choice(("depression", "anxiety", "ptsd"))})
        patients[-1]["failed_antidepressants"] = i % 4
        for k in range(6 + (i % 3 == 0)):
            on = day_0 + dt.timedelta(days=3 * k if k < 6 else 45)
            sessions.append(_at({"session_id": f"{patient}-{k}", "patient_id": patient, "kind": "medicine", "route": "iv"}, "started", on))
        for instrument, top in (("phq9", 27), ("gad7", 21), ("pcl5", 80)):
            level = draw.choice((0, 4, 9, 12, 16, top))
            for day in (-12, -1, 1, 7, 30, 90, 180, 365):
                if draw.random() < 0.8:
                    total = Decimal(min(top, max(0, level + draw.randrange(-3, 4)))) if level else Decimal(0)
                    row = {"form_id": f"{patient}-{instrument}-{day}", "patient_id": patient, "instrument_id": instrument}
                    forms.append(_at(row | {"scale_id": "total", "reported_total": total}, "answered", day_0 + dt.timedelta(days=day)))
                level = max(0, level - draw.randrange(0, 6)) if draw.random() < 0.9 else min(top, level + 7)
    files = {name: _file(folder, name, rows) for name, rows in (("patient", patients), ("session", sessions), ("form", forms))}
    ledger = [
        {
            "ingest_id": ingest_id,
            "source_file": name,
            "table_name": name,
            "status": "accepted",
            "exported_on": AS_OF,
            "rows_in": rows,
            "rows_accepted": rows,
        }
        for name, (ingest_id, _, rows) in files.items()
    ]
    return warehouse.CleanFiles(pl.DataFrame(ledger), {name: {ingest_id: path} for name, (ingest_id, path, _) in files.items()})


def _at(row: dict[str, Any], event: str, on: dt.date) -> dict[str, Any]:
    return row | {f"{event}_on": on, f"{event}_at": dt.datetime.combine(on, dt.time(17))}


def _file(folder: Path, table: str, rows: list[dict[str, Any]]) -> tuple[str, Path, int]:
    ingest_id = hashlib.sha256(table.encode()).hexdigest()
    made = {"ingest_id": ingest_id, "source_file": table, "source_rows": 1}
    full = [{**row, **made, "source_line": i, "content": i, "form_row": i} for i, row in enumerate(rows, start=2)]
    schema = TABLES[table].schema
    path = folder / "clean" / ingest_id / f"{table}.parquet"
    path.parent.mkdir(parents=True)
    pl.DataFrame([{name: row.get(name) for name in schema} for row in full], schema=schema).write_parquet(path)
    return ingest_id, path, len(rows)


@dataclass
class House:
    """A built warehouse with what it was told to hide."""

    path: Path
    rule: str

    def rows(self, sql: str) -> list[dict[str, Any]]:
        with duckdb.connect(str(self.path), read_only=True) as con:
            return con.sql(sql).pl().rows(named=True)


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., House]:
    folder = tmp_path_factory.mktemp("recount")
    clean = exports(folder)
    library = instruments.load()
    houses: dict[tuple[str, int], House] = {}

    def made(rule: str, threads: int = 2) -> House:
        if (rule, threads) not in houses:
            chosen = settings(rule, threads)
            ref = reference.tables(chosen, library, AS_OF)
            path = folder / f"{rule}-{threads}" / "warehouse.duckdb"
            warehouse.build(path, clean, ref, chosen.limits, disclose=disclosure.disclose)
            houses[rule, threads] = House(path, rule)
        return houses[rule, threads]

    return made


LEVELS = """
select course_id, instrument_id, breakdown, level
from core.stratum join core.stratum_level using (stratum_id)
"""
KEY = ("profile_id", "metric_id", "instrument_id", "window_id")
FUNNEL = ("enrolled", "with_baseline", "eligible", "measured", "denominator", "numerator")


def levels(house: House) -> dict[tuple[str, str], list[tuple[str, str]]]:
    found: dict[tuple[str, str], list[tuple[str, str]]] = defaultdict(list)
    for row in house.rows(LEVELS):
        found[row["course_id"], row["instrument_id"]].append((row["breakdown"], row["level"]))
    return found


def recount(house: House) -> dict[tuple[str, ...], Counter[str]]:
    """The funnel of every cell, from the evidence rows: whoever has no reason is measured, and so on up."""
    cells: dict[tuple[str, ...], Counter[str]] = defaultdict(Counter)
    where = levels(house)
    for row in house.rows("select * from core.evidence"):
        has_both = row["baseline"] is not None and row["score"] is not None
        enrolled = row["is_due"] and row["reason"] != "few_contacts"
        counted = {
            "enrolled": enrolled,
            "with_baseline": enrolled and row["baseline"] is not None and row["reason"] != "no_baseline",
            "eligible": row["reason"] in (None, "no_follow_up"),
            "measured": row["reason"] is None,
            "denominator": row["denominator"],
            "numerator": row["numerator"],
        }
        assert row["reason"] is not None or has_both
        for level in where[row["course_id"], row["instrument_id"]]:
            cells[(*(row[name] for name in KEY), *level)].update({name: int(value) for name, value in counted.items()})
    return cells


def cell(row: dict[str, Any]) -> tuple[str, ...]:
    return tuple(row[name] for name in (*KEY, "breakdown", "level"))


def test_there_is_something_to_count(build: Callable[..., House]) -> None:
    house = build("off")
    found = house.rows("select distinct profile_id, metric_id, instrument_id, breakdown from report.outcome_summary")
    assert {row["profile_id"] for row in found} == set(PROFILES)
    assert {
        "response",
        "remission",
        "remission_all",
        "recovery",
        "reliable_improvement",
        "reliable_deterioration",
        "reliable_recovery",
        "mcid",
        "rapid_response",
        "rapid_response_kept",
        "relapse",
        "si_emergent",
        "si_persisted",
        "si_resolved",
        "criterion_lost",
        "pair_recovery",
        "pair_reliable_improvement",
        "pair_reliable_deterioration",
        "pair_reliable_recovery",
    } <= {row["metric_id"] for row in found}
    assert {"all", "site", "programme", "indication", "route", "format", "treatment_resistance", "baseline_severity"} <= {
        r["breakdown"] for r in found
    }
    reasons = {row["reason"] for row in house.rows("select distinct reason from core.evidence")}
    assert {None, "not_due", "no_baseline", "not_a_case", "baseline_zero", "no_follow_up"} <= reasons


def test_every_cell_is_recounted_from_the_evidence(build: Callable[..., House]) -> None:
    house = build("off")
    published = {cell(row): {name: row[name] for name in FUNNEL} for row in house.rows("select * from report.outcome_summary")}
    recounted = {key: {name: counts[name] for name in FUNNEL} for key, counts in recount(house).items()}
    assert published == recounted


def test_each_verdict_follows_from_the_scores_and_the_rule(build: Callable[..., House]) -> None:
    """An independent reading of the definitions, for measures where lower is better."""
    house = build("off")
    rules = {(rule["profile_id"], rule["instrument_id"]): rule for rule in house.rows("select * from ref.rule")}
    for row in house.rows("select * from core.evidence where denominator"):
        rule, before, after = rules[row["profile_id"], row["instrument_id"]], row["baseline"], row["score"]
        if row["metric_id"].startswith("pair"):
            continue  # judged below
        if after is None:
            assert (rule["unmeasured"], row["reason"], row["numerator"]) == ("in_denominator", "no_follow_up", False)
            continue
        was_case, is_case = (_is_beyond(score, rule["caseness_side"], rule["caseness_cut"]) for score in (before, after))
        remitted = _is_beyond(after, rule["remission_side"], rule["remission_cut"])
        share, reliable = rule["response_share"] or 0, rule["reliable_change"] or 0
        points = rule["response_points"]
        responds = before - after >= points if points else before - after >= share * before > 0
        met = {
            "mcid": before - after >= (rule["mcid_points"] or (rule["mcid_share"] or 0) * before),
            "response": responds,
            "rapid_response": responds,
            "rapid_response_kept": responds,
            "relapse": not responds,
            "si_emergent": row["suicidality"],
            "si_resolved": not row["suicidality"],
            "si_persisted": row["suicidality"],
            "remission": was_case and remitted,
            "remission_all": remitted,
            "recovery": was_case and not is_case,
            "reliable_improvement": before - after >= reliable,
            "reliable_deterioration": after - before >= reliable,
            "reliable_recovery": was_case and not is_case and before - after >= reliable,
        }
        assert row["numerator"] == met[row["metric_id"]]


def test_each_verdict_on_a_pair_follows_from_both_scores_and_rules(build: Callable[..., House]) -> None:
    house = build("off")
    rules = {rule["instrument_id"]: rule for rule in house.rows("select * from ref.rule where profile_id = 'nhs-tt'")}
    outcomes = {
        (row["course_id"], row["instrument_id"]): row
        for row in house.rows("select * from core.outcome where window_id = 'nhs-tt.finished'")
    }
    partners = {row["course_id"]: row["partner_id"] for row in house.rows("select course_id, partner_id from core.pair")}
    seen: Counter[str] = Counter()
    for row in house.rows("select * from core.evidence where denominator and starts_with(metric_id, 'pair')"):
        course, both = row["course_id"], ("phq9", partners[row["course_id"]])
        before, after = ({one: outcomes[course, one][when] for one in both} for when in ("baseline", "score"))
        was_case, is_case = (any(scores[one] >= rules[one]["caseness_cut"] for one in both) for scores in (before, after))
        better = any(before[one] - after[one] >= rules[one]["reliable_change"] for one in both)
        worse = any(after[one] - before[one] >= rules[one]["reliable_change"] for one in both)
        met = {
            "pair_recovery": was_case and not is_case,
            "pair_reliable_improvement": better and not worse,
            "pair_reliable_deterioration": worse and not better,
            "pair_reliable_recovery": was_case and not is_case and better and not worse,
        }
        assert row["numerator"] == met[row["metric_id"]]
        assert was_case or "recovery" not in row["metric_id"]
        seen[both[1]] += 1
    assert seen["pcl5"]
    assert seen["gad7"]


def test_the_unmeasured_stand_where_the_profile_wants_them(build: Callable[..., House]) -> None:
    house = build("off")
    found = house.rows(
        "select profile_id, sum(denominator) as denominator, sum(measured) as measured, sum(eligible) as eligible "
        "from report.outcome_summary where breakdown = 'all' group by profile_id order by profile_id"
    )
    for row in found:
        counted = row["eligible"] if row["profile_id"] in ("cms159", "cbe1884", "dep-rem-6") else row["measured"]
        assert row["denominator"] == counted
        assert row["measured"] < row["eligible"]


def _is_beyond(score: Decimal, side: str | None, cut: Decimal | None) -> bool:
    if side is None or cut is None:
        return False
    return {"below": score < cut, "at_most": score <= cut, "at_least": score >= cut, "above": score > cut}[side]


def test_every_mean_is_recounted_from_the_scores(build: Callable[..., House]) -> None:
    house = build("off")
    where = levels(house)
    scores: dict[tuple[str, ...], list[tuple[float, float]]] = defaultdict(list)
    for row in house.rows("select * from core.outcome where is_due and baseline is not null and score is not null"):
        for level in where[row["course_id"], row["instrument_id"]]:
            scores[(row["instrument_id"], row["window_id"], *level)].append((float(row["baseline"]), float(row["score"])))
    published = {
        (r["instrument_id"], r["window_id"], r["breakdown"], r["level"]): r for r in house.rows("select * from report.score_summary")
    }
    assert published.keys() == scores.keys()
    for key, row in published.items():
        before, after = ([pair[i] for pair in scores[key]] for i in (0, 1))
        change = [b - a for a, b in scores[key]]
        assert row["n"] == len(before)
        assert (row["mean_baseline"], row["mean_score"]) == (pytest.approx(mean(before)), pytest.approx(mean(after)))
        assert (row["median_score"], row["mean_change"]) == (median(after), pytest.approx(mean(change), abs=1e-9))
        if len(before) > 1:
            assert (row["sd_baseline"], row["sd_change"]) == (pytest.approx(stdev(before)), pytest.approx(stdev(change)))


def test_what_became_of_each_course_is_recounted_from_the_evidence(build: Callable[..., House]) -> None:
    house = build("off")
    where = levels(house)
    recounted: Counter[tuple[str, ...]] = Counter()
    kept_in: Counter[tuple[str, ...]] = Counter()
    for row in house.rows("select * from core.evidence"):
        standing = row["reason"] or ("met" if row["numerator"] else "not_met")
        for level in where[row["course_id"], row["instrument_id"]]:
            key = (*(row[name] for name in KEY), *level, standing)
            recounted[key] += 1
            kept_in[key] += row["denominator"]
    published = {(*cell(row), row["standing"]): row for row in house.rows("select * from report.outcome_reason")}
    assert {key: row["courses"] for key, row in published.items()} == recounted
    assert {key: row["denominator"] for key, row in published.items()} == kept_in
    assert {row["label"] for row in published.values() if row["profile_id"] == "dep-rem-6"} >= {
        "Has remission",
        "No remission",
        "No PHQ-9 follow-up",
    }
    assert all(row["label"] for row in published.values())


@pytest.mark.parametrize("rule", ["cms", "nhs", "opensafely"])
def test_what_is_shown_adds_up_to_the_evidence_and_is_never_small(build: Callable[..., House], rule: str) -> None:
    house = build(rule)
    limits = house.rows(f"select * from ref.disclosure where rule = '{rule}'")[0]
    small, unit = limits["hide_to"], limits["round_to"]
    recounted = recount(house)
    pooled: dict[tuple[str, ...], Counter[str]] = defaultdict(Counter)
    for row in house.rows("select * from release.outcome_level where shown_as is not null"):
        pooled[(*cell(row)[:-1], row["shown_as"])] += recounted[cell(row)]
    rows = house.rows("select * from report.outcome_summary")
    shown = {cell(row): row for row in rows if not row["is_suppressed"]}
    assert any(row["is_suppressed"] for row in rows)
    assert any(row["level"] == disclosure.POOLED for row in rows)
    assert shown.keys() == pooled.keys()
    for key, row in shown.items():
        exact = pooled[key]
        assert {name: row[name] for name in FUNNEL} == {name: (2 * exact[name] + unit) // (2 * unit) * unit for name in FUNNEL}
        differences = (exact["denominator"] - exact["numerator"], exact["eligible"] - exact["measured"])
        assert not any(1 <= count <= small for count in (*exact.values(), *differences))


def test_hidden_rows_hold_no_number(build: Callable[..., House]) -> None:
    house = build("cms")
    for table in ("outcome_summary", "score_summary", "retention"):
        hidden = house.rows(f"select * from report.{table} where is_suppressed")
        assert hidden
        assert all(isinstance(row[name], (str, bool, type(None))) for row in hidden for name in row.keys() - {"as_of"})
        assert {row["suppression_reason"] for row in hidden} == {"small"}


def test_published_bytes_are_the_same_on_one_and_two_threads(build: Callable[..., House], tmp_path: Path) -> None:
    bytes_by_threads = []
    for threads in (1, 2):
        snapshot = publish(build("cms", threads).path, tmp_path / str(threads), "2025-09-01-0001", threads)
        files = sorted(path for folder in ("csv", "parquet") for path in (snapshot / folder).iterdir())
        bytes_by_threads.append({path.name: path.read_bytes() for path in files})
    assert bytes_by_threads[0] == bytes_by_threads[1]
