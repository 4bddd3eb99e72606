"""The snapshots of a data folder in; fewer of them, or an earlier one for readers to see, out. Behind `outcomes prune` and `rollback`.

Rolling back moves one link. Nothing is taken back of what was computed or written into the ledger: what was released stays released,
and the next release goes forward from there. The warehouse stays where it is, since the next night adds to it.
"""

from contextlib import closing
from pathlib import Path

from outcomes import private, publish, releases, runs, store
from outcomes.runs import Exit
from outcomes.settings import Settings

ZONE = "published"


def prune(settings: Settings, keep: int | None) -> tuple[int, str]:
    """Removes all but the newest snapshots of both zones: `keep` of each, or as many as the settings say; never the current ones."""
    limits, data = settings.limits, settings.paths.data
    try:
        with runs.lock(data):
            gone = {
                zone: publish.prune(data / zone, keep or wanted)
                for zone, wanted in ((ZONE, limits.keep_releases), ("warehouse", limits.keep_warehouses))
            }
    except runs.Busy:
        return Exit.BUSY, "another run holds the lock; it prunes at its end"
    return Exit.OK, "\n".join(
        f"{zone:<10} {len(names)} removed, {len(runs.snapshots(data, zone))} kept{': ' if names else ''}{', '.join(names)}"
        for zone, names in gone.items()
    )


def rollback(settings: Settings, run_id: str | None) -> tuple[int, str]:
    """Readers see an earlier release: that of `run_id`, or the one before the current. Exit codes: 0, 1, 2, 75.

    A release whose files are not as they were written is refused (1).
    """
    data = settings.paths.data
    try:
        with runs.lock(data):
            return _rollback(data, run_id)
    except runs.Busy:
        return Exit.BUSY, "another run holds the lock; try again when it is done"


def _rollback(data: Path, run_id: str | None) -> tuple[int, str]:
    shown = runs.current(data, ZONE)
    if shown is None:
        return Exit.USAGE, "nothing is published yet: call `outcomes run`"
    names = [name for name in _released(data) if (data / ZONE / "snapshots" / name).is_dir()]
    earlier = [name for name in names if runs.number(name) < runs.number(shown.name)]
    if run_id is None and not earlier:
        return Exit.USAGE, f"there is no release before {shown.name}"
    target = run_id or earlier[-1]
    if target == shown.name:
        return Exit.OK, f"readers see {target} already"
    if target not in names:
        return Exit.USAGE, f"there is no release {target}; there are {', '.join(names)}"
    if broken := changed_files(data / ZONE / "snapshots" / target):
        return Exit.CRASH, f"release {target} is not as it was written ({len(broken)} files differ); readers still see {shown.name}"
    publish.swap(data / ZONE / "current", target)
    line = f"rolled back from {shown.name}: readers see {target} until the next release"
    highest = max(int(entry.get("ordinal", 0)) for entry in [*runs.history(data), {"ordinal": runs.number(shown.name)}])
    runs.record(data, {"run_id": target, "ordinal": highest, "status": runs.ROLLED_BACK, "from": shown.name, "code": Exit.OK, "line": line})
    return Exit.OK, line


def _released(data: Path) -> list[str]:
    """The runs whose releases readers were once shown, oldest first; no other snapshot may be."""
    if not private.exists(data):
        return []
    with closing(private.connect(data)) as con:
        return [release.run_id for release in releases.every(con) if release.is_shown]


def changed_files(snapshot: Path) -> list[str]:
    """The files that checksums.txt names and that are gone or not as they were; `checksums.txt` itself where that is gone."""
    listed = snapshot / "checksums.txt"
    if not listed.is_file():
        return [listed.name]
    lines = [line.partition("  ") for line in listed.read_text(encoding="utf-8").splitlines()]
    return [name for digest, _, name in lines if not (snapshot / name).is_file() or store.sha256(snapshot / name) != digest]
