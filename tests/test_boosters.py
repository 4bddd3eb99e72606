"""Response before and after boosters, counted again from the doses and scores of single patients with nothing but comparisons."""

from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from truth_tools import PLAN, Found, lived_in

WITHIN = 45
COUNTS = ("boosters", "responding_before", "responding_after")
Key = tuple[Any, ...]


@pytest.fixture(scope="module")
def found(courses_clinic: Path) -> Found:
    return lived_in(courses_clinic)


def by_course(rows: pl.DataFrame) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in rows.to_dicts():
        found[row["course_id"]].append(row)
    return found


def pairs(found: Found) -> list[tuple[str, str, int, Any, Any, Any]]:
    """Course, measure, place of the booster, baseline, score before and score after."""
    doses = by_course(found.sql("select * from core.session where is_treatment order by course_id, treatment_number"))
    days_0 = dict(found.sql("select course_id, next_day_0 from core.course").iter_rows())
    scores = by_course(
        found.sql(
            "select course_id, score.* from core.score join core.course using (patient_id) "
            "where score is not null and not is_set_aside order by answered_on, is_after_treatment"
        )
    )
    baselines = {(row["course_id"], row["instrument_id"]): row["baseline"] for row in found.sql("from core.baseline").to_dicts()}
    answer = []
    for course, given in doses.items():
        phases = [dose["phase"] for dose in given]
        start = len(phases) - phases[::-1].index("induction") if "induction" in phases else len(phases)
        for place in range(start, len(given)):
            booster, earlier, later = given[place], given[place - 1], given[place + 1] if place + 1 < len(given) else None
            before: dict[str, Any] = {}
            after: dict[str, Any] = {}
            for score in scores[course]:
                on, late, measure = score["answered_on"], score["is_after_treatment"], score["instrument_id"]
                if abs((on - booster["started_on"]).days) > WITHIN or (days_0[course] and on >= days_0[course]):
                    continue
                if (on, late) > (earlier["started_on"], False) and (on, late) <= (booster["started_on"], False):
                    before[measure] = score["score"]
                elif (on, late) > (booster["started_on"], False) and (not later or (on, late) <= (later["started_on"], False)):
                    after.setdefault(measure, score["score"])
            answer += [
                (course, measure, place - start + 1, baselines[course, measure], before[measure], after[measure])
                for measure in before.keys() & after.keys()
                if (course, measure) in baselines
            ]
    return answer


def test_boosters_are_counted_again(found: Found) -> None:
    share = {"phq9": 0.5, "gad7": 0.5}
    where = defaultdict(list)
    for row in found.sql("select * from core.course_stratum join core.course_stratum_level using (course_stratum_id)").to_dicts():
        where[row["course_id"]].append((row["breakdown"], row["level"]))
    true: Counter[Key] = Counter()
    for course, measure, place, baseline, before, after in pairs(found):
        if measure not in share or baseline <= 0:
            continue
        for number in ("all", str(place)):
            for level in where[course]:
                key = (measure, number, *level)
                true[*key, "boosters"] += 1
                true[*key, "responding_before"] += float(baseline - before) >= share[measure] * float(baseline)
                true[*key, "responding_after"] += float(baseline - after) >= share[measure] * float(baseline)
    rows = found.published("select * from published.booster where profile_id = $profile", profile=PLAN.profile).to_dicts()
    published = {
        (row["instrument_id"], row["number"], row["breakdown"], row["level"], count): row[count]
        for row in rows
        if row["instrument_id"] in share
        for count in COUNTS
    }
    assert {key: n for key, n in published.items() if n} == {key: n for key, n in true.items() if n}
    assert true["phq9", "all", "all", "all", "boosters"] > 5
