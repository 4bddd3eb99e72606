"""A release in, sections C1 to C8 of every report out: headline, flow, baseline, exposure, scores, outcomes, durability, safety."""

from collections.abc import Sequence
from typing import Any, Final

from outcomes.report import pictures, pictures_of_groups
from outcomes.report.facts import Headline
from outcomes.report.model import Block, Grid, Section, Text
from outcomes.report.release import Row
from outcomes.report.words import Words

_WHO: Final = ("sex", "age_band", "occupation", "treatment_resistance", "baseline_severity")
_RATES: Final = """
select r.*, coalesce(w.ordinal, 99) as place from published.outcome_summary as r left join published.window as w using (window_id)
where breakdown = $breakdown and ($level is null or level = $level) and instrument_id = $measure
and ($metric is null or metric_id = $metric) and ($profile is null or profile_id = $profile)
and ($window is null or window_id = $window)
order by profile_id, metric_id, place, level
"""
_SCORES: Final = """
select s.*, r.is_suppressed as is_people_hidden, r.enrolled, r.with_both, r.baseline_coverage, s.n / nullif(r.enrolled, 0) as coverage
from published.score_summary as s
inner join published.window as w using (window_id)
left join published.retention as r using (instrument_id, window_id, breakdown, level)
where breakdown = $breakdown and level = $level and instrument_id = $measure and ($window is null or window_id = $window) and not is_own
order by w.ordinal
"""
_FOLLOWED: Final = """
select r.*, d.not_due, d.is_suppressed as is_due_hidden, r.with_both / nullif(r.enrolled, 0) as coverage
from published.retention as r
inner join published.window as w using (window_id)
left join published.due as d using (instrument_id, window_id, breakdown, level)
where breakdown = $breakdown and ($level is null or level = $level) and instrument_id = $measure
and ($window is null or window_id = $window) and not is_own
order by w.ordinal, level
"""
ALL: Final = {"breakdown": "all", "level": "all"}


def rates(words: Words, measure: str, **where: str | None) -> list[Row]:
    """Rates of a measure, by default of all courses under every profile, metric and window."""
    return words.release.rows(_RATES, {**ALL, "metric": None, "profile": None, "window": None, "measure": measure} | where)


def scores(words: Words, measure: str, **where: str | None) -> list[Row]:
    return words.release.rows(_SCORES, {**ALL, "window": None, "measure": measure} | where)


def followed(words: Words, measure: str, **where: str | None) -> list[Row]:
    return words.release.rows(_FOLLOWED, {**ALL, "window": None, "measure": measure} | where)


def built(words: Words, top: Headline | None) -> list[Section]:
    """C1 to C8, in their order."""
    return [
        Section("c1", "C1 Headline by indication", tuple(_headline(words))),
        Section("c2", "C2 From screening to follow-up", tuple(_flow(words, top))),
        Section("c3", "C3 Before treatment", tuple(_before(words, top))),
        Section("c4", "C4 What was given", tuple(_given(words))),
        Section("c5", "C5 Scores by visit", tuple(_visits(words, top))),
        Section("c6", "C6 Outcomes under each profile", tuple(_outcomes(words, top))),
        Section("c7", "C7 How fast, and how long it lasts", tuple(_durability(words, top))),
        Section("c8", "C8 Safety", tuple(_safety(words, top))),
    ]


def _headline(words: Words) -> list[Block]:
    setting = words.release.setting
    profile, window = setting["profile_id"], setting["headline_window_id"]
    rows = []
    for indication, measure in words.release.primary:
        group = {"breakdown": "indication", "level": indication}
        found = {row["metric_id"]: row for row in rates(words, measure, profile=profile, window=window, **group)}
        people = next(iter(scores(words, measure, window=window, **group)), None)
        rated = [
            text for metric in ("response", "remission") for text in (words.rate(found.get(metric)), _bounds(words, found.get(metric)))
        ]
        who = (words.level(indication), words.measure(measure))
        rows.append((*who, words.count(people, "enrolled"), words.count(people, "n"), words.coverage(people), words.points(people), *rated))
    numbers = ("Enrolled", "Both scores", "Coverage", "Mean change", "Response", "Response, bounds", "Remission", "Remission, bounds")
    remarks = (
        f"Scores {words.when(window)}, thresholds of profile {profile}. In brackets: 95 per cent intervals. Coverage: both scores of "
        "enrolled. Mean change: in the points of each measure. Bounds: if every course without a score had gone badly, or well; "
        "over all that the rule can apply to.",
    )
    return [_grid("By indication, each by its own measure", ("Indication", "Measure", *numbers), rows, numbers, remarks)]


def _bounds(words: Words, row: Row | None) -> str:
    return words.rate(row) if row is None or row["is_suppressed"] else f"{words.bounds(row)}"


def _flow(words: Words, top: Headline | None) -> list[Block]:
    steps = words.release.rows("select * from published.screening where breakdown = 'all' order by ordinal")
    blocks: list[Block] = [pictures.flow(words, steps)]
    numbers = ("Asked", "Taken", "Rate (95 per cent interval)")
    rows = [(s["title"], words.count(s, "asked"), words.count(s, "taken"), words.rate(s)) for s in steps]
    blocks.append(_grid("Screening", ("Step", *numbers), rows, numbers))
    sessions = words.release.rows("select * from published.session_retention where breakdown = 'all' order by session_number")
    columns = ("Session", "Courses", "Came to it", "Share (95 per cent interval)")
    names = ("retention_rate", "retention_low", "retention_high")
    came = [
        (words.numerals.plain(s["session_number"]), words.count(s, "courses"), words.count(s, "reached"), words.rate(s, names))
        for s in sessions
    ]
    blocks.append(_grid("Medicine sessions of the induction, of courses whose induction is over", columns, came, columns))
    if top:
        follow = ("Enrolled", "Not yet due", "Both scores", "Coverage")
        found = followed(words, top.measure)
        kept = [
            (words.window(f["window_id"]), words.count(f, "enrolled"), _due(words, f), words.count(f, "with_both"), words.coverage(f))
            for f in found
        ]
        blocks += [
            pictures.coverage(words, top.measure, found),
            _grid(f"Follow-up, {words.measure(top.measure)}", ("When", *follow), kept, follow),
        ]
    return blocks


def _due(words: Words, row: Row) -> str:
    return words.count({"not_due": row["not_due"], "is_suppressed": row["is_due_hidden"]}, "not_due")


def _before(words: Words, top: Headline | None) -> list[Block]:
    window = words.release.setting["headline_window_id"]
    measures = dict.fromkeys([*([top.measure] if top else []), *(measure for _, measure in words.release.primary)])
    rows = []
    for measure in measures:
        found = words.release.rows("select * from published.change_reference where instrument_id = ?", [measure])
        row = found[0] if found else None
        people = next(iter(followed(words, measure, window=window)), None)
        share = words.coverage(people, "baseline_coverage")
        mean, sd = words.number(row, "mean_baseline"), words.number(row, "sd_baseline")
        rows.append((words.measure(measure), words.count(row, "n"), share, mean, sd))
    numbers = ("With a score", "Share of enrolled", "Mean", "SD")
    blocks: list[Block] = [_grid("Scores before treatment", ("Measure", *numbers), rows, numbers)]
    if top:
        people_rows = []
        for breakdown in _WHO:
            found = followed(words, top.measure, window=window, breakdown=breakdown, level=None)
            people_rows += [
                (words.breakdown(breakdown), words.level(f["level"]), words.count(f, "enrolled"), words.coverage(f)) for f in found
            ]
        who = ("Enrolled", "Coverage")
        blocks.append(_grid(f"Who is treated ({words.measure(top.measure)})", ("By", "Group", *who), people_rows, who))
    return blocks


def _given(words: Words) -> list[Block]:
    found = words.release.rows(
        "select * from published.session_value where breakdown = 'all' and topic in ('exposure', 'protocol') order by topic, title"
    )
    values = [
        (
            v["title"],
            _unit(v["unit"]),
            words.count(v, "doses"),
            words.number(v, "mean", 2),
            words.number(v, "sd", 2),
            words.number(v, "median"),
        )
        for v in found
    ]
    numbers = ("Doses", "Mean", "SD", "Median")
    return [
        _grid("Doses", ("What", "Unit", *numbers), values, numbers, ("Over doses, so that a patient with many weighs more.",)),
        doses_kept(words, ("protocol", "integration")),
        courses_kept(words),
    ]


def _unit(unit: str) -> str:
    return {"yes_no": "0 or 1", "count": "number"}.get(unit, unit)


def doses_kept(words: Words, topics: Sequence[str]) -> Grid:
    """Doses against the rules of some topics."""
    found = words.release.rows(
        "select c.*, r.title from published.session_conformance as c inner join published.session_rule as r using (rule_id) "
        "where breakdown = 'all' and list_contains($topics, r.topic) order by r.ordinal",
        {"topics": list(topics)},
    )
    rows = [(c["title"], words.count(c, "judged"), words.coverage(c), words.rate(c)) for c in found]
    numbers = ("Doses judged", "Coverage", "Kept (95 per cent interval)")
    remarks = ("Coverage: judged of all doses the rule is asked of; unrecorded ones are not judged.",)
    title = f"Doses against their rules: {' and '.join(topics).replace('_', ' ')}"
    return _grid(title, ("Rule", *numbers), rows, numbers, remarks)


def courses_kept(words: Words) -> Grid:
    found = words.release.rows("select * from published.course_conformance where breakdown = 'all' order by topic, title")
    rows = [(c["title"], words.count(c, "judged"), words.coverage(c), words.rate(c)) for c in found]
    numbers = ("Courses judged", "Coverage", "Kept (95 per cent interval)")
    return _grid("Courses against their protocol", ("Rule", *numbers), rows, numbers)


def _visits(words: Words, top: Headline | None) -> list[Block]:
    blocks: list[Block] = [pictures_of_groups.categories(words, top.measure)] if top else []
    numbers = ("Courses", "Coverage", "Before", "After", "Mean change", "Effect size")
    for indication, measure in words.release.primary:
        found = scores(words, measure, breakdown="indication", level=indication)
        rows = [
            (
                words.window(s["window_id"]) + (" !" if s["caution"] else ""),
                words.count(s, "n"),
                words.coverage(s),
                words.number(s, "mean_baseline"),
                words.number(s, "mean_score"),
                words.points(s),
                effect(words, s),
            )
            for s in found
            if s["is_suppressed"] or s["n"]
        ]
        cautions = tuple(dict.fromkeys(f"! {words.window(s['window_id'])}: {s['caution']}." for s in found if s["caution"]))
        title = f"{words.level(indication)}: {words.measure(measure)}"
        blocks.append(_grid(title, ("When", *numbers), rows, numbers, cautions))
    note = (
        "Change: follow-up minus before, in points, with its 95 per cent interval. Effect size: Hedges g, positive where better. "
        "There is no control group: part of every change is regression to the mean.",
    )
    return [Text(note), *blocks]


def effect(words: Words, row: Row) -> str:
    """The effect size with its interval."""
    if row["is_suppressed"] or row["effect_size"] is None:
        return words.number(row, "effect_size", 2)
    ends = [words.numerals.plain(row[name], 2) for name in ("effect_low", "effect_high")]
    return f"{words.numerals.plain(row['effect_size'], 2)} ({ends[0]} to {ends[1]})"


def _outcomes(words: Words, top: Headline | None) -> list[Block]:
    if top is None:
        return [Text(("No rate is defined for the questionnaires that were answered.",))]
    setting = words.release.setting
    found = [row for row in rates(words, top.measure) if row["window_id"] == setting["headline_window_id"] or "." in row["window_id"]]
    profiles = list(dict.fromkeys(row["profile_id"] for row in found))
    blocks: list[Block] = [
        rate_grid(words, f"{words.measure(top.measure)}, all courses, profile {profile}", [r for r in found if r["profile_id"] == profile])
        for profile in profiles
    ]
    groups = rates(words, top.measure, profile=setting["profile_id"], metric="response", window=setting["headline_window_id"])
    by = {
        breakdown: rates(words, top.measure, profile=setting["profile_id"], metric="response", window=setting["headline_window_id"],
                         breakdown=breakdown, level=None)
        for breakdown in ("programme", "indication")
    }  # fmt: skip
    return [
        *blocks,
        pictures_of_groups.forest(words, top.measure, groups, by["programme"], "programme"),
        pictures_of_groups.forest(words, top.measure, groups, by["indication"], "indication"),
        pictures_of_groups.funnel(words, top.measure),
        Text(("Groups differ in more than what they are named after: observational, not randomised. No cause can be read from them.",)),
    ]


def rate_grid(words: Words, title: str, found: Sequence[Row], by: str = "metric_id") -> Grid:
    """Rates with everything that belongs to them; `by` is what the lines differ in."""
    names = {"metric_id": words.metric, "level": words.level, "window_id": words.window}
    numbers = ("Enrolled", "Can apply to", "Measured", "Coverage", "Met", "Rate (95 per cent interval)", "Bounds")
    rows = [
        (
            names[by](r[by]) + ("" if by == "window_id" else f", {words.window(r['window_id'])}"),
            *(words.count(r, name) for name in ("enrolled", "eligible", "measured")),
            words.coverage(r),
            words.count(r, "numerator"),
            words.rate(r),
            words.bounds(r),
        )
        for r in found
    ]
    first = {"metric_id": "Outcome", "level": "Group", "window_id": "When"}[by]
    return _grid(title, (first, *numbers), rows, numbers)


def _durability(words: Words, top: Headline | None) -> list[Block]:
    found = words.release.rows(
        "select * from published.survival_median where profile_id = ? and breakdown = 'all' and counted_in = 'days' "
        "order by event_id, instrument_id, maintenance",
        [words.release.setting["profile_id"]],
    )
    wanted = {*([top.measure] if top else []), *(measure for _, measure in words.release.primary)}
    rows = [
        (
            f"{m['title']}{'' if m['maintenance'] == 'all' else ', ' + m['maintenance'] + ' boosters'}",
            words.measure(m["instrument_id"]),
            words.count(m, "courses"),
            words.count(m, "events"),
            _median(words, m),
        )
        for m in found
        if m["instrument_id"] in wanted
    ]
    numbers = ("Courses", "Events", "Half of them by day (95 per cent interval)")
    remarks = ("not reached: fewer than half are seen to have the event. Who stops answering may be better or worse than who goes on.",)
    grid = _grid("Days to response, to remission, and to loss of response", ("What", "Measure", *numbers), rows, numbers, remarks)
    return [*([pictures.survival(words, top.measure)] if top else []), grid]


def _median(words: Words, row: Row) -> str:
    if row["is_suppressed"]:
        return words.count(row, "events")
    if row["median_by"] is None:
        return "not reached"
    if row["low_by"] is None and row["high_by"] is None:
        return words.numerals.plain(row["median_by"])
    low, high = ("open" if row[name] is None else words.numerals.plain(row[name]) for name in ("low_by", "high_by"))
    return f"{words.numerals.plain(row['median_by'])} ({low} to {high})"


def _safety(words: Words, top: Headline | None) -> list[Block]:
    found = words.release.rows("select * from published.safety where breakdown = 'all' order by kind_id <> 'any', title")
    names = ("patient_rate", "patient_rate_low", "patient_rate_high")
    rows = [
        (s["title"], words.count(s, "patients"), words.count(s, "patients_with_event"), words.rate(s, names), words.count(s, "events"),
         words.number(s, "events_per_dose", 3))
        for s in found
    ]  # fmt: skip
    numbers = ("Patients", "With one", "Share (95 per cent interval)", "Events", "Per dose")
    remarks = ("Counts what was recorded: a clinic that does not ask finds nothing. 0 is a true zero, with the most it still allows.",)
    blocks: list[Block] = [
        _grid("Adverse events", ("Kind", *numbers), rows, numbers, remarks),
        pictures.clock(words),
        doses_kept(words, ("dissociation", "vital_signs")),
    ]
    thoughts: list[Row] = []
    for metric in ("si_emergent", "si_resolved", "si_persisted"):
        thoughts += rates(words, "phq9", metric=metric, profile=words.release.setting["profile_id"])
    return [*blocks, rate_grid(words, "Thoughts of death or self-harm (item 9 of the PHQ-9)", [t for t in thoughts if t["enrolled"] != 0])]


def _grid(title: str, columns: Sequence[str], rows: Sequence[tuple[Any, ...]], numbers: Sequence[str], remarks: Sequence[str] = ()) -> Grid:
    return Grid(title, tuple(columns), tuple(rows), frozenset(numbers), tuple(remarks))
