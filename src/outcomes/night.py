"""One night: what waits in the inbox is taken in, the warehouse is built beside the old one, checked, and published.

The steps are plain functions over a `Night`; `carry_out` walks through them, in this process or as tasks of an engine. A
night that fails leaves the last good release where it is. The truth is in the files, never in an engine's state.
"""

import datetime as dt
import os
import shutil
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from outcomes import log, runs
from outcomes.points import reached
from outcomes.runs import Exit
from outcomes.settings import Settings

if TYPE_CHECKING:
    from outcomes.instruments import Library
    from outcomes.ledger import Ledger
    from outcomes.sources.staging import Staged
    from outcomes.store import Verdict
    from outcomes.validate import RuleResult
    from outcomes.warehouse import Built
    from outcomes.withdrawal import Register

Record = dict[str, Any]


class Blocked(Exception):
    """The data forbid publication; `codes` are the rules that say so."""

    def __init__(self, codes: list[str]) -> None:
        super().__init__("publication is blocked by " + ", ".join(codes))
        self.codes = codes


class StepFailed(Exception):
    """A step of the night failed. Carries the step and the kind of error, never its text, which may quote a cell."""

    def __init__(self, step: str, error: str, is_io: bool = False, where: str = "") -> None:
        super().__init__(f"{step} failed with {error}{where}")
        self.step, self.error, self.is_io = step, error, is_io


@dataclass
class Night:
    """What one run knows and finds out.

    `as_of` decides every window; `ordinal` numbers the runs of this data folder; `accept` names rules that may be broken tonight. `left`
    are codes of inbox files that could not be staged, `marks` what the others looked like, `pending` under which run's number those
    arrived that are not taken in yet. `is_rebuild` asks for a warehouse built of everything. `is_due` says whether a release may come
    tonight, `is_released` whether readers see one, `next_release` from which as-of date on the next may come; `ledger` is all that was ever
    released, from the build on with tonight's. `mail` says what was sent, `mail_troubles` what was not.
    """

    settings: Settings
    as_of: dt.date
    ordinal: int
    say: log.Say = log.silent
    accept: tuple[str, ...] = ()
    staged: list[tuple["Staged", str]] = field(default_factory=list)
    marks: dict[str, list[int]] = field(default_factory=dict)
    pending: dict[str, int] = field(default_factory=dict)
    left: list[str] = field(default_factory=list)
    fresh: list["Verdict"] = field(default_factory=list)
    findings: list["RuleResult"] = field(default_factory=list)
    built: list["Built"] = field(default_factory=list)
    is_rebuild: bool = False
    is_due: bool = False
    is_released: bool = False
    next_release: dt.date | None = None
    ledger: "Ledger | None" = None
    mail: str = ""
    mail_troubles: list[str] = field(default_factory=list)
    volumes: dict[str, int] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def data(self) -> Path:
        return self.settings.paths.data

    @property
    def run_id(self) -> str:
        return runs.run_id(self.as_of, self.ordinal)

    @property
    def warehouse(self) -> Path:
        """The database that this run builds; readers see it once `current` points to its folder."""
        return self.data / "warehouse" / "snapshots" / self.run_id / "warehouse.duckdb"

    @cached_property
    def library(self) -> "Library":
        from outcomes import instruments

        return instruments.load(self.settings.paths.instruments, self.settings.paths.profiles)

    @cached_property
    def withdrawn(self) -> "Register":
        from outcomes import withdrawal

        return withdrawal.register(self.data)


@dataclass(frozen=True)
class Step:
    """`retries` count against errors of input and output only; everything else fails at once."""

    name: str
    does: Callable[[Night], None]
    retries: int = 0


def begin(settings: Settings, as_of: dt.date | None, say: log.Say = log.silent, accept: Sequence[str] = ()) -> Night:
    """A night that may start: private files, no leftovers of a killed run. Without a date, today's at the clinic.

    To be called by the one run that holds the lock.
    """
    from outcomes import store
    from outcomes.sources import staging

    os.umask(0o077)
    data = settings.paths.data
    data.mkdir(parents=True, exist_ok=True, mode=0o710)
    tonight = Night(settings, as_of or dt.datetime.now(settings.zone).date(), runs.next_ordinal(data), say, tuple(accept))
    store.tidy(data)
    _finish_release(data)
    staging.sweep(data / "raw")
    for zone in runs.ZONES:
        for leftover in runs.unfinished(data, zone):
            shutil.rmtree(leftover)
            reached("leftover removed")
    return tonight


def _finish_release(data: Path) -> None:
    """Shows readers a release that a killed run had decided on."""
    from outcomes import private, releases

    if private.exists(data):
        with closing(private.connect(data)) as con:
            releases.finish(data, con)


def attempt(step: Step, tonight: Night) -> None:
    """Does one step and times it. Raises Blocked or StepFailed, whose texts quote nothing."""
    started = time.monotonic()
    try:
        step.does(tonight)
        reached(f"after {step.name}")
    except Blocked:
        raise
    except BaseException as error:
        # A Rust library's panic is no Exception, and its text may quote a cell too.
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise
        raise StepFailed(step.name, _kind(error), isinstance(error, OSError), _place(error)) from None
    tonight.seconds[step.name] = round(time.monotonic() - started, 3)
    tonight.say("done", step=step.name, seconds=tonight.seconds[step.name])


def _kind(error: BaseException) -> str:
    """The class of an error; the text too where the error is one of ours, which never quote a cell."""
    ours = type(error).__module__.split(".")[0] == __name__.split(".")[0]
    return f"{type(error).__name__}: {error}" if ours else type(error).__name__


def _place(error: BaseException) -> str:
    """The innermost line of our own code that the error came through."""
    here = Path(__file__).parent
    trace, place = error.__traceback__, ""
    while trace is not None:
        path = Path(trace.tb_frame.f_code.co_filename)
        if path.is_relative_to(here):
            place = f" at {path.relative_to(here)}:{trace.tb_lineno}"
        trace = trace.tb_next
    return place


def with_retries(step: Step, tonight: Night) -> None:
    """Does a step in this process, again after an error of input or output as often as it may."""
    for again in reversed(range(step.retries + 1)):
        try:
            return attempt(step, tonight)
        except StepFailed as failure:
            if not (failure.is_io and again):
                raise
            tonight.say("warning", step=step.name, error=failure.error, retries_left=again)
            time.sleep(1)
    return None


def carry_out(tonight: Night, steps: Sequence[Step], perform: Callable[[Step, Night], None] = with_retries, **more: Any) -> Record:
    """Walks through the steps and records how it ended: published, computed (no release was due), blocked or failed.

    Never raises for the data's sake.
    """
    record: Record = {"run_id": tonight.run_id, "ordinal": tonight.ordinal, "as_of": tonight.as_of.isoformat(), **more}
    try:
        for step in steps:
            perform(step, tonight)
    except Blocked as blocked:
        record |= {"status": "blocked", "code": Exit.BLOCKED, "rules": blocked.codes}
        tonight.say("blocked", rules=",".join(blocked.codes))
    except StepFailed as failure:
        record |= {"status": "failed", "code": Exit.CRASH, "step": failure.step, "error": failure.error, "line": str(failure)}
        tonight.say("failed", step=failure.step, error=failure.error)
    else:
        status = "published" if tonight.is_released else "computed"
        record |= {"status": status, "code": _code(tonight), "next_release": tonight.next_release}
    record |= {"seconds": tonight.seconds, "counts": _counts(tonight), "volumes": tonight.volumes, "accepted_rules": tonight.accept}
    record.setdefault("line", _line(tonight, record))
    is_told = tonight.settings.email is not None and not runs.ended_well(record)
    if is_told:
        _tell(tonight, record)
    try:
        runs.record(tonight.data, record)
        reached("after record")
    except OSError as error:
        record |= {"code": Exit.CRASH, "line": f"{record['line']}; the run could not be recorded: {type(error).__name__}"}
        tonight.say("failed", step="record", error=type(error).__name__)
    if is_told:
        _send(tonight, record)
    return record


def _tell(tonight: Night, record: Record) -> None:
    """Puts word of a night that did not do its work into the outbox; before it is recorded, so that no recorded failure goes untold."""
    from outcomes.mail import sending

    sending.tell(tonight.settings, record, tonight.mail_troubles)
    reached("mail: failure told")


def _send(tonight: Night, record: Record) -> None:
    """Sends it, and what waits from before."""
    from outcomes.mail import sending

    sending.away(tonight.settings, tonight.say, tonight.mail_troubles)
    record["line"] += "".join(f"; {trouble}" for trouble in tonight.mail_troubles)


def _code(tonight: Night) -> Exit:
    if tonight.mail_troubles:
        return Exit.MAIL
    return Exit.WARNINGS if _warnings(tonight) else Exit.OK


def _warnings(tonight: Night) -> bool:
    refused = any(verdict.status == "refused" for verdict in tonight.fresh)
    return refused or bool(tonight.left) or bool(tonight.findings)


def _counts(tonight: Night) -> dict[str, int]:
    names = ("in", "accepted", "duplicate", "rejected", "withdrawn")
    rows = {name: sum(verdict.rows.get(name, 0) for verdict in tonight.fresh) for name in names}
    return {"files": len(tonight.fresh), "refused": sum(v.status == "refused" for v in tonight.fresh), **rows}


def _line(tonight: Night, record: Record) -> str:
    """The one line that ends a run."""
    counts, seconds = record["counts"], sum(tonight.seconds.values())
    taken = f"{counts['files']} new files ({counts['refused']} refused), {counts['in']} rows: {counts['accepted']} accepted, "
    taken += f"{counts['duplicate']} duplicate, {counts['rejected']} rejected"
    taken += f", {counts['withdrawn']} of people who have withdrawn" if counts["withdrawn"] else ""
    if tonight.left:
        taken += f"; {len(tonight.left)} left in the inbox ({', '.join(sorted(set(tonight.left)))})"
    outcome = {
        "blocked": "the last good release stays",
        "computed": f"the release stays as it is; the next comes with figures as of {tonight.next_release} or later",
    }.get(record["status"], str(tonight.data / "published" / "current"))
    rules = f" by {', '.join(record['rules'])}" if record["status"] == "blocked" else ""
    mail = "".join(f"; {said}" for said in dict.fromkeys([tonight.mail, *tonight.mail_troubles]) if said)
    return f"{record['status']}{rules} as of {tonight.as_of}: {taken}; {seconds:.1f} s{mail}; {outcome}"
