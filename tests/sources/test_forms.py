"""The three shapes of a questionnaire export: a few rows, and the forms and answers they become."""

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from intake_tools import library

from outcomes.sources import forms, native
from outcomes.sources.long import long
from outcomes.sources.pieces import Facts, Piece
from outcomes.sources.times import Custom

FACTS = Facts(library())
HEAD = ["patient_id", "instrument_id", "answered_at"]


def frames(text: str, height: int = 1000) -> list[pl.DataFrame]:
    """Lines of `a|b|c`, the first one the header, as batches of so many rows."""
    header, *lines = [line.strip().split("|") for line in text.strip().splitlines()]
    cells = [[cell or None for cell in line] for line in lines]
    frame = pl.DataFrame(cells, schema=dict.fromkeys(header, pl.String), orient="row")
    frame = frame.with_columns(pl.int_range(2, 2 + frame.height, dtype=pl.Int64).alias("source_line"))
    return list(frame.iter_slices(height))


def gathered(pieces: list[Piece]) -> tuple[list[str], list[str], list[str], int]:
    """Forms, answers and losses as texts, and the rows accounted for."""
    units = pl.concat([piece.units for piece in pieces])
    answers = pl.concat([piece.answers for piece in pieces if piece.answers is not None] or [pl.DataFrame()])
    lost = pl.concat([piece.lost for piece in pieces])
    instrument = dict(zip(units["unit"], units["instrument_id"], strict=True))
    seen = [
        f"{u['patient_id']} {u['instrument_id']}.{u['scale_id']} {u['reported_total']} {u['answers']}/{u['rows']}"
        for u in units.iter_rows(named=True)
    ]
    brought = [f"{a['source_line']}: {instrument.get(a['form_row'])} {a['item']}={a['answer']}" for a in answers.iter_rows(named=True)]
    gone = sorted(f"{row['source_line']} {row['code']} {row['column']} x{row['rows']}" for row in lost.iter_rows(named=True))
    assert sum(piece.rows for piece in pieces) == sum(piece.gone for piece in pieces) + units["rows"].sum()
    return seen, brought, gone, sum(piece.rows for piece in pieces)


def read_wide(text: str) -> tuple[list[str], list[str], list[str], int]:
    batches = frames(text)
    header = [name for name in batches[0].columns if name != "source_line"]
    columns = native.map_header(header, native.Recognised(native.FORM, Custom()), library())
    ours = {position: name for name, position in columns.columns.items()}
    names = {name: ours.get(place, f"c{place}") for place, name in enumerate(header)}
    batches = [batch.select(*[header[p] for p in columns.positions], "source_line").rename(names, strict=False) for batch in batches]
    return gathered(list(forms.wide(iter(batches), columns, Custom(), FACTS)))


def test_total() -> None:
    text = """
    patient_id|instrument_id|answered_at|reported_total|scale_id
    p1|PHQ-9|2026-01-01|12|
    p1|pcl5|2026-01-01|9|B
    p2|phq9|2026-01-01|999|
    p3|phq9|2026-01-01|x|
    p3|pain today|2026-01-01|3|
    """
    seen, answers, lost, rows = gathered(list(forms.totals(iter(frames(text)), Custom(), FACTS)))
    assert seen == [
        "p1 phq9.total 12.000000 0/1",
        "p1 pcl5.b 9.000000 0/1",
        "p2 phq9.total None 0/1",
        "p3 pain today.total 3.000000 0/1",
    ]
    assert (answers, lost, rows) == ([], ["5 R01 reported_total x1"], 5)


def test_long() -> None:
    text = """
    patient_id|instrument_id|answered_at|item|answer
    p1|PHQ-9|2026-01-01|1|0
    p1|PHQ-9|2026-01-01|2|2.0
    p1|PHQ-9|2026-01-01|3|
    p1|PHQ-9|2026-01-01|4|-9
    p1|PHQ-9|2026-01-01|5|Several days
    p1|PHQ-9|2026-01-01|6|perhaps
    p1|PHQ-9|2026-01-01|7|1.5
    p1|PHQ-9|2026-01-01|eight|1
    p2|phq9|1/2/2026|1|1
    p2|phq9|1/2/2026|2|x
    p3|phq9|2026-01-01|1|3
    """
    seen, answers, lost, rows = gathered(list(long(iter(frames(text)), Custom(), FACTS)))
    assert seen == ["p1 phq9.total None 3/8", "p3 phq9.total None 1/1"]
    assert answers == ["2: phq9 1=0", "3: phq9 2=2", "6: phq9 5=1", "12: phq9 1=3"]
    assert lost == ["10 R05 answered_at x2", "7 R13 answer x1", "8 R02 answer x1", "9 R01 item x1"]
    assert rows == 11


LONG = """
patient_id|instrument_id|answered_at|item|answer
p1|phq9|2026-01-01|1|0
p1|phq9|2026-01-01|2|1
p1|phq9|2026-01-01|2|1
p1|phq9|2026-01-02|1|x
p1|phq9|2026-01-02|2|2
p2|phq9|bad|1|2
p2|phq9|bad|2|2
p2|phq9|bad|3|2
p3|gad7|2026-01-02|1|2
p3|gad7|2026-01-02|2|
"""


@pytest.mark.parametrize("height", range(1, 11))
def test_where_a_batch_ends_changes_nothing(height: int) -> None:
    pieces = list(long(iter(frames(LONG, height)), Custom(), FACTS))
    whole = list(long(iter(frames(LONG)), Custom(), FACTS))
    assert gathered(pieces)[1:] == gathered(whole)[1:]
    units = [pl.concat([piece.units for piece in some]) for some in (pieces, whole)]
    assert units[0].equals(units[1])
    assert {unit for piece in pieces for unit in piece.doubtful} >= {0}


def test_wide_with_one_questionnaire_per_line() -> None:
    text = """
    patient_id|instrument_id|answered_at|item_1|item_2
    p1|phq9|2026-01-01|1|2
    p1|gad7|2026-01-01|NA|3
    p2|phq9|2026-01-01||
    p2|phq9|2026-01-02|x|1
    """
    seen, answers, lost, rows = read_wide(text)
    assert seen == ["p1 phq9.total None 2/1", "p1 gad7.total None 1/1", "p2 phq9.total None 0/1"]
    assert answers == ["2: phq9 1=1", "2: phq9 2=2", "3: gad7 2=3"]
    assert (lost, rows) == (["5 R13 answer x1"], 4)


def test_wide_with_several_questionnaires_per_line() -> None:
    text = """
    patient_id|form_id|answered_at|phq9_1|phq9_2|phq9_total|GAD-7_q1|pcl5_b
    p1|v1|2026-01-01|1|2|3||
    p1|v2|2026-01-02|99|||1|7
    p1|v3|2026-01-03|||||na
    p1|v4|03/04/2026|1|1||1|
    p1|v5|2026-01-05||||x|2
    """
    seen, answers, lost, rows = read_wide(text)
    assert seen == ["p1 phq9.total 3.000000 2/1", "p1 gad7.total None 1/1", "p1 pcl5.b 7.000000 0/1", "p1 pcl5.b 2.000000 0/1"]
    assert answers == ["2: phq9 1=1", "2: phq9 2=2", "3: gad7 1=1"]
    assert lost == ["4 R14 answer x1", "5 R05 answered_at x1", "5 R05 answered_at x1", "6 R13 answer x1"]
    assert rows == 1 + 2 + 1 + 2 + 2


def test_a_form_is_the_same_whatever_shape_brings_it() -> None:
    long_ = "patient_id|instrument_id|answered_at|item|answer\np|phq9|2026-01-01 10:00|2|1\np|phq9|2026-01-01 10:00|1|3"
    wide = "patient_id|instrument_id|answered_at|item_1|item_2\np|PHQ-9|2026-01-01T10:00:00|3|1"
    named = "patient_id|answered_at|phq9_1|phq9_2\np|2026-01-01T10:00:00Z|3|1.0"
    units = list(long(iter(frames(long_)), Custom(), FACTS))[-1].units
    for text in (wide, named):
        batches = frames(text)
        header = [name for name in batches[0].columns if name != "source_line"]
        columns = native.map_header(header, native.Recognised(native.FORM, Custom()), library())
        ours = {position: name for name, position in columns.columns.items()}
        batch = batches[0].rename({name: ours.get(place, f"c{place}") for place, name in enumerate(header)})
        (piece,) = forms.wide(iter([batch]), columns, Custom(), FACTS)
        for column in ("form_id", "head", "answers_sum", "answers"):
            assert piece.units[column].to_list() == units[column].to_list(), column


ANSWERS = st.sampled_from(["0", "1", "2", "3", "", "-9", "x", "NA", "1.0"])
RUNS = st.lists(
    st.tuples(st.sampled_from("pq"), st.sampled_from("12"), st.lists(st.tuples(st.integers(1, 3), ANSWERS), min_size=1, max_size=4)),
    min_size=1,
    max_size=6,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(RUNS, st.integers(1, 12))
def test_every_row_of_a_long_file_is_counted_once(runs: list[tuple[str, str, list[tuple[int, str]]]], height: int) -> None:
    lines = [f"{p}|phq9|2026-01-0{d}|{item}|{answer}" for p, d, items in runs for item, answer in items]
    pieces = list(long(iter(frames("patient_id|instrument_id|answered_at|item|answer\n" + "\n".join(lines), height)), Custom(), FACTS))
    units = pl.concat([piece.units for piece in pieces])
    answers = pl.concat([piece.answers for piece in pieces if piece.answers is not None])
    lost = pl.concat([piece.lost for piece in pieces])
    assert units["rows"].sum() == len(lines)
    assert units["bad"].sum() == lost.height == sum(line.endswith("|x") for line in lines)
    assert units["answers"].sum() == answers.height == sum(line[-1] in "0123" and not line.endswith("-9") for line in lines)
    assert answers["form_row"].is_in(units["unit"].implode()).all()
