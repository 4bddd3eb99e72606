"""A class of bad input in; out the file that a clinic would put into its inbox, and the verdict that is pinned to it."""

import csv
import io
import json
import re
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from itertools import groupby
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import xlsxwriter

from outcomes.sources import reading
from outcomes.validate import suite

S = "session_id,patient_id,started_at,kind"
T = "patient_id,instrument_id,answered_at,total"
L = "patient_id,form_id,instrument_id,answered_at,item,answer"
LOOKS = {
    "session": "session_id, patient_id, started_on, kind",
    "form": "form.patient_id, form.questionnaire_id, form.answered_on, score.score",
    "patient": "patient_id, enrolled_on",
    "adverse_event": "event_id, patient_id, term",
}
# A therapy session makes no course, so these rows are in the warehouse and move no published figure.
GOOD = "@1,@,2025-05-01,therapy"
KEPT = "@1 | @ | 2025-05-01 | therapy"
CANON = "@,phq9,2025-05-01,3"
SCORED = "@ | phq9 | 2025-05-01 | 3"


@dataclass(frozen=True)
class Class:
    """A file and its verdict. `@` stands for a letter and number of the class alone, so that no two classes share an identifier.

    `rows` are in, accepted, duplicate, rejected as the entrance counts them; `codes` say why, by line; `kept` is what `look` (SQL
    columns) finds of the file in the warehouse. `left` are files that no verdict stands for, since they were never read whole.
    """

    group: str
    what: str
    text: str = ""
    rows: tuple[int, int, int, int] = (0, 0, 0, 0)
    codes: dict[int, tuple[str, ...]] = field(default_factory=dict)
    notes: dict[str, int] = field(default_factory=dict)
    refused: str = ""
    left: str = ""
    table: str = "session"
    kept: tuple[str, ...] = ()
    look: str = ""
    name: str = ""
    pack: Callable[[str], bytes] = str.encode
    mark: str = ""
    says: str = ""

    @property
    def file(self) -> str:
        prefix = {"session": "sessions", "form": "questionnaires", "patient": "patients", "adverse_event": "adverse_events"}[self.table]
        return self.filled(self.name) or f"{prefix} {self.mark}.csv"

    @cached_property
    def data(self) -> bytes:
        return self.pack(self.filled(self.text))

    def filled(self, text: str) -> str:
        return text.replace("@", self.mark)

    @property
    def all_codes(self) -> list[str]:
        refusals = [code for code in (self.refused, self.left) if code]
        return list(dict.fromkeys([*refusals, *(code for line in self.codes.values() for code in line), *self.notes]))


def marked(classes: Sequence[Class]) -> list[Class]:
    return [replace(one, mark=f"q{number:03}") for number, one in enumerate(classes, 1)]


def refused(group: str, what: str, code: str, text: str = f"{S}\n{GOOD}\n", **more: Any) -> Class:
    """A file that costs itself."""
    return Class(group, what, text, refused=code, **more)


def read(group: str, what: str, text: str = f"{S}\n{GOOD}\n", *kept: str, notes: dict[str, int] | None = None, **more: Any) -> Class:
    """A file of which every row is taken in."""
    kept = kept or (KEPT,)
    size = len(kept)
    return Class(group, what, text, (size, size, 0, 0), {}, notes or {}, kept=kept, **more)


def row(group: str, what: str, cells: str, code: str, header: str = "", notes: dict[str, int] | None = None, **more: Any) -> Class:
    """A good session and one that costs itself."""
    commas = "," * header.count(",")
    text = f"{S}{header}\n{GOOD}{commas}\n{cells}\n"
    return Class(group, what, text, (2, 1, 0, 1), {3: (code,)}, notes or {}, kept=(KEPT,), **more)


def score(group: str, what: str, cells: str, code: str, notes: dict[str, int] | None = None) -> Class:
    """A good PHQ-9 total and one that costs itself."""
    return Class(group, what, f"{T}\n{CANON}\n{cells}\n", (2, 1, 0, 1), {3: (code,)}, notes or {}, table="form", kept=(SCORED,))


def items(group: str, what: str, text: str, rows: tuple[int, int, int, int], codes: dict[int, tuple[str, ...]], **more: Any) -> Class:
    """Answers of PHQ-9 forms in the long shape; what is kept is the number of answers of each form."""
    look = "form.patient_id, form.questionnaire_id, form.answers"
    return Class(group, what, f"{L}\n{text}", rows, codes, table="form", **{"look": look, **more})


def parquet(text: str, **options: object) -> bytes:
    """The table as a Parquet file of texts."""
    header, *body = list(csv.reader(io.StringIO(text)))
    table = pa.table({name: pa.array([line[place] or None for line in body], pa.string()) for place, name in enumerate(header)})
    out = io.BytesIO()
    pq.write_table(
        table, out, **{"write_page_checksum": True, "compression": "none", "use_dictionary": False, "write_statistics": False, **options}
    )
    return out.getvalue()


def flipped(text: str) -> bytes:
    """The table as Parquet, one bit of one value turned over."""
    data = bytearray(parquet(text))
    data[data.index(b"therapy") + 2] ^= 1
    return bytes(data)


def workbook(text: str, sheets: int = 1) -> bytes:
    """The table as an Excel file: texts as texts, `#12` as a number, `~45778` as a number that is shown as a date."""
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True})
    as_date = book.add_format({"num_format": "dd/mm/yyyy"})
    for place in range(sheets):
        sheet = book.add_worksheet()
        for y, line in enumerate(csv.reader(io.StringIO(text if not place else "a note\n"))):
            for x, cell in enumerate(line):
                if cell[:1] in ("#", "~") and y:
                    sheet.write_number(y, x, float(cell[1:]), as_date if cell[0] == "~" else None)
                else:
                    sheet.write_string(y, x, cell)
    book.close()
    return out.getvalue()


def zipped(**parts: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            archive.writestr(name.replace("__", "/"), text)
    return out.getvalue()


def lines(*records: Mapping[str, object]) -> str:
    return "".join(json.dumps(record) + "\n" for record in records)


@cache
def good_files() -> dict[str, bytes]:
    """Twenty-four patients with a medicine session each, and PHQ-9 before and after it; a format for each table."""
    people = [f"g{n:02}" for n in range(24)]
    sessions = [f"{p}-1,{p},{'north' if n % 2 else 'south'},2025-03-03,medicine,iv" for n, p in enumerate(people)]
    scores = [(p, day, total) for n, p in enumerate(people) for day, total in (("2025-03-01", 15 + n % 5), ("2025-04-02", n % 14))]
    forms = [{"patient_id": p, "instrument_id": "phq9", "answered_at": day, "total": total} for p, day, total in scores]
    patients = [f"{p},depression,2025-02-01" for p in people]
    return {
        "sessions 2025-06-01.csv": "\n".join(["session_id,patient_id,site_id,started_at,kind,route", *sessions, ""]).encode(),
        "questionnaires 2025-06-01.jsonl": "".join(json.dumps(form) + "\n" for form in forms).encode(),
        "patients 2025-06-01.parquet": parquet("\n".join(["patient_id,indication,enrolled_on", *patients, ""])),
        "adverse_events 2025-06-01.xlsx": workbook("event_id,patient_id,session_id,term,severity\ne1,g01,g01-1,nausea,mild\n"),
    }


def sentences() -> dict[str, tuple[str, str]]:
    """Code -> severity and sentence, of everything that the entrance can say."""
    said = {code: (verdict.severity, verdict.message) for code, verdict in reading.verdicts().items()}
    rules = (rule for table in LOOKS | {"answer": ""} for rule in suite(table))
    return said | {rule.code: (rule.severity, rule.message) for rule in rules}


INTRODUCTION = """\
# Bad input, and what becomes of it

Checked by `tests/bad_input/test_through_the_night.py`, which puts every one of these files into one inbox beside good files and reads
the verdicts after the night. `PYTHONPATH=tests python tests/bad_input/test_through_the_night.py` writes this
page anew.

**file**: the whole file is refused; its bytes stay in `raw/`, its verdict is in `quarantine/`, and it is tried again as long as it lies in
the inbox. **waits**: the file was not read whole; it stays in the inbox, and the run ends with code 4. **row**: the row is rejected and
listed in `quarantine/<id>/reject.csv`; the rest of the file is taken in. **note**: everything is taken in, and the verdict says what was
found. **read**: everything is taken in as it stands. No verdict holds a value of a cell; the operator finds code, line and our name of
the column.
"""


def page(classes: Sequence[Class]) -> str:
    """docs/bad-input.md."""
    said = sentences()
    parts = [INTRODUCTION]
    for group, members in groupby(classes, lambda one: one.group):
        rows = "".join(
            f"| {_cell(one.what)} | {' + '.join(_ends(one, said))} | {_cell(' '.join(_reads(one, said)))} |\n" for one in members
        )
        parts.append(f"## {group}\n\n| what is in the inbox | verdict | what the clinic reads |\n| - | - | - |\n{rows}")
    return "\n".join(parts)


def _ends(one: Class, said: dict[str, tuple[str, str]]) -> Iterator[str]:
    if not one.all_codes:
        yield "read"
    for code in one.all_codes:
        yield f"{'waits' if code == one.left else said[code][0]} {code}"


def _reads(one: Class, said: dict[str, tuple[str, str]]) -> list[str]:
    sentence = [re.sub(r"\{columns\}", one.says or "...", said[code][1]) for code in one.all_codes]
    return sentence or [one.says or "nothing"]


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;").replace("\n", " ")
