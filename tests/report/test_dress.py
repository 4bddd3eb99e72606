"""What is written where: the same bytes for the same release, listed in its checksums, and nothing for a release that can't say enough."""

import hashlib
import re
import shutil
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest
from typer.testing import CliRunner

from outcomes import cli, report
from outcomes.letter import Letter
from outcomes.report import assemble
from outcomes.report.model import Grid, Picture
from outcomes.settings import Email, Settings

KILOBYTE = 1_000


@pytest.fixture(scope="module")
def copied(snapshot: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("copied")
    shutil.copyfile(snapshot / "outcomes.duckdb", folder / "outcomes.duckdb")
    digest = hashlib.sha256((folder / "outcomes.duckdb").read_bytes()).hexdigest()
    (folder / "checksums.txt").write_text(f"{digest}  outcomes.duckdb\n")
    return folder


def test_the_night_put_the_same_bytes_beside_the_tables(snapshot: Path, rendered: report.Rendered) -> None:
    assert {name: (snapshot / name).read_bytes() == data for name, data in rendered.files.items()} == dict.fromkeys(rendered.files, True)


def test_every_file_is_listed_with_its_checksum(copied: Path, clinic: Settings) -> None:
    written = report.write(copied, clinic)
    listed = dict(reversed(line.split("  ", 1)) for line in (copied / "checksums.txt").read_text().splitlines())
    assert listed.keys() == {"outcomes.duckdb", *(str(path.relative_to(copied)) for path in written)}
    assert {name: hashlib.sha256((copied / name).read_bytes()).hexdigest() for name in listed} == listed
    assert {oct(path.stat().st_mode & 0o777) for path in written} == {"0o640"}


def test_a_release_that_does_not_say_what_it_was_asked_has_no_report(copied: Path, clinic: Settings, tmp_path: Path) -> None:
    shutil.copyfile(copied / "outcomes.duckdb", tmp_path / "outcomes.duckdb")
    with duckdb.connect(str(tmp_path / "outcomes.duckdb")) as con:
        con.execute("drop table published.setting")
    assert report.write(tmp_path, clinic) == []
    assert report.letters(tmp_path, clinic) == []


def test_another_place_writes_the_same_numbers_its_own_way(snapshot: Path, clinic: Settings) -> None:
    german = clinic.model_copy(update={"report": clinic.report.model_copy(update={"locale": "de-DE"})})
    whole = assemble.report(snapshot, german)
    assert whole.day == "01.02.2026"
    assert re.match("Response \\d+\u00a0%, remission \\d+\u00a0%", whole.subject)


def test_what_is_hidden_says_so_and_no_cell_is_blank(snapshot: Path, clinic: Settings) -> None:
    whole = assemble.report(snapshot, clinic)
    grids = [block for block in assemble.every_block(whole) if isinstance(block, Grid)]
    assert len(grids) > 100
    assert [(grid.title, row) for grid in grids for row in grid.rows if not all(row)] == []
    assert sum(cell == "hidden" for grid in grids for row in grid.rows for cell in row) > 100
    assert not any(cell in ("None", "nan", "-") for grid in grids for row in grid.rows for cell in row)


def test_every_picture_tells_in_words_what_it_shows(snapshot: Path, clinic: Settings) -> None:
    found = {block.id: block for block in assemble.every_block(assemble.report(snapshot, clinic)) if isinstance(block, Picture)}
    wanted = {"trend", "flow", "coverage", "categories", "forest-programme", "forest-indication", "funnel", "survival", "clock"}
    assert found.keys() == wanted
    for picture in found.values():
        assert len(picture.alt) > len(picture.title) + 20
        assert picture.spec is not None


@pytest.mark.parametrize("attach", [("report.pdf", "outcomes.xlsx"), ("report.pdf",), ()], ids=["both", "one", "nothing"])
def test_a_letter_brings_what_the_settings_attach(attach: tuple[str, ...], snapshot: Path, clinic: Settings) -> None:
    email = Email.model_validate({"from": "a@example.org", "owners": ["b@example.org"], "to": ["c@example.org"], "attach": attach})
    leadership, quality = report.letters(snapshot, clinic.model_copy(update={"email": email}))
    assert tuple(one.name for one in leadership.attachments) == attach
    assert quality.attachments == ()


def test_letters_are_small_and_whole(letters: dict[str, Letter]) -> None:
    for letter in letters.values():
        assert len(letter.html.encode()) < 100 * KILOBYTE
        assert letter.digest
    assert letters["leadership"].images.keys() == {"trend"}
    assert {one.name for one in letters["leadership"].attachments} >= {"report.pdf"}


def test_a_digest_stands_for_what_is_said_and_not_for_its_day(snapshot: Path, clinic: Settings, letters: dict[str, Letter]) -> None:
    from outcomes.report import mail

    whole = assemble.report(snapshot, clinic)
    later = replace(whole, title=whole.title.replace(whole.day, "Feb 8, 2026"), day="Feb 8, 2026")
    better = replace(whole, first=replace(whole.first, answer="All is well."))
    assert mail.letters(later, snapshot)[0].digest == letters["leadership"].digest
    assert mail.letters(better, snapshot)[0].digest != letters["leadership"].digest


def test_the_verb_says_where(clinic: Settings, demo: tuple[Path, str]) -> None:
    said = CliRunner().invoke(cli.app, ["report", "--open-path", "--config", str(demo[0] / "outcomes.toml")])
    assert said.exit_code == 0, said.output
    assert Path(said.stdout.strip()).name == "report.html"
    assert "report.html" in demo[1]


def test_a_clinic_without_a_release_is_told_so(tmp_path: Path) -> None:
    CliRunner().invoke(cli.app, ["init", str(tmp_path)])
    said = CliRunner().invoke(cli.app, ["report", "--config", str(tmp_path / "outcomes.toml")])
    assert said.exit_code == 2
