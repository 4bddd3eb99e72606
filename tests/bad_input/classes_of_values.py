"""Classes of bad input that lie in cells and between rows: identifiers, days, numbers, answers, and records that contradict each other."""

from typing import Any

from bad_input.classes import CANON, GOOD, KEPT, SCORED, Class, S, T, items, lines, parquet, read, refused, row, score, workbook

DOSED = "session_id, patient_id, started_on, dose_mg"
BEAT = "session_id, patient_id, started_on, hr_peak_bpm"
TIMED = "session_id, started_at, started_on"
WIDE = "patient_id,answered_at," + ",".join(f"phq9_{item}" for item in range(1, 10)) + ",phq9_total"
SUMMED = "form.patient_id, score.score, score.source, score.reported_total, score.contradicts"


def dose(what: str, written: str, code: str, **more: Any) -> Class:
    return row(NUMBERS_, what, f"@2,@,2025-05-01,therapy,{written}", code, ",dose_mg", **more)


def dosed(what: str, written: str, is_kept: str, notes: dict[str, int] | None = None, **more: Any) -> Class:
    return read(NUMBERS_, what, f"{S},dose_mg\n{GOOD},{written}\n", f"@1 | @ | 2025-05-01 | {is_kept}", notes=notes, look=DOSED, **more)


def beat(what: str, written: str, is_kept: str, notes: dict[str, int] | None = None) -> Class:
    return read(MISSING, what, f"{S},hr_peak_bpm\n{GOOD},{written}\n", f"@1 | @ | 2025-05-01 | {is_kept}", notes=notes, look=BEAT)


def day(what: str, written: str, code: str) -> Class:
    return row(DAYS_, what, f"@2,@,{written},therapy", code)


def timed(what: str, written: str, *kept: str, **more: Any) -> Class:
    return read(DAYS_, what, f"{S}\n@1,@,{written},therapy\n", *kept, look=TIMED, **more)


I = "Identifiers"  # noqa: E741
IDS = [
    read(
        I,
        "leading zeros",
        f"{S}\n00@,007@,2025-05-01,therapy\n0@,07@,2025-05-01,therapy\n",
        "00@ | 007@ | 2025-05-01 | therapy",
        "0@ | 07@ | 2025-05-01 | therapy",
    ),
    read(
        I,
        "digits only, with leading zeros and like a power of ten",
        f"{S}\n0088,0012,2025-05-01,therapy\n088,12e5,2025-05-01,therapy\n88,1200000,2025-05-01,therapy\n",
        "0088 | 0012 | 2025-05-01 | therapy",
        "088 | 12e5 | 2025-05-01 | therapy",
        "88 | 1200000 | 2025-05-01 | therapy",
    ),
    read(
        I,
        "leading zeros in JSON, as text and as number",
        lines(
            {"session_id": "0@", "patient_id": "0012", "started_at": "2025-05-01", "kind": "therapy"},
            {"session_id": "1@", "patient_id": 12, "started_at": "2025-05-01", "kind": "therapy"},
        ),
        "0@ | 0012 | 2025-05-01 | therapy",
        "1@ | 12 | 2025-05-01 | therapy",
        name="sessions @.jsonl",
    ),
    read(
        I,
        "leading zeros in Parquet",
        f"{S}\n@1,0012,2025-05-01,therapy\n",
        "@1 | 0012 | 2025-05-01 | therapy",
        name="sessions @.parquet",
        pack=parquet,
    ),
    read(
        I,
        "leading zeros in Excel, as text and as number",
        f"{S}\n@1,0012,2025-05-01,therapy\n@2,#12,2025-05-01,therapy\n",
        "@1 | 0012 | 2025-05-01 | therapy",
        "@2 | 12 | 2025-05-01 | therapy",
        name="sessions @.xlsx",
        pack=workbook,
    ),
    row(I, "a power of ten that a spreadsheet made of a long number", "@2,1.23457E+12,2025-05-01,therapy", "R12"),
    Class(
        I,
        "a number too long for Excel",
        f"{S}\n{GOOD}\n@2,#12345678901234567,2025-05-01,therapy\n",
        (2, 1, 0, 1),
        {3: ("R12",)},
        kept=(KEPT,),
        name="sessions @.xlsx",
        pack=workbook,
    ),
    row(I, "an empty key", ",@,2025-05-01,therapy", "SES-01"),
    row(I, "a key of blanks and invisible characters only", "\u00a0\u200b,@,2025-05-01,therapy", "SES-01", notes={"N01": 1}),
    row(I, "a session of nobody", "@2,,2025-05-01,therapy", "SES-03"),
    row(I, "an identifier with blanks", "@2,Jane Roe @,2025-05-01,therapy", "SES-04"),
    row(I, "an identifier of 65 letters", "@2," + "x" * 65 + ",2025-05-01,therapy", "SES-04"),
    Class(
        I, "a form of nobody", f"{T}\n{CANON}\n,phq9,2025-05-01,3\n", (2, 1, 0, 1), {3: ("FRM-01", "FRM-03")}, table="form", kept=(SCORED,)
    ),
]

DAYS_ = "Days and times"
DAYS = [
    day("day and month in an order that is not known", "03/04/2025", "R05"),
    day("an order that only fits one way is not known either", "25/12/2024", "R05"),
    timed("an order that a [[source]] tells", "03/04/2025", "@1 |  | 2025-04-03", name="dayfirst sessions @.csv"),
    day("serial number of a spreadsheet", "45778", "R06"),
    day("serial number with a time", "45778.4375", "R06"),
    timed("a date in Excel that is a date", "~45778", "@1 |  | 2025-05-01", name="sessions @.xlsx", pack=workbook),
    Class(
        DAYS_,
        "a date in Excel that lost its format",
        f"{S}\n{GOOD}\n@2,@,#45778,therapy\n",
        (2, 1, 0, 1),
        {3: ("R06",)},
        kept=(KEPT,),
        name="sessions @.xlsx",
        pack=workbook,
    ),
    day("a day that does not exist", "2025-02-30", "R04"),
    day("a year of two digits", "25-02-03", "R04"),
    day("a date in words", "3 April 2025", "R04"),
    day("midnight as 24:00", "2025-04-03T24:00:00", "R04"),
    day("an hour that the clock skipped", "2025-03-09T02:30:00", "R07"),
    timed("an hour that the clock showed twice", "2025-11-02T01:30:00", "@1 | 2025-11-02 07:30:00 | 2025-11-02", notes={"N04": 1}),
    timed("a time with another offset than the clinic's", "2025-05-01T01:30:00+02:00", "@1 | 2025-04-30 23:30:00 | 2025-04-30"),
    timed("a time of UTC", "2025-05-02T05:30:00Z", "@1 | 2025-05-02 05:30:00 | 2025-05-01"),
    day("a date in the future", "2031-01-01", "SES-08"),
    day("the empty date of a spreadsheet", "1900-01-01", "SES-07"),
    row(DAYS_, "no date", "@2,@,n/a,therapy", "SES-06"),
    read(DAYS_, "a day of export in the future", notes={"N07": 1}, name="sessions @ 2031-01-01.csv"),
    read(DAYS_, "a day of export that can't be read", f"{S},exported_at\n{GOOD},soon\n", notes={"N08": 1}),
]

NUMBERS_ = "Numbers"
NUMBERS = [
    dose("decimal comma", '"40,5"', "R09"),
    dosed("decimal comma that a [[source]] tells", '"40,5"', "40.5", name="comma sessions @.csv"),
    Class(
        NUMBERS_,
        "semicolons and decimal commas",
        f"{S},dose_mg\n{GOOD},40\n@2,@,2025-05-01,therapy,40.5\n".replace(",", ";").replace("40.5", "40,5"),
        (2, 1, 0, 1),
        {3: ("R09",)},
        kept=(KEPT,),
    ),
    dose("thousands point beside decimal commas", "1.234", "R18", name="comma sessions @.csv"),
    dose("thousands comma", '"1,000"', "R09"),
    dose("not a number", "NaN", "R10"),
    dose("infinity", "-Infinity", "R10"),
    dose("a huge whole number", "99999999999999999999999999999999999999999", "R03"),
    dose("a huge power of ten", "1e99", "R03"),
    dose("full-width digits", "４０", "R11"),
    dose("a unit behind the number", "40 mg", "R01"),
    dose("an error of a spreadsheet", "#REF!", "R01"),
    dose("a dose that nobody is given", "40000", "SES-16"),
    dose("a dose below zero", "-40", "SES-16"),
    row(NUMBERS_, "a fraction of a heart beat", "@2,@,2025-05-01,therapy,72.5", "R02", ",hr_peak_bpm"),
    row(NUMBERS_, "a saturation over 100 %", "@2,@,2025-05-01,therapy,120", "SES-30", ",spo2_min_pct"),
    dosed("a power of ten", "4e1", "40"),
    dosed("blanks and a plus sign", " +40 ", "40"),
    dosed("seven digits after the point", "1.2345675", "1.234568", {"N03": 1}),
    dosed("a fraction of Excel with noise", "#40.1000000000000014", "40.1", name="sessions @.xlsx", pack=workbook),
]

MISSING = "Codes for missing"
MISSES = [
    beat("-9", "-9", "", {"N02": 1}),
    beat("999", "999", "", {"N02": 1}),
    beat("99 where it is a possible value", "99", "99"),
    beat("n/a", "n/a", ""),
    beat("a point", ".", ""),
    score(MISSING, "999 as a total", "@x,phq9,2025-05-01,999", "FRM-14", {"N02": 1}),
    score(MISSING, "-9 as a total", "@x,phq9,2025-05-01,-9", "FRM-14", {"N02": 1}),
    score(MISSING, "no total", "@x,phq9,2025-05-01,.", "FRM-14"),
    items(
        MISSING,
        "99 as an answer",
        "@,@f,phq9,2025-05-01,1,99\n@,@f,phq9,2025-05-01,2,2\n",
        (2, 2, 0, 0),
        {},
        notes={"N02": 1, "N06": 1},
        kept=("@ | phq9 | 1",),
    ),
    items(
        MISSING,
        "a form without any answer",
        "@,@f,phq9,2025-05-01,1,\n@,@f,phq9,2025-05-01,2,n/a\n",
        (2, 0, 0, 2),
        {2: ("FRM-14",)},
        notes={"N06": 2},
    ),
    Class(MISSING, "a line without any questionnaire", f"{WIDE}\n@,2025-05-01{',' * 10}\n", (1, 0, 0, 1), {2: ("R14",)}, table="form"),
]

A = "Answers and totals"
ANSWERS = [
    items(
        A,
        "an answer above its item",
        "@,@f,phq9,2025-05-01,1,4\n@,@f,phq9,2025-05-01,2,2\n",
        (2, 1, 0, 1),
        {2: ("ANS-05",)},
        kept=("@ | phq9 | 1",),
    ),
    items(
        A,
        "an answer below its item",
        "@,@f,phq9,2025-05-01,1,-2\n@,@f,phq9,2025-05-01,2,2\n",
        (2, 1, 0, 1),
        {2: ("ANS-04",)},
        kept=("@ | phq9 | 1",),
    ),
    items(
        A,
        "an item that the questionnaire lacks",
        "@,@f,phq9,2025-05-01,10,1\n@,@f,phq9,2025-05-01,2,2\n",
        (2, 1, 0, 1),
        {2: ("ANS-03",)},
        kept=("@ | phq9 | 1",),
    ),
    items(
        A,
        "an answer to no item",
        "@,@f,phq9,2025-05-01,,1\n@,@f,phq9,2025-05-01,2,2\n",
        (2, 1, 0, 1),
        {2: ("ANS-01",)},
        kept=("@ | phq9 | 1",),
    ),
    items(
        A,
        "a word that is no answer",
        "@,@f,phq9,2025-05-01,1,meh\n@,@f,phq9,2025-05-01,2,2\n",
        (2, 1, 0, 1),
        {2: ("R13",)},
        kept=("@ | phq9 | 1",),
    ),
    score(A, "a total above the scale", "@x,phq9,2025-05-01,28", "FRM-16"),
    score(A, "a total below the scale", "@x,phq9,2025-05-01,-3", "FRM-15"),
    Class(
        A,
        "a raw sum under the name of the scaled total",
        f"{T}\n@,who5,2025-05-01,64\n@x,who5,2025-05-01,13\n",
        (2, 1, 0, 1),
        {3: ("FRM-20", "FRM-21")},
        table="form",
        look="form.patient_id, form.questionnaire_id, form.reported_total",
        kept=("@ | who5 | 64",),
    ),
    score(A, "a total that could be raw or scaled", "@x,who5,2025-05-01,12", "FRM-20"),
    items(
        A,
        "answers that exports code in two ways, and no word on which",
        "@,@f,olbi,2025-05-01,1,4\n@,@f,olbi,2025-05-01,2,1\n",
        (2, 0, 0, 2),
        {2: ("FRM-19",)},
    ),
    score(A, "a word for a total", "@x,phq9,2025-05-01,Post-Rx", "R01"),
    score(A, "a questionnaire that is not installed", "@x,mood,2025-05-01,3", "FRM-08"),
    score(A, "a form of tomorrow", "@x,phq9,2026-01-02,3", "FRM-13"),
    read(
        A,
        "a total that contradicts its items",
        f"{WIDE}\n@,2025-05-01,1,1,1,1,1,1,1,1,1,20\n",
        "@ | 9 | items | 20 | true",
        table="form",
        look=SUMMED,
        says="Read as it stands: the items are believed, and the published table quality counts it as FND-01.",
    ),
]

R = "Records that repeat or contradict each other"
RECORDS = [
    Class(R, "a row twice", f"{S}\n{GOOD}\n{GOOD}\n", (2, 1, 1, 0), kept=(KEPT,), says="Counted as duplicate."),
    Class(
        R,
        "a row twice, written differently",
        f"{S},dose_mg\n@1,@,2025-05-01T10:00:00,therapy,40\n@1,@,2025-05-01 10:00,Therapy,40.0\n",
        (2, 1, 1, 0),
        kept=("@1 | @ | 2025-05-01 | therapy",),
        says="Counted as duplicate.",
    ),
    Class(
        R,
        "one identifier, two contents",
        f"{S}\n@1,@,2025-05-01,therapy\n@1,@,2025-05-02,therapy\n",
        (2, 0, 0, 2),
        {2: ("R17",), 3: ("R17",)},
    ),
    Class(R, "two totals of one moment", f"{T}\n{CANON}\n@,PHQ-9,2025-05-01,4\n", (2, 0, 0, 2), {2: ("R17",), 3: ("R17",)}, table="form"),
    Class(
        R,
        "a good and a broken total of one moment",
        f"{T}\n{CANON}\n@,phq9,2025-05-01,140\n",
        (2, 1, 0, 1),
        {3: ("FRM-16",)},
        table="form",
        kept=(SCORED,),
    ),
    items(
        R,
        "an item answered twice, differently",
        "@,@f,phq9,2025-05-01,1,0\n@,@f,phq9,2025-05-01,1,2\n@,@f,phq9,2025-05-01,2,2\n",
        (3, 1, 0, 2),
        {2: ("R15",), 3: ("R15",)},
        kept=("@ | phq9 | 1",),
    ),
    items(
        R,
        "an item answered twice alike",
        "@,@f,phq9,2025-05-01,1,2\n@,@f,phq9,2025-05-01,1,2\n",
        (2, 1, 1, 0),
        {},
        kept=("@ | phq9 | 1",),
        says="Counted as duplicate.",
    ),
    items(
        R,
        "one form identifier, two patients",
        "@,@f,phq9,2025-05-01,1,2\n@x,@f,phq9,2025-05-01,2,2\n",
        (2, 0, 0, 2),
        {2: ("R16",), 3: ("R16",)},
    ),
    read(
        R,
        "a session before enrolment",
        "patient_id,enrolled_on\nearly,2025-06-01\n",
        "early | 2025-06-01",
        table="patient",
        says="Read as it stands; the published table quality counts it as FND-04.",
    ),
    read(
        R,
        "a session before enrolment (the session)",
        f"{S}\n@1,early,2025-05-01,therapy\n",
        "@1 | early | 2025-05-01 | therapy",
        says="See above.",
    ),
    refused(
        R,
        "a file of which most is wrong",
        "SES-90",
        f"{S}\n" + "".join(f"@{n},@,2025-05-01,{'therapy' if n < 8 else 'massage'}\n" for n in range(20)),
        rows=(20, 0, 0, 20),
        codes=dict.fromkeys(range(10, 22), ("SES-10",)),
    ),
]
VALUES = [*IDS, *DAYS, *NUMBERS, *MISSES, *ANSWERS, *RECORDS]
