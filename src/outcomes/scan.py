"""Pseudonyms and files in; out, which of the files hold one of them, in their bytes or in what these are when they are unpacked.

A pseudonym counts where no letter and no digit stands beside it: `p17` is not in `p170`. Parquet and DuckDB compress, and put texts one
behind another without a gap: their values are read, and their bytes are searched besides without looking at what stands beside, unless a
longer text among the values explains what is found. Pseudonyms of fewer than LONG characters come about in such bytes by chance, and are
looked for among the values alone. A pseudonym that is a number, or of fewer than SHORT characters, stands in many files without being
one: it counts in exports, and where a value of a table is nothing else. Nothing here says which pseudonym was found.
"""

import gzip
import io
import json
import re
import sqlite3
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

LONG: Final = 6
SHORT: Final = 4
DEEP: Final = 3
PIECE: Final = 1 << 24
_PDF_STREAM: Final = re.compile(rb"stream\r?\n(.*?)endstream", re.DOTALL)
_LETTER: Final = rb"[0-9A-Za-z]"


@dataclass(frozen=True)
class Found:
    """What a scan saw: how many files, those that hold a pseudonym, and those that could not be unpacked."""

    files: int
    holding: tuple[Path, ...] = ()
    unread: tuple[Path, ...] = ()


@dataclass(frozen=True)
class _Wanted:
    """`written` are bytes to look for, `alone` finds them where no letter or digit is beside; `long` may be looked for in between.

    `texts` finds them in a value, `within` also as a part of something longer; a value that is one of `common` is one of those.
    """

    written: tuple[bytes, ...]
    alone: "re.Pattern[bytes]"
    long: tuple[bytes, ...]
    texts: "re.Pattern[str]"
    within: "re.Pattern[str]"
    common: frozenset[str]
    margin: int


def scan(folder: Path, pseudonyms: Iterable[str], exports: Path | None = None) -> Found:
    """Looks through every file below a folder, the exports among them below `exports`; links are not followed."""
    paths = [path for path in sorted(folder.rglob("*")) if path.is_file() and not path.is_symlink()]
    people = frozenset(pseudonyms)
    common = frozenset(one for one in people if one.isdigit() or len(one) < SHORT)
    everywhere, in_exports = wanted_of(people - common, common), wanted_of(people)
    holding, unread = [], []
    for path in paths:
        try:
            if holds(path, in_exports if exports and exports in (folder, *path.parents) else everywhere):
                holding.append(path)
        except Exception:
            unread.append(path)
    return Found(len(paths), tuple(holding), tuple(unread))


def wanted_of(pseudonyms: Iterable[str], common: frozenset[str] = frozenset()) -> _Wanted:
    """What `holds` looks for; `common` are those that count only where they are a whole value of a table."""
    names = sorted(set(pseudonyms), key=lambda one: (-len(one), one))
    plain = {one.encode(encoding, "ignore") for one in names for encoding in ("utf-8", "latin-1")} | {
        json.dumps(one)[1:-1].encode() for one in names
    }
    forms = [
        (_LETTER, plain, _LETTER),
        (_LETTER + rb"\0", {one.encode("utf-16-le") for one in names}, _LETTER),
        (_LETTER, {one.encode("utf-16-be") for one in names}, rb"\0" + _LETTER),
    ]
    either = {some: b"|".join(map(re.escape, sorted(texts, key=len, reverse=True))) for some, (_, texts, _) in enumerate(forms)}
    alone = b"|".join(rb"(?<!%b)(?:%b)(?!%b)" % (before, either[some], after) for some, (before, _, after) in enumerate(forms))
    written = tuple(sorted({text for _, some, _ in forms for text in some} - {b""}))
    # What nothing matches, where nobody is looked for.
    texts = "|".join(map(re.escape, names)) or "(?!)"
    return _Wanted(
        written,
        re.compile(alone),
        tuple(one.encode() for one in names if len(one) >= LONG),
        re.compile(rf"(?<![^\W_])(?:{texts})(?![^\W_])"),
        re.compile(texts),
        common,
        max(map(len, written), default=0) + 4,
    )


def holds(path: Path, wanted: _Wanted) -> bool:
    """Whether a file holds a pseudonym. Raises what a library raises for a file that is not what it seems to be."""
    with path.open("rb") as file:
        head = file.read(16)
        if head.startswith(b"PAR1"):
            return _holds_packed(path, wanted, _of_parquet)
        if head[8:12] == b"DUCK":
            return _holds_packed(path, wanted, _of_duckdb)
        if head.startswith(b"SQLite format 3\0") and _holds_texts(_of_sqlite(path), wanted)[0]:
            return True
        file.seek(0)
        return _holds(file, wanted)


def _holds(file: "io.BufferedIOBase", wanted: _Wanted, depth: int = 0) -> bool:
    """Whether a stream holds one, piece by piece, as it stands or unpacked."""
    head = file.read(4)
    file.seek(0)
    if depth < DEEP and head.startswith(b"\x1f\x8b"):
        with gzip.open(file) as inside:
            return _holds(inside, wanted, depth + 1)
    if depth < DEEP and head.startswith(b"PK\x03\x04"):
        with zipfile.ZipFile(file) as archive:
            names = " ".join(archive.namelist()).encode()
            return _stands_in(names, wanted) or any(_member(archive, name, wanted, depth + 1) for name in archive.namelist())
    if head.startswith(b"%PDF") and any(_stands_in(text, wanted) for text in _of_pdf(file.read())):
        return True
    file.seek(0)
    before = b""
    while piece := file.read(PIECE):
        if _stands_in(before + piece, wanted, goes_on=len(piece) == PIECE, goes_back=bool(before)):
            return True
        before = (before + piece)[-wanted.margin :]
    return False


def _stands_in(text: bytes, wanted: _Wanted, *, goes_on: bool = False, goes_back: bool = False) -> bool:
    """Whether one stands in the bytes with no letter beside; one at an end is left to the next piece."""
    if not any(one in text for one in wanted.written):
        return False
    end = len(text) - 2 * goes_on
    return any(match.end() <= end for match in wanted.alone.finditer(text, 2 * goes_back))


def _member(archive: zipfile.ZipFile, name: str, wanted: _Wanted, depth: int) -> bool:
    with archive.open(name) as member:
        return _holds(io.BytesIO(member.read()), wanted, depth)


def _holds_packed(path: Path, wanted: _Wanted, texts: Callable[[Path], Iterator[str]]) -> bool:
    is_held, is_explained = _holds_texts(texts(path), wanted)
    if is_held or is_explained or not wanted.long:
        return is_held
    before = b""
    with path.open("rb") as file:
        while piece := file.read(PIECE):
            if any(one in before + piece for one in wanted.long):
                return True
            before = piece[-wanted.margin :]
    return False


def _holds_texts(texts: Iterator[str], wanted: _Wanted) -> tuple[bool, bool]:
    """Whether one of the texts holds a pseudonym; and whether one holds it as a part of something longer."""
    explained = False
    for text in texts:
        if text in wanted.common:
            return True, explained
        if wanted.within.search(text):
            if wanted.texts.search(text):
                return True, explained
            explained = True
    return False, explained


def _of_parquet(path: Path) -> Iterator[str]:
    """The texts of a Parquet file, each once per row group, and what its footer says."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        for key, value in (file.metadata.metadata or {}).items():
            yield key.decode("utf-8", "replace") + " " + value.decode("utf-8", "replace")
        yield " ".join(file.schema_arrow.names)
        for group in range(file.num_row_groups):
            for column in file.read_row_group(group).columns:
                kind = column.type.value_type if isinstance(column.type, pa.DictionaryType) else column.type
                if pa.types.is_nested(kind):
                    yield from (json.dumps(value, default=str, ensure_ascii=False) for value in column.to_pylist())
                elif pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_binary(kind):
                    yield from (_text(value) for value in column.unique().to_pylist() if value is not None)


def _of_duckdb(path: Path) -> Iterator[str]:
    """The texts of a DuckDB file, each once per column, and its comments and definitions."""
    import duckdb

    with duckdb.connect(str(path), read_only=True, config={"temp_directory": ""}) as con:
        columns = con.execute(
            "select schema_name, table_name, column_name, data_type from duckdb_columns() "
            "where database_name = current_database() and not internal"
        ).fetchall()
        tables = {row[:2] for row in con.execute("select schema_name, table_name from duckdb_tables() where not internal").fetchall()}
        yield json.dumps(con.execute("select * from duckdb_columns() where not internal").fetchall(), default=str, ensure_ascii=False)
        for schema, table, column, kind in columns:
            if (schema, table) in tables and re.search(r"VARCHAR|BLOB|JSON|ENUM", kind):
                rows = con.execute(f'select distinct "{column}"::varchar from "{schema}"."{table}"')
                while some := rows.fetchmany(10_000):
                    yield from (text for (text,) in some if text is not None)


def _of_sqlite(path: Path) -> Iterator[str]:
    """The texts of a SQLite file, and its bytes as text."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as con:
        for (table,) in con.execute("select name from sqlite_master where type = 'table'").fetchall():
            for row in con.execute(f'select * from "{table}"'):
                yield from (_text(value) for value in row if isinstance(value, str | bytes))


def _of_pdf(data: bytes) -> Iterator[bytes]:
    for match in _PDF_STREAM.finditer(data):
        try:
            yield zlib.decompress(match[1].strip(b"\r\n"))
        except zlib.error:
            continue


def _text(value: object) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
