"""A warehouse whose outcomes are counted in; out comes `tally.outcome_part`, what the same metrics count under every baseline rule.

Only a course with several scores before treatment can differ between the rules. For such courses alone, the very SQL files that made the
warehouse run once more per rule, in a catalogue beside it in which `ref.setting` names another rule. No formula stands here.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from outcomes import judging
from outcomes.sqlfiles import SqlFile

if TYPE_CHECKING:
    import duckdb

Run = Callable[["duckdb.DuckDBPyConnection", Iterable[SqlFile]], object]

TABLE: Final = "tally.outcome_part"
RULES: Final = ("last", "mean", "worst", "first")
COUNTED: Final = "tally.outcome"
VARIED: Final = "core.baseline"
KEYS: Final = ("profile_id", "metric_id", "instrument_id", "window_id")
COUNTS: Final = ("enrolled", "with_baseline", "eligible", "measured", "denominator", "numerator")
HEADER: Final = """
What each metric counts, under every baseline rule, of the courses that have several scores before treatment: no other course can differ.
Made by the builder from the files of core, metric and tally.outcome. Undisclosed.
"""
MEANINGS: Final = {
    "baseline_rule": "Which of several scores before treatment is the baseline: last, mean, worst or first.",
    "profile_id": "Profile whose thresholds are used.",
    "metric_id": "Metric.",
    "instrument_id": "Measure.",
    "window_id": "Window of the follow-up score.",
    "enrolled": "Courses of whom the measure is expected and whose window has passed.",
    "with_baseline": "Enrolled courses with a baseline.",
    "eligible": "Those whose baseline the metric can apply to.",
    "measured": "Eligible courses with a score in the window.",
    "denominator": "Courses the rate is over.",
    "numerator": "Courses that meet the condition.",
}
_TYPES: Final = ", ".join(f"{name} {'bigint' if name in COUNTS else 'varchar'}" for name in MEANINGS)
EMPTY: Final = f"create table {TABLE} ({_TYPES})"

# What the catalogue beside does not make anew: these rows of the warehouse, of the courses that can differ.
_OF_THEM: Final = "select * from warehouse.{} semi join beside.varied using (course_id)"
_HELD: Final = {
    "core.course": _OF_THEM,
    "core.expected": _OF_THEM,
    "core.stratum": _OF_THEM,
    "core.score": f"select * from warehouse.{{}} semi join ({_OF_THEM.format('core.course')}) using (patient_id)",
    "core.stratum_level": "select * from warehouse.{} where breakdown = 'all'",
}


def count(con: "duckdb.DuckDBPyConnection", files: Sequence[SqlFile], run: Run) -> None:
    """Makes `tally.outcome_part` in the catalogue `warehouse`; it is empty where no course has several scores before treatment.

    `run` makes the tables of some files.
    """
    con.execute(EMPTY)
    con.execute("attach ':memory:' as beside")
    con.execute(f"create table beside.varied as select distinct course_id from {VARIED} where candidates > 1")
    if con.execute("select count(*) from beside.varied").fetchall()[0][0]:
        for rule in RULES:
            _count_under(con, files, rule, run)
    con.execute("detach beside")


def _count_under(con: "duckdb.DuckDBPyConnection", files: Sequence[SqlFile], rule: str, run: Run) -> None:
    by_table = {file.table: file for file in [*files, *judging.stacked(files)]}
    anew = _anew(COUNTED, by_table)
    named = con.execute("select table_name from duckdb_tables() where database_name = 'warehouse' and schema_name = 'ref'").fetchall()
    held = {f"ref.{name}" for (name,) in named}.union(*(by_table[table].reads for table in anew)) - anew
    con.execute("use beside")
    for schema in ("ref", "meta", "core", "metric", "tally"):
        con.execute(f"create schema {schema}")
    for table in sorted(held):
        schema, name = table.split(".")
        rows = _HELD.get(table, "from warehouse.{}").format(f'{schema}."{name}"')
        con.execute(f'create view {schema}."{name}" as {rows}')
    con.execute("drop view ref.setting")
    con.execute(f"create view ref.setting as select * replace ('{rule}' as baseline_pick) from warehouse.ref.setting")
    # Tables stacked from the metrics come with these.
    own = [file for file in files if file.table in anew or file.schema == "macro"]
    run(con, own)
    con.execute("use warehouse")
    columns = ", ".join((*KEYS, *COUNTS))
    con.execute(f"insert into {TABLE} select '{rule}', {columns} from beside.{COUNTED}")
    for schema in ("tally", "metric", "core", "meta", "ref", "macro"):
        con.execute(f"drop schema if exists beside.{schema} cascade")


def _anew(table: str, files: Mapping[str, SqlFile]) -> set[str]:
    """The table and all between it and the baseline: what another baseline may change."""
    reads = [other for other in files[table].reads if other in files and other not in _HELD]
    found = {name for other in reads for name in _anew(other, files)}
    return found | {table} if found or table == VARIED else found
