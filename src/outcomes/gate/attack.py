"""Every set that was printed, as a ledger of `outcomes.gate.simulation`, in; what somebody learns who knows who is in which set, out.

Nothing here knows how the gate decides: the whole system of equations goes to linear programmes as it is, and to a singular value
decomposition. *Learned* is the outcome of some person, or the events of fewer than k people, or that a group is all or none events.
"""

from collections.abc import Sequence
from itertools import combinations
from typing import Final, NamedTuple

import numpy as np
import polars as pl

from outcomes.gate import audit
from outcomes.gate.simulation import Print

NEAR: Final = 1e-7


class Learned(NamedTuple):
    """`people`: persons whose outcome is proven. `few`: groups (or up to three together) of fewer than k whose events are. `alike`: groups
    that are proven all or none events.
    """

    people: int
    few: int
    alike: int

    def __bool__(self) -> bool:
        return any(self)


def _members(prints: Sequence[Print]) -> pl.DataFrame:
    pairs = [(i, f"{person}/{outcome}") for i, one in enumerate(prints) for person, outcome in one.members]
    return pl.DataFrame(pairs, schema={"set_id": pl.Int64, "person": pl.String}, orient="row")


def from_everything(prints: Sequence[Print], k: int) -> Learned:
    """What all sets tell together: the lowest and highest events of every group, by linear programme."""
    if not prints:
        return Learned(0, 0, 0)
    groups = audit.grouped(_members(prints))
    bounds = {i: (one.low, one.high) for i, one in enumerate(prints)}
    told = audit.ranges(groups, bounds)
    alike = told.filter((pl.col("high") == 0) | (pl.col("low") == pl.col("n")))
    few = told.filter((pl.col("low") == pl.col("high")) & (pl.col("n") < k))
    fixed = set(told.filter(pl.col("low") == pl.col("high"))["group"])
    exact = [i for i, one in enumerate(prints) if one.low == one.high]
    together = _together(groups.holds[exact].astype(float), groups.sizes, fixed, k)
    return Learned(int(alike["n"].sum()), few.height + together, alike.height)


def _together(holds: audit.Matrix, sizes: audit.Matrix, fixed: set[int], k: int) -> int:
    """How many pairs and triples of groups, fewer than k people together, have determined events though none of them has alone."""
    rest = [g for g in range(len(sizes)) if g not in fixed]
    if not rest or not len(holds):
        return 0
    _, weights, axes = np.linalg.svd(holds[:, rest], full_matrices=True)
    null = axes[int((weights > NEAR * max(weights.max(), 1)).sum()) :].T
    place = {g: i for i, g in enumerate(rest)}
    small = [g for g in rest if sizes[g] < k]
    found, used = 0, set[int]()
    for count in (2, 3):
        for some in combinations(small, count):
            if sizes[list(some)].sum() >= k or used.intersection(some):
                continue
            if np.abs(null[[place[g] for g in some]].sum(axis=0)).max(initial=0) < NEAR:
                found += 1
                used |= set(some)
    return found


def from_any_two(prints: Sequence[Print], k: int) -> Learned:
    """What is told by subtracting one printed set from another that holds all of it, or by one set alone."""
    exact = [one for one in prints if one.low == one.high]
    people, few, alike = set[tuple[str, int]](), 0, 0
    for one in exact:
        for other in [None, *exact]:
            less = other.members if other else frozenset()
            if not less < one.members:
                continue
            who, events = one.members - less, one.low - (other.low if other else 0)
            few += len(who) < k
            if events in (0, len(who)):
                alike += 1
                people |= who
    return Learned(len(people), few, alike)


def possible_worlds(prints: Sequence[Print]) -> tuple[list[tuple[str, int]], list[int]]:
    """Everybody who was printed (at most some 20), and each assignment of outcomes to them, as bits, that fits all prints."""
    people = sorted(set().union(*(one.members for one in prints)))
    worlds = np.arange(1 << len(people), dtype=np.int64)
    for one in prints:
        mask = sum(1 << i for i, person in enumerate(people) if person in one.members)
        events = np.bitwise_count(worlds & mask)
        worlds = worlds[(events >= one.low) & (events <= one.high)]
    return people, [int(world) for world in worlds]


def by_brute_force(prints: Sequence[Print], k: int) -> Learned:
    """The same by looking at every possible world and every choice of fewer than k people: exact, for a handful of people."""
    if not prints:
        return Learned(0, 0, 0)
    people, worlds = possible_worlds(prints)
    seen = np.array(worlds, dtype=np.int64)
    always, ever = np.bitwise_and.reduce(seen), np.bitwise_or.reduce(seen)
    proven = sum(bool(always >> i & 1) or not ever >> i & 1 for i in range(len(people)))
    few = 0
    for mask in range(1, 1 << len(people)):
        if mask.bit_count() < k:
            events = np.bitwise_count(seen & mask)
            few += bool(events.min() == events.max())
    return Learned(proven, few, proven)
