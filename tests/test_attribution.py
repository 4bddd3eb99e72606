"""A month of releases with late forms, corrections, withdrawals and a new definition: each figure's causes are those that were planted.

Whoever subtracts two releases finds the causes of published.change to add up to the difference, in every cell of every release.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

from outcomes import attribution, ledger, log, verbs
from outcomes.disclosure import Rule
from outcomes.settings import load

START = dt.date(2026, 3, 1)
WEEKS = 5
SETTINGS = """
[clinic]
name = "Month"
timezone = "UTC"
[report]
profile = "ours"
[paths]
profiles = ["profiles"]
[disclosure]
rule = "{rule}"
[limits]
keep_warehouses = 9
"""
PROFILE = """
id = "ours"
version = "{version}"
title = "Ours"
about = "Ours"
[[rule]]
instrument = "phq9"
response = {response}
remission = {{ below = 5 }}
reviewed_on = 2026-01-01
[rule.source]
response = "ours"
remission = "ours"
[rule.status]
response = "house rule"
remission = "house rule"
"""
# By week: who is counted for the first time, whose form is late, who is corrected, who leaves; the share that a response asks for.
NEW = (100, 30, 16, 30, 30)
MISSING, WAITING = range(34), range(100, 110)  # without a follow-up form at first; known a week before their window has passed
LATE = range(14)
CORRECTED = range(36, 51)
GONE = range(60, 73)
BORDER = range(80, 92)  # from 20 to 11 points: a response of 45 per cent
SHARES = (0.5, 0.5, 0.5, 0.5, 0.4)

RESPONSE = ("ours", "response", "phq9", "d30", "all", "all")
PLANTED = [
    {},
    {"new": 30},
    {"new": 16, "late": 14},
    {"new": 30, "corrected": 15, "withdrawn": 13},
    {"new": 30, "definition": 12},
]


def week_of(patient: int) -> int:
    """The first release that counts the patient."""
    return next(week for week in range(WEEKS) if patient < sum(NEW[: week + 1]))


def points(patient: int, week: int) -> int:
    """The follow-up score as it is known in a week."""
    if patient in BORDER:
        return 11
    is_better = (patient // 2) % 2 == 0
    if patient in CORRECTED and week >= 3:
        is_better = not is_better
    return 3 + patient % 4 if is_better else 18


def exports(inbox: Path, week: int) -> None:
    """What comes in a week: sessions of the new, and, in the third, all forms again with those that are late."""
    day = START + dt.timedelta(days=7 * week)
    everybody = range(sum(NEW[: week + 1]))
    came = [p for p in everybody if week_of(p) == week and p not in WAITING] + ([*WAITING] if week == 0 else [])
    sessions, forms = [], []
    for p in everybody if week == 2 else sorted({*came, *(CORRECTED if week == 3 else ())}):
        day_0 = START + dt.timedelta(days=7 * week_of(p) - 50)
        if p in came:
            sessions.append(f"s{p},p{p:03},{'north' if p % 2 else 'south'},{day_0},medicine,iv,series")
        is_missing = p in MISSING and (week < 2 or p not in LATE)
        forms.append(f"b{p},p{p:03},phq9,{day_0 - dt.timedelta(days=1)},20")
        if not is_missing:
            forms.append(f"f{p},p{p:03},phq9,{day_0 + dt.timedelta(days=30)},{points(p, week)}")
    write(inbox / f"sessions_{day}.csv", "session_id,patient_id,site_id,started_at,kind,route,programme_id", sessions)
    write(inbox / f"questionnaires_{day}.csv", "form_id,patient_id,instrument_id,answered_at,total", forms)
    if week == 3:
        write(inbox / f"patients_{day}.csv", "patient_id,withdrawn_on", [f"p{p:03},{day}" for p in GONE])


def write(path: Path, header: str, lines: list[str]) -> None:
    path.write_text("\n".join([header, *lines, ""]), encoding="utf-8")


def month(folder: Path, rule: str, weeks: int) -> Path:
    (folder / "inbox").mkdir(parents=True)
    (folder / "profiles").mkdir()
    config = folder / "outcomes.toml"
    config.write_text(SETTINGS.format(rule=rule))
    for week in range(weeks):
        exports(folder / "inbox", week)
        (folder / "profiles" / "ours.toml").write_text(PROFILE.format(response=SHARES[week], version=SHARES[week]))
        code, line = verbs.run(load(config), config, verbs.Wanted(START + dt.timedelta(days=7 * week)), log.silent)
        assert code in (0, 4), line
    return folder / "data"


@pytest.fixture(scope="module", params=[("cms", WEEKS), ("nhs", 3)], ids=["cms", "nhs"])
def data(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A month under a rule that hides up to ten, and the beginning of one under a rule that rounds to five."""
    import spine

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(spine, "LOOKED_INTO", spine.LOOKED_INTO | {"report.change"})
        spine.build_nothing_else(tmp_path_factory.getbasetemp() / "spine-of-change", patch.setattr)
        rule, weeks = request.param
        yield month(tmp_path_factory.mktemp("month") / rule, rule, weeks)


def snapshots(data: Path) -> list[Path]:
    return sorted((data / "published" / "snapshots").iterdir(), key=lambda path: path.name[-4:])


def published(snapshot: Path, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(snapshot / "outcomes.duckdb"), read_only=True) as con:
        return con.execute(sql).fetchall()


def private_rows(data: Path, week: int, sql: str) -> list[tuple[Any, ...]]:
    folder = snapshots(data)[week].name
    with duckdb.connect(str(data / "warehouse" / "snapshots" / folder / "warehouse.duckdb"), read_only=True) as con:
        return con.execute(sql).fetchall()


CELLS = "profile_id, metric_id, instrument_id, window_id, breakdown, level"
FIGURES = f"select {CELLS}, numerator, denominator, as_of from published.outcome_summary where not is_suppressed"


def test_the_causes_of_every_cell_add_up_to_the_difference_of_what_was_printed(data: Path) -> None:
    figures = [{row[:6]: row[6:] for row in published(snapshot, FIGURES)} for snapshot in snapshots(data)]
    by_date = {START + dt.timedelta(days=7 * week): rows for week, rows in enumerate(figures)}
    moved, lags = 0, set()
    for week, snapshot in enumerate(snapshots(data)):
        now = START + dt.timedelta(days=7 * week)
        sums: dict[tuple[str, ...], list[int]] = defaultdict(lambda: [0, 0])
        for *cell, since, numerator, denominator in published(
            snapshot, f"select {CELLS}, since_on, numerator_change, denominator_change from published.change"
        ):
            sums[tuple(cell)][0] += numerator
            sums[tuple(cell)][1] += denominator
            assert by_date[since][tuple(cell)][2] == since, "since when is when the figure before was printed"
            lags.add((now - since).days)
        for cell, (numerator, denominator, as_of) in figures[week].items():
            earlier = [rows[cell] for rows in reversed(figures[:week]) if cell in rows]
            if as_of < now or not earlier:
                assert cell not in sums, "held, or never shown before"
                continue
            assert sums.pop(cell, [0, 0]) == [numerator - earlier[0][0], denominator - earlier[0][1]], cell
            moved += 1
        assert not sums
    assert moved > 10
    assert len(snapshots(data)) < WEEKS or max(lags) > 7, "of a figure that was held, the change is since it was last printed"


def test_each_course_has_the_cause_that_was_planted(data: Path) -> None:
    names = dict(zip(CELLS.split(", "), RESPONSE, strict=True))
    where = " and ".join(f"{name} = '{value}'" for name, value in names.items())
    weeks = range(len(snapshots(data)))
    found = [dict(private_rows(data, week, f"select cause_id, courses from meta.attribution where {where}")) for week in weeks]
    assert found == PLANTED[: len(weeks)]


def test_the_causes_of_every_cell_add_up_among_the_clinics_own_analysts(data: Path) -> None:
    exact = f"select {CELLS}, numerator, denominator from release.outcome where not is_suppressed"
    for week in range(1, len(snapshots(data))):
        before, now = ({row[:6]: row[6:] for row in private_rows(data, w, exact)} for w in (week - 1, week))
        rows = private_rows(data, week, f"select {CELLS}, sum(numerator), sum(denominator) from meta.attribution group by all")
        assert rows
        for *cell, numerator, denominator in rows:
            key = tuple(cell)
            assert (numerator, denominator) == (now[key][0] - before[key][0], now[key][1] - before[key][1]), key


def test_a_cause_is_told_apart_only_where_no_line_of_its_cell_is_about_few(data: Path) -> None:
    k, c = (11, 2) if data.parent.name == "cms" else (5, 2)
    told = set()
    for week, snapshot in enumerate(snapshots(data)):
        lines = defaultdict(set)
        for *cell, cause in published(snapshot, f"select {CELLS}, cause_id from published.change"):
            lines[tuple(cell)].add(cause)
        people = defaultdict(dict)
        for *cell, cause, courses, events in private_rows(data, week, f"select {CELLS}, cause_id, courses, events from meta.attribution"):
            people[tuple(cell)][cause] = (courses, events)
        for cell, causes in lines.items():
            apart = causes - {"several"}
            told |= apart
            rest = {name: both for name, both in people[cell].items() if name not in apart}
            groups = [people[cell][cause] for cause in apart] + ([tuple(map(sum, zip(*rest.values(), strict=True)))] if rest else [])
            assert len(groups) == 1 or all(n >= k and x >= c and n - x >= c for n, x in groups), cell
    assert {"new", "late"} <= told


def test_what_stood_behind_the_figures_names_patients_in_one_file_only(data: Path) -> None:
    (folder,) = (data / ledger.FOLDER).iterdir()
    with_patients = [path.name for path in folder.glob("moved_*") if "patient_id" in pl.read_parquet_schema(path)]
    assert with_patients == ["moved_course.parquet"]
    courses = pl.read_parquet(folder / "moved_course.parquet")
    weeks = len(snapshots(data))
    gone = [f"p{p:03}" for p in GONE] if weeks > 4 else []
    assert not set(gone) & set(courses["patient_id"]), "no figure on show rests on who withdrew two releases ago"
    assert courses["patient_id"].n_unique() == sum(NEW[:weeks]) - len(gone)


RULE = Rule("cms", 1, 10, gate_k=11, gate_c=2)
ALL, SITE = ("ours", "response", "phq9", "d30", "all"), ("ours", "response", "phq9", "d30", "site")


@pytest.mark.parametrize(
    ("all_", "sites", "told"),
    [
        ({"new": (30, 15)}, {}, {("all", "new")}),
        ({"new": (5, 2)}, {}, {("all", "new")}),
        ({"new": (30, 15), "late": (12, 6)}, {}, {("all", "new"), ("all", "late")}),
        ({"new": (30, 15), "late": (10, 5)}, {}, set()),
        ({"new": (30, 15), "late": (12, 1)}, {}, set()),
        ({"new": (30, 15), "late": (12, 12)}, {}, set()),
        ({"new": (30, 15), "late": (6, 3), "corrected": (6, 3)}, {}, {("all", "new")}),
        (
            {"new": (30, 15), "late": (12, 6)},
            {"a": {"new": (30, 15), "late": (12, 6)}},
            {("all", "new"), ("all", "late"), ("a", "new"), ("a", "late")},
        ),
        (
            {"new": (30, 15), "late": (12, 6)},
            {"a": {"new": (15, 7), "late": (6, 3)}, "b": {"new": (15, 8), "late": (6, 3)}},
            {("all", "new"), ("all", "late")},
        ),
        ({"new": (30, 15), "late": (10, 5)}, {"a": {"new": (30, 15)}, "b": {"late": (10, 5)}}, set()),
    ],
    ids=[
        "one cause",
        "one cause of few: the prints say it themselves",
        "two of many",
        "one of few",
        "one all but one without",
        "one all with",
        "few and few are many",
        "a breakdown as its total",
        "a breakdown with few",
        "no breakdown tells more than its total",
    ],
)
def test_what_may_be_told(all_: dict[str, Any], sites: dict[str, dict[str, Any]], told: set[tuple[str, str]]) -> None:
    cells = [(*ALL, "all", cause, *counts) for cause, counts in all_.items()]
    cells += [(*SITE, level, cause, *counts) for level, causes in sites.items() for cause, counts in causes.items()]
    names = [*attribution.CELL, "cause_id", "courses", "events"]
    moves = pl.DataFrame(cells, schema=names, orient="row").with_columns(
        numerator=pl.col("events"), denominator=pl.col("courses"), is_open=pl.lit(value=True), since=pl.lit(1)
    )
    found = attribution._told(moves, RULE)
    assert set(found.select("level", "cause_id").rows()) == told


def printed(version: int, breakdown: str = "all", last: int | None = None) -> dict[str, Any]:
    cell = dict(zip(attribution.CELL, ("ours", "response", "phq9", "d30", breakdown, "all"), strict=True))
    return {**cell, "version": version, "last": last or version}


@pytest.mark.parametrize(
    ("before", "pool_before", "pool_now", "opened"),
    [
        ([printed(1), printed(1, "site")], [], [], {"all", "site"}),
        ([printed(1), printed(2), printed(1, "site")], [], [], {"all"}),
        ([printed(1), printed(1, "site")], ["north"], ["north"], {"all", "site"}),
        ([printed(1), printed(1, "site")], ["north"], [], {"all"}),
        ([printed(1), printed(1, "site")], [], ["north"], {"all"}),
    ],
    ids=["printed together", "the total since", "a pool", "a level has left the pool", "a level has come to the pool"],
)
def test_causes_are_told_for_times_that_do_not_overlap_and_for_groups_that_are_the_same(
    before: list[dict[str, Any]], pool_before: list[str], pool_now: list[str], opened: set[str]
) -> None:
    ledger_ = pl.DataFrame(before)
    pairs = ledger_.group_by(attribution.PARTITION).agg(pl.col("last").max().alias("since"))
    schema = dict.fromkeys((*attribution.CELL, "shown_as"), pl.String)
    pools = [
        pl.DataFrame([{**printed(1, "site"), "level": level, "shown_as": "(pooled)"} for level in levels]).select(*schema)
        if levels
        else pl.DataFrame(schema=schema)
        for levels in (pool_before, pool_now)
    ]
    found = attribution._partitions(pairs, ledger_, *pools)
    assert set(found.filter("is_open")["breakdown"]) == opened


@pytest.mark.parametrize(
    ("is_regrouped", "cause"), [(False, "withdrawn"), (True, "regrouped")], ids=["who was forgotten", "groups of a pool"]
)
def test_what_no_course_that_is_kept_accounts_for_has_a_cause_too(is_regrouped: bool, cause: str) -> None:
    cell = dict(zip(attribution.CELL, (*ALL, "all"), strict=True))
    moves = pl.DataFrame([{**cell, "cause_id": "new", "courses": 12, "events": 6, "denominator": 12, "numerator": 6}])
    counts = {"numerator_before": 20, "numerator_now": 25, "denominator_before": 40, "denominator_now": 49}
    partitions = pl.DataFrame([{**cell, "since": 1, "is_regrouped": is_regrouped, "is_open": not is_regrouped}]).drop("level")
    found = attribution._with_the_forgotten(moves, pl.DataFrame([{**cell, **counts}]), partitions)
    assert set(found.select("cause_id", "courses", "numerator", "denominator").rows()) == {("new", 12, 6, 12), (cause, 3, -1, -3)}
