"""Classes of bad input that lie in a file as a whole: its letters, lines, header, container and name."""

import gzip
import io

import pyarrow as pa
import pyarrow.parquet as pq
from bad_input.classes import GOOD, KEPT, Class, S, T, flipped, lines, parquet, read, refused, row, workbook, zipped

DOSED = "session_id, patient_id, started_on, dose_mg"
BOTH = ("@1 | @ | 2025-05-01 | therapy", "@2 | @ | 2025-05-02 | therapy")
TWO = f"{S}\n{GOOD}\n@2,@,2025-05-02,therapy\n"
ONE = f"{S}\n{GOOD}\n"
RECORD = {"session_id": "@1", "patient_id": "@", "started_at": "2025-05-01", "kind": "therapy"}
AT_SITE = "session_id, patient_id, started_on, site_id"


def old_excel(_: str) -> bytes:
    return b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504)


def protected(text: str) -> bytes:
    """A workbook whose first part says that it is encrypted."""
    data = bytearray(workbook(text))
    for start, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(start) + offset] |= 1
    return bytes(data)


def nested(text: str) -> bytes:
    """The table as Parquet, with a list where the kind should stand, in the second row."""
    out = io.BytesIO()
    cells = [line.split(",") for line in text.splitlines()[1:]]
    table = pa.table({"session_id": [c[0] for c in cells], "patient_id": [c[1] for c in cells], "started_at": [c[2] for c in cells]})
    table = table.append_column("kind", pa.array([[cell[3]] for cell in cells]))
    pq.write_table(table, out, write_page_checksum=True)
    return out.getvalue()


E = "Letters and encodings"
ENCODINGS = [
    read(E, "UTF-8 with a byte-order mark", pack=lambda t: t.encode("utf-8-sig")),
    read(E, "UTF-16 with a byte-order mark", notes={"F55": 1}, pack=lambda t: t.encode("utf-16")),
    read(E, "UTF-16 without a byte-order mark", notes={"F55": 1}, pack=lambda t: t.encode("utf-16-le")),
    read(
        E,
        "Windows-1252 or latin-1",
        f"{S},site_id\n{GOOD},Zürich\n",
        "@1 | @ | 2025-05-01 | Zürich",
        notes={"F54": 1},
        look=AT_SITE,
        pack=lambda t: t.encode("latin-1"),
    ),
    refused(E, "UTF-32", "F07", pack=lambda t: t.encode("utf-32")),
    refused(E, "a zero byte in the text", "F07", f"{S}\n{GOOD}\n@2,@,2025-\0005-01,therapy\n"),
    refused(E, "the end of the file overwritten with zero bytes", "F07", ONE + "\0" * 512),
    refused(E, "UTF-8 and latin-1 in one file", "F09", pack=lambda t: "é,ö\nü,ß\n".encode() + t.encode() + b"\xff\n"),
    refused(E, "UTF-16 that ends in half a letter", "F09", pack=lambda t: t.encode("utf-16") + b"\x31"),
    read(
        E,
        "zero-width and no-break spaces inside keys",
        f"{S}\n@\u200b1,\ufeff@\u00a0,2025-05-01,therapy\n",
        notes={"N01": 2},
    ),
    read(E, "zero-width and no-break spaces inside the header", f"\u200bsession_id\ufeff,patient_id\u00a0,started_at,kind\n{GOOD}\n"),
]

D = "Separators, lines and quotes"
LINES = [
    read(D, "semicolons", ONE.replace(",", ";")),
    read(D, "tabs", ONE.replace(",", "\t")),
    read(D, "pipes", ONE.replace(",", "|")),
    refused(D, "header with semicolons, rows with commas", "F12", TWO.replace(S, S.replace(",", ";"))),
    row(D, "one row with another separator than all others", "@2;@;2025-05-02;therapy", "F32"),
    read(D, "line ends of CR only", TWO.replace("\n", "\r"), *BOTH),
    read(D, "line ends of CR LF", TWO.replace("\n", "\r\n"), *BOTH),
    read(D, "line ends of three kinds", f"{S}\r\n{GOOD}\r@2,@,2025-05-02,therapy\n", *BOTH),
    read(
        D,
        "everything in quotes",
        ONE.replace(",", '","').replace("\n@", '"\n"@').replace("therapy", 'therapy"').replace("session", '"session', 1),
    ),
    read(
        D,
        "the separator inside quotes",
        f'{S},site_id\n{GOOD},"North, upper"\n',
        "@1 | @ | 2025-05-01 | North, upper",
        look=AT_SITE,
    ),
    row(D, "a line end inside quotes", '@2,@,2025-05-02,therapy,"up\nper"', "SES-05", ",site_id"),
    Class(
        D,
        "a quotation mark that is never closed",
        f'{S}\n"@0,@,2025-05-01,therapy\n{GOOD}\n',
        (2, 1, 0, 1),
        {2: ("F34",)},
        kept=(KEPT,),
    ),
    row(D, "a quotation mark closed in the wrong place", '"@"2,@,2025-05-02,therapy', "F34"),
    row(D, "a row with too many fields", "@2,@,2025-05-02,therapy,x", "F31"),
    row(D, "a row with too few fields", "@2,@,2025-05-02", "F32"),
    row(D, "a second header between the rows", S, "R04"),
    row(D, "a footer", "(1 row)", "F32"),
    refused(D, "a title above the header", "H02", f"Report of the sessions\n{ONE}", says="kind, patient_id, session_id, started_at"),
    read(D, "empty lines between rows", f"{S}\n\n{GOOD}\n  \n,,,\n", notes={"F53": 3}),
]

H = "The header"
HEADERS = [
    read(H, "columns in another order", "kind,started_at,patient_id,session_id\ntherapy,2025-05-01,@,@1\n"),
    read(H, "columns in other letters", f"Session_ID, PATIENT_ID ,Started_At,KIND\n{GOOD}\n"),
    refused(H, "a column renamed", "H02", ONE.replace("kind", "type"), says="kind"),
    refused(H, "a column left out", "H02", "session_id,patient_id,kind\n@1,@,therapy\n", says="started_at"),
    refused(H, "no header", "H02", f"{GOOD}\n@2,@,2025-05-02,therapy\n", says="kind, patient_id, session_id, started_at"),
    refused(H, "a name twice", "F10", f"{S},kind\n{GOOD},integration\n"),
    refused(H, "a name twice, in other letters", "H03", f"{S},KIND\n{GOOD},integration\n", says="kind"),
    refused(H, "two names for one column", "H03", f"{T},score\n@,phq9,2025-05-01,3,4\n", table="form", says="reported_total"),
    refused(H, "a quotation mark never closed in the header", "F11", f'"{ONE}'),
    read(
        H,
        "a column that nobody knows",
        f"{S},next_of_kin\n{GOOD},x\n",
        says="Read as it stands; the column is left out, and its name is in the verdict.",
    ),
    read(H, "columns without a name", f"{S},,\n{GOOD},,\n", notes={"F59": 2}),
    refused(H, "more columns than limits.columns", "F13", ",".join([S, *(f"c{n}" for n in range(2_001))]) + "\n"),
    refused(H, "two shapes of a questionnaire at once", "H04", f"{T},phq9_1\n@,phq9,2025-05-01,3,1\n", table="form"),
    refused(H, "no shape of a questionnaire", "H04", "patient_id,instrument_id,answered_at\n@,phq9,2025-05-01\n", table="form"),
    refused(H, "patients and nothing about them", "H06", "patient_id,street\n@,x\n", table="patient"),
]

C = "Cut, empty, damaged or packed files"
CONTAINERS = [
    refused(C, "empty file", "F01", ""),
    refused(C, "nothing but a byte-order mark", "F01", "\ufeff"),
    refused(C, "nothing but empty lines", "F01", "\n \n\t\n  \n"),
    Class(C, "header and no rows", f"{S},x_@\n", notes={"F51": 1}),
    refused(C, "cut in the middle of a row", "F08", f"{ONE}@2,@"),
    refused(C, "cut inside quotes", "F08", f'{ONE}@2,@,2025-05-02,"ther'),
    read(C, "cut in the middle of a number", f"{S},dose_mg\n{GOOD},4", "@1 | @ | 2025-05-01 | 4", notes={"F52": 1}, look=DOSED),
    row(C, "a field of 3 MB", "@2,@,2025-05-02," + "x" * 3_000_000, "F33"),
    refused(C, "a line of 17 MB", "F14", f"{ONE}{'x' * 17_000_000}\n"),
    refused(C, "gzip", "F05", pack=lambda t: gzip.compress(t.encode(), mtime=0)),
    refused(C, "zip", "F05", pack=lambda t: zipped(**{"sessions.csv": t})),
    refused(C, "zip bomb", "F05", pack=lambda t: zipped(a="0" * 50_000_000)),
    refused(C, "Excel bomb", "F15", pack=lambda t: zipped(**{"xl__workbook.xml": "0" * 50_000_000}), name="sessions @.xlsx"),
    refused(C, "a web page saved as a table", "F06", f"<html><table><tr><td>{S}</td></tr></table></html>"),
    refused(C, "PDF", "F06", "%PDF-1.7\n@\n"),
    refused(C, "Parquet with one byte flipped", "F16", name="sessions @.parquet", pack=flipped),
    refused(C, "Parquet cut in the middle", "F16", name="sessions @.parquet", pack=lambda t: parquet(t)[:300]),
    read(
        C,
        "Parquet without checksums",
        name="sessions @.parquet",
        notes={"F57": 1},
        pack=lambda t: parquet(t, write_page_checksum=False),
    ),
    Class(C, "Parquet with a list in each cell", TWO, (2, 0, 0, 2), {1: ("F35",), 2: ("F35",)}, name="sessions @.parquet", pack=nested),
    refused(C, "Excel cut in the middle", "F17", name="sessions @.xlsx", pack=lambda t: workbook(t)[:3_000]),
    refused(C, "Excel with a password", "F18", name="sessions @.xlsx", pack=protected),
    refused(C, "Excel of before 2007", "F18", name="sessions @.xls.csv", pack=old_excel, text="@"),
    read(C, "Excel with more than one sheet", name="sessions @.xlsx", notes={"F56": 1}, pack=lambda t: workbook(t, sheets=2)),
    refused(C, "JSON that is one list", "F19", '[{"session_id": "@1"}]\n', name="sessions @.json"),
    refused(C, "JSON over several lines", "F19", '{\n  "session_id": "@1"\n}\n', name="sessions @.json"),
    Class(
        C,
        "JSON Lines with a broken line",
        lines(RECORD) + '{"session_id": "@2", "pa\n',
        (2, 1, 0, 1),
        {2: ("F36",)},
        kept=(KEPT,),
        name="sessions @.jsonl",
    ),
    Class(
        C,
        "JSON Lines with a field twice",
        lines(RECORD) + '{"session_id": "@2", "session_id": "@3"}\n',
        (2, 1, 0, 1),
        {2: ("F37",)},
        kept=(KEPT,),
        name="sessions @.jsonl",
    ),
    read(C, "JSON Lines that is called .csv", lines(RECORD), notes={"F58": 1}),
]

N = "Names of files"
NAMES = [
    refused(N, "a name that is not known", "H01", name="export @.csv"),
    refused(N, "a name that only begins alike", "H01", name="sessionsnotes @.csv"),
    refused(N, "an ending that is not known", "H01", name="sessions @.bak"),
    refused(N, "a name that begins with a dash", "H01", name="-rf sessions @.csv"),
    read(N, "capital letters", name="SESSIONS @.CSV"),
    read(N, "signs that are a pattern to a shell or a reader", name="sessions @ [12]*?{a,b}.csv"),
    read(N, "dots that look like a path", name="sessions @ ..%2f..\\..\\x.csv"),
    read(N, "a line end", name="sessions @\n2.csv"),
    read(N, "quotes and SQL", name="sessions @'; drop table core.session; --.csv"),
    read(N, "a command", name="sessions @ $(touch x) `touch y`.csv"),
    read(N, "letters of other scripts", name="sessions @ 日本 é 🙂.csv"),
    read(N, "bytes that are no letters", name="sessions @ \udcff\udcfe.csv"),
    read(N, "as long as a name may be", name="sessions @ " + "x" * 236 + ".csv"),
    read(N, "a name that is itself an identifier", name="sessions @ Jane Roe 1961-04-03 MRN 555123.csv"),
    refused(N, "an identifier that is not known as a name", "H01", name="Jane Roe 555-12-3456 @.csv"),
]
FILES = [*ENCODINGS, *LINES, *HEADERS, *CONTAINERS, *NAMES]
