"""The dictionary is the one that the SQL says, and every metric is named, specified and defined."""

from pathlib import Path

import pytest

from outcomes import dictionary, places, reference

ROOT = Path(__file__).parents[1]
METRICS = sorted(path.stem for path in (places.folder("sql") / "metric").glob("*.sql"))
FILES = sorted((path for schema in ("metric", "tally", "report") for path in (places.folder("sql") / schema).glob("*.sql")), key=str)


def test_the_page_is_current() -> None:
    assert (ROOT / dictionary.PAGE).read_text(encoding="utf-8") == dictionary.page(), "run `python -m outcomes.dictionary`"


def test_every_metric_has_a_title_and_a_sentence() -> None:
    named = reference.from_folder(places.folder("sql") / "ref")["metric"]
    assert sorted(named["metric_id"]) == METRICS
    assert set(named["good_is"]) <= {"up", "down"}
    assert named.null_count().sum_horizontal().item() == 0


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}.{path.stem}")
def test_every_figure_has_a_specification(path: Path) -> None:
    assert (ROOT / "tests" / "sql" / path.parent.name / f"{path.stem}.md").exists()
