"""A release in, the first screen out: the answer, whether to worry, and what must be done by whom. Jargon stays on later screens."""

from dataclasses import dataclass
from typing import Any, Final

from outcomes.report import change
from outcomes.report.model import HIDDEN, NOT_MEASURED, Figure, First, Said, Task
from outcomes.report.release import Row
from outcomes.report.words import Words, choices

_HEADLINE: Final = """
select * from published.outcome_summary
where profile_id = $profile and window_id = $window and breakdown = 'all' and level = 'all' and metric_id = $metric
order by is_suppressed, denominator desc nulls last, instrument_id
"""
_PERIODS: Final = """
select * from published.process where figure_id = $figure and instrument_id = $measure and not is_suppressed and value is not null
order by period
"""
_SPAN: Final = """
select min(left(period, 7)) as first, max(right(period, 7)) as last from published.process where instrument_id = ?
"""
_SITES: Final = """
select site, metric_id, position from published.funnel
where profile_id = $profile and window_id = $window and instrument_id = $measure and not is_suppressed and denominator > 0
and (rate < low_outer or rate > high_outer) order by all
"""
_EVENT: Final = "select * from published.safety where kind_id = ? and breakdown = 'all'"
_RULE: Final = """
select * from published.session_conformance where rule_id = ? and breakdown = 'all'
"""
_METRIC: Final = """
select * from published.outcome_summary
where profile_id = $profile and window_id = $window and breakdown = 'all' and metric_id = $metric and instrument_id = $measure
"""
_ROWS: Final = """
select count(*) as files, count(*) filter (where status = 'refused') as refused,
    sum(rows_in)::bigint as rows_in, sum(accepted)::bigint as accepted, sum(duplicate)::bigint as duplicate,
    sum(superseded)::bigint as superseded, sum(rejected)::bigint as rejected
from published.quality where kind = 'file'
"""
_BALANCE: Final = """
select count(*) as off from published.quality
where kind = 'file' and accepted is not null and rows_in <> accepted + duplicate + superseded + rejected
"""
_OVERDUE: Final = "select distinct profile_id from published.definition where is_review_overdue order by all"
_LAST: Final = "select max(as_of) as as_of from published.arrival where files > refused"


@dataclass(frozen=True)
class Headline:
    """The measure that speaks for everybody, with its rows by metric; none where the profile defines no rate."""

    measure: str
    rates: dict[str, Row]


def headline(words: Words) -> Headline | None:
    """Of the measures with a shown response of all courses, the one asked of most."""
    metrics = choices()["first"]["profile_metrics"]
    found = words.release.rows(_HEADLINE, _asked(words) | {"metric": metrics[0]})
    if not found:
        return None
    measure = found[0]["instrument_id"]
    rates = {metric: rows[0] for metric in metrics if (rows := rate_rows(words, metric, measure))}
    return Headline(measure, rates)


def rate_rows(words: Words, metric: str, measure: str) -> list[Row]:
    """The row of all courses in the headline's window, if there is one."""
    return words.release.rows(_METRIC, _asked(words) | {"metric": metric, "measure": measure})


def _asked(words: Words) -> dict[str, Any]:
    setting = words.release.setting
    return {"profile": setting["profile_id"], "window": setting["headline_window_id"]}


def first(words: Words, top: Headline | None) -> First:
    """The first screen of a release."""
    said = (_trend(words, top), change.said(words, top.rates if top else {}), _safety(words), data_quality(words))
    looks = [one.heading.lower() for one in said if one.verdict == "look"]
    tasks = tuple(_tasks(words, top))
    return First(
        answer=_answer(words, top, looks),
        verdict="look" if looks else "good",
        asked=_asked_of(words, top),
        figures=tuple(_figure(words, metric, row) for metric, row in top.rates.items()) if top else (),
        meanings=_meanings(words, top),
        said=said,
        tasks=tasks,
    )


def _answer(words: Words, top: Headline | None, looks: list[str]) -> str:
    if top is None:
        return "No rate is defined for the questionnaires that were answered."
    if looks:
        return f"Take a look at: {', '.join(looks)}."
    return "Nothing here asks for more than the usual attention."


def brief(words: Words, top: Headline | None) -> str:
    """The headline in a few words, for a subject."""
    if top is None:
        return "no rate defined"
    parts = []
    for metric, row in top.rates.items():
        value = HIDDEN if row["is_suppressed"] else NOT_MEASURED if row["rate"] is None else words.numerals.share(row["rate"])
        as_of = f" (as of {words.aged(row)})" if words.aged(row) else ""
        parts.append(f"{words.metric(metric).lower()} {value}{as_of}")
    return ", ".join(parts)


def _asked_of(words: Words, top: Headline | None) -> str:
    if top is None:
        return ""
    numerals, release = words.numerals, words.release
    span = release.rows(_SPAN, [top.measure])[0]
    began = f"courses begun {numerals.period(span['first'])} to {numerals.period(span['last'])}, " if span["first"] else ""
    return f"{words.measure(top.measure)}, all programmes: {began}measured {words.when(release.setting['headline_window_id'])}."


def _figure(words: Words, metric: str, row: Row) -> Figure:
    numerals, name = words.numerals, words.metric(metric)
    if row["is_suppressed"]:
        return Figure(name, HIDDEN, "too few courses to be shown", "", "", "")
    measured = f"measured: {numerals.plain(row['measured'])} of the {numerals.plain(row['eligible'])} courses it can be asked of"
    if row["coverage"] is not None:
        measured += f" ({numerals.share(row['coverage'])})"
    if row["rate"] is None:
        return Figure(name, NOT_MEASURED, "nobody was measured in this time", "", measured, "")
    as_of = f", as of {words.aged(row)}" if words.aged(row) else ""
    return Figure(
        name=name,
        value=numerals.share(row["rate"]),
        of=f"{numerals.plain(row['numerator'])} of {numerals.plain(row['denominator'])} courses{as_of}",
        interval=f"95{numerals.percent.format('')} interval {numerals.shares(row['rate_low'], row['rate_high'])}",
        coverage=measured,
        bounds=f"had all others gone badly {numerals.share(row['rate_worst'])}, all well {numerals.share(row['rate_best'])}",
    )


def _meanings(words: Words, top: Headline | None) -> tuple[str, ...]:
    if top is None:
        return ()
    found = words.release.rows(
        "select metric_id, definition from published.definition where profile_id = ? and instrument_id = ?",
        [words.release.setting["profile_id"], top.measure],
    )
    said = {row["metric_id"]: row["definition"] for row in found}
    return tuple(f"{words.metric(metric)}: {words.numerals.within(said[metric])}" for metric in top.rates if metric in said)


def _trend(words: Words, top: Headline | None) -> Said:
    lines, is_odd = [], False
    for metric in top.rates if top else ():
        assert top is not None
        periods = words.release.rows(_PERIODS, {"figure": metric, "measure": top.measure})
        if periods:
            line, signals = trend_of(words, words.metric(metric), periods)
            lines.append(line)
            is_odd |= signals
    lines += [
        f"Site {row['site']}: {words.metric(row['metric_id']).lower()} lies {row['position']} of its size."
        for row in (words.release.rows(_SITES, _asked(words) | {"measure": top.measure}) if top else ())
    ]
    outside = len(lines) > (len(top.rates) if top else 0)
    if not lines:
        return Said("Trend", "untold", ("Too few courses to show a trend.",))
    return Said("Trend", "look" if is_odd or outside else "good", tuple(lines))


def trend_of(words: Words, name: str, periods: list[Row]) -> tuple[str, bool]:
    """The last period against its limits in a sentence, and whether it signals."""
    numerals, last = words.numerals, periods[-1]
    value = f"{name} of the courses begun {numerals.period(last['period'])}: {numerals.share(last['value'])}"
    if last["lower"] is None or last["upper"] is None:
        return f"{value}; one period has no usual range yet.", False
    usual = f"{numerals.shares(last['lower'], last['upper'])}{numerals.percent.format('')}"
    if last["signal"]:
        return f"{value}. This is unlike the periods before it ({last['signal']}; usual range {usual}).", True
    earlier = [row for row in periods[:-1] if row["signal"]]
    before = f" {len(earlier)} earlier periods stood out." if earlier else ""
    return f"{value}, inside the usual range of {usual}.{before}", False


def _safety(words: Words) -> Said:
    lines, look = [], False
    for item in choices()["safety"]:
        line, is_seen = _safety_line(words, item)
        lines.append(f"{item['says']}: {line}")
        look |= is_seen and item["look"]
    return Said("Safety", "look" if look else "good", tuple(lines))


def _safety_line(words: Words, item: dict[str, Any]) -> tuple[str, bool]:
    """What was seen, and whether anything was; hidden is neither seen nor excluded, and is looked at."""
    numerals, release = words.numerals, words.release
    if "event" in item:
        rows = release.rows(_EVENT, [item["event"]])
        part, whole, of, ends = "patients_with_event", "patients", "patients", ("patient_rate_low", "patient_rate_high")
    elif "rule" in item:
        rows = release.rows(_RULE, [item["rule"]])
        part, whole, of, ends = "met", "judged", "doses", ("rate_low", "rate_high")
    else:
        rows = rate_rows(words, item["metric"], item["instrument"])
        part, whole, of, ends = "numerator", "denominator", "courses without them before", ("rate_low", "rate_high")
    if not rows or (not rows[0]["is_suppressed"] and not rows[0][whole]):
        return "not recorded", False
    row = rows[0]
    if row["is_suppressed"]:
        return f"{HIDDEN}, too few to be shown; the clinic's own safety list names them", True
    interval = f" (95{numerals.percent.format('')} interval {numerals.shares(row[ends[0]], row[ends[1]], 1)}{numerals.percent.format('')})"
    seen = row[whole] - row[part] if "rule" in item else row[part]
    return f"{numerals.plain(row[part])} of {numerals.plain(row[whole])} {of}{interval}", seen > 0


def data_quality(words: Words) -> Said:
    """Whether every row is accounted for, and what was refused or set aside."""
    numerals, release = words.numerals, words.release
    files, off = release.rows(_ROWS)[0], release.rows(_BALANCE)[0]["off"]
    rows = {name: numerals.plain(files[name] or 0) for name in ("files", "refused", "rows_in", "accepted", "rejected")}
    lines = [
        f"{rows['accepted']} of {rows['rows_in']} rows in {rows['files']} files count today; {rows['rejected']} were set aside.",
        "The others repeat a row or were corrected by a newer export.",
        "Every row is accounted for." if not off else f"{off} files do not add up: do not rely on this release.",
    ]
    if files["refused"]:
        lines.append(f"{rows['refused']} files were refused whole and are in no figure.")
    came = release.rows(_LAST)[0]["as_of"]
    if came is not None:
        days = (release.as_of - came).days
        lines.append("New data came on the day of this report." if days == 0 else f"The last new data came {days} days before this report.")
    share = (files["rejected"] or 0) / max(1, files["rows_in"] or 0)
    look = bool(files["refused"] or off or share > choices()["rows"]["rejected"])
    return Said("Data quality", "look" if look else "good", tuple(lines))


def _tasks(words: Words, top: Headline | None) -> list[Task]:
    tasks, numerals = [], words.numerals
    refused = words.release.rows(
        "select code, count(*) as files from published.quarantine where severity = 'file' group by all order by all"
    )
    if refused:
        files, codes = sum(row["files"] for row in refused), ", ".join(row["code"] for row in refused)
        tasks.append(Task("Data owner", f"Mend the {numerals.plain(files)} refused files ({codes}); the quality page says how."))
    response = next(iter(top.rates.values()), None) if top else None
    if response and response["coverage"] is not None and response["coverage"] < choices()["coverage"]["needed"]:
        unmeasured = numerals.plain(response["eligible"] - response["measured"])
        tasks.append(Task("Follow-up team", f"Ask more patients again: {unmeasured} courses were not measured in time."))
    seen = [item["says"].lower() for item in choices()["safety"] if item["look"] and _safety_line(words, item)[1]]
    if seen:
        tasks.append(Task("Medical director", f"Go through the clinic's own safety list: {', '.join(seen)}."))
    overdue = [row["profile_id"] for row in words.release.rows(_OVERDUE)]
    if overdue:
        tasks.append(Task("Clinical lead", f"Review the thresholds of {', '.join(overdue)}: their review date has passed."))
    return tasks or [Task("Nobody", "Nothing is waiting.")]
