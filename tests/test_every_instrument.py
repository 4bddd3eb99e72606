"""Every shipped instrument through a whole night: its examples score as they say, and every metric sees better as better."""

import datetime as dt
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from outcomes import instruments, verbs
from outcomes.instrument_model import Example
from outcomes.log import silent
from outcomes.settings import Clinic, Settings, load
from outcomes.sources import native

LIBRARY = instruments.load()
SETTINGS = """
[clinic]
name = "Every instrument"
timezone = "America/Denver"

[report]
also = [{also}]

[disclosure]
rule = "off"
"""
DAY_0 = dt.date(2025, 3, 3)


def run(folder: Path, files: dict[str, list[str]]) -> Path:
    """The warehouse of a night over these export files."""
    (folder / "inbox").mkdir(parents=True)
    also = ", ".join(f'"{name}"' for name in LIBRARY.profiles if name != "ketamine-rwe")
    (folder / "outcomes.toml").write_text(SETTINGS.format(also=also))
    for name, lines in files.items():
        (folder / "inbox" / f"{name}_2025-06-01.csv").write_text("\n".join([*lines, ""]))
    config = folder / "outcomes.toml"
    code, line = verbs.run(load(config), config, verbs.Wanted(dt.date(2026, 1, 1)), silent)
    assert code in (0, 4), line
    return folder / "data" / "warehouse" / "current" / "warehouse.duckdb"


def asked(path: Path, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(path), read_only=True) as con:
        return con.execute(sql).fetchall()


# Examples


def worked() -> list[tuple[str, str, Example]]:
    """Patient, questionnaire and example of every worked example."""
    return [(f"{one.id}-{n}", one.id, each) for one in LIBRARY.instruments.values() for n, each in enumerate(one.examples)]


@pytest.fixture(scope="module")
def scored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    answers = ["patient_id,form_id,instrument_id,answered_at,item,answer"]
    totals = ["patient_id,form_id,instrument_id,scale_id,answered_at,total"]
    patients = ["patient_id,sex"]
    for patient, questionnaire, each in worked():
        patients.append(f"{patient},{each.sex or 'unknown'}")
        questionnaire = f"{questionnaire}_{each.coding}" if each.coding else questionnaire
        for item, answer in enumerate(each.answers, 1):
            if answer is not None:
                answers.append(f"{patient},{patient},{questionnaire},{DAY_0},{item},{answer}")
        for scale, total in each.totals.items():
            totals.append(f"{patient},{patient}-{scale},{questionnaire},{scale},{DAY_0},{total}")
    return run(
        tmp_path_factory.mktemp("examples"), {"patients": patients, "questionnaires_items": answers, "questionnaires_totals": totals}
    )


Scores = dict[str, dict[str, tuple[Decimal | None, str | None, str | None]]]


@pytest.fixture(scope="module")
def scores(scored: Path) -> Scores:
    """Per patient and scale: score, reason for none, band in the default set."""
    found: Scores = {}
    for patient, scale, *rest in asked(
        scored,
        "select patient_id, scale_id, score, reason, arg_max(band_id, low) from core.score inner join ref.scale using (instrument_id) "
        "left join ref.band on score.instrument_id = band.instrument_id and is_default_set and score >= low group by all",
    ):
        found.setdefault(patient, {})[scale] = (rest[0], rest[1], rest[2])
    return found


ANSWERED = [pytest.param(p, each, id=f"{q}: {each.title}") for p, q, each in worked() if any(a is not None for a in each.answers)]
REPORTED = [pytest.param(p, each, id=f"{q}: {each.title}") for p, q, each in worked() if each.totals]


@pytest.mark.parametrize(("patient", "each"), ANSWERED)
def test_answers_of_an_example_score_as_it_says(scores: Scores, patient: str, each: Example) -> None:
    found = scores[patient]
    assert {scale: score for scale, (score, _, _) in found.items() if score is not None} == pytest.approx(each.scores, abs=Decimal("1e-6"))
    assert {scale: reason for scale, (_, reason, _) in found.items() if reason is not None} == each.reasons
    assert {scale: found[scale][2] for scale in each.bands} == each.bands


@pytest.mark.parametrize(("patient", "each"), REPORTED)
def test_totals_of_an_example_are_kept_or_refused(scores: Scores, patient: str, each: Example) -> None:
    found = scores.get(patient, {})
    assert {scale: score for scale, (score, _, _) in found.items()} == each.scores
    assert {scale: found[scale][2] for scale in each.bands} == each.bands


def test_criteria_of_the_examples_are_met_as_they_say(scored: Path) -> None:
    rows = asked(scored, "select patient_id, criterion_id, is_met from core.criterion inner join core.form using (form_number)")
    found = {(patient, criterion): is_met for patient, criterion, is_met in rows}
    said = {(patient, name): met for patient, _, each in worked() for name, met in each.criteria.items()}
    assert {key: found[key] for key in said} == said
    assert said


def test_a_criterion_by_sex_is_open_where_the_sex_is_not_known(scored: Path) -> None:
    rows = asked(
        scored,
        "select is_met from core.criterion inner join core.score using (form_number) "
        "where criterion_id = 'positive' and score.instrument_id = 'audit_c' and score.score = 12",
    )
    assert rows == [(None,)]


# Names of columns


@pytest.mark.parametrize("written", ["{name}_{item}", "{name}_q{item}", "{name}_{item:02}", "{name}.{item}", "{name}q{item}"])
@pytest.mark.parametrize("name", [one.id for one in LIBRARY.instruments.values() if one.items])
def test_item_columns_are_known_by_the_usual_names(name: str, written: str) -> None:
    """As REDCap and other forms write them: phq9_1, phq9_q1, phq9_01 ..."""
    items = range(1, (LIBRARY.instruments[name].items or 0) + 1)
    header = ["patient_id", "answered_at", *(written.format(name=name, item=item) for item in items)]
    known = native.recognise("questionnaires_2025-06-01.csv", Settings(clinic=Clinic(name="C", timezone="UTC")))
    columns = native.map_header(header, known, LIBRARY)
    assert [(block.questionnaire_id, dict(block.items)) for block in columns.blocks] == [(name, {item: item + 1 for item in items})]


def test_a_name_that_is_a_total_and_an_item_is_what_stands_beside_it() -> None:
    known = native.recognise("questionnaires_2025-06-01.csv", Settings(clinic=Clinic(name="C", timezone="UTC")))
    alone = native.map_header(["patient_id", "answered_at", "cadss_6", "cadss"], known, LIBRARY)
    assert {block.questionnaire_id: block.total for block in alone.blocks} == {"cadss6": 2, "cadss": 3}
    beside = native.map_header(["patient_id", "answered_at", "cadss_5", "cadss_6"], known, LIBRARY)
    assert [(block.questionnaire_id, dict(block.items)) for block in beside.blocks] == [("cadss", {5: 2, 6: 3})]


# Directions


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """For every measure a patient who went from its worst score to its best, and one who went the other way."""
    sessions = ["session_id,patient_id,site_id,started_at,kind,route"]
    totals = ["patient_id,instrument_id,scale_id,answered_at,total"]
    for one in LIBRARY.measures.values():
        best, worst = (one.low, one.high) if one.sign > 0 else (one.high, one.low)
        for way, before, after in (("better", worst, best), ("worse", best, worst)):
            patient = f"{one.id}-{way}"
            sessions.append(f"{patient}-1,{patient},north,{DAY_0},medicine,iv")
            for days, total in ((-2, before), (30, after)):
                totals.append(f"{patient},{one.questionnaire_id},{one.scale_id},{DAY_0 + dt.timedelta(days=days)},{total}")
    return run(tmp_path_factory.mktemp("directions"), {"sessions": sessions, "questionnaires": totals})


Verdicts = dict[tuple[str, str], list[tuple[str, str, bool, bool]]]


@pytest.fixture(scope="module")
def verdicts(judged: Path) -> Verdicts:
    """Per measure and way: profile, metric, whether more of it is better, whether its condition is met; of the courses that count."""
    found: Verdicts = {}
    for course, measure, *rest in asked(
        judged,
        "select course_id, instrument_id, profile_id, metric_id, good_is = 'up', numerator from core.evidence "
        "inner join ref.metric using (metric_id) "
        "where evidence.denominator and window_id = 'd30' and good_is in ('up', 'down') order by all",
    ):
        patient = course.rpartition("/")[0]
        if patient in (f"{measure}-better", f"{measure}-worse"):
            found.setdefault((measure, patient.rpartition("-")[2]), []).append((rest[0], rest[1], rest[2], rest[3]))
    return found


MEASURES = sorted(LIBRARY.measures)


@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize("way", ["better", "worse"])
def test_every_metric_sees_better_as_better(verdicts: Verdicts, measure: str, way: str) -> None:
    wrong = [row for row in verdicts.get((measure, way), []) if row[3] != (row[2] == (way == "better"))]
    assert not wrong


ASKED = {"response": "response", "reliable_change": "reliable_improvement", "mcid": "mcid"}


@pytest.mark.parametrize("measure", MEASURES)
def test_every_threshold_is_used(verdicts: Verdicts, measure: str) -> None:
    """What the main profile gives a number for, it answers; what it gives none for, it does not."""
    rule = next((rule for rule in LIBRARY.profiles["ketamine-rwe"].rules if rule.instrument == measure), None)
    given = set(rule.thresholds) if rule else set()
    found = {metric for profile, metric, *_ in verdicts.get((measure, "better"), []) if profile == "ketamine-rwe"}
    for threshold, metric in ASKED.items():
        assert (metric in found) == (threshold in given), metric
    assert ("remission" in found) == ({"remission", "caseness"} <= given)
    assert ("recovery" in found) == ("caseness" in given)
