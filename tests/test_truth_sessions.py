"""What was planted in the sessions and the screening of the synthetic clinic, compared with the tables that were published of it.

Nothing is hidden in this night, so each count has to be the one that was planted. Each planted share has to lie within the 99.9 %
interval of the published one.
"""

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal
from scipy.stats import CensoredData, ecdf  # type: ignore[import-untyped]
from truth_tools import COURSES_PATIENTS, COURSES_SEED, PLAN, Found, lived_in, plausible

from outcomes.clinic import ProgrammeTruth, Share, year

ENOUGH = 20  # courses, for a correlation
PLAN_AS_OF = (PLAN.as_of - dt.date(1970, 1, 1)).days


@pytest.fixture(scope="module")
def found(courses_clinic: Path) -> Found:
    return lived_in(courses_clinic)


def added(*names: str) -> Callable[[ProgrammeTruth], Share | None]:
    """Of a programme, the planted shares of these names together; None where nothing of the kind is planted."""

    def share(programme: ProgrammeTruth) -> Share | None:
        if names[0] not in programme.shares:
            return None
        shares = [programme.shares[name] for name in names]
        return Share(sum(s.numerator for s in shares), shares[0].denominator, sum(s.planted or 0.0 for s in shares))

    return share


DOSES = "select level, met as numerator, judged as denominator, rate from published.session_conformance where rule_id = '{}'"
LATER = """
select level, a.met - b.met as numerator, a.judged as denominator, a.rate - b.rate as rate
from published.session_conformance as a join published.session_conformance as b using (breakdown, level)
where a.rule_id = 'integration_7d' and b.rule_id = 'integration_72h'
"""
NEVER = """
select level, judged - met as numerator, judged as denominator, 1 - rate as rate
from published.session_conformance where rule_id = 'integration_7d'
"""
BOOSTERS = """
select level, responding_{0} as numerator, boosters as denominator, rate_{0} as rate
from published.booster where instrument_id = 'pcl5' and number = '1'
"""
STEP = "select level, taken as numerator, asked as denominator, rate from published.screening where step_id = '{}'"
PLANTED = {
    # what was planted: how the truth counts it, and how the published tables do
    "dissociation resolved within 120 min": (added("resolved_within_120"), DOSES.format("resolved_within_120")),
    "dissociation at its peak within 60 min": (added("peak_within_60"), DOSES.format("peak_within_60")),
    "clock recorded": (
        added("clock_recorded"),
        "select level, judged as numerator, doses as denominator, coverage as rate from published.session_conformance "
        "where rule_id = 'resolved_within_120'",
    ),
    "integration within 24 h": (added("integration_within_24h"), DOSES.format("integration_24h")),
    "integration within 72 h": (added("integration_within_24h", "integration_h24_72"), DOSES.format("integration_72h")),
    "integration after 72 h": (added("integration_over_72h"), LATER),
    "no integration": (added("integration_none"), NEVER),
    "doses with an adverse event": (
        added("sessions_with_event"),
        "select level, doses_with_event as numerator, doses as denominator, doses_with_event / doses as rate "
        "from published.safety where kind_id = 'any'",
    ),
    "responding before the first booster": (added("booster_responding_before"), BOOSTERS.format("before")),
    "responding after the first booster": (added("booster_responding_after"), BOOSTERS.format("after")),
    "excluded of the screened": (added("screening_exclusion"), STEP.format("excluded")),
    "begun of the included": (added("start"), STEP.format("started")),
}


@pytest.mark.parametrize("what", PLANTED)
def test_a_planted_share_is_published_as_it_was_planted(what: str, found: Found) -> None:
    share, query = PLANTED[what]
    rows = {row["level"]: row for row in found.published(f"{query} and breakdown = 'programme'").to_dicts()}
    planted = {p.programme_id: true for p in found.truth.programmes if (true := share(p)) is not None}
    assert len(planted) >= (1 if "booster" in what else 3)
    for programme, true in planted.items():
        row = rows[programme]
        assert (row["numerator"], row["denominator"]) == (true.numerator, true.denominator), programme
        assert row["rate"] == pytest.approx(true.numerator / true.denominator, abs=1e-9), programme
        assert plausible(row["numerator"], row["denominator"], true.planted or 0.0), programme


COUNTS = {
    "events": "select level, events as n from published.safety where kind_id = 'any'",
    "serious_events": "select level, events as n from published.safety where kind_id = 'serious'",
    "screened": "select level, screened as n from published.screening where step_id = 'excluded'",
    "excluded": "select level, taken as n from published.screening where step_id = 'excluded'",
    "started": "select level, taken as n from published.screening where step_id = 'started'",
    "integration": "select level, sessions as n from published.session_mix where mix_id = 'integration'",
    "preparation": "select level, sessions as n from published.session_mix where mix_id = 'preparation'",
    "therapy": "select level, sessions as n from published.session_mix where mix_id = 'therapy'",
    "courses": "select level, courses as n from published.session_mix where mix_id = 'medicine'",
    "maintenance_completed": "select level, boosters as n from published.maintenance where true",
    "meq30_recorded": "select level, doses as n from published.session_value where value_id = 'meq30_total'",
    "medicine_stopped_early": "select level, judged - met as n from published.session_conformance where rule_id = 'given_in_full'",
}


@pytest.mark.parametrize("count", COUNTS)
def test_a_count_of_a_programme_is_published_as_it_was_planted(count: str, found: Found) -> None:
    rows = found.published(f"{COUNTS[count]} and breakdown = 'programme'")
    assert dict(rows.iter_rows()) == {p.programme_id: p.counts[count] for p in found.truth.programmes}


def test_the_time_to_the_first_booster_is_that_of_the_planted_days(found: Found) -> None:
    """By an independent product-limit, from the days on which sessions were generated."""
    lived = year.live_through(PLAN, COURSES_PATIENTS, COURSES_SEED)
    given = lived.sessions.filter(kind="medicine", status="completed")
    days = {phase: given.filter(phase=phase).group_by("course").agg(pl.col("day").sort()) for phase in ("induction", "maintenance")}
    both = days["induction"].join(days["maintenance"], on="course", how="left", suffix="_booster")
    end, first = both["day"].list.last(), both["day_booster"].list.first()
    seen = pl.Series([PLAN_AS_OF] * both.height)
    until = first.fill_null(pl.select(pl.min_horizontal(end + 90, seen)).to_series()) - end
    data = CensoredData.right_censored(until.to_list(), first.is_null().to_list())
    curve = ecdf(data).cdf
    row = found.published("select * from published.maintenance where breakdown = 'all'").to_dicts()[0]
    assert row["courses"] == both.height
    assert row["boosted"] == first.is_not_null().sum()
    for name, share in {"lower_days": 0.25, "median_days": 0.5, "upper_days": 0.75}.items():
        reached = curve.quantiles[curve.probabilities >= share - 1e-9]
        assert row[name] == (reached[0] if len(reached) else None), name
    months = sum(
        min(((boosters or [last])[-1]) + 90, PLAN_AS_OF) - last for last, boosters in zip(end, both["day_booster"].to_list(), strict=True)
    )
    assert row["months"] == pytest.approx(months / 30.4375)
    assert row["boosters_per_month"] == pytest.approx(row["boosters"] / (months / 30.4375))


def test_an_experience_goes_with_the_change_as_it_was_planted(found: Found) -> None:
    """The correlation of each primary measure, from the year itself: highest of the induction against improvement in the window."""
    lived = year.live_through(PLAN, COURSES_PATIENTS, COURSES_SEED)
    deepest = lived.sessions.filter(phase="induction").group_by("course").agg(pl.col("meq30_total").max()).drop_nulls()
    base = lived.scores.filter(visit="baseline").select("course", "measure", base="severity")
    pairs = lived.scores.filter("is_picked", "is_due").join(base, on=["course", "measure"]).join(deepest, on="course")
    rows = found.published("from published.acute_experience where value_id = 'meq30_total' and breakdown = 'programme'")
    checked = 0
    asked = {programme.id for programme in PLAN.programmes if programme.meq30[1]}
    for outcome in (o for o in PLAN.outcomes if o.primary and o.programme in asked):
        for measure in outcome.measures:
            of = pairs.filter(programme_id=outcome.programme, measure=measure)
            r = of.select(pl.corr("meq30_total", pl.col("base") - pl.col("severity"))).item()
            row = rows.filter(level=outcome.programme, instrument_id=measure).to_dicts()[0]
            assert row["n"] == of.height
            if of.height >= ENOUGH:
                assert row["r"] == pytest.approx(r, abs=1e-6)
                assert row["r_high"] > 0.1
                checked += 1
    assert checked >= 4


def test_reasons_of_exclusion_are_published_as_they_were_planted(found: Found) -> None:
    people = year.live_through(PLAN, COURSES_PATIENTS, COURSES_SEED).people.filter(screen_result="excluded")
    true = dict(people.group_by("exclusion_reason").len().iter_rows())
    rows = found.published("select exclusion_reason, patients, excluded from published.exclusion where breakdown = 'all'").to_dicts()
    assert {row["exclusion_reason"]: row["patients"] for row in rows} == true
    shares = PLAN.shares["exclusion_reasons"]
    assert [row for row in rows if not plausible(row["patients"], row["excluded"], shares[row["exclusion_reason"]])] == []


def test_kinds_of_events_are_published_as_they_were_drawn(found: Found) -> None:
    """By the group of the term, and by the grade."""
    drawn = year.live_through(PLAN, COURSES_PATIENTS, COURSES_SEED).events
    rows = found.published("select kind_id, events from published.safety where breakdown = 'all'")
    published: dict[Any, int] = dict(rows.iter_rows())
    for kind, terms in {"gastrointestinal": ["nausea", "vomiting"], "urinary": ["bladder_symptoms"], "psychiatric": ["anxiety"]}.items():
        assert published[kind] == drawn.filter(pl.col("term").is_in(terms)).height, kind
        planted = sum(PLAN.shares["event_terms"][term] for term in terms)
        assert plausible(published[kind], published["any"], planted), kind
    assert published["severe"] == drawn.filter(severity="severe").height
    assert plausible(published["severe"], published["any"], PLAN.shares["event_severities"]["severe"])


def test_the_comparison_fails_where_another_rule_is_asked(found: Found) -> None:
    """What was planted within 72 hours is not plausible of those within 24."""
    rows = {row["level"]: row for row in found.published(f"{DOSES.format('integration_24h')} and breakdown = 'programme'").to_dicts()}
    within_72 = added("integration_within_24h", "integration_h24_72")
    apart = [p for p in found.truth.programmes if p.shares.get("integration_h24_72", Share(0, 0, 0.0)).planted]
    planted = {p.programme_id: true.planted for p in apart if (true := within_72(p)) is not None}
    assert len(planted) >= 2
    assert [name for name, share in planted.items() if plausible(rows[name]["numerator"], rows[name]["denominator"], share or 0.0)] == []


# Every count and mean of the tables of sessions again, from rows of single courses and doses


def with_levels(found: Found, rows: pl.DataFrame, key: str, *breakdowns: str) -> pl.DataFrame:
    """The rows, each once for every level of its course or dose."""
    levels = [found.sql(f"select {key}, unnest(levels) from core.{table}") for table in breakdowns]
    long = [frame.unpivot(index=key, variable_name="breakdown", value_name="level") for frame in levels]
    return rows.join(pl.concat(long).with_columns(pl.col("level").fill_null("unknown")), on=key)


def test_what_was_recorded_of_the_doses_is_counted_again(found: Found) -> None:
    names = found.sql("select value_id from ref.dose_value")["value_id"].to_list()
    doses = found.sql("select * from core.dose").with_columns(pl.col("was_given_in_full").cast(pl.Int64))
    values = doses.unpivot(names, index=["session_id", "course_id", "patient_id"], variable_name="value_id").drop_nulls("value")
    of_courses = with_levels(found, values, "course_id", "course_breakdown")
    of_doses = with_levels(found, values, "session_id", "dose_breakdown").select(of_courses.columns)
    recounted = (
        pl.concat([of_courses, of_doses])
        .with_columns(pl.col("value").cast(pl.Float64).round(6))
        .group_by("value_id", "breakdown", "level")
        .agg(
            patients=pl.col("patient_id").n_unique(),
            doses=pl.len(),
            mean=pl.col("value").mean(),
            sd=pl.col("value").std(),
            median=pl.col("value").median(),
        )
    )
    rows = found.published("from published.session_value").select(recounted.columns)
    published, of_nobody = rows.filter(pl.col("doses") > 0), rows.filter(pl.col("doses") == 0)
    assert of_nobody.select("patients", "mean", "sd", "median").unique().rows() == [(0, None, None, None)]
    where = ["value_id", "breakdown", "level"]
    assert published.height > 1000
    assert_frame_equal(published.sort(where), recounted.sort(where), check_dtypes=False, abs_tol=1e-6, rel_tol=1e-9)


KEPT_TO = {
    # what a course that keeps to the rule has; null where it can't be known
    "induction_sessions": pl.col("induction_sessions").is_between(4, 8),
    "induction_span": (pl.col("end_of_induction_on") - pl.col("day_0")).dt.total_days().is_between(7, 28),
    "given_as_planned": pl.when(pl.col("planned") > 0).then(pl.col("given") - pl.col("stopped_early") >= pl.col("planned")),
    "one_route": ~pl.col("has_switched_route"),
    "one_programme": ~pl.col("has_switched_programme"),
    "prepared": pl.col("preparation") >= 1,
    "integrated": pl.when(pl.col("given") > 0).then(2 * pl.col("integration") >= pl.col("given")),
    "maintained": pl.col("maintenance_sessions") >= 1,
    "in_blocks": pl.col("largest_block") >= 2,
    "as_promised": pl.col("format") == pl.col("promised_format"),
}


def test_what_courses_kept_to_is_counted_again(found: Found) -> None:
    courses = found.sql("from core.course left join (select * exclude (patient_id) from core.course_care) using (course_id)")
    verdicts = courses.select("course_id", **KEPT_TO).unpivot(index="course_id", variable_name="rule_id", value_name="met")
    recounted = (
        with_levels(found, verdicts, "course_id", "course_breakdown")
        .group_by("rule_id", "breakdown", "level")
        .agg(courses=pl.len(), judged=pl.col("met").count(), met=pl.col("met").sum())
    )
    published = found.published("from published.course_conformance")
    where = ["rule_id", "breakdown", "level"]
    assert_frame_equal(published.select(recounted.columns).sort(where), recounted.sort(where), check_dtypes=False)
    rates = published.filter(pl.col("judged") > 0)
    assert (rates["rate"] - rates["met"] / rates["judged"]).abs().max() < 1e-9
    assert set(published["rule_id"]) == KEPT_TO.keys()
