"""Classes of bad input inside readable files: what a header, a cell or a pair of rows can hold, and the verdict that is pinned to it.

Each class is a small export. `rows` are in, accepted, duplicate, rejected; `codes` say why, by line. None is silently wrong: what is
not taken in has a code, and what is taken in changed has a note.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from intake_tools import take

from outcomes.sources import reading

S = "session_id,patient_id,started_at,kind"
T = "patient_id,instrument_id,answered_at,total"
L = "patient_id,form_id,instrument_id,answered_at,item,answer"
GOOD = "s1,p1,2026-01-01T10:00:00,medicine"


@dataclass(frozen=True)
class Case:
    text: str
    rows: tuple[int, int, int, int]
    codes: dict[int, list[str]] = field(default_factory=dict)
    notes: dict[str, int] = field(default_factory=dict)
    refused: str = ""
    name: str = "sessions.csv"
    source: dict[str, Any] = field(default_factory=dict)
    kept: dict[str, list[Any]] = field(default_factory=dict)


def session(cells: str, code: str, header: str = S) -> Case:
    """A good row and one that costs itself."""
    more = "," * (header.count(",") - 3)
    return Case(f"{header}\n{GOOD}{more}\n{cells}\n", (2, 1, 0, 1), {3: [code]})


def score(cells: str, code: str) -> Case:
    return Case(f"{T}\np0,phq9,2026-01-01,3\n{cells}\n", (2, 1, 0, 1), {3: [code]}, name="questionnaires.csv")


def refused(name: str, header: str, code: str) -> Case:
    return Case(f"{header}\n", (0, 0, 0, 0), refused=code, name=name)


F = "questionnaires.csv"
CASES = {
    "day and month in unknown order": session("s2,p1,03/04/2026,medicine", "R05"),
    "day and month that only fit one way": session("s2,p1,25/12/2026,medicine", "R05"),
    "serial date of a spreadsheet": session("s2,p1,45678,medicine", "R06"),
    "serial date with a time": session("s2,p1,45678.4375,medicine", "R06"),
    "a day that does not exist": session("s2,p1,2026-02-30,medicine", "R04"),
    "a year of two digits": session("s2,p1,26-02-03,medicine", "R04"),
    "a date in words": session("s2,p1,3 April 2026,medicine", "R04"),
    "midnight written as 24:00": session("s2,p1,2026-04-03T24:00:00,medicine", "R04"),
    "an hour that the clock skipped": session("s2,p1,2026-03-08T02:30:00,medicine", "R07"),
    "a date in the future": session("s2,p1,2031-01-01,medicine", "SES-08"),
    "a decimal comma": session('s2,p1,2026-01-01,medicine,"40,5"', "R09", S + ",dose_mg"),
    "a thousands comma": session('s2,p1,2026-01-01,medicine,"1,000"', "R09", S + ",dose_mg"),
    "not a number": session("s2,p1,2026-01-01,medicine,NaN", "R10", S + ",dose_mg"),
    "infinity": session("s2,p1,2026-01-01,medicine,-Infinity", "R10", S + ",dose_mg"),
    "a huge number": session("s2,p1,2026-01-01,medicine,9999999999999999999", "R03", S + ",dose_mg"),
    "a huge whole number": session("s2,p1,2026-01-01,medicine,99999999999", "R03", S + ",hr_peak_bpm"),
    "a fraction of a heart beat": session("s2,p1,2026-01-01,medicine,72.5", "R02", S + ",hr_peak_bpm"),
    "full-width digits": session("s2,p1,2026-01-01,medicine,４０", "R11", S + ",dose_mg"),
    "a unit in a number": session("s2,p1,2026-01-01,medicine,40 mg", "R01", S + ",dose_mg"),
    "a spreadsheet's error": session("s2,p1,2026-01-01,medicine,#REF!", "R01", S + ",dose_mg"),
    "an unknown kind": session("s2,p1,2026-01-01,massage", "SES-10"),
    "an empty key": session(",p1,2026-01-01,medicine", "SES-01"),
    "a key of blanks only": Case(f"{S}\n{GOOD}\n\u00a0\u200b,p1,2026-01-01,medicine\n", (2, 1, 0, 1), {3: ["SES-01"]}, {"N01": 1}),
    "a word for a score": score("p1,phq9,2026-01-01,Post-Rx", "R01"),
    "a total above the scale": score("p1,phq9,2026-01-01,28", "FRM-16"),
    "a negative total": score("p1,phq9,2026-01-01,-3", "FRM-15"),
    "a total that is 999": score("p1,phq9,2026-01-01,999", "FRM-14"),
    "a total that is -9": score("p1,phq9,2026-01-01,-9", "FRM-14"),
    "no total": score("p1,phq9,2026-01-01,n/a", "FRM-14"),
    "an unknown questionnaire": score("p1,mood,2026-01-01,3", "FRM-08"),
    "a form without a patient": Case(f"{T},form_id\n,phq9,2026-01-01,3,f1\n", (1, 0, 0, 1), {2: ["FRM-01"]}, name=F),
    "a form of nobody that no id can be made for": Case(f"{T}\n,phq9,2026-01-01,3\n", (1, 0, 0, 1), {2: ["FRM-01", "FRM-03"]}, name=F),
    "a form after the as-of date": score("p1,phq9,2027-01-01,3", "FRM-13"),
    "one key, two contents": Case(f"{S}\n{GOOD}\ns1,p2,2026-01-01,medicine\n", (2, 0, 0, 2), {2: ["R17"], 3: ["R17"]}),
    "one row twice": Case(f"{S}\n{GOOD}\n{GOOD}\n", (2, 1, 1, 0)),
    "one row twice, written differently": Case(f"{S},dose_mg\n{GOOD},40\ns1,p1,2026-01-01 10:00,Medicine,40.0\n", (2, 1, 1, 0)),
    "two totals of one moment": Case(f"{T}\np1,phq9,2026-01-01,3\np1,PHQ-9,2026-01-01,4\n", (2, 0, 0, 2), {2: ["R17"], 3: ["R17"]}, name=F),
    "a good and a broken total of one moment": Case(
        f"{T}\np1,phq9,2026-01-01,3\np1,phq9,2026-01-01,140\n", (2, 1, 0, 1), {3: ["FRM-16"]}, name=F
    ),
    "an item answered twice": Case(
        f"{L}\np,f,phq9,2026-01-01,1,0\np,f,phq9,2026-01-01,1,2\np,f,phq9,2026-01-01,2,2\n", (3, 1, 0, 2), {2: ["R15"], 3: ["R15"]}, name=F
    ),
    "an item answered twice alike": Case(f"{L}\np,f,phq9,2026-01-01,1,2\np,f,phq9,2026-01-01,1,2\n", (2, 1, 1, 0), name=F),
    "one form id, two patients": Case(
        f"{L}\np,f,phq9,2026-01-01,1,2\nq,f,phq9,2026-01-01,2,2\n", (2, 0, 0, 2), {2: ["R16"], 3: ["R16"]}, name=F
    ),
    "an answer out of range": Case(f"{L}\np,f,phq9,2026-01-01,1,4\np,f,phq9,2026-01-01,2,2\n", (2, 1, 0, 1), {2: ["ANS-05"]}, name=F),
    "an item that is none": Case(f"{L}\np,f,phq9,2026-01-01,10,1\np,f,phq9,2026-01-01,2,2\n", (2, 1, 0, 1), {2: ["ANS-03"]}, name=F),
    "an answer to no item": Case(f"{L}\np,f,phq9,2026-01-01,,1\np,f,phq9,2026-01-01,2,2\n", (2, 1, 0, 1), {2: ["ANS-01"]}, name=F),
    "an unknown answer word": Case(f"{L}\np,f,phq9,2026-01-01,1,meh\np,f,phq9,2026-01-01,2,2\n", (2, 1, 0, 1), {2: ["R13"]}, name=F),
    "a form of blanks": Case(f"{L}\np,f,phq9,2026-01-01,1,\np,f,phq9,2026-01-01,2,.\n", (2, 0, 0, 2), {2: ["FRM-14"]}, {"N06": 2}, name=F),
    "-9 as an answer": Case(f"{L}\np,f,phq9,2026-01-01,1,-9\np,f,phq9,2026-01-01,2,2\n", (2, 2, 0, 0), {}, {"N02": 1, "N06": 1}, name=F),
    "99 as a heart rate is a heart rate": Case(f"{S},hr_peak_bpm\n{GOOD},99\n", (1, 1, 0, 0), kept={"hr_peak_bpm": [99]}),
    "999 as a heart rate is none": Case(f"{S},hr_peak_bpm\n{GOOD},999\n", (1, 1, 0, 0), {}, {"N02": 1}, kept={"hr_peak_bpm": [None]}),
    "ids with leading zeros and exponents": Case(
        f"{S}\n0012,12e5,2026-01-01,medicine\n12,1E2,2026-01-01,medicine\n",
        (2, 2, 0, 0),
        kept={"session_id": ["0012", "12"], "patient_id": ["12e5", "1E2"]},
    ),
    "ids with invisible characters": Case(
        f"{S}\ns\u200b1,\ufeffp\u00a01,2026-01-01,medicine\n",
        (1, 1, 0, 0),
        {},
        {"N01": 2},
        kept={"session_id": ["s1"], "patient_id": ["p1"]},
    ),
    "an hour that the clock repeats": Case(f"{S}\ns1,p1,2026-11-01T01:30:00,medicine\n", (1, 1, 0, 0), {}, {"N04": 1}),
    "seven decimals": Case(f"{S},dose_mg\n{GOOD},1.2345675\n", (1, 1, 0, 0), {}, {"N03": 1}),
    "a date of several offsets": Case(
        f"{S}\ns1,p1,2026-01-01T23:30:00-07:00,medicine\ns2,p1,2026-01-02T06:30:00Z,medicine\n", (2, 2, 0, 0)
    ),
    "an order that a source tells": Case(
        f"{S}\ns1,p1,03/04/2026,medicine\n", (1, 1, 0, 0), source={"name": "x", "pattern": "sess*", "day_first": True}
    ),
    "a comma that a source tells": Case(
        f'{S},dose_mg\n{GOOD},"40,5"\n', (1, 1, 0, 0), source={"name": "x", "pattern": "sess*", "decimal_comma": True}
    ),
    "columns in another order": Case(
        "kind,started_at,patient_id,session_id\nmedicine,2026-01-01,p1,s1\n", (1, 1, 0, 0), kept={"session_id": ["s1"]}
    ),
    "columns in other letters": Case("Session_ID, PATIENT_ID ,Started_At,kind\u200b\ns1,p1,2026-01-01,medicine\n", (1, 1, 0, 0)),
    "a column that nobody knows": Case(f"{S},zip\n{GOOD},80202\n", (1, 1, 0, 0)),
    "an unknown file name": refused("export.csv", S, "H01"),
    "a name that looks like a path": refused("../sessions.csv", S, "H01"),
    "a name that only begins alike": refused("sessionsnotes.csv", S, "H01"),
    "a renamed column": refused("sessions.csv", S.replace("kind", "type"), "H02"),
    "a missing column": refused(F, "patient_id,instrument_id,total", "H02"),
    "a column twice in other letters": refused("sessions.csv", S + ",KIND", "H03"),
    "two names for one column": refused(F, T + ",score", "H03"),
    "two shapes at once": refused(F, T + ",phq9_1", "H04"),
    "no shape at all": refused(F, "patient_id,instrument_id,answered_at", "H04"),
    "a list of patients and nothing else": refused("patients.csv", "patient_id,street", "H06"),
    "a header and no rows": Case(f"{S}\n", (0, 0, 0, 0), {}, {"F51": 1}),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_the_verdict_on_a_class_of_bad_input_is_pinned(tmp_path: Path, case: Case) -> None:
    taken = take(tmp_path, case.name, case.text, sources=[case.source] if case.source else [])
    assert taken.verdict.code == case.refused
    assert taken.rows == case.rows
    assert taken.codes == case.codes
    assert {code: count for code, count in taken.notes.items() if code not in ("F52",)} == case.notes | _implied(case)
    for column, values in case.kept.items():
        assert taken.frames["session"][column].to_list() == values


def _implied(case: Case) -> dict[str, int]:
    """999 and -9 as totals are noted beside costing the form."""
    return {"N02": 1} if case.text.rstrip().endswith((",999", ",-9")) and case.name == F and "total" in case.text else {}


def test_every_code_says_what_to_do() -> None:
    for verdict in reading.verdicts().values():
        assert verdict.message.endswith("."), verdict.code
        assert verdict.severity in ("file", "row", "note")
