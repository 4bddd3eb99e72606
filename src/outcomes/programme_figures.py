"""The published tables in; for each kind of figure one query whose columns are alike, so that any line of a programme's table can be read.

Every query answers with the columns of `BLANK`: whose figure it is (profile, id, measure, window_id, breakdown, level), its n and
coverage, the number and its interval (`share`: of 1; `points`: signed; `plain`), further words about it (`also`), what to mind (`caution`),
what must be said with it (`note`), and whether it is hidden.
"""

from typing import Final

BLANK: Final = {
    "profile": "null",
    "id": "null",
    "title": "null",
    "ordinal": "0",
    "measure": "null",
    "window_id": "null",
    "breakdown": "'all'",
    "level": "'all'",
    "n": "null",
    "coverage": "null",
    "is_coverage_hidden": "false",
    "value": "null",
    "low": "null",
    "high": "null",
    "kind": "'share'",
    "unit": "''",
    "also": "null",
    "caution": "null",
    "note": "null",
    "is_hidden": "false",
}
"""Every column, with what stands where a figure has none."""

_GROUP: Final = {"breakdown": "breakdown", "level": "level", "is_hidden": "is_suppressed"}
_FOLLOWED: Final = _GROUP | {"measure": "instrument_id", "window_id": "window_id"}
_METRICS: Final = "(select distinct metric_id, metric_title from published.definition)"
_PERCENT: Final = "round(100 * {0})::integer || ' %'"


def _select(table: str, **columns: str) -> str:
    return f"select {', '.join(f'{text} as {name}' for name, text in (BLANK | columns).items())} from {table}"


def _event(title: str, ordinal: int, **columns: str) -> str:
    return _select("published.safety", **(_GROUP | {"id": "kind_id", "title": f"title || '{title}'", "ordinal": str(ordinal)} | columns))


def _maintenance(ordinal: int, title: str, **columns: str) -> str:
    return _select("published.maintenance", **(_GROUP | {"title": f"'{title}'", "ordinal": str(ordinal), "n": "courses"} | columns))


def _per(period: str) -> dict[str, str]:
    number = f"boosters_per_{period}"
    return {"value": number, "low": f"{number}_low", "high": f"{number}_high", "kind": "'rate'"}


_MAINTENANCE: Final = " union all ".join(
    (
        _maintenance(
            1,
            "Courses with a booster",
            id="'boosted'",
            coverage="coverage",
            value="rate",
            low="rate_low",
            high="rate_high",
            also="boosted || ' courses'",
        ),
        _maintenance(
            2,
            "Days to the first booster",
            id="'first_booster'",
            coverage="coverage",
            value="median_days",
            kind="'plain'",
            unit="'days'",
            also="'quartiles ' || coalesce(lower_days::varchar, 'open') || ' and ' || coalesce(upper_days::varchar, 'open')",
        ),
        _maintenance(
            3,
            "Boosters per patient-month",
            id="'per_month'",
            **_per("month"),
            unit="'per month'",
            also="boosters || ' boosters in ' || round(months)::integer || ' months'",
        ),
        _maintenance(4, "Boosters in 90 days", id="'per_90_days'", **_per("90_days"), unit="'per 90 days'", also="boosters || ' boosters'"),
    )
)


def _boosters(when: str, ordinal: int) -> str:
    return _select(
        "published.booster",
        **_GROUP,
        profile="profile_id",
        id="number",
        title=f"'Responding {when} ' || case number when 'all' then 'a booster, all' else 'booster ' || number end",
        ordinal=f"10 * coalesce(try_cast(split_part(number, '-', 1) as integer), 0) + {ordinal}",
        measure="instrument_id",
        n="boosters",
        value=f"rate_{when}",
        low=f"rate_{when}_low",
        high=f"rate_{when}_high",
        also="printf('change at the booster %+.1f (%+.1f to %+.1f)', mean_change, change_low, change_high) || '; n: boosters'",
    )


FIGURES: Final = {
    "scores": _select(
        "published.score_summary left join published.retention using (instrument_id, window_id, breakdown, level) "
        "left join published.regression_to_mean as untreated using (instrument_id, window_id, breakdown, level)",
        **_FOLLOWED | {"is_hidden": "score_summary.is_suppressed"},
        title="'Mean change'",
        n="score_summary.n",
        coverage="score_summary.n / nullif(enrolled, 0)",
        is_coverage_hidden="coalesce(retention.is_suppressed, false)",
        value="score_summary.mean_change",
        low="change_low",
        high="change_high",
        kind="'points'",
        also="printf('from %.1f to %.1f', score_summary.mean_baseline, mean_score) || "
        "coalesce(printf(', g %.2f (%.2f to %.2f)', effect_size, effect_low, effect_high), '') || "
        "coalesce(printf(', untreated %+.1f (estimated)', expected_change), '')",
        caution="caution",
    ),
    "rates": _select(
        f"published.outcome_summary left join {_METRICS} using (metric_id)",
        **_FOLLOWED,
        profile="profile_id",
        id="metric_id",
        title="coalesce(metric_title, metric_id)",
        n="denominator",
        coverage="coverage",
        value="rate",
        low="rate_low",
        high="rate_high",
        also="printf('%.0f to %.0f %% with the unmeasured', 100 * rate_worst, 100 * rate_best)",
        caution="caution",
    ),
    "moderators": _select(
        f"published.moderator left join {_METRICS} using (metric_id)",
        breakdown="breakdown",
        level="level",
        measure="instrument_id",
        window_id="window_id",
        profile="profile_id",
        id="metric_id",
        title="coalesce(metric_title, metric_id)",
        n="denominator",
        value="rate",
        low="rate_low",
        high="rate_high",
        also="'one of ' || comparisons || ' groups compared'",
    ),
    "comparison": _select(
        f"published.programme_comparison left join {_METRICS} using (metric_id)",
        breakdown="breakdown",
        level="level",
        measure="instrument_id",
        window_id="window_id",
        profile="profile_id",
        id="metric_id",
        title="coalesce(metric_title, metric_id) || ', difference'",
        n="denominator",
        value="difference",
        low="difference_low",
        high="difference_high",
        kind="'share difference'",
        also=f"'standardised ' || coalesce({_PERCENT.format('standardised_rate')}, '-') || ', overlap ' || {_PERCENT.format('overlap')} || "
        "case when level = reference then ', the reference' else ', against ' || reference end",
        note="note",
    ),
    "categories": _select(
        "published.change_category",
        **_FOLLOWED,
        id="category",
        title="coalesce(category_title, category)",
        profile="case when is_usual then 'usual' else 'other' end",
        n="measured",
        value="rate",
        low="rate_low",
        high="rate_high",
        also="method_title",
    ),
    "bands": _select(
        "published.band_shift",
        **_FOLLOWED,
        id="shift",
        title="shift",
        ordinal="100 * from_ordinal + to_ordinal",
        n="courses",
        value="share",
        also="went",
    ),
    "curve": _select(
        "published.responder_curve",
        **_FOLLOWED,
        id="at_least_pct::varchar",
        title="'Improved by ' || at_least_pct || ' % or more'",
        ordinal="at_least_pct",
        n="measured",
        value="rate",
        low="rate_low",
        high="rate_high",
    ),
    "times": _select(
        "published.survival_median",
        **_GROUP,
        profile="profile_id",
        id="event_id",
        title="title || case maintenance when 'all' then '' else ', ' || maintenance || ' maintenance' end",
        measure="instrument_id",
        window_id="counted_in",
        n="courses",
        value="median_by",
        high="high_by",
        low="low_by",
        kind="'median'",
        unit="counted_in",
        also="events || ' events'",
    ),
    "doses": _select(
        "published.session_conformance inner join published.session_rule using (rule_id)",
        **_GROUP,
        id="rule_id",
        title="title",
        ordinal="ordinal",
        n="judged",
        coverage="coverage",
        value="rate",
        low="rate_low",
        high="rate_high",
        also="patients || ' patients; n: doses'",
    ),
    "courses": _select(
        "published.course_conformance",
        **_GROUP,
        id="rule_id",
        title="title",
        n="judged",
        coverage="coverage",
        value="rate",
        low="rate_low",
        high="rate_high",
        also="met || ' of ' || judged || ' courses'",
    ),
    "came": _select(
        "published.session_retention",
        **_GROUP,
        id="session_number::varchar",
        title="'Came to dose ' || session_number",
        ordinal="session_number",
        n="courses",
        value="retention_rate",
        low="retention_low",
        high="retention_high",
        also="reached || ' courses'",
    ),
    "months": _select(
        "published.session_process",
        id="figure_id",
        title="title",
        level="period",
        n="doses",
        coverage="coverage",
        value="value",
        kind="case chart_id when 'p' then 'share' else 'rate' end",
        unit="case chart_id when 'p' then '' else 'per dose' end",
        also="case chart_id when 'p' then printf('limits %.0f %% to %.0f %%', 100 * lower, 100 * upper) "
        "else printf('limits %.3f to %.3f', lower, upper) end || coalesce('; ' || signal, '; no signal') || '; n: doses'",
        is_hidden="is_suppressed",
    ),
    "values": _select(
        "published.session_value",
        **_GROUP,
        id="value_id",
        title="title",
        n="doses",
        value="mean",
        kind="'plain'",
        unit="unit",
        also="printf('SD %.2f, median %.1f', sd, median) || '; ' || patients || ' patients; n: doses'",
    ),
    "mix": _select(
        "published.session_mix",
        **_GROUP,
        id="mix_id",
        title="title",
        ordinal="ordinal",
        n="courses",
        value="mean",
        kind="'plain'",
        unit="'per course'",
        also="printf('median %.1f, %.2f per dose', median, per_dose) || ', ' || courses_with || ' courses with any'",
    ),
    "acute": _select(
        "published.acute_experience",
        **_GROUP,
        id="value_id",
        title="title || ', correlation with improvement'",
        ordinal="ordinal",
        measure="instrument_id",
        n="n",
        coverage="coverage",
        value="r",
        low="r_low",
        high="r_high",
        kind="'coefficient'",
    ),
    "maintenance": _MAINTENANCE,
    "boosters": _boosters("before", 1) + " union all " + _boosters("after", 2),
    "events": _event(
        ", patients",
        1,
        n="patients",
        value="patient_rate",
        low="patient_rate_low",
        high="patient_rate_high",
        also="patients_with_event || ' patients'",
    )
    + " union all "
    + _event(
        ", per dose",
        2,
        n="doses",
        value="events_per_dose",
        low="events_per_dose_low",
        high="events_per_dose_high",
        kind="'rate'",
        unit="'per dose'",
        also="events || ' events; n: doses'",
    ),
    "screening": _select(
        "published.screening",
        **_GROUP,
        id="step_id",
        title="title",
        ordinal="ordinal",
        n="asked",
        coverage="coverage",
        value="rate",
        low="rate_low",
        high="rate_high",
        also="taken || ' of ' || screened || ' patients'",
    ),
    "reasons": _select(
        "published.exclusion",
        **_GROUP,
        id="exclusion_reason",
        title="'Excluded for ' || exclusion_reason",
        n="excluded",
        value="share",
        low="share_low",
        high="share_high",
        also="patients || ' patients'",
    ),
    "benchmarks": _select(
        "published.benchmark",
        id="study_id",
        title="study_id || ': ' || figure || coalesce(' (' || arm || ')', '')",
        measure="instrument_id",
        window_id="published_window",
        breakdown="'indication'",
        level="indication",
        n="n",
        coverage="coverage",
        value="value",
        low="low",
        high="high",
        kind="case when unit like 'share%' then 'share' else 'plain' end",
        unit="case when unit like 'share%' then '' else unit end",
        also="'own: ' || case when own_is = 'shown' "
        "then printf('%.0f %% (%.0f-%.0f) of ', 100 * own_rate, 100 * own_low, 100 * own_high) || own_denominator else own_is end",
        note="'Published figures are no target; own: the same metric, measure, window and indication here'",
    ),
}
"""Query by the word that a line calls it by (`from`)."""
