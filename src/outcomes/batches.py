"""Courses whose windows have passed, and who was counted in each release, in; who is counted tonight, and what must wait, out.

The night's side of `outcomes.gate.cohort`: the same rule, over whole tables in the database. A population is a measure and a window. Who
comes to it is counted once k new patients can be counted together, and so is another course of a patient who is counted; until then
`meta.waiting` names these courses, and every figure leaves them out (`core.counted`). Courses that are counted are counted as the data say
tonight. A breakdown is then not printed anew while one of its groups, as it would be printed, has changed since its last print and not by k
newcomers or more: `outcomes.gating` holds it (`waits`).

The proof is that of `outcomes.gate.cohort`, with printed groups (pools of levels, too) in the place of levels: take any combination of the
numbers that were ever printed of one breakdown, and the last print in it. Each group in that print either equals one that stands in a print
before, and is taken for it, or holds k patients or more who are in no print before; these have one weight in the combination.

Frames, kept with the ledger. `_spell`: instrument_id, window_id, patient_id, course (its id without the patient's, so that who withdraws
has no name left in it), stratum (key of its levels), state (fingerprint of what the course contributes), entered and gone (versions from
which it was counted so, and no longer; null: is still), first (version at which the patient joined; 0 for one who came back). `_stratum`:
stratum, levels (JSON). `_shown`: table_name, keys, breakdown, level, shown_as, version: under which name each level was in the last print
of its partition; names nobody. `_told`: instrument_id, window_id, breakdown, family, version: the sets in which each print of a breakdown
put its levels (JSON), for `outcomes.crossings`.
"""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

import polars as pl

from outcomes import crossings, disclosure
from outcomes.disclosure import Guarded, Rule

if TYPE_CHECKING:
    import duckdb

WAITS: Final = "waits"
# Tables of figures that are counted from core.counted; those that split one of them are held with it.
OF_OUTCOMES: Final = (
    "outcome",
    "sensitivity",
    "score",
    "acute_experience",
    "item_change",
    "retention",
    "due",
    "improvement",
    "course_total",
)
SPELL: Final = {
    "instrument_id": "varchar",
    "window_id": "varchar",
    "patient_id": "varchar",
    "course": "varchar",
    "stratum": "ubigint",
    "state": "ubigint",
    "entered": "bigint",
    "gone": "bigint",
    "first": "bigint",
}
STRATUM: Final = {"stratum": "ubigint", "levels": "varchar"}
KEYS: Final = ("baseline_rule", "instrument_id", "item", "metric_id", "profile_id", "value_id", "window_id")
SHOWN: Final = {
    "table_name": "varchar",
    **dict.fromkeys(KEYS, "varchar"),
    **dict.fromkeys(("breakdown", "level", "shown_as"), "varchar"),
    "version": "bigint",
}
TOLD: Final = {**dict.fromkeys(("instrument_id", "window_id", "breakdown", "family"), "varchar"), "version": "bigint"}
FILES: Final = {"_spell": SPELL, "_stratum": STRATUM, "_shown": SHOWN, "_told": TOLD}
BEFORE, AFTER = "people_before", "people"
POPULATION: Final = "instrument_id, window_id"

_TONIGHT: Final = """
create or replace table people.due_tonight as
select
    follow_up.instrument_id, follow_up.window_id, course.patient_id, follow_up.course_id,
    follow_up.course_id[length(course.patient_id) + 1:] as course, combined.stratum,
    md5_number_lower(concat_ws('|', {state})) as state
from core.follow_up
cross join ref.setting
inner join core.course using (course_id)
inner join core.stratum using (course_id, instrument_id)
inner join people.combined using (stratum_id)
where follow_up.last_on < setting.as_of
"""
_STATE: Final = ("baseline", "score", "days", "elapsed_min", "baseline_suicidality", "suicidality")
_COMBINED: Final = """
create or replace table people.combined as
select stratum_id, md5_number_lower(levels::json::varchar) as stratum, levels::json::varchar as levels from core.combination
"""
_KNOWN: Final = f"""
create or replace table people.known as
select {POPULATION}, patient_id, min(first) as first, bool_or(gone is null) as stands from people.spell group by all
"""
_COMPANY: Final = f"""
create or replace table people.company as
select {POPULATION}
from (select distinct {POPULATION}, patient_id from people.due_tonight) anti join people.known using ({POPULATION}, patient_id)
group by all having count(*) >= $k
"""
_COUNTED: Final = f"""
create or replace table people.counted_tonight as
select
    due_tonight.*,
    case when known.stands then known.first when known.patient_id is not null then 0 else $version end as first,
    stood.course is not null or company.window_id is not null as is_counted
from people.due_tonight
left join people.known using ({POPULATION}, patient_id)
left join (from people.spell where gone is null) as stood using ({POPULATION}, patient_id, course)
left join people.company using ({POPULATION})
"""
_ROW: Final = f"{POPULATION}, patient_id, course, stratum, state"
_SPELLS: Final = f"""
create or replace table people.spell_tonight as
select spell.* replace (
    case when spell.gone is null and still.course is null then $version else spell.gone end as gone
)
from people.spell
left join (select {_ROW} from people.counted_tonight where is_counted) as still using ({_ROW})
union all by name
select {_ROW}, $version as entered, null::bigint as gone, first
from people.counted_tonight
anti join (select {_ROW} from people.spell where gone is null) as stood using ({_ROW})
where is_counted
"""


def lent(folder: Path | None, to: Path) -> Path | None:
    """A copy of the frames of the last release where the database may read, beside the warehouse that is built."""
    if folder is None:
        return None
    beside = to / BEFORE
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir(mode=0o700)
    for name in FILES:
        shutil.copyfile(folder / f"{name}.parquet", beside / f"{name}.parquet")
    return beside


def admit(con: "duckdb.DuckDBPyConnection", k: int, version: int, folder: Path | None) -> None:
    """Fills `meta.waiting`: courses that are due tonight and wait until `k` new patients of their population can be counted at once.

    `folder`: the frames of the last release, or None before the first. Leaves tables for `unready` and `keep`,
    in a catalogue of their own.
    """
    con.execute("attach if not exists ':memory:' as people")
    for name, schema in FILES.items():
        columns = ", ".join(f"{column} {kind}" for column, kind in schema.items())
        con.execute(f"create or replace table people.{name[1:]} ({columns})")
        if folder is not None:
            path = str(folder / f"{name}.parquet")
            con.execute(f"insert into people.{name[1:]} by name select * from read_parquet($path)", {"path": path})
    if folder is not None:
        shutil.rmtree(folder)
    con.execute(_COMBINED)
    con.execute(_TONIGHT.format(state=", ".join(f"coalesce(follow_up.{name}::varchar, '')" for name in _STATE)))
    con.execute(_KNOWN)
    con.execute(_COMPANY, {"k": k})
    con.execute(_COUNTED, {"version": version})
    con.execute(_SPELLS, {"version": version})
    con.execute("delete from meta.waiting")
    con.execute(f"insert into meta.waiting by name select course_id, {POPULATION} from people.counted_tonight where not is_counted")
    for table in ("due_tonight", "known", "company", "counted_tonight"):
        con.execute(f"drop table people.{table}")


# What came and went since any print that still counts, by level: `newcomers` are counted in one level of each breakdown.
_MOVED: Final = f"""
create or replace table people.moved as
with
    oldest as (select min(version) as version from people.shown),
    joined as (
        select {POPULATION}, patient_id, min(first) as version, arg_min(stratum, course) as stratum
        from people.spell_tonight where gone is null and first > (from oldest) group by all
    ),
    events as (
        select {POPULATION}, stratum, version, count(*) as newcomers from joined group by all
        union all
        select distinct {POPULATION}, stratum, entered, 0 from people.spell_tonight where entered > (from oldest)
        union all
        select distinct {POPULATION}, stratum, gone, 0 from people.spell_tonight where gone > (from oldest)
    ),
    strata as (
        select stratum, levels from people.combined union select stratum, levels from people.stratum
    ),
    levels as (
        select strata.stratum, entry.key as breakdown, coalesce(entry.value ->> '$', 'unknown') as level
        from strata, json_each(strata.levels::json) as entry
        where strata.stratum in (select stratum from events)
    )
select {POPULATION}, breakdown, level, version, sum(newcomers)::bigint as newcomers
from events inner join levels using (stratum)
group by all
union all
select {POPULATION}, '' as breakdown, '' as level, version, sum(newcomers)::bigint
from events
group by all
"""
_UNREADY: Final = """
with
    printed as (select *, {population} from people.shown where table_name = '{table}'),
    own as (select {keys}, breakdown, max(version) as since from printed group by all),
    any_table as (
        select
            instrument_id, coalesce(window_id, (select headline_window_id from ref.setting)) as window_id, breakdown,
            max(version) as since
        from people.shown group by all
    ),
    of_all as (select instrument_id, window_id, max(since) as since from any_table group by all),
    cells as (
        select level.*, {population} from release.{table}_level as level where shown_as is not null
    ),
    sizes as (select {keys}, breakdown, shown_as, count(*) as levels from printed group by all),
    units as (
        select
            {keys}, cells.breakdown, cells.shown_as,
            coalesce(count(*) = count(printed.level) and count(*) = any_value(sizes.levels), false) as is_same
        from cells
        left join printed using ({keys}, breakdown, level, shown_as)
        left join sizes using ({keys}, breakdown, shown_as)
        group by all
    ),
    changes as (
        select
            {keys}, cells.breakdown, cells.shown_as,
            coalesce(sum(moved.newcomers) filter (where moved.version > own.since), 0) as newcomers,
            coalesce(bool_or(moved.version > own.since), false) as has_changed,
            coalesce(sum(moved.newcomers) filter (where moved.version > any_table.since), 0) as newcomers_any,
            coalesce(bool_or(moved.version > any_table.since), false) as has_changed_any
        from cells
        left join own using ({keys}, breakdown)
        left join any_table on
            cells.of_instrument = any_table.instrument_id and cells.of_window = any_table.window_id
            and cells.breakdown = any_table.breakdown
        inner join people.moved on
            cells.of_instrument = moved.instrument_id and cells.of_window = moved.window_id
            and cells.breakdown = moved.breakdown and cells.level = moved.level
        group by all
    ),
    totals as (
        select instrument_id, window_id from of_all inner join people.moved using (instrument_id, window_id)
        where moved.breakdown = '' and moved.version > of_all.since
        group by all having sum(newcomers) < $k
    )
select {keys}, units.breakdown
from units
left join changes using ({keys}, breakdown, shown_as)
inner join own using ({keys}, breakdown)
where (not units.is_same or coalesce(changes.has_changed, false)) and coalesce(changes.newcomers, 0) < $k
union
select {keys}, breakdown from changes where has_changed_any and newcomers_any < $k
union
select {keys}, breakdown from cells semi join totals on of_instrument = totals.instrument_id and of_window = totals.window_id
"""


# What was told since anybody of its population came, went or changed, is told again.
_STILL_TOLD: Final = f"""
select told.{POPULATION.replace(", ", ", told.")}, breakdown, family
from people.told
inner join (
    select {POPULATION}, max(greatest(entered, coalesce(gone, 0))) as changed from people.spell_tonight group by all
) using ({POPULATION})
where told.version >= changed
"""


def unready(con: "duckdb.DuckDBPyConnection", rule: Rule) -> dict[str, list[pl.DataFrame]]:
    """By table, the partitions that must not be printed anew tonight, in frames of which each has the columns that it goes by.

    `because` is `waits`, or `crosses` where another breakdown cuts nearly the same people.
    """
    con.execute(_MOVED)
    con.execute("create or replace table people.families (instrument_id varchar, window_id varchar, breakdown varchar, family varchar)")
    known = {name for (name,) in con.execute("select table_name from duckdb_tables() where schema_name = 'release'").fetchall()}
    found = {}
    for guarded in _of_outcomes():
        if f"{guarded.table}_level" in known:
            sql = _UNREADY.format(table=guarded.table, keys=", ".join(guarded.keys), population=_population(guarded))
            con.execute(f"create or replace table people.waits as {sql}", {"k": rule.gate_k})
            found[guarded.table] = [con.sql("from people.waits").pl().with_columns(because=pl.lit(WAITS))]
            others = f"anti join people.waits using ({', '.join(guarded.keys)}, breakdown)"
            con.execute(f"insert into people.families {families(guarded, others)}")
    con.execute("drop table if exists people.waits")
    crossing = crossings.refused(con, rule.gate_k)
    headline = con.execute("select headline_window_id from ref.setting").fetchall()[0][0]
    for guarded in _of_outcomes():
        if guarded.table in found:
            of = crossing if "window_id" in guarded.keys else crossing.filter(window_id=headline).drop("window_id")
            found[guarded.table].append(of)
    return found


def families(guarded: Guarded, of: str) -> str:
    """SQL for the families of a table, as tonight's levels are put together in it: instrument_id, window_id, breakdown, family."""
    keys = ", ".join(guarded.keys)
    return (
        f"select distinct of_instrument, of_window, breakdown, to_json(list(levels order by levels))::varchar from ("
        f"select {_population(guarded)}, {keys}, breakdown, shown_as, list(level order by level) as levels "
        f"from release.{guarded.table}_level {of} where shown_as is not null group by all"
        f") group by of_instrument, of_window, {keys}, breakdown"
    )


def _of_outcomes() -> list[Guarded]:
    return [guarded for guarded in disclosure.GUARDED if guarded.table in OF_OUTCOMES]


def _population(guarded: Guarded) -> str:
    window = "window_id" if "window_id" in guarded.keys else "(select headline_window_id from ref.setting)"
    return f"instrument_id as of_instrument, {window} as of_window"


def begin_anew(con: "duckdb.DuckDBPyConnection") -> None:
    """Forgets what was printed, and not who is counted."""
    con.execute("delete from people.shown; delete from people.told")


def keep(con: "duckdb.DuckDBPyConnection", fresh: Mapping[str, pl.DataFrame], version: int, beside: Path) -> Path:
    """Writes the frames of tonight's release into a folder. `fresh`: by table, keys and breakdown of the partitions printed anew."""
    folder = beside / AFTER
    for guarded in (one for one in _of_outcomes() if one.table in fresh):
        con.register("printed", fresh[guarded.table].select(*guarded.keys, "breakdown").to_arrow())
        keys = ", ".join((*guarded.keys, "breakdown"))
        # What is printed anew as hidden tells nothing, and its last print still does.
        told = f"select {keys} from release.{guarded.table}_level where shown_as is not null"
        con.execute(
            f"create or replace table people.incoming as select distinct {keys} from printed semi join ({told}) as told using ({keys})"
        )
        same = " and ".join(f"shown.{key} = incoming.{key}" for key in (*guarded.keys, "breakdown"))
        con.execute(f"delete from people.shown as shown using people.incoming as incoming where table_name = '{guarded.table}' and {same}")
        con.execute(
            f"insert into people.shown by name select '{guarded.table}' as table_name, {keys}, level, shown_as, $version as version "
            f"from release.{guarded.table}_level semi join people.incoming using ({keys}) where shown_as is not null",
            {"version": version},
        )
        con.unregister("printed")
        con.execute(
            f"insert into people.told (instrument_id, window_id, breakdown, family, version) "
            f"select fresh.*, $version from ({families(guarded, f'semi join people.incoming using ({keys})')}) "
            f"as fresh (instrument_id, window_id, breakdown, family) anti join ({_STILL_TOLD}) as told "
            f"using (instrument_id, window_id, breakdown, family)",
            {"version": version},
        )
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    strata = "select stratum, levels from people.stratum union select stratum, levels from people.combined"
    used = f"from ({strata}) semi join people.spell_tonight using (stratum)"
    for name, rows in (
        ("_spell", "from people.spell_tonight"),
        ("_stratum", used),
        ("_shown", "from people.shown"),
        ("_told", "from people.told"),
    ):
        columns = ", ".join(FILES[name])
        path = str(folder / f"{name}.parquet").replace("'", "''")
        con.execute(f"copy (select {columns} from ({rows}) order by all) to '{path}' (format parquet, compression zstd)")
    con.execute("detach people")
    return folder


def covered(con: "duckdb.DuckDBPyConnection") -> dict[str, int | None]:
    """What `outcomes status` says of a warehouse: patients who are counted in some measure and window, and patients who wait in some.

    Both null where they are fewer than `k`, which is how many the rule asks for.
    """
    k = disclosure.rule_in_force(con).gate_k
    of = {"patients": "core.counted where is_due", "waiting": "meta.waiting"}
    sql = "select count(distinct patient_id) from core.course semi join (from {}) using (course_id)"
    counts = {name: int(con.execute(sql.format(rows)).fetchall()[0][0]) for name, rows in of.items()}
    return {"k": k, **{name: count if count >= k else None for name, count in counts.items()}}
