"""Every number of every dress is a released one: equal, or absent. Tables are computed again from the release, by other code."""

import datetime as dt
import math
import re
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from reading import numbers, pdf, sheets, tables, text

from outcomes import report
from outcomes.letter import Letter

HIDDEN = "hidden"
CONSTANTS = {"95", "0", "1", "100", "9", "4", "2", "3", "256", "10"}
"""Of 95 per cent intervals, headings C1 to C11 and T0 to T4, item 9, SHA-256, and PHQ-9."""


@pytest.fixture(scope="module")
def con(snapshot: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(str(snapshot / "outcomes.duckdb"), read_only=True) as opened:
        yield opened


# Tables, computed again


def count(value: int | None, is_hidden: bool) -> str:
    return HIDDEN if is_hidden else "none" if value is None else f"{value:,}"


def percent(value: float | None, is_hidden: bool = False) -> str:
    return HIDDEN if is_hidden else "none" if value is None else f"{100 * value:.0f}%"


def rate(row: dict[str, object]) -> str:
    if row["is_suppressed"]:
        return HIDDEN
    if row["rate"] is None:
        return "not measured"
    value, low, high = (100 * float(row[name]) for name in ("rate", "rate_low", "rate_high"))  # type: ignore[arg-type]
    digits = 1 if 0 < value < 0.5 or 99.5 < value < 100 else 0
    return f"{value:.{digits}f}% ({low:.0f}–{high:.0f})"


def rows(con: duckdb.DuckDBPyConnection, sql: str) -> list[dict[str, object]]:
    found = con.execute(sql)
    names = [column[0] for column in found.description or ()]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


WINDOWS = {
    "h24": "24 h",
    "d7": "Day 7",
    "d14": "Day 14",
    "end_of_induction": "After induction",
    "d30": "Day 30",
    "d90": "Day 90",
    "d180": "Day 180",
    "d365": "Day 365",
    "last": "Last score",
}


def test_every_rate_on_the_pages_of_metrics_is_the_released_one(con: duckdb.DuckDBPyConnection, rendered: report.Rendered) -> None:
    wanted = {}
    asked = """
        select o.*, m.title from published.outcome_summary as o inner join published.measure as m using (instrument_id)
        where profile_id = 'ketamine-rwe' and breakdown = 'all'
    """
    for row in rows(con, asked):
        is_hidden = bool(row["is_suppressed"])
        counts = [count(row[name], is_hidden) for name in ("enrolled", "eligible", "measured")]  # type: ignore[arg-type]
        bounds = HIDDEN if is_hidden else "none"
        if row["rate_worst"] is not None:
            bounds = f"{100 * float(row['rate_worst']):.0f}–{100 * float(row['rate_best']):.0f}"  # type: ignore[arg-type]
        key = (row["metric_id"], row["title"], WINDOWS[str(row["window_id"])])
        covered = percent(row["coverage"], is_hidden)  # type: ignore[arg-type]
        wanted[key] = [*counts, covered, count(row["numerator"], is_hidden), rate(row), bounds]  # type: ignore[arg-type]
    found = {}
    for name, page in rendered.files.items():
        if name.startswith("site/metric-"):
            for caption, lines in tables(page.decode()):
                if caption.endswith(", all courses"):
                    for line in lines[1:]:
                        found[name[12:-5], caption.removesuffix(", all courses"), line[0]] = line[1:]
    assert len(wanted) > 300
    assert found == wanted


def test_the_headline_table_is_the_released_one(con: duckdb.DuckDBPyConnection, rendered: report.Rendered) -> None:
    asked = """
        select e.indication, m.title, s.n, s.is_suppressed, r.enrolled, r.is_suppressed as is_people_hidden, s.mean_change, s.change_low,
            s.change_high
        from published.expected as e inner join published.measure as m using (instrument_id)
        inner join published.score_summary as s
            on s.instrument_id = e.instrument_id and s.window_id = 'd30' and s.breakdown = 'indication' and s.level = e.indication
        inner join published.retention as r using (instrument_id, window_id, breakdown, level)
        where e.profile_id = 'ketamine-rwe' and e.role = 'primary' order by e.indication, e.instrument_id
    """
    wanted = []
    for row in rows(con, asked):
        change = HIDDEN
        if row["mean_change"] is not None:
            parts = (f"{float(row[name]):+.1f}".replace("-", "−") for name in ("mean_change", "change_low", "change_high"))  # type: ignore[arg-type]
            change = "{} ({} to {})".format(*parts)
        covered = HIDDEN if row["is_suppressed"] or row["is_people_hidden"] else f"{100 * row['n'] / row['enrolled']:.0f}%"  # type: ignore[operator]
        wanted.append(
            [
                row["title"],
                count(row["enrolled"], bool(row["is_suppressed"] or row["is_people_hidden"])),
                count(row["n"], bool(row["is_suppressed"])),
                covered,
                change,
            ]
        )  # type: ignore[arg-type]
    page = rendered.files["report.html"].decode()
    lines = next(lines for caption, lines in tables(page) if caption.startswith("By indication"))
    assert [line[1:6] for line in lines[1:]] == wanted


def test_where_every_row_went_adds_up_on_the_page(rendered: report.Rendered) -> None:
    lines = next(lines for caption, lines in tables(rendered.files["site/quality.html"].decode()) if caption.startswith("Rows in ="))
    added = 0
    for line in lines[1:]:
        if all(re.fullmatch(r"[\d,]+", cell) for cell in line[3:]):
            rows_in, *fates = (int(cell.replace(",", "")) for cell in line[3:])
            assert rows_in == sum(fates)
            added += 1
    assert added >= 4


# Each number of each dress


@pytest.fixture(scope="module")
def released(con: duckdb.DuckDBPyConnection) -> set[str]:
    """Every way in which a released value may be written, and the numbers inside released texts."""
    found = set(CONSTANTS)
    for table, column, kind in con.execute(
        "select table_name, column_name, data_type from duckdb_columns() where schema_name = 'published'"
    ).fetchall():
        if kind == "BOOLEAN":
            continue
        values = [
            row[0] for row in con.execute(f'select distinct "{column}" from published.{table} where "{column}" is not null').fetchall()
        ]
        for value in values:
            if isinstance(value, str):
                found |= numbers(value)
            elif isinstance(value, dt.date):
                found |= {str(value.day), str(value.year)}
            else:
                found |= written(abs(float(value)))
    texts = (
        row[0]
        for row in con.execute(
            "select coalesce(comment, '') from duckdb_columns() union select coalesce(comment, '') from duckdb_tables()"
        ).fetchall()
    )
    return found.union(*(numbers(one) for one in texts))


def written(value: float) -> set[str]:
    if not math.isfinite(value):
        return set()
    shares = {f"{100 * value:,.{digits}f}" for digits in range(3)} if value <= 1 else set()
    brief = f"{value:.4g}"
    hours = {f"{24 * value:g}"} if value < 3 else set()
    return {f"{value:,.{digits}f}" for digits in range(4)} | shares | hours | ({brief} if "e" not in brief else set())


def derived(con: duckdb.DuckDBPyConnection) -> set[str]:
    """Numbers that dresses make from two released ones: coverage of two tables, how many are missing, how many lines there are."""
    pairs = con.execute("""
        select n / nullif(enrolled, 0) from published.score_summary
        inner join published.retention using (instrument_id, window_id, breakdown, level)
        union
        select with_both / nullif(enrolled, 0) from published.retention
    """).fetchall()
    found = set().union(*(written(float(value)) for (value,) in pairs if value is not None))
    missing = con.execute(
        "select distinct eligible - measured from published.outcome_summary where breakdown = 'all' and measured is not null"
    ).fetchall()
    found |= {f"{value:,}" for (value,) in missing}
    sums = con.execute("select sum(rows_in), sum(accepted), sum(rejected), count(*) from published.quality where kind = 'file'").fetchone()
    tables_ = con.execute(
        "select count(*), sum(rows_in), sum(accepted), sum(duplicate), sum(superseded), sum(rejected) "
        "from published.quality where kind = 'file' group by table_name"
    ).fetchall()
    for line in (sums or (), *tables_):
        found |= {f"{int(value):,}" for value in line if value is not None}
    rules = con.execute("select count(*) from published.quality where kind in ('rule', 'finding')").fetchone()
    return found | {str(n) for n in range((rules or (0,))[0] + 1)}


@pytest.mark.parametrize(
    "dress", ["report.html", "site/index.html", "site/quality.html", "report.pdf", "leadership", "quality", "subjects"]
)
def test_every_number_is_released(
    dress: str, rendered: report.Rendered, letters: dict[str, Letter], released: set[str], con: duckdb.DuckDBPyConnection
) -> None:
    if dress == "subjects":
        said = "\n".join(letter.subject for letter in letters.values())
    elif dress in letters:
        said = letters[dress].text
    elif dress.endswith(".pdf"):
        said = re.sub(r"(?m)^.*outcomes as of Feb 1, 2026\s*\d+ / \d+$", "", pdf(rendered.files[dress]))
    else:
        said = text(rendered.files[dress].decode())
    found = numbers(re.sub(r"\b[0-9a-f]{12}\b", "", said))
    assert found
    assert found - released - derived(con) == set()


def test_every_cell_of_the_workbook_is_released_or_hidden(snapshot: Path, con: duckdb.DuckDBPyConnection) -> None:
    """The rows of a sheet are rows of its table, in its order, cell by cell; a number that the table does not tell is the word hidden."""
    book = sheets((snapshot / "outcomes.xlsx").read_bytes())
    held = 0
    for name, (heads, *lines) in ((name, lines) for name, lines in book.items() if name != "Cover"):
        found = con.execute(f"select * from published.{name}")
        assert [column[0] for column in found.description or ()] == heads, name
        released_rows = iter(found.fetchall())
        for line in lines:
            same = any(all(is_same(*pair) for pair in zip(line, row, strict=True)) for row in released_rows)
            assert same, f"{name}: a row of the sheet is no row of the table"
            held += sum(value is not None for value in line)
    assert held > 10_000


def test_no_published_number_is_none_at_all_and_no_rate_more_than_all(con: duckdb.DuckDBPyConnection) -> None:
    columns = con.execute(
        "select table_name, column_name from duckdb_columns() where schema_name = 'published' and data_type = 'DOUBLE'"
    ).fetchall()
    wrong = [
        (table, column)
        for table, column in columns
        if con.execute(f'select 1 from published.{table} where not isfinite("{column}") limit 1').fetchall()
        or (column in ("rate", "coverage") and con.execute(f'select 1 from published.{table} where "{column}" > 1 limit 1').fetchall())
    ]
    assert wrong == []


def is_same(told: str | None, value: object) -> bool:
    """Whether a cell tells what is released, be it that it is hidden."""
    if value is None or value == "":
        return told in (None, "", HIDDEN)
    if isinstance(value, bool):
        return str(told).lower() == str(value).lower()
    if isinstance(value, dt.date):
        return str(told)[:10] == value.isoformat()[:10]
    if isinstance(value, str):
        return told == value
    return told not in (None, HIDDEN) and math.isclose(
        float(str(told)), float(str(value)), rel_tol=1e-9, abs_tol=1e-9
    )  # texts of numbers have nine decimals


def test_the_text_of_a_mail_says_what_its_page_says(letters: dict[str, Letter]) -> None:
    for letter in letters.values():
        assert numbers(letter.text) == numbers(text(letter.html))
        said = re.sub(r"[\W_]+", " ", letter.text)
        for paragraph in text(letter.html).splitlines():
            words = re.sub(r"[\W_]+", " ", paragraph).strip()
            assert words in said, words


def test_the_pdf_says_what_the_page_says(rendered: report.Rendered) -> None:
    page, printed = numbers(text(rendered.files["report.html"].decode())), numbers(pdf(rendered.files["report.pdf"]))
    assert len(page & printed) > 500
    assert printed - page <= {str(n) for n in range(100)}, "only numbers of pages"


def test_the_subject_has_the_answer(letters: dict[str, Letter], con: duckdb.DuckDBPyConnection) -> None:
    subject = letters["leadership"].subject
    for metric in ("response", "remission"):
        found = con.execute(
            "select rate from published.outcome_summary where profile_id = 'ketamine-rwe' and window_id = 'd30' and breakdown = 'all' "
            "and instrument_id = 'phq9' and metric_id = ?",
            [metric],
        ).fetchone()
        assert found
        assert f"{metric} {100 * found[0]:.0f}%" in subject.lower()
    assert "\n" not in subject
    assert len(subject) < 120
