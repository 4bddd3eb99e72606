"""The demo's release, rendered once for all tests of the report."""

from pathlib import Path

import pytest

from outcomes import report
from outcomes.letter import Letter
from outcomes.settings import Settings, load


@pytest.fixture(scope="session")
def clinic(demo: tuple[Path, str]) -> Settings:
    return load(demo[0] / "outcomes.toml")


@pytest.fixture(scope="session")
def snapshot(clinic: Settings) -> Path:
    return (clinic.paths.data / "published" / "current").resolve()


@pytest.fixture(scope="session")
def rendered(snapshot: Path, clinic: Settings) -> report.Rendered:
    return report.render(snapshot, clinic)


@pytest.fixture(scope="session")
def letters(snapshot: Path, clinic: Settings) -> dict[str, Letter]:
    return {letter.kind: letter for letter in report.letters(snapshot, clinic)}
