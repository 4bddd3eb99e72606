"""What an operator may rely on: exit codes, a last good release that stays, one run at a time, the same bytes twice."""

import datetime as dt
import fcntl
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from outcomes import cli, clinic, runs, steps
from outcomes import night as walk

Night = Callable[..., tuple[int, str]]

SETTINGS = """
[clinic]
name = "Test"
timezone = "America/Denver"

[report]
also = ["nhs-tt"]

[disclosure]
rule = "off"
"""
DAY_0 = dt.date(2025, 3, 3)


def small_clinic(folder: Path, patients: int = 30, settings: str = SETTINGS) -> None:
    """Patients who each have one session and two PHQ-9 totals; nothing is wrong with them."""
    inbox = folder / "inbox"
    inbox.mkdir(parents=True, exist_ok=True)
    (folder / "outcomes.toml").write_text(settings)
    people = [f"p{n:03}" for n in range(patients)]
    sessions = [f"{p}-1,{p},north,{DAY_0},medicine,iv" for p in people]
    forms = [f"{p},phq9,{DAY_0 - dt.timedelta(days=2)},{15 + n % 5}" for n, p in enumerate(people)]
    later = [f"{p},phq9,{DAY_0 + dt.timedelta(days=30)},{n % 14}" for n, p in enumerate(people)]
    (inbox / "sessions_2025-06-01.csv").write_text("\n".join(["session_id,patient_id,site_id,started_at,kind,route", *sessions, ""]))
    (inbox / "questionnaires_2025-06-01.csv").write_text("\n".join(["patient_id,instrument_id,answered_at,total", *forms, *later, ""]))


def withdraw(folder: Path, share: float, patients: int = 30) -> None:
    """A newer export in which a share of the patients withdrew."""
    gone = [f"p{n:03},2025-07-01" for n in range(int(share * patients))]
    (folder / "inbox" / "patients_2025-07-02.csv").write_text("\n".join(["patient_id,withdrawn_on", *gone, ""]))


def released(folder: Path) -> dict[str, bytes]:
    current = folder / "data" / "published" / "current"
    return {str(p.relative_to(current)): p.read_bytes() for p in sorted(current.rglob("*")) if p.suffix in {".csv", ".parquet"}}


def test_a_clean_night_publishes_with_code_0(night: Night, tmp_path: Path) -> None:
    small_clinic(tmp_path)
    code, line = night()
    assert code == 0, line
    assert "90 rows: 90 accepted, 0 duplicate, 0 rejected" in line
    assert {Path(name).stem for name in released(tmp_path)} >= {"outcome_summary", "score_summary", "retention", "quality", "definition"}


def test_the_same_files_twice_change_nothing(short_night: Night, tmp_path: Path) -> None:
    small_clinic(tmp_path)
    short_night()
    first = released(tmp_path)
    shutil.copy(tmp_path / "inbox" / "sessions_2025-06-01.csv", tmp_path / "inbox" / "sessions_2025-06-01 (1).csv")
    code, line = short_night()
    assert code == 0
    assert "0 new files" in line
    assert released(tmp_path) == first


@pytest.mark.parametrize("threads", [1, 2])
def test_one_and_two_threads_publish_the_same_bytes(threads: int, night: Night, tmp_path: Path, year: Path) -> None:
    shutil.copytree(year / "inbox", tmp_path / "inbox")
    (tmp_path / "outcomes.toml").write_text(SETTINGS + f"\n[limits]\nthreads = {threads}\n")
    assert night(as_of="2026-02-01")[0] == 4
    assert released(tmp_path) == released(year)


@pytest.fixture(scope="module")
def year(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A synthetic clinic of a year, dirt included, after one night on two threads."""
    from outcomes import log, verbs
    from outcomes.settings import load

    folder = tmp_path_factory.mktemp("year")
    clinic.make(folder, patients=150)
    (folder / "outcomes.toml").write_text(SETTINGS)
    config = folder / "outcomes.toml"
    verbs.run(load(config), config, verbs.Wanted(dt.date(2026, 2, 1)), log.silent)
    return folder


def test_a_refused_file_warns_until_it_is_gone(short_night: Night, tmp_path: Path) -> None:
    small_clinic(tmp_path)
    broken = tmp_path / "inbox" / "patients_2025-06-01.csv"
    broken.write_text("name,born\nx,y\n")
    assert short_night()[0] == 4
    assert short_night()[0] == 4
    broken.unlink()
    assert short_night()[0] == 0


def test_the_last_good_release_stays_when_the_data_forbid_publication(short_night: Night, tmp_path: Path) -> None:
    small_clinic(tmp_path)
    short_night()
    before, shown = released(tmp_path), runs.current(tmp_path / "data", "published")
    withdraw(tmp_path, 0.8)
    code, line = short_night()
    assert code == 3
    assert "VOL-01" in line
    assert released(tmp_path) == before
    assert runs.current(tmp_path / "data", "published") == shown
    code, line = short_night(accept=("VOL-01",))
    assert code in {0, 4}, line
    assert released(tmp_path) != before


def test_a_step_that_crashes_names_the_step_and_no_value(short_night: Night, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small_clinic(tmp_path)
    short_night()
    before = released(tmp_path)

    def crash(_tonight: walk.Night) -> None:
        raise ValueError("the cell says p007")

    monkeypatch.setattr(steps, "STEPS", (*steps.STEPS[:2], walk.Step("build", crash)))
    code, line = short_night()
    assert code == 1
    assert line.startswith("build failed with ValueError")
    assert "p007" not in line + (tmp_path / "data" / "runs.jsonl").read_text()
    assert released(tmp_path) == before


def test_errors_of_input_and_output_are_tried_again_and_others_are_not(tmp_path: Path) -> None:
    from outcomes.settings import load

    small_clinic(tmp_path)
    tonight = walk.begin(load(tmp_path / "outcomes.toml"), dt.date(2026, 1, 1))
    tried = {OSError: 0, ValueError: 0}

    def failing(error: type[Exception]) -> Callable[[walk.Night], None]:
        def fail(_tonight: walk.Night) -> None:
            tried[error] += 1
            raise error

        return fail

    for error in tried:
        with pytest.raises(walk.StepFailed):
            walk.with_retries(walk.Step("x", failing(error), retries=1), tonight)
    assert tried == {OSError: 2, ValueError: 1}


def test_a_second_run_leaves_with_code_75(short_night: Night, tmp_path: Path) -> None:
    small_clinic(tmp_path)
    (tmp_path / "data").mkdir()
    with (tmp_path / "data" / "lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert short_night()[0] == 75
    assert short_night()[0] == 0


def test_a_dry_run_keeps_nothing(short_night: Night, tmp_path: Path) -> None:
    small_clinic(tmp_path)
    short_night()
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "data").rglob("*")}
    withdraw(tmp_path, 0.1)
    code, line = short_night(dry=True)
    assert code == 0, line
    assert "10 %" not in line
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "data").rglob("*")} == before


def test_rebuild_from_raw_gives_the_same_release(year: Path, tmp_path: Path) -> None:
    from outcomes import log, verbs
    from outcomes.settings import load

    shutil.copytree(year, tmp_path / "copy", symlinks=True)
    config = tmp_path / "copy" / "outcomes.toml"
    shutil.rmtree(tmp_path / "copy" / "inbox")
    before = released(tmp_path / "copy")
    code, line = verbs.rebuild(load(config), dt.date(2026, 2, 1), log.silent)
    assert code == 4, line
    assert released(tmp_path / "copy") == before


def test_everything_is_private_but_the_release(year: Path) -> None:
    for zone in ("raw", "clean", "quarantine", "warehouse"):
        for path in (year / "data" / zone).rglob("*"):
            if not path.is_symlink():
                assert path.stat().st_mode & 0o077 == 0, path


USAGE = {
    "unknown key": ("[clinic]\nname = 'x'\ntimezone = 'UTC'\n[cours]\n", "did you mean course?"),
    "unknown zone": ("[clinic]\nname = 'x'\ntimezone = 'America/Denvr'\n", "America/Denver"),
    "missing section": ("", "clinic"),
    "broken TOML": ("[clinic\n", "not valid TOML"),
    "two windows of one name": (
        "[clinic]\nname = 'x'\ntimezone = 'UTC'\n" + 2 * "[[window]]\nid = 'a'\nfrom_days = 1\npick = 'last'\n",
        "[[window]] a stands twice",
    ),
}


@pytest.mark.parametrize("name", USAGE)
def test_wrong_settings_end_with_code_2_and_the_mend(name: str, tmp_path: Path) -> None:
    text, hint = USAGE[name]
    (tmp_path / "outcomes.toml").write_text(text)
    said = CliRunner().invoke(cli.app, ["run", "--config", str(tmp_path / "outcomes.toml")])
    assert said.exit_code == 2
    assert hint in said.output


def test_init_then_doctor_then_status(tmp_path: Path) -> None:
    run = CliRunner().invoke
    folder = tmp_path / "fresh"
    assert run(cli.app, ["init", str(folder)]).exit_code == 0
    (folder / "outcomes.toml").write_text((folder / "outcomes.toml").read_text().replace("Our Clinic", "Mine"))
    assert run(cli.app, ["init", str(folder)]).exit_code == 0
    assert "Mine" in (folder / "outcomes.toml").read_text()
    examined = run(cli.app, ["doctor", "--config", str(folder / "outcomes.toml")])
    assert [line for line in examined.output.splitlines() if "MEND" in line] == [
        "  MEND  a release is published: put exports into the inbox and call `outcomes run`"
    ]
    asked = run(cli.app, ["status", "--config", str(folder / "outcomes.toml")])
    assert asked.exit_code == 1
    assert "nothing yet" in asked.output


def test_status_says_what_is_published_and_what_waits(short_night: Night, tmp_path: Path) -> None:
    small_clinic(tmp_path)
    short_night()
    asked = CliRunner().invoke(cli.app, ["status", "--config", str(tmp_path / "outcomes.toml"), "--log", "json"])
    facts = json.loads(asked.output)
    assert asked.exit_code == 0
    assert facts["published"]["as_of"] == "2026-01-01"
    assert facts["waiting"] == 0
    withdraw(tmp_path, 0.1)
    assert "1 file(s)" in CliRunner().invoke(cli.app, ["status", "--config", str(tmp_path / "outcomes.toml")]).output


@pytest.mark.parametrize(("code", "may"), [("VOL-01", True), ("BAL-01", True), ("OUT-04", False), ("SCO-04", False)])
def test_no_operator_can_accept_a_number_that_is_meant_to_be_hidden(code: str, may: bool) -> None:
    from outcomes import validate

    assert validate.may_be_accepted(code) is may
