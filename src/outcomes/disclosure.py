"""Counts by level in, and under which level each may be shown out: small cells are pooled with others, or hidden.

Within one partition (everything but the level) the cells add up to a total that readers may know. So a small cell is not simply left out:
levels are pooled from the smallest up, until all small ones are in and the pool itself is safe. What is shown still adds up to the total.
Since the order is that of the people counted, the pools of all metrics of a breakdown are nested: no metric's pool can be subtracted from
another's to leave a small cell. Only schema `report` reads the result.

Where levels are split into parts, rows and columns both add up, so both are pooled: the parts of all levels of a breakdown are named alike,
and a level is shown if every part of it may be. Were each level to pool its own parts, what one shows could be taken from the total.
"""

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import polars as pl

from outcomes import intervals, warehouse
from outcomes.intervals import Order

if TYPE_CHECKING:
    import duckdb

POOLED: Final = "(pooled)"
KEPT: Final = (8, 5, 3, 2, 1)
SMALL: Final = "small"


@dataclass(frozen=True)
class Rule:
    """Counts from `hide_from` to `hide_to` may not be seen; what is seen is rounded to `round_to`. `hide_to` 0 hides nothing.

    Two releases of a number differ by nobody, or by `gate_k` people or more, of whom `gate_c` or more had the outcome and as many had not.
    `gate_k` 0 holds nothing.
    """

    name: str
    hide_from: int
    hide_to: int
    round_to: int = 1
    gate_k: int = 0
    gate_c: int = 0

    def hides(self, count: Any) -> Any:
        """Of a whole number, or of each in an array or a column of them."""
        return (count >= self.hide_from) & (count <= self.hide_to) & (self.hide_to > 0)


@dataclass(frozen=True)
class Guarded:
    """A table of schema `tally`: the keys of a partition, and the counts (or differences of counts) that must not be small in it.

    The first count is that of the people the level holds, the same in every table, so that levels stand in one order everywhere.
    A table with a `part` splits the levels of the table named in `within` further, one row per part: its levels are pooled as they are
    there, then levels and parts by its own counts. Without counts its parts are never pooled, only carried along.
    The parts of a `curve` are the ends of neighbouring intervals, up or down, whose levels stay as they are and whose parts are merged by
    `outcomes.intervals`; one that is `nested_in` others ends where intervals of all these tables end.
    The rows are those of the tally of the same name, or of the one that `of` names; of their numbers, only those that it `shows`, if it
    says which, may be seen.

    For releases one after the other (`outcomes.gating`): `people` counts who is in a row (the first count, if not given),
    `rates` are pairs of a numerator and its denominator; `page` is the table that
    tells of the same people, without which this one is not printed anew; `is_group` says that the part is a group that people
    belong to, and no outcome of theirs; `overlaps` that a patient counts in each level that one of several doses is in.
    """

    table: str
    keys: tuple[str, ...]
    counts: tuple[str, ...]
    within: str | None = None
    part: str | None = None
    in_order: bool = False
    curve: Order | None = None
    nested_in: tuple[str, ...] = ()
    of: str | None = None
    shows: tuple[str, ...] = ()
    page: str | None = None
    rates: tuple[tuple[str, str], ...] = ()
    people: str | None = None
    is_group: bool = False
    overlaps: bool = False

    @property
    def cell(self) -> tuple[str, ...]:
        """The columns that name a row."""
        return (*self.keys, "breakdown", "level", *([self.part] if self.part else []))

    @property
    def tally(self) -> str:
        """The table of schema `tally` that holds the rows."""
        return self.of or self.table


SURVIVAL: Final = ("profile_id", "event_id", "instrument_id", "counted_in")
SPLIT_ENDS: Final = ("boosted_events", "boosted_censored", "events - boosted_events", "censored - boosted_censored")
SPLIT_EXITS: Final = ("boosted_events + boosted_censored", "events - boosted_events + censored - boosted_censored")
SPLIT_COURSES: Final = ("boosted", "boosted_events", "boosted - boosted_events", "events - boosted_events", "courses - boosted")

RATE: Final = (("numerator", "denominator"),)
FUNNEL: Final = ("enrolled", "with_baseline", "eligible", "measured", "denominator", "numerator")

BOOSTERS: Final = ("boosters", "responding_before", "boosters - responding_before", "responding_after", "boosters - responding_after")

MONTHLY: Final = (
    "enrolled",
    "measured",
    "enrolled - measured",
    "response_of",
    "responded",
    "response_of - responded",
    "remission_of",
    "remitted",
    "remission_of - remitted",
)

MONTHLY_DOSES: Final = ("courses", "courses_judged", "courses_met", "courses_unmet")
MONTHLY_EVENTS: Final = ("courses", "courses_with_event", "courses - courses_with_event")
EVENTS: Final = (("patients_with_event", "patients"),)
MONTHLY_RATES: Final = (("responded", "response_of"), ("remitted", "remission_of"))

GUARDED: Final = (
    Guarded(
        "outcome",
        ("profile_id", "metric_id", "instrument_id", "window_id"),
        (*FUNNEL, "denominator - numerator", "eligible - measured"),
        page="score",
        rates=RATE,
    ),
    Guarded(
        "severity",
        ("profile_id", "metric_id", "instrument_id", "window_id"),
        ("denominator", "numerator", "denominator - numerator"),
        within="outcome",
        part="severity",
        in_order=True,
        rates=RATE,
        is_group=True,
    ),
    Guarded(
        "outcome_reason",
        ("profile_id", "metric_id", "instrument_id", "window_id"),
        ("courses", "denominator", "courses - denominator"),
        within="outcome",
        part="standing",
    ),
    # Hidden under one baseline rule is hidden under all: the numbers of two rules differ by a few courses.
    Guarded(
        "sensitivity",
        ("profile_id", "metric_id", "instrument_id", "window_id", "baseline_rule"),
        ("smallest",),
        page="score",
        rates=RATE,
        people="denominator",
    ),
    Guarded("score", ("instrument_id", "window_id"), ("enrolled", "n")),
    Guarded("score_value", ("instrument_id", "window_id"), (), within="score", part="score"),
    Guarded("score_repeat", ("instrument_id", "window_id"), (), within="score", part="candidates"),
    Guarded("acute_experience", ("value_id", "instrument_id"), ("courses", "n", "courses - n")),
    Guarded("repeat", ("instrument_id",), ("courses", "pairs", "courses - pairs")),
    Guarded("change_reference", ("instrument_id", "baseline_source"), ("n",)),
    Guarded(
        "change_category", ("instrument_id", "window_id", "method_id", "cutoff_id", "is_usual"), ("n",), within="score", part="category"
    ),
    Guarded(
        "item_change",
        ("instrument_id", "window_id", "item"),
        ("enrolled", "n", "improved", "worse", "n - improved - worse"),
        page="score",
        rates=(("improved", "n"), ("worse", "n")),
    ),
    Guarded(
        "retention",
        ("instrument_id", "window_id"),
        ("enrolled", "with_baseline", "with_score", "with_both", "enrolled - with_score"),
    ),
    Guarded("due", ("instrument_id", "window_id"), ("enrolled", "not_due")),
    Guarded("band_shift", ("instrument_id", "window_id"), ("courses",), within="score", part="shift"),
    Guarded(
        "completeness", ("instrument_id", "window_id"), ("enrolled", "answered", "enrolled - answered"), within="retention", part="because"
    ),
    Guarded("induction", (), ("courses",)),
    Guarded("session_count", (), ("courses",), within="induction", part="sessions", in_order=True),
    Guarded("screening", ("step_id",), ("screened", "asked", "screened - asked", "taken", "asked - taken")),
    Guarded("exclusion", ("step_id",), ("patients",), within="screening", part="exclusion_reason"),
    Guarded(
        "event",
        ("kind_id",),
        ("patients", "patients_with_event", "patients - patients_with_event"),
        rates=EVENTS,
        overlaps=True,
    ),
    Guarded("maintenance", (), ("courses", "boosted", "courses - boosted", "courses - known")),
    Guarded("maintenance_day", (), (), within="maintenance", part="time"),
    Guarded("booster", ("profile_id", "instrument_id"), ("courses", *BOOSTERS)),
    Guarded("booster_number", ("profile_id", "instrument_id"), BOOSTERS, within="booster", part="number", in_order=True),
    Guarded("session_mix", ("mix_id",), ("courses", "courses_with", "courses - courses_with")),
    Guarded("session_mix_value", ("mix_id",), (), within="session_mix", part="number"),
    Guarded("course_rule", ("rule_id",), ("courses", "judged", "met", "courses - judged", "judged - met")),
    Guarded("dose_rule", ("rule_id",), ("patients", "patients_judged", "patients_met", "patients_unmet"), overlaps=True),
    Guarded("dose_recorded", ("value_id",), ("patients", "patients_recorded"), overlaps=True),
    Guarded("dose_value", ("value_id",), (), within="dose_recorded", part="value"),
    Guarded("improvement", ("instrument_id", "window_id"), ("enrolled", "n"), page="score"),
    Guarded("improvement_share", ("instrument_id", "window_id"), ("n",), within="improvement", part="at_least_pct", curve="down"),
    Guarded("course_total", ("instrument_id",), MONTHLY, page="score", rates=MONTHLY_RATES),
    Guarded(
        "course_month",
        ("instrument_id",),
        MONTHLY,
        within="course_total",
        part="month",
        in_order=True,
        rates=MONTHLY_RATES,
        is_group=True,
    ),
    Guarded("dose_months", ("rule_id",), MONTHLY_DOSES),
    Guarded("dose_month", ("rule_id",), MONTHLY_DOSES, within="dose_months", part="month", in_order=True, is_group=True),
    Guarded("event_months", ("kind_id",), MONTHLY_EVENTS),
    Guarded("event_month", ("kind_id",), MONTHLY_EVENTS, within="event_months", part="month", in_order=True, is_group=True),
    Guarded("survival", SURVIVAL, ("courses", "events", "censored"), rates=(("events", "courses"),)),
    Guarded("survival_day", SURVIVAL, (), within="survival", part="time"),
    # A curve steps down where enough events are; how many are still at risk is told where enough are censored too.
    Guarded(
        "survival_step",
        SURVIVAL,
        ("events", "events + censored"),
        within="survival",
        part="until",
        curve="up",
        of="survival_interval",
        shows=("events",),
    ),
    Guarded(
        "survival_interval",
        SURVIVAL,
        ("events", "censored"),
        within="survival",
        part="until",
        curve="up",
        nested_in=("survival_step",),
        shows=("events", "censored"),
    ),
    Guarded("survival_split", SURVIVAL, ("courses", *SPLIT_COURSES)),
    Guarded("survival_split_day", SURVIVAL, (), within="survival_split", part="time"),
    Guarded(
        "survival_split_step",
        SURVIVAL,
        ("boosted_events", "events - boosted_events", *SPLIT_EXITS),
        within="survival_split",
        part="until",
        curve="up",
        nested_in=("survival_step",),
        of="survival_split_interval",
        shows=("events", "boosted_events"),
    ),
    Guarded(
        "survival_split_interval",
        SURVIVAL,
        SPLIT_ENDS,
        within="survival_split",
        part="until",
        curve="up",
        nested_in=("survival_interval", "survival_split_step"),
    ),
)


def release(cells: pl.DataFrame, keys: Sequence[str], counts: Sequence[str], rule: Rule) -> pl.DataFrame:
    """One row per cell: keys, breakdown, level, shown_as, is_suppressed, suppression_reason; sorted.

    `shown_as` is the cell's own level, `(pooled)` for cells that are shown as one, or null where nothing of the partition may be
    shown. A cell is small if any of its `counts` is one that the rule hides. Cells stand in order of the first count, then of their
    level; the pool is the shortest beginning of that order that holds every small cell and is not small itself. A cell of nothing but
    zeros stays what it is.
    """
    partition, where = [*keys, "breakdown"], [*keys, "breakdown", "level"]
    judged, safe = _by_smallness(cells.select(*where, *counts), partition, counts, rule)
    rows = judged.sort(where).select(*where, *counts).rows()
    names = [
        name
        for _, group in groupby(rows, key=lambda row: row[: len(partition)])
        for name in _pooled({row[len(partition)]: row[len(where) :] for row in group}, rule).values()
    ]
    judged = judged.sort(where).with_columns(pl.Series("shown_as", names, dtype=pl.String))
    answer = pl.concat([judged, safe.with_columns(shown_as=pl.col("level"))]).select(*where, "shown_as").sort(where)
    return _marked(answer, pl.col("shown_as").ne_missing(pl.col("level")))


def release_parts(
    cells: pl.DataFrame, keys: Sequence[str], counts: Sequence[str], rule: Rule, part: str, in_order: bool = False
) -> pl.DataFrame:
    """One row per cell: keys, breakdown, level, the part, level_shown_as, shown_as, is_suppressed, suppression_reason; sorted.

    `shown_as` is the part's own name, or `(pooled)` for the smallest parts, which are pooled alike in every level of the breakdown; parts
    `in_order` are merged with their neighbours instead, into `first-last`. `level_shown_as` likewise for levels. Both are null where
    nothing of the breakdown may be shown. No cell that is shown is small, and each is a whole part, or pool of parts, of a whole level, or
    of the pool of levels: so nothing that is subtracted is small either.
    """
    partition, where = [*keys, "breakdown"], [*keys, "breakdown", "level", part]
    judged, safe = _by_smallness(cells.select(*where, *counts), partition, counts, rule)
    judged = judged.sort(where)
    width = len(partition)
    names = [
        name
        for _, group in groupby(judged.select(*where, *counts).rows(), key=lambda row: row[:width])
        for name in _shown_parts([(row[width], row[width + 1], row[width + 2 :]) for row in group], rule, in_order)
    ]
    levels, parts = ([pair[i] for pair in names] for i in (0, 1))
    judged = judged.with_columns(pl.Series("level_shown_as", levels, dtype=pl.String), pl.Series("shown_as", parts, dtype=pl.String))
    safe = safe.with_columns(level_shown_as=pl.col("level"), shown_as=pl.col(part).cast(pl.String))
    answer = pl.concat([judged, safe]).select(*where, "level_shown_as", "shown_as").sort(where)
    is_another = pl.col("level_shown_as").ne_missing(pl.col("level")) | pl.col("shown_as").ne_missing(pl.col(part).cast(pl.String))
    return _marked(answer, is_another)


def _by_smallness(cells: pl.DataFrame, partition: Sequence[str], counts: Sequence[str], rule: Rule) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The cells of partitions in which one is small, and those of all others, where each is shown as what it is."""
    is_small = pl.any_horizontal(rule.hides(pl.col(count)) for count in counts)
    marked = cells.with_columns(_is_small=is_small.any().over(partition))
    return marked.filter("_is_small").drop("_is_small"), marked.filter(~pl.col("_is_small")).drop("_is_small")


def _marked(names: pl.DataFrame, is_suppressed: pl.Expr) -> pl.DataFrame:
    return names.with_columns(is_suppressed=is_suppressed, suppression_reason=pl.when(is_suppressed).then(pl.lit(SMALL)))


def _pooled(groups: Mapping[Any, Sequence[int]], rule: Rule) -> dict[Any, Any]:
    """The name under which each group is shown: its own, `(pooled)`, or None; by the counts of each, people first."""

    def is_small(counts: Iterable[int]) -> bool:
        return any(map(rule.hides, counts))

    shown = {name: name for name in groups}
    in_order = sorted((name for name, counts in groups.items() if any(counts)), key=lambda name: (groups[name][0], name))
    size = max((place for place, name in enumerate(in_order, start=1) if is_small(groups[name])), default=0)
    if size == 0:
        return shown
    total = _sum(groups[name] for name in in_order[:size])
    while is_small(total) and size < len(in_order):
        total = _sum([total, groups[in_order[size]]])
        size += 1
    return shown | dict.fromkeys(in_order[:size], None if is_small(total) else POOLED)


Cells = Sequence[tuple[str, Any, Sequence[int]]]


def _shown_parts(cells: Cells, rule: Rule, in_order: bool) -> list[tuple[str | None, str | None]]:
    """The level and the part under which each cell of one breakdown is shown.

    Of all ways to pool more of the small parts, the one that shows most levels and parts.
    """
    totals = {part: _sum(counts for _, other, counts in cells if other == part) for _, part, _ in cells}
    ways = [_way(cells, name, rule) for name in (_merged if in_order else _smallest_pooled)(totals, rule)]
    return max(ways, key=_told, default=[(None, None)] * len(cells))


def _smallest_pooled(totals: Mapping[Any, list[int]], rule: Rule) -> Iterator[dict[Any, str]]:
    """Names for the parts that are pooled, as few as may be first."""
    names = _pooled(totals, rule)
    if None in names.values():
        return
    smallest_first = sorted((part for part in totals if any(totals[part])), key=lambda part: (totals[part][0], part))
    pooled = sum(name == POOLED for name in names.values())
    more = {len(smallest_first) - kept for kept in KEPT if len(smallest_first) - kept > max(pooled, 1)}
    for size in sorted({pooled, *more}):
        yield dict.fromkeys(smallest_first[:size], POOLED)


def _merged(totals: Mapping[Any, list[int]], rule: Rule) -> Iterator[dict[Any, str]]:
    """Names for the parts that are merged with their neighbours, as few as may be first."""
    runs = [([part], totals[part]) for part in sorted(totals)]

    def merge(place: int) -> None:
        (left, a), (right, b) = runs[place : place + 2]
        runs[place : place + 2] = [([*left, *right], _sum([a, b]))]

    def small() -> int | None:
        return next((place for place, (_, counts) in enumerate(runs) if any(map(rule.hides, counts))), None)

    while (place := small()) is not None:
        if len(runs) == 1:
            return
        merge(min(place, len(runs) - 2))
    for kept in (len(runs), *KEPT):
        while len(runs) > kept:
            merge(min(range(len(runs) - 1), key=lambda place: (runs[place][1][0] + runs[place + 1][1][0], place)))
        yield {part: f"{parts[0]}-{parts[-1]}" for parts, _ in runs if len(parts) > 1 for part in parts}


def _way(cells: Cells, name: Mapping[Any, str], rule: Rule) -> list[tuple[str | None, str | None]]:
    """The level and the part under which each cell is shown if parts are named so."""
    parts = [name.get(part, str(part)) for _, part, _ in cells]
    places = {part: place for place, part in enumerate(sorted(set(parts)))}
    groups: dict[str, list[int]] = {}
    for (level, _, counts), part in zip(cells, parts, strict=True):
        group = groups.setdefault(level, [0] * (1 + len(places)) * len(counts))
        for place in (0, 1 + places[part]):
            for i, count in enumerate(counts):
                group[place * len(counts) + i] += count
    levels = _pooled(groups, rule)
    return [(levels[level], part if levels[level] else None) for (level, _, _), part in zip(cells, parts, strict=True)]


def _told(way: Iterable[tuple[str | None, str | None]]) -> int:
    """How much can be compared: the degrees of freedom between shown levels and parts; those of the total alone count less."""
    shown = [pair for pair in way if pair[0] is not None]
    levels, parts = (len({pair[i] for pair in shown}) for i in (0, 1))
    return 1000 * max(levels - 1, 0) * max(parts - 1, 0) + parts


def _sum(rows: Iterable[Sequence[int]]) -> list[int]:
    return [sum(column) for column in zip(*rows, strict=True)]


def rule_in_force(con: "duckdb.DuckDBPyConnection") -> Rule:
    """The rule that the settings name, from `ref.disclosure`. Raises LookupError if there is none of that name."""
    row = con.execute(
        "select d.rule, d.hide_from, d.hide_to, d.round_to, d.k, d.c "
        "from ref.disclosure as d join ref.setting as s on s.disclosure_rule = d.rule"
    ).fetchone()
    if row is None:
        raise LookupError("the disclosure rule of the settings is not in ref.disclosure")
    return Rule(*row)


def disclose(con: "duckdb.DuckDBPyConnection") -> None:
    """Makes schema `release`: for each guarded table of `tally` a table of the same columns, as they may be shown.

    Numbers are summed over what is shown as one, and empty where a cell is hidden; `unit` is what counts are to be rounded to.
    """
    rule = rule_in_force(con)
    as_of = con.execute("select as_of from ref.setting").fetchall()[0][0]
    con.execute("create schema if not exists release")
    tallies = _columns(con, "tally")
    for guarded in GUARDED:
        numbers = _numbers(guarded, tallies[guarded.tally])
        con.execute(f"create or replace temp table cells as {_cells(con, guarded, numbers)}")
        _hold(con, guarded, {name: total for name, total in numbers.items() if name in (guarded.shows or numbers)}, rule, as_of)
    con.execute("drop table cells")
    _comment(con, tallies, rule)


class Column(NamedTuple):
    """A column of a table: its type, and what it means, if that is said."""

    name: str
    kind: str
    meaning: str | None


def _columns(con: "duckdb.DuckDBPyConnection", schema: str) -> dict[str, list[Column]]:
    """The columns of every table of a schema, in order: asked at once, since asking costs more than the answer."""
    rows = con.execute(
        "select table_name, column_name, data_type, comment from duckdb_columns() "
        "where database_name = current_database() and schema_name = ? order by table_name, column_index",
        [schema],
    ).fetchall()
    return {table: [Column(*row[1:]) for row in columns] for table, columns in groupby(rows, key=lambda row: str(row[0]))}


def _numbers(guarded: Guarded, tally: Iterable[Column]) -> dict[str, str]:
    """The number columns of the tally, and how each is summed: whole numbers as such, decimals exactly."""
    numbers = [column for column in tally if column.name not in guarded.cell]
    whole = {column.name for column in numbers if column.kind.endswith("INT") or column.kind == "INTEGER"}
    return {name: f"sum({name})::bigint" if name in whole else f"sum({name})" for name, *_ in numbers}


def _cells(con: "duckdb.DuckDBPyConnection", guarded: Guarded, numbers: dict[str, str]) -> str:
    """The rows that are judged: the tally's own, or those of the levels that the table it stands within shows."""
    if guarded.within is None:
        return f"select * from tally.{guarded.tally}"
    base = next(other for other in GUARDED if other.table == guarded.within)
    cell = [f"shown.shown_as as {name}" if name == "level" else f"tally.{name}" for name in guarded.cell]
    return (
        f"select {', '.join([*cell, *(f'{total} as {name}' for name, total in numbers.items())])} from tally.{guarded.tally} as tally "
        f"inner join release.{base.table}_level as shown using ({', '.join(base.cell)}) where shown.shown_as is not null group by all"
    )


def _hold(con: "duckdb.DuckDBPyConnection", guarded: Guarded, numbers: dict[str, str], rule: Rule, as_of: dt.date) -> None:
    """`release.<table>` from the rows in `cells`; beside it `release.<table>_level`, which cell is shown as which."""
    target = f"create table release.{guarded.table} as"
    sums = ", ".join(f"{total} as {name}" for name, total in numbers.items())
    marks = _SHOWN.format(unit=rule.round_to, as_of=as_of)
    *whose, level = guarded.cell
    if not guarded.counts:
        con.execute(f"{target} select {', '.join([*whose, level])}, {sums}, {marks} from cells group by all")
        return
    judged = [f"count_{i}" for i in range(len(guarded.counts))]
    counts = ", ".join(f"({count})::bigint as {name}" for count, name in zip(guarded.counts, judged, strict=True))
    cells = con.sql(f"select {', '.join(guarded.cell)}, {counts} from cells").pl()
    if guarded.part and guarded.curve:
        outer = [con.sql(f"from release.{other}_level").pl() for other in guarded.nested_in]
        merged = intervals.merged(cells, (*guarded.keys, "breakdown"), guarded.part, judged, rule.hides, guarded.curve, outer)
        names, shown = _marked(merged, pl.col("shown_as").ne_missing(pl.col(guarded.part))), whose
    elif guarded.part:
        names = release_parts(cells, guarded.keys, judged, rule, guarded.part, guarded.in_order)
        shown = [*guarded.keys, "breakdown", "shown.level_shown_as as level"]
    else:
        names, shown = release(cells, guarded.keys, judged, rule), whose
    con.register("shown", names.to_arrow())
    con.execute(f"create table release.{guarded.table}_level as select * from shown")
    con.unregister("shown")
    con.execute(
        f"{target} select {', '.join(shown)}, shown.shown_as as {level}, {sums}, {marks} "
        f"from cells inner join release.{guarded.table}_level as shown using ({', '.join(guarded.cell)}) "
        f"where shown.shown_as is not null group by all "
        f"union all by name select {', '.join(guarded.cell)}, {rule.round_to} as unit, is_suppressed, suppression_reason, "
        f"date '{as_of}' as as_of "
        f"from release.{guarded.table}_level where is_suppressed"
    )


def _comment(con: "duckdb.DuckDBPyConnection", tallies: Mapping[str, Iterable[Column]], rule: Rule) -> None:
    """What the columns of a tally mean, they mean in its release."""
    released = _columns(con, "release")
    for table, tally in ((guarded.table, guarded.tally) for guarded in GUARDED):
        known = MEANINGS | {name: meaning for name, _, meaning in tallies[tally] if meaning is not None}
        said = {
            table: f"The numbers of tally.{tally}, as they may be shown under rule {rule.name}.",
            f"{table}_level": f"Under which name each cell of tally.{tally} is shown, under rule {rule.name}.",
        }
        for name in said.keys() & released.keys():
            warehouse.comment(con, "table", f"release.{name}", said[name], {c.name: known.get(c.name, "") for c in released[name]})


_SHOWN: Final = "{unit} as unit, false as is_suppressed, null::varchar as suppression_reason, date '{as_of}' as as_of"

MEANINGS: Final = {
    "level_shown_as": "Level under which the cell is shown; empty where nothing of its partition may be shown.",
    "shown_as": "Name under which the cell is shown; empty where nothing of its partition may be shown.",
    "unit": "What counts are rounded to where they are printed.",
    "is_suppressed": "Whether the cell is not shown by itself; its numbers are empty.",
    "suppression_reason": "Why not.",
    "as_of": "As-of date of the numbers; older than that of the release where the gate holds them back.",
}
