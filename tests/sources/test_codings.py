"""What an export must tell of its coding: no raw sum under the name of the scaled total, no turned answer unturned."""

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from intake_tools import Taken, take

T = "patient_id,instrument_id,instrument_version,answered_at,total"
L = "patient_id,form_id,instrument_id,instrument_version,answered_at,item,answer"
UNTOLD, UNFIT = "FRM-20", "FRM-21"


def who5(folder: Path, *totals: tuple[str, str, str]) -> Taken:
    """A file of totals: name, version and total of each."""
    lines = [f"p{place},{name},{version},2025-05-01,{total}" for place, (name, version, total) in enumerate(totals)]
    return take(folder, "questionnaires.csv", "\n".join([T, *lines]))


def kept(taken: Taken) -> list[tuple[str, Decimal]]:
    form = taken.frames.get("form")
    return [] if form is None else list(form.sort("patient_id").select("instrument_id", "reported_total").iter_rows())


@pytest.mark.parametrize(
    ("totals", "codes"),
    [
        pytest.param(["64", "12", "48"], [[], [], []], id="one total is above 25 and all are multiples of 4: the file is scaled"),
        pytest.param(["12", "20", "24"], [[UNTOLD]] * 3, id="nothing above 25: it could be either"),
        pytest.param(["13", "7", "22"], [[UNTOLD, UNFIT], [UNTOLD, UNFIT], [UNTOLD, UNFIT]], id="a raw file under the scaled name"),
        pytest.param(["12"], [[UNTOLD]], id="a file with a single low total"),
        pytest.param(["64", "13", "12"], [[], [UNTOLD, UNFIT], [UNTOLD]], id="raw among scaled: what is low is not believed"),
        pytest.param(["64", "50"], [[], [UNFIT]], id="a scaled total that whole answers can't give"),
        pytest.param(["0", "100"], [[], []], id="the ends of the scale"),
        pytest.param(["25", "100"], [[UNTOLD, UNFIT], []], id="the highest raw sum among scaled totals"),
    ],
)
def test_untold_totals_are_judged_by_their_file(tmp_path: Path, totals: Sequence[str], codes: Sequence[list[str]]) -> None:
    taken = who5(tmp_path, *[("WHO-5", "", total) for total in totals])
    assert [taken.codes.get(line, []) for line in range(2, len(totals) + 2)] == list(codes)
    assert kept(taken) == [("who5", Decimal(total)) for total, code in zip(totals, codes, strict=True) if not code]


@pytest.mark.parametrize(
    ("name", "version", "total", "stored", "codes"),
    [
        pytest.param("WHO-5", "raw sum", "13", "who5_raw", [], id="raw, told by the version"),
        pytest.param("WHO-5 raw", "", "13", "who5_raw", [], id="raw, told by the name"),
        pytest.param("who5_raw", "", "12", "who5_raw", [], id="raw, told by our name"),
        pytest.param("WHO-5", "0-100", "12", "who5_scaled", [], id="scaled and low, told by the version"),
        pytest.param("WHO-5", "en-US", "64", "who5", [], id="a version that tells a language: the file decides"),
        pytest.param("WHO-5", "raw sum", "26", "", ["FRM-16"], id="above the raw range"),
        pytest.param("WHO-5", "raw sum", "12.5", "", [UNFIT], id="a raw sum is whole"),
        pytest.param("WHO-5", "percent", "13", "", [UNFIT], id="told as scaled, but no whole answers give it"),
        pytest.param("WHO-5", "raw sum", "-9", "", ["FRM-14"], id="-9 is missing"),
        pytest.param("WHO-5", "raw sum", "99", "", ["FRM-14"], id="99 is missing"),
        pytest.param("WHO-5", "", "999", "", ["FRM-14"], id="999 is missing"),
        pytest.param("WHO-5", "percent", "-4", "", ["FRM-15"], id="negative"),
    ],
)
def test_a_told_total_stands_under_its_own_name(tmp_path: Path, name: str, version: str, total: str, stored: str, codes: list[str]) -> None:
    taken = who5(tmp_path, (name, version, total))
    assert taken.codes.get(2, []) == codes
    assert kept(taken) == ([] if codes else [(stored, Decimal(total))])


@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.integers(0, 25), min_size=1, max_size=6), st.lists(st.integers(0, 25), max_size=4))
def test_no_raw_sum_below_its_ceiling_is_believed_beside_one_that_shows_what_it_is(
    tmp_path_factory: pytest.TempPathFactory, raw: list[int], scaled: list[int]
) -> None:
    """Raw sums among scaled totals: as soon as one can't be scaled, none of the low ones is taken."""
    totals = [*map(str, raw), *(str(4 * one) for one in scaled)]
    taken = who5(tmp_path_factory.mktemp("w"), *[("who5", "", total) for total in totals])
    if any(one % 4 for one in raw):
        assert all(total > 25 for _, total in kept(taken))


@pytest.mark.parametrize(
    ("name", "version", "stored"),
    [
        pytest.param("OLBI", "", "", id="not told"),
        pytest.param("OLBI", "en-US", "", id="a version that tells a language"),
        pytest.param("OLBI", "1 = strongly agree", "olbi_agree_first", id="as printed, told by the version"),
        pytest.param("OLBI", "1=Strongly Disagree", "olbi_positive", id="the other way, told by the version"),
        pytest.param("olbi_positive", "", "olbi_positive", id="told by the name"),
        pytest.param("OLBI agree first", "", "olbi_agree_first", id="told by an alias"),
        pytest.param("MEQ-30", "", "", id="MEQ-30, numbering not told"),
        pytest.param("MEQ-30", "Stand-alone form", "meq30_stand_alone", id="MEQ-30, numbering told"),
        pytest.param("DAST-10", "", "dast10", id="DAST-10, as printed"),
        pytest.param("DAST-10", "item 3 reversed", "dast10_turned", id="DAST-10, told that item 3 is turned"),
    ],
)
@pytest.mark.parametrize("shape", ["long", "wide"])
def test_answers_stand_under_the_coding_that_the_export_tells(tmp_path: Path, shape: str, name: str, version: str, stored: str) -> None:
    long = f"{L}\np,f,{name},{version},2025-05-01,1,1\np,f,{name},{version},2025-05-01,2,1"
    wide = f"patient_id,instrument_id,instrument_version,answered_at,item_1,item_2\np,{name},{version},2025-05-01,1,1"
    taken = take(tmp_path, "questionnaires.csv", long if shape == "long" else wide)
    forms = taken.frames["form"]["instrument_id"].to_list() if "form" in taken.frames else []
    answers = taken.frames["answer"]["instrument_id"].unique().to_list() if "answer" in taken.frames else []
    assert (forms, answers) == (([stored], [stored]) if stored else ([], []))
    assert (taken.codes == {}) if stored else (set(taken.codes) == {2} and taken.codes[2] == ["FRM-19"])


def test_a_wide_export_tells_it_in_the_names_of_its_columns(tmp_path: Path) -> None:
    taken = take(
        tmp_path, "questionnaires.csv", "patient_id,answered_at,olbi_positive_1,olbi_positive_2,who5_raw_total\np,2025-05-01,1,2,13\n"
    )
    form = taken.frames["form"].sort("instrument_id").select("instrument_id", "answers", "reported_total")
    assert form.rows() == [("olbi_positive", 2, None), ("who5_raw", 0, Decimal(13))]


def test_a_total_of_the_olbi_needs_no_coding(tmp_path: Path) -> None:
    taken = take(tmp_path, "scores.csv", "patient_id,instrument_id,scale_id,answered_at,total\np,OLBI,exhaustion,2025-05-01,26\n")
    assert (taken.codes, kept(taken)) == ({}, [("olbi", Decimal(26))])


@pytest.mark.parametrize(
    ("name", "scale", "total", "codes"),
    [
        pytest.param("ProQOL-5", "cs", "57", ["FRM-16"], id="a T score of the ProQOL-5"),
        pytest.param("PEG", "total", "17", ["FRM-16"], id="a sum of the PEG where the mean is meant"),
        pytest.param("PEG", "total", "6.666667", [], id="a mean of the PEG that is a fraction"),
        pytest.param("BPI", "severity", "-1", ["FRM-14"], id="-1 is missing"),
        pytest.param("BPI", "interference", "-3", ["FRM-15"], id="negative"),
        pytest.param("MBI-HSS", "pa", "-9", ["FRM-14"], id="-9 is missing"),
        pytest.param("MBI-HSS", "total", "60", ["FRM-17"], id="one total of the MBI"),
        pytest.param("MBI-GS", "ee", "20", ["FRM-08"], id="another form of the MBI"),
        pytest.param("CBI", "total", "50", ["FRM-17"], id="one total of the CBI"),
        pytest.param("OLBI", "exhaustion", "2.4", ["FRM-15"], id="a mean of the OLBI where the sum is meant"),
        pytest.param("WSAS", "total", "33", [], id="a total of five questions"),
        pytest.param("WSAS retired", "total", "33", ["FRM-16"], id="a total of five where four were asked"),
        pytest.param("ISI", "total", "999", ["FRM-14"], id="999 is missing"),
        pytest.param("ISI", "total", "12.5", [], id="a fraction"),
        pytest.param("PSS-10", "total", "40.000001", ["FRM-16"], id="a hair above the scale"),
    ],
)
def test_totals_of_another_kind_are_refused(tmp_path: Path, name: str, scale: str, total: str, codes: list[str]) -> None:
    taken = take(tmp_path, "scores.csv", f"patient_id,instrument_id,scale_id,answered_at,total\np,{name},{scale},2025-05-01,{total}\n")
    assert taken.codes.get(2, []) == codes


@pytest.mark.parametrize("answer", ["-9", "999", ""])
def test_a_code_for_missing_is_a_blank_and_never_a_low_answer(tmp_path: Path, answer: str) -> None:
    lines = [f"p,f,peg,,2025-05-01,{item},{given}" for item, given in enumerate(["7", answer, "8"], 1)]
    taken = take(tmp_path, "questionnaires.csv", "\n".join([L, *lines]))
    assert taken.codes == {}
    assert taken.frames["answer"].select("item", "answer").rows() == [(1, 7), (3, 8)]
