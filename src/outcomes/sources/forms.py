"""Questionnaire exports of the shapes total (a score per row) and wide (a line per visit) in, pieces of forms and answers out.

Unit of accounting: one row of a total; one line and questionnaire of a wide file. An answer that can't be read costs its whole line
and questionnaire, since that is the row it stands in.
"""

from collections import Counter
from collections.abc import Iterator, Mapping

import numpy as np
import polars as pl

from outcomes.contract import FORM
from outcomes.sources import fingerprint, reading, values
from outcomes.sources.native import Block, Columns
from outcomes.sources.pieces import ANSWERS, LOST, Facts, Notes, Piece, answered, heads, settled
from outcomes.sources.times import Custom

CELLS = 2_000_000


def totals(batches: Iterator[pl.DataFrame], custom: Custom, facts: Facts) -> Iterator[Piece]:
    """One form per row, without answers."""
    for batch in batches:
        typed = heads(batch, custom, facts)
        frame = typed.frame.with_columns(unit=pl.col("source_line"), answers=pl.lit(0, pl.Int32), answers_sum=pl.lit(0, pl.UInt64))
        yield settled(FORM, frame, typed.faults, typed.notes, batch.height)


def wide(batches: Iterator[pl.DataFrame], columns: Columns, custom: Custom, facts: Facts) -> Iterator[Piece]:
    """One form per line, or per line and questionnaire of which anything is filled in. Item columns are called `c<position>`."""
    blocks = columns.blocks or (None,)
    several = len({block.questionnaire_id for block in columns.blocks}) > 1
    width = len(columns.items) + sum(len(block.items) for block in columns.blocks)
    height = max(1, CELLS // max(1, width))
    number = 0
    for batch in batches:
        for lines in batch.iter_slices(height):
            pieces = [
                _block(lines, columns, block, number + place, len(blocks), custom, facts, several) for place, block in enumerate(blocks)
            ]
            number += lines.height * len(blocks)
            yield _joined(lines, pieces) if columns.blocks else pieces[0]


def _block(
    lines: pl.DataFrame, columns: Columns, block: Block | None, first: int, step: int, custom: Custom, facts: Facts, several: bool
) -> Piece:
    """The forms of one questionnaire; of a block only those lines that hold anything for it."""
    items = {f"c{position}": item for item, position in (block.items if block else columns.items).items()}
    head = lines.select(pl.exclude("^c[0-9]+$")).with_columns(unit=pl.int_range(pl.len(), dtype=pl.Int64) * step + first)
    if block:
        total = values.blank_to_null(lines[f"c{block.total}"])[0] if block.total is not None else pl.lit(None, pl.String)
        named = {"instrument_id": pl.lit(block.questionnaire_id), "scale_id": pl.lit(block.scale_id), "reported_total": total}
        head = head.with_columns(**named)
    typed = heads(head, custom, facts, several)
    typed.frame = typed.frame.with_row_index("line").with_columns(pl.col("line").cast(pl.Int64))
    cells, codes, missing, written = _cells(lines, items, typed.frame, facts)
    forms = _with_answers(typed.frame, cells)
    faults = pl.concat([typed.faults, codes])
    notes: Notes = Counter(typed.notes)
    notes["N02", "answer"] += missing
    if not block:
        return _piece(forms, faults, cells, notes)
    filled = forms.select("line").filter(pl.col("line").is_in(written.implode()) | head["reported_total"].is_not_null())["line"]
    kept = forms.filter(pl.col("line").is_in(filled.implode()))
    place = kept.select("line").with_row_index("row")
    faults = faults.select(pl.col("row").cast(pl.Int64).alias("line"), "code", "column").join(place, on="line", maintain_order="left")
    return _piece(kept, faults.select(reading.FAULTS.names()), cells, notes)


def _cells(
    lines: pl.DataFrame, items: Mapping[str, int], head: pl.DataFrame, facts: Facts
) -> tuple[pl.DataFrame, pl.DataFrame, int, pl.Series]:
    """line, questionnaire, item, answer of what is answered; faults by line; how many numbers meant missing; the lines with any text."""
    if not items:
        empty = pl.DataFrame(schema={"line": pl.Int64(), **ANSWERS})
        return empty, reading.FAULTS.to_frame(), 0, empty["line"]
    place = pl.col("instrument_id").replace_strict(facts.ids, range(len(facts.ids)), default=None, return_dtype=pl.Int32)
    keys = head.select("line", "source_line", "unit", place.alias("questionnaire"))
    cells = pl.concat([lines.select(list(items)), keys], how="horizontal").unpivot(on=list(items), index=keys.columns, value_name="text")
    cells = cells.filter(pl.col("text").is_not_null())
    cells = cells.with_columns(item=pl.col("variable").replace_strict(items, return_dtype=pl.Int16))
    read = answered(cells["text"], cells["item"], cells["questionnaire"], facts)
    codes = read.codes if read.codes is not None else pl.lit(None, pl.String)
    cells = cells.with_columns(answer=read.answer, code=codes)
    faults = cells.filter(pl.col("code").is_not_null()).select(
        pl.col("line").cast(pl.UInt32).alias("row"), "code", pl.lit("answer").alias("column")
    )
    written = cells.filter(pl.col("answer").is_not_null() | pl.col("code").is_not_null())["line"].unique()
    full = cells.filter(pl.col("answer").is_not_null()).sort("line", "item")
    full = full.select("line", pl.col("unit").alias("form_row"), *[name for name in ANSWERS if name != "form_row"])
    return full, faults.unique(maintain_order=True), read.missing, written


def _with_answers(forms: pl.DataFrame, cells: pl.DataFrame) -> pl.DataFrame:
    """The forms with how many answers they bring, and the sum of their fingerprints."""
    count, total = np.zeros(forms.height, dtype=np.int32), np.zeros(forms.height, dtype=np.uint64)
    line = cells["line"].to_numpy()
    starts = np.flatnonzero(np.r_[True, line[1:] != line[:-1]]) if line.size else np.array([], dtype=np.int64)
    if starts.size:
        count[line[starts]] = np.diff(np.r_[starts, line.size])
        total[line[starts]] = np.add.reduceat(fingerprint.of_pairs(cells["item"].to_numpy(), cells["answer"].to_numpy()), starts)
    return forms.with_columns(answers=pl.Series(count), answers_sum=pl.Series(total))


def _piece(forms: pl.DataFrame, faults: pl.DataFrame, cells: pl.DataFrame, notes: Notes) -> Piece:
    piece = settled(FORM, forms, faults, +notes, forms.height)
    piece.answers = cells.join(piece.units.select("unit"), left_on="form_row", right_on="unit", how="semi", maintain_order="left").select(
        ANSWERS.names()
    )
    return piece


def _joined(lines: pl.DataFrame, pieces: list[Piece]) -> Piece:
    """One piece of the forms of several questionnaires, line by line; lines with none of them are lost (R14)."""
    units = pl.concat([piece.units for piece in pieces]).sort("unit")
    lost = pl.concat([piece.lost for piece in pieces])
    seen = pl.concat([units["source_line"], lost["source_line"]]).unique()
    bare = lines.select("source_line").filter(~pl.col("source_line").is_in(seen.implode()))
    empty = bare.select(
        pl.lit(None, pl.Int64).alias("unit"),
        "source_line",
        pl.lit("R14").alias("code"),
        pl.lit("answer").alias("column"),
        pl.lit(1, pl.Int32).alias("rows"),
    )
    answers = pl.concat([piece.answers for piece in pieces if piece.answers is not None]).sort("form_row", "item")
    notes: Notes = sum((piece.notes for piece in pieces), Counter())
    gone = sum(piece.gone for piece in pieces) + bare.height
    rows = sum(piece.rows for piece in pieces) + bare.height
    return Piece(units, pl.concat([lost, empty.select(LOST.names())]).sort("source_line", "unit", "code"), gone, answers, (), notes, rows)
