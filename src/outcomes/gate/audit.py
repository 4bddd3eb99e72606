"""All sets of people that were ever printed, with their events, and tonight's in; which of tonight's partitions are refused, out.

People who are in the same sets are one *group*: no printed number tells them apart. A group of n people has x events, 0 <= x <= n, and
every printed set is an equation: the events of its groups add up to what was printed. Somebody who knows who is in which set, and no
outcome, knows exactly this system. Tonight's sets are refused where it proves

* the events of a group, or of up to four groups together, of fewer than k people, or
* that all or none of a group, however large, are events.

How it is decided. Equations are first subtracted from each other (a set less the printed set that it shares most with), which changes
nothing that follows from them and lets nights fall apart into *components* that share no group; only those that tonight's sets are in
are looked at. A *possible world* gives each group whole events that fit all equations; integer programmes (HiGHS) find some. What differs
between two of them is not proven. All groups that were seen at 0 only are asked at once for the world in which they have most events: if
that is none, they are proven to have none; and likewise for all. Each small group, and each choice of up to four small groups, that had
the same events in all worlds that were seen is asked for its lowest and its highest: if these are equal, it is proven. So the answer is
exact, and not one of chance: worlds that were found by chance only save questions. Whole numbers matter: that a group of two has between
0 and 0.5 events, as a linear programme may say, means none. `ranges` tells lowest and highest of every group.

Bound. A component of more than `most` groups, or of which a programme takes longer than some seconds, is not audited: tonight's sets in it
are refused. The groups of tonight's component are those of the batch, and of what was held since: time grows with them, not with the
clinic.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
import polars as pl

SECONDS: Final = 5
NEAR: Final = 1e-6
MOST_GROUPS: Final = 2_000
FIRST_WORLDS: Final = 8

Matrix = Any  # numpy arrays, whose types say less than their names


class Groups(NamedTuple):
    """`sizes`: people of each group. `holds`: one row per set, in the order of `set_ids`, one column per group: is it in the set."""

    set_ids: list[int]
    sizes: Matrix
    holds: Matrix
    people: pl.DataFrame


@dataclass(frozen=True)
class Audit:
    """`refused`: partitions of tonight that must not be printed, in the order in which they were dropped. `learned`: what the others, with
    the ledger, prove all the same (nothing, unless the ledger proves it alone). `is_audited`: whether all components were small enough.
    """

    refused: list[str]
    learned: int
    is_audited: bool


def members(spells: pl.DataFrame, sets: pl.DataFrame) -> pl.DataFrame:
    """set_id, person: who is in each set.

    `spells`: person, breakdown, level, entered, left: from which version a person was counted in a level, and from which no longer (null:
    is still). One who is corrected, but whose outcome stays, keeps the name; another outcome is another person. `sets`: set_id,
    breakdown, level, version; a set that pools levels has a row for each.
    """
    here = sets.join(spells, on=["breakdown", "level"], nulls_equal=True)
    there = (pl.col("entered") <= pl.col("version")) & (pl.col("left").is_null() | (pl.col("left") > pl.col("version")))
    return here.filter(there).select("set_id", "person").unique().sort("set_id", "person")


def grouped(members: pl.DataFrame, set_ids: Iterable[int] | None = None) -> Groups:
    """Groups of `members` (set_id, person): people who are in the same sets. `people`: person, group."""
    ids = sorted(set(members["set_id"].to_list()) if set_ids is None else set(set_ids))
    of = members.filter(pl.col("set_id").is_in(ids)).unique().group_by("person").agg(pl.col("set_id").sort())
    pattern = of.with_columns(key=pl.col("set_id").cast(pl.List(pl.String)).list.join(" "))
    patterns = pattern.group_by("key").agg(pl.len().alias("n"), pl.col("set_id").first()).sort("key").with_row_index("group")
    place = {set_id: i for i, set_id in enumerate(ids)}
    holds = np.zeros((len(ids), patterns.height), dtype=np.int8)
    for group, inside in zip(patterns["group"].to_list(), patterns["set_id"].to_list(), strict=True):
        holds[[place[set_id] for set_id in inside], group] = 1
    people = pattern.join(patterns.select("key", "group"), on="key").select("person", "group").sort("person")
    return Groups(ids, patterns["n"].to_numpy().astype(np.int64), holds, people)


def audit(groups: Groups, events: Mapping[int, int], tonight: Mapping[str, Sequence[int]], k: int, most: int = MOST_GROUPS) -> Audit:
    """Which partitions of tonight are refused: as few as it takes, those with most sets first.

    `events`: of each set of the groups. `tonight`: the sets of each partition that is to be printed fresh; all others are in the ledger.
    """
    fresh = {name: set(ids) for name, ids in tonight.items()}
    left, refused = sorted(fresh, key=lambda name: (-len(fresh[name]), name)), []
    ledger = [set_id for set_id in groups.set_ids if not any(set_id in ids for ids in fresh.values())]

    def found(names: Sequence[str]) -> tuple[int, bool]:
        new = set().union(*(fresh[name] for name in names)) if names else set()
        return _learned(groups, events, [*ledger, *sorted(new)], new or set(ledger), k, most)

    learned, is_audited = found(left)
    known = None
    while (learned or not is_audited) and left:
        known = found([])[0] if known is None else known
        if is_audited and learned <= known:
            break
        ways = [found([name for name in left if name != dropped]) for dropped in left]
        best = min(range(len(left)), key=lambda i: (not ways[i][1], ways[i][0], i))
        learned, is_audited = ways[best]
        refused.append(left.pop(best))
    return Audit(refused, learned, is_audited or not left)


def _learned(groups: Groups, events: Mapping[int, int], ids: Sequence[int], near: set[int], k: int, most: int) -> tuple[int, bool]:
    """How many people the sets `ids` prove something of, in components with a set of `near`; whether none was too large to say."""
    place = {set_id: i for i, set_id in enumerate(groups.set_ids)}
    rows = groups.holds[[place[set_id] for set_id in ids]].astype(np.int64)
    told = np.array([events[set_id] for set_id in ids], dtype=np.int64)
    rows, told, is_near = _apart(rows, told, groups.sizes, np.array([set_id in near for set_id in ids]))
    # Groups that these sets do not tell apart are one.
    inside = np.flatnonzero(rows.any(axis=0))
    patterns, which = np.unique(rows[:, inside], axis=1, return_inverse=True)
    sizes = np.bincount(which.ravel(), weights=groups.sizes[inside], minlength=patterns.shape[1]).astype(np.int64)
    learned, is_audited = 0, True
    for equations, columns in components(patterns):
        if not is_near[equations].any():
            continue
        if len(columns) > most:
            is_audited = False
            continue
        try:
            learned += sum(_proven(patterns[np.ix_(equations, columns)], told[equations], sizes[columns], k))
        except TimeoutError:
            is_audited = False
    return learned, is_audited


def _apart(rows: Matrix, told: Matrix, sizes: Matrix, is_near: Matrix) -> tuple[Matrix, Matrix, Matrix]:
    """The equations, each less the one before that it shares most people with, if that leaves fewer people; without empty ones."""
    answer, sums = rows.copy(), told.copy()
    shared = (rows * sizes).astype(float) @ rows.T.astype(float)
    people = shared.diagonal()
    for i in range(1, len(rows)):
        apart = people[i] + people[:i] - 2 * shared[i, :i]
        nearest = int(apart.argmin())
        if apart[nearest] < people[i]:
            answer[i] = rows[i] - rows[nearest]
            sums[i] = told[i] - told[nearest]
    some = answer.any(axis=1)
    if sums[~some].any():
        raise ValueError("one set of people was printed with two numbers of events: a changed value must be another member")
    return answer[some], sums[some], is_near[some]


def components(rows: Matrix) -> list[tuple[Matrix, Matrix]]:
    """Equations and groups that hang together."""
    from scipy.sparse import bmat, csr_matrix  # type: ignore[import-untyped]
    from scipy.sparse.csgraph import connected_components  # type: ignore[import-untyped]

    if not rows.size:
        return []
    links = csr_matrix(rows != 0)
    count, label = connected_components(bmat([[None, links], [links.T, None]]), directed=False)
    of_rows, of_columns = label[: len(rows)], label[len(rows) :]
    return [(np.flatnonzero(of_rows == i), np.flatnonzero(of_columns == i)) for i in range(count)]


def _proven(rows: Matrix, told: Matrix, sizes: Matrix, k: int) -> list[int]:
    """The sizes of the groups, or of groups together, that something is proven of. Raises TimeoutError where a programme takes too long."""
    solve = _solver(rows, told, sizes)
    chance = np.random.default_rng(len(sizes))
    seen = [solve(chance.normal(size=len(sizes))) for _ in range(FIRST_WORLDS)]
    proven = np.zeros(len(sizes), dtype=bool)
    for sign, bound in ((-1.0, 0 * sizes), (1.0, sizes)):
        left = np.all([world == bound for world in seen], axis=0)
        while left.any():
            seen.append(solve(sign * left))
            off = left & (seen[-1] != bound)
            if not off.any():
                break
            left &= ~off
        proven |= left
    found = [int(size) for size in sizes[proven]]
    while True:
        small = np.flatnonzero(~proven & (sizes < k))
        candidates = _alike_nothing(np.array(seen), small, sizes, k)
        if not candidates:
            return found
        for together in candidates:
            aim = np.zeros(len(sizes))
            aim[list(together)] = 1
            low, high = solve(aim), solve(-aim)
            if low @ aim != high @ aim:
                seen += [low, high]
                break
            proven[list(together)] = True
            found.append(int(sizes[list(together)].sum()))


def _solver(rows: Matrix, told: Matrix, sizes: Matrix) -> Callable[[Matrix], Matrix]:
    """A function from weights to a possible world: whole events of each group that fit all equations and weigh least."""
    from scipy.optimize import Bounds, LinearConstraint, milp  # type: ignore[import-untyped]
    from scipy.sparse import csr_matrix

    fits = LinearConstraint(csr_matrix(rows.astype(float)), told, told)

    def solve(weights: Matrix) -> Matrix:
        answer = milp(weights, integrality=np.ones(len(sizes)), bounds=Bounds(0, sizes), constraints=fits, options={"time_limit": SECONDS})
        if answer.status == 1:
            raise TimeoutError
        if answer.status != 0:
            raise ValueError("the printed numbers contradict each other")
        world = np.rint(answer.x).astype(np.int64)
        assert (rows @ world == told).all()
        return world

    return solve


def _alike_nothing(worlds: Matrix, small: Matrix, sizes: Matrix, k: int) -> list[tuple[int, ...]]:
    """The smallest choices of the small groups, together fewer than k people, whose events are the same in all worlds (one a row).

    A choice is known by the sum of its groups' signatures: random weights times how the events change from world to world, modulo 2 ** 64.
    """
    changes = (worlds - worlds[0])[:, small]
    signs = np.random.default_rng(len(small)).integers(-(2**62), 2**62, size=len(worlds)) @ changes
    first, second = np.triu_indices(len(small), 1)
    few = sizes[small[first]] + sizes[small[second]] < k
    pairs = np.column_stack([first[few], second[few]])
    of_pairs = signs[pairs].sum(axis=1)
    answer: list[tuple[int, ...]] = []
    used: set[int] = set()

    def take(*together: int) -> None:
        if len({*together}) == len(together) and not used & {*together} and sizes[small[list(together)]].sum() < k:
            used.update(together)
            answer.append(tuple(sorted(int(small[place]) for place in together)))

    for place in np.flatnonzero(signs == 0).tolist():
        take(place)
    for pair in pairs[of_pairs == 0].tolist():
        take(*pair)
    for parts, of_parts in ((np.arange(len(small))[:, None], signs), (pairs, of_pairs)):
        # Of three, a pair and one more; of four, two pairs.
        likely = np.flatnonzero(np.isin(of_pairs, -of_parts))
        others: dict[int, list[list[int]]] = {}
        for place in np.flatnonzero(np.isin(of_parts, -of_pairs[likely])).tolist():
            others.setdefault(int(of_parts[place]), []).append(parts[place].tolist())
        for place in likely.tolist():
            for other in others[int(-of_pairs[place])]:
                take(*pairs[place].tolist(), *other)
            if answer:
                break
        if answer:
            break
    return answer


def ranges(groups: Groups, events: Mapping[int, tuple[int, int]], is_whole: bool = False) -> pl.DataFrame:
    """group, n, low, high: the lowest and highest number of events that each group may have, by two programmes each.

    `events`: the lowest and highest value of each set's true number (equal where it was printed exactly). Linear programmes, whose answers
    are rounded to the whole numbers between them; integer programmes, which may be slow, if `is_whole`.
    """
    from scipy.optimize import Bounds, LinearConstraint, milp
    from scipy.sparse import csr_matrix

    limits = np.array([events[set_id] for set_id in groups.set_ids], dtype=float).reshape(-1, 2)
    count = len(groups.sizes)
    fits = LinearConstraint(csr_matrix(groups.holds.astype(float)), limits[:, 0], limits[:, 1])
    system: dict[str, Any] = {"bounds": Bounds(0, groups.sizes), "constraints": fits, "integrality": np.full(count, int(is_whole))}
    told = []
    for group, aim in enumerate(np.eye(count)):
        low, high = milp(aim, **system), milp(-aim, **system)
        if low.status or high.status:
            raise ValueError("the printed numbers contradict each other")
        told.append((group, int(groups.sizes[group]), int(np.ceil(low.fun - NEAR)), int(np.floor(-high.fun + NEAR))))
    return pl.DataFrame(told, schema={"group": pl.Int64, "n": pl.Int64, "low": pl.Int64, "high": pl.Int64}, orient="row")
