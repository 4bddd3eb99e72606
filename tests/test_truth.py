"""What a night found in the synthetic clinic, compared with what was planted there: outcomes, files, courses, and the comparison itself.

One night serves all tests. Beside the real profile and window it counts the same clinic under slightly wrong ones, so that the
comparison is seen to fail where a definition is wrong.
"""

from collections import Counter
from collections.abc import Mapping

import polars as pl
import pytest
from truth_tools import (
    COUNTS,
    GROUP,
    PLAN,
    SETTINGS,
    WRONG_RULES,
    Found,
    counted,
    differences,
    dropped,
    improbable,
    planted,
    planted_courses,
    plausible,
    wrong_profile,
)

from outcomes import clinic, log, verbs
from outcomes.clinic import plan, year
from outcomes.clinic.write import File
from outcomes.settings import DEFAULT_WINDOWS, load

PATIENTS = 900
SEED = 6  # one patient of this clinic never answers WHO-5, which nobody is mapped to: who never answers is not enrolled


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Found:
    folder = tmp_path_factory.mktemp("truth")
    truth = clinic.make(folder, PATIENTS, SEED)
    (folder / "profiles").mkdir()
    (folder / "profiles" / "wrong.toml").write_text(wrong_profile())
    config = folder / "outcomes.toml"
    config.write_text(SETTINGS)
    code, line = verbs.run(load(config), config, verbs.Wanted(truth.as_of), log.silent)
    assert code == 4, line
    return Found(folder, truth)


@pytest.fixture(scope="module")
def lived() -> year.Year:
    return year.live_through(PLAN, PATIENTS, SEED)


# Outcomes


def test_the_plan_is_counted_by_the_windows_that_are_shipped(found: Found) -> None:
    shipped = {window.id: window for window in DEFAULT_WINDOWS}
    used = {window.id: window for window in load(found.folder / "outcomes.toml").windows}
    assert {used[name] == shipped[name] for name in (PLAN.window, "d90")} == {True}
    assert (shipped["d30"].from_days, shipped["d30"].to_days, shipped["d30"].target_days) == (*PLAN.window_days, PLAN.window_target)


def test_every_outcome_is_found_as_it_was_planted(found: Found) -> None:
    true = planted(found.truth)
    assert true.height > 200
    assert true.select(pl.col("numerator").sum()).item() > 1000
    assert differences(true, counted(found, PLAN.profile, PLAN.window), GROUP, COUNTS) == []


@pytest.mark.parametrize(("breakdown", "column"), [("programme", "programme_id"), ("indication", "indication")])
def test_every_outcome_is_published_as_it_was_planted(breakdown: str, column: str, found: Found) -> None:
    """Measured are those of the eligible, so in the publication of each metric they are its denominator."""
    keys = ["level", "instrument_id", "metric_id"]
    true = planted(found.truth).filter(~pl.col("metric_id").is_in(["coverage", "relapse"])).rename({column: "level"})
    true = true.group_by(keys).agg(pl.col(COUNTS).sum()).with_columns(measured="denominator")
    rows = found.published(
        "select * from published.outcome_summary where profile_id = $profile and window_id = $window and breakdown = $breakdown",
        profile=PLAN.profile,
        window=PLAN.window,
        breakdown=breakdown,
    )
    assert true.height > 30
    assert differences(true, rows, keys, COUNTS) == []


@pytest.mark.parametrize(("breakdown", "column"), [("programme", "programme_id"), ("indication", "indication")])
def test_every_relapse_is_published_as_it_was_planted(breakdown: str, column: str, found: Found) -> None:
    keys, counts = ["level", "instrument_id"], ["denominator", "numerator"]
    true = planted(found.truth).filter(metric_id="relapse").rename({column: "level"})
    true = true.group_by(keys).agg(pl.col(counts).sum()).filter(pl.col("denominator") > 0)
    rows = found.published(
        "select * from published.outcome_summary where metric_id = 'relapse' and profile_id = $profile and window_id = 'd90' "
        "and breakdown = $breakdown and denominator > 0",
        profile=PLAN.profile,
        breakdown=breakdown,
    )
    assert true.height > 5
    assert differences(true, rows.filter(pl.col("instrument_id").is_in(list(PLAN.measures))), keys, counts) == []


@pytest.mark.parametrize(
    "group", [["programme_id", "instrument_id", "metric_id"], ["instrument_id", "metric_id"]], ids=["by programme", "of all programmes"]
)
def test_planted_shares_are_probable_after_what_was_found(group: list[str], found: Found) -> None:
    assert improbable(planted(found.truth), counted(found, PLAN.profile, PLAN.window), group) == []


@pytest.mark.parametrize("measure", PLAN.measures.values(), ids=PLAN.measures.keys())
def test_the_plan_knows_which_measures_the_profile_maps(measure: plan.Measure, found: Found) -> None:
    because = found.sql("select distinct because from core.expected where instrument_id = $measure", measure=measure.id)
    assert because["because"].to_list() == ["profile" if measure.mapped else "answered"]


# The comparison fails where a definition is wrong


@pytest.mark.parametrize("measure", PLAN.measures)
def test_a_wrong_threshold_shows_where_it_is_wrong_and_nowhere_else(measure: str, found: Found) -> None:
    of_measure = pl.col("instrument_id") == measure
    rows = counted(found, "wrong", PLAN.window).filter(of_measure)
    # The item about suicidal thoughts is asked under the profile of the report alone.
    true = planted(found.truth).filter(of_measure, ~pl.col("metric_id").str.starts_with("si_"))
    differ = differences(true, rows, GROUP, COUNTS)
    assert {row["metric_id"] for row in differ} == (WRONG_RULES[measure][2] if measure in WRONG_RULES else set())


@pytest.mark.parametrize("window", ["early", "short", "first"])
def test_a_wrong_window_shows(window: str, found: Found) -> None:
    differ = differences(planted(found.truth), counted(found, PLAN.profile, window), GROUP, COUNTS)
    assert {"response", "remission"} <= {row["metric_id"] for row in differ}


def test_a_response_at_a_quarter_is_improbable(found: Found) -> None:
    rows = counted(found, "wrong", PLAN.window)
    differ = improbable(planted(found.truth), rows, ["instrument_id", "metric_id"])
    assert ("phq9", "response") in {(row["instrument_id"], row["metric_id"]) for row in differ}


def test_coverage_in_a_shorter_window_is_improbable(found: Found) -> None:
    differ = improbable(planted(found.truth), counted(found, PLAN.profile, "short"), ["programme_id", "instrument_id", "metric_id"])
    assert "coverage" in {row["metric_id"] for row in differ}


# Files

REJECTED = {
    ("patient", "blank_id"): "PAT-01",
    ("session", "blank_id"): "SES-01",
    ("adverse_event", "blank_id"): "AEV-01",
    ("form", "blank_id"): "FRM-01",
    ("form", "unknown_instrument"): "FRM-08",
    ("form", "missing_code"): "FRM-14",
    ("form", "out_of_range"): "ANS-05",
    ("form", "unreadable_date"): "R04",
}
REFUSED = {"cut": "F08", "unrecognised": "H01"}
STANDING = {
    "duplicate": "duplicate",
    "unchanged": "duplicate",
    "stale": "superseded",
    "corrected_later": "superseded",
    "correction": "accepted",
    "contradicting_total": "accepted",
    "unknown_patient": "accepted",
}
NOTES = {
    # shape, kind: notes per row that carries it
    ("long", "missing_code"): {("N02", "answer"): 1, ("N06", "answer"): 1},
    ("wide", "missing_code"): {("N02", "answer"): 7, ("N02", "reported_total"): 1},
    ("total", "missing_code"): {("N02", "reported_total"): 1},
}


def whole(truth: clinic.Truth) -> list[File]:
    return [file for file in truth.files if file.fate == "accepted"]


def test_every_kind_of_dirt_has_a_code(found: Found) -> None:
    kinds = {(file.table, kind) for file in found.truth.files for kind in file.dirt}
    assert {key for key in kinds if key not in REJECTED and key[1] not in {**STANDING, **REFUSED}} == set()
    assert {key[1] for key in kinds} == {key[1] for key in REJECTED} | set(STANDING) | set(REFUSED)


def test_every_file_meets_its_fate(found: Found) -> None:
    fates = {file.name: (file.fate, *(REFUSED[kind] for kind in file.dirt if kind in REFUSED)) for file in found.truth.files}
    seen: set[str] = set()
    met: dict[str, tuple[str, ...]] = {}
    for file in found.truth.files:
        verdict = found.verdicts[found.ingest_id(file)]
        again = verdict.ingest_id in seen
        seen.add(verdict.ingest_id)
        met[file.name] = ("same",) if again else (verdict.status, verdict.code) if verdict.code else (verdict.status,)
    assert met == fates
    assert set(found.verdicts) == seen


def test_every_file_is_read_as_what_it_is(found: Found) -> None:
    for file in whole(found.truth):
        verdict = found.verdicts[found.ingest_id(file)]
        assert (verdict.table, verdict.shape, verdict.exported_on) == (file.table, file.shape, file.exported_on), file.name


def test_every_row_is_accounted_for_as_it_was_planted(found: Found) -> None:
    columns = ["rows_in", "accepted", "duplicate", "superseded", "rejected"]
    rows = found.sql(f"select ingest_id, {', '.join(columns)} from core.accounting where status = 'accepted'")
    true = pl.DataFrame([{"ingest_id": found.ingest_id(file), **planned_rows(file)} for file in whole(found.truth)])
    assert differences(true, rows, ["ingest_id"], columns) == []
    assert (rows["rows_in"] == rows.select(pl.sum_horizontal(columns[1:])).to_series()).all()
    published = found.published("select * from published.quality where kind = 'file' and status = 'accepted'")
    short = true.with_columns(file_id=pl.col("ingest_id").str.head(12))
    assert differences(short, published, ["file_id"], columns) == []


def planned_rows(file: File) -> dict[str, int]:
    """Where the rows of a file belong."""
    goes = Counter({"duplicate": 0, "superseded": 0, "rejected": 0})
    for kind, rows in file.dirt.items():
        goes["rejected" if (file.table, kind) in REJECTED else STANDING[kind]] += rows
    goes["accepted"] = file.rows - goes["duplicate"] - goes["superseded"] - goes["rejected"]
    return {"rows_in": file.rows, **goes}


def test_every_rejected_row_is_listed_under_the_code_of_its_dirt(found: Found) -> None:
    for file in whole(found.truth):
        planned = Counter({REJECTED[str(file.table), kind]: n for kind, n in file.dirt.items() if (file.table, kind) in REJECTED})
        listed = found.folder / "data/quarantine" / found.ingest_id(file) / "reject.parquet"
        rejected = pl.read_parquet(listed).group_by("code").agg(pl.col("rows").sum()) if listed.exists() else pl.DataFrame()
        assert dict(rejected.iter_rows()) == dict(planned), file.name
        said = {rule["code"]: rule["violated"] for rule in found.verdicts[found.ingest_id(file)].rules if rule["violated"]}
        assert said == {code: rows for code, rows in planned.items() if code != REJECTED["form", "unreadable_date"]}, file.name


def test_every_note_has_a_cause(found: Found, lived: year.Year) -> None:
    for file in whole(found.truth):
        planned: Counter[tuple[str, str]] = Counter()
        for kind, rows in file.dirt.items():
            planned.update({note: each * rows for note, each in NOTES.get((str(file.shape), kind), {}).items()})
        if file.shape == "long" and "missing_code" in file.dirt:
            planned["N06", "answer"] += int(lived.forms["phq9"]["is_partial"].sum())
        if file.name.endswith(".parquet"):
            planned["F57", ""] = 1
        notes = {(note["code"], note["column"]): note["count"] for note in found.verdicts[found.ingest_id(file)].notes}
        assert notes == dict(planned), file.name


def test_the_forms_superseded_are_those_that_were_corrected(found: Found) -> None:
    lost = found.sql("select form_id from core.form_version where standing = 'superseded'")
    assert sorted(lost["form_id"]) == sorted(found.truth.corrected_forms)


def test_a_form_counts_by_its_true_answers(found: Found, lived: year.Year) -> None:
    """Of every questionnaire with items; corrected forms by the correction, forms with a blank by none."""
    whole_forms = pl.concat([forms.filter(~pl.col("is_partial")).select("form_id", "measure", "score") for forms in lived.forms.values()])
    scores = found.sql(
        "select form_id, instrument_id as measure, score::double as score from core.score join core.form using (form_number)"
    )
    both = whole_forms.join(scores, on=["form_id", "measure"], how="left", suffix="_found")
    assert both.filter(pl.col("score").ne_missing(pl.col("score_found"))).height == 0


def test_a_blank_is_a_blank(found: Found, lived: year.Year) -> None:
    """Forms with one item less than their questionnaire; the answers out of range in the long file leave such a form too."""
    items = {measure: PLAN.measures[measure].items for measure in lived.forms}
    forms = found.sql("select questionnaire_id, answers, count(*) as forms from core.form where answers > 0 group by all")
    short = {row["questionnaire_id"]: row["forms"] for row in forms.to_dicts() if row["answers"] == items[row["questionnaire_id"]] - 1}
    planned = {measure: int(forms["is_partial"].sum()) for measure, forms in lived.forms.items()}
    assert sum(planned.values()) == found.truth.partial_forms
    planned["phq9"] += PLAN.dirt["phq9"]["out_of_range"]
    assert short == planned


def test_totals_that_contradict_their_items_are_reported_and_the_items_believed(found: Found) -> None:
    rows = found.sql(
        "select instrument_id, source, score::double as score, reported_total::double as total from core.score where contradicts"
    )
    assert rows.select("instrument_id", "source").rows() == [("gad7", "items")] * PLAN.dirt["gad7"]["contradicting_total"]
    assert set((rows["score"] - rows["total"]).abs()) == {3.0}


def test_the_session_of_an_unknown_patient_belongs_to_no_course(found: Found) -> None:
    rows = found.sql("select course_id from core.session anti join core.patient using (patient_id)")
    assert rows["course_id"].to_list() == [None] * PLAN.dirt["sessions"]["unknown_patient"]


# Courses and programmes

COURSE = [
    "day_0",
    "programme_id",
    "indication",
    "site_id",
    "route",
    "occupation",
    "sex",
    "age_band",
    "failed_antidepressants",
    "treatment_resistance",
    "medicine_sessions",
    "induction_sessions",
    "maintenance_sessions",
    "last_medicine_on",
    "format",
]
# Of those who came to every dose of induction and to no booster.
FORMATS = {
    "burnout-infusion": "intensive",
    "kap-compassion": "biweekly",
    "anxiety-retreat": "intensive",
    "anxiety-weekly": "weekly",
    "ptsd-series": "intensive",
    "trd-infusion": "other",
    "pain-infusion": "weekly",
}


def test_every_course_is_found_as_it_was_planted(found: Found, lived: year.Year) -> None:
    keys = ["patient_id", "course_number"]
    true = planted_courses(lived)
    assert true.height > 600
    assert true.filter(pl.col("course_number") > 1).height > 0
    assert differences(true, found.sql("select * from core.course"), keys, COURSE) == []


@pytest.mark.parametrize("programme", PLAN.programmes, ids=lambda p: p.id)
def test_a_whole_series_has_the_format_of_its_programme(programme: plan.Programme, found: Found) -> None:
    rows = found.sql("select * from core.course where programme_id = $programme", programme=programme.id)
    series = rows.filter(pl.col("induction_sessions") == len(programme.induction), maintenance_sessions=0)
    assert series.height > 10
    assert series["format"].unique().to_list() == [FORMATS[programme.id]]


KNOWN = "core.session semi join core.patient using (patient_id) where"
DUE = "core.course join core.outcome using (course_id) where instrument_id = 'phq9' and window_id = 'd30' and is_due"
GIVEN = f"{KNOWN} kind = 'medicine' and status in ('completed', 'stopped_early')"
# Some doses have no times of their own, but a curve; core.dose knows both.
CLOCKED = f"core.dose semi join (select session_id from {GIVEN}) using (session_id) join core.course using (course_id) where"
FACTS = {
    "screened": "core.patient",
    "excluded": "core.patient where screen_result = 'excluded'",
    "started": "core.course where course_number = 1",
    "courses": "core.course",
    "courses_due": DUE,
    **{
        f"medicine_{status}": f"{KNOWN} kind = 'medicine' and status = '{status}'"
        for status in ("completed", "stopped_early", "cancelled", "no_show")
    },
    **{kind: f"{KNOWN} kind = '{kind}'" for kind in ("integration", "preparation", "therapy")},
    "maintenance_completed": f"{KNOWN} is_treatment and phase = 'maintenance'",
    "events": "core.adverse_event join core.session using (session_id)",
    "serious_events": "core.adverse_event join core.session using (session_id) where is_serious",
}
PARTS = {
    "included": "core.patient where screen_result = 'included'",
    "with_baseline": f"{DUE} and baseline is not null",
    "given": GIVEN,
    "given_with_event": f"{GIVEN} and session_id in (select session_id from core.adverse_event)",
    "clocked": f"{CLOCKED} dissociation_resolved_min is not null",
    "resolved": f"{CLOCKED} dissociation_resolved_min <= 120",
    "peaked": f"{CLOCKED} dissociation_peak_min <= 60",
}
SHARES = {
    "screening_exclusion": ("excluded", "screened"),
    "start": ("started", "included"),
    "drop_out": ("courses_dropped", "courses"),
    "baseline_coverage": ("with_baseline", "courses_due"),
    "sessions_with_event": ("given_with_event", "given"),
    "clock_recorded": ("clocked", "given"),
    "resolved_within_120": ("resolved", "clocked"),
    "peak_within_60": ("peaked", "clocked"),
}


@pytest.fixture(scope="module")
def facts(found: Found) -> Mapping[str, Counter[str]]:
    """Per fact, how many there are by programme."""
    queries = [f"select '{name}' as fact, programme_id, count(*) as n from {rows} group by all" for name, rows in (FACTS | PARTS).items()]
    rows = found.sql(" union all ".join(queries))
    counts = {name: Counter(dict(rows.filter(fact=name).select("programme_id", "n").iter_rows())) for name in FACTS | PARTS}
    return counts | {"courses_dropped": dropped(found)}


@pytest.mark.parametrize("fact", [*FACTS, "courses_dropped"])
def test_the_facts_of_programmes_are_found(fact: str, found: Found, facts: Mapping[str, Counter[str]]) -> None:
    assert facts[fact] == Counter({p.programme_id: p.counts[fact] for p in found.truth.programmes})


@pytest.mark.parametrize("share", SHARES)
def test_the_shares_of_programmes_are_found_and_probable(share: str, found: Found, facts: Mapping[str, Counter[str]]) -> None:
    numerator, denominator = SHARES[share]
    for programme in found.truth.programmes:
        true, name = programme.shares[share], programme.programme_id
        assert (facts[numerator][name], facts[denominator][name]) == (true.numerator, true.denominator), name
        assert plausible(true.numerator, true.denominator, true.planted or 0.0), name


def test_treatment_resistance_is_counted_apart_from_unknown(found: Found, lived: year.Year) -> None:
    rows = found.published(
        "select level, enrolled from published.outcome_summary where profile_id = $profile and window_id = $window "
        "and breakdown = 'treatment_resistance' and instrument_id = 'phq9' and metric_id = 'response'",
        profile=PLAN.profile,
        window=PLAN.window,
    )
    due = planted_courses(lived).filter("is_due")
    assert dict(rows.iter_rows()) == dict(due.group_by("treatment_resistance").len().iter_rows())
    assert set(rows["level"]) == {"resistant", "not_resistant", "unknown"}
