"""The SQL files of a folder in, with what they say about themselves out: header, column meanings, tables they read, order of building.

A file is one SELECT; its folder is the schema and its name the table. The header comment tells what a row is, and the comment
behind each column of the last SELECT what the column means. `-- kept as: view` in the header makes it a view. `-- shard: patient_id`
says that each row belongs to one patient, and by which column; `-- shard: course_id of core.course`, which table knows the patient.
A file of `macro` or `published` makes one macro; those of `published` go with the release and are no part of the warehouse.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any, NamedTuple

import duckdb

FLOORS = ("macro", "ref", "meta", "clean", "core", "metric", "tally", "release", "report")
VIEWS = frozenset({"metric"})
MACROS = frozenset({"macro", "published"})


ABOUT = ("kept as", "shard")
FACTS = ("title", "order", "good_is", "denominator", "sentence")


class SqlFileError(Exception):
    """A file that can't be built; the text names the file and never a value."""


class Shard(NamedTuple):
    """The column that says whose a row is, and the table that knows the patient of each of its values; no table where it is the patient."""

    column: str
    of: str | None


class Token(NamedTuple):
    kind: str
    text: str
    line: int
    depth: int


@dataclass(frozen=True)
class SqlFile:
    """One file. `meanings` has one entry per column of the last SELECT, None where a comment is missing; `reads` are `schema.table`.

    `facts` are the `key: value` lines that end the header of a metric; they are no part of `header`. `shard` is given for a table whose
    rows belong to one patient each.
    """

    schema: str
    name: str
    text: str
    header: str
    is_view: bool
    meanings: tuple[str | None, ...]
    reads: frozenset[str]
    facts: Mapping[str, str] = field(default_factory=dict)
    shard: Shard | None = None

    @property
    def table(self) -> str:
        return f"{self.schema}.{self.name}"


_TOKEN = re.compile(
    r"(?P<comment>--[^\n]*)|(?P<text>'(?:[^']|'')*')|(?P<quoted>\"[^\"]*\")|(?P<word>[A-Za-z_]\w*)|(?P<number>\d[\w.]*)|(?P<mark>\S)"
)
_ENDS_ITEMS = frozenset({"from", "union", "intersect", "except", "where", "group", "having", "qualify", "order", "limit"})


@cache
def tokens(sql: str) -> tuple[Token, ...]:
    """Every token with its line and how many brackets are open around it."""
    found, depth, line, seen = [], 0, 0, 0
    for match in _TOKEN.finditer(sql):
        text = match.group()
        kind = match.lastgroup or "mark"
        line, seen = line + sql.count("\n", seen, match.start()), match.start()
        depth -= kind == "mark" and text in ")]}"
        found.append(Token(kind, text if kind != "word" else text.lower(), line, depth))
        depth += kind == "mark" and text in "([{"
    return tuple(found)


def fingerprint(file: SqlFile) -> str:
    """The same as long as the file does the same: of its words, without comments and spaces."""
    words = (token.text for token in tokens(file.text) if token.kind != "comment")
    return hashlib.sha256(" ".join(words).encode()).hexdigest()


def read(path: Path) -> SqlFile:
    """The file; its folder's name is the schema."""
    return _told(path.parent.name, path.stem, path.read_text(encoding="utf-8").strip().rstrip(";"))


@cache
def _told(schema: str, name: str, text: str) -> SqlFile:
    """What a text says of itself: once per process, since to parse all of them takes longer than a small clinic's tables."""
    lead = [line[2:].strip() for line in _leading_comment(text)]
    told = {key: line.partition(":")[2].strip() for line in lead for key in ABOUT if line.startswith(f"{key}:")}
    if told.get("kept as", "table") not in ("view", "table"):
        raise SqlFileError(f"{schema}.{name}: kept as must be view or table")
    is_macro = schema in MACROS
    prose, facts = _facts([line for line in lead if not line.startswith(tuple(f"{key}:" for key in ABOUT))])
    return SqlFile(
        schema=schema,
        name=name,
        text=text,
        header="\n".join(prose),
        is_view=told["kept as"] == "view" if "kept as" in told else schema in VIEWS,
        meanings=() if is_macro else _meanings(tokens(text)),
        reads=frozenset() if is_macro else _reads(text, f"{schema}.{name}"),
        facts=facts,
        shard=_shard(told["shard"], f"{schema}.{name}") if "shard" in told else None,
    )


def _shard(said: str, table: str) -> Shard:
    match = re.fullmatch(r"(patient_id)|(\w+) of ((?:clean|core)\.\w+)", said)
    if match is None:
        raise SqlFileError(f"{table}: shard must be patient_id, or a column and the table that knows its patient")
    return Shard(match.group(1) or match.group(2), match.group(3))


def _facts(lead: Sequence[str]) -> tuple[list[str], dict[str, str]]:
    """The prose of a header, and the facts behind it: from the first line that begins with one of FACTS on; a fact may go over lines."""
    prose: list[str] = []
    facts: dict[str, str] = {}
    key = ""
    for line in lead:
        name, colon, value = line.partition(":")
        if colon and name in FACTS:
            key = name
            facts[key] = value.strip()
        elif key:
            facts[key] += f" {line}"
        else:
            prose.append(line)
    return prose, facts


def read_folder(folder: Path, schemas: Sequence[str] = FLOORS) -> list[SqlFile]:
    """Every file of the schemas' folders, by schema and name."""
    return [read(path) for schema in schemas for path in sorted((folder / schema).glob("*.sql"))]


def in_order(reads: Mapping[str, Iterable[str]]) -> list[str]:
    """The tables such that each stands behind those it reads, alphabetical where that leaves a choice.

    Raises SqlFileError for a circle.
    """
    sorter = TopologicalSorter({table: [other for other in others if other in reads] for table, others in reads.items()})
    try:
        sorter.prepare()
    except CycleError as error:
        raise SqlFileError("these tables read each other in a circle: " + " -> ".join(error.args[1])) from None
    order: list[str] = []
    while sorter.is_active():
        ready = sorted(sorter.get_ready())
        order += ready
        sorter.done(*ready)
    return order


def _leading_comment(text: str) -> Iterator[str]:
    for line in text.splitlines():
        if not line.startswith("--"):
            return
        yield line


def _meanings(stream: Sequence[Token]) -> tuple[str | None, ...]:
    starts = [i for i, token in enumerate(stream) if token.kind == "word" and token.text == "select" and token.depth == 0]
    if not starts:
        return ()
    found: list[str | None] = [None]
    behind: Token | None = None  # what the next token stands behind, on the same line or not
    begun = False
    for i in range(starts[-1] + 1, len(stream)):
        token = stream[i]
        if token.kind == "comment":
            meaning = token.text[2:].strip() or None
            if behind is not None and behind.line == token.line:
                ends_item = behind.kind == "mark" and behind.text == "," and behind.depth == 0
                if ends_item:
                    found[-2] = meaning
                elif _item_ends(stream, i):
                    found[-1] = meaning
            elif not begun:
                found[-1] = meaning
            continue
        if token.depth == 0 and token.kind == "word" and token.text in _ENDS_ITEMS and not _is_distinct_from(stream, i):
            break
        begun = True
        if token.depth == 0 and token.text == ",":
            found.append(None)
            begun = False
        behind = token
    return tuple(found)


def _item_ends(stream: Sequence[Token], i: int) -> bool:
    after = next((t for t in stream[i + 1 :] if t.kind != "comment"), None)
    return after is None or (after.depth == 0 and (after.text in _ENDS_ITEMS or after.text == ","))


def _is_distinct_from(stream: Sequence[Token], i: int) -> bool:
    return stream[i].text == "from" and stream[i - 1].text == "distinct" and stream[i - 2].text in ("is", "not")


@cache
def parser() -> duckdb.DuckDBPyConnection:
    """A database without data, once per process: opening one costs more than parsing a file."""
    return duckdb.connect(config={"threads": 1})


def _reads(sql: str, table: str) -> frozenset[str]:
    row = parser().execute("select json_serialize_sql(?, skip_null := true, skip_empty := true, skip_default := true)", [sql]).fetchall()[0]
    tree = json.loads(row[0])
    if tree["error"]:
        raise SqlFileError(f"{table}: {tree['error_message']}")
    if len(tree["statements"]) != 1:
        raise SqlFileError(f"{table}: holds {len(tree['statements'])} statements; one SELECT is wanted")
    return frozenset(_base_tables(tree))


def _base_tables(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if node.get("type") == "BASE_TABLE" and node.get("schema_name"):
            yield f"{node['schema_name']}.{node['table_name']}"
        for value in node.values():
            yield from _base_tables(value)
    elif isinstance(node, list):
        for value in node:
            yield from _base_tables(value)
