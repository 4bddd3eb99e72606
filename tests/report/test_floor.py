"""The report stands above the release and sees nothing below it: no warehouse, no data folder, no clock, no other schema."""

import ast
import re
from pathlib import Path

import pytest

import outcomes.report

FOLDER = Path(outcomes.report.__file__).parent
MODULES = sorted(FOLDER.glob("*.py"))
MAY_IMPORT = {"letter", "numerals", "programme_tables", "publish", "report", "settings"}
CLOCK = re.compile(r"\b(now|today|utcnow|time\.time|current_date|get_current_timestamp)\(")
TABLE = re.compile(r"\b(?:from|join)\s+([a-z_]+)\.[a-z_]+")


def imported(path: Path) -> set[str]:
    """Modules of the house that a file imports, anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "outcomes":
            parts = node.module.split(".")
            found |= {parts[1]} if len(parts) > 1 else {alias.name for alias in node.names}
        elif isinstance(node, ast.Import):
            found |= {alias.name.split(".")[1] for alias in node.names if alias.name.startswith("outcomes.")}
    return found


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_a_module_of_the_report_imports_only_what_stands_below_it(path: Path) -> None:
    assert imported(path) <= MAY_IMPORT


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_a_module_of_the_report_reads_published_tables_only(path: Path) -> None:
    strings = [
        n.value for n in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(n, ast.Constant) and isinstance(n.value, str)
    ]
    schemas = {schema for text in strings if "select " in text for schema in TABLE.findall(text)}
    assert schemas <= {"published"}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_a_module_of_the_report_asks_no_clock(path: Path) -> None:
    assert not CLOCK.search(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_a_module_of_the_report_is_short_enough_to_be_read(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 350


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("from outcomes import warehouse", {"warehouse"}),
        ("from outcomes.store import ledger", {"store"}),
        ("import outcomes.runs", {"runs"}),
        ("def f():\n    from outcomes import private", {"private"}),
        ("from pathlib import Path", set()),
    ],
)
def test_an_import_is_found_wherever_it_stands(tmp_path: Path, text: str, found: set[str]) -> None:
    (tmp_path / "one.py").write_text(text)
    assert imported(tmp_path / "one.py") == found
