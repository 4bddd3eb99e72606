"""The synthetic clinic: the same bytes for the same seed, shares as planted, and a truth that its own files confirm."""

import datetime as dt
import hashlib
import json
import math
import tomllib
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from outcomes import clinic, places
from outcomes.clinic import answers, draw, exports, plan, scores, write, xlsx, year
from outcomes.contract import TABLES

PLAN = plan.load()
EXPORTED = "2026-01-31"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, clinic.Truth]:
    folder = tmp_path_factory.mktemp("clinic")
    return folder, clinic.make(folder)


@pytest.fixture(scope="module")
def lived() -> year.Year:
    return year.live_through(PLAN, 900, 7)


@pytest.fixture(scope="module")
def many() -> clinic.Truth:
    """A larger clinic, for the shares; no files."""
    return clinic.truth.tell(year.live_through(PLAN, 12_000, 11), [], [])


def test_the_same_seed_gives_the_same_bytes(made: tuple[Path, clinic.Truth], tmp_path: Path) -> None:
    folder, truth = made
    assert clinic.make(tmp_path) == truth
    assert _digests(tmp_path) == _digests(folder)


def test_another_seed_gives_another_clinic(made: tuple[Path, clinic.Truth], tmp_path: Path) -> None:
    clinic.make(tmp_path, seed=8)
    differ = {name for name, digest in _digests(tmp_path).items() if _digests(made[0])[name] != digest}
    assert differ == set(_digests(made[0])) - {"inbox/how_to_export.txt"}


def test_a_small_clinic_is_made_too(tmp_path: Path) -> None:
    assert clinic.make(tmp_path, patients=50).patients == 50


def test_every_programme_and_indication_has_outcomes(made: tuple[Path, clinic.Truth]) -> None:
    _, truth = made
    assert {p.programme_id for p in truth.programmes} == {p.id for p in PLAN.programmes}
    indications = {"depression_tr", "gad", "panic", "social_anxiety", "ptsd", "burnout", "compassion_fatigue", "chronic_pain"}
    assert {o.indication for o in truth.outcomes if o.measured > 0} == indications
    assert {o.indication for o in truth.outcomes if o.is_primary} == indications


def _planted(truth: clinic.Truth) -> dict[str, clinic.Share]:
    shares = {f"{p.programme_id} {name}": share for p in truth.programmes for name, share in p.shares.items()}
    for outcome in truth.outcomes:
        name = f"{outcome.programme_id} {outcome.indication} {outcome.instrument_id}"
        shares |= {f"{name} {metric}": share for metric, share in outcome.metrics.items() if share.planted is not None}
        shares[f"{name} coverage"] = outcome.coverage
    return shares


def test_shares_are_as_planted(many: clinic.Truth) -> None:
    """Within 4.5 standard errors: about one in 150,000 shares lies outside by chance."""
    shares = _planted(many)
    assert len(shares) > 150
    outside = {}
    for name, share in shares.items():
        planted = share.planted or 0.0
        error = math.sqrt(planted * (1 - planted) * share.denominator)
        if abs(share.numerator - planted * share.denominator) > 4.5 * error + 0.5:
            outside[name] = share
    assert outside == {}


def test_who_is_measured_does_not_depend_on_how_they_fare(many: clinic.Truth) -> None:
    lived = year.live_through(PLAN, 12_000, 11)
    fates = lived.fates.filter(pl.col("is_due") & pl.col("has_baseline"))
    seen, unseen = ((fates.filter(is_measured=here)["fate"] <= scores.RESPONDS).mean() for here in (True, False))
    assert isinstance(seen, float)
    assert isinstance(unseen, float)
    assert abs(seen - unseen) < 0.02


def test_the_fates_drawn_are_the_outcomes_that_the_scores_show(lived: year.Year) -> None:
    truth = clinic.truth.tell(lived, [], [])
    measured = lived.fates.filter(pl.col("is_due") & pl.col("is_measured"))
    for outcome in truth.outcomes:
        fates = measured.filter(programme_id=outcome.programme_id, indication=outcome.indication, measure=outcome.instrument_id)
        drawn = {
            "response": fates.filter(pl.col("fate") <= scores.RESPONDS).height,
            "remission": fates.filter((pl.col("fate") == scores.REMITS) & pl.col("is_case")).height,
            "reliable_deterioration": fates.filter(fate=scores.WORSENS).height,
        }
        found = {metric: outcome.metrics[metric].numerator for metric in drawn if metric in outcome.metrics}
        assert found == {metric: drawn[metric] for metric in found}


def test_a_lost_response_shows_at_d90(lived: year.Year) -> None:
    checked = 0
    for measure in (m for m in PLAN.measures.values() if m.has_response):
        keys = ["course", "measure"]
        pairs = lived.scores.filter(measure=measure.id)
        wide = pairs.filter(visit="baseline").select(*keys, base="severity")
        later = pairs.filter(visit="d90").select(*keys, later="severity")
        both = wide.join(later, on=keys).join(lived.fates.filter(pl.col("fate") <= scores.RESPONDS), on=keys)
        responds = measure.responds()[both["base"].to_numpy(), both["later"].to_numpy()]
        assert (responds == ~both["is_lost"].to_numpy()).all()
        checked += both.height
    assert checked > 300


def test_the_files_confirm_the_truth_of_phq9(made: tuple[Path, clinic.Truth]) -> None:
    """From the exported files alone, by the definitions of the metrics, written a second time."""
    folder, truth = made
    pairs = _from_files(folder / "inbox", truth)
    for outcome in (o for o in truth.outcomes if o.instrument_id == "phq9"):
        rows = pairs.filter(programme_id=outcome.programme_id, indication=outcome.indication)
        base, reached = rows["base"], rows["reached"]
        paired = rows.drop_nulls(["base", "reached"])
        cases = paired.filter(pl.col("base") >= 10)
        got = {
            "enrolled": rows.height,
            "with_baseline": base.count(),
            "measured": (base.is_not_null() & reached.is_not_null()).sum(),
            "response": paired.filter(2 * pl.col("reached") <= pl.col("base")).height,
            "remission": cases.filter(pl.col("reached") < 5).height,
            "cases": cases.height,
            "deterioration": paired.filter(pl.col("reached") - pl.col("base") >= 6).height,
        }
        assert got == {
            "enrolled": outcome.enrolled,
            "with_baseline": outcome.with_baseline,
            "measured": outcome.measured,
            "response": outcome.metrics["response"].numerator,
            "remission": outcome.metrics["remission"].numerator,
            "cases": outcome.metrics["remission"].denominator,
            "deterioration": outcome.metrics["reliable_deterioration"].numerator,
        }


def test_the_correction_moves_the_figures(made: tuple[Path, clinic.Truth]) -> None:
    folder, truth = made
    with_it, without = (_from_files(folder / "inbox", truth, corrected=use) for use in (True, False))
    assert len(truth.corrected_forms) == PLAN.corrected_forms
    assert not with_it.equals(without)


def _from_files(inbox: Path, truth: clinic.Truth, corrected: bool = True) -> pl.DataFrame:
    sessions = pl.read_parquet(inbox / f"sessions_{EXPORTED}.parquet").drop_nulls("session_id").unique("session_id")
    day = pl.col("started_at").dt.convert_time_zone(truth.timezone).dt.date()
    doses = sessions.filter(kind="medicine", status="completed").with_columns(day=day).sort("patient_id", "started_at")
    begins = (pl.col("day") - pl.col("day").shift(1).over("patient_id") > pl.duration(days=90)).fill_null(True)
    courses = doses.filter(begins).with_row_index("course")
    courses = courses.with_columns(day_0_at=pl.col("started_at").dt.convert_time_zone(truth.timezone).dt.replace_time_zone(None))
    courses = courses.filter(pl.col("day") + pl.duration(days=45) < truth.as_of)

    old = pl.read_csv(inbox / f"questionnaires_phq9_{EXPORTED}.csv", infer_schema=False)
    new = pl.read_csv(inbox / "questionnaires_phq9_2026-02-01.csv", infer_schema=False)
    if corrected:
        old = pl.concat([old.join(new, on="form_id", how="anti"), new])
    forms = old.filter(~pl.col("form_id").str.contains("-X")).unique(["form_id", "item"]).drop_nulls("answer")
    forms = forms.group_by("patient_id", "form_id", "answered_at").agg(score=pl.col("answer").cast(pl.Int64).sum(), items=pl.len())
    forms = forms.filter(items=9).with_columns(at=pl.col("answered_at").str.to_datetime()).with_columns(on=pl.col("at").dt.date())
    near = courses.join(forms, on="patient_id").with_columns(after=(pl.col("on") - pl.col("day")).dt.total_days())
    base = near.filter(pl.col("after").is_between(-30, 0) & (pl.col("at") < pl.col("day_0_at"))).sort("at").group_by("course").last()
    window = near.filter(pl.col("after").is_between(15, 45)).with_columns(far=(pl.col("after") - 30).abs())
    reached = window.sort("far", -pl.col("after")).group_by("course", maintain_order=True).first()
    people = pl.read_csv(inbox / f"patients_{EXPORTED}.csv", infer_schema=False).unique("patient_id").drop_nulls("patient_id")
    return (
        courses.select("course", "patient_id", "programme_id")
        .join(people.select("patient_id", "indication"), on="patient_id")
        .join(base.select("course", base="score"), on="course", how="left")
        .join(reached.select("course", reached="score"), on="course", how="left")
        .sort("course")
    )


def test_no_course_begins_in_the_gap_of_another(lived: year.Year) -> None:
    doses = lived.sessions.filter(kind="medicine", status="completed").sort("patient_id", "day")
    gaps = doses.with_columns(
        gap=pl.col("day") - pl.col("day").shift(1).over("patient_id"), other=pl.col("course").shift(1).over("patient_id")
    )
    gaps = gaps.drop_nulls("gap")
    assert (gaps["gap"] > 90).equals(gaps["course"] != gaps["other"])


def test_a_returning_patient_is_kept_apart(lived: year.Year) -> None:
    again = lived.courses.filter(course_number=2)
    first = lived.courses.filter(course_number=1).select("person", first="day_0")
    assert again.height > 0
    assert (again.join(first, on="person").select(pl.col("day_0") - pl.col("first")).to_series() > 130).all()


@pytest.mark.parametrize("measure", [m for m in PLAN.measures.values() if m.has_items], ids=lambda m: m.id)
def test_answers_add_up_and_stay_in_range(measure: plan.Measure) -> None:
    totals = np.arange(measure.top + 1)
    answered = answers.spread(draw.stream(3, 3), totals, measure)
    assert (answered.sum(axis=1) == totals).all()
    assert answered.min() == 0
    assert answered.max() == measure.answer_max


@pytest.mark.parametrize("measure", PLAN.measures.values(), ids=PLAN.measures.keys())
def test_the_plan_repeats_the_profile(measure: plan.Measure) -> None:
    profile = tomllib.loads((places.folder("profiles") / f"{PLAN.profile}.toml").read_text(encoding="utf-8"))
    rule = next((rule for rule in profile["rule"] if rule["instrument"] == measure.id), {})
    response = rule.get("response")
    points = response["points"] if isinstance(response, dict) else None
    assert measure.response == (None if points else response)
    assert measure.response_points == points
    assert measure.remission == rule.get("remission", {})
    assert measure.caseness == rule.get("caseness", {})
    assert measure.reliable_change == rule.get("reliable_change")
    mcid = rule.get("mcid")
    share = mcid["share"] if isinstance(mcid, dict) else None
    assert (measure.mcid, measure.mcid_share) == ((None, share) if share else (mcid, None))


def test_dirt_is_counted(made: tuple[Path, clinic.Truth]) -> None:
    _, truth = made
    files = {file.name: file for file in truth.files}
    totals: dict[str, int] = {}
    for file in truth.files:
        if file.shape == "total":
            totals = {kind: totals.get(kind, 0) + n for kind, n in file.dirt.items()} | {
                k: v for k, v in totals.items() if k not in file.dirt
            }
    assert totals == PLAN.dirt["totals"]
    assert files[f"patients_{EXPORTED}.csv"].dirt == PLAN.dirt["patients"]
    assert files[f"sessions_{EXPORTED}.parquet"].dirt == PLAN.dirt["sessions"]
    assert files[f"adverse_events_{EXPORTED}.csv"].dirt == PLAN.dirt["adverse_events"]
    assert files[f"questionnaires_gad7_{EXPORTED}.csv"].dirt == PLAN.dirt["gad7"]
    assert files[f"questionnaires_pcl5_{EXPORTED}.xlsx"].dirt == PLAN.dirt["pcl5"]
    planned = PLAN.dirt["phq9"]
    long = {kind: n * (1 if kind == "out_of_range" else 9) for kind, n in planned.items()}
    assert files[f"questionnaires_phq9_{EXPORTED}.csv"].dirt == long | {"corrected_later": 9 * PLAN.corrected_forms}


def _read(path: Path, rows: int) -> pl.DataFrame:
    if path.suffix == ".parquet":
        return pl.read_parquet(path)
    if path.suffix == ".jsonl":
        return pl.read_ndjson(path, infer_schema_length=None)
    if path.suffix == ".xlsx":
        return pl.read_excel(path)
    separator = ";" if "gad7" in path.name else ","
    return pl.read_csv(path, separator=separator, infer_schema=False, n_rows=rows)


def test_polars_reads_every_file_that_is_whole(made: tuple[Path, clinic.Truth]) -> None:
    folder, truth = made
    assert {path.name for path in (folder / "inbox").iterdir()} == {file.name for file in truth.files}
    for file in truth.files:
        if file.table:
            assert _read(folder / "inbox" / file.name, file.rows).height == file.rows, file.name


def test_one_file_is_cut_one_comes_twice_and_one_is_nothing(made: tuple[Path, clinic.Truth]) -> None:
    folder, truth = made
    inbox = folder / "inbox"
    assert [file.name for file in truth.files if file.fate == "refused"] == ["sessions_2026-02-01.csv", "how_to_export.txt"]
    last = (inbox / "sessions_2026-02-01.csv").read_text(encoding="utf-8").splitlines()[-1]
    assert last.count(",") < 5
    assert (inbox / f"adverse_events_{EXPORTED}.csv").read_bytes() == (inbox / f"adverse_events_{EXPORTED} (1).csv").read_bytes()


def test_the_truth_is_written_beside_the_inbox(made: tuple[Path, clinic.Truth]) -> None:
    folder, truth = made
    told = json.loads((folder / "truth.json").read_text(encoding="utf-8"))
    assert told["outcomes"][0]["enrolled"] == truth.outcomes[0].enrolled
    assert told["as_of"] == "2026-02-01"


def test_adding_up_leaves_out_what_is_not_named(made: tuple[Path, clinic.Truth]) -> None:
    _, truth = made
    single = truth.outcome("phq9", "response", "trd-infusion", "depression_tr")
    assert single.denominator == next(
        o.measured for o in truth.outcomes if (o.programme_id, o.indication, o.instrument_id) == ("trd-infusion", "depression_tr", "phq9")
    )
    assert truth.outcome("phq9", "response").denominator == sum(o.measured for o in truth.outcomes if o.instrument_id == "phq9")


@pytest.mark.parametrize("table", ["patient", "session", "adverse_event"])
def test_clean_rows_keep_the_rules_of_a_good_row(lived: year.Year, table: str) -> None:
    rows = {"patient": exports.patients, "session": exports.sessions, "adverse_event": exports.adverse_events}[table](lived)
    assert set(rows.columns) <= set(TABLES[table].readable)
    assert rows[TABLES[table].key[0]].is_unique().all()
    suite = json.loads((places.folder("expectations") / f"{table}.json").read_text(encoding="utf-8"))
    checked = 0
    for rule in suite["expectations"]:
        asked = rule["kwargs"]
        column = rows.get_column(asked.get("column", ""), default=None)
        if column is None or rule["meta"]["severity"] != "row":
            continue
        values = column.drop_nulls()
        if "value_set" in asked:
            assert set(values) <= set(asked["value_set"]), asked["column"]
            checked += 1
        elif values.dtype.is_numeric() and "max_value" in asked:
            assert values.is_between(asked.get("min_value", -math.inf), asked["max_value"]).all(), asked["column"]
            checked += 1
    assert checked >= 2


def test_a_workbook_keeps_numbers_times_and_text() -> None:
    frame = pl.DataFrame(
        {"id": ["0012", "<&>"], "at": [dt.datetime.fromisoformat("2025-03-04T09:05:00"), None], "n": [3, None], "x": [0.25, 1.5]}
    )
    book = xlsx.workbook(frame)
    assert book == xlsx.workbook(frame)
    assert pl.read_excel(book).select(pl.col("id"), pl.col("at").cast(pl.Datetime("us")), "n", "x").equals(frame)


def test_the_inbox_can_be_written_twice(lived: year.Year, tmp_path: Path) -> None:
    write.inbox(lived, tmp_path)
    before = _digests(tmp_path)
    write.inbox(lived, tmp_path)
    assert _digests(tmp_path) == before


def _digests(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
