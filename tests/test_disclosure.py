"""What is shown adds up, nothing shown or inferred by subtraction is small, and no more is hidden than must be."""

import re
from collections.abc import Iterator
from itertools import combinations

import duckdb
import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from outcomes import disclosure, places, reference
from outcomes.disclosure import GUARDED, POOLED, Guarded, Rule, disclose, release, release_parts, rule_in_force

COUNTS = ("measured", "numerator", "others")
CMS = Rule("cms", 1, 10, gate_k=11, gate_c=2)
NHS = Rule("nhs", 1, 4, 5, 5, 2)
OPENSAFELY = Rule("opensafely", 1, 7, 5, 8, 2)
OFF = Rule("off", 0, 0)
HIDING = (CMS, NHS, OPENSAFELY)
WHOLE = tuple(guarded for guarded in GUARDED if guarded.within is None)


def cells(*levels: tuple[str, int, int], breakdown: str = "site", window: str = "d30") -> pl.DataFrame:
    """Rows of level, measured and numerator; `others` is the difference, which must not be small either."""
    rows = [(window, breakdown, level, measured, numerator, measured - numerator) for level, measured, numerator in levels]
    return pl.DataFrame(rows, schema=["window_id", "breakdown", "level", *COUNTS], orient="row")


def shown(frame: pl.DataFrame, rule: Rule) -> dict[str, str | None]:
    answer = release(frame, ["window_id"], COUNTS, rule)
    return dict(zip(answer["level"], answer["shown_as"], strict=True))


@pytest.mark.parametrize(
    ("levels", "expected"),
    [
        pytest.param([("a", 22, 11)], {"a": "a"}, id="eleven of each kind is shown"),
        pytest.param([("a", 21, 10)], {"a": None}, id="ten is not, and there is nothing to pool it with"),
        pytest.param([("a", 21, 11)], {"a": None}, id="nor are ten who did not"),
        pytest.param([("a", 30, 0)], {"a": "a"}, id="a true zero is shown"),
        pytest.param([("a", 0, 0), ("b", 40, 20)], {"a": "a", "b": "b"}, id="so is an empty group"),
        pytest.param(
            [("a", 20, 9), ("b", 40, 20), ("c", 60, 30)],
            {"a": POOLED, "b": POOLED, "c": "c"},
            id="a small group takes the smallest other with it",
        ),
        pytest.param(
            [("a", 20, 6), ("b", 20, 7), ("c", 60, 30)],
            {"a": POOLED, "b": POOLED, "c": "c"},
            id="two small groups that are large together need no third",
        ),
        pytest.param(
            [("a", 40, 20), ("b", 60, 3), ("c", 90, 45)],
            {"a": POOLED, "b": POOLED, "c": "c"},
            id="whatever is smaller than a small group's people is pooled with it",
        ),
        pytest.param(
            [("a", 40, 3), ("b", 40, 3), ("c", 60, 0)],
            {"a": None, "b": None, "c": None},
            id="where even the total is small, nothing is shown",
        ),
        pytest.param(
            [("a", 20, 2), ("zero", 0, 0), ("b", 40, 20), ("c", 40, 20)],
            {"a": POOLED, "zero": "zero", "b": POOLED, "c": "c"},
            id="a group of nobody is no help, and ties go by name",
        ),
    ],
)
def test_under_the_cms_rule(levels: list[tuple[str, int, int]], expected: dict[str, str | None]) -> None:
    assert shown(cells(*levels), CMS) == expected


@pytest.mark.parametrize(
    ("rule", "count", "is_shown"),
    [
        pytest.param(CMS, 10, False, id="cms 10"),
        pytest.param(CMS, 11, True, id="cms 11"),
        pytest.param(NHS, 4, False, id="nhs 4"),
        pytest.param(NHS, 5, True, id="nhs 5"),
        pytest.param(OPENSAFELY, 7, False, id="opensafely 7"),
        pytest.param(OPENSAFELY, 8, True, id="opensafely 8"),
        pytest.param(OFF, 1, True, id="off 1"),
        *(pytest.param(rule, 0, True, id=f"{rule.name} 0") for rule in (*HIDING, OFF)),
    ],
)
def test_boundary(rule: Rule, count: int, is_shown: bool) -> None:
    assert shown(cells(("a", count + 100, count)), rule) == {"a": "a" if is_shown else None}


def test_hidden_rows_say_so_and_why() -> None:
    answer = release(cells(("a", 20, 3), ("b", 60, 30), ("c", 90, 30)), ["window_id"], COUNTS, CMS)
    assert answer.rows() == [
        ("d30", "site", "a", POOLED, True, "small"),
        ("d30", "site", "b", POOLED, True, "small"),
        ("d30", "site", "c", "c", False, None),
    ]


def test_partitions_are_judged_apart() -> None:
    frame = pl.concat([cells(("a", 20, 3), ("b", 60, 30)), cells(("a", 60, 30), breakdown="route"), cells(("a", 60, 30), window="d90")])
    answer = release(frame, ["window_id"], COUNTS, CMS)
    assert answer.select("window_id", "breakdown", "level", "shown_as").rows() == [
        ("d30", "route", "a", "a"),
        ("d30", "site", "a", POOLED),
        ("d30", "site", "b", POOLED),
        ("d90", "site", "a", "a"),
    ]


def test_nothing_in_nothing_out() -> None:
    assert release(cells().cast(dict.fromkeys(COUNTS, pl.Int64)), ["window_id"], COUNTS, CMS).is_empty()


tables = st.lists(st.integers(0, 60).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n))), min_size=1, max_size=7)
rules = st.sampled_from(HIDING)


def _frame(table: list[tuple[int, int]]) -> pl.DataFrame:
    return cells(*((f"level {i}", measured, numerator) for i, (measured, numerator) in enumerate(table)))


def _groups(frame: pl.DataFrame, rule: Rule) -> pl.DataFrame:
    """What readers see: the sums by shown_as, of groups that hold anybody."""
    answer = frame.join(release(frame, ["window_id"], COUNTS, rule), on=["window_id", "breakdown", "level"])
    return answer.filter(pl.col("shown_as").is_not_null()).group_by("shown_as").agg(pl.col(*COUNTS).sum()).filter(pl.col("measured") > 0)


@given(tables, rules)
def test_all_or_nothing_of_a_total_is_shown(table: list[tuple[int, int]], rule: Rule) -> None:
    frame = _frame(table)
    groups = _groups(frame, rule)
    if not groups.is_empty():
        assert groups.select(COUNTS).sum().rows() == frame.select(COUNTS).sum().rows()


@given(tables, rules)
def test_no_shown_count_is_small_and_no_subtraction_gives_one(table: list[tuple[int, int]], rule: Rule) -> None:
    frame = _frame(table)
    groups = _groups(frame, rule).rows(named=True)
    total = frame.select(COUNTS).sum().rows(named=True)[0]
    for count in COUNTS:
        values = [group[count] for group in groups]
        assert not any(rule.hides(value) for value in values)
        for size in range(1, len(values) + 1):
            rests = {total[count] - sum(chosen) for chosen in combinations(values, size)} if values else set()
            assert not any(rule.hides(rest) for rest in rests)


@given(tables, rules)
def test_the_pool_is_the_shortest_that_will_do(table: list[tuple[int, int]], rule: Rule) -> None:
    """From the smallest group up; without its last group, the pool would be small itself or leave a small group outside."""
    frame = _frame(table)
    names = shown(frame, rule)
    rows = {row["level"]: row for row in frame.rows(named=True) if row["measured"] > 0}
    in_order = sorted(rows, key=lambda level: (rows[level]["measured"], level))

    def is_small(levels: list[str]) -> bool:
        return any(rule.hides(sum(rows[level][count] for level in levels)) for count in COUNTS)

    pooled = [level for level in in_order if names[level] == POOLED]
    assert pooled == in_order[: len(pooled)]
    if pooled:
        assert is_small(pooled[:-1]) or is_small([pooled[-1]])


two_metrics = st.lists(
    st.integers(0, 60).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n), st.integers(0, n))), min_size=1, max_size=6
)


@given(two_metrics, rules)
def test_two_metrics_of_the_same_people_cannot_be_subtracted(table: list[tuple[int, int, int]], rule: Rule) -> None:
    """What both metrics show of the same head counts is a linear system; no small group's head count follows from it."""
    known: list[list[int]] = []
    for numerator in (1, 2):
        names = shown(_frame([(row[0], row[numerator]) for row in table]), rule)
        for shown_as in set(names.values()) - {None}:
            known.append([int(names[f"level {i}"] == shown_as) for i in range(len(table))])
    small = [i for i, row in enumerate(table) if rule.hides(row[0])]
    if known and small:
        rank = np.linalg.matrix_rank(np.array(known))
        for i in small:
            alone = [int(k == i) for k in range(len(table))]
            assert np.linalg.matrix_rank(np.array([*known, alone])) == rank + 1


@given(tables, rules, st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(table: list[tuple[int, int]], rule: Rule, random: object) -> None:
    frame = _frame(table)
    shuffled = frame.sample(fraction=1, shuffle=True, seed=random.randrange(1000))  # type: ignore[attr-defined]
    assert release(frame, ["window_id"], COUNTS, rule).equals(release(shuffled, ["window_id"], COUNTS, rule))


@given(tables)
def test_off_shows_everything(table: list[tuple[int, int]]) -> None:
    assert all(level == name for level, name in shown(_frame(table), OFF).items())


@given(tables, rules)
@settings(max_examples=30)
def test_an_empty_group_is_always_a_true_zero(table: list[tuple[int, int]], rule: Rule) -> None:
    assert shown(_frame([*table, (0, 0)]), rule)[f"level {len(table)}"] == f"level {len(table)}"


@pytest.fixture
def con(monkeypatch: pytest.MonkeyPatch) -> Iterator[duckdb.DuckDBPyConnection]:
    """A warehouse with shipped rules, the arithmetic, and one small site of three in each guarded table that stands alone."""
    with duckdb.connect() as con:
        con.execute("create schema ref; create schema tally; create schema macro")
        for name, frame in reference.from_folder(places.folder("sql") / "ref").items():
            con.register("incoming", frame.to_arrow())
            con.execute(f"create table ref.{name} as select * from incoming")
        con.execute((places.folder("sql") / "macro" / "report_rounded.sql").read_text())
        con.execute("create table ref.setting as select 'cms' as disclosure_rule, date '2026-01-01' as as_of")
        for guarded in WHOLE:
            keys = "".join(f"'x' as {key}, " for key in guarded.keys)
            counts = ", ".join(f"n as {name}" for name in sorted(set(re.findall(r"[a-z_]+", " ".join(guarded.counts)))))
            sites = "values ('a', 9), ('b', 40), ('c', 60)"
            con.execute(
                f"create table tally.{guarded.table} as select {keys}'site' as breakdown, level, {counts} from ({sites}) as t(level, n)"
            )
        monkeypatch.setattr(disclosure, "GUARDED", WHOLE)
        yield con


@pytest.mark.parametrize("table", [guarded.table for guarded in WHOLE])
def test_each_tally_gets_its_release(con: duckdb.DuckDBPyConnection, table: str) -> None:
    disclose(con)
    found = con.execute(f"select level, shown_as, is_suppressed from release.{table}_level order by level").fetchall()
    assert found == [("a", POOLED, True), ("b", POOLED, True), ("c", "c", False)]
    first = next(guarded.counts[0] for guarded in WHOLE if guarded.table == table)
    held = con.execute(f"select level, {first}, unit, is_suppressed, suppression_reason from release.{table} order by level").fetchall()
    assert held == [(POOLED, 49, 1, False, None), ("a", None, 1, True, "small"), ("b", None, 1, True, "small"), ("c", 60, 1, False, None)]
    assert con.execute(
        f"select count(*) from duckdb_columns() where schema_name = 'release' and table_name = '{table}' and comment is null"
    ).fetchone() == (0,)


PARTS = "values ('a', 'low', 3), ('a', 'high', 6), ('b', 'low', 20), ('b', 'high', 20), ('c', 'low', 48), ('c', 'mid', 9), ('c', 'high', 3)"


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        pytest.param(
            ("n",),
            [
                (POOLED, POOLED, 26, False),
                (POOLED, "high", None, True),
                (POOLED, "low", 23, False),
                ("c", POOLED, 12, False),
                ("c", "high", None, True),
                ("c", "low", 48, False),
                ("c", "mid", None, True),
            ],
            id="parts are pooled alike in all levels that are shown",
        ),
        pytest.param(
            (),
            [
                (POOLED, "high", 26, False),
                (POOLED, "low", 23, False),
                ("c", "high", 3, False),
                ("c", "low", 48, False),
                ("c", "mid", 9, False),
            ],
            id="parts without counts are carried along",
        ),
    ],
)
def test_parts_follow_the_levels_they_split(
    con: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch, counts: tuple[str, ...], expected: list[tuple[object, ...]]
) -> None:
    con.execute(
        "create table tally.part as select 'x' as instrument_id, 'x' as window_id, 'site' as breakdown, * "
        f"from ({PARTS}) as t(level, part, n)"
    )
    score = next(guarded for guarded in WHOLE if guarded.table == "score")
    monkeypatch.setattr(disclosure, "GUARDED", (score, Guarded("part", score.keys, counts, within="score", part="part")))
    disclose(con)
    assert con.execute("select level, part, n, is_suppressed from release.part order by all").fetchall() == expected


def crossed(table: list[list[int]]) -> pl.DataFrame:
    """Cells of a table of levels by parts, by level and for all."""
    rows = [("site", f"level {i}", f"part {j}", n) for i, line in enumerate(table) for j, n in enumerate(line) if n]
    total = [("all", "all", f"part {j}", sum(column)) for j, column in enumerate(zip(*table, strict=True)) if sum(column)]
    return pl.DataFrame([*rows, *total], schema=["breakdown", "level", "part", "n"], orient="row")


def test_what_one_level_shows_is_not_taken_from_the_total() -> None:
    """Pooled each by itself, north would show s2, south s1 and all s1: 40 - 35 leaves the five of the north."""
    frame = crossed([[5, 50, 30], [35, 50, 30]])
    answer = release_parts(frame, [], ["n"], CMS, "part").filter(breakdown="site")
    assert answer.select("level", "part", "level_shown_as", "shown_as").rows() == [
        ("level 0", "part 0", "level 0", POOLED),
        ("level 0", "part 1", "level 0", "part 1"),
        ("level 0", "part 2", "level 0", POOLED),
        ("level 1", "part 0", "level 1", POOLED),
        ("level 1", "part 1", "level 1", "part 1"),
        ("level 1", "part 2", "level 1", POOLED),
    ]


def _without_empty_lines(table: list[list[int]]) -> list[list[int]]:
    columns = [column for column in zip(*table, strict=True) if any(column)]
    return [list(line) for line in zip(*columns, strict=True) if any(line)]


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        pytest.param([20, 30, 40], ["1", "2", "3"], id="none is small"),
        pytest.param([20, 3, 40], ["1", "2-3", "2-3"], id="a small one goes to the next"),
        pytest.param([20, 30, 3], ["1", "2-3", "2-3"], id="the last one to the one before"),
        pytest.param([4, 4, 4, 40], ["1-3", "1-3", "1-3", "4"], id="until they are no longer small"),
        pytest.param([4, 3], [None, None], id="or nothing is shown"),
    ],
)
def test_parts_in_order_are_merged_with_their_neighbours(counts: list[int], expected: list[str | None]) -> None:
    frame = pl.DataFrame([("all", "all", i, n) for i, n in enumerate(counts, 1)], schema=["breakdown", "level", "part", "n"], orient="row")
    assert release_parts(frame, [], ["n"], CMS, "part", in_order=True)["shown_as"].to_list() == expected


crossings = (
    st.integers(1, 4)
    .flatmap(lambda width: st.lists(st.lists(st.integers(0, 60), min_size=width, max_size=width), min_size=1, max_size=4))
    .map(_without_empty_lines)
    .filter(bool)
)


@given(crossings, rules, st.booleans())
def test_no_part_of_a_level_follows_from_what_is_shown(table: list[list[int]], rule: Rule, in_order: bool) -> None:
    """All that is shown of levels, of parts and of both is a linear system; no small cell, nor a small pair of cells, follows from it."""
    frame = crossed(table)
    people = frame.group_by("breakdown", "level", maintain_order=True).agg(pl.col("n").sum())
    base = release(people, [], ["n"], rule).select("breakdown", "level", base="shown_as")
    inside = frame.join(base, on=["breakdown", "level"]).filter(pl.col("base").is_not_null())
    cut = inside.group_by("breakdown", pl.col("base").alias("level"), "part").agg(pl.col("n").sum())
    names = release_parts(cut, [], ["n"], rule, "part", in_order).select("breakdown", "part", "level_shown_as", "shown_as", base="level")
    held = inside.join(names, on=["breakdown", "base", "part"]).filter(pl.col("shown_as").is_not_null())
    shown = held.group_by("breakdown", "level_shown_as", "shown_as").agg(pl.col("n").sum())
    assert not any(rule.hides(n) for n in shown["n"])

    cells = [(level, part) for level in range(len(table)) for part in range(len(table[0]))]

    def equation(levels: pl.Series, parts: pl.Series) -> list[int]:
        """Which cells a number is the sum of that is said of some levels and some parts; level `all` is all of them."""
        return [int((f"level {i}" in levels or "all" in levels) and f"part {j}" in parts) for i, j in cells]

    known = [
        equation(levels["level"], parts["part"])
        for _, breakdown in held.group_by("breakdown")
        for _, levels in breakdown.group_by("level_shown_as")
        for _, parts in breakdown.group_by("shown_as")
    ]
    known += [equation(levels["level"], frame["part"]) for _, levels in inside.group_by("breakdown", "base")]
    values = [table[i][j] for i, j in cells]
    small = [{i} for i, n in enumerate(values) if rule.hides(n)]
    small += [{i, j} for i, j in combinations(range(len(values)), 2) if rule.hides(values[i] + values[j])]
    rank = np.linalg.matrix_rank(np.array(known)) if known else 0
    for some in small if known else []:
        alone = [int(i in some) for i in range(len(values))]
        assert np.linalg.matrix_rank(np.array([*known, alone])) == rank + 1


@pytest.mark.parametrize("rule", [CMS, NHS, OPENSAFELY, OFF], ids=lambda rule: rule.name)
def test_the_rules_are_data(con: duckdb.DuckDBPyConnection, rule: Rule) -> None:
    con.execute("update ref.setting set disclosure_rule = ?", [rule.name])
    assert rule_in_force(con) == rule


def test_an_unknown_rule_hides_behind_an_error(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("update ref.setting set disclosure_rule = 'none'")
    with pytest.raises(LookupError, match=r"not in ref\.disclosure"):
        disclose(con)


@pytest.mark.parametrize(
    ("count", "unit", "expected"),
    [
        pytest.param(12, 5, 10, id="down"),
        pytest.param(13, 5, 15, id="up"),
        pytest.param(0, 5, 0, id="zero"),
        pytest.param(8, 5, 10, id="the least that is shown"),
        pytest.param(5, 2, 6, id="halves up"),
        pytest.param(13, 1, 13, id="not at all"),
        pytest.param(None, 5, None, id="nothing stays nothing"),
    ],
)
def test_rounding(con: duckdb.DuckDBPyConnection, count: int | None, unit: int, expected: int | None) -> None:
    assert con.execute("select macro.rounded(?::bigint, ?)", [count, unit]).fetchone() == (expected,)
