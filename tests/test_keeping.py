"""Snapshots are kept, removed and shown again: by one command, whole, and without upsetting the next night."""

import datetime as dt
import json
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from test_night import small_clinic
from typer.testing import CliRunner

from outcomes import cli, runs

Night = Callable[..., tuple[int, str]]


@pytest.fixture(scope="module")
def three_nights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clinic with three releases, one a night."""
    from outcomes import log, verbs
    from outcomes.settings import load

    folder = tmp_path_factory.mktemp("keeping")
    small_clinic(folder)
    for day in (1, 2, 3):
        wanted = verbs.Wanted(dt.date(2026, 1, day))
        assert verbs.run(load(folder / "outcomes.toml"), folder / "outcomes.toml", wanted, log.silent)[0] == 0
    return folder


@pytest.fixture
def clinic(three_nights: Path, tmp_path: Path) -> Path:
    import shutil

    return Path(shutil.copytree(three_nights, tmp_path / "clinic", symlinks=True))


def call(folder: Path, *words: str) -> tuple[int, str]:
    said = CliRunner().invoke(cli.app, [*words, "--config", str(folder / "outcomes.toml")])
    return said.exit_code, said.output.strip()


def shown(folder: Path) -> str:
    return (folder / "data" / "published" / "current").readlink().name


def kept(folder: Path, zone: str = "published") -> list[str]:
    return [path.name for path in runs.snapshots(folder / "data", zone)]


FIRST, SECOND, THIRD = "2026-01-01-0001", "2026-01-02-0002", "2026-01-03-0003"


def test_one_command_shows_the_release_before_and_status_says_so(clinic: Path) -> None:
    code, line = call(clinic, "rollback")
    assert (code, line) == (0, f"rolled back from {THIRD}: readers see {SECOND} until the next release")
    assert shown(clinic) == SECOND
    code, text = call(clinic, "status")
    assert code == 0
    assert f"run {SECOND}" in text
    assert f"rolled back from {THIRD}" in text
    assert json.loads(call(clinic, "status", "--log", "json")[1])["published"]["rolled_back_from"] == THIRD


def test_any_release_that_is_kept_may_be_shown_and_forward_again(clinic: Path) -> None:
    assert call(clinic, "rollback", FIRST)[0] == 0
    assert shown(clinic) == FIRST
    assert call(clinic, "rollback", FIRST) == (0, f"readers see {FIRST} already")
    assert call(clinic, "rollback", THIRD)[0] == 0
    assert shown(clinic) == THIRD


def test_the_next_night_goes_forward_and_takes_nothing_for_a_leftover(clinic: Path, night: Night) -> None:
    call(clinic, "rollback", FIRST)
    code, line = night(clinic, "2026-01-04")
    assert code == 0, line
    assert shown(clinic) == "2026-01-04-0004"
    assert kept(clinic) == [FIRST, SECOND, THIRD, "2026-01-04-0004"]
    assert "rolled back" not in call(clinic, "status")[1].split("last runs")[0]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        pytest.param(["rollback", "2026-01-09-0009"], 2, f"there is no release 2026-01-09-0009; there are {FIRST}, {SECOND}", id="unknown"),
        pytest.param(["rollback", "../../clean"], 2, "there is no release ../../clean", id="another folder"),
    ],
)
def test_what_was_never_released_is_not_shown(words: list[str], code: int, said: str, clinic: Path) -> None:
    got, text = call(clinic, *words)
    assert got == code
    assert said in text.replace("\n", " ")
    assert shown(clinic) == THIRD


def test_a_snapshot_that_no_reader_was_shown_is_not_shown(clinic: Path) -> None:
    snapshots = clinic / "data" / "published" / "snapshots"
    (snapshots / SECOND).rename(snapshots / "2026-01-02-0007")
    assert call(clinic, "rollback", "2026-01-02-0007")[0] == 2
    assert shown(clinic) == THIRD


@pytest.mark.parametrize("harm", ["changed", "gone", "unlisted"])
def test_a_release_that_is_not_as_it_was_written_is_not_shown(harm: str, clinic: Path) -> None:
    snapshot = clinic / "data" / "published" / "snapshots" / SECOND
    victim = snapshot / ("checksums.txt" if harm == "unlisted" else "csv/outcome_summary.csv")
    if harm == "changed":
        victim.write_bytes(victim.read_bytes()[:-1] + b"x")
    else:
        victim.unlink()
    code, text = call(clinic, "rollback")
    assert code == 1
    assert "is not as it was written (1 files differ)" in text
    assert shown(clinic) == THIRD


def test_there_is_nothing_before_the_first(clinic: Path) -> None:
    call(clinic, "rollback", FIRST)
    assert call(clinic, "rollback") == (2, f"there is no release before {FIRST}")


def test_pruning_leaves_what_readers_see_and_the_newest(clinic: Path) -> None:
    call(clinic, "rollback", FIRST)
    code, text = call(clinic, "prune", "--keep", "1")
    assert code == 0
    assert text.splitlines()[0].split() == ["published", "1", "removed,", "2", "kept:", SECOND]
    assert kept(clinic) == [FIRST, THIRD]
    assert kept(clinic, "warehouse") == [THIRD]


def test_while_a_run_holds_the_lock_nothing_moves(clinic: Path) -> None:
    with runs.lock(clinic / "data"):
        assert call(clinic, "rollback")[0] == 75
        assert call(clinic, "prune")[0] == 75
    assert shown(clinic) == THIRD


def test_the_release_is_for_the_group_and_the_warehouse_for_its_owner(clinic: Path) -> None:
    for zone, folder_mode, file_mode in (("published", 0o750, 0o640), ("warehouse", 0o700, 0o600)):
        snapshot = clinic / "data" / zone / "snapshots" / THIRD
        assert stat.S_IMODE(snapshot.stat().st_mode) == folder_mode
        assert {stat.S_IMODE(path.stat().st_mode) for path in snapshot.rglob("*") if path.is_file()} == {file_mode}
