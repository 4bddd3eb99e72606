"""The README says what is so: its demo output is the demo's, its commands and files exist, its queries run."""

import re
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
from typer.testing import CliRunner

from outcomes import cli, programme_tables
from outcomes.settings import load

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
Block = Callable[[str], str]


def block(name: str) -> str:
    found = re.search(rf"^```{name}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    assert found, name
    return found.group(1)


def test_the_demo_prints_what_the_readme_shows(demo: tuple[Path, str]) -> None:
    assert block("text demo").strip() in demo[1]


def test_the_queries_of_the_readme_run_and_find_rows(demo: tuple[Path, str]) -> None:
    code = block("python")
    statements = re.findall(r'con\.sql\("+(.*?)"+\)', code, re.DOTALL)
    assert len(statements) == 2
    with duckdb.connect(str(demo[0] / "data" / "published" / "current" / "outcomes.duckdb"), read_only=True) as con:
        for sql in statements:
            assert con.execute(sql).fetchall()


@pytest.mark.parametrize("kind", programme_tables.load().table, ids=lambda table: table.id)
@pytest.mark.parametrize("form", ["terminal", "markdown"])
def test_the_demo_answers_every_line_of_every_kind_of_programme(kind: programme_tables.Table, form: str, demo: tuple[Path, str]) -> None:
    asked = ["tables", kind.name, "--config", str(demo[0] / "outcomes.toml"), *(["--markdown"] if form == "markdown" else [])]
    said = CliRunner().invoke(cli.app, asked)
    assert said.exit_code == 0, said.output
    headings = [f"{kind.id} {line.line}. {line.title}" for line in kind.line]
    assert [heading for heading in headings if heading not in said.stdout] == []
    assert said.stdout.count("bservational, not randomised") == sum(line.compares for line in kind.line)
    assert "nothing published" not in said.stdout
    assert "None" not in said.stdout


# In the demo, bands of dose and formats cut the patients of a measure nearly as its programmes do: the gate prints one of them (`crosses`).
CROSSED = {
    "T1 c. Change by band of the first dose",
    "T2 e. Relapse after the headline window, by format",
    "T3 c. Relapse after the headline window",
}


def test_no_line_of_the_demo_is_hidden_altogether(demo: tuple[Path, str]) -> None:
    settings = load(demo[0] / "outcomes.toml")
    tables = programme_tables.shown(demo[0] / "data" / "published" / "current" / "outcomes.duckdb", settings)
    value = programme_tables.COLUMNS.index("value (95 % interval)")
    told = {line.heading: {row[value] for row in line.rows} for _, lines in tables for line in lines}
    assert {heading for heading, values in told.items() if values <= {programme_tables.HIDDEN, programme_tables.MISSING}} == CROSSED


def test_a_kind_of_programme_that_there_is_not_is_named_with_those_that_there_are(demo: tuple[Path, str]) -> None:
    said = CliRunner().invoke(cli.app, ["tables", "sleep", "--config", str(demo[0] / "outcomes.toml")])
    assert said.exit_code == 2
    assert "burnout, compassion, anxiety, ptsd, resistant" in said.output


@pytest.mark.parametrize(
    "path", sorted(set(re.findall(r"(?:tests|docs|bench|flows|sql|expectations|instruments|profiles|src)/[\w./-]*\w/?", README)))
)
def test_every_path_in_the_readme_exists(path: str) -> None:
    assert (ROOT / path).exists()


@pytest.mark.parametrize("verb", sorted(set(re.findall(r"`?outcomes (init|run|serve|status|doctor|rebuild|demo|tables|forget)\b", README))))
def test_every_verb_of_the_readme_has_help_with_an_example(verb: str) -> None:
    said = CliRunner().invoke(cli.app, [verb, "--help"])
    assert said.exit_code == 0
    assert "Example" in said.output


@pytest.mark.parametrize("target", sorted(set(re.findall(r"(?:^|`)make (\w+)", README, re.MULTILINE))))
def test_every_make_target_of_the_readme_exists(target: str) -> None:
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.MULTILINE)
