"""Nobody comes into the figures of a release, or changes in them, without the company of k others."""

import datetime as dt
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import gate_tools
import polars as pl
import pytest
from gate_tools import House

from outcomes import batches, crossings, disclosure, judging, overview, places, releases, sqlfiles
from outcomes.disclosure import GUARDED, Rule
from outcomes.gate import attack, holding, simulation
from outcomes.gate.simulation import Patient
from outcomes.settings import load
from outcomes.store import sha256

RULE = Rule("nhs", 1, 4, gate_k=5, gate_c=0)


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    monkeypatch.setattr(disclosure, "GUARDED", gate_tools.TABLES)
    with gate_tools.house(tmp_path, RULE) as house:
        yield house


def some(first: str, count: int, site: int, met: int = 0) -> dict[str, Patient]:
    """So many patients of a site, every other of whom responds."""
    return {f"{first}{i}": Patient(site, 0, met or i % 2) for i in range(count)}


FIRST = some("a", 20, 1) | some("b", 20, 2)


def test_newcomers_wait_until_k_can_be_counted_at_once(house: House) -> None:
    house.release(1, FIRST)
    assert house.release(2, FIRST | some("c", 4, 1))["all"] == {"all": 40}
    assert house.waiting == {"c0", "c1", "c2", "c3"}
    assert house.release(3, FIRST | some("c", 5, 1))["all"] == {"all": 45}
    assert house.waiting == set()


def test_a_population_of_fewer_than_k_is_not_counted(house: House) -> None:
    assert house.release(1, some("a", 4, 1)) == {}
    assert len(house.waiting) == 4


def test_another_course_of_a_patient_who_is_counted_waits_and_is_nobodys_company(house: House) -> None:
    house.release(1, FIRST)
    again = {"a0+2": Patient(1, 0, 1)}
    assert house.release(2, FIRST | again | some("c", 4, 1))["all"] == {"all": 40}
    assert house.release(3, FIRST | again | some("c", 5, 1))["all"] == {"all": 46}


def test_who_came_back_is_nobodys_company(house: House) -> None:
    house.release(1, FIRST | some("x", 5, 1))
    house.release(2, FIRST | some("c", 5, 1))
    assert house.waiting == set()
    house.release(3, FIRST | some("c", 5, 1) | some("x", 5, 1))
    assert len(house.waiting) == 5
    house.release(4, FIRST | some("c", 5, 1) | some("x", 5, 1) | some("d", 5, 1))
    assert house.waiting == set()


@pytest.mark.parametrize(
    ("second", "sites"),
    [
        pytest.param(some("c", 5, 1), "fresh", id="a batch at one site"),
        pytest.param(some("c", 5, 1) | some("d", 5, 2), "fresh", id="a batch at each"),
        pytest.param(some("c", 3, 1) | some("d", 3, 2), "waits", id="a batch that the sites share"),
        pytest.param(some("c", 5, 1) | {"b0": Patient(2, 0, 1, 1, 1)}, "waits", id="a corrected outcome elsewhere"),
        pytest.param(some("c", 5, 1) | {"a0": Patient(1, 0, 1, 1, 1)}, "fresh", id="a corrected outcome beside a batch"),
        pytest.param(some("c", 5, 1) | {"b0": Patient(1, 0, 0, 0, 0)}, "waits", id="somebody who moved into a batch and left others"),
        pytest.param({"a0": Patient(1, 0, 1, 1, 1), "a1": Patient(1, 0, 0, 1, 1)}, "waits", id="two corrections that add up to nothing"),
    ],
)
def test_a_breakdown_waits_until_each_group_that_changed_has_k_newcomers(house: House, second: dict[str, Patient], sites: str) -> None:
    house.release(1, FIRST)
    house.release(2, FIRST | second)
    assert house.held.get(("outcome", "site"), "fresh") == sites


def test_a_pool_of_levels_is_a_group(house: House) -> None:
    """Of two small sites that go by one name, one grows, and the other is pooled with a site that was shown: it would be bare."""
    few = some("b", 20, 2)
    small = some("s", 3, 3, 1) | some("t", 3, 4, 1) | some("a", 10, 1)
    assert house.release(1, few | small)["site"] == {"(pooled)": 6, "site 1": 10, "site 2": 20}
    assert "site" not in house.release(2, few | small | some("u", 20, 4))
    assert house.held["outcome", "site"] == "waits"


def test_newcomers_count_from_the_last_print_of_any_table(house: House) -> None:
    """Two batches of three are six to who saw neither; to who saw one of them, they are three."""
    house.release(1, FIRST)
    c, d = some("c", 3, 1) | some("cc", 3, 2), some("d", 3, 1) | some("dd", 3, 2)
    house.release(2, FIRST | c)
    assert house.held["outcome", "site"] == "waits"
    assert house.release(3, FIRST | c | d)["site"] == {"site 1": 26, "site 2": 26}


def follows(people: dict[str, Patient], but: int) -> dict[str, Patient]:
    """Everybody's programme is that of their site, but for one patient in so many."""
    return {
        name: patient._replace(programme=patient.site if int(re.sub(r"\D", "", name)) % but else (patient.site + 1) % 3)
        for name, patient in people.items()
    }


def test_a_breakdown_that_cuts_nearly_the_same_people_prints_its_last_release(house: House) -> None:
    """Three newcomers of site 1 are in the programme of site 2: each has more than k newcomers, and the two differ by three people."""
    first = {name: patient._replace(programme=patient.site) for name, patient in FIRST.items()}
    assert set(house.release(1, first)) == {"all", "site", "programme"}
    crossed = {name: patient._replace(programme=2) for name, patient in some("x", 3, 1).items()}
    second = first | {name: patient._replace(programme=1) for name, patient in some("c", 9, 1).items()} | crossed
    second |= {name: patient._replace(programme=2) for name, patient in some("d", 9, 2).items()}
    assert house.release(2, second).keys() == {"all", "site"}
    assert house.held["outcome", "programme"] == house.held["score", "programme"] == "crosses"
    shown = house.con.execute("select level, enrolled, as_of from release.outcome where breakdown = 'programme' order by all").fetchall()
    assert shown == [(f"programme {i}", 20, dt.date(2026, 1, 2)) for i in (1, 2)]


def test_what_was_told_once_is_remembered_for_ever(house: House) -> None:
    """The programmes were told a release ago, and the sites of those people now would be their difference."""
    first = {name: patient._replace(programme=patient.site) for name, patient in FIRST.items()}
    house.release(1, first)
    moved = first | {f"a{i}": Patient(2, 1, i % 2) for i in range(3)} | some("c", 9, 1) | some("d", 9, 2)
    moved = {name: patient._replace(programme=1) if name[0] in "cd" else patient for name, patient in moved.items()}
    house.release(2, moved)
    told = house.con.sql("select breakdown, version from read_parquet(?)", params=[str(house.folder / "2" / "people" / "_told.parquet")])
    assert {("programme", 1), ("site", 1), ("all", 1), ("all", 2)} <= set(told.fetchall())


@pytest.mark.parametrize(
    ("gated", "crossed", "learned"),
    [(True, True, False), (True, False, True), (False, True, True)],
    ids=["the gate", "no look at crossings", "no gate"],
)
@pytest.mark.parametrize(
    ("releases", "seed"),
    [(12, 1), *(pytest.param(40, seed, marks=pytest.mark.slow) for seed in (2, 3))],
    ids=["12 releases", "40 releases", "40 others"],
)
def test_everything_that_was_ever_printed_tells_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, releases: int, seed: int, gated: bool, crossed: bool, learned: bool
) -> None:
    """Fourteen patients a week, some corrected, some withdrawn; programmes that nearly follow sites."""
    monkeypatch.setattr(disclosure, "GUARDED", gate_tools.TABLES)
    if not crossed:
        nothing = pl.DataFrame(schema=dict.fromkeys(("instrument_id", "window_id", "breakdown", "because"), pl.String))
        monkeypatch.setattr(crossings, "refused", lambda *_: nothing)
    clinic = simulation.Clinic(releases, 14, (0.4, 0.35, 0.25), corrected=0.002, withdrawn=0.001, extra=60)
    with gate_tools.house(tmp_path, Rule("opensafely", 1, 7, gate_k=8, gate_c=2)) as house:
        printed = [
            house.release(number, follows(dict(night), 40), gated=gated) for number, night in enumerate(simulation.nights(clinic, seed), 1)
        ]
        assert bool(attack.from_any_two(house.prints, 8) or attack.from_everything(house.prints, 8)) == learned
    assert all("all" in night for night in printed)
    assert sum("site" in night or "programme" in night for night in printed) >= releases // 4


def test_each_reason_for_which_something_is_held_is_said_in_words() -> None:
    said = pl.read_csv(places.folder("sql") / "ref" / "held_because.csv")["because"]
    assert {*said} == {holding.FEW, holding.ALIKE, holding.BLOCKED, holding.ABSENT, batches.WAITS, crossings.CROSSES}


def test_every_table_that_is_counted_from_outcomes_waits_for_batches() -> None:
    files = sqlfiles.read_folder(places.folder("sql"))
    by_table = {file.table: file for file in [*files, *judging.stacked(files)]}

    def reads(table: str) -> set[str]:
        below = by_table[table].reads & by_table.keys() if table in by_table else set()
        return {table}.union(*(reads(other) for other in below))

    counted = {one.table for one in GUARDED if "core.counted" in reads(f"tally.{one.tally}")}
    first = [one for one in GUARDED if one.table in counted and not one.within]
    assert {one.table for one in first} == set(batches.OF_OUTCOMES)
    assert {key for one in first for key in one.keys} == set(batches.KEYS)


HEADS = ("session_id,patient_id,site_id,started_at,kind,route,programme_id", "patient_id,instrument_id,answered_at,total")
NIGHTS = """
[clinic]
name = "Batches"
timezone = "UTC"

[disclosure]
rule = "nhs"

[release]
every_days = 7
"""


def export(folder: Path, day: str, patients: dict[str, tuple[str, int]]) -> None:
    """All that the clinic knows by a day: each patient's site and follow-up score; all began in January 2025."""
    sessions = [f"{name}s,{name},{site},2025-01-10T10:00:00,medicine,iv,series" for name, (site, _) in patients.items()]
    forms = [line for name, (_, score) in patients.items() for line in (f"{name},phq9,2025-01-08,20", f"{name},phq9,2025-02-09,{score}")]
    (folder / "inbox").mkdir(exist_ok=True)
    (folder / "outcomes.toml").write_text(NIGHTS)
    for name, head, lines in (("sessions", HEADS[0], sessions), ("questionnaires", HEADS[1], forms)):
        (folder / "inbox" / f"{name}_{day}.csv").write_text("\n".join([head, *lines, ""]))


def people(first: str, count: int, site: str) -> dict[str, tuple[str, int]]:
    return {f"{first}{i}": (site, 4 if i % 2 else 18) for i in range(count)}


def seen(folder: Path, table: str) -> list[tuple[object, ...]]:
    """Response by breakdown and level: people, responders, day of the month of the figures."""
    with duckdb.connect(str(folder / "data" / "warehouse" / "current" / "warehouse.duckdb"), read_only=True) as con:
        which = "instrument_id = 'phq9' and window_id = 'd30'"
        if table == "waiting":
            return con.execute(f"select course_id from meta.waiting where {which} order by all").fetchall()
        if table == "evidence":
            return con.execute(f"select count(*) from core.evidence where {which} and metric_id = 'response' and is_due").fetchall()
        return con.execute(
            f"select breakdown, level, measured, numerator, day(as_of) from release.outcome where {which} and metric_id = 'response' "
            "and profile_id = (select profile_id from ref.setting) and breakdown in ('all', 'site') order by all"
        ).fetchall()


def kept(folder: Path) -> dict[str, str]:
    return {path.name: sha256(path) for path in (folder / "data" / "private" / "ledger").rglob("_*")}


def test_nights_count_newcomers_together_and_hold_what_changed_without_them(
    tmp_path: Path, short_night: Callable[..., tuple[int, str]]
) -> None:
    north, south = people("n", 20, "north"), people("s", 20, "south")
    export(tmp_path, "2026-01-01", north | south)
    short_night(tmp_path, "2026-01-01")
    first = [("all", "all", 40, 20, 1), ("site", "north", 20, 10, 1), ("site", "south", 20, 10, 1)]
    assert seen(tmp_path, "outcome") == first

    few = people("x", 3, "north")
    export(tmp_path, "2026-01-08", north | south | few)
    short_night(tmp_path, "2026-01-08")
    assert seen(tmp_path, "waiting") == [("x0/1",), ("x1/1",), ("x2/1",)]
    assert seen(tmp_path, "evidence") == [(43,)], "the clinic's own analysts see everybody"
    assert [row[:4] for row in seen(tmp_path, "outcome")] == [row[:4] for row in first]

    said = overview.status(load(tmp_path / "outcomes.toml"))[1]
    assert "40 patients have an outcome in them" in said
    assert "fewer than 5 patients wait, or none, for company: in each measure and window, 5 new ones are counted at once" in said

    # A night without a release: nobody waits, and what is kept of the last release stays as it is.
    before = kept(tmp_path)
    many = people("x", 9, "north")
    export(tmp_path, "2026-01-10", north | south | many)
    short_night(tmp_path, "2026-01-10")
    assert (seen(tmp_path, "waiting"), kept(tmp_path)) == ([], before)

    # Nine come to the north; in the south, one outcome is corrected, which would show by itself.
    corrected = south | {"s0": ("south", 5)}
    export(tmp_path, "2026-01-15", north | corrected | many)
    short_night(tmp_path, "2026-01-15")
    assert seen(tmp_path, "outcome") == [("all", "all", 49, 25, 15), *((*row[:4], 8) for row in first[1:])]
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "data" / "private" / "ledger").rglob("_*")} == {0o600}
    assert not list((tmp_path / "data" / "warehouse").rglob("_*.parquet"))


def test_a_night_that_did_not_release_leaves_no_trace_in_who_is_counted(
    tmp_path: Path, short_night: Callable[..., tuple[int, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    north = people("n", 20, "north")
    export(tmp_path, "2026-01-01", north)
    short_night(tmp_path, "2026-01-01")
    before = kept(tmp_path)
    export(tmp_path, "2026-01-08", north | people("x", 9, "north"))
    with monkeypatch.context() as patch:
        patch.setattr(releases, "add", lambda *_: 1 / 0)
        assert short_night(tmp_path, "2026-01-08")[0] == 1
    assert before.items() <= {path.name: sha256(path) for path in (tmp_path / "data/private/ledger/2026-01-01-0001").glob("_*")}.items()
    short_night(tmp_path, "2026-01-08")
    assert seen(tmp_path, "outcome")[0] == ("all", "all", 29, 14, 8)
    (tmp_path / "data" / "private" / "ledger" / "2026-01-08-0003" / "_spell.parquet").unlink()
    code, line = short_night(tmp_path, "2026-01-15")
    assert code == 3, line
