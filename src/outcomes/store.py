"""The data folder: committed clean files, refused files, and the ledger, which is nothing but the verdicts that lie beside them.

A file is taken in by one rename of a folder that holds its rows and its verdict; so there is never a row without a ledger line or
the other way round. What a killed run left behind is a folder with a dot in front, and `tidy` removes it.
"""

import datetime as dt
import errno
import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from outcomes.points import reached

if TYPE_CHECKING:
    from outcomes.sources.staging import Staged

VERSION: Final = 1
VERDICT: Final = "verdict.json"
ZONES: Final = ("clean", "quarantine")
REBUILT: Final = ".rebuilt"
REHEARSAL: Final = ".rehearsal"
REPLACEMENT: Final = ".replacement"
_BLOCK: Final = 1 << 20


@dataclass(frozen=True)
class Verdict:
    """What became of one export file. Holds no value of a cell; the file's name and unknown column names stay in this private record.

    `rows` has `withdrawn` too where rows of people who have withdrawn were left out; in = accepted + duplicate + rejected + withdrawn.
    `raw_removed` says that the raw bytes are not kept, since one who has withdrawn stands in them, or may.
    """

    ingest_id: str
    source_file: str
    bytes: int
    status: Literal["accepted", "refused"]
    format: str = ""
    table: str = ""
    shape: str = ""
    encoding: str = ""
    code: str = ""
    message: str = ""
    exported_on: dt.date | None = None
    arrival: int = 0
    as_of: dt.date | None = None
    rows: Mapping[str, int] = field(default_factory=lambda: {"in": 0, "accepted": 0, "duplicate": 0, "rejected": 0})
    rules: tuple[Mapping[str, Any], ...] = ()
    notes: tuple[Mapping[str, Any], ...] = ()
    unknown_columns: int = 0
    unknown_column_names: tuple[str, ...] = ()
    parquet: Mapping[str, str] = field(default_factory=dict)
    raw_removed: bool = False
    version: int = VERSION

    @property
    def order(self) -> tuple[dt.date, int, str]:
        """Later files override earlier ones."""
        return self.exported_on or dt.date.min, self.arrival, self.ingest_id


def tidy(data: Path) -> None:
    """Makes the folders, private, and finishes or removes what a killed run left: a replacement is completed, a draft is thrown away."""
    _complete_replacement(data)
    for scratch in (REBUILT, REHEARSAL):
        _remove(data / scratch)
    for name in ("raw", *ZONES):
        folder = data / name
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for leftover in folder.glob(".*.tmp-*"):
            _remove(leftover)


def replace(data: Path, other: Path) -> None:
    """Puts the committed and refused files of another data folder in the place of this one's; once begun, `tidy` completes it."""
    ready = data / REPLACEMENT
    _remove(ready)
    for name in ZONES:
        (other / name).mkdir(parents=True, exist_ok=True, mode=0o700)
    reached("replacement ready")
    other.replace(ready)
    _fsync(data)
    reached("replacement begun")
    _complete_replacement(data)


def _complete_replacement(data: Path) -> None:
    ready = data / REPLACEMENT
    if not ready.is_dir():
        return
    for name in ZONES:
        if (ready / name).is_dir():
            _remove(data / name)
            reached(f"old {name} removed")
            (ready / name).replace(data / name)
            reached(f"new {name} in place")
    _fsync(data)
    _remove(ready)
    reached("replacement complete")


def ledger(data: Path) -> list[Verdict]:
    """Every verdict, earliest first; of a file that was refused once and accepted later only the acceptance."""
    found = {verdict.ingest_id: verdict for zone in ("quarantine", "clean") for verdict in _verdicts(data / zone)}
    return sorted(found.values(), key=lambda verdict: verdict.order)


def committed(data: Path, ingest_id: str) -> Verdict | None:
    """The verdict of a file that is taken in."""
    return _read(data / "clean" / ingest_id / VERDICT)


def parquet(data: Path, verdicts: Iterable[Verdict]) -> dict[str, dict[str, Path]]:
    """The clean files of accepted files: table -> ingest_id -> path."""
    found: dict[str, dict[str, Path]] = {}
    for verdict in verdicts:
        if verdict.status == "accepted":
            for name in verdict.parquet:
                found.setdefault(Path(name).stem, {})[verdict.ingest_id] = data / "clean" / verdict.ingest_id / name
    return found


def staged_again(data: Path, verdict: Verdict) -> "Staged":
    """The raw bytes of a file that is in the ledger, as they were staged. Raises Refused where they are gone."""
    from outcomes.settings import Limits
    from outcomes.sources.staging import stage

    whole = Limits(file_mb=verdict.bytes // 1_000_000 + 1)
    return stage(data / "raw" / verdict.ingest_id, data / "raw", whole)


def verify(data: Path, verdict: Verdict) -> list[str]:
    """The names of clean files whose bytes are not those that were committed, or that are gone."""
    folder = data / "clean" / verdict.ingest_id
    return [name for name, digest in verdict.parquet.items() if not (folder / name).is_file() or sha256(folder / name) != digest]


def linked(data: Path, other: Path, ingest_ids: Iterable[str] | None = None) -> None:
    """Puts what files became, or what these became, into another data folder on the same disk, as links where it has any."""
    for zone in ZONES:
        names = [folder.name for folder in (data / zone).iterdir() if not folder.name.startswith(".")] if ingest_ids is None else ingest_ids
        for name in names:
            if (data / zone / name).is_dir():
                _remove(other / zone / name)
                shutil.copytree(data / zone / name, other / zone / name, copy_function=_link)
        _fsync(other / zone)


def _link(path: str, other: str) -> None:
    try:
        os.link(path, other)
    except OSError as error:
        if error.errno not in (errno.EPERM, errno.ENOTSUP, errno.EMLINK):
            raise
        shutil.copy2(path, other)


def amend(folder: Path, verdict: Verdict) -> None:
    """Writes the verdict of what stands in a folder anew, with the checksums of its clean files. The old verdict's bytes are not touched:
    they may have another name elsewhere."""
    digests = {name: sha256(folder / name) for name in sorted(verdict.parquet)}
    (folder / VERDICT).unlink()
    _write(folder, Verdict(**{**_shallow(verdict), "parquet": digests}))


def draft(data: Path, zone: Literal["clean", "quarantine"], ingest_id: str) -> Path:
    """An empty folder of this process in which a file's result is put together."""
    folder = data / zone / f".{ingest_id}.tmp-{os.getpid()}"
    _remove(folder)
    folder.mkdir(parents=True, mode=0o700)
    return folder


def commit(data: Path, folder: Path, verdict: Verdict, rejects: Path | None = None) -> Verdict:
    """Takes a file in: the Parquet files in `folder` and the verdict become `clean/<ingest_id>` by one rename.

    `rejects` is a folder with the list of rejected rows; it is put into quarantine first, where it means nothing without the commit.
    Returns the verdict with the checksums of the Parquet files.
    """
    digests = {path.name: sha256(path) for path in sorted(folder.glob("*.parquet"))}
    verdict = Verdict(**{**_shallow(verdict), "parquet": digests})
    _write(folder, verdict)
    reached("clean file written")
    aside = data / "quarantine" / verdict.ingest_id
    if rejects is not None:
        _durable(rejects)
        _move(rejects, aside)
        reached("rejected rows put aside")
    else:
        _remove(aside)
    _move(folder, data / "clean" / verdict.ingest_id)
    reached("file committed")
    return verdict


def discard(folder: Path) -> None:
    """Throws a draft away."""
    _remove(folder)


def refuse(data: Path, verdict: Verdict, rejects: Path | None = None) -> Verdict:
    """Puts the verdict of a refused file into quarantine, beside the list of its rejected rows if there is one.

    The same refusal again changes nothing and gives the first verdict.
    """
    before = _read(data / "quarantine" / verdict.ingest_id / VERDICT)
    if before is not None and (before.code, before.source_file) == (verdict.code, verdict.source_file):
        if rejects:
            discard(rejects)
        return before
    folder = rejects or draft(data, "quarantine", verdict.ingest_id)
    _write(folder, verdict)
    reached("refusal written")
    _move(folder, data / "quarantine" / verdict.ingest_id)
    reached("file refused")
    return verdict


def sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as handle:
        while block := handle.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def _verdicts(zone: Path) -> list[Verdict]:
    names = sorted(zone.iterdir()) if zone.is_dir() else []
    read = [_read(folder / VERDICT) for folder in names if not folder.name.startswith(".")]
    return [verdict for verdict in read if verdict is not None]


def _read(path: Path) -> Verdict | None:
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    for day in ("exported_on", "as_of"):
        raw[day] = dt.date.fromisoformat(raw[day]) if raw[day] else None
    for several in ("rules", "notes", "unknown_column_names"):
        raw[several] = tuple(raw[several])
    known = {one.name for one in fields(Verdict)}
    return Verdict(**{name: value for name, value in raw.items() if name in known})


def _write(folder: Path, verdict: Verdict) -> None:
    """The verdict, last of all files; everything durable."""
    text = json.dumps(asdict(verdict), default=str, sort_keys=True, indent=1) + "\n"
    (folder / VERDICT).write_text(text, encoding="utf-8")
    _durable(folder)


def _durable(folder: Path) -> None:
    """Every file of a folder, private and on the disk."""
    for path in folder.iterdir():
        path.chmod(0o600)
        _fsync(path)
    _fsync(folder)


def _move(folder: Path, target: Path) -> None:
    """The folder under its final name by one rename; what stood there is removed just before."""
    _remove(target)
    reached(f"{target.parent.name} makes room")
    folder.replace(target)
    _fsync(target.parent)


def _remove(path: Path) -> None:
    if path.is_symlink():
        path.unlink()
    elif path.exists():
        shutil.rmtree(path)


def _fsync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _shallow(verdict: Verdict) -> dict[str, Any]:
    return {one.name: getattr(verdict, one.name) for one in fields(verdict)}
