"""The files of schema metric, the profiles and the benchmark pack in; pages about each metric and about the benchmarks out, as Markdown.

Every sentence with a number comes from `report.definition` and `report.benchmark` of an empty warehouse, so no page can say what the
release does not.
"""

import datetime as dt
import re
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final

import duckdb
import polars as pl

from outcomes import disclosure, instruments, places, reference, sqlfiles, warehouse
from outcomes.markdown import table
from outcomes.settings import Settings
from outcomes.sqlfiles import SqlFile

INDEX: Final = "README.md"
GOOD: Final = {"up": "a higher rate is better", "down": "a lower rate is better", "neither": "neither way is better by itself"}
MARKS: Final = {"unverified": "⚠ **unverified**"}

_MADE: Final = "<!-- Made from sql/, profiles/ and instruments/ by `outcomes docs`; do not edit. -->"
_INTRODUCTION: Final = """\
What each rate asks, how it is counted, over whom, and how it can mislead. A metric is one SQL file; who asks it, with which numbers,
stands in the profiles. The same sentences are published with every release, in `published.definition`."""
_COUNTED: Final = """\
A course is *enrolled* if the measure is expected of it and its window has fully passed, *eligible* if it has a baseline that the metric
can apply to, and *measured* if it has a score in the window. Each rate is published with its coverage (measured / eligible), its Wilson
interval, and what it would be had all the unmeasured gone badly, or well. Rows of single courses stand in `core.evidence`."""
_BENCHMARKS: Final = """\
What others have published, as `published.benchmark` and `outcomes benchmark` print it beside the clinic's own rate of the same metric,
measure, window and indication. **None of it is a target**: other patients, other windows, other rules for who is counted. Negative trials
are in it. Intervals marked *computed* are Wilson intervals from the share and its n, where the source gives none."""
_LICENCE: Final = "Contains public sector information licensed under the Open Government Licence v3.0 (NHS England)."

Row = dict[str, Any]


def pages() -> dict[str, str]:
    """Every page of docs/metrics by its file name: the index, and `<id>.md`."""
    files = sorted(sqlfiles.read_folder(places.folder("sql"), ["metric"]), key=lambda file: (int(file.facts["order"]), file.name))
    return {INDEX: _index(files), **{f"{file.name}.md": _page(file) for file in files}}


def benchmarks() -> str:
    """docs/benchmarks.md."""
    studies = [row for row in _published()["benchmark"] if row["study_id"] != "nhs_talking_therapies"]
    national = [row for row in _published()["benchmark"] if row["study_id"] == "nhs_talking_therapies"]
    rates = sorted({row["metric_id"] for row in national if row["metric_id"]})
    values = {(row["published_window"], row["metric_id"]): row for row in national}
    periods = sorted({row["published_window"] for row in national if row["metric_id"]})
    names = [rate.removeprefix("pair_").replace("_", " ") for rate in rates]
    return _joined(
        [
            _MADE,
            "# Benchmarks",
            _BENCHMARKS,
            table(["Study", "Figure", "When", "n", "Value", "How to read it", "Status"], [_study(row) for row in studies]),
            "## Studies",
            table(
                ["Study", "Published", "Setting", "Design", "Route", "Seen in"],
                sorted({tuple(row[name] or "" for name in _ABOUT) for row in studies}),
            ),
            "## NHS Talking Therapies, England",
            "Talking therapy, not ketamine. Finished courses; for recovery, less those that were no case at the start.",
            table(["Year", *names], [[period, *(_percent(values[period, rate]) for rate in rates)] for period in periods]),
            "Mean scores of cognitive behaviour therapy, before and after:",
            table(["Year", "Measure", "Before", "After", "Effect size"], _scores(national)),
            _LICENCE,
        ]
    )


_ABOUT: Final = ("study_id", "citation", "setting", "design", "route", "source")


def _index(files: list[SqlFile]) -> str:
    asked = {(row["metric_id"], row["profile_id"]) for row in _published()["definition"]}
    rows = [
        [
            f"[{file.facts['title']}]({file.name}.md)",
            _question(file),
            GOOD.get(file.facts["good_is"], file.facts["good_is"]),
            ", ".join(f"`{profile}`" for metric, profile in sorted(asked) if metric == file.name),
        ]
        for file in files
    ]
    return _joined([_MADE, "# Metrics", _INTRODUCTION, table(["Metric", "What it asks", "Which way is good", "Asked by"], rows), _COUNTED])


def _page(file: SqlFile) -> str:
    said = _said(file)
    facts = [
        ["Name in tables", f"`{file.name}`"],
        ["Which way is good", GOOD.get(file.facts["good_is"], file.facts["good_is"])],
        ["Counted in the numerator", file.facts["sentence"]],
        ["Over", file.facts["denominator"]],
        ["Source of the definition", said.get("Source", "the profiles, see below")],
        ["SQL", f"[sql/metric/{file.name}.sql](../../sql/metric/{file.name}.sql), fingerprint `{sqlfiles.fingerprint(file)[:12]}`"],
    ]
    mislead = "\n\n".join(text for name, text in said.items() if name == "Caveat") or "Nothing beyond what holds of every rate."
    return _joined(
        [
            _MADE,
            f"# {file.facts['title']}",
            said["About"],
            table(["", ""], facts),
            "In braces stand the numbers of the rule: each profile and measure has its own, below.",
            "## How it can mislead",
            mislead,
            "## Who asks it, with which numbers",
            *_asked(file),
            "## Its cases",
            *_cases(file),
        ]
    )


def _asked(file: SqlFile) -> Iterator[str]:
    rows = [
        [
            f"`{row['profile_id']}`",
            row["instrument_title"] or row["instrument_id"],
            row["definition"],
            row["windows"] or "",
            MARKS.get(row["status"], row["status"]),
            row["source"],
        ]
        for row in _published()["definition"]
        if row["metric_id"] == file.name
    ]
    if not rows:
        yield "No shipped profile has the numbers that it needs."
    else:
        yield table(["Profile", "Measure", "In words", "Windows", "Status", "Source"], rows)


def _cases(file: SqlFile) -> Iterator[str]:
    """The specification's cases: each course of a `Then` table by its name, and what the metric says of it."""
    page = places.folder("sql").parent / "tests" / "sql" / "metric" / f"{file.name}.md"
    yield f"From [its specification](../../tests/sql/metric/{file.name}.md), which runs against the SQL."
    rows = []
    for case in re.split(r"^## ", page.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
        header: list[str] = []
        for line in re.split(r"^Then\b.*$", case, flags=re.MULTILINE)[-1].splitlines():
            cells = [cell.strip().strip("`") for cell in line.strip().strip("|").split("|")]
            if line.startswith("|") and not header:
                header = cells
            elif line.startswith("|") and not set(line) <= set("|-: "):
                found = dict(zip(header, cells, strict=False))
                rows.append([case.splitlines()[0], *(found.get(name, "") for name in ("course_id", "instrument_id")), *_verdict(found)])
    yield table(["Case", "Course", "Measure", "Counted", "Met", "Why not counted"], rows)


def _verdict(found: dict[str, str]) -> list[str]:
    words = {"true": "yes", "false": "no"}
    reason = found.get("reason", "-")
    return [
        *(words.get(found.get(name, ""), found.get(name, "")) for name in ("denominator", "numerator")),
        "" if reason == "-" else reason,
    ]


def _said(file: SqlFile) -> dict[str, str]:
    """The header, cut at `Caveat:` and `Source:`; what stands before them is `About`."""
    first, *rest = re.split(r"\b(Caveat|Source): ", " ".join(file.header.split()))
    return {"About": first.strip(), **{name: text[:1].upper() + text[1:].strip() for name, text in zip(rest[::2], rest[1::2], strict=True)}}


def _question(file: SqlFile) -> str:
    about = _said(file)["About"]
    return about[: about.index("?") + 1] if "?" in about else about.split(". ")[0]


def _study(row: Row) -> list[str]:
    figure = " ".join(str(part) for part in (row["instrument_id"], row["figure"], f"({row['arm']})" if row["arm"] else None) if part)
    people = f"{row['n']} of {row['n_of']}" if row["n_of"] and row["n_of"] != row["n"] else str(row["n"] or "")
    reading = str(row["reading"]).partition(". ")[2]
    status = MARKS.get(row["status"], row["status"])
    return [row["study_id"], figure, row["published_window"] or "", people, _value(row), reading, status]


def _value(row: Row) -> str:
    is_share = row["unit"].startswith("share")
    value, low, high = (
        None if row[name] is None else f"{100 * float(row[name]):.1f}" if is_share else f"{float(row[name]):g}"
        for name in ("value", "low", "high")
    )
    unit = "%" if is_share else row["unit"]
    if value is None:
        return f"{low} to {high} {unit}" if low else ""
    kind = f", {row['interval_is']}" if row["interval_is"] else ""
    return f"{value} {unit}" + (f" ({low} to {high}{kind})" if low else "")


def _percent(row: Row) -> str:
    return f"{100 * row['value']:.1f} % of {row['n']:,}"


def _scores(national: list[Row]) -> list[list[str]]:
    values = {(row["published_window"], row["instrument_id"], row["figure"].split(",")[0]): row["value"] for row in national}
    keys = sorted({(period, measure) for period, measure, figure in values if figure.startswith("mean")})
    return [[*key, *(f"{values[*key, figure]:g}" for figure in ("mean before", "mean after", "effect size"))] for key in keys]


def _joined(parts: list[str]) -> str:
    return "\n\n".join(part for part in parts if part) + "\n"


@cache
def _published() -> dict[str, list[Row]]:
    """`report.definition` and `report.benchmark` of a warehouse without rows, under every shipped profile."""
    library = instruments.load()
    clinic = {"name": "Pages", "timezone": "UTC"}
    settings = Settings.model_validate({"clinic": clinic, "report": {"also": sorted(library.profiles)}, "disclosure": {"rule": "off"}})
    with tempfile.TemporaryDirectory() as scratch:
        built = Path(scratch) / "warehouse" / "built.duckdb"
        nothing = warehouse.CleanFiles(pl.DataFrame(schema=reference.INPUT_FILE))
        ref = reference.tables(settings, library, dt.date(2026, 1, 1))
        warehouse.build(built, nothing, ref, settings.limits, disclose=disclosure.disclose)
        with duckdb.connect(str(built), read_only=True) as con:
            return {
                name: con.sql(f"select * from report.{name} order by all").pl().rows(named=True) for name in ("definition", "benchmark")
            }
