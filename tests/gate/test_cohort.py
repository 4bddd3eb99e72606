"""Who joins, who waits, and when a breakdown may be counted again."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from outcomes.gate import cohort, names

K = 3
LEVELS = pl.DataFrame(
    [
        (stratum, breakdown, level)
        for stratum, site, programme in ((11, "a", "x"), (12, "a", "y"), (21, "b", "x"), (22, "b", "y"))
        for breakdown, level in (("site", site), ("programme", programme))
    ],
    schema=["stratum_id", "breakdown", "level"],
    orient="row",
)
People = dict[str, tuple[int, int]]  # person: stratum, state


def rows(people: People, population: str = "phq9 d30") -> pl.DataFrame:
    told = [(population, person, state, stratum) for person, (stratum, state) in people.items()]
    schema = {"population": pl.String, "person": pl.String, "state": pl.Int64, "stratum_id": pl.Int64}
    return pl.DataFrame(told, schema=schema, orient="row")


def some(stratum: int, count: int, first: str = "p") -> People:
    return {f"{first}{stratum}{i}": (stratum, 0) for i in range(count)}


def first_night(people: People) -> cohort.Cohort:
    return cohort.admit(cohort.nobody(rows(people)), rows(people), LEVELS, K, 1)


def changes(answer: cohort.Cohort) -> dict[str, int]:
    return dict(answer.rows.group_by("change").len().sort("change").iter_rows())


@pytest.mark.parametrize(
    ("people", "expected"),
    [
        pytest.param(some(11, 3), {"enters": 3}, id="k of one stratum"),
        pytest.param(some(11, 2), {"waits": 2}, id="fewer than k"),
        pytest.param(some(11, 3) | some(22, 2), {"enters": 3, "waits": 2}, id="two others wait"),
        pytest.param(some(11, 2) | some(12, 1), {"waits": 3}, id="k at a site, of two programmes"),
        pytest.param(some(11, 2) | some(12, 1) | some(22, 2) | some(21, 1), {"enters": 6}, id="k in each margin are enough"),
        pytest.param(some(11, 3) | some(12, 1) | some(22, 2), {"enters": 3, "waits": 3}, id="who waits keeps others waiting"),
        pytest.param({}, {}, id="nobody"),
    ],
)
def test_newcomers_join_in_company(people: People, expected: dict[str, int]) -> None:
    assert changes(first_night(people)) == expected


def test_populations_are_apart() -> None:
    tonight = pl.concat([rows(some(11, 2)), rows(some(11, 3), "gad7 d30")])
    answer = cohort.admit(cohort.nobody(tonight), tonight, LEVELS, K, 1)
    assert answer.standing["population"].unique().to_list() == ["gad7 d30"]


def test_who_waited_joins_later_and_is_a_newcomer_then() -> None:
    before = first_night(some(11, 3) | some(22, 2))
    answer = cohort.admit(before.standing, rows(some(11, 3) | some(22, 3)), LEVELS, K, 2, before.touched)
    assert changes(answer) == {"enters": 3, "kept": 3}
    assert answer.standing.group_by("first", "entered").len().sort("first").rows() == [(1, 1, 3), (2, 2, 3)]
    assert answer.touched.is_empty()


Touched = set[tuple[str, str]]
SITE_A_Y = {("site", "a"), ("programme", "y")}


@pytest.mark.parametrize(
    ("people", "expected", "touched"),
    [
        pytest.param(some(11, 3), {"left": 1, "kept": 3}, {("site", "a"), ("programme", "y")}, id="a withdrawal"),
        pytest.param(
            some(11, 3) | {"p120": (12, 1)}, {"left": 1, "kept": 3, "changes": 1}, {("site", "a"), ("programme", "y")}, id="a value"
        ),
        pytest.param(
            some(11, 3) | {"p120": (22, 0)},
            {"left": 1, "kept": 3, "changes": 1},
            {("site", "a"), ("site", "b"), ("programme", "y")},
            id="another site",
        ),
    ],
)
def test_a_change_shows_at_once_and_touches_levels(people: People, expected: dict[str, int], touched: Touched) -> None:
    standing = first_night(some(11, 3) | some(22, 3)).standing.filter(pl.col("stratum_id") == 11)
    odd = standing.head(1).with_columns(person=pl.lit("p120"), stratum_id=pl.lit(12, pl.Int64), state=pl.lit(0, pl.Int64))
    answer = cohort.admit(pl.concat([standing, odd]), rows(people), LEVELS, K, 2)
    assert changes(answer) == expected
    said = answer.touched.filter(pl.col("breakdown") != cohort.TOTAL)
    assert set(said.select("breakdown", "level").iter_rows()) == touched
    assert answer.touched.filter(pl.col("breakdown") == cohort.TOTAL)["version"].to_list() == [2]


RELEASED = pl.DataFrame({"population": ["phq9 d30"] * 2, "breakdown": ["site", "programme"], "version": [1, 1]})
START = some(11, 3) | some(22, 3)


@pytest.mark.parametrize(
    ("people", "ready"),
    [
        pytest.param(START, {"programme", "site"}, id="nothing happened"),
        pytest.param(START | some(11, 3, "q"), {"programme", "site"}, id="only newcomers"),
        pytest.param(some(11, 2) | some(22, 3), set(), id="a withdrawal alone"),
        pytest.param(some(11, 2) | some(22, 3) | some(11, 3, "q"), {"programme", "site"}, id="newcomers beside it"),
        pytest.param(some(11, 2) | some(22, 3) | some(11, 2, "q"), set(), id="two newcomers, who wait"),
        pytest.param(some(11, 2) | some(22, 3) | some(12, 3, "q"), {"site"}, id="newcomers at the site, of the other programme"),
        pytest.param(some(11, 2) | {"p112": (21, 0)} | some(22, 3) | some(11, 3, "q"), {"programme"}, id="a move between sites"),
        pytest.param(some(22, 3) | some(22, 3, "q"), {"programme", "site"}, id="everybody of a level went"),
    ],
)
def test_a_touched_level_waits_for_newcomers(people: People, ready: set[str]) -> None:
    before = first_night(START)
    answer = cohort.admit(before.standing, rows(people), LEVELS, K, 2, before.touched)
    said = cohort.ready(answer.standing, answer.touched, LEVELS, RELEASED, K)
    assert {row["breakdown"] for row in said.iter_rows(named=True) if row["is_ready"]} == ready


def test_who_comes_back_needs_company_and_is_none() -> None:
    before = first_night(START)
    former = pl.DataFrame({"population": ["phq9 d30"], "person": ["back"]})
    for newcomers, change in ((2, "waits"), (3, "returns")):
        people = START | some(11, newcomers, "q") | {"back": (11, 0)}
        answer = cohort.admit(before.standing, rows(people), LEVELS, K, 2, before.touched, former=former)
        assert answer.rows.filter(pl.col("person") == "back")["change"].to_list() == [change]


def test_a_new_name_of_a_level_touches_both() -> None:
    before = first_night(START)
    named = LEVELS.with_columns(level=pl.when(pl.col("level").is_in(["a", "b"])).then(pl.lit("both")).otherwise("level"))
    answer = cohort.admit(before.standing, rows(START), named, K, 2, before.touched, before=LEVELS)
    assert set(answer.touched["level"]) == {"a", "b", "both"}


FORMER = {"population": pl.String, "person": pl.String}
VERSION = {"population": pl.String, "breakdown": pl.String, "version": pl.Int64}
people_of_nights = st.lists(
    st.dictionaries(st.sampled_from([f"p{i}" for i in range(14)]), st.tuples(st.sampled_from([11, 12, 21, 22]), st.integers(0, 1))),
    min_size=1,
    max_size=6,
)


@given(people_of_nights)
def test_no_combination_of_what_one_breakdown_printed_weighs_few_people(nights: list[People]) -> None:
    """The theorem of the docstring, by Gaussian elimination: prints of one breakdown, whose combinations weigh at least k people.

    Each print is a vector over (person, state); taken in turn, the part that is new in one holds k people who are in none before.
    """
    before = first_night({})
    released: list[tuple[str, str, int]] = []
    printed: dict[str, list[frozenset[str]]] = {"site": [], "programme": []}
    former: set[str] = set()
    for version, people in enumerate(nights, 2):
        gone = pl.DataFrame([("phq9 d30", person) for person in sorted(former)], schema=FORMER, orient="row")
        before = cohort.admit(before.standing, rows(people), LEVELS, K, version, before.touched, former=gone)
        former |= set(before.standing["person"])
        past = pl.DataFrame(released, schema=VERSION, orient="row")
        said = cohort.ready(before.standing, before.touched, LEVELS, past, K)
        fresh = [row["breakdown"] for row in said.iter_rows(named=True) if row["is_ready"]]
        places = cohort.in_levels(before.standing, LEVELS).with_columns(who=pl.concat_str("person", "state", separator=" "))
        for breakdown in fresh:
            units = [frozenset(unit["who"]) for _, unit in places.filter(pl.col("breakdown") == breakdown).group_by("level")]
            seen = {who.split()[0] for unit in printed[breakdown] for who in unit}
            assert all(unit in printed[breakdown] or len({who.split()[0] for who in unit} - seen) >= K for unit in units)
            printed[breakdown] += units
        released += [("phq9 d30", breakdown, version) for breakdown in fresh]


def _names(sizes: dict[str, int], before: pl.DataFrame | None = None, **more: float) -> tuple[dict[str, str], pl.DataFrame]:
    strata = {level: place for place, level in enumerate(sizes)}
    levels = pl.DataFrame([(i, "site", level) for level, i in strata.items()], schema=["stratum_id", "breakdown", "level"], orient="row")
    people = rows({f"{level}{i}": (strata[level], 0) for level, n in sizes.items() for i in range(n)})
    answer = names.names(people, levels, before, K, **more)
    return dict(answer.select("level", "name").iter_rows()), answer


P = names.POOLED


@pytest.mark.parametrize(
    ("nights", "expected"),
    [
        pytest.param([{"a": 3, "b": 3}], {"a": "a", "b": "b"}, id="large enough"),
        pytest.param([{"a": 9, "b": 2, "c": 1}], {"a": "a", "b": P, "c": P}, id="the small go together"),
        pytest.param([{"a": 9, "b": 4, "c": 1}], {"a": "a", "b": P, "c": P}, id="and take the smallest other with them"),
        pytest.param([{"a": 1, "b": 1}], {"a": P, "b": P}, id="all are few"),
        pytest.param([{"a": 9, "b": 2, "c": 1}, {"a": 9, "b": 3, "c": 2}], {"a": "a", "b": P, "c": P}, id="no split that leaves few"),
        pytest.param([{"a": 9, "b": 2, "c": 1}, {"a": 9, "b": 3, "c": 3}], {"a": "a", "b": "b", "c": "c"}, id="a split into large parts"),
        pytest.param([{"a": 9, "b": 4}, {"a": 9, "b": 4, "c": 1}], {"a": "a", "b": P, "c": P}, id="a new small level is pooled"),
        pytest.param([{"a": 9, "b": 4}, {"a": 9, "b": 2}], {"a": "a", "b": "b"}, id="a name is kept"),
    ],
)
def test_names(nights: list[dict[str, int]], expected: dict[str, str]) -> None:
    before = None
    for sizes in nights:
        told, before = _names(sizes, before)
    assert told == expected


def test_a_pool_is_left_when_both_sides_are_ripe() -> None:
    _, before = _names({"a": 9, "b": 2, "c": 1})
    assert _names({"a": 9, "b": 5, "c": 6}, before, ripe=2)[0]["b"] == P
    assert _names({"a": 9, "b": 6, "c": 6}, before, ripe=2)[0]["b"] == "b"


def test_a_share_pools_what_would_wait_for_long() -> None:
    assert _names({"a": 50, "b": 45, "c": 5}, share=0.1)[0] == {"a": "a", "b": P, "c": P}
