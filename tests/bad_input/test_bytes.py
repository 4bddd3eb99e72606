"""Classes of bad bytes, each with its verdict: the file is refused, a row is, or the file is read with a note."""

import gzip
import io
import re
import traceback
import zipfile
from pathlib import Path

import pytest
from sources.opening import Seen, read, seen

from outcomes.sources.verdicts import Refused, file_verdicts, refusing

HEAD = b"id,score\n"
GOOD = ["2: p1 | 3", "3: p2 | 4"]
TABLE = "id,score\np1,3\np2,4\n"


def case(name: str, data: bytes, refused: str = "", rows: list[str] | None = None, **more: object) -> object:
    return pytest.param(data, Seen(refused, ["id", "score"] if rows is not None else [], rows or [], **more), id=name)  # type: ignore[arg-type]


def packed(**parts: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            archive.writestr(name, text)
    return out.getvalue()


WHOLE_FILE = [
    case("empty file", b"", "F01"),
    case("nothing but a BOM", b"\xef\xbb\xbf", "F01"),
    case("nothing but blank lines", b"\n  \n\t\n", "F01"),
    case("gzip", gzip.compress(TABLE.encode()), "F05"),
    case("zip with a table inside", packed(**{"forms.csv": TABLE}), "F05"),
    case("zip bomb", packed(**{"forms.csv": "0" * 50_000_000}), "F05"),
    case("zstd", b"\x28\xb5\x2f\xfd\x04\x00", "F05"),
    case("PDF", b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", "F06"),
    case("web page saved as a table", b"\xef\xbb\xbf<!DOCTYPE html><table><tr><td>id</td></tr></table>", "F06"),
    case("SQLite database", b"SQLite format 3\x00" + bytes(100), "F06"),
    case("a zero byte in the text", HEAD + b"p1,3\np\x002,4\n", "F07"),
    case("the end overwritten with zeros", HEAD + b"p1,3\n" + bytes(512), "F07"),
    case("UTF-32", TABLE.encode("utf-32"), "F07"),
    case("cut between two fields", HEAD + b"p1,3\np2", "F08"),
    case("cut inside a quoted field", HEAD + b'p1,3\np2,"4', "F08"),
    case("cut inside a quoted field, after a line end in it", HEAD + b'p1,3\np2,"4\n', "F08"),
    case("cut inside a JSON object", b'{"id": "p1", "score": 3}\n{"id": "p2", "sco', "F08"),
    case("UTF-8 with broken bytes", HEAD + "pé1,3\npö2,4\n".encode() + b"p\xff3,5\n", "F09"),
    case("UTF-16 with half a letter at the end", TABLE.encode("utf-16") + b"\x31", "F09"),
    case("header with a name twice", b"id,score,id\np1,3,p1\n", "F10"),
    case("header with a name twice, one with a no-break space", "id,score,id\u00a0\np1,3,p1\n".encode(), "F10"),
    case("header with an open quote", b'id,"score\np1,3\n', "F11"),
    case("header with semicolons, rows with commas", b"id;score\np1,3\np2,4\n", "F12"),
    case("more columns than allowed", b",".join(b"c%d" % i for i in range(2_001)) + b"\n", "F13"),
    case("a line without end", HEAD + b"p1,3\n" + b"x" * 17_000_000, "F14"),
    case("a first line without end", b"x" * 17_000_000, "F14"),
    case("Parquet without its end", b"PAR1" + bytes(100), "F16"),
    case("Excel file cut in the middle", packed(**{"xl/workbook.xml": "x" * 99, "xl/styles.xml": "y" * 99})[:200], "F17"),
    case("old Excel", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504), "F18"),
    case("OpenDocument sheet", packed(**{"content.xml": "<x/>"}), "F18"),
    case("JSON list", b'[{"id": "p1", "score": 3}]', "F19"),
    case("JSON object over several lines", b'{\n  "id": "p1",\n  "score": 3\n}\n', "F19"),
]

ROWS = [
    case("row with too many fields", HEAD + b"p1,3\np2,4\np3,5,6\n", rows=GOOD, problems={4: "F31"}),
    case("row with too few fields", HEAD + b"p1,3\np2,4\np3\n", rows=GOOD, problems={4: "F32"}),
    case("too many in one row, too few in another", HEAD + b"p1,3\np2,4\np3,5,6\np4\n", rows=GOOD, problems={4: "F31", 5: "F32"}),
    case("one row with another delimiter", HEAD + b"p1,3\np2,4\np3;5\n", rows=GOOD, problems={4: "F32"}),
    case("footer", HEAD + b"p1,3\np2,4\n(2 rows)\n", rows=GOOD, problems={4: "F32"}),
    case("3 MB field", HEAD + b"p1,3\np2,4\np3," + b"x" * 3_000_000 + b"\n", rows=GOOD, problems={4: "F33"}),
    case("3 MB quoted field over many lines", HEAD + b'p1,3\np2,4\np3,"' + b"x\n" * 1_500_000 + b'"\n', rows=GOOD, problems={4: "F33"}),
    case("quote never closed", HEAD + b'"p0,2\np1,3\np2,4\n', rows=["3: p1 | 3", "4: p2 | 4"], problems={2: "F34"}),
    case("quote closed in the wrong place", HEAD + b'p1,3\np2,4\n"p"3,5\n', rows=GOOD, problems={4: "F34"}),
    case("JSON: list in a field", b'{"id": "p0", "score": 2}\n{"id": "p1", "score": [3]}\n', rows=["1: p0 | 2"], problems={2: "F35"}),
    case("JSON: broken line", b'{"id": "p0", "score": 2}\n{"id": "p1", "sco\n', rows=["1: p0 | 2"], problems={2: "F36"}),
    case("JSON: a number on a line", b'{"id": "p0", "score": 2}\n3\n', rows=["1: p0 | 2"], problems={2: "F36"}),
    case("JSON: half a letter", b'{"id": "p0", "score": 2}\n{"id": "\\ud83d"}\n', rows=["1: p0 | 2"], problems={2: "F36"}),
    case("JSON: nested too deep", b'{"id": "p0", "score": 2}\n' + b"[" * 99_999 + b"\n", rows=["1: p0 | 2"], problems={2: "F36"}),
    case("JSON: a field twice", b'{"id": "p0", "score": 2}\n{"id": "p1", "id": "p2"}\n', rows=["1: p0 | 2"], problems={2: "F37"}),
]

NOTES = [
    case("clean", TABLE.encode(), rows=GOOD),
    case("header only", HEAD, rows=[], notes={"F51": 1}),
    case("header only, without line end", HEAD.strip(), rows=[], notes={"F51": 1, "F52": 1}),
    case("last line whole, without line end", TABLE.encode().rstrip(), rows=GOOD, notes={"F52": 1}),
    case("cut in the middle of a number", HEAD + b"p1,3\np2,4", rows=GOOD, notes={"F52": 1}),
    case("blank lines between rows", HEAD + b"p1,3\n\n  \np2,4\n", rows=["2: p1 | 3", "5: p2 | 4"], notes={"F53": 2}),
    case("rows of nothing but delimiters", TABLE.encode() + b",\n,\n", rows=GOOD, notes={"F53": 2}),
    case("blank lines above the header", b"\n\n" + TABLE.encode(), rows=["4: p1 | 3", "5: p2 | 4"]),
    case("latin-1", "id,score\npé1,3\n".encode("latin-1"), rows=["2: pé1 | 3"], notes={"F54": 1}),
    case("Windows-1252", "id,score\np€1,3\n".encode("cp1252"), rows=["2: p€1 | 3"], notes={"F54": 1}),
    case("UTF-8 with BOM", TABLE.encode("utf-8-sig"), rows=GOOD),
    case("UTF-16, little end first", TABLE.encode("utf-16-le"), rows=GOOD, notes={"F55": 1}),
    case("UTF-16, big end first, with BOM", b"\xfe\xff" + TABLE.encode("utf-16-be"), rows=GOOD, notes={"F55": 1}),
    case("UTF-16 with CR LF", b"\xff\xfe" + TABLE.replace("\n", "\r\n").encode("utf-16-le"), rows=GOOD, notes={"F55": 1}),
    case("zero-width and no-break spaces around names", "\u200bid\ufeff,\u00a0score \np1,3\np2,4\n".encode(), rows=GOOD),
    case("semicolons and decimal commas", b"id;score\np1;3,5\np2;4,5\n", rows=["2: p1 | 3,5", "3: p2 | 4,5"]),
    case("tabs", TABLE.replace(",", "\t").encode(), rows=GOOD),
    case("pipes", TABLE.replace(",", "|").encode(), rows=GOOD),
    case("CR LF", TABLE.replace("\n", "\r\n").encode(), rows=GOOD),
    case("CR only", TABLE.replace("\n", "\r").encode(), rows=GOOD),
    case("CR, LF and CR LF mixed", b"id,score\r\np1,3\rp2,4\np3,5\r\n", rows=[*GOOD, "4: p3 | 5"]),
    case("everything quoted", b'"id","score"\n"p1","3"\n"p2","4"\n', rows=GOOD),
    case("quoted delimiter and quote", b'id,score\n"p,1","3""4"\n', rows=['2: p,1 | 3"4']),
    case("line end inside quotes", b'id,score\n"p\n1",3\np2,4\n', rows=["2: p\n1 | 3", "4: p2 | 4"]),
    case("CR LF inside quotes", b'id,score\r\n"p\r\n1",3\r\np2,4\r\n', rows=["2: p\r\n1 | 3", "4: p2 | 4"]),
    case("quote inside an unquoted field", b'id,score\n5" tube,3\np2,4\n', rows=['2: 5" tube | 3', "3: p2 | 4"]),
    case("quoted field without text", b'id,score\np1,""\np2,4\n', rows=["2: p1 | ", "3: p2 | 4"]),
    case("ids that look like numbers", b"id,score\n0012,3\n12e5,4\n", rows=["2: 0012 | 3", "3: 12e5 | 4"]),
    case("words for missing", b"id,score\np1,n/a\np2,.\n", rows=["2: p1 | n/a", "3: p2 | ."]),
    case("blanks around values stay", b"id,score\n p1 ,3\n", rows=["2:  p1  | 3"]),
    case("JSON: numbers as written", b'{"id": "0012", "score": 12.50}\n{"id": 7, "score": 1e3}\n', rows=["1: 0012 | 12.50", "2: 7 | 1e3"]),
    case("JSON: not a number", b'{"id": "p1", "score": NaN}\n', rows=["1: p1 | NaN"]),
    case(
        "JSON: key met late", b'{"id": "p1"}\n{"id": "p2", "score": null}\n{"score": true}\n', rows=["1: p1 | ", "2: p2 | ", "3:  | true"]
    ),
]


@pytest.mark.parametrize(("data", "verdict"), [*WHOLE_FILE, *ROWS, *NOTES])
def test_each_class_has_its_verdict(data: bytes, verdict: Seen, tmp_path: Path) -> None:
    suffix = ".jsonl" if data.startswith(b"{") else ".csv"

    found = seen(data, tmp_path, suffix)

    assert found == verdict


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"SECRET,b\nSECRET,3\nSEC", id="cut"),
        pytest.param("SECRET,é\nSECRET,ö\n".encode() + b"\xff\n", id="encoding"),
        pytest.param("SECRET,b\nSECRET,3\n".encode("utf-16") + b"\x31", id="UTF-16"),
        pytest.param(b"SECRET,SECRET\n1,2\n", id="name twice"),
        pytest.param(b'{"SECRET": 1}\n{"SECRET": "SE', id="JSON"),
        pytest.param(b"PAR1SECRET" + bytes(100), id="Parquet"),
        pytest.param(packed(**{"xl/workbook.xml": "<SECRET", "xl/_rels/workbook.xml.rels": "<SECRET"}), id="Excel"),
        pytest.param(packed(**{"SECRET": "SECRET"}), id="zip"),
    ],
)
def test_a_refusal_says_nothing_of_what_the_file_holds(data: bytes, tmp_path: Path) -> None:
    with pytest.raises(Refused) as refusal:
        read(data, tmp_path)

    assert "SECRET" not in "".join(traceback.format_exception(refusal.value))
    assert refusal.value.args == (f"{refusal.value.code}: {file_verdicts()[refusal.value.code].message}",)


def test_a_failing_disk_refuses_nothing() -> None:
    with pytest.raises(OSError, match="Input/output error") as error, refusing("F16"):
        raise OSError(5, "Input/output error", "SECRET.parquet")

    assert "SECRET" not in "".join(traceback.format_exception(error.value))


def test_a_suffix_that_says_otherwise_is_noted(tmp_path: Path) -> None:
    assert seen(b'{"id": "p1"}\n', tmp_path, ".csv").notes == {"F58": 1}


def test_columns_without_a_name_are_noted(tmp_path: Path) -> None:
    found = seen(b"id,,\np1,3,\n", tmp_path)

    assert (found.header, found.rows, found.notes) == (["id", "", ""], ["2: p1 | 3 | "], {"F59": 2})


def test_every_code_is_a_sentence_and_is_raised_somewhere() -> None:
    verdicts = file_verdicts()
    source = "".join(file.read_text() for file in (Path(__file__).parents[2] / "src/outcomes/sources").glob("*.py"))

    assert set(re.findall(r'"(F\d\d)"', source)) >= set(verdicts)
    assert all(verdict.message.endswith(".") and verdict.means for verdict in verdicts.values())
