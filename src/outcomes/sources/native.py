"""A file's name and header in; out which clean table it holds, in which shape, and which of its columns stands for which of ours.

Names of columns are compared in lower case, trimmed, without invisible characters. What no map names is left unread; its name goes
into the private verdict only. A refusal names columns of the contract, never the file's.
"""

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, Final, Literal

from outcomes.contract import ANSWER, FORM, TABLES, Table
from outcomes.instruments import Library, aliases, normalise
from outcomes.settings import Settings, Source
from outcomes.sources import reading
from outcomes.sources.times import Custom
from outcomes.sources.values import INVISIBLE, ODD_BLANKS

Shape = Literal["rows", "long", "wide", "total"]

EXPORTED_AT: Final = "exported_at"
SUFFIXES: Final = (".csv", ".tsv", ".txt", ".parquet", ".jsonl", ".ndjson", ".json", ".xlsx")
_ITEM: Final = re.compile(r"(?:item|q)[ _]?0*(\d{1,3})", re.ASCII)
_ITEM_OF: Final = re.compile(r"(?P<name>.+?)(?:[ _.\-]+(?:item|q|i)?|(?:item|q))[ _.\-]*0*(?P<item>\d{1,3})", re.ASCII)
_TOTAL_OF: Final = re.compile(r"(?P<name>.+?)[ _.\-]*(?:total|sum|score)", re.ASCII)


@dataclass(frozen=True)
class Recognised:
    """The clean table that a file name stands for, and how the file writes its values."""

    table: Table
    custom: Custom
    source: Source | None = None


@dataclass(frozen=True)
class Block:
    """The columns of one questionnaire in a wide line: position of each item's column, and of the total of `scale_id`."""

    questionnaire_id: str
    scale_id: str = "total"
    items: Mapping[int, int] = field(default_factory=dict)
    total: int | None = None


@dataclass(frozen=True)
class Columns:
    """Positions in the file's header: `columns` by our name, `blocks` of a wide file that names its questionnaires in the header.

    `items` are the columns `item_1` ... of a wide file with an `instrument_id`. `unknown` are names that no map has; `beyond`
    counts columns of items that a known questionnaire does not have.
    """

    shape: Shape
    columns: Mapping[str, int]
    items: Mapping[int, int] = field(default_factory=dict)
    blocks: tuple[Block, ...] = ()
    unknown: tuple[str, ...] = ()
    beyond: int = 0

    @property
    def positions(self) -> list[int]:
        """Every column of the file that is read."""
        inside = [p for b in self.blocks for p in (*b.items.values(), *([] if b.total is None else [b.total]))]
        return sorted({*self.columns.values(), *self.items.values(), *inside})


def recognise(file_name: str, settings: Settings) -> Recognised:
    """The table of a file by its name alone: a [[source]] whose pattern fits comes first, then the native prefixes.

    The name is compared as text and never looked for on disk. Raises Refused H01, H05.
    """
    name = file_name.lower()
    native = _by_prefix(name)
    source = next((s for s in settings.sources if fnmatchcase(name, s.pattern.lower())), None)
    if source is None:
        if native is None:
            raise reading.refused("H01")
        return Recognised(native, Custom(settings.clinic.timezone))
    table = TABLES[source.table] if source.table else native
    if source.format != "native":
        raise reading.refused("H05", "format")
    if table is None:
        raise reading.refused("H05", "table")
    ours = {*table.readable, *ANSWER.readable, EXPORTED_AT, *reading.other_names(table.name)}
    wrong = [name for name in source.columns if name.lower() not in ours and not (table is FORM and _of_a_questionnaire(name))]
    if wrong:
        raise reading.refused("H05", *sorted(wrong))
    custom = Custom(source.timezone or settings.clinic.timezone, source.day_first, source.decimal_comma)
    return Recognised(table, custom, source)


def _of_a_questionnaire(name: str) -> bool:
    return any(form.fullmatch(name.lower()) for form in (_ITEM, _ITEM_OF, _TOTAL_OF))


def _by_prefix(name: str) -> Table | None:
    if not name.endswith(SUFFIXES):
        return None
    found = [(len(p), t) for t in TABLES.values() for p in t.prefixes if re.match(re.escape(p) + r"(?![a-z])", name)]
    return max(found, key=lambda pair: pair[0])[1] if found else None


def map_header(header: Sequence[str], known: Recognised, library: Library) -> Columns:
    """What each column of the header stands for. Raises Refused H02, H03, H04, H06."""
    table, aliases = known.table, reading.other_names(known.table.name)
    names = [clean_name(name) for name in header]
    if known.source:
        absent = [our.lower() for our, their in known.source.columns.items() if clean_name(their) not in names]
        _demand({aliases.get(our, our) for our in absent}, {})
        names = _renamed(names, known.source)
    ours = {*table.readable, EXPORTED_AT, *(ANSWER.required if table is FORM else ())}
    columns: dict[str, int] = {}
    rest: dict[int, str] = {}
    for position, name in enumerate(names):
        name = aliases.get(name, name)
        if name not in ours:
            rest[position] = name
        elif name in columns:
            raise reading.refused("H03", name)
        else:
            columns[name] = position
    if table is not FORM:
        _demand(table.required, columns)
        if not set(columns) - {EXPORTED_AT} - set(table.required) and len(table.required) == 1:
            raise reading.refused("H06")
        return Columns("rows", columns, unknown=tuple(header[p] for p in rest if header[p]))
    return _questionnaire(header, columns, rest, known.source, library)


def clean_name(name: str) -> str:
    """A column name as it is compared."""
    return re.sub(ODD_BLANKS, " ", re.sub(INVISIBLE, "", name)).strip().lower()


def _renamed(names: list[str], source: Source) -> list[str]:
    """Names with those that the source maps replaced by ours; a column that happens to have our name already is set aside."""
    theirs = {clean_name(their): our.lower() for our, their in source.columns.items()}
    return [theirs.get(name, "" if name in theirs.values() else name) for name in names]


def _demand(required: Sequence[str] | set[str], columns: Mapping[str, int]) -> None:
    absent = sorted(set(required) - set(columns))
    if absent:
        raise reading.refused("H02", *absent)


def _questionnaire(
    header: Sequence[str], columns: dict[str, int], rest: dict[int, str], source: Source | None, library: Library
) -> Columns:
    items, blocks, beyond = _wide_columns(rest, library, generic="instrument_id" in columns)
    shape = source.shape if source and source.shape else _shape(columns, bool(items), bool(blocks))
    if shape == "long":
        _demand({*FORM.required, *ANSWER.required}, columns)
    elif shape == "total":
        _demand({*FORM.required, "reported_total"}, columns)
    elif not items and not blocks:
        raise reading.refused("H02", "item_1")
    else:
        _demand(set(FORM.required) - (set() if items else {"instrument_id"}), columns)
    if shape != "wide":
        items, blocks = {}, ()
    if shape != "long":
        columns = {name: position for name, position in columns.items() if name not in ANSWER.required}
    used = {*columns.values(), *items.values(), *(p for b in blocks for p in (*b.items.values(), b.total))}
    unknown = tuple(header[p] for p in range(len(header)) if p not in used and header[p])
    return Columns(shape, columns, items, blocks, unknown, beyond)


def _shape(columns: Mapping[str, int], has_items: bool, has_blocks: bool) -> Shape:
    long = {"item", "answer"} <= set(columns)
    total = {"instrument_id", "reported_total"} <= set(columns)
    if long + has_items + has_blocks > 1 or (has_blocks and total):
        raise reading.refused("H04")
    if long:
        return "long"
    if has_items or has_blocks:
        return "wide"
    if total:
        return "total"
    if "item" in columns or "answer" in columns:
        _demand({*FORM.required, *ANSWER.required}, columns)
    _demand(set(FORM.required) - {"instrument_id"}, columns)
    raise reading.refused("H04")


def _wide_columns(rest: Mapping[int, str], library: Library, generic: bool) -> tuple[dict[int, int], tuple[Block, ...], int]:
    """Item columns of the shape with an `instrument_id`, blocks named after questionnaires, and item columns beyond a questionnaire."""
    names: dict[str, str] = dict(aliases(library).iter_rows())
    scales = {(form, normalise(m.scale_id)): m.scale_id for form, (one, _) in library.forms.items() for m in one.measures}
    items: dict[int, int] = {}
    found: dict[tuple[str, str], tuple[dict[int, int], dict[str, int]]] = {}
    beyond = 0
    numbered = {one for one, times in Counter(_item_of(name, names)[0] for name in rest.values()).items() if one and times > 1}
    for position, name in rest.items():
        if generic and (match := _ITEM.fullmatch(name)):
            _once(items, int(match[1]), position, f"item_{int(match[1])}")
            continue
        place = _place(name, names, scales, numbered)
        if place is None:
            continue
        questionnaire, what = place
        if isinstance(what, str):
            _once(found.setdefault((questionnaire, what), ({}, {}))[1], "total", position, f"{questionnaire}_{what}")
        elif 1 <= what <= (library.forms[questionnaire][0].items or 0):
            _once(found.setdefault((questionnaire, "total"), ({}, {}))[0], what, position, f"{questionnaire}_{what}")
        else:
            beyond += 1
    blocks = tuple(Block(q, scale, i, t.get("total")) for (q, scale), (i, t) in found.items())
    return items, blocks, beyond


def _once(places: dict[Any, int], key: int | str, position: int, ours: str) -> None:
    if key in places:
        raise reading.refused("H03", ours)
    places[key] = position


def _item_of(name: str, names: Mapping[str, str]) -> tuple[str | None, int]:
    """Questionnaire and number of the item that a column is named after; no questionnaire where it is not named so."""
    match = _ITEM_OF.fullmatch(name)
    return (names.get(normalise(match["name"])), int(match["item"])) if match else (None, 0)


def _place(
    name: str, names: Mapping[str, str], scales: Mapping[tuple[str, str], str], numbered: Collection[str]
) -> tuple[str, str | int] | None:
    """Questionnaire and item number, or questionnaire and scale of a total, that a column is named after.

    cadss_6 is the total of the CADSS-6, but item 6 of the CADSS beside others of its items (`numbered` has such questionnaires).
    """
    questionnaire, item = _item_of(name, names)
    if normalise(name) in names and questionnaire not in numbered:
        return names[normalise(name)], "total"
    if questionnaire:
        return questionnaire, item
    if normalise(name) in names:
        return names[normalise(name)], "total"
    match = _TOTAL_OF.fullmatch(name)
    stem = match["name"] if match else name
    if match and normalise(stem) in names:
        return names[normalise(stem)], "total"
    for cut in (m.start() for m in re.finditer(r"[ _.\-]", stem)):
        questionnaire = names.get(normalise(stem[:cut]))
        scale = scales.get((questionnaire or "", normalise(stem[cut:])))
        if questionnaire and scale:
            return questionnaire, scale
    return None
