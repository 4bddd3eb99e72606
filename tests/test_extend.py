"""docs/extend.md, done: a questionnaire, a metric and a breakdown, each in one place, each in the next release."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
from test_night import SETTINGS, small_clinic

from outcomes import places

PAGE = (Path(__file__).parent.parent / "docs" / "extend.md").read_text(encoding="utf-8")
Night = Callable[..., tuple[int, str]]


def shown(name: str) -> str:
    """The block of the page with this name."""
    found = re.search(rf"^```\w+ {name}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    assert found, name
    return found.group(1)


def published(folder: Path, sql: str) -> list[tuple[object, ...]]:
    with duckdb.connect(str(folder / "data" / "published" / "current" / "outcomes.duckdb"), read_only=True) as con:
        return con.execute(sql).fetchall()


@pytest.fixture
def definitions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of `sql/` that the night uses instead of the shipped one."""
    copy = tmp_path / "sql"
    shutil.copytree(places.folder("sql"), copy)
    shipped = places.folder
    monkeypatch.setattr(places, "folder", lambda name: copy if name == "sql" else shipped(name))
    return copy


def test_a_questionnaire_is_one_toml_and_its_thresholds_another(night: Night, tmp_path: Path) -> None:
    small_clinic(
        tmp_path,
        settings=SETTINGS.replace('also = ["nhs-tt"]', 'also = ["ours"]') + '[paths]\ninstruments = ["ours"]\nprofiles = ["ours"]\n',
    )
    (tmp_path / "ours").mkdir()
    (tmp_path / "ours" / "calm.toml").write_text(shown("questionnaire"))
    (tmp_path / "ours" / "profile.toml").write_text(shown("profile"))
    rows = [f"p{n:03},calm,2025-03-01,{20}\np{n:03},calm,2025-04-02,{20 + n}" for n in range(20)]
    (tmp_path / "inbox" / "questionnaires_2025-06-02.csv").write_text("\n".join(["patient_id,instrument_id,answered_at,total", *rows, ""]))
    code, line = night()
    assert code == 0, line
    where = "instrument_id = 'calm' and window_id = 'd30' and breakdown = 'all'"
    assert published(tmp_path, f"select n, mean_baseline, mean_score, mean_change from published.score_summary where {where}") == [
        (20, 20.0, 29.5, 9.5)
    ]
    assert published(
        tmp_path, f"select numerator, denominator from published.outcome_summary where profile_id = 'ours' and denominator > 0 and {where}"
    ) == [(10, 20)]


def test_a_metric_is_one_sql_file(night: Night, tmp_path: Path, definitions: Path) -> None:
    small_clinic(tmp_path)
    (definitions / "metric" / "large_improvement.sql").write_text(shown("metric"))
    code, line = night()
    assert code == 0, line
    where = "metric_id = 'large_improvement' and instrument_id = 'phq9' and window_id = 'd30' and breakdown = 'all'"
    where += " and profile_id = 'ketamine-rwe'"
    expected = sum((15 + n % 5) - n % 14 >= 12 for n in range(30))
    assert published(tmp_path, f"select numerator, denominator, coverage from published.outcome_summary where {where}") == [
        (expected, 30, 1.0)
    ]
    said = published(tmp_path, "select distinct metric_title from published.definition where metric_id = 'large_improvement'")
    assert said == [("Large improvement",)]


def test_a_breakdown_is_one_line(night: Night, tmp_path: Path, definitions: Path) -> None:
    small_clinic(tmp_path)
    people = [f"p{n:03},{'1' if n < 12 else ''}" for n in range(30)]
    (tmp_path / "inbox" / "patients_2025-06-01.csv").write_text("\n".join(["patient_id,failed_antidepressants", *people, ""]))
    query = definitions / "core" / "course_breakdown.sql"
    query.write_text(query.read_text().replace("        'site':", shown("breakdown") + "        'site':"))
    code, line = night()
    assert code == 0, line
    found = published(
        tmp_path,
        "select level, enrolled from published.retention "
        "where breakdown = 'failures' and instrument_id = 'phq9' and window_id = 'd30' order by all",
    )
    assert found == [("1", 12), ("unknown", 18)]
