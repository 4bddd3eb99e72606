"""Export tables in; the files of an inbox out, as a clinic's systems would leave them there."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from outcomes.clinic import dirt, exports, xlsx
from outcomes.clinic.year import Year


@dataclass(frozen=True)
class File:
    """One file of the inbox. `rows` are its data rows; `dirt` says how many of them carry each planted fault.

    `fate` is what must become of it: accepted, refused, or same (the bytes of another file again).
    """

    name: str
    table: str | None
    shape: str | None
    rows: int
    exported_on: dt.date | None
    fate: str = "accepted"
    dirt: Mapping[str, int] = field(default_factory=dict)


def inbox(year: Year, folder: Path) -> list[File]:
    """Writes every file of the inbox into an empty or new folder; a second time it writes the same bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    day = year.plan.exported_on
    return [
        *_patients(year, folder, day),
        *_sessions(year, folder, day),
        *_adverse_events(year, folder, day),
        _session_observations(year, folder, day),
        *_phq9(year, folder, day),
        _gad7(year, folder, day),
        _pcl5(year, folder, day),
        *_totals(year, folder),
        _unrecognised(folder),
    ]


def _patients(year: Year, folder: Path, day: dt.date) -> list[File]:
    clean = exports.patients(year)
    rows, counts = dirt.patients(year, clean)
    rows.write_csv(folder / f"patients_{day}.csv")
    stale = dirt.stale(year, clean)
    stale.write_csv(folder / f"patients_{year.plan.stale_on}.csv")
    unchanged = stale.join(clean, on=clean.columns, how="semi", nulls_equal=True).height
    return [
        File(f"patients_{day}.csv", "patient", "rows", rows.height, day, dirt=counts),
        File(
            f"patients_{year.plan.stale_on}.csv",
            "patient",
            "rows",
            stale.height,
            year.plan.stale_on,
            dirt={"stale": stale.height - unchanged, "unchanged": unchanged},
        ),
    ]


def _sessions(year: Year, folder: Path, day: dt.date) -> list[File]:
    """The sessions, and a newer export of them that was cut off while it was copied."""
    rows, counts = dirt.sessions(year, exports.sessions(year))
    rows.write_parquet(folder / f"sessions_{day}.parquet")
    broken = f"sessions_{year.plan.corrected_on}.csv"
    whole = rows.tail(200).with_columns(pl.col("started_at").dt.strftime("%Y-%m-%dT%H:%M:%SZ")).write_csv().encode()
    lines = whole.splitlines(keepends=True)
    kept = lines[: len(lines) // 2]
    (folder / broken).write_bytes(b"".join([*kept, lines[len(kept)][:25]]))
    return [
        File(f"sessions_{day}.parquet", "session", "rows", rows.height, day, dirt=counts),
        File(broken, "session", "rows", len(kept), year.plan.corrected_on, fate="refused", dirt={"cut": 1}),
    ]


def _adverse_events(year: Year, folder: Path, day: dt.date) -> list[File]:
    """With the line ends of Windows, and delivered twice."""
    rows, counts = dirt.adverse_events(year, exports.adverse_events(year))
    names = [f"adverse_events_{day}.csv", f"adverse_events_{day} (1).csv"]
    for name in names:
        rows.write_csv(folder / name, line_terminator="\r\n")
    return [
        File(names[0], "adverse_event", "rows", rows.height, day, dirt=counts),
        File(names[1], "adverse_event", "rows", rows.height, day, fate="same"),
    ]


def _session_observations(year: Year, folder: Path, day: dt.date) -> File:
    rows = exports.session_observations(year)
    name = f"session_observations_{day}.csv"
    rows.write_csv(folder / name)
    return File(name, "session_observation", "rows", rows.height, day)


def _phq9(year: Year, folder: Path, day: dt.date) -> list[File]:
    """The main export, and the correction that came a day later."""
    forms = exports.forms(year, year.plan.measures["phq9"])
    corrected = dirt.corrected(year, forms)
    rows, counts = dirt.phq9(year, forms, corrected)
    rows.write_csv(folder / f"questionnaires_phq9_{day}.csv")
    right = exports.long(
        forms.filter(pl.col("form_id").is_in(corrected.implode())).with_columns(pl.col("answered_at").dt.strftime(exports.STAMP))
    )
    correction = f"questionnaires_phq9_{year.plan.corrected_on}.csv"
    right.write_csv(folder / correction)
    return [
        File(f"questionnaires_phq9_{day}.csv", "form", "long", rows.height, day, dirt=counts | {"corrected_later": right.height}),
        File(correction, "form", "long", right.height, year.plan.corrected_on, dirt={"correction": right.height}),
    ]


def _gad7(year: Year, folder: Path, day: dt.date) -> File:
    """As Excel saves a CSV file in many countries: semicolons and a byte order mark."""
    rows, counts = dirt.gad7(year, exports.forms(year, year.plan.measures["gad7"]))
    rows.write_csv(folder / f"questionnaires_gad7_{day}.csv", separator=";", include_bom=True)
    return File(f"questionnaires_gad7_{day}.csv", "form", "wide", rows.height, day, dirt=counts)


def _pcl5(year: Year, folder: Path, day: dt.date) -> File:
    rows, counts = dirt.pcl5(year, exports.forms(year, year.plan.measures["pcl5"]))
    (folder / f"questionnaires_pcl5_{day}.xlsx").write_bytes(xlsx.workbook(rows))
    return File(f"questionnaires_pcl5_{day}.xlsx", "form", "wide", rows.height, day, dirt=counts)


def _totals(year: Year, folder: Path) -> list[File]:
    """A file for every month of answers, exported on its last day."""
    rows, kinds = dirt.totals(year, exports.totals(year))
    files = []
    for (month,), part in sorted(rows.partition_by("month", as_dict=True).items()):
        name = f"questionnaires_totals_{month}.jsonl"
        part.drop("month").write_ndjson(folder / name)
        counts = dict(kinds.filter(month=month).select("kind", "rows").iter_rows())
        files.append(File(name, "form", "total", part.height, month, dirt=counts))
    return files


def _unrecognised(folder: Path) -> File:
    (folder / "how_to_export.txt").write_text("Choose Reports, then Export, then All.\n", encoding="utf-8")
    return File("how_to_export.txt", None, None, 0, None, fate="refused", dirt={"unrecognised": 1})
