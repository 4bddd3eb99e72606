"""Nights that build few tables: those that the steps of a night and its headline look into, and what these are made of.

For tests of what a night does around its tables: effects on the disk, exit codes, records, locks. Hardly any of a small clinic's night is
then spent on its more than a hundred tables.
"""

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from outcomes import disclosure, places, sqlfiles, steps

METRICS = ("response", "remission")
LOOKED_INTO = {
    "core.accounting",
    *(f"core.{table}" for table in steps.COUNTED),
    *(f"metric.{name}" for name in METRICS),
    *(f"report.{table}" for table in ("outcome_summary", "score_summary", "retention", "quality")),
    "core.asked",  # read by what the builder stacks from the metrics
    "core.outcome_alike",
    "core.stratum",
}


def _copy(folder: Path, every: Sequence[str]) -> None:
    shipped = places.folder("sql")
    files = {file.table: file for file in sqlfiles.read_folder(shipped) if file.schema != "metric" or file.name in METRICS}
    made_of = {f"release.{one.table}": {f"tally.{one.table}"} for one in disclosure.GUARDED}
    made_of |= {f"tally.{one.table}": {f"tally.{one.within}"} for one in disclosure.GUARDED if one.within}
    wanted: set[str] = set()
    left = LOOKED_INTO | {table for table, file in files.items() if file.schema in every}
    while left:
        table = left.pop()
        wanted.add(table)
        left |= {*(files[table].reads if table in files else ()), *made_of.get(table, ())} - wanted
    for schema in ("ref", "macro"):
        shutil.copytree(shipped / schema, folder / schema)
    for file in (files[table] for table in wanted & files.keys()):
        (folder / file.schema).mkdir(exist_ok=True)
        shutil.copy(shipped / file.schema / f"{file.name}.sql", folder / file.schema)


def build_nothing_else(folder: Path, put: Callable[[Any, str, Any], None] = setattr, every: Sequence[str] = ()) -> None:
    """Lets nights of this process build these tables alone, and `every` table of some schemas.

    Their SQL is put into the folder, if it is not there yet.
    """
    if not folder.exists():
        _copy(folder, every)
    shipped, tallies = places.folder, {path.stem for path in (folder / "tally").glob("*.sql")}
    put(disclosure, "GUARDED", tuple(one for one in disclosure.GUARDED if one.table in tallies))
    put(steps, "_dress", lambda *_: None)
    put(places, "folder", lambda name: folder if name == "sql" else shipped(name))
