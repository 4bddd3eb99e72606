"""The released numbers of every release so far in, as frames; tonight's put beside them, durable. The memory of the gate.

The ledger holds what readers have seen and nothing else: no patient, no count that was hidden. One folder per release, one Parquet file per
table of schema `release`, with the rows that this release was the first to show. The table `release` of the private database says which
files there are, and their checksums: a file that is gone or changed is a lost ledger, and without it nothing may be released.
"""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from outcomes.points import reached
from outcomes.store import sha256

if TYPE_CHECKING:
    import polars as pl

    from outcomes.releases import Release

FOLDER: Final = "private/ledger"
RULE: Final = "REL-01"


class Lost(Exception):
    """What was released before is not known any more; the text names a release and no value."""


def check(data: Path, releases: list["Release"], shown: Path | None) -> None:
    """Raises Lost where a file of the ledger is gone or changed, or where readers see a release that the ledger does not know."""
    if shown is not None and shown.name not in {release.run_id for release in releases}:
        raise Lost(f"the ledger does not know the release {shown.name}, which readers see")
    for release in releases:
        for name, digest in release.ledger.items():
            path = data / FOLDER / release.run_id / name
            if not path.is_file() or sha256(path) != digest:
                raise Lost(f"the ledger of release {release.run_id} is not as it was written")


def read(data: Path, releases: list["Release"], table: str) -> "pl.DataFrame | None":
    """The rows of one table in all releases, with `run_id` and `as_of` of the release that showed them first; None where there are none."""
    import polars as pl

    frames = [
        pl.read_parquet(data / FOLDER / release.run_id / f"{table}.parquet").with_columns(
            run_id=pl.lit(release.run_id), as_of=release.as_of
        )
        for release in releases
        if f"{table}.parquet" in release.ledger
    ]
    return pl.concat(frames, how="diagonal_relaxed") if frames else None


def write(data: Path, run_id: str, tables: Mapping[str, "pl.DataFrame"]) -> dict[str, str]:
    """Puts the rows that a release is the first to show into the ledger, durable; checksum by file name. Worth nothing until released."""
    from outcomes.publish import sync, write_parquet

    folder = data / FOLDER / run_id
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, mode=0o700)
    for name, frame in sorted(tables.items()):
        if frame.height:
            path = folder / f"{name}.parquet"
            write_parquet(frame, path)
            path.chmod(0o600)
            sync(path)
    sync(folder)
    sync(folder.parent)
    reached("ledger written")
    return {path.name: sha256(path) for path in sorted(folder.iterdir())}


def sweep(data: Path, releases: list["Release"]) -> None:
    """Removes what a run wrote that never released."""
    known = {release.run_id for release in releases}
    for folder in (data / FOLDER).glob("*"):
        if folder.name not in known:
            shutil.rmtree(folder)
            reached("ledger leftover removed")
