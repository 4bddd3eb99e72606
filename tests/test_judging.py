"""What is stacked from the metrics: that judging outcomes that are alike once gives what judging each course gives."""

from collections.abc import Callable
from pathlib import Path

import pytest
from test_recount import House, build

from outcomes import judging, places, sqlfiles

__all__ = ["build"]

METRICS = sqlfiles.read_folder(places.folder("sql"), ["metric"])
COUNTED = """
select metric_id, profile_id, instrument_id, window_id, stratum_id, denominator, numerator, reason, count(*) as courses
from core.judgement join core.stratum using (course_id, instrument_id) group by all order by all
"""


def test_verdicts_are_judgements_counted(build: Callable[..., House]) -> None:
    house = build("off")
    counted = house.rows(COUNTED)
    assert counted == house.rows("select * from core.verdict order by all")
    assert max(row["courses"] for row in counted) > 1


def test_metrics_that_only_compare_scores_are_judged_once_for_all_alike() -> None:
    alike = {file.name for file in METRICS if judging.asks_one_outcome(file)}
    assert {"response", "remission", "recovery", "reliable_improvement", "mcid"} <= alike


@pytest.mark.parametrize(
    ("text", "one"),
    [
        ("select outcome.score from core.outcome inner join ref.rule using (instrument_id)", True),
        ("with judged as (select score from core.outcome where is_due) select score from judged", True),
        ("select score from core.outcome as one inner join core.outcome as other using (course_id)", False),
        ("select score from core.outcome inner join core.course using (course_id)", False),
        ("select day_0 from core.course", False),
        ("select score, answered_on from core.outcome", False),
        ("select score, days from core.outcome", False),
        ("select max(score) as score from core.outcome", False),
        ("select distinct score from core.outcome", False),
        ("select score, row_number() over (partition by course_id) as n from core.outcome", False),
        ("with judged as (select * from core.outcome) select score from judged where score > (select avg(score) from judged)", False),
    ],
)
def test_a_metric_that_looks_further_is_judged_course_by_course(tmp_path: Path, text: str, one: bool) -> None:
    (tmp_path / "metric").mkdir()
    (tmp_path / "metric" / "asked.sql").write_text(text)
    assert judging.asks_one_outcome(sqlfiles.read(tmp_path / "metric" / "asked.sql")) == one
