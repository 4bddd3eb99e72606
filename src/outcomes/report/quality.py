"""A release in, the quality report for the data's owners out: what to mend, rules, rows, arrivals, freshness."""

from typing import Final

from outcomes.report.facts import data_quality
from outcomes.report.model import NONE, Grid, Section, Text
from outcomes.report.release import Row
from outcomes.report.words import Words, choices

KEPT, NOTED, SET_ASIDE, STOPPED, NOT_ASKED = "kept", "noted", "rows set aside", "file refused", "nothing to check"
STATES: Final = (KEPT, NOTED, SET_ASIDE, STOPPED, NOT_ASKED)
_STATE_OF: Final = {"note": NOTED, "row": SET_ASIDE, "file": STOPPED, "publication": STOPPED}
_ARRIVALS: Final = """
select * from published.arrival
where as_of in (select distinct as_of from published.arrival order by as_of desc limit $nights) order by as_of desc, table_name nulls last
"""
_FRESH: Final = """
select table_name, max(exported_on) as exported_on, max(as_of) as as_of from published.arrival
where files > refused and table_name is not null group by table_name order by table_name
"""
_TOTALS: Final = """
select table_name, count(*) as files, count(*) filter (where status = 'refused') as refused, sum(rows_in)::bigint as rows_in,
    sum(accepted)::bigint as accepted, sum(duplicate)::bigint as duplicate, sum(superseded)::bigint as superseded,
    sum(rejected)::bigint as rejected
from published.quality where kind = 'file' group by table_name order by table_name nulls last
"""


def state(rule: Row) -> str:
    """One of five states; which, is what the rule costs."""
    if not rule["checked"]:
        return NOT_ASKED
    return _STATE_OF[rule["severity"]] if rule["violated"] else KEPT


def summary(words: Words) -> list[Text | Grid]:
    """C9: what leadership is to know of it; the quality report has the tables."""
    more = "Rules, what to mend, where every row went, how fresh it is and what came each night: see the quality report."
    return [Text(data_quality(words).lines, is_list=True), Text((more,))]


def built(words: Words) -> list[Section]:
    """The whole quality report."""
    return [
        Section("mend", "What to mend", (Text(data_quality(words).lines, is_list=True), _mend(words))),
        Section("rules", "Rules", (_states(words), _broken(words))),
        Section("balance", "Where every row went", (_balance(words), _files(words))),
        Section("fresh", "How fresh it is", (_fresh(words),)),
        Section("history", "Night by night", (_history(words),)),
        Section("allrules", "All rules", (_rules(words),)),
    ]


def _mend(words: Words) -> Grid:
    rows = words.release.rows("select * from published.quarantine order by severity, violated desc nulls last, file_id, code")
    found = tuple(
        (
            row["file_id"],
            row["message"] or NONE,
            "all of it" if row["violated"] is None else words.numerals.plain(row["violated"]),
            f"{row['code']}{' ' + row['column_name'] if row['column_name'] else ''}",
            words.table(row["table_name"]),
        )
        for row in rows
    )
    remark = (
        "A file is named by the first twelve digits of its SHA-256, as its folder in the quarantine is; no value of it leaves the house."
    )
    return Grid("Files with rows set aside", ("File", "What to mend", "Rows", "Rule", "Holds"), found, frozenset({"Rows"}), (remark,))


def _judged(words: Words) -> list[Row]:
    return words.release.rows(
        "select * from published.quality where kind in ('rule', 'finding') "
        "order by violated = 0 or checked = 0, violation_rate desc nulls last, code"
    )


def _states(words: Words) -> Grid:
    states = [state(row) for row in _judged(words)]
    rows = tuple((one, words.numerals.plain(states.count(one))) for one in STATES)
    return Grid("Rules by state", ("State", "Rules"), rows, frozenset({"Rules"}))


def _line(words: Words, row: Row) -> tuple[str, ...]:
    rate = NONE if row["violation_rate"] is None else words.numerals.share(row["violation_rate"], 2)
    counts = (words.numerals.plain(row["violated"] or 0), words.numerals.plain(row["checked"] or 0), rate)
    where = f"{words.table(row['table_name'])}{', ' + row['column_name'] if row['column_name'] else ''}"
    return (row["code"], row["message"] or NONE, state(row), *counts, where)


_COLUMNS: Final = ("Rule", "What it asks", "State", "Broken", "Of", "Share", "Where")
_NUMBERS: Final = frozenset({"Broken", "Of", "Share"})


def _broken(words: Words) -> Grid:
    rows = tuple(_line(words, row) for row in _judged(words) if row["violated"])
    return Grid("Rules that were broken", _COLUMNS, rows, _NUMBERS)


def _rules(words: Words) -> Grid:
    return Grid("Every rule", _COLUMNS, tuple(_line(words, row) for row in _judged(words)), _NUMBERS)


_FATES: Final = ("rows_in", "accepted", "duplicate", "superseded", "rejected")


def _fates(words: Words, row: Row) -> tuple[str, ...]:
    is_refused = row.get("status") == "refused"
    return tuple("not told apart" if is_refused and row[name] is None else words.count(row, name) for name in _FATES)


def _balance(words: Words) -> Grid:
    rows = tuple(
        (words.table(row["table_name"]), words.count(row, "files"), words.count(row, "refused"), *_fates(words, row))
        for row in words.release.rows(_TOTALS)
    )
    columns = ("Holds", "Files", "Refused", "Rows in", "= accepted", "+ duplicate", "+ superseded", "+ rejected")
    return Grid("Rows in = accepted + duplicate + superseded + rejected", columns, rows, frozenset(columns[1:]))


def _files(words: Words) -> Grid:
    rows = tuple(
        (row["file_id"], words.table(row["table_name"]), row["status"] or NONE, *_fates(words, row))
        for row in words.release.rows("select * from published.quality where kind = 'file' order by table_name nulls last, file_id")
    )
    columns = ("File", "Holds", "Verdict", "Rows in", "= accepted", "+ duplicate", "+ superseded", "+ rejected")
    return Grid("File by file", columns, rows, frozenset(columns[3:]))


def _fresh(words: Words) -> Grid:
    def age(row: Row, name: str) -> tuple[str, str]:
        day = row[name]
        return ("not told", NONE) if day is None else (words.numerals.day(day), words.numerals.plain((words.release.as_of - day).days))

    rows = tuple((words.table(row["table_name"]), *age(row, "exported_on"), *age(row, "as_of")) for row in words.release.rows(_FRESH))
    columns = ("Data", "Newest export", "Days old", "Last night it came", "Days ago")
    return Grid("Newest export of each kind", columns, rows, frozenset(columns[1:]))


def _history(words: Words) -> Grid:
    nights = choices()["history"]["nights"]
    rows = words.release.rows(_ARRIVALS, {"nights": nights})
    before: dict[str | None, int] = {}
    drift = {}
    for row in reversed(rows):
        drift[row["as_of"], row["table_name"]] = _drift(words, row["rows_in"], before.get(row["table_name"]))
        before[row["table_name"]] = row["rows_in"]
    found = tuple(
        (
            words.numerals.day(row["as_of"]),
            words.table(row["table_name"]),
            *(words.count(row, name) for name in ("files", "refused", "rows_in")),
            drift[row["as_of"], row["table_name"]],
            *(words.count(row, name) for name in ("accepted", "duplicate", "rejected")),
        )
        for row in rows
    )
    columns = ("Night", "Holds", "Files", "Refused", "Rows in", "Against the night before", "Accepted", "Duplicate", "Rejected")
    remark = f"Nights on which files came, the last {nights} of them; a night without files has no line."
    return Grid("What came in", columns, found, frozenset(columns[2:]), (remark,))


def _drift(words: Words, rows: int, before: int | None) -> str:
    """How many times the rows of the last night that brought such files."""
    return NONE if not before else f"{words.numerals.plain(rows / before, 2)} times"
