"""Counts by neighbouring intervals in, and with which neighbours each may be shown out: the points of curves, under a disclosure rule.

A count per interval is a small cell like any other, but only neighbours can be shown as one. Curves of groups that add up to a total must
not be told apart by subtraction, so all groups of a breakdown end their intervals at the same places, and these are among the places where
the total of all, and a table that this one is nested in, end theirs.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final, Literal

import polars as pl

Order = Literal["up", "down"]
TOTAL: Final = "all"


def merged(
    cells: pl.DataFrame,
    keys: Sequence[str],
    part: str,
    counts: Sequence[str],
    hides: Callable[[Any], Any],
    order: Order,
    outer: Sequence[pl.DataFrame] = (),
) -> pl.DataFrame:
    """One row per cell: keys, level, part, and `shown_as`, the end of the interval that the cell is shown in; sorted.

    `keys` end with the breakdown. A cell without a part lies beyond the last interval: it is never shown, and is judged since the total
    minus what is shown gives it. What is shown, and what is left, is no count that `hides` (asked of an array), in any level. `shown_as`
    is null for cells that nothing may be shown of. `outer` holds the answers for tables whose common ends may be used here, and no others.
    """
    groups: dict[tuple[Any, ...], list[tuple[Any, ...]]] = {}
    for row in cells.select(*keys, "level", part, *counts).iter_rows():
        groups.setdefault(row[: len(keys)], []).append(row[len(keys) :])
    ends_of_outer = [_ends_of(shown, keys, part) for shown in outer]
    ends: dict[tuple[Any, ...], list[Any]] = {}
    for key in sorted(groups, key=lambda key: (key[-1] != TOTAL, key)):
        allowed = [ends[total]] if (total := (*key[:-1], TOTAL)) in ends else []
        allowed += [of_table.get(key, []) for of_table in ends_of_outer]
        ends[key] = _ends(groups[key], hides, order, allowed)
    names = {
        (key, end): next((shown for shown in ends[key] if end is not None and (shown >= end if order == "up" else shown <= end)), None)
        for key, rows in groups.items()
        for end in {row[1] for row in rows}
    }
    answer = cells.select(*keys, "level", part).sort(*keys, "level", part)
    shown_as = [names[row[: len(keys)], row[-1]] for row in answer.iter_rows()]
    return answer.with_columns(pl.Series("shown_as", shown_as, dtype=answer.schema[part]))


def _ends(rows: Sequence[tuple[Any, ...]], hides: Callable[[Any], Any], order: Order, allowed: Sequence[Sequence[Any]]) -> list[Any]:
    """Where the intervals of one breakdown end, in order: each as soon as nothing in it is small, and the rest not small either.

    `rows`: level, part, counts. Where the rest is small, the last interval is drawn out to the next end that leaves nothing small, or else
    given up.
    """
    in_order = sorted({end for _, end, *_ in rows if end is not None}, reverse=order == "down")
    until = _running_totals(rows, in_order)
    is_allowed = [all(end in ends for ends in allowed) for end in in_order]

    def may_end(first: int, last: int) -> bool:
        return is_allowed[last - 1] and not hides(until[last] - until[first]).any()

    def may_be_left(first: int) -> bool:
        return not hides(until[-1] - until[first]).any()

    cuts = [0]
    for last in range(1, len(in_order) + 1):
        if may_end(cuts[-1], last):
            cuts.append(last)
    while len(cuts) > 1 and not may_be_left(cuts[-1]):
        cuts.pop()
        longer = range(cuts[-1] + 1, len(in_order) + 1)
        cuts += [last for last in longer if may_be_left(last) and may_end(cuts[-1], last)][:1]
    return [in_order[last - 1] for last in cuts[1:]]


def _running_totals(rows: Sequence[tuple[Any, ...]], in_order: Sequence[Any]) -> Any:
    """Per end the counts of every level before it: a row for none, one behind each end, and one with what lies beyond; an array."""
    import numpy as np

    places = {end: place for place, end in enumerate(in_order, start=1)} | {None: len(in_order) + 1}
    levels = {level: place for place, level in enumerate({row[0]: None for row in rows})}
    totals = np.zeros((len(in_order) + 2, len(levels), len(rows[0]) - 2), dtype=np.int64)
    for level, end, *numbers in rows:
        totals[places[end], levels[level]] += numbers
    return totals.cumsum(axis=0)


def _ends_of(shown: pl.DataFrame, keys: Sequence[str], part: str) -> dict[tuple[Any, ...], list[Any]]:
    """The places where intervals end in an answer of `merged`."""
    found: dict[tuple[Any, ...], list[Any]] = {}
    for *key, end in shown.filter(pl.col("shown_as").eq(pl.col(part))).select(*keys, part).unique().iter_rows():
        found.setdefault(tuple(key), []).append(end)
    return found
