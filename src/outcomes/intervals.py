"""Counts by neighbouring intervals in, and with which neighbours each may be shown out: the points of curves, under a disclosure rule.

A count per interval is a small cell like any other, but only neighbours can be shown as one. Curves of groups that add up to a total must
not be told apart by subtraction, so all groups of a breakdown end their intervals at the same places, and these are among the places where
the total of all, and a table that this one is nested in, end theirs.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Literal

import polars as pl

Order = Literal["up", "down"]
TOTAL: Final = "all"


def merged(
    cells: pl.DataFrame,
    keys: Sequence[str],
    part: str,
    counts: Sequence[str],
    hides: Callable[[int], bool],
    order: Order,
    outer: Sequence[pl.DataFrame] = (),
) -> pl.DataFrame:
    """One row per cell: keys, level, part, and `shown_as`, the end of the interval that the cell is shown in; sorted.

    `keys` end with the breakdown. A cell without a part lies beyond the last interval: it is never shown, and is judged since the total
    minus what is shown gives it. What is shown, and what is left, is no count that `hides`, in any level. `shown_as` is null for cells
    that nothing may be shown of. `outer` holds the answers for tables whose common ends may be used here, and no others.
    """
    groups: dict[tuple[Any, ...], dict[Any, dict[str, list[int]]]] = {}
    for row in cells.select(*keys, "level", part, *counts).iter_rows():
        key, (level, end), numbers = row[: len(keys)], row[len(keys) : len(keys) + 2], row[len(keys) + 2 :]
        groups.setdefault(key, {}).setdefault(end, {})[level] = list(numbers)
    ends_of_outer = [_ends_of(shown, keys, part) for shown in outer]
    ends: dict[tuple[Any, ...], list[Any]] = {}
    for key in sorted(groups, key=lambda key: (key[-1] != TOTAL, key)):
        allowed = [ends[total]] if (total := (*key[:-1], TOTAL)) in ends else []
        allowed += [of_table.get(key, []) for of_table in ends_of_outer]
        ends[key] = _ends(groups[key], hides, order, allowed)
    names = {
        (key, end): next((shown for shown in ends[key] if end is not None and (shown >= end if order == "up" else shown <= end)), None)
        for key, parts in groups.items()
        for end in parts
    }
    answer = cells.select(*keys, "level", part).sort(*keys, "level", part)
    shown_as = [names[row[: len(keys)], row[-1]] for row in answer.iter_rows()]
    return answer.with_columns(pl.Series("shown_as", shown_as, dtype=answer.schema[part]))


def _ends(
    parts: Mapping[Any, Mapping[str, Sequence[int]]], hides: Callable[[int], bool], order: Order, allowed: Sequence[Sequence[Any]]
) -> list[Any]:
    """Where the intervals of one breakdown end, in order: each as soon as nothing in it is small, and the rest not small either.

    Where the rest is small, the last interval is drawn out to the next end that leaves nothing small, or else given up.
    """
    in_order = sorted((end for end in parts if end is not None), reverse=order == "down")
    beyond = [parts[None]] if None in parts else []

    def may_end(first: int, last: int) -> bool:
        return all(in_order[last - 1] in ends for ends in allowed) and not _is_small([parts[end] for end in in_order[first:last]], hides)

    def may_be_left(first: int) -> bool:
        return not _is_small([*(parts[end] for end in in_order[first:]), *beyond], hides)

    cuts = [0]
    for last in range(1, len(in_order) + 1):
        if may_end(cuts[-1], last):
            cuts.append(last)
    while len(cuts) > 1 and not may_be_left(cuts[-1]):
        cuts.pop()
        longer = range(cuts[-1] + 1, len(in_order) + 1)
        cuts += [last for last in longer if may_be_left(last) and may_end(cuts[-1], last)][:1]
    return [in_order[last - 1] for last in cuts[1:]]


def _is_small(parts: Sequence[Mapping[str, Sequence[int]]], hides: Callable[[int], bool]) -> bool:
    totals: dict[str, list[int]] = {}
    for part in parts:
        for level, numbers in part.items():
            so_far = totals.setdefault(level, [0] * len(numbers))
            totals[level] = [a + b for a, b in zip(so_far, numbers, strict=True)]
    return any(hides(number) for numbers in totals.values() for number in numbers)


def _ends_of(shown: pl.DataFrame, keys: Sequence[str], part: str) -> dict[tuple[Any, ...], list[Any]]:
    """The places where intervals end in an answer of `merged`."""
    found: dict[tuple[Any, ...], list[Any]] = {}
    for *key, end in shown.filter(pl.col("shown_as").eq(pl.col(part))).select(*keys, part).unique().iter_rows():
        found.setdefault(tuple(key), []).append(end)
    return found
