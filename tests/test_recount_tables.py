"""Every other published count can be counted again from rows of single courses, with nothing but comparisons and sums in Python.

The rates and the means are counted again in test_recount; recounted.py says where each table of a release is.
"""

import datetime as dt
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from itertools import pairwise
from typing import Any

import pytest
from test_recount import AS_OF, KEY, House, build, cell, exports, levels, settings  # noqa: F401

Key = tuple[Any, ...]
Built = Callable[..., House]


def spread(house: House, rows: Iterable[tuple[str, str, Key]]) -> Counter[Key]:
    """How many rows (course, measure, key) there are by key, breakdown and level."""
    where = levels(house)
    counted: Counter[Key] = Counter()
    for course, measure, key in rows:
        counted.update((*key, *level) for level in where[course, measure])
    return counted


def outcomes(house: House) -> list[dict[str, Any]]:
    return house.rows("select * from core.outcome")


def measured(house: House) -> list[dict[str, Any]]:
    return [row for row in outcomes(house) if row["is_due"] and row["baseline"] is not None and row["score"] is not None]


def published(house: House, table: str, key: Iterable[str], count: str) -> dict[Key, int]:
    """The counts of a table by key, breakdown and level, without those of nobody."""
    names = (*key, "breakdown", "level")
    return {tuple(row[name] for name in names): row[count] for row in house.rows(f"select * from report.{table}") if row[count]}


@pytest.mark.parametrize(
    ("table", "count", "is_counted"),
    [
        pytest.param("retention", "enrolled", lambda row: row["is_due"], id="enrolled"),
        pytest.param("retention", "with_baseline", lambda row: row["is_due"] and row["baseline"] is not None, id="with a baseline"),
        pytest.param("retention", "with_score", lambda row: row["is_due"] and row["score"] is not None, id="with a score"),
        pytest.param("due", "due", lambda row: row["is_due"], id="due"),
        pytest.param("due", "not_due", lambda row: not row["is_due"], id="not due"),
    ],
)
def test_who_was_measured(build: Built, table: str, count: str, is_counted: Callable[[dict[str, Any]], bool]) -> None:  # noqa: F811
    house = build("off")
    rows = [
        (row["course_id"], row["instrument_id"], (row["instrument_id"], row["window_id"])) for row in outcomes(house) if is_counted(row)
    ]
    assert published(house, table, ("instrument_id", "window_id"), count) == spread(house, rows)


@pytest.mark.parametrize("count", ["expected", "answered"])
def test_which_forms_were_answered(build: Built, count: str) -> None:  # noqa: F811
    house = build("off")
    because = {(row["course_id"], row["instrument_id"]): row["because"] for row in house.rows("select * from core.expected")}
    rows = [
        (row["course_id"], row["instrument_id"], (row["instrument_id"], row["window_id"], because[row["course_id"], row["instrument_id"]]))
        for row in outcomes(house)
        if row["is_due"] and (count == "expected" or row["score"] is not None)
    ]
    found = published(house, "completeness", ("instrument_id", "window_id", "because"), count)
    assert found == spread(house, rows)
    assert {key[2] for key in found} == {"profile", "answered"}


def test_from_which_severity_to_which(build: Built) -> None:  # noqa: F811
    house = build("off")
    bands: dict[str, list[tuple[Any, str]]] = defaultdict(list)
    for row in house.rows("select * from ref.band where is_default_set order by instrument_id, low"):
        bands[row["instrument_id"]].append((row["low"], row["band_id"]))

    def band(measure: str, score: Any) -> str:
        lows = [low for low, _ in bands[measure]]
        return bands[measure][bisect_right(lows, score) - 1][1]

    rows = []
    for row in measured(house):
        measure = row["instrument_id"]
        if bands[measure]:
            rows.append(
                (row["course_id"], measure, (measure, row["window_id"], band(measure, row["baseline"]), band(measure, row["score"])))
            )
    assert published(house, "band_shift", ("instrument_id", "window_id", "from_band", "to_band"), "courses") == spread(house, rows)


def test_who_came_to_which_session(build: Built) -> None:  # noqa: F811
    house = build("off")
    strata = defaultdict(list)
    for row in house.rows("select * from core.course_stratum join core.course_stratum_level using (course_stratum_id)"):
        strata[row["course_id"]].append((row["breakdown"], row["level"]))
    counted: Counter[Key] = Counter()
    for course in house.rows("select * from core.course"):
        begun, last = course["day_0"], course["end_of_induction_on"]
        if begun + dt.timedelta(days=42) < AS_OF and last + dt.timedelta(days=14) < AS_OF:
            counted.update(
                (number, *level) for number in range(1, course["induction_sessions"] + 1) for level in strata[course["course_id"]]
            )
    found = published(house, "session_retention", ("session_number",), "reached")
    assert found
    assert found.items() <= counted.items()
    for (_, *level), reached in found.items():
        ends = sorted((key for key in counted if list(key[1:]) == level), key=lambda key: key[0])
        drops = {after[0] for before, after in pairwise(ends) if counted[after] < counted[before]}
        assert drops <= {key[0] for key in found if list(key[1:]) == level}
        assert reached <= counted[(1, *level)]


def test_who_improved_by_how_much(build: Built) -> None:  # noqa: F811
    house = build("off")
    grid = [row["at_least_pct"] for row in house.rows("select at_least_pct from ref.improvement_grid")]
    rows = [
        (row["course_id"], row["instrument_id"], (row["instrument_id"], row["window_id"], share))
        for row in measured(house)
        if row["baseline"] > 0
        for share in grid
        if 100 * row["improvement"] >= share * row["baseline"]
    ]
    found = published(house, "responder_curve", ("instrument_id", "window_id", "at_least_pct"), "improved")
    assert found == {key: n for key, n in spread(house, rows).items() if key in found}
    assert len(found) > 1000


def test_how_long_until_what_happened(build: Built) -> None:  # noqa: F811
    """At risk, events and censored between the times of the grid, and the product-limit, one course after the other."""
    house = build("off")
    grid: dict[Key, list[int]] = defaultdict(list)
    for row in house.rows("select event_id, unit, time from ref.survival_grid order by all"):
        grid[row["event_id"], row["unit"]].append(row["time"])
    split = {row["event_id"] for row in house.rows("select event_id from ref.survival_event where is_split")}
    where = levels(house)
    courses: dict[Key, list[tuple[int, bool]]] = defaultdict(list)
    for row in house.rows("select * from core.event_time where reason is null"):
        names = ["all", *(["with" if row["has_boosters"] else "without"] if row["event_id"] in split else [])]
        for unit in ("days", "sessions"):
            for level in where[row["course_id"], row["instrument_id"]] if (row["event_id"], unit) in grid else []:
                for name in names:
                    key = (row["profile_id"], row["event_id"], row["instrument_id"], unit, *level, name)
                    courses[key].append((row[unit], row["is_event"]))
    recounted = {}
    for key, seen in courses.items():
        in_order, at_risk, survival = sorted(Counter(seen).items(), key=lambda pair: (pair[0][0], not pair[0][1])), len(seen), 1.0
        for until in grid[key[1], key[3]]:
            at_first, happened = at_risk, Counter({True: 0, False: 0})
            while in_order and in_order[0][0][0] <= until:
                (_, is_event), n = in_order.pop(0)
                survival *= 1 - n / at_risk if is_event else 1
                at_risk -= n
                happened[is_event] += n
            if at_first:
                recounted[*key, until] = (at_first, happened[True], happened[False], round(survival, 8))
    names = ("profile_id", "event_id", "instrument_id", "counted_in", "breakdown", "level", "maintenance", "time")
    numbers = ("at_risk", "events", "censored")
    found = {
        tuple(row[name] for name in names): (*(row[name] for name in numbers), round(row["survival"], 8))
        for row in house.rows("select * from report.survival")
    }
    assert found == recounted
    assert {key[6] for key in found} == {"all", "with", "without"}


def test_on_what_a_rate_depends(build: Built) -> None:  # noqa: F811
    house = build("off")
    moderators = {row["breakdown"] for row in house.rows("select breakdown from ref.moderator")}
    of_course = {key: [level for level in found if level[0] in moderators] for key, found in levels(house).items()}
    groups: dict[Key, Counter[Key]] = defaultdict(Counter)
    met: Counter[Key] = Counter()
    for row in house.rows(f"select {', '.join(KEY)}, course_id, numerator from core.evidence where denominator"):
        metric = tuple(row[name] for name in KEY)
        groups[metric].update(of_course[row["course_id"], row["instrument_id"]])
        met.update((metric, level) for level in of_course[row["course_id"], row["instrument_id"]] if row["numerator"])
    recounted = {}
    for metric, counts in groups.items():
        sizes = Counter(breakdown for breakdown, _ in counts)
        compared = {level: n for level, n in counts.items() if sizes[level[0]] > 1}
        recounted |= {(*metric, *level): (n, met[metric, level], len(compared)) for level, n in compared.items()}
    found = {cell(row): (row["denominator"], row["numerator"], row["comparisons"]) for row in house.rows("select * from report.moderator")}
    assert found == recounted
    assert {key[4] for key in found} >= {"baseline_severity", "prior_failures"}


def test_categories_add_up_to_the_measured(build: Built) -> None:  # noqa: F811
    """Which category a course is in is counted again in test_jacobson_truax; here, that each is in one."""
    house = build("off")
    rows = [(row["course_id"], row["instrument_id"], (row["instrument_id"], row["window_id"])) for row in measured(house)]
    people = spread(house, rows)
    sums: Counter[Key] = Counter()
    for row in house.rows("select * from report.change_category"):
        names = ("method_id", "cutoff_id", "instrument_id", "window_id", "breakdown", "level")
        sums[tuple(row[name] for name in names)] += row["n"]
    assert sums
    assert all(n == people[key[2:]] for key, n in sums.items())
    of_courses = [
        (
            row["course_id"],
            row["instrument_id"],
            tuple(row[name] for name in ("instrument_id", "window_id", "method_id", "cutoff_id", "category")),
        )
        for row in house.rows("select * from tally.change_course where is_usual")
    ]
    usual = {
        tuple(row[name] for name in ("instrument_id", "window_id", "method_id", "cutoff_id", "category", "breakdown", "level")): row["n"]
        for row in house.rows("select * from report.change_category where is_usual")
        if row["n"]
    }
    assert usual == spread(house, of_courses)


@pytest.mark.parametrize("rule", ["off", "cms"])
def test_the_own_figure_beside_a_benchmark_is_the_published_one(build: Built, rule: str) -> None:  # noqa: F811
    house = build(rule)
    names = ("profile_id", "metric_id", "instrument_id", "window_id", "breakdown", "level")
    rates = {tuple(row[name] for name in names): row for row in house.rows("select * from report.outcome_summary")}
    compared = 0
    for row in house.rows("select * from report.benchmark where metric_id is not null"):
        where = ("all", "all") if row["indication"] is None else ("indication", row["indication"])
        own = rates.get((*(row[name] for name in names[:4]), *where))
        columns = {
            "own_enrolled": "enrolled",
            "own_numerator": "numerator",
            "own_rate": "rate",
            "own_low": "rate_low",
            "own_high": "rate_high",
        }
        assert {name: row[name] for name in columns} == {name: own[other] if own else None for name, other in columns.items()}
        compared += own is not None and own["rate"] is not None
    assert compared


def test_evidence_says_by_which_definition(build: Built) -> None:  # noqa: F811
    house = build("off")
    rows = house.rows("select distinct profile_id, metric_id, instrument_id, definition_version from core.evidence")
    versions = {row["profile_id"]: row["version"] for row in house.rows("select * from ref.profile")}
    assert all(row["definition_version"].startswith(f"{row['profile_id']}@{versions[row['profile_id']]} ") for row in rows)
    assert len({row["definition_version"] for row in rows}) == len(rows)


def test_evidence_says_who_is_enrolled_and_eligible(build: Built) -> None:  # noqa: F811
    house = build("off")
    names = ("profile_id", "metric_id", "instrument_id", "window_id")
    for count in ("enrolled", "eligible"):
        rows = house.rows(f"select * from core.evidence where is_{count}")
        counted = spread(house, ((row["course_id"], row["instrument_id"], tuple(row[name] for name in names)) for row in rows))
        assert published(house, "outcome_summary", names, count) == counted
