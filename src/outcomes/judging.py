"""The files of schema metric in; out come the tables that are stacked from all of them: `core.judgement`, `core.evidence`, `core.verdict`.

They are SQL files that nobody had to write: a new metric appears in each of them by itself.
"""

import re
from collections.abc import Iterable, Mapping
from functools import cache
from itertools import pairwise
from typing import Final

from outcomes.sqlfiles import SqlFile, parser, tokens

_ASKED: Final = "core.asked"
_OUTCOME: Final = "core.outcome"
_WAITING: Final = "meta.waiting"
_ALIKE: Final = "core.outcome_alike"
_REFERENCE: Final = ("ref.metric", "ref.profile", "ref.reason", "ref.rule")

JUDGEMENT: Final = """
The verdict of every metric on every course, instrument and window, under each profile that asks for it (core.asked).
Stacked by the builder from all files of schema metric; a new metric appears here by itself.
"""
JUDGEMENT_COLUMNS: Final = {
    "metric_id": "Metric that judged.",
    "profile_id": "Profile whose thresholds were used.",
    "course_id": "Course that was judged.",
    "instrument_id": "Measure that was judged.",
    "window_id": "Window in which the follow-up score was looked for.",
    "denominator": "Whether the course counts in the metric's denominator.",
    "numerator": "Whether the metric's condition is met.",
    "reason": "Why the course is not in the denominator; empty where it is.",
}
EVIDENCE: Final = """
What each figure is made of: one row per profile, metric, course, instrument and window, with the scores that were compared.
Stacked by the builder from all files of schema metric, with the scores of core.outcome beside them. Sums over its rows give every
figure of report.outcome_summary again.
"""
EVIDENCE_COLUMNS: Final = {
    "coalesce(why.is_enrolled, true) as is_enrolled": "Whether the measure is expected of the course and its window has passed.",
    "coalesce(why.is_eligible, true) as is_eligible": "Whether, besides, the metric can apply to its baseline.",
    "o.is_due": "Whether the window had fully passed at the as-of date.",
    "if(w.baseline_pick is null, b.baseline, own.baseline) as baseline": "Score before treatment.",
    "if(w.baseline_pick is null, b.baseline_on, own.baseline_on) as baseline_on": "Day of the baseline score.",
    "if(w.baseline_pick is null, b.baseline_form_number, own.baseline_form_number) as baseline_form_number": "Form of the baseline "
    "score (core.form).",
    "o.score": "Score in the window.",
    "o.answered_on": "Day of the score in the window.",
    "o.form_number": "Form of the score in the window (core.form).",
    "o.improvement": "Change since baseline, positive where better.",
    "o.baseline_suicidality": "Whether the item about suicidal thoughts reached its flag before treatment.",
    "o.suicidality": "Whether it does in the window.",
    "definition.definition_version": "Profile and its version, and the fingerprint of its rule for the measure and of the metric's SQL.",
}
DEFINITION: Final = """
select
    metric.metric_id, rule.profile_id, rule.instrument_id,
    rule.profile_id || '@' || profile.version || ' ' || left(sha256(metric.fingerprint || rule::varchar), 12) as definition_version
from ref.rule as rule inner join ref.profile as profile using (profile_id) cross join ref.metric as metric
"""
VERDICT: Final = """
How many courses of each combination of levels every metric judged in the same way: core.judgement, less those that wait (core.counted).
Courses whose outcomes are alike (core.outcome_alike) are judged once, where the metric looks at nothing but the outcome.
"""
VERDICT_COLUMNS: Final = {
    "metric_id": "Metric that judged.",
    "profile_id": "Profile whose thresholds were used.",
    "instrument_id": "Measure that was judged.",
    "window_id": "Window in which the follow-up score was looked for.",
    "stratum_id": "Combination of levels (core.stratum_level).",
    "denominator": "Whether the courses count in the metric's denominator.",
    "numerator": "Whether the metric's condition is met.",
    "reason": "Why the courses are not in the denominator; empty where they are.",
    "courses": "Courses that were judged so.",
}

_LOOKS_FURTHER: Final = frozenset({"distinct", "except", "exists", "group", "having", "intersect", "limit", "over", "qualify", "sample"})
_NOT_ALIKE: Final = frozenset({"answered_on", "days", "elapsed_min", "form_number"})


def stacked(files: Iterable[SqlFile]) -> list[SqlFile]:
    """The tables stacked from the metrics among the files, none where there is no metric; `core.verdict` only if it is read."""
    files = list(files)
    metrics = [file for file in files if file.schema == "metric"]
    if not metrics:
        return []
    by_file = ", ".join(name for name in JUDGEMENT_COLUMNS if name != "metric_id")
    judgement = [f"select '{file.name}' as metric_id, {by_file} from {file.table} {_asked(file)}" for file in metrics]
    evidence = (
        f"select {', '.join([*(f'j.{name}' for name in JUDGEMENT_COLUMNS), *EVIDENCE_COLUMNS])} from core.judgement as j "
        f"left join {_OUTCOME} as o using (course_id, instrument_id, window_id) "
        "left join core.baseline as b using (course_id, instrument_id) "
        "left join core.own_baseline as own using (course_id, instrument_id, window_id) left join ref.window as w using (window_id) "
        "left join ref.reason as why on why.reason_id = j.reason "
        f"left join ({DEFINITION}) as definition using (profile_id, metric_id, instrument_id)"
    )
    grouped = ", ".join(name for name in VERDICT_COLUMNS if name != "courses")
    numbered = f"with outcome as materialized (select row_number() over () as course_id, alike.* from {_ALIKE} as alike)"
    verdict = (
        f"{numbered} select {grouped}, sum(courses)::bigint as courses from ({' union all '.join(map(_verdicts, metrics))}) group by all"
    )
    of_outcomes = {re.split(r"[ .]", name)[-1]: meaning for name, meaning in EVIDENCE_COLUMNS.items()}
    judged = [file.table for file in metrics]
    tables = [
        _file("judgement", " union all ".join(judgement), JUDGEMENT, JUDGEMENT_COLUMNS, [*judged, _ASKED], is_view=True),
        _file(
            "evidence",
            evidence,
            EVIDENCE,
            JUDGEMENT_COLUMNS | of_outcomes,
            ["core.judgement", _OUTCOME, "core.baseline", "core.own_baseline", "ref.window", *_REFERENCE],
            is_view=True,
        ),
        _file("verdict", verdict, VERDICT, VERDICT_COLUMNS, [*judged, _ASKED, _ALIKE, _WAITING, "core.stratum"], is_view=False),
    ]
    return [table for table in tables if table.name != "verdict" or any(table.table in file.reads for file in files)]


def asks_one_outcome(file: SqlFile) -> bool:
    """Whether the metric's verdict on a course follows from that course's outcome in that window alone, and from what outcomes share.

    Said with certainty only: of a file that reads `core.outcome` once, no other table of a patient, and neither groups, counts nor compares
    rows.
    """
    words = [token.text for token in tokens(file.text) if token.kind != "comment"]
    places = ["".join(words[i : i + 3]) for i in range(len(words))]
    calls = {word for word, after in pairwise(words) if after == "("}
    return (
        {table for table in file.reads if not table.startswith("ref.")} == {_OUTCOME}
        and places.count(_OUTCOME) == 1
        and not (_LOOKS_FURTHER | _NOT_ALIKE) & set(words)
        and not calls & _aggregates()
    )


def _verdicts(file: SqlFile) -> str:
    columns = f"'{file.name}' as metric_id, profile_id, instrument_id, window_id, stratum_id, denominator, numerator, reason"
    if not asks_one_outcome(file):
        return (
            f"select {columns}, 1 as courses from {file.table} inner join core.stratum using (course_id, instrument_id) "
            f"anti join {_WAITING} using (course_id, instrument_id, window_id) {_asked(file)}"
        )
    judged = file.text.replace(_OUTCOME, "outcome")
    of_outcome = "(select course_id, stratum_id, courses from outcome) as outcome"
    return f"select {columns}, courses from ({judged}\n) inner join {of_outcome} using (course_id) {_asked(file)}"


def _asked(file: SqlFile) -> str:
    return f"semi join (select profile_id, window_id from {_ASKED} where metric_id = '{file.name}') as asked using (profile_id, window_id)"


def _file(name: str, text: str, header: str, meanings: Mapping[str, str], reads: Iterable[str], *, is_view: bool) -> SqlFile:
    return SqlFile("core", name, text, header.strip(), is_view, tuple(meanings.values()), frozenset(reads))


@cache
def _aggregates() -> frozenset[str]:
    names = parser().execute("select distinct function_name from duckdb_functions() where function_type = 'aggregate'").fetchall()
    return frozenset(str(name) for (name,) in names)
