"""kill -9 at every place between two effects on the disk: the next run ends as an undisturbed one would.

Each case is a night in a process of its own, forked after the slow imports; the killed night is followed by another, whose
published bytes and ledger must equal those of a night that nobody disturbed.
"""

import hashlib
import json
import multiprocessing
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

HERE = Path(__file__).parent
SETTINGS = """
[clinic]
name = "Kill"
timezone = "America/New_York"

[disclosure]
rule = "off"
"""
SESSIONS = """session_id,patient_id,site_id,started_at,kind,route,programme_id
s1,p1,a,2025-03-01T10:00:00,medicine,iv,series
s2,p1,a,2025-03-08T10:00:00,medicine,iv,series
s3,p2,b,2025-03-02T10:00:00,medicine,iv,series
s4,,b,2025-03-02T10:00:00,medicine,iv,series
"""
FORMS = """patient_id,instrument_id,answered_at,total
p1,phq9,2025-02-27,18
p1,phq9,2025-04-02,6
p2,phq9,2025-02-27,15
p2,phq9,2025-04-01,14
p2,phq9,2025-04-01,140
"""
CORRECTED = FORMS.replace("2025-04-02,6", "2025-04-02,12")
BROKEN = "patient_id,instrument_id\np1,phq9\n"


def inbox(folder: Path) -> None:
    files = {
        "sessions_2025-05-01.csv": SESSIONS,
        "questionnaires_2025-05-01.csv": FORMS,
        "questionnaires_2025-05-02.csv": CORRECTED,
        "patients_2025-05-01.csv": BROKEN,
    }
    (folder / "inbox").mkdir(parents=True)
    for name, text in files.items():
        (folder / "inbox" / name).write_text(text)
    (folder / "outcomes.toml").write_text(SETTINGS)


def _night(folder: Path, environment: dict[str, str]) -> None:
    os.environ.update(environment)
    import datetime as dt

    from outcomes import log, verbs
    from outcomes.settings import load

    config = folder / "outcomes.toml"
    code, _ = verbs.run(load(config), config, verbs.Wanted(dt.date(2026, 1, 1)), log.silent)
    os._exit(code)


@pytest.fixture(scope="module")
def forked() -> Callable[..., int]:
    """Runs a night in a fork of a server process that holds the slow imports; the exit code, negative if killed."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["pandas", "great_expectations", "pyarrow"])

    def run(folder: Path, **environment: str) -> int:
        process = context.Process(target=_night, args=(folder, environment))
        process.start()
        process.join(120)
        assert process.exitcode is not None, "the night hangs"
        return process.exitcode

    return run


def state(folder: Path) -> dict[str, str]:
    """Fingerprint of what a reader and the next night see: published files, ledger, quarantine, clean rows."""
    data = folder / "data"
    found = {}
    for path in sorted((data / "published" / "current").rglob("*")):
        if path.suffix in {".csv", ".parquet"}:
            found[f"published/{path.name}"] = _digest(path)
    for zone in ("raw", "clean", "quarantine"):
        for path in sorted((data / zone).rglob("*")):
            if path.is_file():
                name = f"{zone}/{path.relative_to(data / zone)}"
                found[name] = _verdict(path) if path.name == "verdict.json" else _digest(path)
    return found


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _verdict(path: Path) -> str:
    return json.dumps(json.loads(path.read_text()), sort_keys=True)


def _points() -> list[str]:
    return (HERE / "data" / "points.txt").read_text().split("\n")[:-1]


@pytest.fixture(scope="module")
def undisturbed(forked: Callable[..., int], tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, str], list[str], int]:
    folder = tmp_path_factory.mktemp("undisturbed")
    inbox(folder)
    code = forked(folder, OUTCOMES_POINTS=str(folder / "points"))
    return state(folder), (folder / "points").read_text().split("\n")[:-1], code


def test_the_listed_points_are_those_a_night_passes(undisturbed: tuple[dict[str, str], list[str], int]) -> None:
    assert undisturbed[1] == _points(), "write the new list to tests/data/points.txt"


@pytest.mark.parametrize("point", _points())
def test_a_night_after_kill_9_ends_as_an_undisturbed_one(
    point: str, forked: Callable[..., int], undisturbed: tuple[dict[str, str], list[str], int], tmp_path: Path
) -> None:
    inbox(tmp_path)
    assert forked(tmp_path, OUTCOMES_KILL_AT=point) == -9
    assert forked(tmp_path) == undisturbed[2]
    assert state(tmp_path) == undisturbed[0]
    leftovers = [path for path in (tmp_path / "data").rglob(".*") if path.name != ".seen.json"]
    assert leftovers == [], "a killed run left something behind"
    shutil.rmtree(tmp_path / "data")
