"""When things happen: the steps of a night as Prefect tasks, with retries, artifacts and a hook for failures.

The work stands in `outcomes.night`; nothing here decides anything about the data. Parameters are a path and a date, and
artifacts are made from the published tables only.
"""

import datetime as dt
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from prefect import flow, get_run_logger, task
from prefect.artifacts import create_markdown_artifact, create_table_artifact
from prefect.client.schemas.objects import State, TaskRun
from prefect.runtime import flow_run as this_run

from outcomes import headline, log, night, runs, steps
from outcomes.mail import sending
from outcomes.settings import Settings, load

RETRY_DELAYS_S = [10.0, 60.0]


def _is_input_or_output(_task: Any, _run: TaskRun, state: State[Any]) -> bool:
    error = state.result(raise_on_failure=False)
    return isinstance(error, night.StepFailed) and error.is_io


def _perform(step: night.Step, tonight: night.Night) -> None:
    @task(
        name=step.name,
        retries=step.retries,
        retry_delay_seconds=RETRY_DELAYS_S[: step.retries],
        retry_condition_fn=_is_input_or_output,
        persist_result=False,
    )
    def perform() -> None:
        night.attempt(step, tonight)

    perform()


def _tell(flow: Any, flow_run: Any, state: State[Any]) -> None:
    """Leaves a failed or crashed run where `outcomes status` finds it, even if its process is gone."""
    settings = load(Path(flow_run.parameters["config"]))
    last = (runs.history(settings.paths.data) or [{}])[-1]
    if last.get("flow_run") != str(flow_run.id):
        line = f"Prefect reports the flow run as {state.name}"
        record = {"run_id": f"flow {flow_run.id}", "flow_run": str(flow_run.id), "status": "failed", "line": line}
        runs.record(settings.paths.data, record)
        if settings.email is not None:
            _mail(settings, record)


def _mail(settings: Settings, record: dict[str, str]) -> None:
    """Word of a run that told nobody itself; where another run holds the lock, that one sends it."""
    sending.tell(settings, record, [])
    with suppress(runs.Busy), runs.lock(settings.paths.data):
        sending.away(settings, log.silent, [])


def _show(tonight: night.Night) -> None:
    release = tonight.data / "published" / "current" / "outcomes.duckdb"
    create_markdown_artifact(
        key="headline",
        markdown=headline.markdown(release, tonight.settings, tonight.library),
        description="Response and remission with coverage",
    )
    create_table_artifact(key="quality", table=headline.quality_rows(release), description="What each file brought, and what became of it")


@flow(name="nightly", on_failure=[_tell], on_crashed=[_tell], persist_result=False)
def nightly(config: str, as_of: str | None = None, accept: Sequence[str] = ()) -> dict[str, Any]:
    """One night. Returns its record: run, status, exit code and summary line; raises where the night failed."""
    settings = load(Path(config))
    with runs.lock(settings.paths.data):
        date = dt.date.fromisoformat(as_of) if as_of else None
        tonight = night.begin(settings, date, log.to_logger(get_run_logger()), accept)
        record = night.carry_out(tonight, steps.STEPS, _perform, flow_run=str(this_run.id))
    if record["status"] == "failed":
        raise night.StepFailed(record["step"], record["error"])
    if runs.ended_well(record):
        _show(tonight)
    return record
