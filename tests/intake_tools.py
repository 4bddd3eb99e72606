"""What the tests of the entrance share: a file's text in, its verdict and clean frames out."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl

from outcomes import instruments, intake, places, store
from outcomes.settings import Settings
from outcomes.sources import staging

AS_OF = dt.date(2026, 11, 22)


@cache
def library() -> instruments.Library:
    return instruments.load([places.folder("instruments")])


@dataclass(frozen=True)
class Taken:
    """A file that was taken in or refused."""

    verdict: store.Verdict
    frames: Mapping[str, pl.DataFrame]
    rejects: pl.DataFrame
    data: Path

    @property
    def codes(self) -> dict[int, list[str]]:
        """Line -> codes of the rejected rows."""
        found: dict[int, list[str]] = {}
        for line, code in self.rejects.select("source_line", "code").iter_rows():
            found.setdefault(line, []).append(code)
        return found

    @property
    def notes(self) -> dict[str, int]:
        found: dict[str, int] = {}
        for note in self.verdict.notes:
            found[note["code"]] = found.get(note["code"], 0) + note["count"]
        return found

    @property
    def rows(self) -> tuple[int, int, int, int]:
        """In, accepted, duplicate, rejected."""
        rows = self.verdict.rows
        return rows["in"], rows["accepted"], rows["duplicate"], rows["rejected"]


def settings(folder: Path, zone: str = "America/Denver", sources: Sequence[Mapping[str, Any]] = ()) -> Settings:
    given = {"clinic": {"name": "Test", "timezone": zone}, "paths": {"data": folder / "data"}, "source": list(sources)}
    return Settings.model_validate(given)


def take(folder: Path, name: str, content: str | bytes, zone: str = "America/Denver", sources: Sequence[Mapping[str, Any]] = ()) -> Taken:
    """Stages and takes in one file."""
    given = settings(folder, zone, sources)
    data = given.paths.data
    store.tidy(data)
    inbox = folder / "in"
    inbox.write_bytes(content if isinstance(content, bytes) else content.encode())
    staged = staging.stage(inbox, data / "raw", given.limits)
    verdict = intake.take_in(staged, name, given, library(), intake.Run(AS_OF, 7))
    frames = {table: pl.read_parquet(paths[verdict.ingest_id]) for table, paths in store.parquet(data, [verdict]).items()}
    listed = data / "quarantine" / verdict.ingest_id / "reject.parquet"
    rejects = pl.read_parquet(listed) if listed.exists() else pl.DataFrame(schema=intake.REJECT)
    return Taken(verdict, frames, rejects, data)
