"""All that was ever released, in; the same with tonight's release out, durable. The memory of the gate.

The ledger holds what readers have seen, one Parquet file per table of schema `release` without any patient or hidden count, and beside it
what stood behind that (`outcomes.standing`) and, in files whose name begins with `_`, who was counted since when (`outcomes.batches`); both
know patients. It is written whole with each release, before the transaction that releases, and readable by its owner alone. Table
`release_file` of the private database says which files there are, with their checksums: if one is gone or changed, the ledger is lost, and
without it nothing may be released.
"""

import datetime as dt
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from outcomes import runs
from outcomes.points import reached
from outcomes.store import sha256

if TYPE_CHECKING:
    import polars as pl

    from outcomes.releases import Release

FOLDER: Final = "private/ledger"
RULE: Final = "REL-01"
UNGATED: Final = "off"
OF_PEOPLE: Final = ("_spell", "_stratum", "_shown", "_told")


class Lost(Exception):
    """What was released before is not known any more; the text names a release and no value."""


@dataclass(frozen=True)
class Ledger:
    """A frame per table as `outcomes.gate.holding` keeps it, and the as-of date of each version, which is a run's number.

    `people`: the folder in which the files of `outcomes.batches` are, None before the first release.
    """

    tables: Mapping[str, "pl.DataFrame"] = field(default_factory=dict)
    dates: Mapping[int, dt.date] = field(default_factory=dict)
    people: Path | None = None


def read(data: Path, releases: Sequence["Release"], shown: Path | None) -> Ledger:
    """The ledger of the last release.

    Raises Lost where a file of it is gone or changed, where readers see a release that is not known here, or where a release came out
    without a gate.
    """
    import polars as pl

    known = {release.run_id for release in releases}
    if shown is not None and shown.name not in known:
        raise Lost(f"the private database does not know the release {shown.name}, which readers see")
    for release in releases:
        if release.summary.get("rule") == UNGATED:
            raise Lost(f"release {release.run_id} came out with nothing hidden")
    if not releases:
        return Ledger()
    last = releases[-1]
    paths = {name: data / FOLDER / last.run_id / name for name in last.ledger}
    for name, digest in last.ledger.items():
        if not paths[name].is_file() or sha256(paths[name]) != digest:
            raise Lost(f"the ledger of release {last.run_id} is not as it was written")
    if not {f"{name}.parquet" for name in OF_PEOPLE} <= paths.keys():
        raise Lost(f"release {last.run_id} does not say who was counted in it")
    tables = {path.stem: pl.read_parquet(path) for path in paths.values() if path.stem not in OF_PEOPLE}
    return Ledger(tables, {runs.number(release.run_id): release.as_of for release in releases}, data / FOLDER / last.run_id)


def write(data: Path, run_id: str, ledger: "Ledger | None") -> dict[str, str]:
    """Puts the ledger of a release on the disk, durable; checksum by file name. It is worth nothing until the release is."""
    from outcomes.publish import sync, write_parquet

    folder = data / FOLDER / run_id
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, mode=0o700)
    for name, frame in sorted(ledger.tables.items() if ledger else ()):
        path = folder / f"{name}.parquet"
        write_parquet(frame, path)
    for path in sorted(ledger.people.glob("_*.parquet")) if ledger and ledger.people else ():
        shutil.copyfile(path, folder / path.name)
    for path in sorted(folder.iterdir()):
        path.chmod(0o600)
        sync(path)
    sync(folder)
    sync(folder.parent)
    reached("ledger written")
    return {path.name: sha256(path) for path in sorted(folder.iterdir())}


def sweep(data: Path, run_id: str) -> None:
    """Removes the ledgers that another one has taken the place of, and what a run wrote that never released, here or beside a warehouse."""
    for folder in (data / FOLDER).glob("*"):
        if folder.name != run_id:
            shutil.rmtree(folder)
            reached("old ledger removed")
    for folder in data.glob("warehouse/snapshots/*/people*"):
        shutil.rmtree(folder)
