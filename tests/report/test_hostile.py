"""Values that want to be more than text stay text, in every dress."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from reading import pdf, text

from outcomes import report
from outcomes.letter import Letter
from outcomes.settings import Settings

SCRIPT = "<script>alert(1)</script>"
FORMULA = '=HYPERLINK("http://evil.example","x")'
LINES = "north\r\nBcc: all@evil.example"
TURNED = "\u202egpj.evil\u202c\u200f"
TYPST = '#read("/etc/passwd") *x* $y$ @z \\u{41}'
JINJA = "{{ 7 * 7 }}{% raw %}"
NAMES = {"north": SCRIPT, "river": FORMULA, "mesa": LINES, "summit": TURNED}


@pytest.fixture(scope="module")
def hostile(snapshot: Path, clinic: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Settings]]:
    """The demo's release with other names of sites and of an indication, read by a clinic whose own name is hostile."""
    folder = tmp_path_factory.mktemp("hostile")
    shutil.copyfile(snapshot / "outcomes.duckdb", folder / "outcomes.duckdb")
    (folder / "checksums.txt").write_text("")
    with duckdb.connect(str(folder / "outcomes.duckdb")) as con:
        for name, value in NAMES.items():
            con.execute("update published.funnel set site = ? where site = ?", [value, name])
            con.execute(
                "update published.outcome_summary set level = ? where breakdown = 'programme' and level like ?", [value, f"%{name[0]}%x"]
            )
        con.execute("update published.outcome_summary set level = ? where breakdown = 'programme' and level = 'ptsd-series'", [JINJA])
        con.execute("update published.outcome_summary set level = ? where breakdown = 'programme' and level = 'trd-infusion'", [TYPST])
        con.execute("update published.quarantine set message = ? where code = 'F08'", [SCRIPT + LINES])
        con.execute("update published.definition set source = ? where metric_id = 'response'", [FORMULA])
        con.execute("update published.safety set title = ? where kind_id = 'any'", [TURNED + TYPST])
        con.execute("update published.process set signal = ?", [SCRIPT])
    named = clinic.model_copy(update={"clinic": clinic.clinic.model_copy(update={"name": f"{SCRIPT}\r\nX: y {TURNED}"})})
    return folder, named


@pytest.fixture(scope="module")
def files(hostile: tuple[Path, Settings]) -> dict[str, bytes]:
    return dict(report.render(*hostile).files)


@pytest.fixture(scope="module")
def mails(hostile: tuple[Path, Settings]) -> list[Letter]:
    return report.letters(*hostile)


def test_pages_show_a_script_as_text(files: dict[str, bytes]) -> None:
    for name, data in files.items():
        if name.endswith(".html"):
            page = data.decode()
            own = page.count("</script>")
            assert own == (2 if name == "site/index.html" else 0), name
            assert "<script>alert" not in page
            assert "alert(1)" in text(page), name


def test_nothing_is_taken_for_a_template_or_for_markup(files: dict[str, bytes]) -> None:
    page, printed = text(files["report.html"].decode()), pdf(files["report.pdf"])
    for said in (page, printed):
        assert "7 * 7" in said
        assert "#read(" in said
        assert "HYPERLINK" in said
        assert "root:x" not in said


def test_no_text_turns_the_direction_or_breaks_a_line(files: dict[str, bytes], mails: list[Letter]) -> None:
    said = [data.decode() for name, data in files.items() if name.endswith(".html")]
    said += [part for letter in mails for part in (letter.subject, letter.html, letter.text)] + [pdf(files["report.pdf"])]
    for one in said:
        assert not re.search("[\u200e\u200f\u202a-\u202e\u2066-\u2069\r]", one)


def test_a_subject_stays_one_line_and_a_mail_has_no_new_header(mails: list[Letter]) -> None:
    for letter in mails:
        assert len(letter.subject.splitlines()) == 1
        assert not re.search(r"(?m)^(Bcc|X):", letter.text)
        assert "<script" not in letter.html


def test_nothing_of_a_page_asks_another_host(files: dict[str, bytes]) -> None:
    for name, data in files.items():
        if name.endswith(".html"):
            assert not re.search(r"""(?:src|href|action)\s*=\s*["']?(?:https?:|//|javascript:)|@import|url\(""", data.decode()), name
