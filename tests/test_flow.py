"""The night under a real Prefect server: tasks, retries, artifacts, and the hook that leaves a failure where the operator looks."""

import datetime as dt
import importlib.util
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from test_night import SETTINGS, released, small_clinic

from outcomes import night as walk
from outcomes import runs, steps, verbs
from outcomes.mail import sending

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def flows() -> Iterator[ModuleType]:
    """The module of the flow, on a temporary server of its own."""
    module = verbs._flows()
    from prefect.testing.utilities import prefect_test_harness

    with prefect_test_harness(server_startup_timeout=180):
        yield module


def artifacts(key: str) -> list[object]:
    from prefect.artifacts import Artifact

    found = Artifact.get(key)
    return [found] if found else []


@pytest.mark.usefixtures("few_tables")
def test_a_flow_run_publishes_what_the_plain_engine_publishes(flows: ModuleType, tmp_path: Path) -> None:
    small_clinic(tmp_path / "flow")
    small_clinic(tmp_path / "plain")
    record = flows.nightly(config=str(tmp_path / "flow" / "outcomes.toml"), as_of="2026-01-01")
    assert (record["status"], record["code"]) == ("published", 0)
    from outcomes import log
    from outcomes.settings import load

    config = tmp_path / "plain" / "outcomes.toml"
    verbs.run(load(config), config, verbs.Wanted(dt.date(2026, 1, 1)), log.silent)
    assert released(tmp_path / "flow") == released(tmp_path / "plain")
    assert artifacts("headline")
    assert artifacts("quality")
    assert runs.history(tmp_path / "flow" / "data")[-1]["flow_run"]


@pytest.mark.usefixtures("few_tables")
def test_a_disk_that_fails_once_is_tried_again(flows: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small_clinic(tmp_path)
    tries = []

    def once(tonight: walk.Night) -> None:
        tries.append(tonight.run_id)
        if len(tries) == 1:
            raise OSError
        steps.stage(tonight)

    monkeypatch.setattr(steps, "STEPS", (walk.Step("stage", once, retries=1), *steps.STEPS[1:]))
    monkeypatch.setattr(flows, "RETRY_DELAYS_S", [0.0])
    assert flows.nightly(config=str(tmp_path / "outcomes.toml"), as_of="2026-01-01")["status"] == "published"
    assert len(tries) == 2


def test_a_failed_night_is_a_failed_run_that_quotes_nothing(flows: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small_clinic(tmp_path)

    def crash(_tonight: walk.Night) -> None:
        raise ValueError("the cell says p007")

    monkeypatch.setattr(steps, "STEPS", (walk.Step("stage", crash),))
    with pytest.raises(walk.StepFailed) as failure:
        flows.nightly(config=str(tmp_path / "outcomes.toml"), as_of="2026-01-01")
    assert "p007" not in str(failure.value)
    last = runs.history(tmp_path / "data")[-1]
    assert (last["status"], last["step"]) == ("failed", "stage")


def test_a_run_that_dies_before_it_can_record_is_recorded_by_the_hook(flows: ModuleType, tmp_path: Path) -> None:
    small_clinic(tmp_path)
    with pytest.raises(ValueError, match="isoformat"):
        flows.nightly(config=str(tmp_path / "outcomes.toml"), as_of="not a date")
    last = runs.history(tmp_path / "data")[-1]
    assert last["status"] == "failed"
    assert "Prefect reports" in last["line"]


def test_word_of_a_run_that_dies_before_it_can_record_waits_in_the_outbox(flows: ModuleType, tmp_path: Path) -> None:
    """Port 1 has no mail server, so it waits there."""
    email = '[email]\nport = 1\nfrom = "a@clinic.example"\noperators = ["it@clinic.example"]\npatience_s = 0\n'
    small_clinic(tmp_path, settings=f"{SETTINGS}\n{email}")
    with pytest.raises(ValueError, match="isoformat"):
        flows.nightly(config=str(tmp_path / "outcomes.toml"), as_of="not a date")
    (letter,) = sending.waiting(tmp_path / "data")
    assert (letter["kind"], letter["state"], letter["attempts"]) == ("failure", "failed", 1)
    assert b"Prefect reports" in letter["message"]


def test_the_schedule_is_the_settings_cron_in_the_clinics_zone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, flows: ModuleType) -> None:
    from outcomes.settings import load as settings_of

    small_clinic(tmp_path)
    told: dict[str, object] = {}
    load = verbs._flows
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:1/api")
    monkeypatch.setattr(verbs, "_flows", lambda name="nightly": flows if name == "nightly" else load(name))
    monkeypatch.setattr(type(flows.nightly), "serve", lambda _flow, **options: told.update(options))
    verbs.serve(settings_of(tmp_path / "outcomes.toml"), tmp_path / "outcomes.toml")
    deployment = flows.nightly.to_deployment(**{name: told[name] for name in ("name", "schedule", "parameters")})
    (planned,) = deployment.schedules
    assert (planned.schedule.cron, planned.schedule.timezone) == ("15 2 * * *", "America/Denver")
    assert deployment.entrypoint.endswith("flows/nightly.py:nightly")
    assert told["pause_on_shutdown"] is False


@pytest.mark.slow
def test_serve_keeps_its_schedule(tmp_path: Path) -> None:
    """The command itself, with its own server, on a schedule of every minute, until a night is published."""
    small_clinic(tmp_path, settings=SETTINGS + '\n[schedule]\ncron = "* * * * *"\nport = 4277\n')
    command = [sys.executable, "-m", "outcomes", "serve", "--config", str(tmp_path / "outcomes.toml")]
    environment = os.environ | {"PREFECT_HOME": str(tmp_path / "prefect")}
    environment.pop("PREFECT_API_URL", None)
    with (tmp_path / "log").open("w") as log, subprocess.Popen(command, env=environment, stdout=log, stderr=log) as serving:
        try:
            deadline = time.monotonic() + 240
            while not runs.history(tmp_path / "data") and time.monotonic() < deadline and serving.poll() is None:
                time.sleep(1)
        finally:
            serving.send_signal(signal.SIGINT)
            serving.wait(60)
    assert [run["status"] for run in runs.history(tmp_path / "data")][:1] == ["published"], (tmp_path / "log").read_text()[-2000:]


def test_prefect_yaml_names_a_flow_that_exists() -> None:
    text = (ROOT / "prefect.yaml").read_text()
    assert "entrypoint: flows/nightly.py:nightly" in text
    assert importlib.util.spec_from_file_location("nightly", ROOT / "flows" / "nightly.py")
