"""Generated pages: each questionnaire has one, it says what the definitions say, and doubt is never left out."""

import re
from pathlib import Path

import pytest

from outcomes import instrument_pages, instruments, pages
from outcomes.markdown import listed, runs, table
from outcomes.profile_model import Rule

DOCS = Path(__file__).parents[1] / "docs"
LIBRARY = instruments.load()
PAGES = instrument_pages.pages(LIBRARY)
RULES = [(profile.id, rule) for profile in LIBRARY.profiles.values() for rule in profile.rules]


def test_pages_of_the_questionnaires_are_current() -> None:
    assert {path.name: path.read_text(encoding="utf-8") for path in (DOCS / "instruments").glob("*.md")} == PAGES, "run `outcomes docs`"


def test_every_questionnaire_has_a_page_and_a_line_of_the_index() -> None:
    linked = set(re.findall(r"\]\((\w+\.md)\)", PAGES["README.md"]))
    assert linked == {f"{name}.md" for name in LIBRARY.instruments} == set(PAGES) - {"README.md"}


@pytest.mark.parametrize("name", LIBRARY.instruments)
def test_page_has_its_parts_in_order_and_once(name: str) -> None:
    parts = ["How it is scored", "What counts as better", "LOINC codes", "Sources"]
    found = re.findall(r"^## (.*)$", PAGES[f"{name}.md"], flags=re.MULTILINE)
    assert [part for part in found if part in parts] == parts
    assert len(found) == len(set(found))


@pytest.mark.parametrize(("profile", "rule"), RULES, ids=[f"{profile} {rule.instrument}" for profile, rule in RULES])
def test_every_threshold_stands_with_its_source_and_its_mark(profile: str, rule: Rule) -> None:
    measure = LIBRARY.measures[rule.instrument]
    page = PAGES[f"{measure.questionnaire_id}.md"]
    lines = [line for line in page.splitlines() if line.startswith(f"| `{profile}` | {measure.title} |")]
    assert len(lines) == len(rule.thresholds)
    for name, line in zip(rule.thresholds, lines, strict=True):
        assert (rule.source.of(name) or "?") in line.replace("&lt;", "<").replace("\\|", "|")
        assert ("⚠ **unverified**" in line) == (rule.trust.of(name) == "unverified")


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("phq9", "It asks about 14 days: a form of the windows `h24` or `d7` also describes days before the first session."),
        ("madrs", "a form of the window `h24` also describes"),
        ("lsas_sr", "Under `ketamine-rwe` whoever starts at 30 to 35 is a case and in remission at once."),
        ("pdss_sr", "**PDSS-SR**, panic disorder with agoraphobia"),
        ("pdss_sr", "Response: 40 % or more better than the baseline"),
        ("qids_sr16", "the highest of 1-4, 5, the highest of 6-9"),
        ("gad7", "The wording may be shown"),
        ("who5", "| Better is | higher |"),
        ("mini_spin", "None was found."),
        ("phqa", "up to 2: replaced by the mean of the others; no score with more"),
        ("phq9", "item 9 answered 1 or higher is looked at by itself"),
        ("pcl5", "- at least 2 of items 8-14 answered 2 or higher"),
    ],
)
def test_page_says(name: str, sentence: str) -> None:
    assert sentence in PAGES[f"{name}.md"]


def test_a_measure_of_24_hours_is_not_too_early_for_them() -> None:
    assert "describes days before" not in PAGES["madrs24.md"]


@pytest.fixture
def docs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(pages, "PAGES", {"one.md": lambda: "one"})
    monkeypatch.setattr(pages, "FOLDERS", {"many": lambda: {"a.md": "a", "b.md": "b"}})
    return tmp_path


def test_a_check_names_what_is_stale_and_writes_nothing(docs: Path) -> None:
    assert pages.write(check=True, docs=docs) == ["one.md", "many/a.md", "many/b.md"]
    assert not list(docs.iterdir())


def test_pages_are_written_and_those_that_nothing_makes_are_removed(docs: Path) -> None:
    (docs / "many").mkdir()
    (docs / "many" / "gone.md").write_text("?")
    (docs / "own.md").write_text("not generated")
    assert pages.write(check=False, docs=docs) == ["one.md", "many/a.md", "many/b.md", "many/gone.md"]
    assert {str(path.relative_to(docs)) for path in docs.rglob("*.md")} == {"one.md", "many/a.md", "many/b.md", "own.md"}
    assert pages.write(check=True, docs=docs) == []


def test_cells_are_escaped() -> None:
    assert table(["a", "b"], [["x|y\nz", "< 5"]]) == "| a | b |\n| - | - |\n| x\\|y z | &lt; 5 |"


@pytest.mark.parametrize(("numbers", "text"), [([1, 2, 3], "1-3"), ([4, 1, 6, 7], "1, 4, 6-7"), ([], "")])
def test_neighbours_are_joined(numbers: list[int], text: str) -> None:
    assert runs(numbers) == text


@pytest.mark.parametrize(("words", "text"), [([], ""), (["a"], "a"), (["a", "b"], "a and b"), (["a", "b", "c"], "a, b and c")])
def test_words_are_listed(words: list[str], text: str) -> None:
    assert listed(words) == text
