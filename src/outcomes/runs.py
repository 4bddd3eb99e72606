"""The history of nights: `runs.jsonl`, one line per finished or failed run, and the lock that admits one run at a time.

Imports nothing heavy, so that `outcomes status` answers at once.
"""

import datetime as dt
import fcntl
import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from enum import IntEnum
from pathlib import Path
from typing import Any

from outcomes.points import reached

HISTORY = "runs.jsonl"
PENDING = "pending.json"
SEEN = "seen.json"
ZONES = ("warehouse", "published")
ROLLED_BACK = "rolled back"


class Exit(IntEnum):
    """What the command's exit code means, and `code` in the record of a run."""

    OK = 0
    CRASH = 1
    USAGE = 2
    BLOCKED = 3
    WARNINGS = 4
    MAIL = 5
    BUSY = 75


class Busy(Exception):
    """Another run holds the lock."""


@contextmanager
def lock(data: Path) -> Iterator[None]:
    """Holds the data folder for one run; a killed run frees it by dying. Raises Busy."""
    data.mkdir(parents=True, exist_ok=True, mode=0o710)
    with (data / "lock").open("a") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Busy from None
        yield


def history(data: Path) -> list[dict[str, Any]]:
    """Every recorded run, oldest first; a line cut by a crash is passed over."""
    path = data / HISTORY
    if not path.exists():
        return []
    lines = path.read_text(encoding="utf-8").splitlines()
    return [entry for line in lines if (entry := _entry(line)) is not None]


def _entry(line: str) -> dict[str, Any] | None:
    try:
        entry = json.loads(line)
    except json.JSONDecodeError:
        return None
    return entry if isinstance(entry, dict) else None


def record(data: Path, entry: dict[str, Any]) -> None:
    """Appends one run and makes it durable; a line cut by an earlier crash is closed first."""
    data.mkdir(parents=True, exist_ok=True, mode=0o710)
    path = data / HISTORY
    cut = path.exists() and path.stat().st_size > 0 and not path.read_bytes().endswith(b"\n")
    with path.open("a", encoding="utf-8") as handle:
        line = json.dumps({**entry, "finished_at": _now()}, sort_keys=True, default=str)
        handle.write(("\n" if cut else "") + line + "\n")
        handle.flush()
        os.fsync(handle.fileno())


def _now() -> str:
    return dt.datetime.now(dt.UTC).isoformat(timespec="seconds")


def ended_well(entry: dict[str, Any]) -> bool:
    """Whether the run did its work: it released, or no release was due, or it was no run, but readers were shown an earlier release."""
    return entry.get("status") in ("published", "computed", ROLLED_BACK)


def next_ordinal(data: Path) -> int:
    """The number of the coming run: one after the highest that was recorded, that readers see, or under which a file arrived."""
    seen = [number(path.name) for zone in ZONES if (path := current(data, zone))]
    recorded = [int(entry.get("ordinal", 0)) for entry in history(data)]
    arrived = [int(ordinal) for ordinal in _known(data / PENDING).values()]
    return max([0, *recorded, *seen, *arrived]) + 1


def run_id(as_of: dt.date, ordinal: int) -> str:
    return f"{as_of.isoformat()}-{ordinal:04d}"


def snapshots(data: Path, zone: str) -> list[Path]:
    """The complete snapshots of a zone, oldest first."""
    folder = data / zone / "snapshots"
    return sorted((p for p in folder.glob("????-??-??-????*") if p.is_dir()), key=lambda path: number(path.name))


def unfinished(data: Path, zone: str) -> list[Path]:
    """What a killed or failed run left of a zone: half-written folders, and snapshots that no reader ever saw.

    The snapshot of a blocked run is none of them: it shows what the rules saw. Nor is one from which readers were rolled back.
    """
    folder = data / zone / "snapshots"
    hidden = [path for path in folder.glob(".*") if path.is_dir()]
    shown, entries = current(data, zone), history(data)
    blocked = {int(entry["ordinal"]) for entry in entries if entry.get("status") == "blocked"}
    seen = [name for entry in entries if entry.get("status") == ROLLED_BACK for name in (entry["run_id"], entry["from"])]
    newest = max(number(name) for name in [*seen, shown.name if shown else "0"])
    return hidden + [path for path in snapshots(data, zone) if newest < number(path.name) and number(path.name) not in blocked]


def rolled_back(data: Path) -> dict[str, Any] | None:
    """The record of the rollback that readers still see, or None where they see the last release."""
    shown = current(data, "published")
    decided = (entry for entry in reversed(history(data)) if entry.get("status") in ("published", ROLLED_BACK))
    last: dict[str, Any] = next(decided, {})
    return last if last.get("status") == ROLLED_BACK and shown is not None and last["run_id"] == shown.name else None


def current(data: Path, zone: str) -> Path | None:
    """The snapshot that readers see, or None before the first release."""
    link = data / zone / "current"
    return link.resolve() if link.exists() else None


def number(run_id: str) -> int:
    """The run's number, with which its id ends."""
    return int(run_id.rsplit("-", 1)[-1])


def arrivals(inbox: Path) -> list[Path]:
    """Everything in the inbox that is not hidden, by name; a link, a folder or a pipe among it is refused when it is staged."""
    if not inbox.is_dir():
        return []
    return sorted(p for p in inbox.iterdir() if not p.name.startswith("."))


def mark(path: Path) -> list[int]:
    """What changes when a file is written again: size, time and inode; of a link its own, wherever it leads."""
    stat = path.lstat()
    return [stat.st_size, stat.st_mtime_ns, stat.st_ino]


def seen(data: Path) -> dict[str, list[int]]:
    """Name -> mark of the inbox files that the last run looked at; only spares reading them again, and may be lost."""
    return _known(data / SEEN)


def remember(data: Path, marks: dict[str, list[int]]) -> None:
    """Replaces what `seen` answers."""
    _replace(data / SEEN, marks)


def pending(data: Path, waiting: Iterable[str], ordinal: int) -> dict[str, int]:
    """ingest_id -> number of the run under which each waiting file arrived: this run's, or an earlier one's that did not take it in.

    Durable before a file is taken in, so that a run after a killed one orders files without a date as one undisturbed run would.
    """
    before = _known(data / PENDING)
    now = {ingest_id: before.get(ingest_id, ordinal) for ingest_id in waiting}
    if now != before:
        _replace(data / PENDING, now)
    return now


def _known(path: Path) -> dict[str, Any]:
    try:
        known = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}


def _replace(path: Path, content: dict[str, Any]) -> None:
    """The file whole or as it was, whenever the power fails."""
    fresh = path.with_name(f".{path.name}")
    with fresh.open("w", encoding="utf-8") as handle:
        json.dump(content, handle, sort_keys=True)
        handle.flush()
        os.fsync(handle.fileno())
    reached(f"{path.name} written")
    fresh.replace(path)
    reached(f"{path.name} in place")
