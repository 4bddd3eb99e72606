"""Table published.change in, what moved since it was last printed, and why, out: in sentences and as tables; older releases have none."""

from collections.abc import Mapping
from typing import Final

from outcomes.report.model import Block, Grid, Said, Text
from outcomes.report.release import Row
from outcomes.report.words import Words

TABLE: Final = "change"
ABSENT: Final = "This release does not say what moved since the one before, so no cause of a change is named."
FIRST: Final = "This is a first release, or no figure has moved since the last one."
STANDS: Final = "too little has changed since to print it anew without giving single patients away"
HOW: Final = "Courses with the outcome, of all courses counted; + are more, {minus} fewer. Each course has one cause."
REMARKS: Final = (
    "New patients: counted for the first time, since they came or their window has passed. Late data: a form came that was filled in long "
    "before. Not told apart: causes of which one is about few courses.",
    "Groups stand in the table change of the release.",
)
_ROWS: Final = """
select c.*, coalesce(w.ordinal, 99) as place from published.change as c left join published.window as w using (window_id)
where profile_id = $profile and breakdown = 'all' order by metric_id, instrument_id, place, window_id, c.ordinal
"""
_HELD: Final = """
select o.metric_id, o.instrument_id, o.window_id, o.as_of, coalesce(w.ordinal, 99) as place
from published.outcome_summary as o left join published.window as w using (window_id)
where profile_id = $profile and breakdown = 'all' and not is_suppressed and as_of < $as_of
order by metric_id, instrument_id, place, window_id
"""


def said(words: Words, rates: Mapping[str, Row]) -> Said:
    """What moved of these rates, by metric, for the first screen; a definition that has changed is worth a look."""
    if not words.release.has(TABLE):
        return Said("What changed", "untold", (ABSENT,))
    if not _rows(words) and not _held(words):
        return Said("What changed", "untold", (FIRST,))
    lines, is_look, is_explained = [], False, False
    for metric, row in rates.items():
        if row["is_suppressed"]:
            continue
        name, causes = words.metric(metric), [cause for cause in _rows(words) if _is_of(cause, row)]
        if words.aged(row):
            lines.append(f"{name} is printed as of {words.aged(row)}: {STANDS}.")
        elif causes:
            moved = "; ".join(f"{cause['label'].lower()} {_by(words, cause)}" for cause in causes)
            lines.append(f"{name} since {words.numerals.day(causes[0]['since_on'])}: {moved}.")
            is_explained = True
        else:
            lines.append(f"{name} has not moved.")
        is_look |= any(cause["cause_id"] == "definition" for cause in causes)
    lines += [HOW.format(minus=words.numerals.minus)] if is_explained else []
    return Said("What changed", "look" if is_look else "good", tuple(lines or ("No figure of this page has moved.",)))


def blocks(words: Words) -> list[Block]:
    """All totals of the report's profile that moved, by cause, and those that are printed as of an earlier date."""
    if not words.release.has(TABLE):
        return [Text((ABSENT,))]
    moved = [
        (*_named(words, row), words.numerals.day(row["since_on"]), row["label"], *(_signed(words, row[name]) for name in _NUMBERS))
        for row in _rows(words)
    ]
    held = [(*_named(words, row), words.numerals.day(row["as_of"])) for row in _held(words)]
    if not moved and not held:
        return [Text((FIRST,))]
    what = ("Outcome", "Measure", "When")
    grids: list[Block] = []
    if moved:
        numbers = ("With the outcome", "Courses")
        columns = (*what, "Printed before", "Cause", *numbers)
        grids.append(Grid("What moved, all courses, and why", columns, tuple(moved), frozenset(numbers), REMARKS))
    if held:
        grids.append(Grid("Printed as of an earlier date", (*what, "As of"), tuple(held), frozenset(), (f"Of each, {STANDS}.",)))
    return grids


_NUMBERS: Final = ("numerator_change", "denominator_change")


def _rows(words: Words) -> list[Row]:
    return words.release.rows(_ROWS, {"profile": words.release.setting["profile_id"]})


def _held(words: Words) -> list[Row]:
    return words.release.rows(_HELD, {"profile": words.release.setting["profile_id"], "as_of": words.release.as_of})


def _is_of(cause: Row, rate: Row) -> bool:
    return all(cause[name] == rate[name] for name in ("profile_id", "metric_id", "instrument_id", "window_id", "breakdown", "level"))


def _named(words: Words, row: Row) -> tuple[str, str, str]:
    return words.metric(row["metric_id"]), words.measure(row["instrument_id"]), words.window(row["window_id"])


def _by(words: Words, cause: Row) -> str:
    """`+16 of +30 courses`."""
    met, counted = (_signed(words, cause[name]) for name in _NUMBERS)
    return f"{met} of {counted} courses"


def _signed(words: Words, value: int) -> str:
    return words.numerals.plain(value, signed=True) if value else "0"
