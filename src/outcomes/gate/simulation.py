"""A clinic of made-up patients and a way to publish in; every set of patients that was printed in a year of nights, out.

Each night some patients complete (enter), some are corrected (outcome or site), some withdraw. Counts of patients and of events are
printed in total, by site and by programme. Used by the attack suite and by `bench/gate.py`; nothing else imports it.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import numpy as np
import polars as pl

from outcomes import disclosure
from outcomes.disclosure import Rule
from outcomes.gate import audit, cohort, holding, names

BREAKDOWNS: Final = ("all", "site", "programme")
POPULATION: Final = "phq9 d30"
LAYOUT: Final = holding.Layout((), "people", ("people", "met"), (("met", "people"),))


class Patient(NamedTuple):
    """One patient as the data of a night say: `state` tells versions of a record apart, `outcome` those of the outcome.

    A correction that leaves the outcome as it was has the same `outcome`, and whoever attacks knows that.
    """

    site: int
    programme: int
    met: int
    state: int = 0
    outcome: int = 0


Night = Mapping[str, Patient]


@dataclass(frozen=True)
class Clinic:
    """What happens: a day brings `per_night` completed patients; each who is there is corrected or withdraws with these chances a night."""

    nights: int = 90
    per_night: int = 2
    sites: Sequence[float] = (0.25, 0.25, 0.25, 0.25)
    programmes: Sequence[float] = (1 / 3, 1 / 3, 1 / 3)
    rate: float = 0.45
    corrected: float = 0.0
    withdrawn: float = 0.0
    extra: int = 2


def nights(clinic: Clinic, seed: int) -> Iterator[Night]:
    """Who is in the data, night after night."""
    rng = np.random.default_rng(seed)
    here: dict[str, Patient] = {}

    def patient() -> Patient:
        site, programme = (int(rng.choice(len(p), p=p)) for p in (clinic.sites, clinic.programmes))
        return Patient(site, programme, int(rng.random() < clinic.rate))

    come = 0
    for night in range(clinic.nights):
        for _ in range(clinic.per_night + (clinic.extra if night == 0 else 0)):
            here[f"p{come:04}"] = patient()
            come += 1
        for person in sorted(here):
            if clinic.withdrawn and rng.random() < clinic.withdrawn:
                del here[person]
            elif clinic.corrected and rng.random() < clinic.corrected:
                old = here[person]
                new = patient()
                outcome = old.outcome + (new.met != old.met)
                here[person] = Patient(new.site, old.programme, new.met, old.state + 1, outcome)
        yield dict(here)


def levels_of(patient: Patient) -> dict[str, str]:
    return {"all": "all", "site": f"site {patient.site}", "programme": f"programme {patient.programme}"}


class Print(NamedTuple):
    """A set that was printed: who is in it, with which outcome of theirs, and between which numbers its events are, for a reader."""

    night: int
    breakdown: str
    level: str
    members: frozenset[tuple[str, int]]
    low: int
    high: int


@dataclass
class Ledger:
    """All different sets that were printed. `covered`: per night and breakdown, patients in printed cells and patients in the data."""

    prints: list[Print] = field(default_factory=list)
    covered: list[tuple[int, str, int, int]] = field(default_factory=list)
    refused: list[tuple[int, str, str]] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)


def units(people: Night, name: Callable[[str, str], str] = lambda _, level: level) -> dict[tuple[str, str], set[str]]:
    """Persons by breakdown and (name of the) level."""
    answer: dict[tuple[str, str], set[str]] = {}
    for person, patient in people.items():
        for breakdown, level in levels_of(patient).items():
            answer.setdefault((breakdown, name(breakdown, level)), set()).add(person)
    return answer


# What a publisher without a gate prints: a count of people and one of events in, the events as a reader may take them, or None, out.
Shown = Callable[[int, int], tuple[int, int] | None]


def exact(_: int, met: int) -> tuple[int, int]:
    return met, met


def threshold(hide_to: int) -> Shown:
    """Cells with 1 to `hide_to` people, events or others are left out."""
    return lambda n, met: None if any(0 < count <= hide_to for count in (n, met, n - met)) else (met, met)


def rounded(hide_to: int, base: int) -> Shown:
    """As `threshold`, and events are rounded to the nearest multiple of `base` (halves down)."""
    shown, half = threshold(hide_to), (base - 1) // 2

    def read(n: int, met: int) -> tuple[int, int] | None:
        near = (met + half) // base * base
        return None if shown(n, met) is None else (max(0, near - half), min(n, near + base - 1 - half))

    return read


def publish_simply(night_of: Iterable[Night], shown: Shown, rule: Rule | None = None) -> Ledger:
    """Every cell of every night is printed as `shown`, whatever was printed before; small ones pooled if there is a `rule`."""
    ledger, known = Ledger(), set()
    for number, people in enumerate(night_of, 1):
        inside = dict.fromkeys(BREAKDOWNS, 0)
        for (breakdown, level), persons in (units(people) if rule is None else _pooled(people, rule)).items():
            told = shown(len(persons), sum(people[p].met for p in persons))
            if told is None:
                continue
            inside[breakdown] += len(persons)
            one = Print(number, breakdown, level, frozenset((p, people[p].outcome) for p in persons), *told)
            if one[3:] not in known:
                known.add(one[3:])
                ledger.prints.append(one)
        ledger.covered += [(number, breakdown, count, len(people)) for breakdown, count in inside.items()]
    return ledger


def _pooled(people: Night, rule: Rule) -> dict[tuple[str, str], set[str]]:
    """Units, the small ones pooled as the release of one night has them."""
    cells = [(*key, len(who), met := sum(people[p].met for p in who), len(who) - met) for key, who in units(people).items()]
    frame = pl.DataFrame(cells, schema=[*CELLS, "others"], orient="row")
    shown = disclosure.release(frame, [], ("people", "met", "others"), rule)
    name = {(b, level): told for b, level, told in shown.select("breakdown", "level", "shown_as").iter_rows()}
    named = units(people, lambda b, level: name[b, level] or "")
    return {key: who for key, who in named.items() if key[1]}


@dataclass(frozen=True)
class Guards:
    """Which guards stand: switch one off, and an attack succeeds.

    `k_of` changes k from a night on, `has` the breakdowns; `skips` names partitions that are not printed fresh in a night, as if they
    stood in another table that is held.
    """

    k: int = 11
    c: int = 2
    share: float = 0.1
    ripe: float = 2.0
    batches: bool = True
    waits_for_newcomers: bool = True
    holds: bool = True
    audits: bool = True
    k_of: Callable[[int], int] | None = None
    has: Callable[[int, str], bool] | None = None
    skips: Callable[[int, str], bool] | None = None


def publish_gated(night_of: Iterable[Night], guards: Guards) -> Ledger:
    """Night after night through cohort, holding and audit, as the pipeline does it."""
    ledger = Ledger()
    standing = touched = named = before = None
    told = None
    released: list[tuple[str, str, int]] = []
    events: dict[frozenset[tuple[str, int]], int] = {}
    last: tuple[object, dict[str, int]] | None = None
    for number, people in enumerate(night_of, 1):
        k = guards.k_of(number) if guards.k_of else guards.k
        breakdowns = [b for b in BREAKDOWNS if guards.has is None or guards.has(number, b)]
        tonight, strata = _frames(people, breakdowns)
        named = names.names(tonight, strata, named, k, guards.share, guards.ripe)
        levels = names.under_names(strata, named)
        answer = cohort.admit(
            cohort.nobody(tonight) if standing is None else standing,
            tonight,
            levels,
            k if guards.batches else 0,
            number,
            touched,
            before,
        )
        standing, touched, before = answer.standing, answer.touched, levels
        inside = set(standing["person"])
        counted = {person: patient for person, patient in people.items() if person in inside}
        name = {(b, level): shown for b, level, shown in named.select("breakdown", "level", "name").iter_rows()}
        cells = {
            key: frozenset((p, people[p].outcome) for p in persons)
            for key, persons in units(counted, lambda b, level: name.get((b, level), level)).items()  # noqa: B023
            if key[0] in breakdowns
        }
        now = (k, breakdowns, sorted(cells.items(), key=lambda item: item[0]))
        if last is not None and last[0] == now and guards.skips is None:
            fresh = last[1]
        else:
            past = pl.DataFrame(released, schema=VERSIONS, orient="row")
            ready = cohort.ready(standing, touched, levels, past, k if guards.waits_for_newcomers else 0)
            blocked = ready.filter(~pl.col("is_ready")).select("breakdown")
            skipped = [b for b in breakdowns if guards.skips is not None and guards.skips(number, b)]
            blocked = pl.concat([blocked, pl.DataFrame({"breakdown": skipped}, schema=blocked.schema)]).unique()
            met = {key: sum(people[p].met for p, _ in persons) for key, persons in cells.items()}
            rows = pl.DataFrame([(*key, len(persons), met[key]) for key, persons in cells.items()], schema=CELLS, orient="row")
            told = holding.empty_ledger(rows, LAYOUT) if told is None else told
            strict = (k, guards.c) if guards.holds else (0, 0)
            printed = holding.release(rows, told, LAYOUT, *strict, number, blocked)
            started = sum(os.times()[:2])
            new = {b: [(key, cells[key]) for key in cells if key[0] == b] for b in printed.partitions.filter(because="fresh")["breakdown"]}
            if guards.audits and any(persons not in events for of in new.values() for _, persons in of):
                refused = _refused(events, new, met, k)
                if refused:
                    blocked = pl.concat([blocked, pl.DataFrame({"breakdown": refused})]).unique()
                    printed = holding.release(rows, told, LAYOUT, *strict, number, blocked)
                    ledger.refused += [(number, b, "audit") for b in refused]
                    new = {b: of for b, of in new.items() if b not in refused}
            ledger.seconds.append(sum(os.times()[:2]) - started)
            ledger.refused += [
                (number, b, because) for b, because in printed.partitions.select("breakdown", "because").iter_rows() if because != "fresh"
            ]
            told = printed.ledger
            released += [(POPULATION, breakdown, number) for breakdown in new]
            for (breakdown, level), persons in (pair for of in new.values() for pair in of):
                if persons not in events:
                    events[persons] = met[breakdown, level]
                    ledger.prints.append(Print(number, breakdown, level, persons, met[breakdown, level], met[breakdown, level]))
            fresh = dict(printed.rows.group_by("breakdown").agg(pl.col("people").sum()).iter_rows())
            last = (now, fresh)
        ledger.covered += [(number, b, min(fresh.get(b, 0), len(people)), len(people)) for b in breakdowns]
    return ledger


VERSIONS: Final = {"population": pl.String, "breakdown": pl.String, "version": pl.Int64}
CELLS: Final = {"breakdown": pl.String, "level": pl.String, "people": pl.Int64, "met": pl.Int64}


def _frames(people: Night, breakdowns: Sequence[str]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """`tonight` and `levels` for the gate."""
    strata = {key: i for i, key in enumerate(sorted({(p.site, p.programme) for p in people.values()}))}
    rows = [(POPULATION, name, p.state, p.site * 1000 + p.programme) for name, p in people.items()]
    schema = {"population": pl.String, "person": pl.String, "state": pl.Int64, "stratum_id": pl.Int64}
    levels = [
        (site * 1000 + programme, breakdown, level)
        for site, programme in strata
        for breakdown, level in levels_of(Patient(site, programme, 0)).items()
        if breakdown in breakdowns
    ]
    wide = {"stratum_id": pl.Int64, "breakdown": pl.String, "level": pl.String}
    return pl.DataFrame(rows, schema=schema, orient="row"), pl.DataFrame(levels, schema=wide, orient="row")


def _refused(
    events: Mapping[frozenset[tuple[str, int]], int],
    new: Mapping[str, Sequence[tuple[tuple[str, str], frozenset[tuple[str, int]]]]],
    met: Mapping[tuple[str, str], int],
    k: int,
) -> list[str]:
    """Partitions that the audit refuses."""
    sets = [*events]
    told = [*events.values()]
    place = {members: i for i, members in enumerate(sets)}
    tonight: dict[str, list[int]] = {}
    for breakdown, of in new.items():
        for key, members in of:
            if members not in place:
                place[members] = len(sets)
                sets.append(members)
                told.append(met[key])
            if place[members] >= len(events):
                tonight.setdefault(breakdown, []).append(place[members])
    pairs = [(i, f"{person}/{state}") for i, members in enumerate(sets) for person, state in members]
    frame = pl.DataFrame(pairs, schema={"set_id": pl.Int64, "person": pl.String}, orient="row")
    return audit.audit(audit.grouped(frame), dict(enumerate(told)), tonight, k).refused
