"""Exports with a made-up identifier in every place that can hold text; and the search that finds it again, however a file is packed."""

import csv
import gzip
import io
import json
import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import xlsxwriter

from outcomes.contract import TABLES

Kind = Literal["cell", "accepted", "name", "header"]
Row = dict[str, str]

WORD = "Zoecanary"
GOOD: Mapping[str, Row] = {
    "patient": {"patient_id": "{n}"},
    "session": {"session_id": "{n}", "patient_id": "{n}", "started_at": "2025-05-01", "kind": "therapy"},
    "total": {"patient_id": "{n}", "instrument_id": "phq9", "answered_at": "2025-05-01", "reported_total": "3"},
    "long": {"patient_id": "{n}", "form_id": "{n}", "instrument_id": "phq9", "answered_at": "2025-05-01", "item": "1", "answer": "2"},
    "wide": {"patient_id": "{n}", "answered_at": "2025-05-01", "phq9_1": "2", "phq9_9": "1", "phq9_total": "9"},
    "adverse_event": {"event_id": "{n}", "patient_id": "{n}", "term": "nausea"},
    "session_observation": {"session_id": "{n}", "patient_id": "{n}", "minute": "20", "kind": "dissociation", "value": "3"},
}
BROKEN = {
    "patient": {"enrolled_on": "2025-02-30"},
    "session": {"started_at": "2025-02-30"},
    "adverse_event": {"onset_min": "soon"},
    "session_observation": {"minute": "soon"},
    "total": {"answered_at": "2025-02-30"},
    "long": {"answered_at": "2025-02-30"},
    "wide": {"answered_at": "2025-02-30"},
}
# Pseudonyms and short names: what a clinic calls its own.
_OF_FORM = {"form_id", "patient_id", "session_id", "site_id", "instrument_version"}
ACCEPTED = {
    "patient": {"patient_id", "site_id", "ethnicity", "indication_subtype", "programme_id", "exclusion_reason"},
    "session": {"session_id", "patient_id", "site_id", "programme_id"},
    "adverse_event": {"event_id", "session_id", "patient_id", "term"},
    "session_observation": {"session_id", "patient_id", "kind"},
    "total": _OF_FORM,
    "long": _OF_FORM | {"scale_id"},
    "wide": _OF_FORM,
}
# Columns that would make another shape of a wide export.
ABSENT = {"wide": {"instrument_id", "reported_total", "scale_id"}}
NAMES = {"patient": "patients", "session": "sessions", "adverse_event": "adverse_events", "session_observation": "session_observations"}


@dataclass
class Planted:
    """Which words were planted, and where; each stands in one place only."""

    places: dict[str, tuple[Kind, str]] = field(default_factory=dict)

    def word(self, kind: Kind, place: str) -> str:
        word = f"{WORD}{len(self.places):04}"
        self.places[word.lower()] = (kind, place)
        return word

    def of(self, *kinds: Kind) -> set[str]:
        return {word for word, (kind, _) in self.places.items() if kind in kinds}


def words(data: bytes) -> set[str]:
    """The planted words in plain bytes, in UTF-16 too."""
    pattern = re.compile(WORD.encode() + rb"\d{4}", re.IGNORECASE)
    return {found.decode().lower() for part in (data, data.replace(b"\0", b"")) for found in pattern.findall(part)}


def words_in(path: Path) -> set[str]:
    """The planted words in a file: in its bytes, and in what they are when they are unpacked."""
    data = path.read_bytes()
    found = words(data)
    if data.startswith(b"\x1f\x8b"):
        found |= words(gzip.decompress(data))
    if data.startswith(b"PK") and zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            found |= {word for name in archive.namelist() for word in words(archive.read(name))}
    if data.startswith(b"PAR1"):
        # A damaged one among them can't be unpacked.
        with suppress(pa.ArrowInvalid, OSError):
            found |= words(repr(pq.read_table(path).to_pylist()).encode())
    if path.suffix == ".duckdb":
        found |= _words_in_database(path)
    return found


def _words_in_database(path: Path) -> set[str]:
    with duckdb.connect(str(path), read_only=True) as con:
        tables = con.execute("select schema_name, table_name from duckdb_tables() where not internal").fetchall()
        rows = (row for schema, table in tables for row in con.sql(f'select t::varchar from "{schema}"."{table}" as t').fetchall())
        return {word for (row,) in rows for word in words(row.encode())}


def exports(planted: Planted) -> dict[str, bytes]:
    """Name -> bytes of files that are taken in: a row for each column that can be read, with a word in it, alone and in a broken row."""
    files = {}
    for shape in GOOD:
        for kind, pack in PACKS.items():
            for number, rows in enumerate(_batches(list(_rows(planted, shape, kind)))):
                unknown = planted.word("header", f"{shape}.{kind} header")
                for row in rows:
                    row[unknown] = planted.word("cell", f"{shape}.{kind}, cell of an unknown column")
                header = list(dict.fromkeys(name for row in rows for name in row))
                table = [[row.get(name, "") for name in header] for row in rows]
                name = planted.word("name", f"{shape}.{kind} file")
                files[f"{NAMES.get(shape, 'questionnaires')} {number} {name}.{kind}"] = pack(planted, header, table)
    return files


def _rows(planted: Planted, shape: str, kind: str) -> Iterator[Row]:
    table = TABLES[shape if shape in TABLES else "form"]
    columns = ({*table.readable, *GOOD[shape], "exported_at"}) - ABSENT.get(shape, set())
    for column in sorted(columns):
        for fault in ({}, BROKEN[shape]):
            if column in fault:
                continue
            place = f"{shape}.{kind} {column}{', broken row' if fault else ''}"
            accepted = column in ACCEPTED[shape] and not fault
            n = f"n{len(planted.places)}"
            yield {name: value.replace("{n}", n) for name, value in {**GOOD[shape], **fault}.items()} | {
                column: planted.word("accepted" if accepted else "cell", place)
            }


def _batches(rows: list[Row], size: int = 18) -> Iterator[list[Row]]:
    """Files of fewer than twenty rows, since more would be refused for their many broken ones."""
    yield from (rows[start : start + size] for start in range(0, len(rows), size))


def _csv(_: Planted, header: Sequence[str], rows: Sequence[Sequence[str]]) -> bytes:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows([header, *rows])
    return out.getvalue().encode()


def _jsonl(_: Planted, header: Sequence[str], rows: Sequence[Sequence[str]]) -> bytes:
    return "".join(json.dumps(dict(zip(header, row, strict=True))) + "\n" for row in rows).encode()


def _parquet(planted: Planted, header: Sequence[str], rows: Sequence[Sequence[str]]) -> bytes:
    table = pa.table({name: pa.array([row[place] or None for row in rows], pa.string()) for place, name in enumerate(header)})
    table = table.replace_schema_metadata({"author": planted.word("cell", "metadata of Parquet")})
    out = io.BytesIO()
    pq.write_table(table, out, write_page_checksum=True)
    return out.getvalue()


def _xlsx(planted: Planted, header: Sequence[str], rows: Sequence[Sequence[str]]) -> bytes:
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True})
    book.set_properties({"author": planted.word("cell", "author of a workbook")})
    sheet = book.add_worksheet(planted.word("cell", "name of a sheet"))
    for y, row in enumerate([header, *rows]):
        for x, cell in enumerate(row):
            sheet.write_string(y, x, cell)
    sheet.write_comment("A1", planted.word("cell", "comment of a cell"))
    book.close()
    return out.getvalue()


PACKS = {"csv": _csv, "jsonl": _jsonl, "parquet": _parquet, "xlsx": _xlsx}


def broken(planted: Planted) -> dict[str, bytes]:
    """Name -> bytes of files that are refused or lose rows while they are read, with words in what is wrong."""

    def word(place: str) -> str:
        return planted.word("cell", place)

    def accepted(place: str) -> str:
        return planted.word("accepted", place)

    head = "session_id,patient_id,started_at,kind"
    whole = f"{head}\nw1,w,2025-05-01,therapy\n"
    texts = {
        "sessions ragged.csv": (
            f'{head}\n"{word("open quote")},w,2025-05-01,therapy\nw2,{accepted("good row")},2025-05-01,therapy\n'
            f"w3,w,2025-05-01,therapy,{word('too many fields')}\n{word('too few fields')},w\n"
            f'w4,"{word("quote closed early")}"x,2025-05-01,therapy\nw5,{word("long field") + "x" * 20_000},2025-05-01,therapy\n'
        ),
        "sessions cut.csv": f"{whole}{word('cut row')},w",
        "sessions cut quote.csv": f'{whole}"{word("cut in quotes")}',
        "sessions nul.csv": f"{whole}{word('zero byte')}\0,w,2025-05-01,therapy\n",
        "sessions twice.csv": f"{head},{(twice := word('name twice'))},{twice}\nw6,w,2025-05-01,therapy,1,2\n",
        "sessions quote in header.csv": f'"{word("open quote in header")},{head}\nw7,w,2025-05-01,therapy\n',
        "sessions separators.csv": f"{head.replace(',', ';')}\n{word('other separator')},w,2025-05-01,therapy\n",
        "sessions renamed.csv": f"session_id,{word('renamed column')},started_at,kind\nw8,w,2025-05-01,therapy\n",
        "patients bare.csv": f"patient_id,{word('nothing known')}\nw,x\n",
        "questionnaires two shapes.csv": f"patient_id,instrument_id,answered_at,total,phq9_1\n{word('two shapes')},phq9,2025-05-01,3,1\n",
        f"{planted.word('name', 'unknown file')}.csv": f"{word('header of an unknown file')}\n{word('unknown file')}\n",
        "sessions web.csv": f"<html>{word('web page')}</html>",
        "sessions list.json": f'[{{"session_id": "{word("JSON list")}"}}]',
        "sessions cut.jsonl": f'{{"session_id": "w9", "patient_id": "w", "started_at": "2025-05-01", "kind": "{word("cut JSON")}',
        "sessions broken.jsonl": "".join(
            f"{line}\n"
            for line in (
                f'{{"session_id": "w10", "patient_id": "{accepted("good JSON")}", "started_at": "2025-05-01", "kind": "therapy"}}',
                f'{{"session_id": "{word("broken JSON")}", "pat',
                f'{{"session_id": "w11", "patient_id": ["{word("JSON list in a field")}"], "started_at": "2025-05-01", "kind": "therapy"}}',
                f'{{"session_id": "{word("JSON field twice")}", "session_id": "w12"}}',
                f'"{word("JSON text")}"',
            )
        ),
    }
    files = {name: text.encode() for name, text in texts.items()}
    files["sessions mixed.csv"] = f"{head}\né,ö,ü,ß\n{word('mixed encodings')},w\n".encode() + b"\xff\n"
    files["sessions utf16.csv"] = f"{whole}{word('half a letter')}".encode("utf-16") + b"\x31"
    files["sessions wide letters.csv"] = f"{head}\nw13,{word('UTF-16, pseudonym')},2025-05-01,{word('UTF-16, bad kind')}\n".encode("utf-16")
    files["sessions packed.csv"] = gzip.compress(f"{head}\n{word('gzip')}\n".encode())
    files["sessions packed.xlsx"] = _zipped({word("name in a zip"): word("zip")})
    files["sessions xml.xlsx"] = _zipped(
        {"xl/workbook.xml": f"<{word('XML')}", "xl/_rels/workbook.xml.rels": f"<{word('XML of relations')}"}
    )
    files["sessions bad.parquet"] = _flipped(planted)
    files["sessions nested.parquet"] = _nested(planted)
    return files


REFUSED = {
    *("sessions cut.csv", "sessions cut quote.csv", "sessions nul.csv", "sessions twice.csv", "sessions quote in header.csv"),
    *("sessions separators.csv", "sessions renamed.csv", "patients bare.csv", "questionnaires two shapes.csv", "sessions web.csv"),
    *("sessions list.json", "sessions cut.jsonl", "sessions mixed.csv", "sessions utf16.csv", "sessions packed.csv"),
    *("sessions packed.xlsx", "sessions xml.xlsx", "sessions bad.parquet"),
}


def _zipped(parts: Mapping[str, str]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, text in parts.items():
            archive.writestr(name, text)
    return out.getvalue()


def _flipped(planted: Planted) -> bytes:
    word = planted.word("cell", "damaged Parquet")
    table = pa.table({"session_id": [word], "patient_id": ["w"], "started_at": ["2025-05-01"], "kind": ["therapy"]})
    out = io.BytesIO()
    pq.write_table(table, out, write_page_checksum=True, compression="none", use_dictionary=False, write_statistics=False)
    data = bytearray(out.getvalue())
    data[data.index(b"therapy")] ^= 1
    return bytes(data)


def _nested(planted: Planted) -> bytes:
    listed, raw = planted.word("cell", "list in Parquet"), planted.word("cell", "bytes in Parquet")
    cells: dict[str, Any] = {
        "session_id": ["w14"],
        "patient_id": [[listed]],
        "started_at": ["2025-05-01"],
        "kind": pa.array([raw.encode() + b"\xff"], pa.binary()),
    }
    out = io.BytesIO()
    pq.write_table(pa.table(cells), out, write_page_checksum=True, compression="none")
    return out.getvalue()
