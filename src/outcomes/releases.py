"""What was released and when: table `release` of the private database in; the last release, when the next is due, a finished swap out.

A release is the line in this table. Its snapshot and the ledger are whole on the disk before the line is written; readers see
the snapshot right after. A run that was killed in between is finished by the next one. Imports nothing heavy: `outcomes status` asks here.
"""

import datetime as dt
import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from outcomes import private, runs
from outcomes.points import reached


@dataclass(frozen=True)
class Release:
    """One release: its run, the as-of date of its figures, checksum by file name of the ledger as it left it, what the gate said."""

    run_id: str
    as_of: dt.date
    ledger: Mapping[str, str] = field(default_factory=dict)
    summary: Mapping[str, Any] = field(default_factory=dict)
    is_shown: bool = False


def next_on(last: Release | None, days: int) -> dt.date | None:
    """The first as-of date that may be released, or None where any may."""
    return last.as_of + dt.timedelta(days=days) if last and days else None


def add(con: sqlite3.Connection, release: Release) -> None:
    """Writes the line of a release that no reader sees yet; the caller commits."""
    line = (release.run_id, release.as_of.isoformat(), release.is_shown, json.dumps(dict(release.summary), sort_keys=True, default=str))
    con.execute("insert into release (run_id, as_of, is_shown, summary) values (?, ?, ?, ?)", line)
    files = [(release.run_id, *file) for file in sorted(release.ledger.items())]
    con.executemany("insert into release_file (run_id, name, sha256) values (?, ?, ?)", files)


def finish(data: Path, con: sqlite3.Connection) -> None:
    """Shows readers the last release, if none of them has seen it; from then on `current` may be moved by hand."""
    from outcomes.publish import swap

    newest = last(con)
    if newest is None or newest.is_shown:
        return
    for zone in runs.ZONES:
        swap(data / zone / "current", newest.run_id)
    with private.transaction(con):
        con.execute("update release set is_shown = 1 where run_id = ?", [newest.run_id])
    reached("release shown")


def every(con: sqlite3.Connection) -> list[Release]:
    """All releases, oldest first."""
    files: dict[str, dict[str, str]] = {}
    for run_id, name, digest in con.execute("select run_id, name, sha256 from release_file order by run_id, name"):
        files.setdefault(run_id, {})[name] = digest
    rows = con.execute("select run_id, as_of, summary, is_shown from release").fetchall()
    found = [
        Release(run_id, dt.date.fromisoformat(as_of), files.get(run_id, {}), json.loads(summary), bool(is_shown))
        for run_id, as_of, summary, is_shown in rows
    ]
    return sorted(found, key=lambda release: runs.number(release.run_id))


def last(con: sqlite3.Connection) -> Release | None:
    """The newest release, or None before the first."""
    return next(reversed(every(con)), None)
