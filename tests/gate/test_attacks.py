"""Attacks on what the gate prints: each must learn nothing, and the same must succeed where small cells are only hidden.

*Learned*: somebody's outcome, the events of fewer than k people, or that all or none of a group are events. The attacker knows who
is in which printed set, and which corrections left the outcome as it was.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from outcomes.disclosure import Rule
from outcomes.gate import attack, simulation
from outcomes.gate.attack import Learned
from outcomes.gate.simulation import Clinic, Guards, Ledger, Night, Patient, Print, publish_gated, publish_simply, threshold

NOTHING = Learned(0, 0, 0)
FEWER = 10 if "OUTCOMES_SMALL" in os.environ else 1
PLAIN = Clinic(nights=60)
MOVING = Clinic(nights=60, corrected=0.003, withdrawn=0.002)
UNEVEN = Clinic(nights=60, sites=(0.55, 0.3, 0.12, 0.03), programmes=(0.7, 0.25, 0.05))
GATE = Guards(k=5)


@cache
def gated(clinic: Clinic, seed: int, guards: Guards = GATE) -> Ledger:
    return publish_gated(simulation.nights(clinic, seed), guards)


@cache
def simple(clinic: Clinic, seed: int, hide_to: int = 4) -> Ledger:
    """The publisher that the attacks are tried on."""
    return publish_simply(simulation.nights(clinic, seed), threshold(hide_to))


def each_breakdown(prints: Sequence[Print], k: int) -> list[Learned]:
    return [attack.from_everything([one for one in prints if one.breakdown == b], k) for b in simulation.BREAKDOWNS]


# The whole ledger, and any two releases.


@pytest.mark.parametrize(
    "clinic", [pytest.param(PLAIN, id="entries"), pytest.param(MOVING, id="corrections"), pytest.param(UNEVEN, id="uneven")]
)
def test_the_whole_ledger_tells_nothing(clinic: Clinic) -> None:
    told = gated(clinic, 0).prints
    assert len(told) >= 10
    assert attack.from_everything(told, 5) == attack.from_any_two(told, 5) == NOTHING


def test_the_attacks_succeed_where_small_cells_are_only_hidden() -> None:
    told = simple(replace(PLAIN, nights=30), 0).prints
    assert attack.from_everything(told, 5).people > 20
    assert attack.from_any_two(told, 5).people > 20


def test_pooling_does_not_stop_them() -> None:
    told = publish_simply(simulation.nights(replace(PLAIN, nights=30), 0), simulation.exact, Rule("nhs", 1, 4)).prints
    assert attack.from_any_two(told, 5).people > 20


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(0, 10, FEWER))
@pytest.mark.parametrize("k", [5, 8, 11])
@pytest.mark.parametrize("clinic", [Clinic(365), Clinic(365, corrected=0.001, withdrawn=0.0005)], ids=["entries", "corrections"])
@pytest.mark.timeout(1800)
def test_a_year_tells_nothing(clinic: Clinic, k: int, seed: int) -> None:
    ledger = publish_gated(simulation.nights(clinic, seed), Guards(k=k))
    assert attack.from_everything(ledger.prints, k) == attack.from_any_two(ledger.prints, k) == NOTHING
    if not clinic.corrected:
        for breakdown in simulation.BREAKDOWNS:
            nights = [(printed, there) for _, b, printed, there in ledger.covered if b == breakdown]
            assert sum(printed for printed, _ in nights) >= 0.85 * sum(there for _, there in nights)


# One night: margins of random tables.


def table(seed: int) -> Night:
    """A night of 20 to 90 patients in a table of random margins."""
    rng = np.random.default_rng(seed)
    sites, programmes = rng.dirichlet([2] * 4), rng.dirichlet([2] * 3)
    rate = rng.uniform(0.2, 0.8)
    who = range(int(rng.integers(20, 90)))
    return {f"p{i}": Patient(int(rng.choice(4, p=sites)), int(rng.choice(3, p=programmes)), int(rng.random() < rate)) for i in who}


def learned_of_tables(publish: Callable[[Iterator[Night]], Ledger], seeds: range) -> int:
    return sum(bool(attack.from_everything(publish(iter([table(seed)])).prints, 5)) for seed in seeds)


def gate(nights: Iterator[Night]) -> Ledger:
    return publish_gated(nights, GATE)


def test_margins_of_random_tables() -> None:
    assert learned_of_tables(gate, range(40)) == 0
    assert learned_of_tables(lambda nights: publish_simply(nights, threshold(4)), range(40)) >= 5


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_margins_of_a_thousand_random_tables() -> None:
    assert learned_of_tables(gate, range(0, 1000, FEWER)) == 0


def test_parent_minus_children() -> None:
    """A small site is the total less the other sites."""
    night = {f"p{i}": Patient(min(i // 20, 2), 0, int(i % 3 == 0)) for i in range(43)}
    told = publish_simply(iter([night]), threshold(4)).prints
    assert {one.level for one in told if one.breakdown == "site"} == {"site 0", "site 1"}
    assert attack.from_everything(told, 5).few
    assert attack.from_everything(gate(iter([night])).prints, 5) == NOTHING


# Several tables, changed rules.


def sometimes(night: int, breakdown: str) -> bool:
    return (night * 7 + len(breakdown)) % 3 == 0


@pytest.mark.parametrize(
    "guards",
    [
        pytest.param(replace(GATE, skips=sometimes), id="tables that are printed in different nights"),
        pytest.param(replace(GATE, k_of=lambda night: 8 if night < 30 else 5), id="a smaller k"),
        pytest.param(replace(GATE, k_of=lambda night: 5 if night < 30 else 8), id="a larger k"),
        pytest.param(replace(GATE, has=lambda night, b: b != "programme" or night > 30), id="a breakdown that is added"),
        pytest.param(replace(GATE, has=lambda night, b: b != "site" or night % 2 == 0), id="a breakdown that comes and goes"),
    ],
)
def test_changed_tables_and_rules_tell_nothing(guards: Guards) -> None:
    clinic = replace(MOVING, nights=50)
    told = publish_gated(simulation.nights(clinic, 1), guards).prints
    assert told
    assert attack.from_everything(told, 5) == NOTHING
    assert attack.from_everything(simple(replace(clinic, nights=25), 1).prints, 5)


# One person: corrected, gone, back, merged.


def crowd(count: int, first: int = 0) -> dict[str, Patient]:
    return {f"p{i}": Patient(i % 2, i // 2 % 2, int(i % 3 == 0)) for i in range(first, first + count)}


START = crowd(40)
ODD = "p5"
STORIES: dict[str, list[Night]] = {
    "a correction": [START, START | {ODD: Patient(1, 0, 1, 1, 1)}],
    "a correction, and one more patient": [START, START | {ODD: Patient(1, 0, 1, 1, 1)} | crowd(1, 40)],
    "a move to another site": [START, START | {ODD: Patient(0, 0, 0, 1, 0)}],
    "a withdrawal": [START, {p: v for p, v in START.items() if p != ODD}],
    "a withdrawal among twelve who enter": [START, {p: v for p, v in (START | crowd(12, 40)).items() if p != ODD}],
    "a withdrawal, and twelve who enter later": [
        START,
        {p: v for p, v in START.items() if p != ODD},
        {p: v for p, v in (START | crowd(12, 40)).items() if p != ODD},
    ],
    "a re-entry": [START, {p: v for p, v in START.items() if p != ODD}, START],
    "a re-entry among twelve": [START, {p: v for p, v in START.items() if p != ODD}, START | crowd(12, 40)],
    "two keys that are merged": [START, {p: v for p, v in START.items() if p != "p6"} | {ODD: START[ODD]._replace(state=1)}],
    "a file of one patient, back-filled": [START, crowd(41)],
    "a file of twenty, back-filled": [START, crowd(60)],
}


@pytest.mark.parametrize("story", STORIES.values(), ids=STORIES)
def test_one_person_among_many(story: list[Night]) -> None:
    """Nobody is singled out, and nobody is kept waiting for ever: with enough newcomers the change is printed."""
    told = gate(iter(story)).prints
    assert attack.from_everything(told, 5) == NOTHING
    after = gate(iter([*story, story[-1] | crowd(40, 100)])).prints
    assert attack.from_everything(after, 5) == NOTHING
    assert {one.night for one in after if one.breakdown == "site"} > {1}


# Twelve or twenty at once are a batch by chance.
FEW_AT_ONCE = {name: story for name, story in STORIES.items() if "twelve" not in name and "twenty" not in name}


@pytest.mark.parametrize("story", FEW_AT_ONCE.values(), ids=FEW_AT_ONCE)
def test_one_person_is_told_where_small_cells_are_only_hidden(story: list[Night]) -> None:
    assert attack.from_everything(publish_simply(iter(story), threshold(4)).prints, 5)


def test_a_run_again_prints_nothing_new() -> None:
    nights = list(simulation.nights(replace(PLAIN, nights=30), 2))
    twice = [night for night in nights for _ in (1, 2)]
    assert [one[1:] for one in gate(iter(twice)).prints] == [one[1:] for one in gate(iter(nights)).prints]


def test_a_restored_backup_is_a_fork_that_tells_more() -> None:
    """Why a lost or older ledger means that nothing is printed: two histories of the same nights, each safe, are not safe together."""
    nights = list(simulation.nights(replace(PLAIN, nights=50), 2))
    one = gate(iter(nights)).prints
    other = gate(iter(nights[20:])).prints
    assert attack.from_everything(one, 5) == attack.from_everything(other, 5) == NOTHING
    assert attack.from_everything([*one, *other], 5)


# Numbers that follow from what is printed.


def test_percentages_inverted() -> None:
    """A rate to one decimal and the number of patients give the events, however these are rounded: rounding is no guard, the gate is."""

    def percent(n: int, met: int) -> tuple[int, int] | None:
        if simulation.rounded(7, 5)(n, met) is None:
            return None
        fits = [events for events in range(n + 1) if round(100 * events / n, 1) == round(100 * met / n, 1)]
        return min(fits), max(fits)

    clinic = replace(PLAIN, nights=40)
    assert attack.from_everything(publish_simply(simulation.nights(clinic, 0), percent).prints, 5).people > 10


def test_means_and_standard_deviations_inverted() -> None:
    """Sums and sums of squares of two sets that differ by one tell that one's score; those of the gate differ by k or more."""
    scores = np.random.default_rng(0).integers(0, 28, size=1000)

    def inverted(prints: Sequence[Print]) -> list[int]:
        sets = [np.array(sorted(int(person[1:]) for person, _ in one.members)) for one in prints]
        told = [(set(who), len(who) * scores[who].mean(), (len(who) - 1) * scores[who].std(ddof=1) ** 2) for who in sets]
        found = []
        for more, total, squares in told:
            for less, part, fewer in told:
                if less < more and len(more - less) < 5:
                    second = squares + total**2 / len(more) - fewer - part**2 / len(less)
                    found.append((len(more - less), round(total - part), round(second)))
        assert all(n > 1 or score**2 == second for n, score, second in found)
        return found

    assert len(inverted(simple(replace(PLAIN, nights=30), 0).prints)) > 20
    assert inverted(gated(PLAIN, 0).prints) == []


# Each guard by itself.


def test_without_batches_one_breakdown_tells() -> None:
    alone = replace(GATE, holds=False, audits=False)
    clinic = replace(PLAIN, nights=40)
    assert all(not told.few for told in each_breakdown(gated(clinic, 0, alone).prints, 5))
    assert all(told.few for told in each_breakdown(gated(clinic, 0, replace(alone, batches=False)).prints, 5))


def test_unless_leavers_wait_for_newcomers_one_breakdown_tells() -> None:
    alone = replace(GATE, holds=False, audits=False)
    clinic = replace(MOVING, nights=40)
    assert all(not told.few for told in each_breakdown(gated(clinic, 0, alone).prints, 5))
    assert any(told.few for told in each_breakdown(gated(clinic, 0, replace(alone, waits_for_newcomers=False)).prints, 5))


def test_without_the_hold_two_releases_tell() -> None:
    alone = replace(GATE, batches=False, waits_for_newcomers=False, audits=False)
    clinic = replace(MOVING, nights=40)
    assert attack.from_any_two(gated(clinic, 0, alone).prints, 5) == NOTHING
    assert attack.from_any_two(gated(clinic, 0, replace(alone, holds=False)).prints, 5)


def test_without_c_a_batch_is_alike() -> None:
    alone = replace(GATE, audits=False)
    clinic = replace(PLAIN, nights=40, rate=0.15)
    assert not attack.from_any_two(gated(clinic, 0, alone).prints, 5).alike
    assert attack.from_any_two(gated(clinic, 0, replace(alone, c=0)).prints, 5).alike


def test_without_the_audit_breakdowns_tell_together() -> None:
    """One patient is of the first site and not of the first programme: the difference of two sets of five or more."""
    cells = [(0, 0, 5, 2), (0, 1, 1, 1), (1, 1, 5, 3)]
    who = [Patient(site, programme, int(i < met)) for site, programme, n, met in cells for i in range(n)]
    night = {f"p{i:02}": patient for i, patient in enumerate(who)}
    assert attack.from_everything(gate(iter([night])).prints, 5) == NOTHING
    assert attack.from_everything(publish_gated(iter([night]), replace(GATE, audits=False)).prints, 5).people >= 1


# Twelve patients: every possible world.


def twelve(seed: int) -> list[Night]:
    """Six nights in which twelve patients come, and a few are corrected."""
    rng = np.random.default_rng(seed)
    everybody = [Patient(int(rng.integers(2)), int(rng.integers(2)), int(rng.integers(2))) for _ in range(12)]
    return [{f"p{i:02}": everybody[i] for i in range(count)} for count in (6, 7, 9, 11, 12)]


@pytest.mark.parametrize(
    "seeds", [range(25), pytest.param(range(25, 500, FEWER), marks=[pytest.mark.slow, pytest.mark.timeout(1800)])], ids=str
)
def test_possible_worlds_of_twelve(seeds: range) -> None:
    """k = 3: every world that fits what was printed is looked at, and every choice of one or two patients."""
    small = replace(GATE, k=3, c=1)
    gates = [attack.by_brute_force(publish_gated(iter(twelve(seed)), small).prints, 3) for seed in seeds]
    simply = [attack.by_brute_force(publish_simply(iter(twelve(seed)), threshold(2)).prints, 3) for seed in seeds]
    assert set(gates) == {NOTHING}
    assert sum(bool(told) for told in simply) > len(seeds) / 3


@cache
def seen_by_world(batches: int, c: int) -> dict[tuple[object, ...], list[tuple[int, ...]]]:
    """For everything that a reader may see: the worlds that show it. Batches of six enter one after the other, and a world is how many of
    each are events. Seen are printed totals and the nights in which they were held.
    """
    seen: dict[tuple[object, ...], list[tuple[int, ...]]] = {}
    guards = replace(GATE, c=c, has=lambda _, breakdown: breakdown == "all")
    for world in np.ndindex(*(7,) * batches):
        everybody = [Patient(0, 0, int(i < met)) for met in world for i in range(6)]
        nights = [{f"p{i:02}": one for i, one in enumerate(everybody[: 6 * n])} for n in range(1, batches + 1)]
        told = publish_gated(iter(nights), guards).prints
        seen.setdefault(tuple((one.night, one.low) for one in told), []).append(world)
    return seen


@pytest.mark.parametrize(
    ("batches", "told"), [(2, 0), pytest.param(3, 2, marks=[pytest.mark.slow, pytest.mark.timeout(1800)])], ids=["2 batches", "3 batches"]
)
def test_what_a_hold_tells(batches: int, told: int) -> None:
    """Who knows the rule takes a hold as news: with c = 1 that may prove that none of six are events.

    With c = 2 it does not, unless two holds follow each other, and the third batch are all events (or none): the limit that the
    docstring of the gate names. Of the things that may be seen of three batches, these are two.
    """

    def proven(c: int) -> int:
        found = 0
        for worlds in seen_by_world(batches, c).values():
            ranges = [(min(batch), max(batch)) for batch in zip(*worlds, strict=True)]
            found += sum(low == 6 or high == 0 for low, high in ranges)
        return found

    assert proven(1) > 0
    assert proven(2) == told
