"""The page and the verb that set the same data under other definitions beside each other."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from test_night import SETTINGS, small_clinic
from typer.testing import CliRunner

from outcomes import cli, compare, log, verbs
from outcomes.settings import load

Night = Callable[..., tuple[int, str]]
ALSO = 'also = ["nhs-tt", "cbe1884"]'


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clinic of thirty, some of whom answered twice before treatment: higher first, lower on the eve."""
    folder = tmp_path_factory.mktemp("published")
    small_clinic(folder, settings=SETTINGS.replace('also = ["nhs-tt"]', ALSO))
    early = [f"p{n:03},phq9,2025-02-10,27" for n in range(0, 30, 3)]
    (folder / "inbox" / "questionnaires_2025-06-02.csv").write_text("\n".join(["patient_id,instrument_id,answered_at,total", *early, ""]))
    config = folder / "outcomes.toml"
    code, line = verbs.run(load(config), config, verbs.Wanted(date(2026, 1, 1)), log.silent)
    assert code == 0, line
    return folder


def test_the_page_stands_beside_the_tables_and_says_what_moves_a_number(published: Path) -> None:
    release = published / "data" / "published" / "current"
    text = (release / "compare.md").read_text(encoding="utf-8")
    assert text == compare.page(release / "outcomes.duckdb")
    assert "| PHQ-9 | Response | d30 | ketamine-rwe |" in text
    assert "cbe1884.m6" in text
    assert "score before treatment is the baseline." in text
    assert "compare.md" in (release / "checksums.txt").read_text()


def test_the_verb_prints_the_table(published: Path) -> None:
    done = CliRunner().invoke(cli.app, ["compare", "--config", str(published / "outcomes.toml"), "--instrument", "phq9"])
    assert done.exit_code == 0
    assert "own rule" in done.output
    assert "worst" in done.output


def test_a_measure_without_rates_is_answered_with_those_that_have_some(published: Path) -> None:
    done = CliRunner().invoke(cli.app, ["compare", "--config", str(published / "outcomes.toml"), "--instrument", "phq8"])
    assert done.exit_code == 2
    assert done.output.strip() == "no rate of phq8 is published; there are rates of phq9"


def test_before_the_first_night_there_is_nothing_to_compare(tmp_path: Path) -> None:
    small_clinic(tmp_path)
    done = CliRunner().invoke(cli.app, ["compare", "--config", str(tmp_path / "outcomes.toml")])
    assert done.exit_code == 1


def test_what_is_hidden_is_called_so(tmp_path: Path, night: Night) -> None:
    small_clinic(tmp_path, patients=12, settings=SETTINGS.replace('rule = "off"', 'rule = "cms"'))
    code, line = night()
    assert code == 0, line
    rows = compare.rows(compare.cells(tmp_path / "data" / "published" / "current" / "outcomes.duckdb"))
    hidden = [row for row in rows if row[compare.LEFT] == compare.HIDDEN]
    assert hidden
    assert not any(cell for row in hidden for cell in row[compare.LEFT + 1 :])
