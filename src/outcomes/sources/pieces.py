"""What the shapes of an export have in common: the piece that one batch of rows becomes, and the numbers that mean a missing value.

A *unit* is what a clean table has one row of: a patient, a session, a form. It may stand on many rows of the export (`rows`).
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

import polars as pl

from outcomes import instruments
from outcomes.contract import ANSWER, FORM, SCORE, TEXT, WHOLE, Table
from outcomes.instruments import Library, normalise
from outcomes.sources import fingerprint, reading, values
from outcomes.sources.times import Custom

Notes = Counter[tuple[str, str]]

LOST: Final = pl.Schema({"unit": pl.Int64(), "source_line": pl.Int64(), "code": pl.String(), "column": pl.String(), "rows": pl.Int32()})
"""Why rows of the export are not taken in; `rows` is how many, all counted from `source_line` on."""

ANSWERS: Final = pl.Schema(
    {"form_row": pl.Int64(), "questionnaire": pl.Int32(), "item": pl.Int16(), "answer": pl.Int16(), "source_line": pl.Int64()}
)


@dataclass
class Piece:
    """What a batch became. `units`: typed rows of the clean table with `unit` (its number in the file), source_line, rows, bad, head
    (fingerprint of all but the answers) and answers_sum; `bad` of its `rows` are among `lost` already. `gone` rows belong to units
    that are not in `units`. `doubtful` are units that may hold one item twice."""

    units: pl.DataFrame
    lost: pl.DataFrame
    gone: int = 0
    answers: pl.DataFrame | None = None
    doubtful: tuple[int, ...] = ()
    notes: Notes = field(default_factory=Counter)
    rows: int = 0


@dataclass(frozen=True)
class Facts:
    """What reading a questionnaire needs to know of the library."""

    library: Library

    @cached_property
    def ids(self) -> list[str]:
        """What clean tables may call a form: questionnaires and their codings."""
        return list(self.library.forms)

    @cached_property
    def by_alias(self) -> dict[str, str]:
        frame = instruments.aliases(self.library)
        return dict(zip(frame["alias"], frame["questionnaire_id"], strict=True))

    @cached_property
    def items(self) -> pl.DataFrame:
        """questionnaire (place in `ids`), item, answer_min, answer_max."""
        place = pl.col("questionnaire_id").replace_strict(self.ids, range(len(self.ids)), return_dtype=pl.Int32)
        return instruments.item_facts(self.library).select(place.alias("questionnaire"), "item", "answer_min", "answer_max")

    @cached_property
    def totals(self) -> pl.DataFrame:
        return instruments.total_facts(self.library)

    @cached_property
    def codings(self) -> dict[tuple[str, str], str]:
        return instruments.versions(self.library)

    @cached_property
    def untold(self) -> pl.DataFrame:
        return instruments.untold(self.library)

    @cached_property
    def words(self) -> dict[tuple[int, str], int]:
        places = {name: place for place, name in enumerate(self.ids)}
        return {(places[q], label): answer for q, label, answer in instruments.labels(self.library).iter_rows()}


def schema(table: Table) -> pl.Schema:
    """The columns of `Piece.units`."""
    own = {c.name: c.type for c in table.columns if c.name not in ("form_row", "answers")}
    more = {"unit": pl.Int64(), "source_line": pl.Int64(), "rows": pl.Int32(), "bad": pl.Int32(), "head": pl.UInt64()}
    return pl.Schema({**own, **more, **({"answers": WHOLE, "answers_sum": pl.UInt64()} if table is FORM else {})})


def rows_of(table: Table, batches: Iterator[pl.DataFrame], custom: Custom) -> Iterator[Piece]:
    """One unit per row: patients, sessions, adverse events."""
    for batch in batches:
        typed = values.read(batch, table.readable, custom)
        frame = _without_missing_numbers(table, typed.frame, typed.notes)
        yield settled(
            table, with_every_column(table, frame).with_columns(unit=pl.col("source_line")), typed.faults, typed.notes, batch.height
        )


def settled(table: Table, frame: pl.DataFrame, faults: pl.DataFrame, notes: Notes, rows: int) -> Piece:
    """The piece of a frame in which each row is a unit of one row of the export; rows with a fault are lost."""
    numbered = frame.with_columns(rows=pl.lit(1, pl.Int32), bad=pl.lit(0, pl.Int32))
    names = [c.name for c in table.columns if c.name in frame.columns and c.name != "answers"]
    numbered = numbered.with_columns(fingerprint.of_rows(frame.select(names)).alias("head"))
    wrong = faults["row"].unique().sort()
    lost = faults.join(numbered.select("unit", "source_line", "rows").with_row_index("row"), on="row", maintain_order="left")
    good = numbered.filter(~pl.int_range(pl.len()).is_in(wrong.implode())) if wrong.len() else numbered
    return Piece(good.select(n for n in schema(table) if n in good.columns), lost.select(LOST.names()), wrong.len(), notes=notes, rows=rows)


def with_every_column(table: Table, frame: pl.DataFrame) -> pl.DataFrame:
    """The frame with all columns of the table, null where the export has none."""
    absent = [
        pl.lit(None, c.type).alias(c.name) for c in table.columns if c.name not in frame.columns and c.name not in ("form_row", "answers")
    ]
    return frame.with_columns(absent)


def heads(texts: pl.DataFrame, custom: Custom, facts: Facts, several: bool = False) -> values.Typed:
    """Forms without their answers, typed: aliases translated, a coding that the version tells put in its questionnaire's place, `scale_id`
    filled in, totals that mean missing set to null, `form_id` made.

    `several` says that one line holds forms of several questionnaires, so that an identifier of the line is not one of a form.
    """
    typed = values.read(texts, FORM.readable, custom)
    frame = with_every_column(FORM, typed.frame)
    written = frame["instrument_id"].unique().drop_nulls().to_list()
    known = {name: facts.by_alias.get(normalise(name), name) for name in written}
    frame = frame.with_columns(pl.col("instrument_id").replace(list(known), list(known.values())), pl.col("scale_id").fill_null("total"))
    frame = _without_missing_totals(_with_coding(frame, facts), facts, typed.notes)
    return values.Typed(_with_form_id(frame, several), typed.faults, typed.notes)


def _with_coding(frame: pl.DataFrame, facts: Facts) -> pl.DataFrame:
    """The frame with the id of a coding in place of its questionnaire's, where `instrument_version` tells one."""
    coded = {questionnaire for questionnaire, _ in facts.codings}
    hit = frame["instrument_id"].is_in(sorted(coded)) & frame["instrument_version"].is_not_null()
    if not hit.any():
        return frame
    pairs = frame.filter(hit).select("instrument_id", "instrument_version").unique()
    told = pairs.with_columns(
        coding=pl.Series([facts.codings.get((one, normalise(version))) for one, version in pairs.iter_rows()], dtype=TEXT)
    )
    frame = frame.join(told, on=["instrument_id", "instrument_version"], how="left", maintain_order="left")
    return frame.with_columns(pl.coalesce("coding", "instrument_id").alias("instrument_id")).drop("coding")


def _with_form_id(frame: pl.DataFrame, several: bool) -> pl.DataFrame:
    named = pl.col("form_id") + (":" + pl.col("instrument_id") if several else "")
    named = named + pl.when(pl.col("scale_id") == "total").then(pl.lit("")).otherwise(":" + pl.col("scale_id"))
    if not frame["form_id"].null_count():
        return frame.with_columns(named.alias("form_id")) if several or (frame["scale_id"] != "total").any() else frame
    basis = frame.select("patient_id", "instrument_id", "scale_id", "answered_at", "answered_on")
    can = pl.all_horizontal(pl.col("patient_id", "instrument_id", "answered_on").is_not_null())
    made = pl.when(can).then(pl.lit("made-") + fingerprint.of_rows(basis).cast(pl.String))
    return frame.with_columns(pl.coalesce(named, made).alias("form_id"))


def _without_missing_totals(frame: pl.DataFrame, facts: Facts, notes: Notes) -> pl.DataFrame:
    codes = pl.Series(reading.missing_numbers()).cast(SCORE)
    rows = frame["reported_total"].is_in(codes.implode()).arg_true()
    if not rows.len():
        return frame
    keys = {"instrument_id": "questionnaire_id", "scale_id": "scale_id"}
    asked = frame.select(*keys, "reported_total").gather(rows)
    asked = asked.join(facts.totals, left_on=list(keys), right_on=list(keys.values()), how="left", maintain_order="left")
    outside = asked.select(~pl.col("reported_total").is_between("total_min", "total_max")).to_series().fill_null(False)
    notes["N02", "reported_total"] += int(outside.sum())
    missing = pl.int_range(pl.len()).is_in(rows.filter(outside).implode())
    return frame.with_columns(pl.when(~missing).then("reported_total").alias("reported_total"))


def _without_missing_numbers(table: Table, frame: pl.DataFrame, notes: Notes) -> pl.DataFrame:
    """Measurements with a missing-value number outside their range set to null."""
    cleaned = []
    for name, (low, high) in reading.ranges(table.name).items():
        if name in frame.columns and (numbers := [n for n in reading.missing_numbers() if not low <= n <= high]):
            hit = frame[name].is_in(pl.Series(numbers).cast(frame.schema[name]).implode()).fill_null(False)
            if hit.any():
                notes["N02", name] += int(hit.sum())
                cleaned.append(pl.when(~hit).then(name).alias(name))
    return frame.with_columns(cleaned)


@dataclass
class Answered:
    """Answers as numbers (null: blank or not readable), codes of those not readable, and how many were a number for missing."""

    answer: pl.Series
    codes: pl.Series | None
    missing: int = 0


def answered(texts: pl.Series, item: pl.Series, questionnaire: pl.Series, facts: Facts) -> Answered:
    """Answers from their texts: numbers, words that the questionnaire lists, or blank. `questionnaire` is a place in `Facts.ids`."""
    texts = texts.alias("answer")
    answer, codes = texts.cast(ANSWER.schema["answer"], strict=False), None
    if answer.null_count() > texts.null_count():
        left = (answer.is_null() & texts.is_not_null()).arg_true()
        slow, slow_codes = _words(values.blank_to_null(texts.gather(left))[0], questionnaire.gather(left), facts)
        answer = answer.scatter(left, slow)
        if slow_codes is not None:
            codes = pl.Series("code", [None], dtype=pl.String()).new_from_index(0, len(texts)).scatter(left, slow_codes)
    low, high = answer.min(), answer.max()
    numbers = [n for n in reading.missing_numbers() if low is not None and low <= n <= high]  # type: ignore[operator]
    if not numbers:
        return Answered(answer, codes)
    rows = answer.is_in(pl.Series(numbers, dtype=answer.dtype).implode()).fill_null(False).arg_true()
    asked = pl.DataFrame({"questionnaire": questionnaire.gather(rows), "item": item.gather(rows), "answer": answer.gather(rows)})
    asked = asked.join(facts.items, on=["questionnaire", "item"], how="left", maintain_order="left")
    outside = asked.select(~pl.col("answer").is_between("answer_min", "answer_max")).to_series().fill_null(False)
    return Answered(answer.scatter(rows.filter(outside), None), codes, int(outside.sum()))


def _words(texts: pl.Series, questionnaire: pl.Series, facts: Facts) -> tuple[pl.Series, pl.Series | None]:
    asked = pl.DataFrame({"text": texts, "questionnaire": questionnaire})
    distinct = asked.unique().drop_nulls("text")
    known = [facts.words.get((place, normalise(text))) for text, place in distinct.select("text", "questionnaire").iter_rows()]
    distinct = distinct.with_columns(word=pl.Series(known, dtype=pl.Int16()))
    words = asked.join(distinct, on=["text", "questionnaire"], how="left", nulls_equal=True, maintain_order="left")["word"]
    rest = asked.select(pl.when(words.is_null()).then("text").alias("answer")).to_series()
    numbers, codes = values.whole(rest, pl.Int16())
    made = pl.select(pl.coalesce(words, numbers)).to_series()
    return made, None if codes is None else codes.replace("R01", "R13")
