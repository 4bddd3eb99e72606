"""Questionnaire exports of the shape long (a row per item) in, pieces of forms and answers out, at the speed of a few passes over integers.

Unit of accounting: one row. Rows that follow one another with equal head values (all columns but item and answer) are a run, and a
run is a form until `repeats` has looked: only the first row of a run is parsed, the rest of it is counted. A run may cross batches;
then its form is held open. An answer that can't be read costs its row, a head that can't be read all rows of its form.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from outcomes.contract import ANSWER, FORM
from outcomes.sources import fingerprint, values
from outcomes.sources.pieces import LOST, Facts, Notes, Piece, answered, heads, schema
from outcomes.sources.raw import Runs, begins
from outcomes.sources.times import Custom

Numbers = npt.NDArray[Any]


@dataclass
class _Open:
    """The form that the next batch may go on with: its parsed head, its head as text, its counts so far and its last item."""

    head: pl.DataFrame
    texts: tuple[str | None, ...]
    counts: "_Counts"
    questionnaire: int | None
    item: int | None


@dataclass
class _Counts:
    """Per run: rows, rows lost, answers, sum of the answers' fingerprints."""

    rows: Numbers
    bad: Numbers
    answers: Numbers
    total: Numbers

    def __getitem__(self, part: slice) -> "_Counts":
        return _Counts(self.rows[part], self.bad[part], self.answers[part], self.total[part])

    def __add__(self, other: "_Counts") -> "_Counts":
        return _Counts(self.rows + other.rows, self.bad + other.bad, self.answers + other.answers, self.total + other.total)

    def before(self, other: "_Counts") -> "_Counts":
        return _Counts(*(np.concatenate(pair) for pair in zip(vars(self).values(), vars(other).values(), strict=True)))


def long(batches: "Iterator[pl.DataFrame | Runs]", custom: Custom, facts: Facts) -> Iterator[Piece]:
    """Forms and answers, form by form as they stand in the file; the columns are named as in the contract."""
    held: _Open | None = None
    pending = pl.DataFrame(schema=LOST)
    number = 0
    for batch in batches:
        runs = batch if isinstance(batch, Runs) else _in_runs(batch)
        bounds, texts = runs.starts, runs.heads.drop("source_line")
        goes_on = held is not None and held.texts == texts.row(0)
        typed = heads(runs.heads[1:] if goes_on else runs.heads, custom, facts)
        new = _numbered(typed.frame, number)
        number += new.height
        place = _places(new["instrument_id"], facts)
        ok = np.ones(new.height, dtype=bool)
        ok[typed.faults["row"].to_numpy()] = False
        units = new["unit"].to_numpy()
        if goes_on and held:
            units = np.concatenate([held.head["unit"].to_numpy(), units])
            place = pl.concat([pl.Series([held.questionnaire], dtype=pl.Int32()), place])
            ok = np.concatenate([held.head["good"].to_numpy(), ok])
        items = _Items(runs.tail, bounds, units, place, ok, facts)
        counts = items.counts
        pending = pl.concat([pending, _of_heads(typed.faults, new)])
        new = new.with_columns(good=pl.Series(ok[len(ok) - new.height :], dtype=pl.Boolean()))
        doubtful = items.doubtful
        if goes_on and held:
            held.counts = held.counts + counts[:1]
            doubtful = (*doubtful, int(units[0])) if ok[0] and not items.after(held.item) else doubtful
            counts = counts[1:]
        done, done_counts = new[:-1], counts[: max(0, new.height - 1)]
        if held and new.height:
            done, done_counts = pl.concat([held.head, done]), held.counts.before(done_counts)
        if new.height:
            last = new.height - 1
            held = _Open(new[last:], texts.row(-1), counts[last : last + 1], place[-1], None)
        if held:
            held.item = items.last if items.last is not None else held.item
        piece, pending = _closed(done, done_counts, pending)
        piece.lost = pl.concat([piece.lost, items.lost])
        piece.answers, piece.doubtful, piece.rows = items.answers, doubtful, runs.tail.height
        piece.notes = typed.notes + items.notes
        yield piece
    if held:
        yield _closed(held.head, held.counts, pending)[0]


def _in_runs(batch: pl.DataFrame) -> Runs:
    """Rows that were read cell by cell, as runs."""
    tail = ["item", "answer", "source_line"]
    starts = np.flatnonzero(begins(batch.drop(tail)))
    return Runs(batch.drop("item", "answer")[starts], starts, batch.select(tail))


def _numbered(frame: pl.DataFrame, number: int) -> pl.DataFrame:
    own = [c.name for c in FORM.columns if c.name in frame.columns]
    unit = pl.int_range(number, number + frame.height, dtype=pl.Int64)
    return frame.select(*own, "source_line", unit.alias("unit"), fingerprint.of_rows(frame.select(own)).alias("head"))


def _places(instrument_ids: pl.Series, facts: Facts) -> pl.Series:
    return instrument_ids.replace_strict(facts.ids, range(len(facts.ids)), default=None, return_dtype=pl.Int32)


def _of_heads(faults: pl.DataFrame, new: pl.DataFrame) -> pl.DataFrame:
    lines = new.select("unit", "source_line").with_row_index("row")
    return faults.join(lines, on="row", maintain_order="left").with_columns(rows=pl.lit(None, pl.Int32)).select(LOST.names())


def _closed(done: pl.DataFrame, counts: _Counts, pending: pl.DataFrame) -> tuple[Piece, pl.DataFrame]:
    """Forms whose last row is known as a piece without answers, and the faults of heads that are still open."""
    forms = done.with_columns(
        rows=pl.Series(counts.rows, dtype=pl.Int32()),
        bad=pl.Series(counts.bad, dtype=pl.Int32()),
        answers=pl.Series(counts.answers, dtype=pl.Int32()),
        answers_sum=pl.Series(counts.total, dtype=pl.UInt64()),
    )
    good, spoiled = forms.filter("good"), forms.filter(~pl.col("good"))
    rows = spoiled.select("unit", pl.col("rows").alias("all"))
    lost = pending.join(rows, on="unit", maintain_order="left").with_columns(rows=pl.col("all")).drop("all")
    rest = pending.join(rows, on="unit", how="anti", maintain_order="left")
    return Piece(good.select(schema(FORM).names()), lost, int(spoiled["rows"].sum())), rest


class _Items:
    """The item rows of a batch: `answers` to keep, `lost` rows, `counts` per run, units that hold an item twice."""

    def __init__(self, batch: pl.DataFrame, bounds: Numbers, units: Numbers, place: pl.Series, ok: Numbers, facts: Facts) -> None:
        lengths = np.diff(np.concatenate([bounds, [batch.height]]))
        self.notes: Notes = Counter()
        item, item_codes = _item(batch["item"])
        questionnaire = _repeated(place, lengths)
        good = np.repeat(ok, lengths)
        read = answered(batch["answer"], item, questionnaire, facts)
        self.notes["N02", "answer"] += read.missing
        full = read.answer.is_not_null().to_numpy()
        keep = full & good
        bad = np.zeros(batch.height, dtype=bool)
        faults = []
        for column, codes in (("item", item_codes), ("answer", read.codes)):
            if codes is not None:
                wrong = codes.is_not_null().to_numpy() & good & ~bad
                bad |= wrong
                faults.append(_lost_rows(batch, codes, column, wrong, np.repeat(units, lengths)))
        self.lost = pl.concat([pl.DataFrame(schema=LOST), *faults])
        keep &= ~bad
        self.notes["N06", "answer"] += int(np.count_nonzero(good & ~bad & ~full))
        self.notes = +self.notes
        answers = pl.DataFrame(
            [
                pl.Series("form_row", np.repeat(units, lengths)),
                questionnaire.alias("questionnaire"),
                item.alias("item"),
                read.answer.alias("answer"),
                batch["source_line"],
            ]
        )
        whole = bool(keep.all())
        self.answers = answers if whole else answers.filter(pl.Series(keep))
        pairs = fingerprint.of_pairs(item.fill_null(0).to_numpy(), read.answer.fill_null(0).to_numpy())
        pairs = pairs if whole else np.where(keep, pairs, np.uint64(0))
        self.counts = _Counts(
            lengths,
            np.add.reduceat(bad.astype(np.int64), bounds) if faults else np.zeros(len(bounds), dtype=np.int64),
            lengths if whole else np.add.reduceat(keep.astype(np.int64), bounds),
            np.add.reduceat(pairs, bounds),
        )
        self.doubtful = _doubtful(self.answers)
        self.first, self.last = self._item_of(int(units[0]), 0), self._item_of(int(units[-1]), -1)

    def _item_of(self, unit: int, place: int) -> int | None:
        """The item of the first (0) or last (-1) answer, None if it is none of the unit's."""
        if not self.answers.height or self.answers["form_row"][place] != unit:
            return None
        return int(self.answers["item"][place] or 0)

    def after(self, item: int | None) -> bool:
        """Whether the first form's items go on above an item, as they do where a batch ends inside a form."""
        return item is None or self.first is None or self.first > item


def _repeated(place: pl.Series, lengths: Numbers) -> pl.Series:
    """Each place as often as its run has rows."""
    if place.null_count():
        return place.gather(np.repeat(np.arange(place.len()), lengths))
    return pl.Series("questionnaire", np.repeat(place.to_numpy(), lengths))


def _item(texts: pl.Series) -> tuple[pl.Series, pl.Series | None]:
    fast = texts.cast(ANSWER.schema["item"], strict=False)
    if fast.null_count() == texts.null_count():
        return fast, None
    return values.whole(values.blank_to_null(texts)[0], pl.Int16())


def _lost_rows(batch: pl.DataFrame, codes: pl.Series, column: str, wrong: Numbers, units: Numbers) -> pl.DataFrame:
    rows = pl.DataFrame([pl.Series("unit", units), batch["source_line"], codes.alias("code")]).filter(pl.Series(wrong))
    return rows.with_columns(column=pl.lit(column), rows=pl.lit(1, pl.Int32)).select(LOST.names())


def _doubtful(answers: pl.DataFrame) -> tuple[int, ...]:
    """Units with an item twice in this batch. Items that rise from row to row, as in most exports, need no search."""
    form, item = answers["form_row"].to_numpy(), answers["item"].fill_null(0).to_numpy()
    if not np.any((form[1:] == form[:-1]) & (item[1:] <= item[:-1])):
        return ()
    twice = answers.group_by("form_row", "item").len().filter(pl.col("len") > 1)
    return tuple(twice["form_row"].unique().sort().to_list())
