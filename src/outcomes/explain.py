"""One cell of published.outcome_summary in; where it comes from out: its definition, its counts by reason, the runs and files behind it.

What the release says is read from the published file. Files, and rows of single courses where they are asked for, come from the private
warehouse and from nowhere else. Of a hidden cell nothing is told but why it is hidden.
"""

import csv
import difflib
import json
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from outcomes import places, runs
from outcomes.runs import Exit
from outcomes.settings import Settings

WIDTH: Final = 100
LABEL: Final = 13
ALL: Final = "all"
POOLED: Final = "(pooled)"
TOGETHER: Final = "Reasons too rare to be shown by themselves, together"
Row = dict[str, Any]

CELL: Final = """
select c.*, v.format_version, s.disclosure_title
from published.outcome_summary as c cross join published.setting as s cross join published.version as v
where c.profile_id = $profile and metric_id = $metric and instrument_id = $instrument and window_id = $window
and breakdown = $breakdown and level = $level
"""
WHAT_THERE_IS: Final = """
select distinct {column} from published.outcome_summary
where {known} order by 1
"""
DEFINITION: Final = """
select * from published.definition where profile_id = $profile and metric_id = $metric and instrument_id = $instrument
"""
REASONS: Final = """
select standing, label, courses, denominator, is_suppressed, suppression_reason from published.outcome_reason
where profile_id = $profile and metric_id = $metric and instrument_id = $instrument and window_id = $window
and breakdown = $breakdown and level = $level order by ordinal, standing
"""
CHANGE: Final = """
select cause_id, label, since_on, numerator_change, denominator_change from published.change
where profile_id = $profile and metric_id = $metric and instrument_id = $instrument and window_id = $window
and breakdown = $breakdown and level = $level order by ordinal
"""
IS_THERE: Final = "select 1 from duckdb_tables() where schema_name = 'published' and table_name = 'change'"
COURSES: Final = """
with shown as (
    select level from release.outcome_level
    where profile_id = $profile and metric_id = $metric and instrument_id = $instrument and window_id = $window
    and breakdown = $breakdown and shown_as = $level
),
strata as (select stratum_id from core.stratum_level inner join shown using (level) where breakdown = $breakdown)
select evidence.*, course.patient_id
from core.evidence as evidence
inner join core.stratum using (course_id, instrument_id)
inner join strata using (stratum_id)
inner join core.course using (course_id)
anti join meta.waiting using (course_id, instrument_id, window_id)
where profile_id = $profile and metric_id = $metric and instrument_id = $instrument and window_id = $window
"""
FILES: Final = f"""
with courses as ({COURSES}),
forms as (
    select baseline_form_number as form_number from courses union select form_number from courses
),
numbers as (
    select file_number from core.form inner join forms using (form_number)
    union select file_number from core.session inner join courses using (course_id) where session.course_id is not null
    union select file_number from core.patient_version inner join courses using (patient_id) where standing = 'kept'
)
select left(ingest_id, 12) as file_id, table_name, format, shape, exported_on, as_of as taken_in_as_of
from meta.input_file inner join numbers using (file_number) order by table_name, exported_on, file_id
"""
ROWS: Final = f"""
with courses as ({COURSES})
select courses.course_id, coalesce(reason, case when numerator then 'met' else 'not_met' end) as standing, courses.denominator,
    courses.numerator, baseline, baseline_on, score, courses.answered_on, improvement, definition_version,
    left(before.ingest_id, 12) as baseline_file_id, left(after.ingest_id, 12) as score_file_id
from courses
left join core.form as earlier on earlier.form_number = courses.baseline_form_number
left join meta.input_file as before on before.file_number = earlier.file_number
left join core.form as later on later.form_number = courses.form_number
left join meta.input_file as after on after.file_number = later.file_number
order by standing, course_id
"""


@dataclass(frozen=True)
class Key:
    """Which cell; the columns of published.outcome_summary that name it."""

    profile: str
    metric: str
    instrument: str
    window: str
    breakdown: str = ALL
    level: str = ALL


COLUMNS: Final = {
    "profile": "profile_id",
    "metric": "metric_id",
    "instrument": "instrument_id",
    "window": "window_id",
    "breakdown": "breakdown",
    "level": "level",
}


class Unknown(Exception):
    """There is no such cell; the text says which word is not known and what there is."""


def explain(
    settings: Settings, asked: Sequence[str], by: str, level: str, profile: str | None, *, rows: bool, as_json: bool
) -> tuple[int, str]:
    """The explanation of the cell for a terminal of 100 columns, or as JSON. Exit codes: 0, 2 where there is no such cell or release."""
    data = settings.paths.data
    release = runs.current(data, "published")
    if release is None:
        return Exit.USAGE, "nothing is published yet: call `outcomes run`"
    metric, instrument, window = asked
    key = Key(profile or settings.report.profile, metric, instrument, window, by, level)
    try:
        facts = published(release / "outcomes.duckdb", key)
    except Unknown as unknown:
        return Exit.USAGE, str(unknown)
    facts |= {"clinic": settings.clinic.name, "run_id": release.name}
    if not facts["cell"]["is_suppressed"]:
        facts |= private_facts(data, release.name, key, rows=rows)
    return Exit.OK, json.dumps(facts, default=str, indent=1) if as_json else "\n".join(_lines(facts, key))


def published(release: Path, key: Key) -> Row:
    """`cell`, `definition`, `reasons` and `changes` as the release says them; of a hidden cell only its key and why. Raises Unknown."""
    import duckdb

    words = asdict(key)
    with duckdb.connect(str(release), read_only=True) as con:
        found = _rows(con, CELL, words)
        if not found:
            raise Unknown(_what_there_is(con, words))
        (cell,) = found
        if cell["is_suppressed"]:
            kept = (*COLUMNS.values(), "as_of", "is_suppressed", "suppression_reason", "disclosure_title")
            return {"cell": {name: cell[name] for name in kept} | {"why_hidden": _why_hidden(cell["suppression_reason"])}}
        return {
            "cell": cell,
            "definition": next(iter(_rows(con, DEFINITION, words)), None),
            "reasons": _rows(con, REASONS, words),
            "changes": _rows(con, CHANGE, words) if con.execute(IS_THERE).fetchall() else [],
        }


def private_facts(data: Path, run_id: str, key: Key, *, rows: bool) -> Row:
    """`files` that fed the cell, `warehouse`, the run they are known from, and `rows` of single courses if they are wanted.

    Known from the warehouse of the release's own run while that is kept, from today's otherwise; without one, or where it may not be
    read, `files` is None.
    """
    own = data / "warehouse" / "snapshots" / run_id / "warehouse.duckdb"
    today = runs.current(data, "warehouse")
    path = own if _readable(own) else today / "warehouse.duckdb" if today else own
    if not _readable(path):
        return {"warehouse": None, "files": None}
    import duckdb

    with duckdb.connect(str(path), read_only=True) as con:
        nights = [entry for entry in reversed(runs.history(data)) if runs.ended_well(entry) and "as_of" in entry]
        taken_in = {entry["as_of"]: entry["run_id"] for entry in nights}
        files = [{**file, "taken_in_by": taken_in.get(str(file["taken_in_as_of"]))} for file in _rows(con, FILES, asdict(key))]
        facts: Row = {"warehouse": path.parent.name, "files": files}
        return facts | ({"rows": _rows(con, ROWS, asdict(key))} if rows else {})


def _readable(path: Path) -> bool:
    try:
        with path.open("rb"):
            return True
    except OSError:
        return False


def _rows(con: Any, sql: str, words: Mapping[str, str]) -> list[Row]:
    wanted = {name: value for name, value in words.items() if f"${name}" in sql}
    found = con.execute(sql, wanted)
    names = [column[0] for column in found.description]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def _what_there_is(con: Any, words: Mapping[str, str]) -> str:
    """The first word, from the profile on, that no cell has together with those before it; the nearest one and all others."""
    known = "true"
    for name, column in COLUMNS.items():
        there = [row[column] for row in _rows(con, WHAT_THERE_IS.format(column=column, known=known), words)]
        if words[name] not in there:
            nearest = difflib.get_close_matches(words[name], there, n=1)
            hint = f"did you mean {nearest[0]}? " if nearest else ""
            text = f"nothing is published of {name} {words[name]}; {hint}there are {', '.join(there) or 'none'}"
            return textwrap.fill(text, WIDTH, break_long_words=False, break_on_hyphens=False)
        known += f" and {column} = ${name}"
    return "there is no such cell"


def _why_hidden(reason: str | None) -> str:
    with (places.folder("sql") / "ref" / "hidden_because.csv").open(encoding="utf-8", newline="") as file:
        said = {row["suppression_reason"]: row["text"] for row in csv.DictReader(file)}
    return said.get(reason or "", str(reason))


def _lines(facts: Row, key: Key) -> Iterator[str]:
    cell = facts["cell"]
    definition = facts.get("definition") or {}
    what = f"{definition.get('metric_title') or key.metric} on {definition.get('instrument_title') or key.instrument}"
    group = "everybody" if key.breakdown == ALL else f"{key.breakdown} {key.level}"
    yield f"{what}, window {key.window}, {group}"
    yield f"{facts['clinic']}, figures as of {cell['as_of']}"
    yield ""
    if cell["is_suppressed"]:
        yield from _said("hidden", f"{cell['why_hidden']} This is not zero. Rule of the release: {cell['disclosure_title']}.")
        return
    yield from _figures(cell)
    yield from _meaning(definition, key)
    yield from _standings(facts["reasons"])
    yield from _moved(facts["changes"])
    yield from _origin(facts, cell)


def _figures(cell: Row) -> Iterator[str]:
    if cell["rate"] is None:
        yield from _said("rate", f"none: {cell['denominator']} courses in the denominator")
    else:
        zero = " (a true zero)" if cell["numerator"] == 0 else ""
        interval = f"95 % interval {_percent(cell['rate_low'])} to {_percent(cell['rate_high'])}"
        yield from _said("rate", f"{_percent(cell['rate'])}{zero}, {interval}: {cell['numerator']} of {cell['denominator']} courses")
    coverage = "" if cell["coverage"] is None else f"{_percent(cell['coverage'])}: "
    yield from _said(
        "coverage", f"{coverage}{cell['measured']} measured of {cell['eligible']} eligible courses; enrolled {cell['enrolled']}"
    )
    if cell["rate_worst"] is not None and cell["measured"] != cell["eligible"]:
        bounds = f"{_percent(cell['rate_worst'])} if every unmeasured course had gone badly, {_percent(cell['rate_best'])} if well"
        yield from _said("bounds", bounds)
    if cell["caution"]:
        yield from _said("mind", cell["caution"])


def _meaning(definition: Row, key: Key) -> Iterator[str]:
    yield from ("", "What it means")
    if not definition:
        yield from _said("", f"published.definition has no sentence for it under profile {key.profile}")
        return
    yield from _said("numerator", definition["definition"])
    yield from _said("over", definition["denominator"])
    seen = f"{definition['status']}, looked at on {definition['reviewed_on'] or 'no day that is known'}"
    yield from _said("citation", f"{definition['source']} ({seen})")
    yield from _said("profile", f"{definition['profile_title']} ({key.profile}, version {definition['profile_version']})")
    if definition["profile_source"]:
        yield from _said("", definition["profile_source"])
    if definition["is_review_overdue"]:
        yield from _said("mind", f"the review of the profile was due on {definition['review_due_on']}")


def _standings(reasons: Sequence[Row]) -> Iterator[str]:
    yield from ("", f"{'Courses':>9}  {'in denominator':>14}  What became of them")
    for row in reasons:
        if row["is_suppressed"]:
            counts = f"{'hidden':>9}  {'hidden':>14}"
        else:
            counts = f"{_count(row['courses']):>9}  {_count(row['denominator']):>14}"
        yield f"{counts}  {TOGETHER if row['standing'] == POOLED else row['label'] or row['standing']}"
    if any(row["is_suppressed"] for row in reasons):
        yield from _said("hidden", "too few of this group to be told apart by reason; this is not zero")


def _moved(changes: Sequence[Row]) -> Iterator[str]:
    """Why the figure moved; nothing where it has not, or is not known to have."""
    if changes:
        yield from ("", f"Why it moved since {changes[0]['since_on']}, in courses")
        yield f"{'numerator':>9}  {'denominator':>14}  Cause"
        for row in changes:
            yield f"{row['numerator_change']:>+9}  {row['denominator_change']:>+14}  {row['label']}"


def _origin(facts: Row, cell: Row) -> Iterator[str]:
    yield from ("", "Where it comes from")
    yield from _said("release", f"{facts['run_id']}, version {cell['format_version']} of the names; {cell['disclosure_title']}")
    if facts["files"] is None:
        yield from _said("files", "known to the private warehouse only, which can't be read from here")
        return
    yield from _said("warehouse", f"{facts['warehouse']} (private)" + ("" if facts["warehouse"] == facts["run_id"] else ", a later one"))
    yield from ("", *_table(facts["files"], "no file"))
    if "rows" in facts:
        yield from ("", "Rows of single courses, from the private warehouse. They stay in the house.", "", *_table(facts["rows"], "none"))


def _table(rows: Sequence[Row], nothing: str) -> Iterator[str]:
    """Columns as wide as their cells, for a terminal."""
    if not rows:
        yield f"  {nothing}"
        return
    cells = [[*rows[0]], *([_count(value) for value in row.values()] for row in rows)]
    widths = [max(len(line[place]) for line in cells) for place in range(len(rows[0]))]
    for line in cells:
        yield "  " + "  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip()


def _said(label: str, text: str) -> Iterator[str]:
    lead = f"  {label}".ljust(LABEL)
    yield from textwrap.wrap(text, WIDTH, initial_indent=lead, subsequent_indent=" " * LABEL, break_long_words=False) or [lead]


def _count(value: Any) -> str:
    return "" if value is None else f"{value:f}".rstrip("0").rstrip(".") if hasattr(value, "as_tuple") else str(value)


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"
