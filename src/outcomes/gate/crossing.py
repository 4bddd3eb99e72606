"""Families of sets of people that are printed, or were, in; those of tonight that would tell of a few people beside another family, out.

A *family* is what one print of a breakdown tells of a population: sets that share nobody. Two families cut the same people in two ways.
Take a set of one, and the union of sets of the other that is nearest to it: if they differ in some people, but in fewer than k, then
whoever subtracts the one sum from the other is told something of these few. This is decided by who is in the sets, and not by outcomes.

For a set S and a family F, the nearest union takes in every set of which more than half is in S, so the difference is the sum over the
sets T of F of min(|T and S|, |T without S|), and those of S who are in no set of F. It never shrinks when people are added, so that what a
few of the people show to be k or more need not be asked of all.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np

FIRST_ASKED: Final = 4_000

Matrix = Any  # numpy arrays, whose types say less than their names


class Family(NamedTuple):
    """`sets`: one row per set, one column per group of people: whether these are in it."""

    breakdown: str
    is_tonight: bool
    sets: Matrix


def refused(families: Sequence[Family], sizes: Matrix, k: int, order: Mapping[str, int]) -> list[str]:
    """Breakdowns whose families of tonight must not be printed; `sizes`: people in each group.

    They go in `order`, the total before all, and what is too near to one that went before, or was ever printed, is refused.
    """
    if not any(family.is_tonight for family in families):
        return []
    is_part = len(sizes) > FIRST_ASKED
    near = _near(families, sizes[:FIRST_ASKED], k, 0 if is_part else 1)
    if is_part and near.any():
        near = _near(families, sizes, k, 1)
    names = {family.breakdown for family in families if family.is_tonight}
    taken = [i for i, family in enumerate(families) if not family.is_tonight]
    answer = []
    for name in sorted(names, key=lambda name: (order.get(name, len(order)), name)):
        own = [i for i, family in enumerate(families) if family.is_tonight and family.breakdown == name]
        if near[np.ix_(own, taken)].any():
            answer.append(name)
        else:
            taken += own
    return answer


def _near(families: Sequence[Family], sizes: Matrix, k: int, least: int) -> Matrix:
    """Whether a set of one family differs from a union of the other's in `least` people or more, and in fewer than k; symmetric."""
    sets = np.concatenate([family.sets[:, : len(sizes)] for family in families]).astype(np.float64)
    begins = np.cumsum([0, *(len(family.sets) for family in families[:-1])])
    weighed = sets * sizes
    people = weighed.sum(axis=1)
    shared = weighed @ sets.T
    apart = np.minimum(shared, people[None, :] - shared)
    differ = np.add.reduceat(apart, begins, axis=1) + people[:, None] - np.add.reduceat(shared, begins, axis=1)
    near = np.logical_or.reduceat((differ >= least) & (differ < k), begins, axis=0)
    names = np.array([family.breakdown for family in families])
    # Two prints of one breakdown are compared by who came since (`outcomes.gate.cohort`).
    return (near | near.T) & (names[:, None] != names[None, :])
