"""The pages about metrics and benchmarks say what the definitions say; that they are up to date is compared with the other pages."""

import re

import pytest

from outcomes import metric_pages, places, sqlfiles

FILES = sqlfiles.read_folder(places.folder("sql"), ["metric"])
PAGES = metric_pages.pages()


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_a_metric_has_a_page(file: sqlfiles.SqlFile) -> None:
    page = PAGES[f"{file.name}.md"]
    parts = re.split(r"^## ", page, flags=re.MULTILINE)
    assert page.splitlines()[2] == f"# {file.facts['title']}"
    assert [part.splitlines()[0] for part in parts[1:]] == ["How it can mislead", "Who asks it, with which numbers", "Its cases"]
    assert f"]({file.name}.md)" in PAGES[metric_pages.INDEX]
    assert file.facts["denominator"] in page
    assert "| yes | yes |" in parts[3]
    assert "`ketamine-rwe`" in parts[2] or "| `" in parts[2]


def test_a_number_without_a_source_bears_its_mark() -> None:
    lines = [line for line in PAGES["reliable_improvement.md"].splitlines() if line.startswith("| `nhs-tt` | SPIN")]
    assert lines
    assert all("⚠ **unverified**" in line for line in lines)


@pytest.mark.parametrize(
    "said",
    [
        "**None of it is a target**",
        "| 14 to 31 days after the induction | 537 of 9016 | 53.6 % (49.4 to 57.8, computed) |",
        "randomised against placebo, double-blind; negative",
        "| 2024-25 | 50.5 % of 635,185 | 5.8 % of 670,419 | 67.5 % of 670,419 | 47.5 % of 635,185 |",
        "Open Government Licence v3.0",
    ],
)
def test_the_benchmark_page_says(said: str) -> None:
    assert said in metric_pages.benchmarks()


def test_a_fingerprint_changes_with_what_a_file_does_and_not_with_what_it_says() -> None:
    file = next(file for file in FILES if file.name == "recovery")
    said = sqlfiles.fingerprint(file)
    remarked = sqlfiles.SqlFile(**{**vars(file), "text": f"-- A remark.\n{file.text}"})
    changed = sqlfiles.SqlFile(**{**vars(file), "text": file.text.replace("not macro.meets", "macro.meets")})
    assert sqlfiles.fingerprint(remarked) == said
    assert sqlfiles.fingerprint(changed) != said
