"""The history of nights: `runs.jsonl`, one line per finished or failed run, and the lock that admits one run at a time.

Imports nothing heavy, so that `outcomes status` answers at once.
"""

import datetime as dt
import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

HISTORY = "runs.jsonl"


class Busy(Exception):
    """Another run holds the lock."""


@contextmanager
def lock(data: Path) -> Iterator[None]:
    """Holds the data folder for one run; a killed run frees it by dying. Raises Busy."""
    data.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (data / "lock").open("w") as handle:
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
    path = data / HISTORY
    cut = path.exists() and path.stat().st_size > 0 and not path.read_bytes().endswith(b"\n")
    with path.open("a", encoding="utf-8") as handle:
        handle.write(("\n" if cut else "") + json.dumps(entry, sort_keys=True, default=str) + "\n")
        handle.flush()
        os.fsync(handle.fileno())


def next_ordinal(data: Path) -> int:
    """The number of the coming run: one after the highest that was recorded or that left a snapshot."""
    recorded = [int(entry.get("ordinal", 0)) for entry in history(data)]
    kept = [int(path.name.rsplit("-", 1)[-1]) for zone in ("warehouse", "published") for path in snapshots(data, zone)]
    return max([0, *recorded, *kept]) + 1


def run_id(as_of: dt.date, ordinal: int) -> str:
    return f"{as_of.isoformat()}-{ordinal:04d}"


def snapshots(data: Path, zone: str) -> list[Path]:
    """The complete snapshots of a zone, oldest first."""
    folder = data / zone / "snapshots"
    return sorted((p for p in folder.glob("????-??-??-????*") if p.is_dir()), key=lambda p: int(p.name.rsplit("-", 1)[-1]))


def current(data: Path, zone: str) -> Path | None:
    """The snapshot that readers see, or None before the first release."""
    link = data / zone / "current"
    return link.resolve() if link.exists() else None
