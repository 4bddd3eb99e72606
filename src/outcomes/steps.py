"""The steps of a night, in order. Each may be done again after a failure: it begins by forgetting what it began before."""

import shutil
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from outcomes import runs
from outcomes.night import Blocked, Night, Step
from outcomes.points import reached

if TYPE_CHECKING:
    import sqlite3

    import duckdb
    import polars as pl

    from outcomes.store import Verdict

COUNTED = ("patient", "session", "form", "adverse_event", "session_observation")


def stage(tonight: Night) -> None:
    """Copies what is new in the inbox to `raw/` under its hash; a file that still grows is left for the next night."""
    from outcomes import erasure, store
    from outcomes.sources import staging
    from outcomes.sources.verdicts import Refused

    erasure.finish(tonight.data)
    tonight.staged, tonight.marks, tonight.left = [], {}, []
    seen = runs.seen(tonight.data)
    arrivals = runs.arrivals(tonight.settings.paths.inbox)
    tonight.say("begin", step="stage", of=len(arrivals))
    for path in arrivals:
        mark = runs.mark(path)
        if seen.get(path.name) != mark:
            try:
                tonight.staged.append((staging.stage(path, tonight.data / "raw", tonight.settings.limits), path.name))
            except Refused as refused:
                tonight.left.append(refused.code)
                tonight.say("waiting", code=refused.code, why=refused.message)
                continue
        if tonight.withdrawn.without(path.name) == path.name:
            tonight.marks[path.name] = mark
        tonight.say("advance", step="stage")
    waiting = [staged.ingest_id for staged, _ in tonight.staged if store.committed(tonight.data, staged.ingest_id) is None]
    tonight.pending = runs.pending(tonight.data, waiting, tonight.ordinal)


def take_in(tonight: Night) -> None:
    """Reads, judges and commits each staged file that is not committed yet; one file is one transaction.

    A file that was refused before is tried again, and warned of, as long as it lies in the inbox.
    """
    from outcomes import erasure, intake, store

    store.tidy(tonight.data)
    taken: set[str] = set()
    tonight.fresh = []
    tonight.say("begin", step="take_in", of=len(tonight.staged))
    for staged, name in tonight.staged:
        if staged.ingest_id in tonight.pending:
            run = intake.Run(tonight.as_of, tonight.pending[staged.ingest_id], tonight.withdrawn)
            verdict = intake.take_in(staged, name, tonight.settings, tonight.library, run)
            if verdict.ingest_id not in taken:
                tonight.fresh.append(verdict)
                taken.add(verdict.ingest_id)
            if verdict.status == "refused":
                tonight.marks.pop(name, None)
                tonight.say("refused", file=verdict.ingest_id[:12], code=verdict.code, why=verdict.message)
        tonight.say("advance", step="take_in")
    erasure.sweep(tonight.data, tonight.withdrawn)


def build(tonight: Night) -> None:
    """Builds the warehouse of this run beside the one that readers see: from every clean file, or from a copy of the last one."""
    from outcomes import increment, reference, store, warehouse

    shutil.rmtree(tonight.warehouse.parent, ignore_errors=True)
    _look_back(tonight)
    settings, ledger = tonight.settings, store.ledger(tonight.data)
    tonight.say("begin", step="build", of=1)
    ref = reference.tables(settings, tonight.library, tonight.as_of)
    clean = warehouse.CleanFiles(_input_files(ledger), store.parquet(tonight.data, ledger))
    meta = {"rule_result": _rule_results(ledger), "clean_file": _clean_files(ledger)}
    last = None if tonight.is_rebuild else runs.current(tonight.data, "warehouse")
    previous = last / tonight.warehouse.name if last else None
    tonight.built, because = increment.build(
        tonight.warehouse,
        clean,
        ref,
        settings.limits,
        previous=previous,
        meta=meta,
        admit=partial(_admit, tonight),
        disclose=partial(_disclose, tonight),
    )
    tonight.say("built", whole=bool(because), because=because or None)


def _look_back(tonight: Night) -> None:
    """Whether a release is due, and what was released before. Raises Blocked where that is not known any more."""
    from outcomes import ledger, private, releases

    data, settings = tonight.data, tonight.settings
    with closing(private.connect(data)) as con:
        before = releases.every(con)
    tonight.next_release = releases.next_on(before[-1] if before else None, settings.release_days)
    tonight.is_due = tonight.next_release is None or tonight.next_release <= tonight.as_of
    tonight.ledger = ledger.Ledger()
    if not tonight.is_due or settings.disclosure.rule == "off":
        return
    try:
        tonight.ledger = ledger.read(data, before, runs.current(data, "published"))
    except ledger.Lost as lost:
        _begin_anew(tonight, str(lost))


def _begin_anew(tonight: Night, why: str) -> None:
    """An empty ledger, if the operator accepts that. Raises Blocked if not."""
    from outcomes import ledger

    tonight.say("warning", rule=ledger.RULE, why=why)
    if ledger.RULE not in tonight.accept:
        raise Blocked([ledger.RULE]) from None
    tonight.ledger = ledger.Ledger()


def _admit(tonight: Night, con: "duckdb.DuckDBPyConnection") -> None:
    """Where a release is due and the rule has a gate: who is counted in it, and who waits."""
    from outcomes import batches, disclosure

    rule = disclosure.rule_in_force(con)
    if tonight.is_due and rule.gate_k and tonight.ledger is not None:
        batches.admit(con, rule.gate_k, tonight.ordinal, batches.lent(tonight.ledger.people, tonight.warehouse.parent))


def _disclose(tonight: Night, con: "duckdb.DuckDBPyConnection") -> None:
    """Schema `release`, as the rule of the settings and, where a release is due, the gate let it be shown."""
    from outcomes import attribution, batches, disclosure, gating, ledger

    disclosure.disclose(con)
    rule = disclosure.rule_in_force(con)
    if not (tonight.is_due and rule.gate_k and tonight.ledger is not None):
        return
    before = tonight.ledger
    try:
        shown, fresh = gating.hold(con, rule, before, tonight.ordinal, batches.unready(con, rule))
    except ledger.Lost as lost:
        _begin_anew(tonight, str(lost))
        batches.begin_anew(con)
        before = ledger.Ledger()
        shown, fresh = gating.hold(con, rule, before, tonight.ordinal)
    people = batches.keep(con, fresh, tonight.ordinal, tonight.warehouse.parent)
    tonight.ledger = attribution.attribute(con, rule, before, replace(shown, people=people), tonight.ordinal)


def _clean_files(ledger: Sequence["Verdict"]) -> "pl.DataFrame":
    import polars as pl

    from outcomes.reference import CLEAN_FILE

    rows = [
        {"ingest_id": verdict.ingest_id, "table_name": Path(name).stem, "sha256": digest}
        for verdict in ledger
        for name, digest in sorted(verdict.parquet.items())
    ]
    return pl.DataFrame(rows, schema=CLEAN_FILE)


def _input_files(ledger: Sequence["Verdict"]) -> "pl.DataFrame":
    import polars as pl

    from outcomes.reference import INPUT_FILE

    rows = [
        {
            **{
                name: getattr(verdict, name)
                for name in ("ingest_id", "source_file", "shape", "format", "bytes", "status", "code", "message")
            },
            **{name: getattr(verdict, name) for name in ("exported_on", "arrival", "as_of")},
            **{f"rows_{name}": count for name, count in verdict.rows.items()},
            "table_name": verdict.table,
        }
        for verdict in ledger
    ]
    return pl.DataFrame(rows, schema=INPUT_FILE)


def _rule_results(ledger: Sequence["Verdict"]) -> "pl.DataFrame":
    import polars as pl

    from outcomes.reference import RULE_RESULT

    def row(verdict: "Verdict", rule: Mapping[str, Any]) -> dict[str, Any]:
        return {**rule, "ingest_id": verdict.ingest_id, "table_name": rule["table"], "column_name": rule["column"]}

    rows = [row(verdict, rule) for verdict in ledger for rule in verdict.rules]
    return pl.DataFrame([{name: r[name] for name in RULE_RESULT} for r in rows], schema=RULE_RESULT)


def check(tonight: Night) -> None:
    """Judges what was built. Raises Blocked where a rule of severity `publication` is broken and was not accepted by name."""
    from outcomes import validate

    tonight.say("begin", step="check", of=1)
    frames = _built(tonight.warehouse)
    tonight.volumes = {table: frames[table].item() for table in COUNTED}
    frames = {name: frame for name, frame in frames.items() if name not in COUNTED} | {"volume": _volumes(tonight)}
    tonight.findings = [finding for finding in validate.check_release(frames) if finding.violated]
    for finding in tonight.findings:
        tonight.say("warning", rule=finding.code, table=finding.table, violated=finding.violated, of=finding.checked)
    broken = {finding.code for finding in tonight.findings if finding.severity == "publication"}
    blocking = broken - {code for code in tonight.accept if validate.may_be_accepted(code)}
    if blocking:
        raise Blocked(sorted(blocking))


def _built(path: Path) -> dict[str, "pl.DataFrame"]:
    import duckdb

    with duckdb.connect(str(path), read_only=True) as con:
        published = {name: con.sql(f"select * from report.{name}").pl() for name in ("outcome_summary", "score_summary")}
        files = con.sql("select * from core.accounting").pl()
        counts = {table: con.sql(f"select count(*) as rows from core.{table}").pl() for table in COUNTED}
    return {**published, "input_file": files, **counts}


def _volumes(tonight: Night) -> "pl.DataFrame":
    """Rows of each table now and in the last release."""
    import polars as pl

    last: dict[str, int] = next(
        (run["volumes"] for run in reversed(runs.history(tonight.data)) if runs.ended_well(run) and "volumes" in run), {}
    )
    rows = [{"table": table, "rows": rows, "rows_before": last.get(table)} for table, rows in tonight.volumes.items()]
    return pl.DataFrame(rows, schema={"table": pl.String, "rows": pl.Int64, "rows_before": pl.Int64})


def publish(tonight: Night) -> None:
    """Moves analysts to the new warehouse and, where a release is due, readers to a new release; what is beyond the number kept goes.

    The release stands beside the last one, its part of the ledger beside the others; then one transaction of the private database says
    that it is released. A run that is killed after that is finished by the next.
    """
    from outcomes import private, releases
    from outcomes import publish as press

    data, limits = tonight.data, tonight.settings.limits
    tonight.say("begin", step="publish", of=1)
    with closing(private.connect(data)) as con:
        last = releases.last(con)
        # A second try must not touch what readers see since the first.
        if tonight.is_due and (last is None or last.run_id != tonight.run_id):
            _release(tonight, con)
        tonight.is_released = tonight.is_due
        if tonight.is_released:
            tonight.next_release = releases.next_on(releases.last(con), tonight.settings.release_days)
            releases.finish(data, con)
        else:
            press.swap(data / "warehouse" / "current", tonight.run_id)
            _tell_owners(tonight, con)
    for zone, keep in (("warehouse", limits.keep_warehouses), ("published", limits.keep_releases)):
        press.prune(data / zone, keep)
    reached("published")
    runs.remember(data, tonight.marks)


def _release(tonight: Night, con: "sqlite3.Connection") -> None:
    from outcomes import ledger, private, releases
    from outcomes import publish as press
    from outcomes.mail import sending

    published, limits = tonight.data / "published", tonight.settings.limits
    shutil.rmtree(published / "snapshots" / tonight.run_id, ignore_errors=True)
    label = press.Label(tonight.settings.clinic.name, limits.sheet_rows)
    snapshot = press.publish(tonight.warehouse, published, tonight.run_id, limits.threads, limits.memory_mb, label)
    _dress(snapshot, tonight)
    letters = sending.made(snapshot, tonight.settings, tonight.mail_troubles)
    files = ledger.write(tonight.data, tonight.run_id, tonight.ledger)
    with private.transaction(con):
        releases.add(con, releases.Release(tonight.run_id, tonight.as_of, files, _gate_summary(tonight)))
        sending.post(con, letters, tonight.settings, tonight.run_id, tonight.as_of, tonight.mail_troubles)
    reached("released")
    ledger.sweep(tonight.data, tonight.run_id)


def _tell_owners(tonight: Night, con: "sqlite3.Connection") -> None:
    """The letter to the owners of the data, who hear of every night."""
    from outcomes import private
    from outcomes.mail import sending

    letters = sending.made_of_quality(tonight.warehouse, tonight.settings, tonight.mail_troubles)
    with private.transaction(con):
        sending.post(con, letters, tonight.settings, tonight.run_id, tonight.as_of, tonight.mail_troubles)


def _dress(snapshot: Path, tonight: Night) -> None:
    """Puts the report beside the tables. One that fails costs no release: it is said, and `outcomes report` tries again."""
    from outcomes import report

    try:
        report.write(snapshot, tonight.settings)
    except Exception as error:
        tonight.mail_troubles.append(f"the report could not be made ({type(error).__name__})")
        tonight.say("warning", step="publish", report=type(error).__name__)


def _gate_summary(tonight: Night) -> dict[str, Any]:
    """What `outcomes status` says of the gate."""
    import duckdb

    from outcomes import batches, gating

    with duckdb.connect(str(tonight.warehouse), read_only=True) as con:
        return {"rule": tonight.settings.disclosure.rule, **gating.summary(con), **batches.covered(con)}


def send(tonight: Night) -> None:
    """Sends what waits in the outbox; what can't be sent goes on waiting there, and the night is none the worse."""
    if tonight.settings.email is not None:
        from outcomes.mail import sending

        tonight.say("begin", step="send", of=1)
        tonight.mail = sending.away(tonight.settings, tonight.say, tonight.mail_troubles)
        if not tonight.mail_troubles:
            sending.beat(tonight.settings.email, tonight.run_id)


def take_in_again(tonight: Night) -> None:
    """Takes the raw file behind every verdict in anew, in the old order and as of the old run; the ledger is replaced in whole.

    A file whose raw bytes were removed for the sake of one who has withdrawn stays as it was taken in.
    """
    from outcomes import erasure, intake, store

    data = tonight.data
    erasure.finish(data)
    store.tidy(data)
    beside = data / store.REBUILT
    settings = tonight.settings.model_copy(update={"paths": tonight.settings.paths.model_copy(update={"data": beside})})
    store.tidy(beside)
    ledger = store.ledger(data)
    tonight.fresh, tonight.is_rebuild = [], True
    tonight.say("begin", step="take_in", of=len(ledger))
    for old in ledger:
        run = intake.Run(old.as_of or tonight.as_of, old.arrival, tonight.withdrawn)
        if old.raw_removed:
            store.linked(data, beside, [old.ingest_id])
            continue
        tonight.fresh.append(intake.take_in(store.staged_again(data, old), old.source_file, settings, tonight.library, run))
        tonight.say("advance", step="take_in")
    store.replace(data, beside)
    erasure.sweep(data, tonight.withdrawn)


BUILD_AND_PUBLISH = (Step("build", build), Step("check", check), Step("publish", publish, retries=1), Step("send", send))
STEPS = (Step("stage", stage, retries=2), Step("take_in", take_in, retries=2), *BUILD_AND_PUBLISH)
REBUILD = (Step("take_in", take_in_again), *BUILD_AND_PUBLISH)
