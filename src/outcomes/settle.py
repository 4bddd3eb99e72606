"""The unjudged parts of one file in; its clean Parquet files out, with every row counted once and every lost row explained."""

from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl

from outcomes import untold, validate
from outcomes.contract import ANSWER, FORM
from outcomes.parts import Parts, Writer, ahead, arrow_batches, as_arrow
from outcomes.sources import fingerprint, repeats
from outcomes.sources.pieces import LOST, Piece
from outcomes.sources.repeats import Repeats
from outcomes.validate import Verdict

if TYPE_CHECKING:
    import datetime as dt
    from pathlib import Path

    import pyarrow as pa

SHARE: Final = 1_500_000
TWICE: Final = pl.Schema({"form_row": pl.Int64(), "source_line": pl.Int64(), "item": pl.Int16(), "answer": pl.Int16()})


@dataclass
class Account:
    """Where the rows of a file went, and why. `lost` frames are LOST; `outside_share` of the rejected rows say nothing about the file.

    `withdrawn` rows were left out unread, since those they are about have withdrawn; they are not among `rows_in`.
    """

    rows_in: int = 0
    accepted: int = 0
    duplicate: int = 0
    rejected: int = 0
    outside_share: int = 0
    withdrawn: int = 0
    lost: list[pl.DataFrame] = field(default_factory=list)
    rules: dict[str, dict[str, Any]] = field(default_factory=dict)
    notes: Counter[tuple[str, str]] = field(default_factory=Counter)

    @property
    def rows(self) -> dict[str, int]:
        counted = {"accepted": self.accepted, "duplicate": self.duplicate, "rejected": self.rejected}
        return {"in": self.rows_in + self.withdrawn, **counted, **({"withdrawn": self.withdrawn} if self.withdrawn else {})}

    def add(self, piece: Piece) -> None:
        self.rows_in += piece.rows
        self.rejected += piece.gone
        self.notes.update(piece.notes)
        if piece.lost.height:
            self.lost.append(piece.lost)

    def heard(self, results: list[validate.RuleResult]) -> None:
        """Adds what the rules on rows said of a batch."""
        for result in results:
            rule = self.rules.setdefault(result.code, {**asdict(result), "checked": 0, "violated": 0})
            rule["checked"] += result.checked
            rule["violated"] += result.violated

    @property
    def refusal(self) -> dict[str, Any] | None:
        """The rule that refuses the file, if one does."""
        return next((rule for rule in self.rules.values() if rule["severity"] == "file" and rule["violated"]), None)


@dataclass
class Answers:
    """Answers that must go: `lost` with their code, `duplicates` as TWICE; form_row is that of the whole form."""

    lost: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=LOST))
    duplicates: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=TWICE))


def settle(parts: Parts, account: Account, as_of: "dt.date", folder: "Path", shape: str) -> None:
    """Writes `<table>.parquet` (a form's also `answer.parquet`) into the folder and completes the account; the parts are gone after."""
    parts.close()
    if shape == "long":
        with ThreadPoolExecutor(1) as helper:
            repeating = helper.submit(_runs, parts)
            lost = _broken_answers(parts, account)
        found = repeating.result()
        answers = _answers_of_runs(parts, found, lost)
    else:
        answers = Answers(_broken_answers(parts, account).unique(["unit", "code"], maintain_order=True))
        found = _rows(parts, as_of, answers.lost["unit"])
        # In these shapes a row is a whole form, so a bad answer costs the form.
        found.lost = pl.concat([found.lost, answers.lost])
        answers = Answers()
    account.lost += [frame for frame in (found.lost, answers.lost) if frame.height]
    gone = _units(parts, account, found, answers, as_of, folder)
    if parts.table is FORM:
        _answers(parts, found, answers, gone, folder)
    for path in parts.units:
        path.unlink()
    account.heard(validate.judge_file(parts.table.name, account.rows_in, account.rejected - account.outside_share))


def _runs(parts: Parts) -> Repeats:
    """Forms of the long shape that stand in several places. A file sorted by item has only such forms, so it is done in shares."""
    keys = parts.keys
    twice = repeats.repeated(keys)
    if not twice.size:
        return Repeats()
    shares = 1 + keys.size // SHARE
    found = [repeats.of_runs(_with_keys(parts, twice[twice % shares == share])) for share in range(shares)]
    into = np.arange(parts.highest + 1)
    for _, merged, _ in found:
        into[merged["unit"].to_numpy()] = merged["into"].to_numpy()
    return Repeats(pl.concat([lost for lost, _, _ in found]), into=into, whole=pl.concat([whole for _, _, whole in found]).sort("unit"))


def _rows(parts: Parts, as_of: "dt.date", broken: pl.Series) -> Repeats:
    """Units of one row that share a key. A unit that breaks a rule is no witness against another."""
    twice = repeats.repeated(parts.keys)
    if not twice.size:
        return Repeats()
    units = _with_keys(parts, twice, whole=True).filter(~pl.col("unit").is_in(broken.implode()))
    judgement = validate.judge(_with_facts(units, parts, as_of), parts.table.name)
    broken_too = _of_rows(judgement.violations, judgement.results)["row"]
    return repeats.of_rows(units.filter(~pl.int_range(pl.len()).is_in(broken_too.implode())), parts.table.key[0])


def _with_keys(parts: Parts, keys: repeats.Keys, whole: bool = False) -> pl.DataFrame:
    names = [name for name in parts.schema if name in ("unit", "key", "head", "source_line", *repeats.COUNTS)]
    scan = pl.scan_ipc(parts.units).select(parts.schema.names() if whole else names)
    return scan.filter(pl.col("key").is_in(pl.Series(keys).implode())).collect().sort("unit")


def _answers_of_runs(parts: Parts, found: Repeats, lost: pl.DataFrame) -> Answers:
    """Answers of the long shape that break a rule, which are `lost`, or that stand twice in their form."""
    lost = lost.with_columns(found.form_of(lost["unit"]))
    forms = _with_an_item_twice(parts, found)
    if not forms.size:
        return Answers(lost)
    several = pl.concat(_answers_of(table, found, forms) for table in arrow_batches(parts.answers))
    # An answer that breaks a rule is no witness against another.
    contradictory, duplicates = repeats.of_answers(several.filter(~pl.col("source_line").is_in(lost["source_line"].implode())))
    return Answers(pl.concat([lost, contradictory]).sort("source_line", "code"), duplicates)


def _with_an_item_twice(parts: Parts, found: Repeats) -> npt.NDArray[np.int64]:
    """The forms with an item more than once, among those that stand in several places or seemed doubtful while they were read."""
    asked = np.zeros(parts.highest + 1, dtype=bool)
    asked[list(parts.doubtful)] = True
    asked[found.whole["unit"].to_numpy()] = True
    if not asked.any():
        return np.empty(0, dtype=np.int64)
    forms, items = [], []
    for table in arrow_batches(parts.answers):
        form = found.form_of(_column(table, "form_row")).to_numpy()
        forms.append(form[asked[form]])
        items.append(_column(table, "item").fill_null(0).to_numpy()[asked[form]])
    return repeats.twice_in_a_form(np.concatenate(forms), np.concatenate(items))


def _answers_of(table: "pa.Table", found: Repeats, forms: npt.NDArray[np.int64]) -> pl.DataFrame:
    answers = pl.DataFrame([_column(table, name) for name in ("form_row", "item", "answer", "source_line")])
    answers = answers.with_columns(found.form_of(answers["form_row"]))
    return answers.filter(pl.col("form_row").is_in(pl.Series(forms).implode()))


def _column(table: "pa.Table", name: str) -> pl.Series:
    series = pl.from_arrow(table.column(name))
    assert isinstance(series, pl.Series)
    return series.alias(name)


def _broken_answers(parts: Parts, account: Account) -> pl.DataFrame:
    """The answers that break a rule, as LOST; answers of questionnaires that are not installed are left to the rule on forms."""
    if not parts.has_answers:
        return pl.DataFrame(schema=LOST)
    names = pl.DataFrame({"instrument_id": parts.facts.ids}).with_row_index("questionnaire").cast({"questionnaire": pl.Int32})
    combinations = parts.combinations.join(names, on="questionnaire").join(parts.facts.items, on=["questionnaire", "item"], how="left")
    combinations = combinations.sort("instrument_id", "item", "answer")
    judgement = validate.judge(combinations, ANSWER.name, weight="rows")
    account.heard([result for result in judgement.results if not _about_file(result)])
    broken = _of_rows(judgement.violations, judgement.results)
    if not broken.height:
        return pl.DataFrame(schema=LOST)
    bad = combinations.with_row_index("row").join(broken, on="row").select("instrument_id", "item", "answer", "code")
    lines = pl.scan_parquet(parts.answers).join(bad.lazy(), on=["instrument_id", "item", "answer"], nulls_equal=True)
    more = {"column": pl.lit("answer"), "rows": pl.lit(1, pl.Int32)}
    return lines.select(pl.col("form_row").alias("unit"), "source_line", "code", **more).collect().sort("source_line", "code")


def _about_file(result: validate.RuleResult) -> bool:
    return any(rule.code == result.code and rule.about == "file" for rule in validate.suite(result.table))


def _of_rows(violations: pl.DataFrame, results: Sequence[validate.RuleResult]) -> pl.DataFrame:
    """The violations that cost a row."""
    return violations.filter(pl.col("code").is_in([result.code for result in results if result.severity == "row"]))


def _units(parts: Parts, account: Account, found: Repeats, answers: Answers, as_of: "dt.date", folder: "Path") -> pl.Series:
    """Judges and writes the units; gives those that are not kept, as a sorted series."""
    changes = _changes(answers)
    unjudged = ahead(_unjudged(parts, account, found, changes, as_of))
    seen = [validate.look(units, parts.table.name, weight="source_rows") for units in unjudged]
    verdict = validate.judge_seen(parts.table.name, seen)
    account.heard(verdict.results)
    gone = [found.lost["unit"], found.duplicates["unit"]]
    writer: Writer | None = None
    for rows in ahead(_finished(units, parts) for units in _kept(parts, account, found, changes, verdict, as_of, gone)):
        writer = writer or Writer(folder / f"{parts.table.name}.parquet", rows.schema)
        writer.add(rows)
    if writer:
        writer.close()
    return pl.concat(gone).unique().sort()


def _unjudged(parts: Parts, account: Account, found: Repeats, changes: pl.DataFrame, as_of: "dt.date") -> Iterator[pl.DataFrame]:
    """The units that stand, with what rules compare them to; those that contradict or repeat others go to the account."""
    for units in parts.unit_batches():
        if found:
            account.rejected += _rows_of(units, found.lost)
            account.duplicate += _rows_of(units, found.duplicates)
        yield _with_facts(_standing(units, found, changes), parts, as_of)


def _rows_of(units: pl.DataFrame, some: pl.DataFrame) -> int:
    return int(units.filter(pl.col("unit").is_in(some["unit"].implode()))["rows"].sum())


def _standing(units: pl.DataFrame, found: Repeats, changes: pl.DataFrame) -> pl.DataFrame:
    """The units without those that contradict or repeat others, each with the counts of all its rows."""
    if found:
        gone = pl.concat([found.lost["unit"], found.duplicates["unit"]])
        units = units.filter(~pl.col("unit").is_in(gone.implode()) & (pl.col("unit") == found.form_of(units["unit"])))
    if found.whole.height and units.height:
        near = pl.col("unit").is_between(units["unit"].min(), units["unit"].max())
        units = units.update(found.whole.filter(near), on="unit")
    return _changed(units, changes).with_columns(source_rows=pl.col("rows") - pl.col("bad") - pl.col("again"))


def _kept(
    parts: Parts, account: Account, found: Repeats, changes: pl.DataFrame, verdict: Verdict, as_of: "dt.date", gone: list[pl.Series]
) -> Iterator[pl.DataFrame]:
    """The units that stay, in bounded batches; those that break a rule go to the account and to `gone`."""
    for units in parts.unit_batches():
        units = _standing(units, found, changes)
        if any(result.violated and result.severity == "row" for result in verdict.results):
            broken = _of_rows(validate.violations(_with_facts(units, parts, as_of), verdict), verdict.results)
            units = _without_broken(units, broken, account, gone) if broken.height else units
        account.accepted += int(units["source_rows"].sum())
        account.rejected += int(units["bad"].sum())
        account.duplicate += int(units["again"].sum())
        yield units


def _without_broken(units: pl.DataFrame, broken: pl.DataFrame, account: Account, gone: list[pl.Series]) -> pl.DataFrame:
    """The units that break no rule; those that do go to the account and to `gone`."""
    tables = {str(rule["table"]) for rule in account.rules.values()}
    forgiven = [rule.code for table in tables for rule in validate.suite(table) if not rule.in_share]
    columns = {code: rule["column"] for code, rule in account.rules.items()}
    out = units.with_row_index("row").join(broken, on="row", maintain_order="left")
    account.lost.append(out.with_columns(column=pl.col("code").replace_strict(columns)).select(LOST.names()))
    each = out.group_by("unit").agg(pl.col("code").is_in(forgiven).all().alias("forgiven"), pl.col("rows").first())
    account.outside_share += int(each.filter("forgiven")["rows"].sum())
    account.rejected += int(each["rows"].sum())
    gone.append(each["unit"])
    return units.filter(~pl.col("unit").is_in(each["unit"].implode()))


def _changes(answers: Answers) -> pl.DataFrame:
    """Per form, how many of its answers are rejected and how many are duplicates, and the fingerprints of the latter."""
    lines = answers.lost.unique(["unit", "source_line"]).group_by("unit").agg(less=pl.len().cast(pl.Int32))
    twice = answers.duplicates
    pairs = pl.Series("pairs", fingerprint.of_pairs(twice["item"].fill_null(0).to_numpy(), twice["answer"].to_numpy()))
    twice = (
        twice.with_columns(pairs).group_by(pl.col("form_row").alias("unit")).agg(again=pl.len().cast(pl.Int32), pairs=pl.col("pairs").sum())
    )
    return lines.join(twice, on="unit", how="full", coalesce=True)


def _changed(units: pl.DataFrame, changes: pl.DataFrame) -> pl.DataFrame:
    """The units without the answers that go; adds `again`, how many of their rows are duplicates."""
    if not changes.height:
        return units.with_columns(again=pl.lit(0, pl.Int32))
    units = units.join(changes, on="unit", how="left", maintain_order="left").with_columns(pl.col("less", "again", "pairs").fill_null(0))
    left = units["answers_sum"].to_numpy() - units["pairs"].to_numpy()
    return units.with_columns(
        bad=pl.col("bad") + pl.col("less"),
        answers=pl.col("answers") - pl.col("less") - pl.col("again"),
        answers_sum=pl.Series(left),
    )


def _with_facts(units: pl.DataFrame, parts: Parts, as_of: "dt.date") -> pl.DataFrame:
    """The units with the columns that rules compare them to."""
    units = units.with_columns(as_of=pl.lit(as_of))
    if parts.table is not FORM:
        return units
    known = pl.when(pl.col("instrument_id").is_in(parts.facts.ids)).then(True)
    keys = ["instrument_id", "scale_id"]
    totals = parts.facts.totals.rename({"questionnaire_id": "instrument_id"})
    bounds = units.select(keys).join(totals, on=keys, how="left", maintain_order="left").drop(keys)
    return untold.with_facts(units.with_columns(*bounds, questionnaire_known=known), parts)


def _finished(units: pl.DataFrame, parts: Parts) -> "pa.Table":
    """The units as rows of the clean table."""
    if parts.table is FORM:
        content = fingerprint.of_rows(units.select("head", "answers_sum"))
        units = units.with_columns(content.alias("content"), form_row=pl.col("unit"))
    else:
        units = units.with_columns(content=pl.col("head"))
    names = parts.table.schema.names()
    rows = as_arrow(units.select(name for name in names if name in units.columns))
    return parts.stamped(rows).select(names)


def _answers(parts: Parts, found: Repeats, answers: Answers, gone: pl.Series, folder: "Path") -> None:
    """`answer.parquet`: the part as it is, or without what must go and with the forms' whole numbers."""
    target = folder / "answer.parquet"
    if not (gone.len() or answers.lost.height or answers.duplicates.height or found.into is not None):
        parts.answers.replace(target)
        return
    lines = pl.concat([answers.lost["source_line"], answers.duplicates["source_line"]]).unique()
    writer: Writer | None = None
    for table in arrow_batches(parts.answers):
        form = found.form_of(_column(table, "form_row"))
        keep = ~form.is_in(gone.implode()) & ~_column(table, "source_line").is_in(lines.implode())
        if found.into is not None:
            table = table.set_column(0, "form_row", as_arrow(form.to_frame()).column(0))
        writer = writer or Writer(target, table.schema)
        writer.add(table.filter(keep.to_arrow()))
    if writer:
        writer.close()
    parts.answers.unlink()
