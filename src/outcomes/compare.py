"""A published file in, the page `compare.md` out: the clinic's rates under every profile and every baseline rule, beside each other.

Reads published tables only, so that nothing undisclosed can be on the page. Says what moves a number, and by how many points.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

Cell = dict[str, Any]

COLUMNS: Final = ("measure", "metric", "window", "profile", "rate", "of", "coverage", "last", "mean", "worst", "first")
LEFT: Final = 4
RULES: Final = ("last", "mean", "worst", "first")
OWN: Final = "own rule"
HIDDEN: Final = "hidden"
MOVERS: Final = 10
NOTE: Final = (
    "rate: under the settings' own choice among several scores before treatment, with its 95 % interval; last, mean, worst, first: "
    "percentage points above it under that choice. The worst score overstates the effect of treatment."
)
ROWS: Final = """
select s.*, coalesce(d.metric_title, s.metric_id) as metric_title, coalesce(d.instrument_title, s.instrument_id) as instrument_title
from published.sensitivity as s
left join published.definition as d using (profile_id, metric_id, instrument_id)
where coalesce(s.instrument_id = ?, true)
order by s.instrument_id, s.metric_id, s.window_id, s.profile_id, s.baseline_rule
"""


def cells(release: Path, instrument: str | None = None) -> list[Cell]:
    """Every row of published.sensitivity with the titles of its metric and measure, of one measure if one is named."""
    import duckdb

    with duckdb.connect(str(release), read_only=True) as con:
        found = con.execute(ROWS, [instrument])
        names = [column[0] for column in found.description or ()]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def rows(found: Sequence[Cell]) -> list[tuple[str, ...]]:
    """One row of text per measure, metric, window and profile, in the order of COLUMNS; none where nobody could be counted."""
    lines = []
    for rules in _by_question(found).values():
        own = next(cell for cell in rules.values() if cell["is_own"])
        if own["is_suppressed"]:
            shown = [HIDDEN, *[""] * (2 + len(RULES))]
        elif own["rate"] is None:
            continue
        else:
            rate = f"{100 * own['rate']:.1f} % ({100 * own['rate_low']:.1f}-{100 * own['rate_high']:.1f})"
            coverage = "" if own["coverage"] is None else f"{100 * own['coverage']:.0f} %"
            shown = [rate, f"{own['numerator']}/{own['denominator']}", coverage, *(_difference(rules[rule]) for rule in RULES)]
        lines.append((own["instrument_title"], own["metric_title"], own["window_id"], own["profile_id"], *shown))
    return lines


def movers(found: Sequence[Cell]) -> list[str]:
    """What moves a number most, in sentences: the choice of the baseline first, then the choice of a profile."""
    by_rule = sorted(
        (cell for cell in found if cell["difference_points"]),
        key=lambda cell: (-abs(cell["difference_points"]), cell["instrument_id"], cell["metric_id"], cell["window_id"], cell["profile_id"]),
    )
    said = [
        f"{cell['instrument_title']}, {cell['metric_title'].lower()} ({cell['profile_id']}, {cell['window_id']}): "
        f"{cell['difference_points']:+.1f} points if the {cell['baseline_rule']} score before treatment is the baseline."
        for cell in by_rule[:MOVERS]
    ]
    return said + [sentence for _, sentence in sorted(_between_profiles(found), key=lambda one: (-one[0], one[1]))[:MOVERS]]


def page(release: Path) -> str:
    """The whole page as Markdown."""
    found = cells(release)
    lines = [COLUMNS, tuple("---" for _ in COLUMNS), *rows(found)]
    moved = [f"* {sentence}" for sentence in movers(found)] or [
        "Nothing: no course has several scores before treatment, and one profile is asked."
    ]
    table = ["| " + " | ".join(text.replace("|", "\\|") for text in line) + " |" for line in lines]
    return "\n".join(
        ["# The same data under other definitions", "", NOTE, "", "## What moves a number", "", *moved, "", "## All", "", *table, ""]
    )


def terminal(release: Path, instrument: str | None, width: int = 150) -> str:
    """The table and what moves it, for a terminal."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    found = cells(release, instrument)
    table = Table(caption=NOTE, caption_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for place, name in enumerate(COLUMNS):
        table.add_column(name, justify="left" if place < LEFT else "right")
    for row in rows(found):
        table.add_row(*row)
    console = Console(width=width)
    with console.capture() as captured:
        console.print(table)
        for sentence in movers(found):
            console.print(sentence, highlight=False, markup=False)
    return "\n".join(line.rstrip() for line in captured.get().splitlines()).strip("\n")


def _by_question(found: Sequence[Cell]) -> dict[tuple[str, ...], dict[str, Cell]]:
    questions: dict[tuple[str, ...], dict[str, Cell]] = {}
    for cell in found:
        key = (cell["instrument_id"], cell["metric_id"], cell["window_id"], cell["profile_id"])
        questions.setdefault(key, {})[cell["baseline_rule"]] = cell
    return questions


def _difference(cell: Cell) -> str:
    if cell["is_own"]:
        return OWN
    return "" if cell["difference_points"] is None else f"{cell['difference_points']:+.1f}"


def _between_profiles(found: Sequence[Cell]) -> list[tuple[float, str]]:
    """The widest gap between two profiles that ask the same of the same measure in the same window, and the sentence about it."""
    asked: dict[tuple[str, ...], list[Cell]] = {}
    for cell in found:
        if cell["is_own"] and cell["rate"] is not None:
            asked.setdefault((cell["instrument_id"], cell["metric_id"], cell["window_id"]), []).append(cell)
    gaps = []
    for alike in asked.values():
        low, high = min(alike, key=lambda cell: cell["rate"]), max(alike, key=lambda cell: cell["rate"])
        points = 100 * (high["rate"] - low["rate"])
        if points > 0:
            sentence = (
                f"{low['instrument_title']}, {low['metric_title'].lower()} ({low['window_id']}): {100 * low['rate']:.1f} % under "
                f"{low['profile_id']}, {100 * high['rate']:.1f} % under {high['profile_id']}, {points:.1f} points apart."
            )
            gaps.append((points, sentence))
    return gaps
