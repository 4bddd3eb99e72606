"""A made-up clinic of one measure and window, through what a night does with it before it prints: batches, disclosure and gate.

The tables of schema core that these read are made by hand, and counted by two lines of SQL; everything from there on is the night's own.
"""

import datetime as dt
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import polars as pl

from outcomes import batches, disclosure, gating
from outcomes.disclosure import GUARDED, Rule
from outcomes.gate.simulation import Patient, Print
from outcomes.ledger import Ledger
from outcomes.reference import HELD, SHOWN, WAITING

TABLES = tuple(one for one in GUARDED if one.table in ("score", "outcome"))
QUESTION = "'house' as profile_id, 'response' as metric_id"
CORE = """
create or replace table core.combination as
select row_number() over ()::integer as stratum_id, levels
from (select distinct {'all': 'all', 'site': site, 'programme': programme} as levels from incoming);
create or replace table core.course as select course_id, patient_id from incoming;
create or replace table core.stratum as select course_id, 'phq9' as instrument_id, stratum_id
from incoming inner join core.combination on levels = {'all': 'all', 'site': site, 'programme': programme};
create or replace table core.follow_up as
select course_id, 'phq9' as instrument_id, 'd30' as window_id, last_on, 20.0 as baseline, 20.0 - 15 * met as score, days::integer as days,
    null::bigint as elapsed_min, false as baseline_suicidality, false as suicidality, met
from incoming;
create or replace table core.stratum_level as
select stratum_id, entry.key as breakdown, entry.value ->> '$' as level from core.combination, json_each(levels::json) as entry
"""
TALLY = f"""
create or replace table tally.counted as
select breakdown, level, count(*) as n, sum(met)::bigint as met
from core.follow_up anti join meta.waiting using (course_id, instrument_id, window_id) cross join ref.setting
inner join core.stratum using (course_id, instrument_id) inner join core.stratum_level using (stratum_id)
where last_on < as_of group by all;
create or replace table tally.score as
select 'phq9' as instrument_id, 'd30' as window_id, breakdown, level, n as enrolled, n from tally.counted;
create or replace table tally.outcome as
select {QUESTION}, 'phq9' as instrument_id, 'd30' as window_id, breakdown, level,
    n as enrolled, n as with_baseline, n as eligible, n as measured, n as denominator, met as numerator from tally.counted
"""


@dataclass
class House:
    """What has been published so far. `prints`: every different set of people that was printed, with its events."""

    con: duckdb.DuckDBPyConnection
    folder: Path
    rule: Rule
    ledger: Ledger = field(default_factory=Ledger)
    prints: list[Print] = field(default_factory=list)
    held: dict[tuple[str, str], str] = field(default_factory=dict)

    def release(self, version: int, people: Mapping[str, Patient], *, gated: bool = True) -> dict[str, dict[str, int]]:
        """One night with a release: persons in each printed group, by breakdown and name; `held` says why what is not fresh is not."""
        con = self.con
        rows = [
            {
                "course_id": f"{person}/{len(courses)}",
                "patient_id": person.partition("+")[0],
                "site": f"site {patient.site}",
                "programme": f"programme {patient.programme}",
                "met": patient.met,
                "days": patient.state,
                "last_on": dt.date(2026, 1, 1),
            }
            for person, patient in people.items()
            for courses in [person]
        ]
        as_of = dt.date(2026, 1, 1) + dt.timedelta(days=version)
        con.register("incoming", pl.DataFrame(rows).to_arrow())
        con.execute(CORE)
        con.unregister("incoming")
        con.execute("delete from ref.setting")
        con.execute("insert into ref.setting values (?, 'd30', ?)", [as_of, self.rule.name])
        for name, schema in (("held", HELD), ("shown", SHOWN), ("waiting", WAITING)):
            con.register("incoming", pl.DataFrame(schema=schema).to_arrow())
            con.execute(f"create or replace table meta.{name} as select * from incoming")
            con.unregister("incoming")
        con.execute("drop schema if exists release cascade")
        if gated:
            beside = self.folder / str(version)
            beside.mkdir()
            batches.admit(con, self.rule.gate_k, version, batches.lent(self.ledger.people, beside))
        con.execute(TALLY)
        disclosure.disclose(con)
        fresh = con.sql("select distinct breakdown from release.outcome where not is_suppressed").pl()
        if gated:
            released, printed = gating.hold(con, self.rule, self.ledger, version, batches.unready(con, self.rule))
            kept = batches.keep(con, printed, version, beside)
            self.ledger = Ledger(released.tables, released.dates, kept)
            fresh = printed["outcome"]
        self.held = {(t, b): why for t, b, why in con.execute("select table_name, breakdown, because from meta.held").fetchall()}
        return self._note(version, people, set(fresh["breakdown"]))

    def _note(self, version: int, people: Mapping[str, Patient], fresh: set[str]) -> dict[str, dict[str, int]]:
        inside = self.con.execute(
            "select breakdown, shown_as, string_split(course_id, '/')[1] from release.outcome_level inner join core.stratum_level "
            "using (breakdown, level) inner join core.stratum using (stratum_id) anti join meta.waiting using (course_id) "
            "where shown_as is not null"
        ).fetchall()
        sets: dict[tuple[str, str], set[str]] = {}
        for breakdown, name, person in inside:
            if breakdown in fresh:
                sets.setdefault((breakdown, name), set()).add(person)
        known = {one.members for one in self.prints}
        for (breakdown, name), persons in sorted(sets.items()):
            members = frozenset((person, people[person].outcome) for person in persons)
            if members not in known:
                known.add(members)
                events = sum(people[person].met for person in persons)
                self.prints.append(Print(version, breakdown, name, members, events, events))
        counts: dict[str, dict[str, int]] = {}
        for (breakdown, name), persons in sorted(sets.items()):
            counts.setdefault(breakdown, {})[name] = len(persons)
        return counts

    @property
    def waiting(self) -> set[str]:
        return {name.partition("/")[0] for (name,) in self.con.execute("select course_id from meta.waiting").fetchall()}


@contextmanager
def house(folder: Path, rule: Rule) -> Iterator[House]:
    """A house that has published nothing; `disclosure`, `gating` and `batches` must know no more tables than TABLES."""
    with duckdb.connect() as con:
        con.execute("create schema core; create schema meta; create schema ref; create schema tally")
        con.execute("create table ref.setting (as_of date, headline_window_id varchar, disclosure_rule varchar)")
        columns = "rule varchar, hide_from integer, hide_to integer, round_to integer, k integer, c integer"
        con.execute(f"create table ref.disclosure ({columns})")
        con.execute("insert into ref.disclosure values (?, ?, ?, ?, ?, ?)", [*rule.__dict__.values()])
        yield House(con, folder, rule)
