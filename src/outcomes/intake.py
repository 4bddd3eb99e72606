"""One staged file in; a committed clean folder or a refusal in quarantine out, with the verdict that accounts for every row.

Three walks. The first reads the file batch by batch, types it, and writes it as unjudged parts. Between the walks stand the
questions that only a whole file answers: keys that repeat, items answered twice, the rules on answers (asked once per distinct
combination). The second walk goes over the units (patients, sessions, forms: a tenth of the answers), judges and writes them. The
third goes over the answers, and only if some must go.
"""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from outcomes import export_date, store
from outcomes.contract import FORM
from outcomes.points import reached
from outcomes.settings import Settings
from outcomes.sieve import CODE, WHO, Sieve
from outcomes.sources import forms, native, pieces, reading
from outcomes.sources.long import long
from outcomes.sources.native import Columns, Recognised
from outcomes.sources.pieces import Facts, Piece
from outcomes.sources.raw import Raw, Runs, open_raw
from outcomes.sources.staging import Staged
from outcomes.sources.verdicts import Refused
from outcomes.store import Verdict
from outcomes.withdrawal import NOBODY, Register

if TYPE_CHECKING:
    from outcomes.instruments import Library
    from outcomes.settle import Account

REJECT: Final = pl.Schema(
    {
        "source_line": pl.Int64(),
        "rows": pl.Int32(),
        "code": pl.String(),
        "severity": pl.String(),
        "column": pl.String(),
        "message": pl.String(),
    }
)


@dataclass(frozen=True)
class Run:
    """What a file needs to know of the run: the date it looks back from, its number among the runs, and who has withdrawn."""

    as_of: dt.date
    arrival: int
    withdrawn: Register = NOBODY


def take_in(staged: Staged, file_name: str, settings: Settings, library: "Library", run: Run) -> Verdict:
    """The verdict of a file, committed. Bytes that are taken in already change nothing and give the verdict of then.

    Nothing about the file's content is raised or logged; what can't be read is a verdict. Once somebody has withdrawn, the verdict says
    of every file that holds them, or of which not all was read, that its raw bytes are not kept: the caller removes them.
    """
    data = settings.paths.data
    if (before := store.committed(data, staged.ingest_id)) is not None:
        return before
    file_name = file_name.encode("utf-8", "replace").decode("utf-8")
    named = run.withdrawn.without(file_name)
    verdict = Verdict(staged.ingest_id, named, staged.bytes, "refused", as_of=run.as_of, raw_removed=named != file_name)
    try:
        known = native.recognise(file_name, settings)
        verdict = replace(verdict, table=known.table.name)
        raw = open_raw(staged, Path(file_name).suffix, settings.limits)
        verdict = replace(verdict, format=raw.format, encoding=raw.encoding)
        columns = native.map_header(raw.header, known, library)
        unknown = tuple(map(run.withdrawn.without, columns.unknown))
        verdict = replace(verdict, shape=columns.shape, unknown_columns=len(unknown), unknown_column_names=unknown)
        return _read_and_commit(raw, known, columns, verdict, settings, library, run)
    except Refused as refusal:
        store.discard(store.draft(data, "clean", staged.ingest_id))
        day, arrival = export_date.of_file(file_name, None, run)
        return store.refuse(
            data,
            replace(verdict, code=refusal.code, message=refusal.message, exported_on=day, arrival=arrival, raw_removed=bool(run.withdrawn)),
        )


def _read_and_commit(
    raw: Raw, known: Recognised, columns: Columns, verdict: Verdict, settings: Settings, library: "Library", run: Run
) -> Verdict:
    from outcomes.parts import Parts, ahead
    from outcomes.settle import Account, settle

    data, account, facts = settings.paths.data, Account(), Facts(library)
    folder = store.draft(data, "clean", verdict.ingest_id)
    # Only the rows of the long shape are many.
    numbers = [columns.columns[name] for name in ("item", "answer")] if columns.shape == "long" else []
    raw.only(columns.positions, numbers, numbers)
    latest, sieve = export_date.Latest(known.custom), Sieve(run.withdrawn)
    parts = Parts(folder, known.table, facts, verdict.source_file, verdict.ingest_id)
    for piece in ahead(_pieces(ahead(raw.batches), known, columns, facts, latest, sieve)):
        parts.add(piece)
        account.add(piece)
    reached("file read")
    _unread_rows(raw, account)
    day, arrival = export_date.of_file(verdict.source_file, latest.value, run)
    account.withdrawn = sieve.rows
    noted = {
        (CODE, WHO): sieve.rows,
        ("N05", ""): columns.beyond,
        ("N07", ""): int(day > run.as_of),
        ("N08", native.EXPORTED_AT): latest.unread,
    }
    account.notes.update({key: count for key, count in noted.items() if count})
    settle(parts, account, run.as_of, folder, columns.shape)
    reached("rows judged")
    verdict = replace(
        verdict,
        status="accepted",
        raw_removed=verdict.raw_removed or (bool(run.withdrawn) and _may_hold_them(raw, columns, sieve)),
        exported_on=day,
        arrival=arrival,
        rows=account.rows,
        rules=tuple(account.rules.values()),
        notes=tuple(_note(code, column, count) for (code, column), count in sorted(account.notes.items()) if count),
    )
    if account.refusal is None:
        return store.commit(data, folder, verdict, _rejects(data, verdict, account))
    store.discard(folder)
    counts = {**account.rows, "accepted": 0, "duplicate": 0, "rejected": account.rows_in}
    verdict = replace(
        verdict,
        status="refused",
        raw_removed=bool(run.withdrawn),
        code=account.refusal["code"],
        message=account.refusal["message"],
        rows=counts,
    )
    return store.refuse(data, verdict, _rejects(data, verdict, account))


def _may_hold_them(raw: Raw, columns: Columns, sieve: Sieve) -> bool:
    """Whether the bytes of a file hold somebody who has withdrawn, or something of it was not read, so that nobody knows."""
    return sieve.rows > 0 or raw.problems.height > 0 or bool(columns.unknown)


def _unread_rows(raw: Raw, account: "Account") -> None:
    """Adds what the reader could not read, and what it noted, to the account."""
    problems = raw.problems.with_columns(unit=pl.lit(None, pl.Int64), column=pl.lit(""), rows=pl.lit(1, pl.Int32))
    account.lost.append(problems.select(pieces.LOST.names()))
    account.rows_in += problems.height
    account.rejected += problems.height
    account.notes.update({(code, ""): count for code, count in raw.notes.items() if count})


def _pieces(
    batches: Iterator[pl.DataFrame | Runs],
    known: Recognised,
    columns: Columns,
    facts: Facts,
    latest: "export_date.Latest",
    sieve: Sieve,
) -> Iterator[Piece]:
    """The file's batches, their columns under our names, without the rows of those who have withdrawn, as pieces of its shape."""
    items = {f"c{position}" for position in columns.items.values()}
    names = {f"c{position}": name for name, position in columns.columns.items() if f"c{position}" not in items}

    sifted = (left for batch in batches if (left := sieve.sift(batch.rename(names))) is not None)
    batches = (_without_export_date(batch, latest) for batch in sifted)
    if known.table is FORM and columns.shape == "long":
        return long(batches, known.custom, facts)
    frames = (batch for batch in batches if isinstance(batch, pl.DataFrame))
    if known.table is not FORM:
        return pieces.rows_of(known.table, frames, known.custom)
    if columns.shape == "wide":
        return forms.wide(frames, columns, known.custom, facts)
    return forms.totals(frames, known.custom, facts)


def _without_export_date(batch: pl.DataFrame | Runs, latest: "export_date.Latest") -> pl.DataFrame | Runs:
    """The batch without `exported_at`, which was noted."""
    heads = batch.heads if isinstance(batch, Runs) else batch
    if native.EXPORTED_AT not in heads.columns:
        return batch
    latest.see(heads[native.EXPORTED_AT])
    return batch.drop(native.EXPORTED_AT)


def _note(code: str, column: str, count: int) -> dict[str, Any]:
    return {"code": code, "column": column, "message": reading.verdicts()[code].message, "count": count}


def _rejects(data: Path, verdict: Verdict, account: "Account") -> Path | None:
    """The list of rejected rows as Parquet and CSV in a folder of its own, or None where there are none."""
    lost = pl.concat(account.lost) if account.lost else pl.DataFrame(schema=pieces.LOST)
    if not lost.height:
        return None
    codes = lost["code"].unique().to_list()
    said = pl.DataFrame([(code, *_sentence(code, account)) for code in codes], schema=["code", "severity", "message"], orient="row")
    listed = lost.join(said, on="code").sort("source_line", "code", "column").select(REJECT.names())
    folder = store.draft(data, "quarantine", verdict.ingest_id)
    listed.write_parquet(folder / "reject.parquet", compression="zstd")
    listed.write_csv(folder / "reject.csv")
    return folder


def _sentence(code: str, account: "Account") -> tuple[str, str]:
    if code in account.rules:
        return account.rules[code]["severity"], account.rules[code]["message"]
    said = reading.verdicts()[code]
    return said.severity, said.message
