"""A release in, what its figures mean out: definitions with sources, studies to read beside them, the dictionary of its tables."""

from typing import Final

from outcomes.report.model import NONE, Grid, Section, Text
from outcomes.report.release import Row
from outcomes.report.sections import rate_grid, rates
from outcomes.report.words import Words

CAVEAT: Final = (
    "Observational figures of routine care. Ketamine is used off-label here, except where a product is approved for the indication. "
    "There is no control group, so no figure shows what treatment caused. hidden: too few people to be shown; 0: a true zero; "
    "not measured: nobody was."
)
_ORDER: Final = "order by metric_id, instrument_id, profile_id"


def definitions(words: Words) -> list[Grid | Text]:
    """C10: what is counted, by whose thresholds, seen where."""
    setting, release = words.release.setting, words.release
    measures = {measure for _, measure in release.primary} | {"phq9"}
    found = release.rows(f"select * from published.definition where profile_id = ? {_ORDER}", [setting["profile_id"]])
    rows = tuple(
        (row["metric_title"], *_defined(words, row)[:3], row["status"] or NONE) for row in found if row["instrument_id"] in measures
    )
    columns = ("Outcome", "Measure", "Counted when", "Out of", "Source was")
    named = {(row["instrument_title"], row["source"] or NONE, row["status"] or NONE) for row in found if row["instrument_id"] in measures}
    sources = tuple(sorted(named))
    profiles = release.rows(
        "select distinct profile_id, profile_title, profile_version, profile_source, profile_status from published.definition order by all"
    )
    listed = tuple(
        (
            *(p[name] for name in ("profile_id", "profile_title", "profile_version")),
            p["profile_source"] or "rule by rule",
            p["profile_status"],
        )
        for p in profiles
    )
    windows = tuple((words.window(name), words.when(name), row["pick"]) for name, row in release.windows.items())
    return [
        Text(
            (
                CAVEAT,
                f"Small counts: {setting['disclosure_title']}.",
                f"A new course begins after {words.numerals.plain(setting['gap_days'])} days without a medicine session.",
                f"Before treatment: the {setting['baseline_pick']} score of the {words.numerals.plain(-setting['baseline_from_days'])} "
                "days up to the first dose.",
                "Every rate has its Wilson 95 per cent interval, every mean change its t interval.",
            )
        ),
        Grid("When a score counts", ("Name", "Days", "Which score"), windows),
        Grid("What is counted", columns, rows),
        Grid("Sources of the thresholds", ("Measure", "Source", "Source was"), sources),
        Grid("Profiles", ("Profile", "Title", "Version", "Source", "Source was"), listed),
    ]  # fmt: skip


def _defined(words: Words, row: Row) -> tuple[str, ...]:
    """Measure, when it is counted, out of whom, and where that was seen."""
    sources = (row["source"] or NONE, row["status"] or NONE)
    return (row["instrument_title"], words.numerals.within(row["definition"]), row["denominator"], *sources)


def benchmarks(words: Words) -> Grid:
    """What others have published, beside the clinic's own figure; never a target."""
    found = words.release.rows(
        "select * from published.benchmark where study_id <> 'nhs_talking_therapies' "
        "order by study_id, instrument_id nulls last, figure, arm nulls first, published_window"
    )
    rows = []
    for row in found:
        own = (
            words.rate({**row, "is_suppressed": False}, ("own_rate", "own_low", "own_high")) if row["own_is"] == "shown" else row["own_is"]
        )
        what = " ".join(part for part in (row["figure"], f"({row['arm']})" if row["arm"] else None) if part)
        people = NONE if row["n"] is None else words.numerals.plain(row["n"])
        rows.append((row["citation"], words.numerals.within(what), people, _published(words, row), own, row["status"] or NONE))
    columns = ("Study", "Figure", "n", "Published (95 per cent interval)", "Here", "Source was")
    remark = "Other patients, other times, other rules for who is counted: to read beside one's own figures, never a target."
    return Grid("What others have published", columns, tuple(rows), frozenset({"n", columns[3], "Here"}), (remark,))


def _published(words: Words, row: dict[str, object]) -> str:
    numerals, unit = words.numerals, str(row["unit"])
    is_share = unit.startswith("share")
    ends = ""
    if row["low"] is not None and row["high"] is not None:
        ends = (
            numerals.shares(row["low"], row["high"], 1)
            if is_share
            else f"{numerals.brief(row['low'])}{numerals.to}{numerals.brief(row['high'])}"
        )
    if row["value"] is None:
        return f"{ends} {unit}" if ends else "see the study"
    value = numerals.share(row["value"], 1) if is_share else f"{numerals.brief(row['value'])} {unit}"
    return f"{value} ({ends})" if ends else value


def metric_pages(words: Words) -> list[Section]:
    """One section per metric: its sentences, and its rates in the headline's window, of all courses and by indication."""
    setting, release = words.release.setting, words.release
    sections = []
    for metric, named in release.metrics.items():
        said = release.rows(
            f"select * from published.definition where metric_id = ? {_ORDER}",
            [metric],
        )
        lines = tuple((row["instrument_title"], row["profile_id"], *_defined(words, row)[1:]) for row in said)
        grids = []
        for measure in dict.fromkeys(row["instrument_id"] for row in said if row["profile_id"] == setting["profile_id"]):
            found = rates(words, measure, metric=metric, profile=setting["profile_id"])
            if found:
                grids.append(rate_grid(words, f"{words.measure(measure)}, all courses", found, "window_id"))
            by = rates(
                words, measure, metric=metric, profile=setting["profile_id"], window=setting["headline_window_id"],
                breakdown="indication", level=None,
            )  # fmt: skip
            if by:
                title = f"{words.measure(measure)}, by indication, {words.window(setting['headline_window_id'])}"
                grids.append(rate_grid(words, title, by, "level"))
        columns = ("Measure", "Profile", "Counted when", "Out of", "Source", "Source was")
        sections.append(Section(f"metric-{metric}", named["metric_title"], (Grid("What it means", columns, lines), *grids)))
    return sections


def dictionary(words: Words) -> Section:
    """Every published table, and every column of it."""
    release = words.release
    blocks: list[Text | Grid] = [Text(("outcomes.duckdb, schema published; the same tables stand in parquet/ and csv/.",))]
    for table, comment in release.tables:
        rows = tuple((c["column_name"], c["data_type"], c["comment"]) for c in release.columns if c["table_name"] == table)
        blocks += [Grid(f"published.{table}", ("Column", "Type", "Meaning"), rows, frozenset(), (comment,))]
    return Section("dictionary", "Dictionary", tuple(blocks))
