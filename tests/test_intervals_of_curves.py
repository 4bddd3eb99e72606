"""Intervals of curves: nothing that is shown, left over, or got by subtraction is small, and no interval is longer than it must be."""

from itertools import pairwise

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from outcomes.disclosure import Rule
from outcomes.intervals import merged

CMS = Rule("cms", 1, 10)
OFF = Rule("off", 0, 0)
COUNTS = ("events", "censored")
Level = list[tuple[int, int]]


def cells(levels: dict[tuple[str, str], Level]) -> pl.DataFrame:
    """Counts of the intervals that end at 1, 2, ...; the last pair of each level lies beyond the grid."""
    rows = [
        (breakdown, level, until if until < len(pairs) else None, *pair)
        for (breakdown, level), pairs in levels.items()
        for until, pair in enumerate(pairs, start=1)
    ]
    return pl.DataFrame(
        rows, schema={"breakdown": pl.String, "level": pl.String, "until": pl.Int64, "events": int, "censored": int}, orient="row"
    )


def ends(frame: pl.DataFrame, *outer: pl.DataFrame, breakdown: str = "all", rule: Rule = CMS) -> list[int]:
    shown = merged(frame, ["breakdown"], "until", COUNTS, rule.hides, "up", outer)
    return sorted(shown.filter(pl.col("breakdown").eq(breakdown) & pl.col("until").is_not_null())["shown_as"].drop_nulls().unique())


@pytest.mark.parametrize(
    ("pairs", "expected"),
    [
        pytest.param([(11, 0), (0, 11), (11, 11), (0, 0)], [1, 2, 3], id="large ones stay as they are"),
        pytest.param([(0, 0), (11, 0), (0, 0), (0, 0)], [1, 2, 3], id="so do empty ones"),
        pytest.param([(6, 0), (5, 0), (11, 0), (0, 0)], [2, 3], id="small ones are merged with the next"),
        pytest.param([(11, 0), (6, 0), (0, 0)], [2], id="a small end is drawn into the last interval"),
        pytest.param([(11, 0), (11, 0), (6, 0), (0, 0)], [1, 3], id="and into no other"),
        pytest.param([(11, 0), (11, 0), (0, 6)], [], id="one beyond the grid takes the last interval back, here all"),
        pytest.param([(11, 0), (11, 0), (0, 0), (6, 0)], [1], id="and there one"),
        pytest.param([(11, 0), (0, 20), (0, 6)], [1], id="or is helped by the last interval"),
        pytest.param([(11, 3), (11, 3), (11, 5), (11, 11)], [3], id="events and censored both count"),
        pytest.param([(5, 5), (5, 0)], [], id="nothing is shown of a small group"),
    ],
)
def test_which_intervals_are_shown(pairs: Level, expected: list[int]) -> None:
    assert ends(cells({("all", "all"): pairs})) == expected


def test_without_a_rule_every_interval_is_shown() -> None:
    assert ends(cells({("all", "all"): [(1, 0), (0, 1), (2, 2)]}), rule=OFF) == [1, 2]


def test_a_responder_curve_is_merged_from_the_top_down() -> None:
    frame = cells({("all", "all"): [(20, 0), (11, 0), (3, 0), (20, 0)]})
    shown = merged(frame, ["breakdown"], "until", COUNTS, CMS.hides, "down")
    assert shown["shown_as"].drop_nulls().unique().sort().to_list() == [1, 2]


def test_levels_end_their_intervals_together_and_where_the_total_does() -> None:
    """North alone could be told at 1: the total minus it would tell that south has five."""
    north: Level = [(11, 0), (5, 0), (11, 0), (0, 0)]
    south: Level = [(5, 0), (11, 0), (11, 0), (0, 0)]
    total: Level = [(a + c, b + d) for (a, b), (c, d) in zip(north, south, strict=True)]
    frame = cells({("all", "all"): total, ("site", "north"): north, ("site", "south"): south})
    assert (ends(frame), ends(frame, breakdown="site")) == ([1, 2, 3], [2, 3])


def test_a_split_ends_its_intervals_where_the_whole_does() -> None:
    whole = merged(cells({("all", "all"): [(6, 0), (16, 0), (11, 0), (0, 0)]}), ["breakdown"], "until", COUNTS, CMS.hides, "up")
    assert ends(cells({("all", "all"): [(11, 0), (11, 0), (11, 0), (0, 0)]}), whole) == [2, 3]


def steps_and_counted(frame: pl.DataFrame) -> tuple[list[int], list[int]]:
    """The ends at which a curve steps, and those at which how many are at risk is told too."""
    steps = merged(
        frame.with_columns(left=pl.col("events") + pl.col("censored")), ["breakdown"], "until", ("events", "left"), CMS.hides, "up"
    )
    return sorted(steps.filter(breakdown="all", level="all")["shown_as"].drop_nulls().unique()), ends(frame, steps)


def test_a_curve_steps_where_events_are_many_and_is_counted_where_the_censored_are_too() -> None:
    frame = cells({("all", "all"): [(20, 3), (20, 3), (20, 9), (12, 0), (0, 0)]})
    assert ends(frame) == [3, 4]
    assert steps_and_counted(frame) == ([1, 2, 3, 4], [3, 4])


counts = st.one_of(st.just(0), st.integers(0, 30))
curves = st.integers(2, 7).flatmap(
    lambda size: st.lists(st.lists(st.tuples(counts, counts), min_size=size, max_size=size), min_size=1, max_size=3)
)


@given(curves)
def test_no_count_that_can_be_read_or_subtracted_is_small(levels: list[Level]) -> None:
    total: Level = [(sum(level[i][0] for level in levels), sum(level[i][1] for level in levels)) for i in range(len(levels[0]))]
    frame = cells({("all", "all"): total} | {("site", str(n)): level for n, level in enumerate(levels)})
    of_all, of_site = ends(frame), ends(frame, breakdown="site")
    assert set(of_site) <= set(of_all)
    for pairs, shown in [(total, of_all), *((level, of_site) for level in levels)]:
        for first, last in pairwise([0, *shown, len(pairs)] if shown else []):
            assert not any(CMS.hides(sum(pair[i] for pair in pairs[first:last])) for i in (0, 1))


@given(curves)
def test_neither_events_nor_those_who_leave_between_two_steps_are_few(levels: list[Level]) -> None:
    pairs = levels[0]
    steps, counted = steps_and_counted(cells({("all", "all"): pairs}))
    assert set(counted) <= set(steps)
    for shown, numbers in ((steps, [(e, e + c) for e, c in pairs]), (counted, pairs)):
        for first, last in pairwise([0, *shown, len(pairs)] if shown else []):
            assert not any(CMS.hides(sum(pair[i] for pair in numbers[first:last])) for i in (0, 1))
