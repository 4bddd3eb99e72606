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
    outer: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """One row per cell: keys, level, part, and `shown_as`, the end of the interval that the cell is shown in; sorted.

    `keys` end with the breakdown. A cell without a part lies beyond the last interval: it is never shown, and is judged since the total
    minus what is shown gives it. What is shown, and what is left, is no count that `hides`, in any level. `shown_as` is null for cells
    that nothing may be shown of. `outer` is the answer for a table whose ends may be used here, and no others.
    """
    groups: dict[tuple[Any, ...], dict[Any, dict[str, list[int]]]] = {}
    for row in cells.select(*keys, "level", part, *counts).iter_rows():
        key, (level, end), numbers = row[: len(keys)], row[len(keys) : len(keys) + 2], row[len(keys) + 2 :]
        groups.setdefault(key, {}).setdefault(end, {})[level] = list(numbers)
    outer_ends = _ends_of(outer, keys, part) if outer is not None else None
    ends: dict[tuple[Any, ...], list[Any]] = {}
    for key in sorted(groups, key=lambda key: (key[-1] != TOTAL, key)):
        allowed = [ends[total]] if (total := (*key[:-1], TOTAL)) in ends else []
        allowed += [outer_ends.get(key, [])] if outer_ends is not None else []
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
    """Where the intervals of one breakdown end, in order: each as soon as nothing in it is small, and the rest not small either."""
    in_order = sorted((end for end in parts if end is not None), reverse=order == "down")
    groups: list[tuple[Any, list[Mapping[str, Sequence[int]]]]] = []
    open_parts: list[Mapping[str, Sequence[int]]] = []
    for end in in_order:
        open_parts.append(parts[end])
        if all(end in ends for ends in allowed) and not _is_small(open_parts, hides):
            groups.append((end, open_parts))
            open_parts = []
    rest = [*open_parts, *([parts[None]] if None in parts else [])]
    while groups and _is_small(rest, hides):
        rest = [*groups.pop()[1], *rest]
    return [end for end, _ in groups]


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
